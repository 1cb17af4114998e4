"""What to write to which guest. A pure function of guests, records and request."""

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
from ..block.schema import flaw
from ..guests.build import counting_block
from ..guests.classify import foreign_evidence, guestfs_channel
from ..model import Backfill, Definition, DefinitionName, Guest, Instance
from ..quoting import quoted
from ..sources.record import Record
from ..write import bare_element
from .ceilometer import bearable, breaks_ceilometer, left_out, missed
from .merge import Merged, merge
from .plan import NOTHING, Edit, Notice, Plan, Request, Step, unreadable


def make_plan(
    host: str | None, guests: Iterable[Guest], records: Sequence[Record], request: Request
) -> Plan:
    """One step for each guest that is named, or for each of Nova's.

    ``guests`` are those that the request can select; ``records`` are in source order.
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
            step = Step(guest, "refused", conflict) if conflict else _step(guest, chosen, request)
            if records and not chosen and step.action == "stamp":
                step = step._replace(notes=("no record mentions it", *step.notes))
            failed = uuid in request.named or bool(unreadable(guest))
            steps.append(step._replace(failure=failed and step.action == "refused"))
    for uuid in sorted(request.named - here):
        notices.append(Notice("gone", uuid, f"the guest {uuid} was named and is no longer here"))
    if request.everyone:
        notices += _without_guest(host, (r for r in records if r.uuid not in here))
    return Plan(host, tuple(steps), tuple(notices))


def _is_meant(guest: Guest, recorded: bool, request: Request) -> bool:
    if guest.uuid in request.named:
        return True
    # One that cannot be read may be Nova's.
    return request.everyone and (guest.kind != "foreign" or recorded or bool(unreadable(guest)))


# ---- records ----------------------------------------------------------------------------------


def _settle_twins(
    records: Sequence[Record], host: str | None
) -> tuple[list[Record], list[Notice], str]:
    """One record per source, notices about them, and why the guest is refused, if it is.

    Of several records of one source those that name this host count, or all if none does. They
    have to agree.
    """
    chosen: list[Record] = []
    notices: list[Notice] = []
    for source, number in Counter(record.source for record in records).items():
        twins = [record for record in records if record.source == source]
        counting = [record for record in twins if record.runs_on(host)] or twins
        first = counting[0]
        if number > 1:
            if differing := sorted(_differing(counting)):
                why = f"{_places(counting)} disagree on {differing[0]}"
                return [], notices, f"{source}: {why}"
            if len(counting) == number:
                why = "they say the same"
            elif len(counting) == 1:
                why = "the one that names this host is used"
            else:
                why = "those that name this host are used, and say the same"
            text = f"{source}: {_places(twins)} have the same uuid; {why}"
            notices.append(Notice("twice", first.uuid, text))
        chosen.append(first)
    for record in chosen:
        if record.runs_on(host) is False:
            where = " or ".join(map(quoted, record.hosts))
            text = f"{record.source}: {record.place} says it runs on {where}, not on this host"
            notices.append(Notice("elsewhere", record.uuid, text))
    return chosen, notices, ""


def _places(records: Sequence[Record]) -> str:
    return " and ".join(record.place or "one" for record in records)


def _differing(records: Sequence[Record]) -> set[str]:
    keys = {key for record in records for key in record.facts}
    return {
        key for key in keys if any(r.facts.get(key) != records[0].facts.get(key) for r in records)
    }


def _without_guest(host: str | None, records: Iterable[Record]) -> list[Notice]:
    notices = []
    for record in records:
        name = record.facts.get("name")
        who = quoted(str(name)) if name else record.uuid
        if record.runs_on(host):
            text = f"{record.source}: {who} should run here, but there is no such guest"
            notices.append(Notice("missing", record.uuid, text))
        elif record.hosts:
            text = f"{record.source}: {who} runs on {' or '.join(map(quoted, record.hosts))}"
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
    lacking: dict[str, None] = {}
    for definition in guest.definitions:
        wanted = _instance(definition, merged, guest.uuid, request)
        if wanted is None:
            continue
        instance, missing = wanted
        lacking |= dict.fromkeys(missing)
        if missing and not facts_of(instance):
            return Step(guest, "refused", _aborts(missing[0]), origins=merged.origins)
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
    notes = [*merged.notes, *map(left_out, lacking)]
    if not edits:
        why = "; ".join(["its block already says all this", *map(left_out, lacking)])
        return Step(guest, "unchanged", why, origins=merged.origins)
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
                return (
                    f"it has a block of a Nova newer than this program knows: {quoted(namespace)}"
                )
    if guest.kind == "foreign" and not recorded and not forced:
        return "no evidence that this is a Nova guest; to stamp it anyway, name it and use --force"
    return ""


def _flaw(instance: Instance, element: etree._Element) -> str:
    # Unknown parts of an existing block are kept, not judged.
    judged = bare_element(instance._replace(unknown=())) if instance.unknown else element
    if why := flaw(judged, instance.namespace):
        return why
    if missing := breaks_ceilometer(instance):
        return _aborts(missing)
    return ""


def _aborts(missing: str) -> str:
    return (
        f"{missing} is unknown, and such a block would abort Ceilometer's discovery for the "
        f"whole host; use --set {missing}=…"
    )


def _instance(
    definition: Definition, merged: Merged, uuid: str, request: Request
) -> tuple[Instance, tuple[str, ...]] | None:
    """What the definition's block will say, and which keys cost an element; None if it stays."""
    block = counting_block(definition.domain.blocks)
    if block is None or request.overwrite:
        if request.release is None and merged.namespace is not None:
            # A saved document: the block becomes what it was.
            instance = instance_of(merged.facts, merged.namespace)
            return bearable(release_of(merged.namespace).shape(instance))
        release = request.release or NEWEST_RELEASE
        instance = instance_of(merged.facts, release.namespace)
        return bearable(release.habits(release.shape(instance), uuid, unnamed=merged.unnamed))
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
    instance = instance_of(facts, block.namespace)._replace(unknown=block.instance.unknown)
    return bearable(instance, kept)


def _edits(
    definition: Definition,
    instance: Instance,
    element: etree._Element,
    merged: Merged,
    request: Request,
) -> list[Edit]:
    """The changes to the definition: our mark first, then the block."""
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
    """An edit that removes the element; if there is none, one to fill with ``after``."""
    if xml is None:
        prefix = BACKFILL_PREFIX if namespace == BACKFILL else "nova"
        return Edit(definition, namespace, prefix, None, None)
    return Edit(definition, namespace, prefix_of(xml) or "nova", bare(xml, namespace), None)
