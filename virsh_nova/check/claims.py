"""What a guest claims: the things that no other instance may have at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from ..guests.host_names import is_loopback
from ..guests.naming import PCI_ADDRESS, PORT_BEGINNING_LENGTH, TAP, instances_in_path
from ..model import Disk, Guest, Hardware, Interface
from .volumes import cinder_serial, may_be_shared, volumes_of

Kind = Literal["disk", "volume", "path", "mac", "port", "device"]

_NO_MAC = "00:00:00:00:00:00"


class Claim(NamedTuple):
    """One thing that a guest claims."""

    kind: Kind
    names: tuple[str, ...]
    """Two claims of a kind that have a name in common can be on one thing."""
    shown: str
    """What it is, for people."""
    detail: str | None = None
    """What tells two things of one name apart; None if it is not known."""
    shareable: bool = False
    """Whether another guest may have it too, if that one says so as well."""


def claims_of(guest: Guest) -> Iterator[Claim]:
    """Everything that the guest claims: what only a running guest can hold while it runs."""
    hardware = guest.hardware
    if hardware is None:
        return
    place = place_of(guest) if guest.id is not None else None
    if guest.manager != "libguestfs":  # Looking into the disks of others is its purpose.
        for uuid, path in _instances(guest, hardware).items():
            yield Claim("disk", (uuid,), path)
        for disk in hardware.disks:
            if claim := _volume(disk, place):
                yield claim
    if guest.id is not None:
        yield from _macs(guest, hardware)
        yield from _ports(hardware)
        if place is not None:
            yield from _devices(hardware, place)


def place_of(guest: Guest) -> str | None:
    """The guest's host, where its name says which one it is.

    Not the name of a folder, and not the ``localhost`` of hosts that have no name yet.
    """
    host = guest.certain_host
    return None if host is None or is_loopback(host) else host


def _instances(guest: Guest, hardware: Hardware) -> dict[str, str]:
    """The paths of disks that hold an instance's uuid, in any definition, by that uuid."""
    sources = {disk.source: None for disk in hardware.disks}
    for definition in guest.definitions:
        disks = definition.domain.hardware.disks
        if disks != hardware.disks:  # Mostly they are the same.
            sources.update((disk.source, None) for disk in disks)
    return {uuid: source or "" for source in sources for uuid in instances_in_path(source)}


def _volume(disk: Disk, place: str | None) -> Claim | None:
    """``place`` is where the guest runs, if it runs on a host of a certain name."""
    shareable, source = may_be_shared(disk), disk.source
    if names := volumes_of(disk):
        return Claim("volume", tuple(names), names[0], cinder_serial(disk), shareable)
    if shareable or place is None or source is None or not source.startswith("/"):
        return None
    # On another host the same path is another file.
    return None if instances_in_path(source) else Claim("path", (f"{place} {source}",), source)


def _macs(guest: Guest, hardware: Hardware) -> Iterator[Claim]:
    """The MAC addresses that the guest shows to a network outside its QEMU."""
    claims: dict[Claim, None] = {}
    for nic in hardware.interfaces:
        # A user-mode interface has its own network and no device on the host. A passed-through
        # function has no device either, but Nova creates no user-mode interfaces.
        if nic.mac and nic.mac != _NO_MAC and (nic.target or guest.is_novas):
            mac, vlan = nic.mac.lower(), None if nic.vlan is None else str(nic.vlan)
            claims[Claim("mac", (mac,), mac, vlan)] = None
    yield from claims


def _ports(hardware: Hardware) -> Iterator[Claim]:
    """Neutron's ports: by the part that a tap's name has room for, the whole as a detail."""
    claims: dict[Claim, None] = {}
    for nic in hardware.interfaces:
        port, beginning = _port(nic)
        if beginning:
            claims[Claim("port", (beginning,), f"port {port or beginning}", port)] = None
    yield from claims


def _port(nic: Interface) -> tuple[str | None, str | None]:
    if nic.port:
        port = nic.port.lower()
        return port, port[:PORT_BEGINNING_LENGTH]
    tap = TAP.fullmatch(nic.target or "")
    return None, tap[1] if tap else None


def _devices(hardware: Hardware, place: str) -> Iterator[Claim]:
    """The PCI and mediated devices of the host that only one guest can have.

    What several guests may share is not among them: vDPA's and vhost-user's sockets, USB devices
    named by vendor and product, SCSI disks.
    """
    passed = [each.address for each in hardware.host_devices if each.type in ("pci", "mdev")]
    passed += [nic.source for nic in hardware.interfaces if nic.type == "hostdev"]
    # An NVMe controller that is passed through as a disk.
    passed += [disk.source for disk in hardware.disks if PCI_ADDRESS.fullmatch(disk.source or "")]
    for address in dict.fromkeys(address.lower() for address in passed if address):
        # Every host of a model has devices at the same addresses.
        yield Claim("device", (f"{place} {address}",), address)
