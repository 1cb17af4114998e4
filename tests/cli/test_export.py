"""``export`` as it is run: what it prints and writes, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import failure, nova_domains, output
from tests.support.embedded import SHUTOFF, block, guest, make_host
from tests.support.paths import ROOT
from tests.support.prometheus import labels_of, samples, value_of
from tests.support.terminals import on_terminal

NOWHERE = "qemu+unix:///system?socket=/nonexistent/libvirt-sock"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_host(
        tmp_path_factory.mktemp("host"),
        guest(1, metadata=block("web-1\x9b31m")),
        guest(2, metadata=block("web-2"), state=SHUTOFF),
        guest(3, domain="plain"),
    )


@pytest.fixture
def textfile(tmp_path: Path) -> Path:
    return tmp_path / "nova-domains.prom"


def test_metrics_are_printed(host: str) -> None:
    text = output("-c", host, "export")
    assert [labels["domain"] for labels in labels_of(text, "guest_info")] == [
        "instance-00000001", "instance-00000002", "plain",
    ]  # fmt: skip
    assert value_of(text, "up") == 1
    assert "nova_domains_findings" not in text
    assert "port_info" not in output("-c", host, "export", "--no-devices")
    assert "web-2" not in output("-c", host, "export", "--no-names")


def test_metrics_are_written_and_nothing_is_printed(host: str, textfile: Path) -> None:
    assert output("-c", host, "export", "--textfile", str(textfile)) == ""
    assert len(labels_of(textfile.read_text(), "guest_state")) == 3
    assert os.listdir(textfile.parent) == [textfile.name]
    assert textfile.stat().st_mode & 0o444 == 0o444


def test_findings_are_those_of_check(host: str) -> None:
    counted = {
        (sample.labels["code"], sample.labels["severity"]): sample.value
        for sample in samples(output("-c", host, "export", "--findings"))["nova_domains_findings"]
    }
    done = nova_domains("-c", host, "check", "--severity", "note", "-f", "value")
    listed = [tuple(line.split("\t")[1::-1]) for line in done.stdout.splitlines()]
    assert listed
    assert {key: value for key, value in counted.items() if value} == {
        key: listed.count(key) for key in listed
    }
    assert 0 in counted.values()


def test_a_host_that_cannot_be_reached_replaces_the_file(host: str, textfile: Path) -> None:
    output("-c", host, "export", "--textfile", str(textfile))
    last = value_of(textfile.read_text(), "last_success_timestamp_seconds")
    assert last is not None
    for _ in range(2):
        message = failure("-c", NOWHERE, "export", "--textfile", str(textfile), code=3)
        assert "not running" in message
        text = textfile.read_text()
        assert (value_of(text, "up"), labels_of(text, "guest_info")) == (0, [])
        assert value_of(text, "last_success_timestamp_seconds") == last
    output("-c", host, "export", "--textfile", str(textfile))
    assert value_of(textfile.read_text(), "up") == 1


def test_a_host_that_cannot_be_reached_prints_that_it_is_not_up() -> None:
    done = nova_domains("-c", NOWHERE, "export")
    assert done.returncode == 3
    assert value_of(done.stdout, "up") == 0
    assert value_of(done.stdout, "last_success_timestamp_seconds") is None


def test_whatever_fails_the_old_file_is_not_left_to_look_fresh(textfile: Path) -> None:
    textfile.write_text("nova_domains_last_success_timestamp_seconds 7\n")
    failure("--files", "/nonexistent", "export", "--textfile", str(textfile), code=3)
    assert value_of(textfile.read_text(), "up") == 0
    assert value_of(textfile.read_text(), "last_success_timestamp_seconds") == 7


@pytest.mark.parametrize("old", [None, b"", b"\xff\xfe{", b"# not ours\nnode_load1 1\n"])
def test_an_old_file_of_any_kind_is_replaced(textfile: Path, old: bytes | None) -> None:
    if old is not None:
        textfile.write_bytes(old)
    failure("-c", NOWHERE, "export", "--textfile", str(textfile), code=3)
    assert value_of(textfile.read_text(), "up") == 0


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("metrics.txt", "does not end in .prom"),
        ("metrics.prom.gz", "does not end in .prom"),
        ("missing/metrics.prom", "there is no folder"),
        ("folder.prom", "it is a folder"),
    ],
)
def test_a_file_that_nobody_would_read_is_refused(
    host: str, tmp_path: Path, path: str, said: str
) -> None:
    (tmp_path / "folder.prom").mkdir()
    message = failure("-c", host, "export", "--textfile", str(tmp_path / path), code=1)
    assert said in message
    assert os.listdir(tmp_path) == ["folder.prom"]


def test_a_folder_that_cannot_be_written_to_is_refused(host: str, textfile: Path) -> None:
    textfile.write_text("old\n")
    script = 'mount --bind -o ro "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    words = [sys.executable, "-m", "virsh_nova", "-c", host, "export", "--textfile", str(textfile)]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", str(textfile.parent), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be written to" in done.stderr
    assert textfile.read_text() == "old\n"


def test_a_full_file_system_leaves_the_old_file(host: str, tmp_path: Path) -> None:
    textfile = tmp_path / "x.prom"
    textfile.write_text("old\n")
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); "
        "from virsh_nova.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", program, "-c", host, "export", "--textfile", str(textfile)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "cannot be written: File too large" in done.stderr
    assert textfile.read_text() == "old\n"
    assert os.listdir(tmp_path) == ["x.prom"]


def test_without_the_library_the_extra_is_named(host: str) -> None:
    program = (
        "import sys; sys.modules['prometheus_client'] = None; "
        "from virsh_nova.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", program, "-c", host]
    done = subprocess.run([*words, "export"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "prometheus_client, and it is not installed" in done.stderr
    assert "nova-domains[prometheus]" in done.stderr
    done = subprocess.run([*words, "export", "--help"], cwd=ROOT, capture_output=True)
    assert done.returncode == 0


def test_no_other_command_loads_the_library(host: str) -> None:
    program = (
        "import sys; from virsh_nova.cli import run; run(sys.argv[1:]); "
        "sys.exit('prometheus_client' in sys.modules)"
    )
    for command in ("list", "usage", "check"):
        words = [sys.executable, "-c", program, "-c", host, command]
        assert subprocess.run(words, cwd=ROOT, capture_output=True).returncode == 0


def test_a_terminal_gets_nothing_to_obey(host: str) -> None:
    assert "\x9b" in output("-c", host, "export")
    code, drawn = on_terminal("-c", host, "export")
    assert code == 0
    assert "\x9b" not in drawn
    assert "web-1\\x9b31m" in drawn


def test_a_saved_document_and_two_files_with_one_uuid(host: str, tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(output("-c", host, "list", "-f", "json"))
    twice = tmp_path / "twice.json"
    twice.write_text(saved.read_text().replace('"plain"', '"copy"'))
    places = ("--files", str(saved), "--files", str(twice))
    text = nova_domains("-q", *places, "export").stdout
    names = [labels["domain"] for labels in labels_of(text, "guest_info")]
    assert names == ["copy", "instance-00000001", "instance-00000002", "plain"]


def test_of_several_hosts_one_that_fails_is_not_hidden(host: str, textfile: Path) -> None:
    places = ("-c", host, "-c", NOWHERE)
    done = nova_domains(*places, "export", "--textfile", str(textfile))
    assert done.returncode == 1
    assert "1 of 2 hosts was not read" in done.stderr
    text = textfile.read_text()
    assert value_of(text, "up") == 0
    assert value_of(text, "last_success_timestamp_seconds") is None
    assert len(labels_of(text, "guest_info")) == 3
    done = nova_domains("-c", NOWHERE, "-c", f"{NOWHERE}2", "export", "--textfile", str(textfile))
    assert done.returncode == 3
    assert labels_of(textfile.read_text(), "guest_info") == []
