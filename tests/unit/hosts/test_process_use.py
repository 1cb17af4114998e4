"""What a process uses, as /proc shows it: a real process, and files that a test wrote."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from virsh_nova.hosts import process_use
from virsh_nova.hosts.process_use import process_use as use_of

BUSY = "import ctypes; ctypes.CDLL(None).prctl(15, b'CPU 0/KVM', 0, 0, 0)\nwhile True: pass"
"""It names itself as QEMU names the thread of a vCPU, and computes."""


def test_a_busy_process_is_seen_to_be_busy() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY]) as process:
        try:
            comm = Path(f"/proc/{process.pid}/comm")
            while comm.read_text() != "CPU 0/KVM\n":
                time.sleep(0.01)
            first = use_of(process.pid)
            time.sleep(0.5)
            second = use_of(process.pid)
        finally:
            process.kill()
    assert first is not None
    assert second is not None
    assert first.run == second.run
    assert second.cpu_seconds > first.cpu_seconds
    assert first.steal_seconds is not None
    assert second.steal_seconds is not None
    assert second.steal_seconds >= first.steal_seconds
    # Whatever it did not get of a CPU it waited for.
    spent = (second.cpu_seconds - first.cpu_seconds) + (second.steal_seconds - first.steal_seconds)
    assert 0.3 < spent < 0.9
    assert second.rss_mib is not None
    assert 1 < second.rss_mib < 500


def test_a_process_without_a_vcpu_has_no_steal() -> None:
    use = use_of(os.getpid())
    assert use is not None
    assert use.steal_seconds is None


def test_a_process_that_is_gone_has_no_use() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert use_of(process.pid) is None


def test_huge_pages_count_as_memory_and_odd_threads_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = {
        "1": ("qemu-kvm", "9 9000000000 1"),
        "2": ("CPU 0/KVM", "5 2000000000 1"),
        "3": ("CPU 11/KVM", "5 500000000 1"),
        "4": ("CPU 2/KVM", "nothing"),
        "5": ("CPU 3/KVM", ""),
        "6": ("CPU x/KVM", "5 7000000000 1"),
    }
    for task, (name, schedstat) in tasks.items():
        folder = tmp_path / "42" / "task" / task
        folder.mkdir(parents=True)
        (folder / "comm").write_text(f"{name}\n")
        (folder / "schedstat").write_text(schedstat)
    (tmp_path / "42" / "task" / "7").mkdir()
    (tmp_path / "42" / "status").write_text(
        "Name:\tqemu\nVmRSS:\t 12 kB\nHugetlbPages:\t 2048 kB\n"
    )
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    assert process_use._steal(42) == 2.5
    assert process_use._huge_pages(42) == 2.0
