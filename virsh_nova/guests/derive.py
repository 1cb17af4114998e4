"""Facts that a guest's own XML shows. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ..block.facts import Fact
from ..model import Disk, Domain, Guest, Hardware, Interface, Port
from ..quoting import quoted
from .naming import UUID, port_of_tap

SOURCE = "the guest"


class Derived(NamedTuple):
    facts: dict[str, Fact]
    notes: tuple[str, ...]
    """What could not be derived, and why."""


def derive(domain: Domain, known_ports: Collection[str]) -> Derived:
    """What the XML shows: Nova's version, the guest's size, root disk and ports.

    ``known_ports`` are uuids from elsewhere: a tap device names only the beginning of its port.
    """
    facts: dict[str, Fact] = {}
    notes: list[str] = []
    if domain.sysinfo.get("product", "").startswith("OpenStack") and domain.sysinfo.get("version"):
        facts["package"] = domain.sysinfo["version"]
    if domain.hardware.memory_mib is not None:
        facts["flavor.memory_mib"] = domain.hardware.memory_mib
    if domain.hardware.vcpus is not None:
        facts["flavor.vcpus"] = domain.hardware.vcpus
    facts.update(_root(domain, notes))
    ports = [port_of(nic, known_ports) for nic in domain.hardware.interfaces]
    if None in ports:
        unnamed = domain.hardware.interfaces[ports.index(None)]
        name = unnamed.target or unnamed.mac or "an interface"
        notes.append(f"no ports: the full uuid of the port behind {quoted(name)} is unknown")
    else:
        facts["ports"] = tuple(Port(uuid, ()) for uuid in ports)
    return Derived(facts, tuple(notes))


def boot_volume(domain: Domain) -> str | None:
    """The uuid of the volume that the guest boots from: the serial that Nova gives its disk."""
    return _boot_volume(domain.hardware)


def _boot_volume(hardware: Hardware) -> str | None:
    disk = _boot_disk(hardware)
    if disk is None or not UUID.fullmatch(disk.serial or "") or _in_rescue(hardware):
        return None
    return (disk.serial or "").lower()


def boots_from_volume(guest: Guest) -> bool:
    """Whether a guest with a block has its root disk on a volume, and not on the host."""
    root = guest.instance.root if guest.instance else None
    if root is not None and root.type:
        return root.type == "volume"
    if guest.hardware is not None:
        return _boot_volume(guest.hardware) is not None
    # Before release 30 Nova wrote no root for a volume. stamp leaves it out where it is unknown.
    return guest.backfill is None


def port_of(nic: Interface, known_ports: Collection[str]) -> str | None:
    """The uuid of the Neutron port behind an interface, where it is known in full."""
    return nic.port.lower() if nic.port else port_of_tap(nic.target, known_ports)


def _root(domain: Domain, notes: list[str]) -> dict[str, Fact]:
    if in_rescue(domain):
        notes.append("no root: the guest is in rescue and boots from another disk")
        return {}
    if volume := boot_volume(domain):
        return {"root.type": "volume", "root.uuid": volume}
    disk = _boot_disk(domain.hardware)
    uuid = (domain.uuid or "").lower()
    if disk is not None and uuid and uuid in (disk.source or "").lower():
        # Nova's own disks carry the instance's uuid in their path or name; volumes do not.
        return {"root.type": "image"}
    notes.append("no root: the boot disk is not a volume, and its path does not contain the uuid")
    return {}


def _boot_disk(hardware: Hardware) -> Disk | None:
    disks = [disk for disk in hardware.disks if disk.device in ("disk", "lun")]
    return min(disks, key=lambda disk: disk.boot or len(disks) + 1, default=None)


def in_rescue(domain: Domain) -> bool:
    """Whether the guest boots from a rescue disk for now."""
    return _in_rescue(domain.hardware)


def _in_rescue(hardware: Hardware) -> bool:
    return any((disk.source or "").endswith("disk.rescue") for disk in hardware.disks)
