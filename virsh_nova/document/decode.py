"""The JSON document, read: as a guest, or as the facts that a source has of an instance.

``encode`` writes it and docs/json.md describes it. What is missing is read as unknown, because
``list`` writes less than ``show`` and earlier versions wrote less than this one; keys of later
versions are ignored. A guest may hold whatever a domain's XML can hold; facts are for ``stamp`` to
write, and are checked more strictly.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from ..block.facts import PARTS, SHAPES, Fact
from ..guests.states import STATES, UNKNOWN_STATE
from ..inputs.decode import decode
from ..inputs.values import (
    LARGEST_NUMBER,
    FieldError,
    checked_address,
    checked_moment,
    checked_number,
    checked_text,
    checked_texts,
    checked_uuid,
    described,
)
from ..model import (
    KINDS,
    Address,
    Backfill,
    Block,
    Definition,
    DefinitionName,
    Difference,
    Disk,
    Domain,
    FileSystem,
    Flavor,
    Guest,
    Hardware,
    HostDevice,
    Identity,
    Image,
    Instance,
    Interface,
    Kind,
    Owner,
    Port,
    Root,
    Unknown,
)
from .encode import NO_HARDWARE, domain_of

T = TypeVar("T")

# ---- the document ------------------------------------------------------------------------------


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


class _Unknown(msgspec.Struct):
    parent: str
    name: str
    text: str


class _Block(msgspec.Struct):
    namespace: str
    xml: str = ""
    faults: list[str] = []
    unknown: list[_Unknown] = []
    instance: _Instance | None = None
    """Of a definition's block; the guest's own block has it beside it."""


class _Disk(msgspec.Struct):
    target: str | None = None
    bus: str | None = None
    source: str | None = None
    serial: str | None = None
    device: str = "disk"
    backing: list[str] = []
    boot: int | None = None
    protocol: str | None = None
    shareable: bool = False
    read_only: bool = False


class _Interface(msgspec.Struct):
    mac: str | None = None
    target: str | None = None
    port: str | None = None
    type: str | None = None
    source: str | None = None
    vlan: int | None = None


class _HostDevice(msgspec.Struct):
    type: str | None = None
    address: str | None = None


class _FileSystem(msgspec.Struct):
    type: str | None = None
    source: str | None = None
    target: str | None = None


class _Hardware(msgspec.Struct):
    vcpus: int | UnsetType | None = UNSET
    memory_mib: int | UnsetType | None = UNSET
    disks: list[_Disk] | UnsetType = UNSET
    interfaces: list[_Interface] | UnsetType = UNSET
    host_devices: list[_HostDevice] | UnsetType = UNSET
    file_systems: list[_FileSystem] | UnsetType = UNSET
    paths: list[str] | UnsetType = UNSET
    pid: int | None = None
    """The guest's, which has a key of its own by now."""


class _Backfill(msgspec.Struct):
    at: str
    by: str
    tool: str
    from_: list[str] = msgspec.field(name="from")
    digest: str = ""


class _Difference(msgspec.Struct):
    field: str
    live: str | int | list[_Port] | None = None
    persistent: str | int | list[_Port] | None = None


class _Definition(msgspec.Struct):
    """What is not set is as in the definition before it, or in the guest."""

    uuid: str | UnsetType | None = UNSET
    domain: str | UnsetType | None = UNSET
    id: int | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    blocks: list[_Block] | UnsetType = UNSET
    namespaces: list[str] | UnsetType = UNSET
    sysinfo: dict[str, str] | UnsetType = UNSET
    channels: list[str] | UnsetType = UNSET
    hardware: _Hardware | UnsetType = UNSET
    state: str | UnsetType | None = UNSET
    reason: str | UnsetType | None = UNSET
    pid: int | UnsetType | None = UNSET
    backfill_xml: str | UnsetType | None = UNSET
    arch: str | UnsetType | None = UNSET
    faults: list[str] | UnsetType = UNSET


class _Definitions(msgspec.Struct):
    live: _Definition | None = None
    persistent: _Definition | None = None


