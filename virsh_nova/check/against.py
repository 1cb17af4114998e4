"""The guests compared with Nova's records."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..block.facts import facts_of
from ..guests.states import POWER_STATE_WORDS, POWER_STATES
from ..model import Guest
from ..quoting import quoted
from ..sources.record import Record
from .codes import CODES
from .finding import Examination, Finding, Other, found
from .remedies import Remedies
from .servers import Servers
from .survey import Survey

_DOES = ("does", "do")


def examine_against(
    guest: Guest,
    servers: Servers,
    examination: Examination,
    survey: Survey,
    remedies: Remedies,
) -> Iterator[Finding]:
    """One guest compared with Nova's record of it."""
    record = servers.of(guest)
    if record is None:
        may_be_left_out = guest.block is None and servers.holds_saved_lists
        if guest.is_novas and examination.complete and not may_be_left_out:
            source = servers.sources or examination.asked
            yield found("orphan", guest, f"{source}: there is no such server")
        return
    if guest.is_novas and record.runs_on(guest.certain_host) is False:
        yield _on_another_host(guest, record, servers, survey)
        return
    yield from _power_state(guest, record)
    yield from _recorded(guest, record, remedies)


def _on_another_host(guest: Guest, record: Record, servers: Servers, survey: Survey) -> Finding:
    """Where the other host was read too, the finding says what is there."""
    where = " or ".join(map(quoted, record.hosts))
    evidence = [f"{record.source}: it runs on {where}"]
    read = servers.hosts_of(record)
    if read and not any(survey.has(host, guest.uuid) for host in read):
        evidence.append(f"{' and '.join(map(quoted, read))} {_DOES[len(read) > 1]} not have it")
    others = tuple(Other(host, guest.uuid) for host in read)
    return found("orphan", guest, *evidence, others=others)


def examine_missing(
    servers: Servers, survey: Survey, orphans: Collection[str]
) -> Iterator[Finding]:
    """The instances that Nova places on one of the hosts, which does not have them.

    Not the ``orphans``: uuids of guests that were found on another of the hosts, and reported.
    """
    for host, record in servers.placed():
        if survey.has(host, record.uuid) or record.uuid in orphans:
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
