"""The files given with ``--users``, ``--projects``, ``--flavors``, ``--images`` and ``--ports``.

Each is the API's own response (``{"flavors": [...]}``), or the JSON or YAML output of ``openstack
flavor list``, ``openstack flavor show`` and the same for the others; ``--long`` gives more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from ..block.facts import Fact
from ..errors import NovaDomainsError
from ..inputs.decode import decode
from ..inputs.objects import Input, Item, ObjectKind, items_in, read_input, refused
from ..inputs.values import (
    FieldError,
    as_text,
    checked_address,
    checked_number,
    checked_text,
    checked_texts,
    checked_uuid,
    described,
    is_uuid,
)
from .catalog import Catalog, CatalogEntry, Name, ServerPort
from .image_properties import is_kept, kept_properties

USERS = ObjectKind("user", "users", "GET /v3/users; openstack user list or show -f json|yaml")
PROJECTS = ObjectKind(
    "project", "projects", "GET /v3/projects; openstack project list or show -f json|yaml"
)
FLAVORS = ObjectKind(
    "flavor", "flavors", "GET /flavors/detail; openstack flavor list --long or show -f json|yaml"
)
IMAGES = ObjectKind(
    "image", "images", "GET /v2/images; openstack image list --long or show -f json|yaml"
)
PORTS = ObjectKind("port", "ports", "Neutron's GET /v2.0/ports")

_PORTS_HINT = (
    'Save Neutron\'s own response: curl -H "X-Auth-Token: $TOKEN" $NEUTRON_URL/v2.0/ports > FILE'
)


def read_catalog(
    *,
    users: Iterable[str] = (),
    projects: Iterable[str] = (),
    flavors: Iterable[str] = (),
    images: Iterable[str] = (),
    ports: Iterable[str] = (),
) -> Catalog:
    """The catalog from the files at these paths. If an id occurs twice, the later one counts.

    Raises ``NovaDomainsError``, which names the file, the item and the field in one line.
    """
    return catalog_of(
        users=map(read_input, users),
        projects=map(read_input, projects),
        flavors=map(read_input, flavors),
        images=map(read_input, images),
        ports=map(read_input, ports),
    )


def catalog_of(
    *,
    users: Iterable[Input] = (),
    projects: Iterable[Input] = (),
    flavors: Iterable[Input] = (),
    images: Iterable[Input] = (),
    ports: Iterable[Input] = (),
) -> Catalog:
    """As ``read_catalog``, from bytes in memory."""
    by_id = dict(_each(flavors, FLAVORS, _flavor))
    names = Counter(entry.facts.get("flavor.name") for entry in by_id.values())
    by_uuid = dict(_each(ports, PORTS, _port))
    by_server: dict[str, list[ServerPort]] = {}
    for server, port in sorted(
        (held for held in by_uuid.values() if held[0]),
        key=lambda held: (held[1].created, held[1].uuid),
    ):
        by_server.setdefault(server, []).append(port)
    return Catalog(
        users=dict(_each(users, USERS, _identity)),
        projects=dict(_each(projects, PROJECTS, _identity)),
        flavors=by_id,
        flavors_by_name={
            name: entry
            for entry in by_id.values()
            if isinstance(name := entry.facts.get("flavor.name"), str) and names[name] == 1
        },
        images=dict(_each(images, IMAGES, _image)),
        ports={server: tuple(listed) for server, listed in by_server.items()},
        port_uuids=frozenset(by_uuid),
    )


T = TypeVar("T")


def _each(
    inputs: Iterable[Input], kind: ObjectKind, make: Callable[[Item], tuple[str, T]]
) -> Iterator[tuple[str, T]]:
    for given in inputs:
        for item in items_in(given, kind):
            try:
                yield make(item)
            except FieldError as error:
                raise refused(item, error) from error


class _Identity(msgspec.Struct):
    id: str
    name: str


class _IdentityRow(msgspec.Struct):
    id: str = msgspec.field(name="ID")
    name: str = msgspec.field(name="Name")


class _Flavor(msgspec.Struct):
    id: str
    name: str | None = None
    ram: int | None = None
    disk: int | None = None
    vcpus: int | None = None
    swap: int | str | None = None
    ephemeral: int | None = msgspec.field(default=None, name="OS-FLV-EXT-DATA:ephemeral")
    extra_specs: dict[str, str] | None = None
    properties: dict[str, str] | str | None = None
    """The client's name for the extra specs; older clients write them as text."""


class _FlavorRow(msgspec.Struct):
    id: str = msgspec.field(name="ID")
    name: str | None = msgspec.field(default=None, name="Name")
    ram: int | None = msgspec.field(default=None, name="RAM")
    disk: int | None = msgspec.field(default=None, name="Disk")
    vcpus: int | None = msgspec.field(default=None, name="VCPUs")
    swap: int | str | None = msgspec.field(default=None, name="Swap")
    ephemeral: int | None = msgspec.field(default=None, name="Ephemeral")
    extra_specs: dict[str, str] | str | None = msgspec.field(default=None, name="Properties")


class _Image(msgspec.Struct):
    id: str
    container_format: str | None = None
    disk_format: str | None = None
    min_disk: int | None = None
    min_ram: int | None = None


