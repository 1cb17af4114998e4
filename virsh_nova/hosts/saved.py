"""Guests from our own document: what ``list -f json`` or ``show -f json`` saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ..block.facts import instance_of
from ..guests.states import REASONS, STATES, UNKNOWN_STATE
from ..inputs.decode import decode
from ..inputs.objects import Answer, Item, Shape, items_in
from ..inputs.values import FieldError, checked_moment, checked_uuid
from ..model import (
    KINDS,
    Backfill,
    Block,
    Difference,
    Disk,
    Guest,
    Hardware,
    Interface,
    Kind,
    Sighting,
)
from ..sources.saved_document import own_record
from .host import (
    NOTHING_TO_REPORT,
    Chosen,
    Detail,
    Notes,
    Progress,
    everyone,
    no_progress,
)
from .in_memory import guests_of
from .many import ManyHosts

SHAPE = Shape("guest", "guests", "a saved list -f json or show -f json")


class _Disk(msgspec.Struct):
    target: str | None = None
    bus: str | None = None
    source: str | None = None
    serial: str | None = None
    device: str = "disk"
    backing: list[str] = []
    boot: int | None = None


class _Interface(msgspec.Struct):
    mac: str | None = None
    target: str | None = None
    port: str | None = None


class _Hardware(msgspec.Struct):
    vcpus: int | None = None
    memory_mib: int | None = None
    disks: list[_Disk] = []
    interfaces: list[_Interface] = []
    pid: int | None = None


class _Backfill(msgspec.Struct):
    at: str
    by: str
    tool: str
    from_: list[str] = msgspec.field(name="from")


class _Difference(msgspec.Struct):
    field: str
    live: object = None
    persistent: object = None


class _Guest(msgspec.Struct):
    uuid: str
    domain: str
    state: str
    kind: str
    manager: str
    id: int | None = None
    host: str | None = None
    reason: str | None = None
    evidence: list[str] = []
    title: str | None = None
    description: str | None = None
    backfilled: _Backfill | None = None
    hardware: _Hardware | None = None
    differences: list[_Difference] = []


_GUEST = msgspec.json.Decoder(_Guest)


class SavedGuest(NamedTuple):
    sighting: Sighting
    saved: Guest

    def guest(self, detail: Detail) -> Guest:
        return with_block_text(self.saved) if detail == "whole" else self.saved


class SavedHost:
    """One of the hosts whose guests a document holds."""

    is_this_machine = False
    notes = NOTHING_TO_REPORT

    def __init__(self, guests: Sequence[SavedGuest]) -> None:
        self.name = guests[0].sighting.host
        self.certain_name = None if guests[0].sighting.host_guessed else self.name
        self._guests = guests

    def sightings(self) -> list[Sighting]:
        return [guest.sighting for guest in self._guests]

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        return guests_of(self._guests, detail, chosen, progress)


def hosts_of(guests: Sequence[SavedGuest], notes: Notes) -> ManyHosts:
    """The hosts of a document's guests, of which there is at least one; ``notes`` are on all."""
    by_host: dict[tuple[str | None, bool], list[SavedGuest]] = {}
    for guest in guests:
        seen = guest.sighting
        by_host.setdefault((seen.host, seen.host_guessed), []).append(guest)
    return ManyHosts([SavedHost(own) for own in by_host.values()], notes)


def read_saved(data: bytes, path: str) -> tuple[list[SavedGuest], list[str]]:
    """The guests, and a line for each object that is none.

    Raises ``NovaDomainsError`` for what is no list of objects.
    """
    guests: list[SavedGuest] = []
    faults: list[str] = []
    for item in items_in(Answer(data, path), SHAPE):
        try:
            guests.append(_saved_guest(item))
        except FieldError as error:
            faults.append(f"{path}: {item.place}: {error}; skipped")
    return guests, faults


def with_block_text(guest: Guest) -> Guest:
    """With the block's XML, which the document does not hold, written again."""
    from ..write import write_block

    if guest.block is None or guest.block.instance is None or guest.block.xml:
        return guest
    try:
        xml = write_block(guest.block.instance)
    except ValueError:
        return guest
    return guest._replace(block=guest.block._replace(xml=xml))


def _saved_guest(item: Item) -> SavedGuest:
    saved = decode(item.raw, _GUEST)
    instance = own_record(item.raw, item.source, item.place)
    kind: Kind | None = next((kind for kind in KINDS if kind == saved.kind), None)
    if kind is None:
        raise FieldError("kind", f"is none of {', '.join(KINDS)}")
    state = saved.state if saved.state in STATES else UNKNOWN_STATE
    sighting = Sighting(
        host=saved.host,
        uuid=checked_uuid(saved.uuid, "uuid"),
        domain=saved.domain,
        id=saved.id,
        state=state,
        reason=saved.reason if saved.reason in REASONS.get(state, ()) else None,
    )
    namespace = None if instance is None else instance.namespace
    return SavedGuest(
        sighting,
        Guest(
            host=sighting.host,
            uuid=sighting.uuid,
            domain=sighting.domain,
            id=sighting.id,
            state=sighting.state,
            reason=sighting.reason,
            kind=kind,
            manager=saved.manager,
            evidence=tuple(saved.evidence),
            title=saved.title,
            description=saved.description,
            block=None
            if instance is None or namespace is None
            else Block(namespace, "", instance_of(instance.facts, namespace)),
            backfill=None if saved.backfilled is None else _backfill(saved.backfilled),
            hardware=None if saved.hardware is None else _hardware(saved.hardware),
            pid=None if saved.hardware is None else saved.hardware.pid,
            differences=tuple(_difference(one) for one in saved.differences),
        ),
    )


def _hardware(saved: _Hardware) -> Hardware:
    return Hardware(
        saved.vcpus,
        saved.memory_mib,
        tuple(
            Disk(
                disk.target,
                disk.bus,
                disk.source,
                disk.serial,
                disk.device,
                tuple(disk.backing),
                disk.boot,
            )
            for disk in saved.disks
        ),
        tuple(Interface(nic.mac, nic.target, nic.port) for nic in saved.interfaces),
    )


def _backfill(saved: _Backfill) -> Backfill:
    at = checked_moment(saved.at, "backfilled.at")
    return Backfill(at, saved.by, tuple(saved.from_), saved.tool, digest="")


def _difference(saved: _Difference) -> Difference:
    return Difference(saved.field, _plain(saved.live), _plain(saved.persistent))


def _plain(value: object) -> object:
    if isinstance(value, list):
        from ..sources.saved_document import decoded_ports

        return decoded_ports(msgspec.json.encode(value), "differences")
    return value if isinstance(value, str | int) else None
