"""What the cloud's catalogs say of the things that a record only names, and filling it in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..facts import Facts
from ..model import Address, Fact, Port, Record


class Name(NamedTuple):
    """The name of a user or a project."""

    name: str
    source: str


class CatalogEntry(NamedTuple):
    """What a catalog says of a flavor or an image, by the keys of ``facts.SHAPES``."""

    facts: Facts
    source: str


class ServerPort(NamedTuple):
    """A port of a server, as Neutron has it."""

    uuid: str
    mac: str
    """In lower case; empty where it is not told."""
    ips: tuple[Address, ...]
    created: str
    """ISO 8601 as Neutron wrote it; empty where it is not told."""
    source: str


class Catalog(NamedTuple):
    users: Mapping[str, Name] = {}
    """By id."""
    projects: Mapping[str, Name] = {}
    """By id."""
    flavors: Mapping[str, CatalogEntry] = {}
    """By the id that the API shows."""
    flavors_by_name: Mapping[str, CatalogEntry] = {}
    """Only those whose name no other flavor has."""
    images: Mapping[str, CatalogEntry] = {}
    """By uuid. ``image.min_disk_gib`` is the image's own."""
    ports: Mapping[str, tuple[ServerPort, ...]] = {}
    """By the server's uuid, the oldest first."""
    port_uuids: frozenset[str] = frozenset()
    """Of all ports, so that one can be told from the beginning that a tap's name has."""


_SIZES = (
    "flavor.memory_mib",
    "flavor.disk_gib",
    "flavor.swap_mib",
    "flavor.ephemeral_gib",
    "flavor.vcpus",
)


def complete(record: Record, catalog: Catalog) -> Record:
    """The record with what it lacks and the catalog has; ``origins`` tells which file gave it.

    Nothing that the record says is changed.
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
    # A flavor can be deleted and made anew under its name with other sizes: it is another one.
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
    # Nova records the larger of what the image needs and what the flavor gives.
    needed = facts.pop("image.min_disk_gib", None)
    disk = record.facts.get("flavor.disk_gib", found.get("flavor.disk_gib", (None,))[0])
    if isinstance(needed, int) and isinstance(disk, int):
        facts["image.min_disk_gib"] = max(needed, disk)
    _fill(record, {"image.uuid": uuid, **facts}, entry.source, found)


def _ports(record: Record, catalog: Catalog, found: _Found) -> None:
    # That the file has none for a server says little: it may be one project's.
    ports = catalog.ports.get(record.uuid)
    if not ports or "ports" in record.facts:
        return
    # The server's view lists addresses in the order of Nova's own record of the network, which
    # is the block's; Neutron has no order of its own. The sort keeps the rest oldest first.
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
