"""A guest as the JSON document has it, with the true strings, for programs.

docs/json.md describes it; ``decode`` reads it. A field of the model that is not written here is
lost in every saved document, and ``tests/unit/document`` fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..block.compare import same
from ..guests.columns import Column, iso
from ..model import (
    Backfill,
    Block,
    Difference,
    Disk,
    Domain,
    Guest,
    Hardware,
    Identity,
    Image,
    Instance,
    Port,
)

Document = dict[str, Any]

NO_HARDWARE = Hardware(None, None, (), ())


def guest_document(guest: Guest) -> Document:
    """One guest as ``list -f json`` shows it."""
    document = {
        "host": guest.host,
        "uuid": guest.uuid,
        "domain": guest.domain,
        "id": guest.id,
        "state": guest.state,
        "kind": guest.kind,
        "manager": guest.manager,
        "evidence": list(guest.evidence),
        "title": guest.title,
        "description": guest.description,
        "read_at": iso(guest.read_at),
        "instance": None if guest.instance is None else _instance(guest.instance),
    }
    if guest.host_guessed:
        document["host_guessed"] = True
    return document


def whole_document(guest: Guest) -> Document:
    """One guest as ``show -f json`` shows it: everything the program knows about it."""
    return {
        **guest_document(guest),
        "reason": guest.reason,
        "faults": list(guest.faults),
        "block": None if guest.block is None else _block(guest.block),
        "backfilled": None if guest.backfill is None else _backfill(guest.backfill),
        "hardware": None
        if guest.hardware is None
        else {**_hardware(guest.hardware), "pid": guest.pid},
        "pid": guest.pid,
        "differences": [_difference(difference) for difference in guest.differences],
        "definitions": _definitions(guest),
    }


def domain_of(guest: Guest) -> Domain:
    """What a guest says of its domain, before its definitions are looked at."""
    block = guest.block
    return Domain(
        uuid=guest.uuid,
        name=guest.domain,
        id=guest.id,
        title=guest.title,
        description=guest.description,
        blocks=() if block is None else (block,),
        namespaces=() if block is None else (block.namespace,),
        sysinfo={},
        channels=(),
        hardware=guest.hardware or NO_HARDWARE,
    )


def columns_document(guest: Guest, columns: Sequence[Column]) -> Document:
    """Only the columns that were asked for, under their names."""
    return {column.name: column.value(guest) for column in columns}


def _instance(instance: Instance) -> Document:
    flavor, owner, root = instance.flavor, instance.owner, instance.root
    return {
        "namespace": instance.namespace,
        "package": instance.package,
        "name": instance.name,
        "created": iso(instance.created),
        "flavor": None
        if flavor is None
        else {
            "name": flavor.name,
            "id": flavor.id,
            "memory_mib": flavor.memory_mib,
            "disk_gib": flavor.disk_gib,
            "swap_mib": flavor.swap_mib,
            "ephemeral_gib": flavor.ephemeral_gib,
            "vcpus": flavor.vcpus,
            "extra_specs": flavor.extra_specs,
        },
        "image": None if instance.image is None else _image(instance.image),
        "owner": None
        if owner is None
        else {"user": _identity(owner.user), "project": _identity(owner.project)},
        "root": None if root is None else {"type": root.type, "uuid": root.uuid},
        "ports": None
        if instance.ports is None
        else [port_document(port) for port in instance.ports],
    }


def _image(image: Image) -> Document:
    return {
        "uuid": image.uuid,
        "container_format": image.container_format,
        "disk_format": image.disk_format,
        "min_disk_gib": image.min_disk_gib,
        "min_ram_mib": image.min_ram_mib,
        "properties": image.properties,
    }


def _identity(identity: Identity | None) -> Document | None:
    return None if identity is None else {"id": identity.id, "name": identity.name}


def port_document(port: Port) -> Document:
    """A port as in ``instance.ports``."""
    return {
        "uuid": port.uuid,
        "ips": [{"type": ip.type, "address": ip.address, "version": ip.version} for ip in port.ips],
    }


def _block(block: Block) -> Document:
    """What ``instance`` does not say about a block."""
    unknown = block.instance.unknown if block.instance else ()
    return {
        "namespace": block.namespace,
        "xml": block.xml,
        "faults": list(block.faults),
        "unknown": [
            {"parent": part.parent, "name": part.name, "text": part.text} for part in unknown
        ],
    }


def _whole_block(block: Block) -> Document:
    return {
        **_block(block),
        "instance": None if block.instance is None else _instance(block.instance),
    }


def _hardware(hardware: Hardware) -> Document:
    return {
        "vcpus": hardware.vcpus,
        "memory_mib": hardware.memory_mib,
        "disks": [_disk(disk) for disk in hardware.disks],
        "interfaces": [nic._asdict() for nic in hardware.interfaces],
        "host_devices": [device._asdict() for device in hardware.host_devices],
        "file_systems": [each._asdict() for each in hardware.file_systems],
        "paths": list(hardware.paths),
    }


def _disk(disk: Disk) -> Document:
    return {
        "target": disk.target,
        "bus": disk.bus,
        "source": disk.source,
        "serial": disk.serial,
        "device": disk.device,
        "backing": list(disk.backing),
        "boot": disk.boot,
        "protocol": disk.protocol,
        "shareable": disk.shareable,
        "read_only": disk.read_only,
    }


def _backfill(backfill: Backfill) -> Document:
    return {
        "at": iso(backfill.at),
        "by": backfill.by,
        "from": list(backfill.sources),
        "tool": backfill.tool,
        "digest": backfill.digest,
    }


def _difference(difference: Difference) -> Document:
    return {
        "field": difference.field,
        "live": _plain(difference.live),
        "persistent": _plain(difference.persistent),
    }


def _plain(value: object) -> Any:
    """A leaf of an instance: a text, a number, a moment, or all its ports."""
    if isinstance(value, tuple):
        return [port_document(port) for port in value if isinstance(port, Port)]
    if value is None or isinstance(value, (str, int)):
        return value
    return iso(value)  # type: ignore[arg-type]


def _definitions(guest: Guest) -> Document:
    """Each definition by its name, with what it does not share with the one before it.

    The first is compared with the guest itself. Mostly the two are alike but for the id, and a
    block fills a page. Blocks that differ only in their layout count as alike: libvirt lays one
    out anew wherever it puts it.
    """
    document: Document = {}
    known = domain_of(guest)
    for name, domain in guest.definitions:
        document[name] = _changes(known, domain)
        known = domain
    return document


def _changes(known: Domain, domain: Domain) -> Document:
    document: Document = {}
    for field, (key, written) in _DOMAIN_KEYS.items():
        before, value = getattr(known, field), getattr(domain, field)
        if value != before and not (field == "blocks" and _same_blocks(before, value)):
            document[key] = written(value)
    if domain.hardware != known.hardware:
        before = _hardware(known.hardware)
        hardware = _hardware(domain.hardware)
        document["hardware"] = {
            key: value for key, value in hardware.items() if value != before[key]
        }
    return document


def _same_blocks(ones: Sequence[Block], others: Sequence[Block]) -> bool:
    return len(ones) == len(others) and all(
        one._replace(xml="") == other._replace(xml="") and same(one.xml, other.xml, one.namespace)
        for one, other in zip(ones, others, strict=True)
    )


def _as_it_is(value: Any) -> Any:
    return value


_DOMAIN_KEYS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "uuid": ("uuid", _as_it_is),
    "name": ("domain", _as_it_is),
    "id": ("id", _as_it_is),
    "title": ("title", _as_it_is),
    "description": ("description", _as_it_is),
    "blocks": ("blocks", lambda blocks: [_whole_block(block) for block in blocks]),
    "namespaces": ("namespaces", list),
    "sysinfo": ("sysinfo", dict),
    "channels": ("channels", list),
    "state": ("state", _as_it_is),
    "reason": ("reason", _as_it_is),
    "pid": ("pid", _as_it_is),
    "backfill_xml": ("backfill_xml", _as_it_is),
    "arch": ("arch", _as_it_is),
    "faults": ("faults", list),
}
"""The keys of a definition, by the fields of ``Domain``, but for its hardware."""
