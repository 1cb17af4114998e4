"""What to write to which guest: a pure function of guests, records and options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from lxml import etree

from ..backfill import PREFIX as BACKFILL_PREFIX
from ..backfill import write_backfill
from ..canonical import bare, digest_of, prefix_of, same
from ..classify import foreign_evidence, guestfs_channel
from ..dialect import BACKFILL, NAMESPACE_STEM, NAMESPACES
from ..facts import Facts, facts_of, instance_of
from ..guests import counting_block
from ..model import Backfill, Definition, DefinitionName, Guest, Instance, Record
from ..readers import breaks_ceilometer, missed
from ..release import NEWEST_RELEASE, Release, release_of
from ..write import bare_element
from .merge import Merged, merge
from .validate import flaw

_NOTHING: Mapping[str, Any] = MappingProxyType({})

Action = Literal["stamp", "unchanged", "refused"]


class Signature(NamedTuple):
    """Who stamps, when, with what: for the element that is left beside the block."""

    at: datetime
    by: str
    tool: str


class Options(NamedTuple):
    named: frozenset[str] = frozenset()
    """The uuids of the guests that were asked for one by one."""
    everyone: bool = False
    """Every Nova guest."""
    derive: bool = False
    assignments: Facts = _NOTHING
    overwrite: bool = False
    fill: bool = False
    force: bool = False
    release: Release | None = None
    """None for the newest, or for the one that a document of ours held."""
    known_ports: frozenset[str] = frozenset()
    signature: Signature | None = None
    """None leaves no element of ours."""


class Edit(NamedTuple):
    """One element of one definition's metadata, before and after, both without namespace."""

    definition: DefinitionName
    namespace: str
    prefix: str
    before: str | None
    after: str | None
    """None takes the element away."""


class Step(NamedTuple):
    """What is planned for one guest."""

    guest: Guest
    action: Action
    reason: str = ""
    """Why nothing is to be done, or why it is refused."""
    edits: tuple[Edit, ...] = ()
    held: Facts = _NOTHING
    """What the block said before."""
    facts: Facts = _NOTHING
    """What it is to say."""
    origins: Mapping[str, str] = _NOTHING
    """The source of each fact."""
    notes: tuple[str, ...] = ()
    """What the reader of the plan should know: what stays unknown, who will miss it."""


NoticeKind = Literal["missing", "unmatched", "elsewhere", "twice", "foreign"]


class Notice(NamedTuple):
    """Something about a record that concerns no step."""

    kind: NoticeKind
    uuid: str
    text: str


class Plan(NamedTuple):
    host: str | None
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...] = ()


