"""The guests compared with Nova's records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..block.facts import facts_of
from ..guests.states import POWER_STATE_WORDS, POWER_STATES
from ..model import Guest
from ..quoting import quoted
from ..sources.record import Record
from .codes import CODES
from .finding import Examination, Finding, found
from .remedies import Remedies
from .servers import Servers


def examine_against(
    guest: Guest, servers: Servers, examination: Examination, remedies: Remedies
) -> Iterator[Finding]:
    """One guest compared with Nova's record of it."""
    record = servers.of(guest)
    if record is None:
        may_be_left_out = guest.block is None and servers.holds_saved_lists
        if guest.is_novas and examination.complete and not may_be_left_out:
            source = servers.sources or "what was given"
            yield found("orphan", guest, f"{source}: there is no such server")
        return
    if guest.is_novas and record.runs_on(guest.certain_host) is False:
        where = " or ".join(map(quoted, record.hosts))
        yield found("orphan", guest, f"{record.source}: it runs on {where}")
        return
    yield from _power_state(guest, record)
    yield from _recorded(guest, record, remedies)


def examine_missing(
    servers: Servers, hosts: Iterable[str], guests: Iterable[Guest]
) -> Iterator[Finding]:
    """The instances that Nova places on one of these hosts, which does not have them."""
    present = {guest.key for guest in guests if not guest.host_guessed}
    # The dumps of an unknown host may be of this one.
    anywhere = {guest.uuid for guest in guests if guest.certain_host is None}
    for host in sorted(hosts):
        for record in servers.placed_on(host):
            if (host, record.uuid) in present or record.uuid in anywhere:
                continue
            yield Finding(
                "missing",
                CODES["missing"].severity,
                host,
                record.uuid,
                None,
                (f"{record.source}: it is on this host",),
                record=record,
            )


def _power_state(guest: Guest, record: Record) -> Iterator[Finding]:
    said, real = record.power_state, POWER_STATES.get(guest.state)
    if said and real and said != real:
        word = POWER_STATE_WORDS.get(said, str(said))
        yield found("power-state-differs", guest, f"{guest.state}, {record.source}: {word}")


def _recorded(guest: Guest, record: Record, remedies: Remedies) -> Iterator[Finding]:
    if guest.instance is None:
        return
    held, said = facts_of(guest.instance), record.facts

    def differs(code: str, *keys: str) -> Iterator[Finding]:
        """By the first of the keys that both sides know."""
        for key in keys:
            if key in held and key in said:
                if held[key] != said[key]:
                    evidence = (
                        f"{quoted(str(held[key]))}, {record.source}: {quoted(str(said[key]))}"
                    )
                    yield found(code, guest, evidence, command=remedies.overwrite(guest))
                return

    unnamed = record.unnamed or not said.get("name")
    if not (unnamed and held.get("name") in (None, "", guest.uuid)):
        yield from differs("name-differs", "name")
    yield from differs("project-differs", "owner.project.id", "owner.project.name")
    yield from differs("flavor-differs", "flavor.name", "flavor.id")
