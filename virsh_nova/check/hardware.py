"""The block compared with the actual guest."""

from __future__ import annotations

from collections.abc import Iterator

from ..guests.derive import boot_volume, in_rescue
from ..guests.naming import PORT_BEGINNING_LENGTH, TAP, UUID, instances_in_path
from ..model import Domain, Guest, Instance
from ..quoting import quoted
from .finding import Finding, found

_MOST_PORTS = 8
_PSERIES = ("ppc64", "ppc64le")
_PSERIES_STEP_MIB = 256
"""libvirt fills up the memory of such a guest to a multiple of this."""


def examine_hardware(guest: Guest) -> Iterator[Finding]:
    """Where the XML of one of Nova's guests contradicts its block."""
    if not guest.definitions:
        return
    # Compare the running guest: a port attach leaves the persistent block out of date.
    domain = guest.definitions[0].domain
    yield from _uuids(guest, domain)
    instance = guest.instance
    if instance is None:
        return
    yield from _size(guest, domain, instance)
    yield from _ports(guest, domain, instance)
    yield from _root(guest, domain, instance)


def _size(guest: Guest, domain: Domain, instance: Instance) -> Iterator[Finding]:
    flavor, hardware = instance.flavor, domain.hardware
    if flavor is None:
        return
    memory = flavor.memory_mib
    if memory is not None and domain.arch in _PSERIES:
        memory = -(-memory // _PSERIES_STEP_MIB) * _PSERIES_STEP_MIB
    for code, expected, said, real, unit in (
        ("vcpus-differ", flavor.vcpus, flavor.vcpus, hardware.vcpus, "vCPUs"),
        ("memory-differs", memory, flavor.memory_mib, hardware.memory_mib, "MiB"),
    ):
        if real is not None and real not in (expected, said) and said is not None:
            named = f" {quoted(flavor.name)}" if flavor.name else ""
            yield found(code, guest, f"{real} {unit}, the flavor{named} has {said}")


def _ports(guest: Guest, domain: Domain, instance: Instance) -> Iterator[Finding]:
    if instance.ports is None:
        return
    # By the part that a tap device's name has room for; by the whole where it is known.
    ports = {port.uuid.lower() for port in instance.ports if port.uuid}
    beginnings = set(map(_beginning, ports))
    covered: set[str] = set()
    unrecorded: list[str] = []
    anonymous = 0
    for nic in domain.hardware.interfaces:
        tap = TAP.fullmatch(nic.target or "")
        port = (nic.port or "").lower()
        if port:
            covered.add(port)
            if port not in ports:
                device = quoted(nic.target or nic.mac or "an interface")
                unrecorded.append(f"{device} of the port {quoted(port)}")
        elif tap:
            covered.add(tap[1])
            if tap[1] not in beginnings:
                unrecorded.append(quoted(nic.target or ""))
        else:
            # Passed through, vhost-user, or not Neutron's: it does not show its port.
            anonymous += 1
    missing = sorted(port for port in ports if covered.isdisjoint((port, _beginning(port))))
    if len(missing) > anonymous:
        yield found("port-without-interface", guest, *_few([f"port {quoted(p)}" for p in missing]))
    # Suspended by Nova: the block that names it is in the saved memory, and comes back with it.
    if unrecorded and (guest.state, guest.reason) != ("shutoff", "saved"):
        yield found(
            "interface-unrecorded",
            guest,
            *_few(unrecorded),
            severity="note" if guest.id is None else None,
        )


def _beginning(port: str) -> str:
    return port[:PORT_BEGINNING_LENGTH]


def _few(things: list[str]) -> list[str]:
    if len(things) <= _MOST_PORTS:
        return things
    return [*things[:_MOST_PORTS], f"and {len(things) - _MOST_PORTS} more"]


def _root(guest: Guest, domain: Domain, instance: Instance) -> Iterator[Finding]:
    root = instance.root
    if root is None or not domain.hardware.disks:
        return
    if in_rescue(domain):
        return
    volume = boot_volume(domain)
    if root.type == "image" and volume is not None:
        # Nova writes so for an instance that has both: an image ref and a volume to boot from.
        evidence = f"it boots from the volume {volume}, the block says from an image"
        yield found("root-differs", guest, evidence, severity="note")
    elif root.type == "volume" and root.uuid:
        if volume is None:
            if _own_disks(domain):
                yield found(
                    "root-differs", guest, f"no boot disk is the volume {quoted(root.uuid)}"
                )
        elif root.uuid.lower() not in (volume, _image_of(instance)):
            evidence = f"it boots from the volume {volume}, the block says {quoted(root.uuid)}"
            certain = instance.image is not None or guest.backfill is not None
            yield found("root-differs", guest, evidence, severity=None if certain else "note")


def _image_of(instance: Instance) -> str | None:
    """The uuid of the image, which Nova writes even for a root that is a volume (a rebuild).

    Only Nova 32 and later record the image by itself.
    """
    uuid = instance.image.uuid if instance.image else None
    return uuid.lower() if uuid else None


def _own_disks(domain: Domain) -> bool:
    """Whether there is a disk that no volume backs: a serial that is lost says nothing."""
    return any(
        instances_in_path(disk.source) for disk in domain.hardware.disks if disk.device == "disk"
    )


# ---- uuids ------------------------------------------------------------------------------------


def _uuids(guest: Guest, domain: Domain) -> Iterator[Finding]:
    uuid = guest.uuid.lower()
    others: list[str] = []
    own = domain.sysinfo.get("uuid", "").lower()
    if own and own != uuid:
        others.append(f"the sysinfo has {quoted(own)}")
    for disk in domain.hardware.disks:
        if any(other != uuid for other in instances_in_path(disk.source)):
            others.append(f"the disk {disk.source}")
    if others:
        yield found("uuid-differs", guest, *_few(others))
    serial = domain.sysinfo.get("serial", "").lower()
    if serial != uuid and UUID.fullmatch(serial):
        yield found("serial-differs", guest, f"serial {serial}")