def make_plan(
    host: str | None, guests: Iterable[Guest], records: Sequence[Record], options: Options
) -> Plan:
    """One step for each guest that is named, or for each of Nova's.

    ``guests`` are all guests of the host; ``records`` come in the order of their sources.
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
        told = by_uuid.get(uuid, ())
        if _is_meant(guest, bool(told), options):
            chosen, doubts, conflict = _settle_twins(told, host)
            notices += doubts
            if conflict:
                steps.append(Step(guest, "refused", conflict))
            else:
                step = _step(guest, chosen, options)
                if records and not chosen and step.action == "stamp":
                    step = step._replace(notes=("no record tells of it", *step.notes))
                steps.append(step)
    if options.everyone:
        notices += _without_guest(host, (r for r in records if r.uuid not in here))
    return Plan(host, tuple(steps), tuple(notices))


def _is_meant(guest: Guest, recorded: bool, options: Options) -> bool:
    if guest.uuid in options.named:
        return True
    return options.everyone and (guest.kind != "foreign" or recorded)


# ---- records ----------------------------------------------------------------------------------


def names_host(record: Record, host: str | None) -> bool | None:
    """Whether a record says that its instance runs on this host; None if it does not say."""
    if not record.hosts or host is None:
        return None
    # One of them may be the whole domain name, the other its first part.
    short = host.partition(".")[0].lower()
    return any(
        name.lower() == host.lower() or name.partition(".")[0].lower() == short
        for name in record.hosts
    )


def _settle_twins(
    records: Sequence[Record], host: str | None
) -> tuple[list[Record], list[Notice], str]:
    """One record of each source; what to report; and why the guest is refused, if it is.

    Of several records of one source those that name this host count, or all if none does. They
    have to agree.
    """
    chosen: list[Record] = []
    notices: list[Notice] = []
    for source, number in Counter(record.source for record in records).items():
        twins = [record for record in records if record.source == source]
        counting = [record for record in twins if names_host(record, host)] or twins
        first = counting[0]
        if number > 1:
            if differing := sorted(_differing(counting)):
                why = f"{_places(counting)} contradict each other: {differing[0]}"
                return [], notices, f"{source}: {why}"
            if len(counting) == number:
                why = "they are alike"
            elif len(counting) == 1:
                why = "the one that names this host counts"
            else:
                why = "those that name this host count, and are alike"
            text = f"{source}: {_places(twins)} are of one uuid; {why}"
            notices.append(Notice("twice", first.uuid, text))
        chosen.append(first)
    for record in chosen:
        if names_host(record, host) is False:
            where = " or ".join(record.hosts)
            text = f"{record.source}: {record.place} says that it runs on {where}, not here"
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
        who = f"{name!r}" if name else record.uuid
        if names_host(record, host):
            text = f"{record.source}: {who} is said to run here, and there is no such guest"
            notices.append(Notice("missing", record.uuid, text))
        elif record.hosts:
            text = f"{record.source}: {who} runs on {' or '.join(record.hosts)}"
            notices.append(Notice("elsewhere", record.uuid, text))
        else:
            text = f"{record.source}: {who} is no guest of this host"
            notices.append(Notice("unmatched", record.uuid, text))
    return notices


# ---- one guest --------------------------------------------------------------------------------


def _step(guest: Guest, records: Sequence[Record], options: Options) -> Step:
    if why := _refusal(guest, bool(records), options):
        return Step(guest, "refused", why)
    held = [counting_block(definition.domain.blocks) for definition in guest.definitions]
    if all(held) and not (options.overwrite or options.fill):
        return Step(guest, "unchanged", "it has a block")
    if options.fill and any(block and block.instance is None for block in held):
        return Step(guest, "refused", "its block cannot be read; --overwrite replaces it")
    merged = merge(
        guest.definitions[0].domain,
        records,
        options.assignments,
        deriving=options.derive,
        known_ports=options.known_ports,
    )
    if not merged.facts:
        return Step(guest, "refused", "no source knows anything of it")
    edits: list[Edit] = []
    written: list[Instance] = []
    for definition in guest.definitions:
        instance = _instance(definition, merged, guest.uuid, options)
        if instance is None:
            continue
        try:
            element = bare_element(instance)
        except ValueError as error:
            why = f"no XML can hold it: {error}"
            return Step(guest, "refused", why, origins=merged.origins)
        if why := _flaw(instance, element):
            return Step(guest, "refused", why, origins=merged.origins)
        added = _edits(definition, instance, element, merged, options)
        edits += added
        if added:
            written.append(instance)
    if not edits:
        return Step(guest, "unchanged", "its block says all this already", origins=merged.origins)
    notes = list(merged.notes)
    if merged.facts.get("root.type") == "image" and any(one.root is None for one in written):
        notes.append("root left out: Ceilometer's discovery would end on one without uuid")
    notes += dict.fromkeys(note for one in written for note in missed(one))
    return Step(
        guest,
        "stamp",
        edits=tuple(edits),
        held=facts_of(guest.instance) if guest.instance else _NOTHING,
        facts=facts_of(written[0]) if written else _NOTHING,
        origins=merged.origins,
        notes=tuple(notes),
    )


def _refusal(guest: Guest, recorded: bool, options: Options) -> str:
    forced = options.force and guest.uuid in options.named
    if not guest.definitions:
        return f"it {guest.faults[0]}" if guest.faults else "it cannot be read"
    for definition in guest.definitions:
        domain = definition.domain
        if mark := guestfs_channel(domain):
            return f"it is an appliance of libguestfs: {mark}"
        if domain.uuid is None:
            return "its XML cannot be read"
        for manager, mark in foreign_evidence(domain):
            if not forced:
                return f"it is {manager}'s: {mark}; to stamp it anyway name it and give --force"
        for namespace in domain.namespaces:
            if namespace.startswith(NAMESPACE_STEM) and namespace not in NAMESPACES:
                return f"it has a block of a Nova newer than is known here: {namespace}"
    if guest.kind == "foreign" and not recorded and not forced:
        return "nothing shows that it is Nova's; to stamp it anyway name it and give --force"
    return ""


def _flaw(instance: Instance, element: etree._Element) -> str:
    # What an existing block held beyond Nova's own elements is kept and not judged.
    judged = bare_element(instance._replace(unknown=())) if instance.unknown else element
    if why := flaw(judged, instance.namespace):
        return why
    if missing := breaks_ceilometer(instance):
        return (
            f"{missing} is not known, and Ceilometer's discovery would end on such a block for "
            f"the whole host; give --set {missing}=…"
        )
    return ""


def _instance(
    definition: Definition, merged: Merged, uuid: str, options: Options
) -> Instance | None:
    """What the definition's block is to say; None if it is to be left alone."""
    block = counting_block(definition.domain.blocks)
    if block is None or options.overwrite:
        if options.release is None and merged.namespace is not None:
            # A document of ours: the block is to be again what it was.
            instance = instance_of(merged.facts, merged.namespace)
            return release_of(merged.namespace).shape(instance)
        release = options.release or NEWEST_RELEASE
        instance = instance_of(merged.facts, release.namespace)
        instance = release.habits(release.shape(instance), uuid, unnamed=merged.unnamed)
        if breaks_ceilometer(instance) == "root.uuid":
            instance = instance._replace(root=None)
        return instance
    if not options.fill or block.instance is None:
        return None
    release = options.release or release_of(block.namespace)
    # The release says what is added; what is there stays, in the namespace that it has.
    added = facts_of(release.shape(instance_of(merged.facts, block.namespace)))
    kept = facts_of(block.instance)
    if "root.type" in kept and kept["root.type"] != added.get("root.type"):
        # An image's uuid is not a volume's.
        added.pop("root.uuid", None)
    if kept.get("root.type") == "volume" == added.get("root.type"):
        # An empty uuid is all that Nova can say of a boot volume.
        kept = {key: value for key, value in kept.items() if key != "root.uuid" or value}
    facts = {**added, **kept}
    return instance_of(facts, block.namespace)._replace(unknown=block.instance.unknown)