class _Recorded(msgspec.Struct, kw_only=True):
    """What a source's record is made of."""

    uuid: str
    host: str | None = None
    host_guessed: bool = False
    instance: _Instance | None = None


class _Guest(_Recorded, kw_only=True):
    domain: str
    state: str
    kind: str
    manager: str
    id: int | None = None
    reason: str | None = None
    evidence: list[str] = []
    title: str | None = None
    description: str | None = None
    read_at: str | None = None
    faults: list[str] = []
    block: _Block | None = None
    backfilled: _Backfill | None = None
    hardware: _Hardware | None = None
    pid: int | None = None
    differences: list[_Difference] = []
    definitions: _Definitions | None = None


_GUEST = msgspec.json.Decoder(_Guest)
_RECORDED = msgspec.json.Decoder(_Recorded)
_PORTS = msgspec.json.Decoder(list[_Port])


# ---- as a guest --------------------------------------------------------------------------------


def decoded_guest(raw: msgspec.Raw | bytes) -> Guest:
    """The guest that ``encode`` wrote, from a JSON object. Raises ``FieldError``."""
    saved = decode(raw, _GUEST)
    kind: Kind | None = next((kind for kind in KINDS if kind == saved.kind), None)
    if kind is None:
        raise FieldError("kind", f"expected {' or '.join(KINDS)}, got {described(saved.kind)}")
    hardware = saved.hardware
    pid = saved.pid if saved.pid is not None or hardware is None else hardware.pid
    guest = Guest(
        host=saved.host,
        uuid=checked_uuid(saved.uuid, "uuid"),
        domain=saved.domain,
        id=_number(saved.id, "id"),
        state=saved.state if saved.state in STATES else UNKNOWN_STATE,
        kind=kind,
        manager=saved.manager,
        evidence=tuple(saved.evidence),
        title=saved.title,
        description=saved.description,
        block=_guests_block(saved),
        backfill=None if saved.backfilled is None else _backfill(saved.backfilled),
        hardware=None if hardware is None else _hardware(hardware, NO_HARDWARE, "hardware"),
        pid=_number(pid, "pid"),
        reason=saved.reason,
        differences=tuple(
            _difference(difference, f"differences[{place}]")
            for place, difference in enumerate(saved.differences)
        ),
        faults=tuple(saved.faults),
        host_guessed=saved.host_guessed,
        read_at=None if saved.read_at is None else checked_moment(saved.read_at, "read_at"),
    )
    if saved.definitions is None:
        return guest
    return guest._replace(definitions=_definitions(saved.definitions, guest))


def _guests_block(saved: _Guest) -> Block | None:
    if saved.block is not None:
        return _block(saved.block, saved.instance, "instance")
    if saved.instance is None:
        return None
    # A list does not hold the block's text.
    return Block(saved.instance.namespace, "", _instance(saved.instance, (), "instance"))


def _block(saved: _Block, instance: _Instance | None, place: str) -> Block:
    unknown = tuple(Unknown(part.parent, part.name, part.text) for part in saved.unknown)
    return Block(
        saved.namespace,
        saved.xml,
        None if instance is None else _instance(instance, unknown, place),
        tuple(saved.faults),
    )


def _instance(saved: _Instance, unknown: tuple[Unknown, ...], place: str) -> Instance:
    owner = saved.owner
    return Instance(
        namespace=saved.namespace,
        package=saved.package,
        name=saved.name,
        created=None
        if saved.created is None
        else checked_moment(saved.created, f"{place}.created"),
        flavor=_optional(Flavor, saved.flavor, f"{place}.flavor"),
        image=_optional(Image, saved.image, f"{place}.image"),
        owner=None
        if owner is None
        else Owner(
            _optional(Identity, owner.user, f"{place}.owner.user"),
            _optional(Identity, owner.project, f"{place}.owner.project"),
        ),
        root=_optional(Root, saved.root, f"{place}.root"),
        ports=None if saved.ports is None else _ports(saved.ports, f"{place}.ports"),
        unknown=unknown,
    )


