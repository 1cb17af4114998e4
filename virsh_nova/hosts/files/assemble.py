"""From the files of one host to its guests: which file counts for a guest, and its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...guests.build import guest_from_domain, unreadable_guest, whole_guest
from ...guests.host_names import is_loopback
from ...guests.states import UNKNOWN_STATE
from ...model import Guest, Sighting
from ..host import Detail
from .domain_file import DomainFile, Unusable, read_domain_file
from .layout import HOST_NAME_FILES, Found, Search
from .virsh_list import Listed, read_listing

LivesOn = Callable[[int, str], bool]
"""Whether a process is the QEMU of the guest with that uuid."""


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
            else:
                guest = guest_from_domain(self.sighting, self.xml, self.indent)
        except Exception as fault:  # One bad guest must never cost the others.
            return unreadable_guest(self.sighting, f"cannot be read: {fault!r}")
        return guest._replace(faults=self.faults + guest.faults) if self.faults else guest


class Assembled(NamedTuple):
    """What the files of one host hold."""

    guests: tuple[GuestFiles, ...]
    faults: tuple[str, ...]
    """Files that were skipped, and why."""


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


def assemble(search: Search, host: HostName, lives_on: LivesOn | None = None) -> Assembled:
    """Put the files of a host together, by guest. Never raises for what they hold.

    ``lives_on``, where this machine is the host, is asked for every guest that has a live file.
    """
    files, faults = _Files(host), list(search.faults)
    for found in search.found:
        if found.role == "listing":
            files.listed.update(read_listing(found.data))
        elif found.role != "hostname":
            files.add(found, faults)
    named = set()
    guests = []
    for uuid in dict.fromkeys((*files.live, *files.persistent, *files.dumped)):
        guest = files.of_guest(uuid, search.runs_known, lives_on)
        named.add(guest.sighting.domain)
        guests.append(guest)
    faults += [
        f"{search.place}: {name}: is in the list of virsh, and no file describes it"
        for name in files.listed
        if name not in named
    ]
    return Assembled(tuple(guests), tuple(faults))


class _Files:
    def __init__(self, host: HostName) -> None:
        self._host = host
        self.live: dict[str, DomainFile] = {}
        self.persistent: dict[str, DomainFile] = {}
        self.dumped: dict[str, DomainFile] = {}
        self.listed: dict[str, Listed] = {}
        self.unread: set[str] = set()
        """Domain names whose live file could not be read: they may well be running."""

    def add(self, found: Found, faults: list[str]) -> None:
        try:
            file = read_domain_file(found.data)
            if found.role == "live" and not file.live:
                raise Unusable("it holds no <domstatus>")
        except Unusable as error:
            faults.append(f"{found.path}: {error}; skipped")
            if found.role == "live":
                self.unread.add(found.path.rpartition("/")[2].removesuffix(".xml"))
            return
        if file.live:
            kind = self.live
        else:
            kind = self.persistent if found.role == "persistent" else self.dumped
        if file.uuid in kind:
            faults.append(f"{found.path}: another file has the uuid {file.uuid}; skipped")
            return
        kind[file.uuid] = file

    def of_guest(self, uuid: str, runs_known: bool, lives_on: LivesOn | None) -> GuestFiles:
        live, persistent = self.live.get(uuid), self.persistent.get(uuid)
        dumped = self.dumped.get(uuid)
        if live is not None:
            if lives_on and live.pid is not None and not lives_on(live.pid, uuid):
                gone = f"its QEMU, process {live.pid}, is gone; libvirt has not noticed yet"
                counts = persistent or live
                seen = self._sighting(uuid, live.name, None, "shutoff")
                return GuestFiles(seen, counts.xml, counts.indent, None, None, (gone,))
            state, reason = live.state, live.reason
            if state is None:
                listed = self.listed.get(live.name)
                state = listed.state if listed else UNKNOWN_STATE
            seen = self._sighting(uuid, live.name, live.id, state, reason)
            other = persistent.xml if persistent else None
            return GuestFiles(seen, live.xml, live.indent, other, live.pid, ())
        file = persistent or dumped
        assert file is not None
        listed = self.listed.get(file.name)
        number = listed.id if listed else None
        if dumped is not None and dumped.id is not None:
            # What virsh dumps of a running guest is its live definition.
            file, number = dumped, dumped.id
        if listed is not None:
            state = listed.state
        elif runs_known and file.name not in self.unread and number is None:
            state = "shutoff"
        else:
            state = UNKNOWN_STATE
        seen = self._sighting(uuid, file.name, number, state)
        other = persistent.xml if persistent and file is dumped else None
        return GuestFiles(seen, file.xml, file.indent, other, None, ())

    def _sighting(
        self, uuid: str, name: str, number: int | None, state: str, reason: str | None = None
    ) -> Sighting:
        host, guessed = self._host
        return Sighting(host, uuid, name, number, state, reason, guessed)
