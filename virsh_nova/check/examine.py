"""Examines guests against each other, records and ages. Pure; linear in the guests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model import Guest
from ..quoting import quoted
from .against import examine_against, examine_missing
from .block import examine_block
from .codes import CODES
from .finding import Examination, Finding, found
from .hardware import examine_hardware
from .remedies import Remedies
from .servers import Servers
from .state import examine_state
from .twins import Twins
from .versions import Version, older, spelled, version_of

_PLACE = {code: place for place, code in enumerate(CODES)}


def examine(examination: Examination) -> list[Finding]:
    """All findings, by host and domain name, the gravest of each guest first.

    What is missing on the hosts comes last.
    """
    everyone = sorted(examination.guests, key=_order)
    records = examination.records
    servers = None if records is None else Servers(records)
    remedies = Remedies(examination.sources, servers)
    twins = Twins(everyone)
    newest = _newest(everyone)
    findings: list[Finding] = []

    def examine_guest(guest: Guest) -> Iterator[Finding]:
        yield from examine_state(guest, examination)
        yield from twins.examine(guest)
        if guest.is_novas:
            yield from examine_block(guest, remedies)
            yield from examine_hardware(guest)
            yield from _age_of_nova(guest, examination.nova_version or newest.get(guest.host))
        if servers is not None:
            yield from examine_against(guest, servers, examination, remedies)

    for guest in everyone:
        own: list[Finding] = []
        try:
            for finding in examine_guest(guest):
                own.append(finding)
        except Exception as fault:  # One bad guest must never cost the others.
            own.append(found("block-damaged", guest, f"cannot be examined: {fault!r}"))
        own.sort(key=lambda finding: (finding.rank, _PLACE[finding.code]))
        findings += own
    if servers is not None:
        findings += examine_missing(servers, examination.hosts, everyone)
    return findings


def _order(guest: Guest) -> tuple[str, str, str]:
    return guest.host or "", guest.domain, guest.uuid


def _newest(guests: Iterable[Guest]) -> dict[str | None, Version]:
    """The newest version of Nova that wrote a block, by host."""
    newest: dict[str | None, Version] = {}
    for guest in guests:
        version = version_of(guest.instance.package) if guest.instance else None
        if version:
            newest[guest.host] = max(version, newest.get(guest.host, version))
    return newest


def _age_of_nova(guest: Guest, newest: Version | None) -> Iterator[Finding]:
    # One that is off gets new XML when Nova starts it.
    if guest.instance is None or guest.id is None or newest is None:
        return
    version = version_of(guest.instance.package)
    if version and older(version, newest):
        package = quoted(guest.instance.package or "")
        evidence = f"by Nova {package}, older than {spelled(newest)}"
        yield found("older-nova", guest, evidence)
