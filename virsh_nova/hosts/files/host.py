"""A host as its files have it, with the face of ``host.Host``: guests, told alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ...model import Sighting

if TYPE_CHECKING:
    from ...model import Guest
    from .assemble import Detail

_TURN = 100
"""Guests between two reports of progress."""


class _Recorded(Protocol):
    @property
    def sighting(self) -> Sighting: ...
    def guest(self, detail: Detail) -> Guest: ...


class RecordedHost:
    """One host, or several in a row: as lists of them joined."""

    def __init__(
        self,
        name: str | None,
        recorded: Sequence[_Recorded],
        *,
        notice: str,
        faults: Sequence[str] = (),
        incomplete: bool = False,
        is_this_machine: bool = False,
    ) -> None:
        self.name = name
        self.notice = notice
        """What was read, and how old it is: a line."""
        self.faults = tuple(faults)
        """Files that could not be read, a line each."""
        self.incomplete = incomplete
        """Whether guests may be missing, because an archive is cut off, say."""
        self.is_this_machine = is_this_machine
        """Whether the guests' processes are those of the machine this runs on."""
        self._recorded = recorded

    def sightings(self) -> list[Sighting]:
        """What is known of each guest before its XML is read."""
        return [recorded.sighting for recorded in self._recorded]

    def guests(
        self,
        detail: Detail,
        *,
        chosen: Callable[[Sighting], bool] = lambda _: True,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> list[Guest]:
        """All guests, or those chosen; one that cannot be read comes with a fault."""
        wanted = [recorded for recorded in self._recorded if chosen(recorded.sighting)]
        guests = []
        for number, recorded in enumerate(wanted):
            if number % _TURN == 0:
                progress(number, len(wanted))
            guests.append(recorded.guest(detail))
        progress(len(wanted), len(wanted))
        return guests


def joined(hosts: Sequence[RecordedHost]) -> RecordedHost:
    """Several hosts as one."""
    if len(hosts) == 1:
        return hosts[0]
    names = dict.fromkeys(host.name for host in hosts if host.name)
    return RecordedHost(
        ", ".join(names) or None,
        [recorded for host in hosts for recorded in host._recorded],
        notice="; ".join(host.notice for host in hosts),
        faults=[fault for host in hosts for fault in host.faults],
        incomplete=any(host.incomplete for host in hosts),
    )
