"""What two guests must not share: a uuid while both run, a disk, a MAC address, a device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from ..guests.naming import PCI_ADDRESS, instances_in_path
from ..model import Guest
from ..quoting import quoted
from .finding import Finding, Key, found

_MOST_OTHERS = 3
_MIGRATING = ("migration", "starting up", "post-copy", "post-copy failed")
"""libvirt's reasons for a pause on either side of a live migration."""
_NO_MAC = "00:00:00:00:00:00"


class Twins:
    """All guests by what they use. A guest in two sources, such as two reports, is one guest."""

    def __init__(self, guests: Iterable[Guest]) -> None:
        self._users: dict[str, dict[Key, Guest]] = {}
        """The guests whose disks' paths hold an instance's uuid, by that uuid."""
        self._running: dict[str, dict[Key, Guest]] = {}
        """By uuid; only guests whose host is known for certain."""
        self._migrating: set[str] = set()
        self._macs: dict[tuple[str | None, str], dict[Key, Guest]] = {}
        """The running guests of a host by MAC address."""
        self._devices: dict[tuple[str, str], dict[Key, Guest]] = {}
        """The running guests of a host by device; only guests whose host is known for certain:
        every host of a model has devices at the same addresses."""
        for guest in guests:
            if guest.id is not None:
                if guest.certain_host is not None:
                    self._running.setdefault(guest.uuid, {}).setdefault(guest.key, guest)
                if guest.state == "paused" and guest.reason in _MIGRATING:
                    self._migrating.add(guest.uuid)
                for mac in _macs(guest):
                    self._macs.setdefault((guest.host, mac), {}).setdefault(guest.key, guest)
                for device in _devices(guest) if guest.certain_host is not None else ():
                    place = guest.certain_host or "", device
                    self._devices.setdefault(place, {}).setdefault(guest.key, guest)
            if guest.manager == "libguestfs":
                continue  # Looking into the disks of others is its purpose.
            for uuid in _instances_of_disks(guest):
                self._users.setdefault(uuid, {}).setdefault(guest.key, guest)

    def examine(self, guest: Guest) -> Iterator[Finding]:
        """What this guest shares with others."""
        yield from self._runs_elsewhere(guest)
        if guest.id is not None:
            yield from self._shared_macs(guest)
            yield from self._shared_devices(guest)
        if guest.manager != "libguestfs":
            yield from self._shared_disks(guest)

    def _runs_elsewhere(self, guest: Guest) -> Iterator[Finding]:
        here = guest.certain_host
        if guest.id is None or here is None:
            return
        running = self._running[guest.uuid].values()
        elsewhere = (twin for twin in running if _are_two_hosts(here, twin.host or ""))
        twins = list(islice(elsewhere, _MOST_OTHERS + 1))
        if not twins:
            return
        hosts = ", ".join(quoted(twin.host or "") for twin in twins[:_MOST_OTHERS])
        more = " and others" if len(twins) > _MOST_OTHERS else ""
        code = "migrating" if guest.uuid in self._migrating else "runs-twice"
        yield found(code, guest, f"it also runs on {hosts}{more}", *_in_common(guest, twins[0]))

    def _shared_macs(self, guest: Guest) -> Iterator[Finding]:
        for mac in _macs(guest):
            holders = self._macs[guest.host, mac]
            if len(holders) > 1:
                yield found("mac-on-two-guests", guest, mac, f"also of {_others(guest, holders)}")

    def _shared_devices(self, guest: Guest) -> Iterator[Finding]:
        here = guest.certain_host
        if here is None:
            return
        for device in _devices(guest):
            holders = self._devices[here, device]
            if len(holders) > 1:
                also = f"also of {_others(guest, holders)}"
                yield found("device-on-two-guests", guest, device, also)

    def _shared_disks(self, guest: Guest) -> Iterator[Finding]:
        for uuid, path in _instances_of_disks(guest).items():
            users = self._users[uuid]
            if len(users) > 1:
                yield found("shared-disk", guest, path, f"also used by {_others(guest, users)}")


def _macs(guest: Guest) -> dict[str, None]:
    """The MAC addresses that the guest shows to a network outside its QEMU."""
    # A user-mode interface has its own network and no device on the host. A passed-through function
    # has no device either, but Nova creates no user-mode interfaces.
    return {
        nic.mac.lower(): None
        for each in guest.definitions[:1]
        for nic in each.domain.hardware.interfaces
        if nic.mac and nic.mac != _NO_MAC and (nic.target or guest.is_novas)
    }


def _devices(guest: Guest) -> Iterator[str]:
    """The PCI and mediated devices of the host that only one guest can have, each once.

    What several guests may share is not among them: vDPA's and vhost-user's sockets, USB devices
    named by vendor and product, SCSI disks.
    """
    if not guest.definitions:
        return
    hardware = guest.definitions[0].domain.hardware
    passed = [each.address for each in hardware.host_devices if each.type in ("pci", "mdev")]
    passed += [nic.source for nic in hardware.interfaces if nic.type == "hostdev"]
    # An NVMe controller that is passed through as a disk.
    passed += [disk.source for disk in hardware.disks if PCI_ADDRESS.fullmatch(disk.source or "")]
    yield from dict.fromkeys(address.lower() for address in passed if address)


def _are_two_hosts(one: str, other: str) -> bool:
    """Whether no host has both names: ``compute-1`` and ``compute-1.example.org`` can be one."""
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
            # The same path on two hosts can be two files.
            yield f"both name the disk {disk.source}"
            return


def _instances_of_disks(guest: Guest) -> dict[str, str]:
    """The path that shows it, by the uuid of the instance."""
    disks = (d for each in guest.definitions for d in each.domain.hardware.disks)
    return {uuid: disk.source or "" for disk in disks for uuid in instances_in_path(disk.source)}


def _others(guest: Guest, sharing: Mapping[Key, Guest]) -> str:
    """The other guests, at most three by name: a host full of copies must not fill pages."""
    others = (other for key, other in sharing.items() if key != guest.key)
    named = [_named(other, guest.host) for other in islice(others, _MOST_OTHERS)]
    more = len(sharing) - 1 - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _named(guest: Guest, here: str | None) -> str:
    where = "" if guest.host == here else f" on {quoted(guest.host or 'an unknown host')}"
    return f"{quoted(guest.domain)} ({guest.uuid}){where}"
