"""The examination: guests, records and ages in, findings out. Pure, and linear in the guests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..model import Guest
from ..sources.record import Record
from .block import examine_block
from .codes import CODES
from .finding import Finding, Options, found
from .hardware import examine_hardware, uuids_in
from .remedies import Mending
from .state import examine_state
from .versions import older, spelled, version_of

_MOST_OTHERS = 3
_PLACE = {code: place for place, code in enumerate(CODES)}


def examine(
    guests: Iterable[Guest],
    options: Options,
    against: Sequence[Record] | None = None,
    ages: Mapping[str, float] | None = None,
) -> list[Finding]:
    """All findings, by domain name, the gravest of each guest first.

    ``guests`` are all guests of the host, read whole; ``against`` what Nova says of its servers,
    None where it was not asked; ``ages`` how many seconds a guest's process runs, by uuid.
    """
    everyone = sorted(guests, key=lambda guest: (guest.domain, guest.uuid))
    records: dict[str, Record] = {}
    if against is not None:
        # It brings much of stamp along, which takes longer to import than many hosts to examine.
        from .against import chosen_records, examine_against, examine_missing

        records = chosen_records(against, options.host)
    mending = Mending(options.sources, records)
    users = _users_of_disks(everyone)
    newest = options.nova_version or _newest(everyone)
    source = _source(against)
    findings: list[Finding] = []
    for guest in everyone:
        own = list(examine_state(guest, options, (ages or {}).get(guest.uuid)))
        own += _shared_disks(guest, users)
        if guest.kind != "foreign":
            own += examine_block(guest, mending)
            own += examine_hardware(guest)
            own += _age_of_nova(guest, newest)
        if against is not None:
            own += examine_against(guest, records, options, mending, source)
        own.sort(key=lambda finding: (finding.rank, _PLACE[finding.code]))
        findings += own
    if against is not None:
        findings += examine_missing(records, (guest.uuid for guest in everyone), options)
    return findings


def _source(against: Sequence[Record] | None) -> str:
    sources = dict.fromkeys(record.source for record in against or ())
    return ", ".join(sources) or "what was given"


# ---- one guest among the others ---------------------------------------------------------------


def _users_of_disks(guests: Iterable[Guest]) -> dict[str, list[Guest]]:
    """The guests whose disks' paths hold an instance's uuid, by that uuid."""
    users: dict[str, list[Guest]] = {}
    for guest in guests:
        if guest.manager == "libguestfs":
            continue  # It looks into the disks of others: that is what it is for.
        for uuid in _instances_of_disks(guest):
            users.setdefault(uuid, []).append(guest)
    return users


def _instances_of_disks(guest: Guest) -> dict[str, str]:
    """The path that shows it, by the uuid of the instance."""
    disks = (d for each in guest.definitions for d in each.domain.hardware.disks)
    return {uuid: disk.source or "" for disk in disks for uuid in uuids_in(disk.source)}


def _shared_disks(guest: Guest, users: Mapping[str, Sequence[Guest]]) -> Iterator[Finding]:
    if guest.manager == "libguestfs":
        return
    for uuid, path in _instances_of_disks(guest).items():
        sharing = users[uuid]
        if len(sharing) < 2:
            continue
        # A bounded number: a host of copies must not become a page for each of them.
        others = [other for other in sharing[: _MOST_OTHERS + 1] if other is not guest]
        named = [f"{other.domain} ({other.uuid})" for other in others[:_MOST_OTHERS]]
        more = len(sharing) - 1 - len(named)
        told = ", ".join(named) + (f" and {more} more" if more else "")
        yield found("shared-disk", guest, path, f"so has {told}")


def _newest(guests: Iterable[Guest]) -> tuple[int, ...] | None:
    versions = (version_of(guest.instance.package) for guest in guests if guest.instance)
    return max((version for version in versions if version), default=None)


def _age_of_nova(guest: Guest, newest: tuple[int, ...] | None) -> Iterator[Finding]:
    # One that is off gets new XML when Nova starts it.
    if guest.instance is None or guest.id is None or newest is None:
        return
    version = version_of(guest.instance.package)
    if version and older(version, newest):
        told = f"by Nova {guest.instance.package}, older than {spelled(newest)}"
        yield found("older-nova", guest, told)
