"""Look up what a record only refers to (users, flavors, images, ports), and complete the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..block.facts import Fact, Facts
from ..model import Address, Port
from .record import Record


class Name(NamedTuple):
    """The name of a user or a project."""

    name: str
    source: str


class CatalogEntry(NamedTuple):
    """What a catalog says of a flavor or an image: facts by the keys of ``facts.SHAPES``."""

    facts: Facts
    source: str


class ServerPort(NamedTuple):
    """A port of a server, as Neutron shows it."""

    uuid: str
    mac: str
    """In lower case; empty if unknown."""
    ips: tuple[Address, ...]
    created: str
    """ISO 8601 as Neutron wrote it; empty if unknown."""
    source: str


class Catalog(NamedTuple):
    users: Mapping[str, Name] = {}
    """By id."""
    projects: Mapping[str, Name] = {}
    """By id."""
    flavors: Mapping[str, CatalogEntry] = {}
    """By the id that the API shows."""
    flavors_by_name: Mapping[str, CatalogEntry] = {}
    """Only flavors whose name is unique."""
    images: Mapping[str, CatalogEntry] = {}
    """By uuid. ``image.min_disk_gib`` is the image's own."""
    ports: Mapping[str, tuple[ServerPort, ...]] = {}
    """By the server's uuid, oldest first."""
    port_uuids: frozenset[str] = frozenset()
    """Of all ports. A tap's name has only the beginning of its port's uuid; this gives the rest."""


_SIZES = (
    "flavor.memory_mib",
    "flavor.disk_gib",
    "flavor.swap_mib",
    "flavor.ephemeral_gib",
    "flavor.vcpus",
)


def complete(record: Record, catalog: Catalog) -> Record:
    """The record, with what it lacks filled in from the catalog.

    ``origins`` says which source each added fact is from. The record's own facts stay as they are.
    """
    found: dict[str, tuple[Fact, str]] = {}
    _name(record, "owner.user", catalog.users, found)
    _name(record, "owner.project", catalog.projects, found)
    _flavor(record, catalog, found)
    _image(record, catalog, found)
    _ports(record, catalog, found)
    if not found:
        return record
    return record._replace(
        facts={**record.facts, **{key: fact for key, (fact, _) in found.items()}},
        origins={**record.origins, **{key: source for key, (_, source) in found.items()}},
    )


_Found = dict[str, tuple[Fact, str]]


def _name(record: Record, who: str, names: Mapping[str, Name], found: _Found) -> None:
    id_ = record.facts.get(f"{who}.id")
    entry = names.get(id_) if isinstance(id_, str) else None
    if entry is not None and f"{who}.name" not in record.facts:
        found[f"{who}.name"] = (entry.name, entry.source)


def _flavor(record: Record, catalog: Catalog, found: _Found) -> None:
    id_, name = record.facts.get("flavor.id"), record.facts.get("flavor.name")
    entry = None
    if isinstance(id_, str):
        entry = catalog.flavors.get(id_)
    elif isinstance(name, str):
        entry = catalog.flavors_by_name.get(name)
    # A flavor can be deleted and another created under its name, with other sizes.
    if entry is not None and not _contradicts(record.facts, entry.facts):
        _fill(record, entry.facts, entry.source, found)


def _contradicts(ours: Facts, theirs: Facts) -> bool:
    return any(
        key in ours and key in theirs and ours[key] != theirs[key]
        for key in (*_SIZES, "flavor.name")
    )


def _image(record: Record, catalog: Catalog, found: _Found) -> None:
    uuid = record.facts.get("image.uuid")
    if uuid is None and record.facts.get("root.type") == "image":
        uuid = record.facts.get("root.uuid")
    entry = catalog.images.get(uuid) if isinstance(uuid, str) else None
    if uuid is None or entry is None:
        return
    facts = dict(entry.facts)
    # Nova records the larger of the image's min_disk and the flavor's disk.
    needed = facts.pop("image.min_disk_gib", None)
    disk = record.facts.get("flavor.disk_gib", found.get("flavor.disk_gib", (None,))[0])
    if isinstance(needed, int) and isinstance(disk, int):
        facts["image.min_disk_gib"] = max(needed, disk)
    _fill(record, {"image.uuid": uuid, **facts}, entry.source, found)


def _ports(record: Record, catalog: Catalog, found: _Found) -> None:
    # No ports for a server says little: the file may be one project's.
    ports = catalog.ports.get(record.uuid)
    if not ports or "ports" in record.facts:
        return
    # A server lists its addresses in the order of Nova's network cache, which is the block's order.
    # Neutron has no order. The sort is stable, so the rest stay oldest first.
    order = {mac: place for place, mac in enumerate(record.addresses)}
    ordered = sorted(ports, key=lambda port: order.get(port.mac, len(order)))
    found["ports"] = (
        tuple(
            Port(port.uuid, _ordered(port.ips, record.addresses.get(port.mac, ())))
            for port in ordered
        ),
        ordered[0].source,
    )


def _ordered(ips: Iterable[Address], as_in: tuple[Address, ...]) -> tuple[Address, ...]:
    order = {ip.address: place for place, ip in enumerate(as_in)}
    return tuple(sorted(ips, key=lambda ip: order.get(ip.address, len(order))))


def _fill(record: Record, facts: Facts, source: str, found: _Found) -> None:
    for key, fact in facts.items():
        if key not in record.facts:
            found[key] = (fact, source)
