"""What to write to which guest: a pure function of guests, records and request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from lxml import etree

from ..block.backfill import PREFIX as BACKFILL_PREFIX
from ..block.backfill import write_backfill
from ..block.compare import bare, digest_of, prefix_of, same
from ..block.facts import facts_of, instance_of
from ..block.namespaces import BACKFILL, NAMESPACE_STEM, NAMESPACES
from ..block.releases import NEWEST_RELEASE, release_of
from ..block.validate import flaw
from ..guests.build import counting_block
from ..guests.classify import foreign_evidence, guestfs_channel
from ..model import Backfill, Definition, DefinitionName, Guest, Instance
from ..sources.record import Record
from ..write import bare_element
from .ceilometer import breaks_ceilometer, missed
from .merge import Merged, merge
from .plan import NOTHING, Edit, Notice, Plan, Request, Step, unreadable


def make_plan(
    host: str | None, guests: Iterable[Guest], records: Sequence[Record], request: Request
) -> Plan:
    """One step for each guest that is named, or for each of Nova's.

    ``guests`` are those of the host that may be meant; ``records`` come in source order.
    """
    by_uuid: dict[str, list[Record]] = {}
    for record in records:
        by_uuid.setdefault(record.uuid, []).append(record)
    steps: list[Step] = []
    notices: list[Notice] = []
    here = set()
    for guest in sorted(guests, key=lambda guest: (guest.domain, guest.uuid)):
        uuid = guest.uuid
        here.add(uuid)
        recorded = by_uuid.get(uuid, ())
        if _is_meant(guest, bool(recorded), request):
            chosen, doubts, conflict = _settle_twins(recorded, host)
            notices += doubts
            if conflict:
                steps.append(Step(guest, "refused", conflict))
            else:
                step = _step(guest, chosen, request)
                if records and not chosen and step.action == "stamp":
                    step = step._replace(notes=("no record mentions it", *step.notes))
                steps.append(step)
    if request.everyone:
        notices += _without_guest(host, (r for r in records if r.uuid not in here))
    return Plan(host, tuple(steps), tuple(notices))


def _is_meant(guest: Guest, recorded: bool, request: Request) -> bool:
    if guest.uuid in request.named:
        return True
    return request.everyone and (guest.kind != "foreign" or recorded)


# ---- records ----------------------------------------------------------------------------------


def _settle_twins(
    records: Sequence[Record], host: str | None
) -> tuple[list[Record], list[Notice], str]:
    """One record per source, notices about them, and why the guest is refused, if it is."""
    chosen: list[Record] = []
    notices: list[Notice] = []
    for source, number in Counter(record.source for record in records).items():
        twins = [record for record in records if record.source == source]
        places = " and ".join(record.place or "one" for record in twins)
        if number > 1:
            ours = [record for record in twins if record.runs_on(host)]
            twins = ours if len(ours) == 1 else twins
            first = twins[0]
            differing = sorted(_differing(twins))
            if differing:
                return [], notices, f"{source}: {places} disagree on {differing[0]}"
            why = "the one that names this host is used" if len(twins) == 1 else "they say the same"
            notices.append(
                Notice("twice", first.uuid, f"{source}: {places} have the same uuid; {why}")
            )
        chosen.append(twins[0])
    for record in chosen:
        if record.runs_on(host) is False:
            where = " or ".join(record.hosts)
            text = f"{record.source}: {record.place} says it runs on {where}, not on this host"
            notices.append(Notice("elsewhere", record.uuid, text))
    return chosen, notices, ""


def _differing(records: Sequence[Record]) -> set[str]:
    keys = {key for record in records for key in record.facts}
    return {
        key for key in keys if any(r.facts.get(key) != records[0].facts.get(key) for r in records)
    }


def _without_guest(host: str | None, records: Iterable[Record]) -> list[Notice]:
    notices = []
    for record in records:
        name = record.facts.get("name")
        who = f"{name!r}" if name else record.uuid
        if record.runs_on(host):
            text = f"{record.source}: {who} should run here, but there is no such guest"
            notices.append(Notice("missing", record.uuid, text))
        elif record.hosts:
            text = f"{record.source}: {who} runs on {' or '.join(record.hosts)}"
            notices.append(Notice("elsewhere", record.uuid, text))
        else:
            text = f"{record.source}: {who} is not a guest of this host"
            notices.append(Notice("unmatched", record.uuid, text))
    return notices


# ---- one guest --------------------------------------------------------------------------------


def _step(guest: Guest, records: Sequence[Record], request: Request) -> Step:
    if why := _refusal(guest, bool(records), request):
        return Step(guest, "refused", why)
    held = [counting_block(definition.domain.blocks) for definition in guest.definitions]
    if all(held) and not (request.overwrite or request.fill):
        return Step(guest, "unchanged", "it already has a block")
    if request.fill and any(block and block.instance is None for block in held):
        return Step(guest, "refused", "its block cannot be read; use --overwrite to replace it")
    merged = merge(
        guest.definitions[0].domain,
        records,
        request.assignments,
        deriving=request.derive,
        known_ports=request.known_ports,
    )
    if not merged.facts:
        return Step(guest, "refused", "no source knows anything about it")
    edits: list[Edit] = []
    written: list[Instance] = []
    for definition in guest.definitions:
        instance = _instance(definition, merged, guest.uuid, request)
        if instance is None:
            continue
        try:
            element = bare_element(instance)
        except ValueError as error:
            why = f"XML cannot hold it: {error}"
            return Step(guest, "refused", why, origins=merged.origins)
        if why := _flaw(instance, element):
            return Step(guest, "refused", why, origins=merged.origins)
        added = _edits(definition, instance, element, merged, request)
        edits += added
        if added:
            written.append(instance)
    if not edits:
        return Step(guest, "unchanged", "its block already says all this", origins=merged.origins)
    notes = list(merged.notes)
    if merged.facts.get("root.type") == "image" and any(one.root is None for one in written):
        notes.append("root left out: without a uuid it would abort Ceilometer's discovery")
    notes += dict.fromkeys(note for one in written for note in missed(one))
    return Step(
        guest,
        "stamp",
        edits=tuple(edits),
        held=facts_of(guest.instance) if guest.instance else NOTHING,
        facts=facts_of(written[0]) if written else NOTHING,
        origins=merged.origins,
        notes=tuple(notes),
    )


def _refusal(guest: Guest, recorded: bool, request: Request) -> str:
    forced = request.force and guest.uuid in request.named
    if why := unreadable(guest):
        return why
    for definition in guest.definitions:
        domain = definition.domain
        if mark := guestfs_channel(domain):
            return f"it is a libguestfs appliance: {mark}"
        for manager, mark in foreign_evidence(domain):
            if not forced:
                return (
                    f"it belongs to {manager}: {mark}; to stamp it anyway, name it and use --force"
                )
        for namespace in domain.namespaces:
            if namespace.startswith(NAMESPACE_STEM) and namespace not in NAMESPACES:
                return f"it has a block of a Nova newer than this program knows: {namespace}"
    if guest.kind == "foreign" and not recorded and not forced:
        return "no evidence that this is a Nova guest; to stamp it anyway, name it and use --force"
    return ""


def _flaw(instance: Instance, element: etree._Element) -> str:
    # What an existing block holds beyond Nova's own elements is kept, not judged.
    judged = bare_element(instance._replace(unknown=())) if instance.unknown else element
    if why := flaw(judged, instance.namespace):
        return why
    if missing := breaks_ceilometer(instance):
        return (
            f"{missing} is unknown, and such a block would abort Ceilometer's discovery for the "
            f"whole host; use --set {missing}=…"
        )
    return ""


def _instance(
    definition: Definition, merged: Merged, uuid: str, request: Request
) -> Instance | None:
    """What the definition's block will say; None if it is left alone."""
    block = counting_block(definition.domain.blocks)
    if block is None or request.overwrite:
        if request.release is None and merged.namespace is not None:
            # A saved document: the block becomes what it was.
            instance = instance_of(merged.facts, merged.namespace)
            return release_of(merged.namespace).shape(instance)
        release = request.release or NEWEST_RELEASE
        instance = instance_of(merged.facts, release.namespace)
        instance = release.habits(release.shape(instance), uuid, unnamed=merged.unnamed)
        if breaks_ceilometer(instance) == "root.uuid":
            instance = instance._replace(root=None)
        return instance
    if not request.fill or block.instance is None:
        return None
    release = request.release or release_of(block.namespace)
    # The release says what may be added; what is there stays, in its namespace.
    added = facts_of(release.shape(instance_of(merged.facts, block.namespace)))
    kept = facts_of(block.instance)
    if "root.type" in kept and kept["root.type"] != added.get("root.type"):
        # An image's uuid is not a volume's.
        added.pop("root.uuid", None)
    if kept.get("root.type") == "volume" == added.get("root.type"):
        # Nova always leaves the uuid of a boot volume empty.
        kept = {key: value for key, value in kept.items() if key != "root.uuid" or value}
    facts = {**added, **kept}
    return instance_of(facts, block.namespace)._replace(unknown=block.instance.unknown)


