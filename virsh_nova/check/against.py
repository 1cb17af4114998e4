"""The guests of a host against what Nova says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..block.facts import facts_of
from ..guests.states import POWER_STATE_WORDS, POWER_STATES
from ..model import Guest
from ..sources.record import Record
from .codes import CODES
from .finding import Finding, Options, found
from .remedies import Mending


def chosen_records(records: Sequence[Record], host: str | None) -> dict[str, Record]:
    """One record of each instance: the one that names this host, else the first."""
    chosen: dict[str, Record] = {}
    for record in records:
        earlier = chosen.get(record.uuid)
        if earlier is None or (record.runs_on(host) and not earlier.runs_on(host)):
            chosen[record.uuid] = record
    return chosen


def examine_against(
    guest: Guest, records: Mapping[str, Record], options: Options, mending: Mending, source: str
) -> Iterator[Finding]:
    """One guest; ``source`` is what the records as a whole are called."""
    record = records.get(guest.uuid)
    if record is None:
        if guest.kind != "foreign" and options.complete and not _may_be_left_out(guest, records):
            yield found("orphan", guest, f"{source}: there is no such server")
        return
    # Files can be those of several hosts.
    here = guest.certain_host or options.host
    if guest.kind != "foreign" and record.runs_on(here) is False:
        where = " or ".join(record.hosts)
        yield found("orphan", guest, f"{record.source}: it runs on {where}")
        return
    yield from _power_state(guest, record)
    yield from _recorded(guest, record, mending)


def examine_missing(
    records: Mapping[str, Record], here: Iterable[str], options: Options
) -> Iterator[Finding]:
    """The instances that are said to run here and do not."""
    known = set(here)
    for uuid in sorted(records.keys() - known):
        record = records[uuid]
        if record.runs_on(options.host):
            told = f"{record.source}: it is on this host"
            severity = CODES["missing"].severity
            yield Finding("missing", severity, uuid, None, (told,), record=record)


def _may_be_left_out(guest: Guest, records: Mapping[str, Record]) -> bool:
    """A saved list of ours has no record of a guest that had no block."""
    return guest.block is None and any(record.namespace for record in records.values())


def _power_state(guest: Guest, record: Record) -> Iterator[Finding]:
    said, real = record.power_state, POWER_STATES.get(guest.state)
    if said and real and said != real:
        word = POWER_STATE_WORDS.get(said, str(said))
        yield found("power-state-differs", guest, f"{guest.state}, {record.source}: {word}")


def _recorded(guest: Guest, record: Record, mending: Mending) -> Iterator[Finding]:
    if guest.instance is None:
        return
    held, said = facts_of(guest.instance), record.facts

    def differs(code: str, *keys: str) -> Iterator[Finding]:
        """By the first of the keys that both sides know."""
        for key in keys:
            if key in held and key in said:
                if held[key] != said[key]:
                    told = f"{held[key]}, {record.source}: {said[key]}"
                    yield found(code, guest, told, command=mending.overwrite(guest))
                return

    unnamed = record.unnamed or not said.get("name")
    if not (unnamed and held.get("name") in (None, "", guest.uuid)):
        yield from differs("name-differs", "name")
    yield from differs("project-differs", "owner.project.id", "owner.project.name")
    yield from differs("flavor-differs", "flavor.name", "flavor.id")
