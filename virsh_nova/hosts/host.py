"""What guests come from, whatever it is: a libvirt, files, a saved document, or several of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..model import Guest, GuestKey, Sighting
    from .identity import HostIdentity

Detail = Literal["block", "domain", "whole"]
"""How much to read of each guest: the block, and the XML where there is none; the XML's head with
title and description, and the rest where that holds no block; or everything, with the hardware
and the persistent definition."""

Chosen = Callable[["Sighting"], bool]
Progress = Callable[[int, int], None]
"""Called with how many guests are done, and of how many."""


def everyone(_: Sighting) -> bool:
    return True


def no_progress(_done: int, _total: int) -> None:
    pass


def this_moment() -> datetime:
    """In UTC, to the second, as documents have it."""
    return datetime.now(timezone.utc).replace(microsecond=0)


class Note(NamedTuple):
    """A line on what was read, for the end of a run."""

    kind: Literal["warning", "note"]
    text: str
    is_summary: bool = False
    """Whether it only says what was read, and of when: a folder of hosts says it once for all."""


class Notes(NamedTuple):
    """What to report at the end of a run."""

    lines: tuple[Note, ...] = ()
    incomplete: bool = False
    """Whether guests may be missing, because an archive is cut off, say: the run has failed."""


NOTHING_TO_REPORT = Notes()


class Versions(NamedTuple):
    """Which software the host runs, as ``9.0.0``; None where that is not known."""

    libvirt: str | None = None
    hypervisor: str | None = None
    """QEMU's, for a host of QEMU guests."""


UNKNOWN_VERSIONS = Versions()


class Host(Protocol):
    """One host, or several that are read as one."""

    @property
    def name(self) -> str | None:
        """As it is shown; None where there is none, and for several hosts of different names."""

    @property
    def certain_name(self) -> str | None:
        """The name where it can be compared with others; None where it is a guess."""

    @property
    def certain_names(self) -> frozenset[str]:
        """The certain names of all hosts that were read, even if they have no guests."""

    @property
    def is_this_machine(self) -> bool:
        """Whether the guests' processes are those of the machine that this runs on."""

    @property
    def notes(self) -> Notes:
        """What became of the reading; complete once the guests have been read."""

    @property
    def read_at(self) -> datetime | None:
        """In UTC: when the files or the document were written. None for what is read live."""

    @property
    def documents(self) -> frozenset[str | None]:
        """The names of its hosts whose guests come from documents, which say when they were read:
        how old a guest is that was read otherwise, files do not tell."""

    @property
    def identity(self) -> HostIdentity | None:
        """What tells this libvirt from any other; None for what is no libvirt."""

    def versions(self) -> Versions:
        """Asks the host. Never raises."""

    def close(self) -> None:
        """Give up what the host holds open; waits for nothing. It is not read again."""

    def sightings(self) -> list[Sighting]:
        """What is known of each guest before its XML is read, in no order. Raises ``HostError``."""

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        """All guests, or those chosen by their sightings, in no order.

        A guest that vanishes meanwhile is skipped; one that cannot be read comes with a fault.
        Raises ``HostError`` when the host itself is lost or falls silent.
        """


@runtime_checkable
class Stream(Protocol):
    """What a host has too if its guests can be read one after the other, and more than once.

    Those of a fleet fill the memory: a file of what was collected need not keep them.
    """

    def outlines(self) -> Iterator[Guest]:
        """All guests, as ``document.outline`` has them."""

    def stream(self, chosen: Collection[GuestKey] | None = None) -> Iterator[Guest]:
        """All guests, or those of these keys, as ``guests`` reads them whole."""
