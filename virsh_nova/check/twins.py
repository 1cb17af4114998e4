"""What two guests must not have in common: a uuid while both run, a disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..model import Guest
from .finding import Finding, Key, certain_host, found
from .hardware import uuids_in

_MOST_OTHERS = 3
_MIGRATING = ("migration", "starting up", "post-copy", "post-copy failed")
"""libvirt's reasons for a pause on either side of a live migration."""


class Twins:
    """All guests by what they use. A guest of two sources, two reports say, is one guest."""

    def __init__(self, guests: Iterable[Guest]) -> None:
        self._users: dict[str, dict[Key, Guest]] = {}
        """The guests whose disks' paths hold an instance's uuid, by that uuid."""
        self._running: dict[str, dict[Key, Guest]] = {}
        """By uuid; only guests whose host is known for certain."""
        for guest in guests:
            if guest.id is not None and certain_host(guest):
                self._running.setdefault(guest.uuid, {}).setdefault(guest.key, guest)
            if guest.manager == "libguestfs":
                continue  # It looks into the disks of others: that is what it is for.
            for uuid in _instances_of_disks(guest):
                self._users.setdefault(uuid, {}).setdefault(guest.key, guest)

    def examine(self, guest: Guest) -> Iterator[Finding]:
        """What this guest shares with others."""
        yield from self._runs_elsewhere(guest)
        if guest.manager != "libguestfs":
            yield from self._shared_disks(guest)

    def _runs_elsewhere(self, guest: Guest) -> Iterator[Finding]:
        running = self._running.get(guest.uuid, {})
        if len(running) < 2 or guest.key not in running:
            return
        twins = [twin for twin in running.values() if _are_two_hosts(guest.host, twin.host)]
        if not twins:
            return
        hosts = [twin.host or "" for twin in twins[:_MOST_OTHERS]]
        more = f" and {len(twins) - len(hosts)} more" if len(twins) > len(hosts) else ""
        evidence = [f"it runs on {', '.join(hosts)}{more} too"]
        evidence += _in_common(guest, twins[0])
        moves = any(
            each.state == "paused" and each.reason in _MIGRATING for each in (guest, *twins)
        )
        yield found("migrating" if moves else "runs-twice", guest, *evidence)

    def _shared_disks(self, guest: Guest) -> Iterator[Finding]:
        for uuid, path in _instances_of_disks(guest).items():
            users = self._users[uuid]
            if len(users) > 1:
                yield found("shared-disk", guest, path, f"so has {_others(guest, users)}")


def _are_two_hosts(one: str | None, other: str | None) -> bool:
    """Whether no host has both names: ``compute-1`` and ``compute-1.example.org`` can be one."""
    if not (one and other):
        return False
    shorter, longer = sorted((one.lower(), other.lower()), key=len)
    return longer != shorter and not longer.startswith(f"{shorter}.")


def _in_common(guest: Guest, twin: Guest) -> Iterator[str]:
    """The first volume, else the first image, that both have."""
    ours, theirs = (
        [disk for each in one.definitions[:1] for disk in each.domain.hardware.disks]
        for one in (guest, twin)
    )
    serials = {disk.serial for disk in theirs}
    sources = {disk.source for disk in theirs}
    for disk in ours:
        if disk.serial and disk.serial in serials:
            yield f"both have the volume {disk.serial}"
            return
    for disk in ours:
        if disk.source and disk.source in sources:
            # A path of each host's own file system is two files.
            yield f"both name the disk {disk.source}"
            return


def _instances_of_disks(guest: Guest) -> dict[str, str]:
    """The path that shows it, by the uuid of the instance."""
    disks = (d for each in guest.definitions for d in each.domain.hardware.disks)
    return {uuid: disk.source or "" for disk in disks for uuid in uuids_in(disk.source)}


def _others(guest: Guest, sharing: dict[Key, Guest]) -> str:
    """The guests but this one in a few words: a host full of copies must not fill a page each."""
    # One more than are named, as this one can be among them.
    first: Sequence[Guest] = [
        other
        for (_, (key, other)) in zip(range(_MOST_OTHERS + 1), sharing.items(), strict=False)
        if key != guest.key
    ]
    named = [_named(other, guest.host) for other in first[:_MOST_OTHERS]]
    more = len(sharing) - 1 - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _named(guest: Guest, here: str | None) -> str:
    where = "" if guest.host == here else f" on {guest.host or 'an unknown host'}"
    return f"{guest.domain} ({guest.uuid}){where}"
