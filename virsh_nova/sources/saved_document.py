"""Records from our own document: what ``list -f json`` or ``show -f yaml`` saved."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from ..block.facts import PARTS, Fact
from ..inputs.decode import decode
from ..inputs.values import (
    FieldError,
    checked_address,
    checked_moment,
    checked_number,
    checked_text,
    checked_texts,
    checked_uuid,
)
from ..model import Address, Port
from .record import Record


class _Flavor(msgspec.Struct):
    name: str | None = None
    id: str | None = None
    memory_mib: int | None = None
    disk_gib: int | None = None
    swap_mib: int | None = None
    ephemeral_gib: int | None = None
    vcpus: int | None = None
    extra_specs: dict[str, str] | None = None


class _Image(msgspec.Struct):
    uuid: str | None = None
    container_format: str | None = None
    disk_format: str | None = None
    min_disk_gib: int | None = None
    min_ram_mib: int | None = None
    properties: dict[str, str] | None = None


class _Identity(msgspec.Struct):
    id: str | None = None
    name: str | None = None


class _Owner(msgspec.Struct):
    user: _Identity | None = None
    project: _Identity | None = None


class _Root(msgspec.Struct):
    type: str | None = None
    uuid: str | None = None


class _Address(msgspec.Struct):
    type: str | None = None
    address: str | None = None
    version: int | None = None


class _Port(msgspec.Struct):
    uuid: str | None = None
    ips: list[_Address] = []


class _Instance(msgspec.Struct):
    namespace: str
    package: str | None = None
    name: str | None = None
    created: str | None = None
    flavor: _Flavor | None = None
    image: _Image | None = None
    owner: _Owner | None = None
    root: _Root | None = None
    ports: list[_Port] | None = None


class _Guest(msgspec.Struct):
    uuid: str
    host: str | None = None
    instance: _Instance | None = None


_GUEST = msgspec.json.Decoder(_Guest)
_PORTS = msgspec.json.Decoder(list[_Port])


def own_record(
    raw: msgspec.Raw, source: str, place: str, wanted: Collection[str] | None = None
) -> Record | None:
    """The record of a guest in our document; None for one whose ``instance`` is null.

    It has no facts if its guest is not among the uuids ``wanted``. Raises ``FieldError``.
    """
    guest = decode(raw, _GUEST)
    instance = guest.instance
    if instance is None:
        return None
    uuid = checked_uuid(guest.uuid, "uuid")
    return Record(
        uuid=uuid,
        source=source,
        facts=_facts(instance) if wanted is None or uuid in wanted else {},
        hosts=(guest.host,) if guest.host else (),
        unnamed=not instance.name,
        namespace=instance.namespace,
        place=place,
    )


def decoded_ports(text: bytes, field: str) -> tuple[Port, ...]:
    """The ports of a JSON array as the document has it. Raises ``FieldError``."""
    try:
        listed = decode(text, _PORTS)
    except FieldError as error:
        raise FieldError(f"{field}{error.field}", error.problem) from error
    return _ports(listed, field)


def _facts(instance: _Instance) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    _add(facts, "instance", "package", instance.package)
    _add(facts, "instance", "name", instance.name)
    if instance.created is not None:
        facts["created"] = checked_moment(instance.created, "instance.created")
    for part in PARTS:
        struct = getattr(instance, part)
        if struct is None:
            continue
        before = len(facts)
        _add_struct(facts, part, struct)
        if len(facts) == before:
            # The part is there and says nothing, as in an empty <owner/>.
            facts[part] = {}
    if instance.ports is not None:
        facts["ports"] = _ports(instance.ports, "instance.ports")
    return facts


def _add_struct(facts: dict[str, Fact], prefix: str, struct: msgspec.Struct) -> None:
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        key = f"{prefix}.{name}"
        if isinstance(value, msgspec.Struct):
            _add_struct(facts, key, value)
        else:
            _add(facts, "instance", key, value)


def _add(
    facts: dict[str, Fact], outer: str, key: str, value: str | int | dict[str, str] | None
) -> None:
    if value is None:
        return
    field = f"{outer}.{key}"
    if isinstance(value, str):
        facts[key] = checked_text(value, field)
    elif isinstance(value, int):
        facts[key] = checked_number(value, field)
    else:
        facts[key] = checked_texts(value, field)


def _ports(ports: list[_Port], field: str) -> tuple[Port, ...]:
    return tuple(
        Port(
            None if port.uuid is None else checked_text(port.uuid, f"{field}[{index}].uuid"),
            tuple(
                _address(ip, f"{field}[{index}].ips[{place}]") for place, ip in enumerate(port.ips)
            ),
        )
        for index, port in enumerate(ports)
    )


def _address(ip: _Address, field: str) -> Address:
    if ip.address is not None:
        checked_address(ip.address, f"{field}.address")
    if ip.version is not None:
        checked_number(ip.version, f"{field}.version")
    kind = None if ip.type is None else checked_text(ip.type, f"{field}.type")
    return Address(kind, ip.address, ip.version)
