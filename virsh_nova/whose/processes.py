"""From a number in ``top`` to the QEMU it belongs to: /proc, read upwards from that number.

The processes of the machine are never listed: a host of a thousand guests has tens of thousands of
threads.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import psutil

from ..hosts.this_machine import evidence_of, guest_on
from .answer import Lineage, Process, Processes

_LARGEST = 2**22
"""PID_MAX_LIMIT of Linux."""
_KTHREADD = 2
# Threads of the kernel that work for one guest; since Linux 6.4 vhost's are threads of QEMU itself.
_WORKER = re.compile(r"(?:vhost-|kvm-pit/)([0-9]+)")


class _Status(NamedTuple):
    name: str
    process: int
    parent: int


def processes_here(warn: Callable[[str], None], *, remember: bool) -> Processes:
    """/proc of this machine. What it hides goes to ``warn``; of a stream only the first time.

    A stream lasts while processes come and go, so nothing of it is remembered.
    """
    warned: list[str] = []

    def look_up(number: int) -> Lineage | None:
        lineage = lineage_of(number)
        if lineage and lineage.fault and (remember or not warned):
            warned.append(lineage.fault)
            warn(lineage.fault)
        return lineage

    return cache(look_up) if remember else look_up


def lineage_of(number: int) -> Lineage | None:
    """The process that has a number, or whose thread has it, and those it descends from.

    None where nothing has it. What may not be read is told in ``fault``.
    """
    if not 0 < number <= _LARGEST:
        return None
    try:
        status = _status(number)
    except (FileNotFoundError, ProcessLookupError):
        # With hidepid=2 others' processes look as if they were not there.
        if psutil.pid_exists(number):
            return Lineage(number, None, (), f"/proc hides process {number} from this user")
        return None
    except OSError as error:
        return Lineage(number, None, (), f"process {number} cannot be read: {error.strerror}")
    if status is None:
        return Lineage(number, None, (), f"process {number} cannot be read: no status as Linux has")
    thread = None if status.process == number else status.name
    worker = _WORKER.fullmatch(status.name) if status.parent == _KTHREADD else None
    if worker:
        works_for, fault = _upwards(int(worker[1]))
        return Lineage(number, None, (Process(number, status.name, None), *works_for), fault)
    processes, fault = _upwards(status.process)
    return Lineage(number, thread, processes, fault)


def _upwards(pid: int) -> tuple[tuple[Process, ...], str]:
    found: list[Process] = []
    try:
        process: psutil.Process | None = psutil.Process(pid)
        while process is not None:
            # Up to init: below a QEMU somebody can start a process that looks like another's.
            uuid = None
            try:
                uuid = guest_on(process.cmdline())
            finally:
                found.append(_process(process, uuid))
            process = process.parent()
    except psutil.NoSuchProcess:
        pass  # It ended while it was looked at; what was read still holds.
    except (psutil.Error, OSError) as error:
        return tuple(found), f"process {pid} cannot be read: {error}"
    return tuple(found), ""


def _process(process: psutil.Process, uuid: str | None) -> Process:
    proven = uuid is not None and evidence_of(process.pid, psutil.PROCFS_PATH).proven
    return Process(process.pid, process.name(), uuid, proven)


def _status(number: int) -> _Status | None:
    """Of a thread too; psutil knows these only from their process."""
    with open(f"{psutil.PROCFS_PATH}/{number}/status", encoding="utf-8", errors="replace") as file:
        lines = dict(line.partition(":")[::2] for line in file)
    try:
        name = lines["Name"].strip()
        return _Status(name, int(lines["Tgid"]), int(lines["PPid"]))
    except (KeyError, ValueError):
        return None
