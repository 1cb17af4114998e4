"""Examines guests against each other, records and ages. Pure; linear in the guests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..model import Guest
from ..quoting import quoted
from .against import examine_against, examine_missing
from .block import examine_block
from .codes import CODES
from .finding import Examination, Finding, found
from .hardware import examine_hardware
from .remedies import Remedies
from .servers import Servers
from .snapshots import examine_snapshots
from .state import examine_state
from .survey import Survey
from .twins import Twins
from .versions import Version, older, spelled, version_of

_PLACE = {code: place for place, code in enumerate(CODES)}


def examine(examination: Examination) -> list[Finding]:
    """All findings, by host and domain name, the gravest of each guest first.

    What is missing on the hosts, and what is wrong with a host itself, comes last.
    """
    return in_order(findings_of(examination))


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=_order_of_finding)


def findings_of(examination: Examination) -> Iterator[Finding]:
    """The findings of ``examine`` in no order, without keeping more guests than it must."""
    records = examination.records
    servers = None if records is None else Servers(records, examination.hosts)
    survey = examination.survey or Survey(examination.guests, keep_keys=servers is not None)
    suspects = survey.twins.suspects()
    remedies = Remedies(examination.sources, servers)

    def examine_alone(guest: Guest) -> Iterator[Finding]:
        yield from examine_state(guest, examination)
        if guest.is_novas:
            yield from examine_block(guest, remedies)
            yield from examine_hardware(guest)
            newest = examination.nova_version or survey.newest.get(guest.host)
            yield from _age_of_nova(guest, newest)
        if servers is not None:
            yield from examine_against(guest, servers, examination, survey, remedies)

    kept: list[Guest] = []
    misplaced: set[str] = set()
    for guest in examination.guests:
        for finding in _guarded(guest, examine_alone):
            if finding.code == "orphan" and finding.others:
                misplaced.add(guest.uuid)
            yield finding
        if guest.key in suspects:
            kept.append(guest)
    twins = Twins(sorted(kept, key=_order))
    for guest in twins.guests:
        yield from _guarded(guest, twins.examine)
    if servers is not None:
        yield from examine_missing(servers, survey, misplaced)
    if examination.now is not None:
        read_at = {
            host: moment for host, moment in survey.read_at.items() if host in examination.documents
        }
        yield from examine_snapshots(read_at, examination.now, examination.max_age)


def _guarded(guest: Guest, examine_it: Callable[[Guest], Iterator[Finding]]) -> Iterator[Finding]:
    """One bad guest must never cost the others."""
    try:
        yield from examine_it(guest)
    except Exception as fault:
        yield found("block-damaged", guest, f"cannot be examined: {fault!r}")


def _order(guest: Guest) -> tuple[str, str, str]:
    return guest.host or "", guest.domain, guest.uuid


def _order_of_finding(finding: Finding) -> tuple[bool, str, str, str, int, int]:
    guest = finding.guest
    domain = guest.domain if guest else ""
    place = _PLACE[finding.code]
    return guest is None, finding.host or "", domain, finding.uuid, finding.rank, place


def _age_of_nova(guest: Guest, newest: Version | None) -> Iterator[Finding]:
    # One that is off gets new XML when Nova starts it.
    if guest.instance is None or guest.id is None or newest is None:
        return
    version = version_of(guest.instance.package)
    if version and older(version, newest):
        package = quoted(guest.instance.package or "")
        evidence = f"by Nova {package}, older than {spelled(newest)}"
        yield found("older-nova", guest, evidence)
