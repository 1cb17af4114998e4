"""A host that streams its guests gets the answers of one that keeps them, and less memory."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given

from tests.unit.check.test_fleet import Fleet, fleets, nova_guest, running
from virsh_nova.check.codes import TWINS
from virsh_nova.check.report import CheckOptions, Report, check
from virsh_nova.document.decode import decoded_guest
from virsh_nova.document.encode import whole_document
from virsh_nova.document.outline import decoded_outline
from virsh_nova.hosts.host import NOTHING_TO_REPORT, Stream
from virsh_nova.hosts.saved import SavedGuest, hosts_of
from virsh_nova.model import Guest, GuestKey


class Streamed:
    """Documents that are decoded when they are asked for."""

    name = certain_name = None
    notes = NOTHING_TO_REPORT
    is_this_machine = False

    def __init__(self, documents: Sequence[bytes]) -> None:
        self._documents = documents
        self.decoded = 0
        hosts = {guest.host for guest in self.outlines()}
        self.documents = frozenset(hosts)
        self.certain_names = frozenset(host for host in hosts if host)

    def outlines(self) -> Iterator[Guest]:
        return map(decoded_outline, self._documents)

    def stream(self, chosen: Collection[GuestKey] | None = None) -> Iterator[Guest]:
        for document in self._documents:
            if chosen is None or decoded_outline(document).key in chosen:
                self.decoded += 1
                yield decoded_guest(document)


def documents(fleet: Fleet) -> list[bytes]:
    moment = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=2)
    return [
        json.dumps(whole_document(guest._replace(read_at=moment))).encode()
        for guest in fleet.guests
    ]


def facts(report: Report) -> list[object]:
    findings = [finding._replace(guest=None) for finding in report.findings]
    return [findings, report.guests, dict(report.hidden), report.several_hosts]


def both(fleet: Fleet, options: CheckOptions) -> tuple[Report, Report]:
    saved = documents(fleet)
    kept = hosts_of([SavedGuest(decoded_guest(each)) for each in saved], NOTHING_TO_REPORT)
    streamed = Streamed(saved)
    assert isinstance(streamed, Stream)
    assert not isinstance(kept, Stream)
    return check(kept, options), check(streamed, options)  # type: ignore[arg-type]


OPTIONS = [
    CheckOptions(severity="note"),
    CheckOptions(severity="note", only=tuple(TWINS)),
    CheckOptions(only=("runs-twice", "orphan")),
]


@pytest.mark.parametrize("options", OPTIONS)
@given(fleet=fleets())
def test_the_answers_are_the_same(options: CheckOptions, fleet: Fleet) -> None:
    one = running(fleet.guests[0])
    twin = fleet.guests[1]._replace(hardware=one.hardware)
    planted = Fleet([*fleet.guests[2:], one, one._replace(host="compute-900"), running(twin)])
    kept, streamed = both(planted, options)
    assert facts(kept) == facts(streamed)
    codes = {finding.code for finding in kept.findings}
    assert "runs-twice" in codes
    assert ("stale-snapshot" in codes) == (options.only != ("runs-twice", "orphan"))


def test_only_those_that_share_something_are_read_whole() -> None:
    fleet = Fleet([nova_guest(number, f"c{number // 10}") for number in range(100)])
    streamed = Streamed(documents(Fleet([*fleet.guests, nova_guest(7, "c99")])))
    report = check(streamed, CheckOptions(only=("runs-twice",)))  # type: ignore[arg-type]
    assert [finding.key[0] for finding in report.findings] == ["c0", "c99"]
    assert (report.guests, streamed.decoded) == (101, 2)
