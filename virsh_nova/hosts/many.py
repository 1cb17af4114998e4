"""Several hosts read as one: each guest keeps the name of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .host import (
    UNKNOWN_VERSIONS,
    Chosen,
    Detail,
    Host,
    Notes,
    Progress,
    Versions,
    everyone,
    no_progress,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ..model import Guest, GuestKey, Sighting
    from .use import Use


class ManyHosts:
    """Hosts that are read one after the other."""

    identity = None

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._hosts = tuple(hosts)

    @property
    def hosts(self) -> Sequence[Host]:
        return self._hosts

    @property
    def name(self) -> str | None:
        """The one that they all have."""
        return _common([host.name for host in self.hosts])

    @property
    def certain_name(self) -> str | None:
        return _common([host.certain_name for host in self.hosts])

    @property
    def certain_names(self) -> frozenset[str]:
        return frozenset().union(*(host.certain_names for host in self.hosts))

    @property
    def is_this_machine(self) -> bool:
        return bool(self.hosts) and all(host.is_this_machine for host in self.hosts)

    @property
    def notes(self) -> Notes:
        """Warnings first."""
        each = [host.notes for host in self.hosts]
        lines = [line for notes in each for line in notes.lines]
        lines.sort(key=lambda line: line.kind == "note")
        return Notes(tuple(lines), any(notes.incomplete for notes in each))

    @property
    def read_at(self) -> datetime | None:
        """When the oldest of them was read."""
        return min((host.read_at for host in self.hosts if host.read_at), default=None)

    def versions(self) -> Versions:
        return UNKNOWN_VERSIONS

    def close(self) -> None:
        for host in self.hosts:
            host.close()

    @property
    def documents(self) -> frozenset[str | None]:
        return frozenset(name for host in self.hosts for name in host.documents)

    def sightings(self) -> list[Sighting]:
        return [seen for host in self.hosts for seen in host.sightings()]

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        guests: list[Guest] = []
        steps = [(0, 0)] * len(self.hosts)

        def progress_of(number: int) -> Progress:
            def report(done: int, total: int) -> None:
                steps[number] = done, total
                progress(sum(done for done, _ in steps), sum(total for _, total in steps))

            return report

        for number, host in enumerate(self.hosts):
            guests += host.guests(detail, chosen=chosen, progress=progress_of(number))
        return guests

    def use(self, guests: Iterable[Guest]) -> Mapping[GuestKey, Use]:
        """What the guests use of those hosts that can be looked at."""
        from .use import Measurable  # only for what measures

        everyone = list(guests)
        found: dict[GuestKey, Use] = {}
        for host in self.hosts:
            if isinstance(host, Measurable):
                found.update(host.use(guest for guest in everyone if guest.host == host.name))
        return found


def together(hosts: Sequence[Host]) -> Host:
    """The hosts as one; a single one is itself."""
    return hosts[0] if len(hosts) == 1 else ManyHosts(hosts)


def _common(names: Sequence[str | None]) -> str | None:
    different = set(names)
    return different.pop() if len(different) == 1 else None