def _edits(
    definition: Definition,
    instance: Instance,
    element: etree._Element,
    merged: Merged,
    request: Request,
) -> list[Edit]:
    """From what the definition holds to what it will hold: our mark first, then the block."""
    domain = definition.domain
    held = {block.namespace: block.xml for block in reversed(domain.blocks)}
    edits = []
    edit = _edit(definition.name, instance.namespace, held.get(instance.namespace))
    after = etree.tostring(element, encoding="unicode")
    if not same(edit.before, after, instance.namespace):
        if request.signature:
            ours = _edit(definition.name, BACKFILL, domain.backfill_xml)
            sources = tuple(dict.fromkeys(merged.origins.values()))
            mark = Backfill(
                sources=sources,
                digest=digest_of(element),
                **request.signature._asdict(),
            )
            edits.append(ours._replace(after=write_backfill(mark)))
        edits.append(edit._replace(after=after))
    if request.overwrite:
        others = (namespace for namespace in held if namespace != instance.namespace)
        edits += [_edit(definition.name, other, held[other]) for other in others]
    return edits


def _edit(definition: DefinitionName, namespace: str, xml: str | None) -> Edit:
    """The removal of what is there; if nothing is, the start of an addition."""
    if xml is None:
        prefix = BACKFILL_PREFIX if namespace == BACKFILL else "nova"
        return Edit(definition, namespace, prefix, None, None)
    return Edit(definition, namespace, prefix_of(xml) or "nova", bare(xml, namespace), None)