def _ports(saved: list[_Port], place: str) -> tuple[Port, ...]:
    return tuple(
        Port(port.uuid, _each(Address, port.ips, f"{place}[{number}].ips"))
        for number, port in enumerate(saved)
    )


def _hardware(saved: _Hardware, known: Hardware, place: str) -> Hardware:
    disks, interfaces = known.disks, known.interfaces
    if not isinstance(saved.disks, UnsetType):
        disks = _each(Disk, saved.disks, f"{place}.disks")
    if not isinstance(saved.interfaces, UnsetType):
        interfaces = _each(Interface, saved.interfaces, f"{place}.interfaces")
    host_devices, file_systems = known.host_devices, known.file_systems
    if not isinstance(saved.host_devices, UnsetType):
        host_devices = _each(HostDevice, saved.host_devices, f"{place}.host_devices")
    if not isinstance(saved.file_systems, UnsetType):
        file_systems = _each(FileSystem, saved.file_systems, f"{place}.file_systems")
    return Hardware(
        _number(_set(saved.vcpus, known.vcpus), f"{place}.vcpus"),
        _number(_set(saved.memory_mib, known.memory_mib), f"{place}.memory_mib"),
        disks,
        interfaces,
        host_devices,
        file_systems,
        tuple(_set(saved.paths, known.paths)),
    )


def _backfill(saved: _Backfill) -> Backfill:
    at = checked_moment(saved.at, "backfilled.at")
    return Backfill(at, saved.by, tuple(saved.from_), saved.tool, saved.digest)


def _difference(saved: _Difference, place: str) -> Difference:
    shape = SHAPES.get(saved.field)

    def value(side: str) -> object:
        value = getattr(saved, side)
        field = f"{place}.{side}"
        if isinstance(value, list):
            return _ports(value, field)
        if isinstance(value, str) and shape == "moment":
            return checked_moment(value, field)
        return _number(value, field) if isinstance(value, int) else value

    return Difference(saved.field, value("live"), value("persistent"))


def _definitions(saved: _Definitions, guest: Guest) -> tuple[Definition, ...]:
    names: tuple[DefinitionName, ...] = ("live", "persistent")
    definitions: list[Definition] = []
    known = domain_of(guest)
    for name in names:
        definition = getattr(saved, name)
        if definition is not None:
            known = _domain(definition, known, f"definitions.{name}")
            definitions.append(Definition(name, known))
    return tuple(definitions)


def _domain(saved: _Definition, known: Domain, place: str) -> Domain:
    blocks, hardware = known.blocks, known.hardware
    if not isinstance(saved.blocks, UnsetType):
        blocks = tuple(
            _block(block, block.instance, f"{place}.blocks[{number}].instance")
            for number, block in enumerate(saved.blocks)
        )
    if not isinstance(saved.hardware, UnsetType):
        hardware = _hardware(saved.hardware, hardware, f"{place}.hardware")
    return Domain(
        uuid=_set(saved.uuid, known.uuid),
        name=_set(saved.domain, known.name),
        id=_number(_set(saved.id, known.id), f"{place}.id"),
        title=_set(saved.title, known.title),
        description=_set(saved.description, known.description),
        blocks=blocks,
        namespaces=tuple(_set(saved.namespaces, known.namespaces)),
        sysinfo=_set(saved.sysinfo, known.sysinfo),
        channels=tuple(_set(saved.channels, known.channels)),
        hardware=hardware,
        state=_set(saved.state, known.state),
        reason=_set(saved.reason, known.reason),
        pid=_number(_set(saved.pid, known.pid), f"{place}.pid"),
        backfill_xml=_set(saved.backfill_xml, known.backfill_xml),
        arch=_set(saved.arch, known.arch),
        faults=tuple(_set(saved.faults, known.faults)),
    )


def _set(value: T | UnsetType, known: T) -> T:
    return known if value is UNSET else value


def _optional(make: Callable[..., T], saved: msgspec.Struct | None, place: str) -> T | None:
    if saved is None:
        return None
    try:
        return _same(make, saved)
    except FieldError as error:
        raise FieldError(f"{place}.{error.field}", error.problem) from None