class _ImageRow(msgspec.Struct):
    id: str = msgspec.field(name="ID")
    container_format: str | None = msgspec.field(default=None, name="Container Format")
    disk_format: str | None = msgspec.field(default=None, name="Disk Format")


class _FixedIp(msgspec.Struct):
    ip_address: str


class _Port(msgspec.Struct):
    id: str
    device_id: str
    device_owner: str = ""
    mac_address: str = ""
    fixed_ips: list[_FixedIp] = []
    created_at: str | None = None


class _Row(msgspec.Struct):
    """The key that only the client's rows have."""

    id: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="ID")


_ROW = msgspec.json.Decoder(_Row)
_IDENTITY = msgspec.json.Decoder(_Identity)
_IDENTITY_ROW = msgspec.json.Decoder(_IdentityRow)
_FLAVOR = msgspec.json.Decoder(_Flavor)
_FLAVOR_ROW = msgspec.json.Decoder(_FlavorRow)
_IMAGE = msgspec.json.Decoder(_Image)
_IMAGE_ROW = msgspec.json.Decoder(_ImageRow)
_PORT = msgspec.json.Decoder(_Port)
_ANYTHING = msgspec.json.Decoder(dict[str, Any])


def _is_row(item: Item) -> bool:
    return bool(decode(item.raw, _ROW).id)


def _identity(item: Item) -> tuple[str, Name]:
    if _is_row(item):
        row = decode(item.raw, _IDENTITY_ROW)
        return row.id, Name(checked_text(row.name, "Name"), item.source)
    identity = decode(item.raw, _IDENTITY)
    return identity.id, Name(checked_text(identity.name, "name"), item.source)


def _flavor(item: Item) -> tuple[str, CatalogEntry]:
    flavor: _Flavor | _FlavorRow
    if _is_row(item):
        flavor = decode(item.raw, _FLAVOR_ROW)
        specs = flavor.extra_specs
    else:
        flavor = decode(item.raw, _FLAVOR)
        specs = flavor.properties if flavor.extra_specs is None else flavor.extra_specs
    facts: dict[str, Fact] = {"flavor.id": checked_text(flavor.id, "id")}
    if flavor.name is not None:
        facts["flavor.name"] = checked_text(flavor.name, "name")
    for name, key, size in (
        ("ram", "flavor.memory_mib", flavor.ram),
        ("disk", "flavor.disk_gib", flavor.disk),
        ("swap", "flavor.swap_mib", _swap(flavor.swap)),
        ("ephemeral", "flavor.ephemeral_gib", flavor.ephemeral),
        ("vcpus", "flavor.vcpus", flavor.vcpus),
    ):
        if size is not None:
            facts[key] = checked_number(size, name)
    if isinstance(specs, dict):
        facts["flavor.extra_specs"] = checked_texts(specs, "extra_specs")
    return flavor.id, CatalogEntry(facts, item.source)


def _swap(swap: int | str | None) -> int | None:
    if not isinstance(swap, str):
        return swap
    # Up to microversion 2.74, Nova writes "" for no swap.
    if swap:
        raise FieldError("swap", f"expected a number, got {described(swap)}")
    return 0


def _image(item: Item) -> tuple[str, CatalogEntry]:
    facts: dict[str, Fact] = {}
    if _is_row(item):
        row = decode(item.raw, _IMAGE_ROW)
        uuid = checked_uuid(row.id, "ID")
        formats = (row.container_format, row.disk_format)
    else:
        image = decode(item.raw, _IMAGE)
        uuid = checked_uuid(image.id, "id")
        formats = (image.container_format, image.disk_format)
        if image.min_disk is not None:
            facts["image.min_disk_gib"] = checked_number(image.min_disk, "min_disk")
        if image.min_ram is not None:
            facts["image.min_ram_mib"] = checked_number(image.min_ram, "min_ram")
        facts["image.properties"] = _properties(item)
    for name, text in zip(("container_format", "disk_format"), formats, strict=True):
        if text:
            facts[f"image.{name}"] = checked_text(text, name)
    return uuid, CatalogEntry(facts, item.source)


def _properties(item: Item) -> dict[str, str]:
    # Glance lists properties beside the image's own attributes, the client separately.
    values = decode(item.raw, _ANYTHING)
    apart = values.get("properties")
    if isinstance(apart, dict):
        values |= apart
    return kept_properties(
        {
            name: as_text(value, f"properties.{name}")
            for name, value in values.items()
            if value is not None and is_kept(name)
        }
    )


def _port(item: Item) -> tuple[str, tuple[str, ServerPort]]:
    """The port's uuid, its server's uuid or ``""``, and the port."""
    if _is_row(item):
        raise NovaDomainsError(
            f"{item.source}: openstack port list does not show which server a port belongs to",
            _PORTS_HINT,
        )
    port = decode(item.raw, _PORT)
    uuid = checked_uuid(port.id, "id")
    held = ServerPort(
        uuid,
        checked_text(port.mac_address.lower(), "mac_address"),
        tuple(
            checked_address(ip.ip_address, f"fixed_ips[{place}].ip_address")
            for place, ip in enumerate(port.fixed_ips)
        ),
        port.created_at or "",
        item.source,
    )
    # Floating IPs, routers and DHCP agents have ports too.
    is_server = is_uuid(port.device_id) and not port.device_owner.startswith("network:")
    return uuid, (checked_uuid(port.device_id, "device_id") if is_server else "", held)
