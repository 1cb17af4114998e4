"""A report that the real sos made of a real host shows what libvirt showed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lab.compute_host import ComputeHost
from tests.support.offline import furnish, inside, parsed, through_libvirt
from tests.support.paths import ROOT

MISSING = "the package sosreport is missing: script/test installs it"
PLAIN = "plain"
"""sos asks virsh for a guest with a blank in its name in vain."""


def make_report(host: ComputeHost, folder: Path, *arguments: str) -> Path:
    folder.mkdir()
    done = inside(
        host,
        "sos", "report", "--batch", "-o", "libvirt,virsh,host", "--tmp-dir", str(folder),
        *arguments,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    # Beside it lies its checksum, as .md5 or .sha256.
    (report,) = folder.glob("sosreport-*.tar.[gx]z")
    return report


def read(path: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "virsh_nova", "--files", str(path), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("packing", ["xz", "gzip"])
def test_a_report_shows_what_libvirt_showed(
    empty_host: ComputeHost, tmp_path: Path, packing: str
) -> None:
    assert shutil.which("sos"), MISSING
    host = empty_host
    furnish(host, PLAIN)
    listed, shown = through_libvirt(host)
    uuids = [guest["uuid"] for guest in listed]
    report = make_report(host, tmp_path / "out", "--compression-type", packing)
    with tarfile.open(report) as archive:
        # Python 3.10 and 3.11 got filters with a late update: Debian 12's has none.
        archive.extraction_filter = getattr(tarfile, "tar_filter", None)
        archive.extractall(tmp_path / "unpacked")
    for path in (report, tmp_path / "unpacked", *(tmp_path / "unpacked").iterdir()):
        code, out, err = read(path, "list", "-f", "json")
        assert code == 0, err
        assert parsed(out) == listed
        assert err.count("\n") == 1
        code, out, err = read(path, "show", "-f", "json", *uuids)
        assert code == 0, err
        assert parsed(out) == shown


def test_a_report_of_a_host_without_libvirtd_is_read_from_its_files(
    empty_host: ComputeHost, tmp_path: Path
) -> None:
    """Nothing of virsh is in it then; libvirt's own files are."""
    assert shutil.which("sos"), MISSING
    host = empty_host
    furnish(host, PLAIN)
    listed, _ = through_libvirt(host)
    host.kill_daemon()
    try:
        report = make_report(host, tmp_path / "out")
    finally:
        host.restart_daemon()
    code, out, err = read(report, "list", "-f", "json")
    assert code == 0, err
    assert parsed(out) == listed


def test_a_report_that_is_cut_off_fails_and_says_so(
    empty_host: ComputeHost, tmp_path: Path
) -> None:
    assert shutil.which("sos"), MISSING
    furnish(empty_host, PLAIN)
    report = make_report(empty_host, tmp_path / "out", "--compression-type", "gzip")
    data = report.read_bytes()
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(data[: len(data) * 3 // 4])
    code, _, err = read(cut, "list", "-f", "json")
    assert code in (1, 3), err
    assert "is cut off" in err
