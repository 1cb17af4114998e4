"""Records from XML: the one place where a guest is put together, whatever the XML was read from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..block.backfill import backfill_of
from ..model import (
    Backfill,
    Block,
    Definition,
    Difference,
    Domain,
    Guest,
    Hardware,
    Instance,
    Judgement,
    Sighting,
)
from ..parse import parse_block, parse_domain, parse_hardware, parse_head
from .classify import judge, judge_block
from .naming import port_of_tap


def guarded(sighting: Sighting, make: Callable[[Sighting], Guest | None]) -> Guest | None:
    """What ``make`` makes of the guest, whatever it holds: one bad guest never costs the others."""
    try:
        return make(sighting)
    except Exception as fault:
        return unreadable_guest(sighting, f"cannot be read: {fault!r}")


def guest_from_block(sighting: Sighting, xml: str, namespace: str, *faults: str) -> Guest | None:
    """A guest known by its block alone (``virDomainGetMetadata``); None if that says too little.

    ``faults`` are those of the reading: why there is no more of it.
    """
    block = parse_block(xml, namespace)
    if block.instance is None:
        return None
    return _guest(
        sighting, judge_block(block), block=block, faults=(*faults, *_block_faults((block,)))
    )


def guest_from_domain(sighting: Sighting, xml: str, indent: str = "") -> Guest:
    """A guest with its block, title and description; the rest of its XML only if that has none.

    ``indent`` stands before each line, in a file that holds the domain within something else.
    """
    head = parse_head(xml, indent)
    block = counting_block(head.blocks)
    if block is None or block.instance is None:
        return _from_domain(sighting, parse_domain(xml))
    return _guest(
        sighting,
        judge_block(block),
        title=head.title,
        description=head.description,
        block=block,
        backfill=backfill_of(block, head.backfill_xml),
        faults=head.faults + _block_faults(head.blocks),
    )


def guest_with_hardware(sighting: Sighting, xml: str, indent: str = "") -> Guest:
    """As ``guest_from_domain``, and what it is made of; in half the time of ``whole_guest``."""
    guest = guest_from_domain(sighting, xml, indent)
    hardware = parse_hardware(xml, indent)
    if hardware is None:
        return whole_guest(sighting, xml)
    return guest._replace(hardware=_with_ports(hardware, guest.instance))


def whole_guest(
    sighting: Sighting, xml: str, persistent_xml: str | None = None, pid: int | None = None
) -> Guest:
    """Everything there is to know, with what the persistent definition records differently.

    ``xml`` is the live one, or a stopped guest's only one; ``persistent_xml`` is that of a running
    guest which outlives its shutdown.
    """
    domain = parse_domain(xml)
    definitions = [Definition("persistent" if sighting.id is None else "live", domain)]
    guest = _from_domain(sighting, domain)
    differences: tuple[Difference, ...] = ()
    if persistent_xml is not None:
        persistent = parse_domain(persistent_xml)
        definitions.append(Definition("persistent", persistent))
        differences = tuple(_differences(guest.block, counting_block(persistent.blocks)))
    return guest._replace(
        hardware=_with_ports(domain.hardware, guest.instance),
        pid=pid or domain.pid,
        differences=differences,
        definitions=tuple(definitions),
    )


def unreadable_guest(sighting: Sighting, *why: str) -> Guest:
    """A guest of which too little is known to say whose it is."""
    return _guest(sighting, Judgement("unreadable", "unknown", why), faults=why)


def _from_domain(sighting: Sighting, domain: Domain) -> Guest:
    judgement = judge(domain)
    if domain.faults and judgement.manager == "unknown":
        # What shows whose it is may be in the part that could not be read.
        judgement = Judgement("unreadable", "unknown", (*domain.faults, *judgement.evidence))
    return _guest(
        sighting,
        judgement,
        title=domain.title,
        description=domain.description,
        block=counting_block(domain.blocks),
        backfill=backfill_of(counting_block(domain.blocks), domain.backfill_xml),
        faults=domain.faults + _block_faults(domain.blocks),
    )


def _guest(
    sighting: Sighting,
    judgement: Judgement,
    *,
    title: str | None = None,
    description: str | None = None,
    block: Block | None = None,
    backfill: Backfill | None = None,
    faults: tuple[str, ...] = (),
) -> Guest:
    return Guest(
        host=sighting.host,
        host_guessed=sighting.host_guessed,
        read_at=sighting.read_at,
        uuid=sighting.uuid,
        domain=sighting.domain,
        id=sighting.id,
        state=sighting.state,
        reason=sighting.reason,
        kind=judgement.kind,
        manager=judgement.manager,
        evidence=judgement.evidence,
        title=title,
        description=description,
        block=block,
        backfill=backfill,
        faults=faults,
    )


def counting_block(blocks: tuple[Block, ...]) -> Block | None:
    """Of several, the newest that could be read; failing that, the newest."""
    readable = (block for block in blocks if block.instance)
    return next(readable, blocks[0] if blocks else None)


def _block_faults(blocks: tuple[Block, ...]) -> tuple[str, ...]:
    faults = [fault for block in blocks for fault in block.faults]
    if len(blocks) > 1:
        namespaces = " and ".join(block.namespace for block in blocks)
        faults.append(f"two blocks, of {namespaces}; the first that can be read counts")
    return tuple(faults)


def _with_ports(hardware: Hardware, instance: Instance | None) -> Hardware:
    """Name the port behind each tap device that only the block knows in full."""
    ports = [port.uuid for port in (instance.ports or ()) if port.uuid] if instance else []

    interfaces = tuple(
        nic._replace(port=nic.port or port_of_tap(nic.target, ports)) for nic in hardware.interfaces
    )
    return hardware._replace(interfaces=interfaces)


# ---- live against persistent ------------------------------------------------------------------


def _differences(live: Block | None, persistent: Block | None) -> Iterator[Difference]:
    if live and persistent and live.instance == persistent.instance:
        return  # as with nearly every guest
    ours = dict(_leaves("", live.instance)) if live else {}
    theirs = dict(_leaves("", persistent.instance)) if persistent else {}
    for field in dict.fromkeys((*ours, *theirs)):
        if ours.get(field) != theirs.get(field):
            yield Difference(field, ours.get(field), theirs.get(field))


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    """A value's leaves by dotted key: ``flavor.name``, ``image.properties.hw_vif_model``."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        for field, inner in value._asdict().items():  # type: ignore[attr-defined]
            if field != "unknown":
                yield from _leaves(f"{path}.{field}" if path else field, inner)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield f"{path}.{key}", inner
    elif value is not None and value != ():
        yield path, value
