"""Guests that were all read when their host was opened, from files or from a document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from .host import UNKNOWN_VERSIONS, Chosen, Detail, Progress, Versions

if TYPE_CHECKING:
    from ..model import Guest, Sighting


class Held(Protocol):
    """A guest that has been read already, as far as it goes."""

    @property
    def sighting(self) -> Sighting: ...
    def guest(self, detail: Detail) -> Guest: ...


class InMemory:
    """What a host that has been read already lacks: no libvirt is behind it."""

    identity = None
    certain_name: str | None

    @property
    def certain_names(self) -> frozenset[str]:
        return frozenset((self.certain_name,) if self.certain_name else ())

    @property
    def documents(self) -> frozenset[str | None]:
        return frozenset()

    def versions(self) -> Versions:
        return UNKNOWN_VERSIONS

    def close(self) -> None:
        pass


_TURN = 100
"""Guests between two reports of progress."""


def guests_of(
    held: Iterable[Held], detail: Detail, chosen: Chosen, progress: Progress
) -> list[Guest]:
    """``Host.guests`` for a host whose guests are all in memory."""
    wanted = [one for one in held if chosen(one.sighting)]
    guests = []
    for number, one in enumerate(wanted):
        if number % _TURN == 0:
            progress(number, len(wanted))
        guests.append(one.guest(detail))
    progress(len(wanted), len(wanted))
    return guests