def _each(make: Callable[..., T], saved: Sequence[msgspec.Struct], place: str) -> tuple[T, ...]:
    if not saved:
        return ()
    made: list[T] = []
    try:
        for one in saved:
            made.append(_same(make, one))
    except FieldError as error:
        raise FieldError(f"{place}[{len(made)}].{error.field}", error.problem) from None
    return tuple(made)


def _same(make: Callable[..., T], saved: msgspec.Struct) -> T:
    """A part of the model whose fields are those of the document, in their order.

    This is most of the time that a document takes: names and places are for errors only.
    """
    values = astuple(saved)
    for number, value in enumerate(values):
        kind = type(value)
        if kind is int:
            if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
                _number(value, saved.__struct_fields__[number])
        elif kind is list:
            values = (*values[:number], tuple(value), *values[number + 1 :])
    return make(*values)


def _number(value: int | None, field: str) -> int | None:
    if value is not None and abs(value) > LARGEST_NUMBER:
        raise FieldError(field, f"too large: {described(value)}")
    return value


# ---- as facts ----------------------------------------------------------------------------------


class Recorded(NamedTuple):
    """What a document says of an instance, for a source's record."""

    uuid: str
    """In lower case, with dashes."""
    host: str | None
    """None also for a name that was only guessed: it must not be compared with others."""
    namespace: str
    """Of the block."""
    facts: dict[str, Fact]
    unnamed: bool
    """Whether the instance has no display name."""


def decoded_facts(raw: msgspec.Raw, wanted: Collection[str] | None = None) -> Recorded | None:
    """The facts of a guest's block, from a JSON object; None if the guest has none.

    ``facts`` is empty unless ``wanted``, uuids in lower case with dashes, holds the guest's; None
    wants all. Raises ``FieldError``.
    """
    saved = decode(raw, _RECORDED)
    instance = saved.instance
    if instance is None:
        return None
    uuid = checked_uuid(saved.uuid, "uuid")
    return Recorded(
        uuid=uuid,
        host=None if saved.host_guessed else saved.host or None,
        namespace=instance.namespace,
        facts=_facts(instance) if wanted is None or uuid in wanted else {},
        unnamed=not instance.name,
    )


def decoded_ports(text: bytes, field: str) -> tuple[Port, ...]:
    """The ports of a JSON array as the document has it, each checked. Raises ``FieldError``."""
    try:
        listed = decode(text, _PORTS)
    except FieldError as error:
        raise FieldError(f"{field}{error.field}", error.problem) from error
    return _checked_ports(listed, field)


def _facts(instance: _Instance) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    _add(facts, "package", instance.package)
    _add(facts, "name", instance.name)
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
        facts["ports"] = _checked_ports(instance.ports, "instance.ports")
    return facts


def _add_struct(facts: dict[str, Fact], prefix: str, struct: msgspec.Struct) -> None:
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        key = f"{prefix}.{name}"
        if isinstance(value, msgspec.Struct):
            _add_struct(facts, key, value)
        else:
            _add(facts, key, value)


def _add(facts: dict[str, Fact], key: str, value: str | int | dict[str, str] | None) -> None:
    if value is None:
        return
    field = f"instance.{key}"
    if isinstance(value, str):
        facts[key] = checked_text(value, field)
    elif isinstance(value, int):
        facts[key] = checked_number(value, field)
    else:
        facts[key] = checked_texts(value, field)


def _checked_ports(ports: list[_Port], field: str) -> tuple[Port, ...]:
    for number, port in enumerate(ports):
        place = f"{field}[{number}]"
        if port.uuid is not None:
            checked_text(port.uuid, f"{place}.uuid")
        for each, ip in enumerate(port.ips):
            _check_address(ip, f"{place}.ips[{each}]")
    return _ports(ports, field)


def _check_address(ip: _Address, field: str) -> None:
    if ip.address is not None:
        checked_address(ip.address, f"{field}.address")
    if ip.version is not None:
        checked_number(ip.version, f"{field}.version")
    if ip.type is not None:
        checked_text(ip.type, f"{field}.type")
