"""Guests from a document of our own: what ``list -f json`` or ``show -f json`` saved."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ..document.decode import decoded_guest
from ..inputs.objects import Input, ObjectKind, items_in
from ..inputs.values import FieldError
from ..model import Guest, Sighting
from ..write import write_block
from .host import NOTHING_TO_REPORT, Chosen, Detail, Notes, Progress, everyone, no_progress
from .in_memory import InMemory, guests_of
from .many import ManyHosts

SAVED = ObjectKind("guest", "guests", "a saved list -f json or show -f json")

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# A pair is one character; any other escape is matched so that the second half of one is not taken
# for the beginning of another.
_ESCAPE = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|(\\.)"
)


class SavedGuest(NamedTuple):
    """One guest of the document, which says all that there is at once."""

    saved: Guest

    @property
    def sighting(self) -> Sighting:
        guest = self.saved
        return Sighting(
            host=guest.host,
            uuid=guest.uuid,
            domain=guest.domain,
            id=guest.id,
            state=guest.state,
            reason=guest.reason,
            host_guessed=guest.host_guessed,
            read_at=guest.read_at,
        )

    def guest(self, detail: Detail) -> Guest:
        return with_block_text(self.saved) if detail == "whole" else self.saved


class SavedHost(InMemory):
    """One of the hosts whose guests a document holds."""

    is_this_machine = False

    def __init__(
        self,
        guests: Sequence[SavedGuest],
        written: datetime | None = None,
        notes: Notes = NOTHING_TO_REPORT,
    ) -> None:
        self.notes = notes
        moments = [moment for one in guests if (moment := one.saved.read_at) is not None]
        # Documents of earlier versions do not say when the guests were read.
        self.read_at = min(moments) if len(moments) == len(guests) else written
        self.name = guests[0].sighting.host
        self.certain_name = None if guests[0].sighting.host_guessed else self.name
        self._guests = guests

    @property
    def documents(self) -> frozenset[str | None]:
        return frozenset((self.name,))

    def sightings(self) -> list[Sighting]:
        return [guest.sighting for guest in self._guests]

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        return guests_of(self._guests, detail, chosen, progress)


def hosts_of(
    guests: Sequence[SavedGuest], notes: Notes, written: datetime | None = None
) -> ManyHosts:
    """The hosts of a document's guests, of which there is at least one; the first has the notes.

    ``written`` is when the document was, which counts only where it says nothing itself.
    """
    by_host: dict[tuple[str | None, bool], list[SavedGuest]] = {}
    for guest in guests:
        seen = guest.sighting
        by_host.setdefault((seen.host, seen.host_guessed), []).append(guest)
    first, *others = by_host.values()
    hosts = [SavedHost(first, written, notes), *(SavedHost(own, written) for own in others)]
    return ManyHosts(hosts)


def read_saved(
    data: bytes, path: str, broken: list[str] | None = None
) -> tuple[list[SavedGuest], list[str]]:
    """The guests, and a line for each record that could not be read.

    Raises ``NovaDomainsError`` if the data is not a list of objects. ``broken`` is as for
    ``items_in``: how many guests it would have been is not known.
    """
    guests: list[SavedGuest] = []
    faults: list[str] = []
    for item in items_in(Input(_without_surrogates(data), path), SAVED, broken):
        try:
            guests.append(SavedGuest(decoded_guest(item.raw)))
        except FieldError as error:
            faults.append(f"{path}: {item.place}: {error}; skipped")
    return guests, faults


def with_block_text(guest: Guest) -> Guest:
    """With XML made from the instance, where the document does not hold the block's own."""
    if guest.block is None or guest.block.instance is None or guest.block.xml:
        return guest
    try:
        xml = write_block(guest.block.instance)
    except ValueError:
        return guest
    return guest._replace(block=guest.block._replace(xml=xml))


def _without_surrogates(data: bytes) -> bytes:
    """U+FFFD for half a character: one such escape would make the whole document unreadable."""
    if not _SURROGATE.search(data):
        return data
    return _ESCAPE.sub(lambda found: found[0] if found[1] or found[2] else rb"\ufffd", data)
