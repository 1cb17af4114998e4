"""From the files of one host to its guests: which file counts for a guest, and its state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from ...block.reader import in_quotes
from ...guests.build import (
    guest_from_domain,
    guest_with_hardware,
    unreadable_guest,
    whole_guest,
)
from ...guests.host_names import is_loopback
from ...guests.states import UNKNOWN_STATE
from ...model import Guest, Sighting
from ..host import Detail
from .domain_file import DomainFile
from .dump import read_dump
from .layout import HOST_NAME_FILES, Found, Search, written_moment
from .virsh_list import Listed, read_listing

_MOST_NOTES = 20

LivesOn = Callable[[int, str], str | None]
"""What speaks against a process being the QEMU of the guest with that uuid: empty where nothing
does, None where it is gone or names another."""


class HostName(NamedTuple):
    text: str | None
    guessed: bool = False
    """Whether it is only what the folder or archive is called."""


class GuestFiles(NamedTuple):
    """One guest, and the XML that describes it."""

    sighting: Sighting
    xml: str
    """The live definition of a running guest, a stopped one's persistent definition."""
    indent: str
    persistent_xml: str | None
    """A running guest's."""
    pid: int | None
    faults: tuple[str, ...]

    def guest(self, detail: Detail) -> Guest:
        try:
            if detail == "whole":
                guest = whole_guest(self.sighting, self.xml, self.persistent_xml, self.pid)
            elif detail == "hardware":
                guest = guest_with_hardware(self.sighting, self.xml, self.indent)
                guest = guest._replace(pid=self.pid)
            else:
                guest = guest_from_domain(self.sighting, self.xml, self.indent)
        except Exception as fault:  # One bad guest must never cost the others.
            return unreadable_guest(self.sighting, f"cannot be read: {fault!r}")
        return guest._replace(faults=self.faults + guest.faults) if self.faults else guest


class Assembled(NamedTuple):
    """What the files of one host hold."""

    guests: tuple[GuestFiles, ...]
    faults: tuple[str, ...]
    """What was skipped, and why."""
    notes: tuple[str, ...] = ()
    """What else a reader should know of the files."""


def host_name(search: Search) -> HostName:
    """The host's name as its files have it; failing that, a guess: what the search calls it."""
    said = [file for file in search.found if file.role == "hostname"]
    for wanted in HOST_NAME_FILES:
        for file in said:
            if not file.path.endswith((f"/{wanted}", f" {wanted}")):
                continue
            lines = file.data[:1000].decode("utf-8", "replace").split("\n")
            name = next((line.strip() for line in lines if line.strip()[:1] not in ("", "#")), "")
            # `hostname -f` prints a phrase, or the loopback's name, where it finds nothing.
            if not any(map(str.isspace, name)) and not is_loopback(name):
                return HostName(name)
    return HostName(search.host, guessed=search.host is not None)


def assemble(
    search: Search,
    host: HostName,
    lives_on: LivesOn | None = None,
    read_at: datetime | None = None,
) -> Assembled:
    """Put the files of a host together, by guest. Never raises for what they hold.

    ``lives_on``, where this machine is the host, is asked for every guest that has a live file.
    """
    files, faults = _Files(host, read_at), list(search.faults)
    for found in search.found:
        if found.role == "listing":
            files.listed.update(read_listing(found.data))
        elif found.role != "hostname":
            files.add(found, faults)
    named = set()
    guests = []
    for uuid in files.uuids():
        guest = files.of_guest(uuid, search.runs_known, lives_on)
        named.add(guest.sighting.domain)
        guests.append(guest)
    faults += [
        f"{search.place}: {name}: is in the list of virsh, and no file describes it"
        for name in files.listed
        if name not in named
    ]
    notes = _bounded([*search.notes, *files.notes, *files.notes_on_snapshots()])
    return Assembled(tuple(guests), tuple(faults), tuple(notes))


def _bounded(notes: list[str]) -> list[str]:
    if len(notes) <= _MOST_NOTES:
        return notes
    return [*notes[:_MOST_NOTES], f"and {len(notes) - _MOST_NOTES} more notes like these"]


def _taken(file: DomainFile) -> int:
    return file.snapshot.taken or 0 if file.snapshot else 0


def _snapshot(file: DomainFile) -> str:
    """As notes name it: ``snapshot 'before-upgrade' of 2024-05-06 07:08:09 UTC``."""
    assert file.snapshot is not None
    text = f"{file.snapshot.kind} {in_quotes(file.snapshot.name)}"
    moment = None if file.snapshot.taken is None else written_moment(file.snapshot.taken)
    return f"{text} of {moment}" if moment else text


