"""What a guest's QEMU on this machine uses, from /proc."""

from __future__ import annotations

import os
import re
import time

import psutil

from .use import Use

_VCPU = re.compile(rb"(?:CPU [0-9]+|ALL CPUs)/[A-Z]+\n?")
"""The names that QEMU gives the threads of vCPUs: ``CPU 0/KVM``."""
_HUGE_PAGES = re.compile(rb"^HugetlbPages:\s+([0-9]+) kB", re.MULTILINE)
_LONGEST_STATUS = 2**16
_MIB = 2**20


def process_use(pid: int) -> Use | None:
    """None where the process is gone or this user may not see it."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times = process.cpu_times()
            rss = process.memory_info().rss / _MIB
            began = process.create_time()
        at = time.monotonic()
        return Use(
            run=(pid, began),
            at=at,
            cpu_seconds=times.user + times.system,
            steal_seconds=_steal(pid),
            rss_mib=rss + _huge_pages(pid),
        )
    except (psutil.Error, OSError):
        return None


def _steal(pid: int) -> float | None:
    """Seconds for which its vCPUs waited for a CPU; None where no thread is known as a vCPU.

    That is what the guest sees as steal: KVM passes it the same figure of the kernel's.
    """
    tasks = f"{psutil.PROCFS_PATH}/{pid}/task"
    waited = None
    for task in os.listdir(tasks):
        try:
            with open(f"{tasks}/{task}/comm", "rb") as name:
                if not _VCPU.fullmatch(name.read(64)):
                    continue
            with open(f"{tasks}/{task}/schedstat", "rb") as stat:
                # Nanoseconds on a CPU, nanoseconds in the queue for one, turns.
                waited = (waited or 0.0) + int(stat.read(128).split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            continue  # A vCPU that was unplugged; a kernel without the figure.
    return waited


def _huge_pages(pid: int) -> float:
    """MiB of huge pages, which the kernel does not count as resident."""
    with open(f"{psutil.PROCFS_PATH}/{pid}/status", "rb") as status:
        found = _HUGE_PAGES.search(status.read(_LONGEST_STATUS))
    return int(found[1]) / 1024 if found else 0.0
