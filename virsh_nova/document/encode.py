"""A guest as the JSON document has it: the true strings, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..guests.columns import Column, iso
from ..model import Backfill, Difference, Guest, Hardware, Identity, Image, Instance, Port

Document = dict[str, Any]


def guest_document(guest: Guest) -> Document:
    """One guest as ``list -f json`` shows it."""
    return {
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
        "instance": None if guest.instance is None else _instance(guest.instance),
    }


def whole_document(guest: Guest) -> Document:
    """One guest as ``show -f json`` shows it."""
    return {
        **guest_document(guest),
        "backfilled": None if guest.backfill is None else _backfill(guest.backfill),
        "hardware": None if guest.hardware is None else _hardware(guest.hardware, guest.pid),
        "differences": [_difference(difference) for difference in guest.differences],
    }


def columns_document(guest: Guest, columns: Sequence[Column]) -> Document:
    """Only what was asked for, under the names of the columns."""
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
    """A port as it stands in the block's ``ports``."""
    return {
        "uuid": port.uuid,
        "ips": [{"type": ip.type, "address": ip.address, "version": ip.version} for ip in port.ips],
    }


def _hardware(hardware: Hardware, pid: int | None) -> Document:
    return {
        "vcpus": hardware.vcpus,
        "memory_mib": hardware.memory_mib,
        "disks": [
            {
                "target": disk.target,
                "bus": disk.bus,
                "source": disk.source,
                "serial": disk.serial,
            }
            for disk in hardware.disks
        ],
        "interfaces": [
            {"mac": nic.mac, "target": nic.target, "port": nic.port} for nic in hardware.interfaces
        ],
        "pid": pid,
    }


def _backfill(backfill: Backfill) -> Document:
    return {
        "at": iso(backfill.at),
        "by": backfill.by,
        "from": list(backfill.sources),
        "tool": backfill.tool,
    }


def _difference(difference: Difference) -> Document:
    return {
        "field": difference.field,
        "live": _plain(difference.live),
        "persistent": _plain(difference.persistent),
    }


def _plain(value: object) -> Any:
    """A leaf of the model as JSON has it: ports are the only ones that are no scalars."""
    if isinstance(value, tuple):
        return [port_document(port) for port in value if isinstance(port, Port)]
    if value is None or isinstance(value, (str, int)):
        return value
    return iso(value)  # type: ignore[arg-type]