def _edits(
    definition: Definition,
    instance: Instance,
    element: etree._Element,
    merged: Merged,
    options: Options,
) -> list[Edit]:
    """From what the definition holds to what it is to hold; ours first, then Nova's."""
    domain = definition.domain
    held = {block.namespace: block.xml for block in reversed(domain.blocks)}
    edits = []
    edit = _edit(definition.name, instance.namespace, held.get(instance.namespace))
    after = etree.tostring(element, encoding="unicode")
    if not same(edit.before, after, instance.namespace):
        if options.signature:
            ours = _edit(definition.name, BACKFILL, domain.backfill_xml)
            sources = tuple(dict.fromkeys(merged.origins.values()))
            told = Backfill(
                sources=sources,
                digest=digest_of(element),
                **options.signature._asdict(),
            )
            edits.append(ours._replace(after=write_backfill(told)))
        edits.append(edit._replace(after=after))
    if options.overwrite:
        others = (namespace for namespace in held if namespace != instance.namespace)
        edits += [_edit(definition.name, other, held[other]) for other in others]
    return edits


def _edit(definition: DefinitionName, namespace: str, xml: str | None) -> Edit:
    """The removal of what is there; where nothing is, the beginning of an addition."""
    if xml is None:
        prefix = BACKFILL_PREFIX if namespace == BACKFILL else "nova"
        return Edit(definition, namespace, prefix, None, None)
    return Edit(definition, namespace, prefix_of(xml) or "nova", bare(xml, namespace), None)