class _Files:
    def __init__(self, host: HostName, read_at: datetime | None) -> None:
        self._host = host
        self._read_at = read_at
        self.live: dict[str, DomainFile] = {}
        self.persistent: dict[str, DomainFile] = {}
        self.dumped: dict[str, DomainFile] = {}
        """What virsh dumped of guests that ran: their live definitions."""
        self.inactive: dict[str, DomainFile] = {}
        """What else it dumped."""
        self.snapshots: dict[str, list[tuple[str, DomainFile]]] = {}
        """With the path of each."""
        self.listed: dict[str, Listed] = {}
        self.unread: set[str] = set()
        """Domain names whose live file could not be read: they may well be running."""
        self.notes: list[str] = []

    def add(self, found: Found, faults: list[str]) -> None:
        dump = read_dump(found.data)
        faults += [f"{found.path}: {fault}; skipped" for fault in dump.faults]
        self.notes += [f"{found.path}: {note}" for note in dump.notes]
        if found.role == "live" and not any(file.live for file in dump.domains):
            self.unread.add(found.path.rpartition("/")[2].removesuffix(".xml"))
        for file in dump.domains:
            if file.snapshot is not None:
                self.snapshots.setdefault(file.uuid, []).append((found.path, file))
                continue
            if found.role == "live" and not file.live:
                faults.append(f"{found.path}: it holds no <domstatus>; skipped")
                continue
            kind = self._kind(found, file)
            if file.uuid in kind:
                faults.append(f"{found.path}: another file has the uuid {file.uuid}; skipped")
            else:
                kind[file.uuid] = file

    def _kind(self, found: Found, file: DomainFile) -> dict[str, DomainFile]:
        if file.live:
            return self.live
        if found.role == "persistent":
            return self.persistent
        return self.inactive if file.id is None else self.dumped

    def uuids(self) -> list[str]:
        kinds = (self.live, self.persistent, self.dumped, self.inactive, self.snapshots)
        return list(dict.fromkeys(uuid for kind in kinds for uuid in kind))

    def of_guest(self, uuid: str, runs_known: bool, lives_on: LivesOn | None) -> GuestFiles:
        live = self.live.get(uuid)
        persistent = self.persistent.get(uuid) or self.inactive.get(uuid)
        dumped = self.dumped.get(uuid)
        if live is not None:
            return self._of_running(live, persistent, lives_on)
        file = dumped or persistent or self._newest_snapshot(uuid)
        assert file is not None
        listed = self.listed.get(file.name)
        number = listed.id if listed else None
        if dumped is not None:
            number = dumped.id
        if listed is not None:
            state = listed.state
        elif runs_known and file.name not in self.unread and number is None:
            state = "shutoff"
        else:
            state = UNKNOWN_STATE
        seen = self._sighting(uuid, file.name, number, state)
        other = persistent.xml if persistent and file is dumped else None
        return GuestFiles(seen, file.xml, file.indent, other, None, ())

    def _of_running(
        self, live: DomainFile, persistent: DomainFile | None, lives_on: LivesOn | None
    ) -> GuestFiles:
        against = lives_on(live.pid, live.uuid) if lives_on and live.pid is not None else ""
        if against is None:
            gone = f"its QEMU, process {live.pid}, is gone; libvirt has not noticed yet"
            counts = persistent or live
            seen = self._sighting(live.uuid, live.name, None, "shutoff")
            return GuestFiles(seen, counts.xml, counts.indent, None, None, (gone,))
        state, reason = live.state, live.reason
        if state is None:
            listed = self.listed.get(live.name)
            state = listed.state if listed else UNKNOWN_STATE
        seen = self._sighting(live.uuid, live.name, live.id, state, reason)
        other = persistent.xml if persistent else None
        if against:
            doubt = f"process {live.pid} is its QEMU by its command line alone: {against}"
            return GuestFiles(seen, live.xml, live.indent, other, None, (doubt,))
        return GuestFiles(seen, live.xml, live.indent, other, live.pid, ())

    def _newest_snapshot(self, uuid: str) -> DomainFile | None:
        return max((file for _, file in self.snapshots.get(uuid, ())), key=_taken, default=None)

    def notes_on_snapshots(self) -> Iterator[str]:
        """Which guests are shown as a snapshot has them, and which snapshots are not shown."""
        for uuid, files in self.snapshots.items():
            kinds = (self.live, self.persistent, self.dumped, self.inactive)
            described = any(uuid in kind for kind in kinds)
            newest = self._newest_snapshot(uuid)
            for path, file in files:
                if file is newest and not described:
                    as_it_was = f"is shown as it was in {_snapshot(file)}, not as it is now"
                    yield f"{path}: {file.name} {as_it_was}"
                else:
                    instead = "the guest itself" if described else "a newer one"
                    yield f"{path}: {_snapshot(file)} of {file.name} is not shown, {instead} is"

    def _sighting(
        self, uuid: str, name: str, number: int | None, state: str, reason: str | None = None
    ) -> Sighting:
        host, guessed = self._host
        return Sighting(host, uuid, name, number, state, reason, guessed, self._read_at)
