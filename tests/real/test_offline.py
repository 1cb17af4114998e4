"""Without libvirtd the files show the same as libvirt, in their place and copied elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab.compute_host import ComputeHost, alive
from lab.domains import plain_guest
from tests.support.offline import Documents, furnish, inside, parsed, through_libvirt
from tests.support.paths import ROOT
from tests.support.real_host import run_on


def offline(host: ComputeHost, *arguments: str) -> subprocess.CompletedProcess[str]:
    return inside(host, sys.executable, "-m", "virsh_nova", "--offline", *arguments)


def copied(host: ComputeHost, root: Path) -> Path:
    """The host's files as another machine would have them."""
    shutil.copytree(host.directory / "etc" / "qemu", root / "etc/libvirt/qemu", symlinks=True)
    (root / "run/libvirt/qemu").mkdir(parents=True)
    for path in (host.directory / "run" / "qemu").glob("*.xml"):
        shutil.copy2(path, root / "run/libvirt/qemu")
    return root


def without(documents: Documents, *keys: str) -> Documents:
    return [{key: one[key] for key in one if key not in keys} for one in documents]


def without_pid(documents: Documents) -> Documents:
    return [{**one, "pid": None, "hardware": {**one["hardware"], "pid": None}} for one in documents]


@pytest.mark.parametrize("trouble", ["none", "stopped", "killed"])
def test_offline_shows_what_libvirt_showed(empty_host: ComputeHost, trouble: str) -> None:
    furnish(empty_host)
    listed, shown = through_libvirt(empty_host)
    assert {guest["state"] for guest in listed} == {"running", "paused", "shutoff"}
    assert any(guest["differences"] for guest in shown)
    uuids = [guest["uuid"] for guest in listed]
    if trouble == "stopped":
        empty_host.stop_daemon()
    elif trouble == "killed":
        empty_host.kill_daemon()
    try:
        ours = offline(empty_host, "list", "-f", "json")
        assert ours.returncode == 0
        assert parsed(ours.stdout) == listed
        assert ours.stderr.startswith(
            "nova-domains: note: read from /etc/libvirt/qemu and /run/libvirt/qemu, "
        )
        assert ours.stderr.count("\n") == 1
        assert parsed(offline(empty_host, "show", "-f", "json", *uuids).stdout) == shown
    finally:
        if trouble == "killed":
            empty_host.restart_daemon()
        else:
            empty_host.continue_daemon()


@pytest.mark.parametrize("trouble", ["stopped", "killed"])
def test_the_error_names_offline(empty_host: ComputeHost, trouble: str) -> None:
    if trouble == "stopped":
        empty_host.stop_daemon()
    else:
        empty_host.kill_daemon()
    try:
        code, _, err = run_on(empty_host.uri, "--timeout", "1", "list")
        assert code == 3
        assert "nova-domains --offline COMMAND" in err
        code, _, err = run_on("qemu+ssh://nowhere.invalid/system", "--timeout", "1", "list")
        assert "--offline" not in err
    finally:
        if trouble == "killed":
            empty_host.restart_daemon()
        else:
            empty_host.continue_daemon()


def test_a_qemu_that_died_with_libvirtd_is_off_and_reported(empty_host: ComputeHost) -> None:
    host = empty_host
    furnish(host)
    pid = host.qemu_pid("instance-00000001")
    host.kill_daemon()
    try:
        os.kill(pid, 9)
        host.wait(lambda: not alive(pid), "QEMU does not end")
        ours = offline(host, "list", "-f", "json")
        assert ours.returncode == 0
        states = {one["domain"]: one["state"] for one in parsed(ours.stdout)}
        assert states["instance-00000001"] == "shutoff"
        assert states["instance-00000002"] == "paused"
        assert f"its QEMU, process {pid}, is gone" in ours.stderr
    finally:
        host.restart_daemon()
    # libvirt finds the same once it is back.
    listed, _ = through_libvirt(host)
    assert {one["domain"]: one["state"] for one in listed} == states


def test_the_same_files_elsewhere_show_the_same_host(
    empty_host: ComputeHost, tmp_path: Path
) -> None:
    host = empty_host
    furnish(host)
    listed, shown = through_libvirt(host)
    uuids = [guest["uuid"] for guest in listed]
    tree = copied(host, tmp_path / "tree")
    (tree / "etc/hostname").write_text(f"{listed[0]['host']}\n")
    dumps = tmp_path / listed[0]["host"]
    dumps.mkdir()
    for domain in host.connection.listAllDomains():
        (dumps / f"{domain.name()}.xml").write_text(f"{domain.XMLDesc(0)}\n")

    def read(path: Path, *arguments: str) -> Documents:
        done = subprocess.run(
            [sys.executable, "-m", "virsh_nova", "--files", str(path), *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return parsed(done.stdout)

    assert read(tree, "list", "-f", "json") == listed
    assert read(tree, "show", "-f", "json", *uuids) == shown
    # What virsh dumps shows neither states nor the persistent definition of what runs, and its
    # folder is only a guess at the host's name.
    guesses = read(dumps, "list", "-f", "json")
    assert all(guest["host_guessed"] for guest in guesses)
    assert without(guesses, "state", "host_guessed") == without(listed, "state")
    assert without_pid(
        without(
            read(dumps, "show", "-f", "json", *uuids),
            "state",
            "reason",
            "differences",
            "definitions",
            "host_guessed",
        )
    ) == without_pid(
        without(shown, "state", "reason", "differences", "definitions", "host_guessed")
    )
    for name, documents in (("list.json", listed), ("show.json", shown)):
        (tmp_path / name).write_text(json.dumps(documents))
    assert read(tmp_path / "list.json", "list", "-f", "json") == listed
    assert read(tmp_path / "show.json", "show", "-f", "json", *uuids) == shown


def test_files_that_are_not_libvirts_are_skipped(empty_host: ComputeHost) -> None:
    """What an editor leaves beside them, and what went away."""
    empty_host.define(plain_guest("here"))
    empty_host.define(plain_guest("gone"))
    folder = empty_host.directory / "etc" / "qemu"
    (folder / "gone.xml").rename(folder / "gone.xml.new")
    ours = offline(empty_host, "list", "-f", "json")
    assert [one["domain"] for one in parsed(ours.stdout)] == ["here"]
