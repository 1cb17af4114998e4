"""What a lookup returns: answers, and the processes that a PID leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ..handles.kinds import HandleKind
from ..model import Guest


class Answer(NamedTuple):
    """A guest that a handle belongs to, and as what."""

    kind: HandleKind
    value: str
    """What was found, as the guest has it: of a CIDR the address, of a prefix the whole uuid."""
    guest: Guest
    detail: str
    """What it is to the guest: ``backing file of vda``."""


class Process(NamedTuple):
    pid: int
    name: str
    uuid: str | None
    """The guest's, where the command line is that of a QEMU: anybody's can be."""
    proven: bool = False
    """Whether its executable and its user are those of a QEMU that libvirt started."""


class Lineage(NamedTuple):
    """The process or thread of a number, and its parents, from /proc at one moment."""

    number: int
    thread: str | None
    """The name of the thread with this number; None if it is a process."""
    processes: tuple[Process, ...]
    """The process, its parent, and so on up to init."""
    fault: str = ""
    """What could not be read."""


Processes = Callable[[int], Lineage | None]
"""None for a number that no process or thread has."""

RealPaths = Callable[[Iterable[str]], Mapping[str, str]]
"""Paths with their symbolic links followed; a path that cannot be followed is skipped."""
