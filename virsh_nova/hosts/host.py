"""What guests come from, whatever it is: a libvirt, files, a saved document, or several of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from ..model import Guest, Sighting

Detail = Literal["block", "domain", "hardware", "whole"]
"""How much to read of each guest: the block, and the XML where there is none; the XML's head with
title and description, and the rest where that holds no block; the whole XML, with the hardware; or
everything, with the persistent definition and the process too."""

Chosen = Callable[["Sighting"], bool]
Progress = Callable[[int, int], None]
"""Called with how many guests are done, and of how many."""


def everyone(_: Sighting) -> bool:
    return True


def no_progress(_done: int, _total: int) -> None:
    pass


class Note(NamedTuple):
    """A line on what was read, for the end of a run."""

    kind: Literal["warning", "note"]
    text: str


class Notes(NamedTuple):
    """What to report at the end of a run."""

    lines: tuple[Note, ...] = ()
    incomplete: bool = False
    """Whether guests may be missing, because an archive is cut off, say: the run has failed."""


NOTHING_TO_REPORT = Notes()


class Host(Protocol):
    """One host, or several that are read as one."""

    @property
    def name(self) -> str | None:
        """As it is shown; None where there is none, and for several hosts of different names."""

    @property
    def certain_name(self) -> str | None:
        """The name where it can be compared with others; None where it is a guess."""

    @property
    def is_this_machine(self) -> bool:
        """Whether the guests' processes are those of the machine that this runs on."""

    @property
    def notes(self) -> Notes:
        """What became of the reading; complete once the guests have been read."""

    def sightings(self) -> list[Sighting]:
        """What is known of each guest before its XML is read, in no order. Raises ``HostError``."""

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        """All guests, or those chosen by their sightings, in no order.

        A guest that vanishes meanwhile is skipped; one that cannot be read comes with a fault.
        Raises ``HostError`` when the host itself is lost or falls silent.
        """
