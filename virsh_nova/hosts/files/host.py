"""A host read from its files: the guests are as libvirt would report them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..host import Chosen, Detail, Notes, Progress, everyone, no_progress
from ..in_memory import InMemory, guests_of
from .assemble import GuestFiles, HostName

if TYPE_CHECKING:
    from datetime import datetime

    from ...model import Guest, Sighting


class FilesHost(InMemory):
    """One host, all of whose files have been read."""

    def __init__(
        self,
        name: HostName,
        guests: tuple[GuestFiles, ...],
        notes: Notes,
        *,
        is_this_machine: bool = False,
        read_at: datetime | None = None,
    ) -> None:
        self.name = name.text
        self.certain_name = None if name.guessed else name.text
        self.notes = notes
        """What was read and how old it is, and the files that could not be read."""
        self.is_this_machine = is_this_machine
        self.read_at = read_at
        self._guests = guests

    def sightings(self) -> list[Sighting]:
        return [guest.sighting for guest in self._guests]

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        return guests_of(self._guests, detail, chosen, progress)
