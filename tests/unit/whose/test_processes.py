"""/proc is read upwards, from a process to the QEMU it works for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from tests.support.embedded import uuid_of
from tests.support.processes import Started, qemu_lookalike
from virsh_nova.whose.answer import Process
from virsh_nova.whose.processes import lineage_of

QEMU = [sys.executable, "-c", "input()", "-uuid", uuid_of(1).upper()]


def test_a_process_has_its_ancestors() -> None:
    lineage = lineage_of(os.getpid())
    assert lineage is not None
    assert (lineage.number, lineage.thread, lineage.fault) == (os.getpid(), None, "")
    assert [one.pid for one in lineage.processes][:2] == [os.getpid(), os.getppid()]
    assert all(one.uuid is None for one in lineage.processes)


def test_a_command_line_gives_a_uuid_and_proves_nothing() -> None:
    with Started(QEMU) as pid:
        lineage = lineage_of(pid)
    assert lineage is not None
    first = lineage.processes[0]
    assert (first.pid, first.uuid, first.proven) == (pid, uuid_of(1), False)


def test_the_executable_and_the_user_prove_a_qemu(tmp_path: Path) -> None:
    with qemu_lookalike() as executable:
        words = [executable, "-c", "read x", "sh", "-uuid", uuid_of(1)]
        with Started(words) as pid:
            lineage = lineage_of(pid)
        assert lineage is not None
        assert lineage.processes[0].proven
        assert lineage.processes[1].pid == os.getpid()
        if os.geteuid() == 0:
            with Started(words, user="nobody") as pid:
                lineage = lineage_of(pid)
            assert lineage is not None
            assert (lineage.processes[0].uuid, lineage.processes[0].proven) == (uuid_of(1), False)


def test_a_thread_leads_to_its_process() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert thread.native_id is not None
        lineage = lineage_of(thread.native_id)
    finally:
        done.set()
        thread.join()
    assert lineage is not None
    assert lineage.thread
    assert lineage.processes[0].pid == os.getpid()


@pytest.mark.parametrize("number", [0, 4194303, 4194305, 9999999999])
def test_a_number_without_a_process_gives_none(number: int) -> None:
    assert lineage_of(number) is None


def test_a_zombie_is_still_a_process() -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        lineage = lineage_of(process.pid)
    assert lineage is not None
    assert lineage.processes[0].pid == process.pid


# ---- a /proc of our own -----------------------------------------------------------------------


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One that holds what a test puts there, and hides the rest of the machine."""
    (tmp_path / "stat").write_text("btime 1\n")
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    return tmp_path


def put(proc: Path, pid: int, name: str, parent: int, *words: str) -> Path:
    folder = proc / str(pid)
    folder.mkdir()
    fields = " ".join(["0"] * 50)
    (folder / "status").write_text(f"Name:\t{name}\nTgid:\t{pid}\nPid:\t{pid}\nPPid:\t{parent}\n")
    (folder / "stat").write_text(f"{pid} ({name}) S {parent} {fields}\n")
    (folder / "cmdline").write_text("".join(f"{word}\0" for word in words))
    return folder


def test_a_worker_of_the_kernel_leads_to_its_qemu(proc: Path) -> None:
    put(proc, 4242, "qemu-kvm", 1, "/usr/libexec/qemu-kvm", "-uuid", uuid_of(1))
    put(proc, 4243, "vhost-4242", 2)
    put(proc, 4244, "vhost-99999999999", 2)
    put(proc, 4245, "vhost-4242", 1, "impostor")
    put(proc, 1, "init", 0, "init")
    lineage = lineage_of(4243)
    assert lineage is not None
    assert lineage.processes == (
        Process(4243, "vhost-4242", None),
        Process(4242, "qemu-kvm", uuid_of(1)),
        Process(1, "init", None),
    )
    for number in (4244, 4245):
        lineage = lineage_of(number)
        assert lineage is not None
        assert all(one.uuid is None for one in lineage.processes)


def test_a_hidden_process_is_reported(proc: Path) -> None:
    lineage = lineage_of(os.getpid())
    if lineage is not None:  # psutil may look into this /proc for whether there is one.
        assert lineage.processes == ()
        assert "hides" in lineage.fault


def test_a_broken_status_is_reported(proc: Path) -> None:
    (put(proc, 4242, "x", 1) / "status").write_bytes(b"\xff\0nonsense")
    lineage = lineage_of(4242)
    assert lineage is not None
    assert "cannot be read" in lineage.fault


def test_a_command_line_without_access_is_reported(
    proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(proc, 4242, "qemu-kvm", 1)

    def refuse(self: psutil.Process) -> list[str]:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "cmdline", refuse)
    lineage = lineage_of(4242)
    assert lineage is not None
    assert lineage.processes == (Process(4242, "qemu-kvm", None),)
    assert "4242 cannot be read" in lineage.fault
