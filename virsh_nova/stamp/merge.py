"""Merge the facts of several sources, field by field: the later source wins. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..block.facts import Fact, Facts
from ..guests.derive import SOURCE as GUEST
from ..guests.derive import boot_volume, derive, port_of
from ..model import Address, Domain, Port
from ..sources.record import Record

ASSIGNED = "--set"


class Merged(NamedTuple):
    """The facts of one instance, and the source of each."""

    facts: Facts
    origins: Mapping[str, str]
    """The source of each fact."""
    unnamed: bool = False
    namespace: str | None = None
    """Of the block in a saved document."""
    notes: tuple[str, ...] = ()


def merge(
    domain: Domain,
    records: Sequence[Record],
    assignments: Facts,
    *,
    deriving: bool,
    known_ports: Iterable[str] = (),
) -> Merged:
    """Merge the guest's own facts, then those of the records in order, then those of ``--set``."""
    facts: dict[str, Fact] = {}
    origins: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    if deriving:
        ports = {port.uuid for record in records for port in _ports(record.facts) if port.uuid}
        derived, notes = derive(domain, ports.union(known_ports))
        _lay(facts, origins, derived, GUEST)
    for record in records:
        _lay(facts, origins, record.facts, record.source, record.origins)
    _lay(facts, origins, _completed(assignments, facts), ASSIGNED)
    if facts.get("root.type") == "volume":
        _name_boot_volume(facts, origins, domain, deriving)
    if "ports" in facts:
        namespaces = [record.namespace for record in records if "ports" in record.facts]
        _settle_ports(facts, origins, domain, records, ordered=any(namespaces))
    return Merged(
        facts,
        origins,
        unnamed=any(record.unnamed for record in records) and not facts.get("name"),
        namespace=next((r.namespace for r in reversed(records) if r.namespace), None),
        notes=notes,
    )


def _lay(
    facts: dict[str, Fact],
    origins: dict[str, str],
    new: Facts,
    source: str,
    others: Mapping[str, str] | None = None,
) -> None:
    """Put a source's facts over the earlier ones."""
    if new.get("root.type", facts.get("root.type")) != facts.get("root.type"):
        # An image's uuid is not a volume's.
        facts.pop("root.uuid", None)
        origins.pop("root.uuid", None)
    for key, value in new.items():
        facts[key] = value
        origins[key] = (others or {}).get(key, source)


def _completed(assignments: Facts, facts: Facts) -> Facts:
    """``--set flavor.extra_specs.KEY=VALUE`` adds to the extra specs that are known."""
    completed = dict(assignments)
    for key, value in assignments.items():
        earlier = facts.get(key)
        if isinstance(value, Mapping) and isinstance(earlier, Mapping):
            completed[key] = {**earlier, **value}
    return completed


def _name_boot_volume(
    facts: dict[str, Fact], origins: dict[str, str], domain: Domain, deriving: bool
) -> None:
    """The boot disk's serial: Nova leaves the uuid of a boot volume empty, and the API has none."""
    known = facts.get("root.uuid")
    if known is None or (known == "" and deriving):
        volume = boot_volume(domain)
        if volume is not None:
            facts["root.uuid"] = volume
            origins["root.uuid"] = GUEST


def _settle_ports(
    facts: dict[str, Fact],
    origins: dict[str, str],
    domain: Domain,
    records: Sequence[Record],
    *,
    ordered: bool,
) -> None:
    """Add addresses known only by MAC, and put the ports in the order of the interfaces."""
    ports = _ports(facts)
    uuids = [port.uuid for port in ports if port.uuid]
    place: dict[str, int] = {}
    macs: dict[str, str] = {}
    for number, nic in enumerate(domain.hardware.interfaces):
        uuid = port_of(nic, uuids)
        if uuid:
            place[uuid] = number
            macs[uuid] = (nic.mac or "").lower()
    if origins["ports"] == GUEST:
        addresses: dict[str, tuple[Address, ...]] = {}
        source = ""
        for record in records:
            addresses.update(record.addresses)
            source = record.source if record.addresses else source
        found = {uuid: addresses[mac] for uuid, mac in macs.items() if addresses.get(mac)}
        if found:
            ports = tuple(port._replace(ips=found.get(port.uuid or "", port.ips)) for port in ports)
            origins["ports"] = f"{GUEST}, {source}"
    if not ordered and len(place) == len(ports):
        ports = tuple(sorted(ports, key=lambda port: place[port.uuid or ""]))
    facts["ports"] = ports


def _ports(facts: Facts) -> tuple[Port, ...]:
    ports = facts.get("ports", ())
    return ports if isinstance(ports, tuple) else ()
