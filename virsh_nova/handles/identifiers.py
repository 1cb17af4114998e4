"""All identifiers of a guest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..guests.naming import NO_NAME, VOLUME_NAME
from ..model import Disk, Guest, Hardware, Identity, Instance
from .keys import key_of, uuid_key
from .kinds import HandleKind


class Identifier(NamedTuple):
    kind: HandleKind
    value: str
    detail: str


def identifiers(guest: Guest) -> Iterator[Identifier]:
    """One can occur twice, such as a volume's uuid in a disk's serial and in its path."""
    yield Identifier("uuid", guest.uuid, "uuid")
    yield Identifier("domain", guest.domain, "domain name")
    if guest.id is not None:
        yield Identifier("id", str(guest.id), "libvirt id")
    if guest.pid is not None:
        yield Identifier("pid", str(guest.pid), "QEMU")
    if guest.instance:
        yield from _of_instance(guest.instance)
    yield from _of_ports(guest)
    if guest.hardware:
        for disk in guest.hardware.disks:
            yield from _of_disk(disk)
        yield from _of_devices(guest.hardware)


def _of_instance(instance: Instance) -> Iterator[Identifier]:
    if instance.name:
        yield Identifier("name", instance.name, "display name")
    if instance.flavor:
        flavor = Identity(instance.flavor.id, instance.flavor.name)
        yield from _of_identity("flavor", flavor)
    if instance.owner:
        for kind, identity in (("project", instance.owner.project), ("user", instance.owner.user)):
            if identity:
                yield from _of_identity(kind, identity)  # type: ignore[arg-type]
    if instance.image and instance.image.uuid:
        yield Identifier("image", instance.image.uuid, "image")
    root = instance.root
    if root and root.uuid and root.type != "volume":
        yield Identifier("image", root.uuid, "image")
    elif root and root.uuid:
        yield Identifier("volume", root.uuid, "root volume")


def _of_identity(kind: HandleKind, identity: Identity) -> Iterator[Identifier]:
    known = [text for text in (identity.name, identity.id) if text and text not in NO_NAME]
    for text in known:
        # The names of project and user follow in the line, and can be any text.
        yield Identifier(kind, text, f"flavor {known[0]}" if kind == "flavor" else kind)


def _of_ports(guest: Guest) -> Iterator[Identifier]:
    devices: dict[str, str] = {}
    for nic in guest.hardware.interfaces if guest.hardware else ():
        port = f"port {nic.port}" if nic.port else ""
        if nic.port and nic.target:
            devices[nic.port.lower()] = nic.target
        if nic.port:
            yield Identifier("port", nic.port, f"port ({nic.target})" if nic.target else "port")
        if nic.target:
            yield Identifier("tap", nic.target, port or "network device")
        if nic.mac:
            through = f"{port} ({nic.target})" if port and nic.target else port or nic.target or ""
            yield Identifier("mac", nic.mac, through or "network card")
    for recorded in (guest.instance.ports if guest.instance else None) or ():
        uuid = recorded.uuid
        if uuid:
            device = devices.get(uuid.lower())
            yield Identifier("port", uuid, f"port ({device})" if device else "port")
        for ip in recorded.ips:
            if ip.address:
                detail = f"address on port {uuid}" if uuid else "address"
                yield Identifier("ip", ip.address, detail)


def _of_devices(hardware: Hardware) -> Iterator[Identifier]:
    for device in hardware.host_devices:
        if device.address:
            yield Identifier("device", device.address, f"{device.type or 'host'} device")
    for nic in hardware.interfaces:
        if nic.source:
            what = nic.target or nic.mac or "an interface"
            kind: HandleKind = "disk" if nic.type == "vhostuser" else "device"
            yield Identifier(kind, nic.source, f"behind {what}")
    for file_system in hardware.file_systems:
        if file_system.source:
            yield Identifier("disk", file_system.source, f"file system {file_system.target or ''}")
    for path in hardware.paths:
        yield Identifier("disk", path, "file")


def _of_disk(disk: Disk) -> Iterator[Identifier]:
    target = disk.target or disk.device
    if disk.serial and uuid_key(disk.serial):
        yield Identifier("volume", disk.serial, f"volume at {target}")
    if disk.source:
        yield Identifier("disk", disk.source, f"{disk.device} {target}")
    for path in disk.backing:
        yield Identifier("disk", path, f"backing file of {target}")
    for place in (disk.source, *disk.backing):
        for uuid in VOLUME_NAME.findall(place or ""):
            yield Identifier("volume", uuid, f"volume at {target}")


def keys_of(identifier: Identifier) -> Iterator[str]:
    """The keys of an identifier; a name also has one without the blanks around it."""
    kind, value, _ = identifier
    key = key_of(kind, value)
    if key:
        yield key
    if kind == "name" and (bare := value.strip()) and bare != value:
        yield bare
    if kind == "ip" and key is None and value.strip():
        # Not an address: as it is in the block.
        yield value.strip().lower()
