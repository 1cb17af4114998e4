"""From a host and the options of the command to a report."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.embedded import guest, uuid_of
from virsh_nova.check.report import CheckOptions, check, sources_for_stamp
from virsh_nova.errors import NovaDomainsError
from virsh_nova.guests.build import whole_guest
from virsh_nova.hosts.host import NOTHING_TO_REPORT
from virsh_nova.model import Guest, Sighting

CRASHED, HELPER = 1, 2


class Host:
    """Guests that were read: one that crashed, and a helper, the process of which is this one."""

    name = certain_name = "compute-1"
    certain_names = frozenset(("compute-1",))
    notes = NOTHING_TO_REPORT
    documents: frozenset[str | None] = frozenset()

    def __init__(self, *, is_this_machine: bool = True) -> None:
        self.is_this_machine = is_this_machine
        crashed = Sighting("compute-1", uuid_of(CRASHED), "web", None, "shutoff", "crashed")
        helper = Sighting("compute-1", uuid_of(HELPER), "debugging", 7, "running")
        self._guests = [
            whole_guest(crashed, guest(CRASHED)),
            whole_guest(helper, guest(HELPER), pid=os.getpid()),
        ]

    def guests(self, _detail: str, **_options: Any) -> list[Guest]:
        return list(self._guests)

    def sightings(self) -> list[Sighting]:
        return [
            Sighting(each.host, each.uuid, each.domain, each.id, each.state)
            for each in self._guests
        ]


def codes(host: Any, options: CheckOptions) -> list[str]:
    return [finding.code for finding in check(host, options).findings]


def test_what_is_ignored_is_neither_shown_nor_counted() -> None:
    report = check(Host(), CheckOptions(leftover=0))  # type: ignore[arg-type]
    assert [finding.code for finding in report.findings] == ["leftover", "crashed"]
    report = check(Host(), CheckOptions(leftover=0, severity="error"))  # type: ignore[arg-type]
    assert ([f.code for f in report.findings], dict(report.hidden)) == (["crashed"], {"warning": 1})
    options = CheckOptions(leftover=0, severity="error", ignored=("leftover", "crashed"))
    report = check(Host(), options)  # type: ignore[arg-type]
    assert (report.findings, dict(report.hidden), report.guests) == ([], {}, 2)


def test_handles_choose_and_those_that_match_no_guest_fail() -> None:
    options = CheckOptions(("web", "no-such-guest"), leftover=0)
    report = check(Host(), options)  # type: ignore[arg-type]
    assert ([finding.code for finding in report.findings], report.guests) == (["crashed"], 1)
    assert [type(failure).__mro__[1] for failure in report.failures] == [NovaDomainsError]


def test_ages_are_those_of_this_machine_only() -> None:
    options = CheckOptions(leftover=0)
    assert codes(Host(), options) == ["leftover", "crashed"]
    assert codes(Host(is_this_machine=False), options) == ["crashed"]


def test_a_process_that_may_not_be_seen_is_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> None:
        raise psutil.AccessDenied(pid)

    monkeypatch.setattr(psutil, "Process", refuse)
    report = check(Host(), CheckOptions(leftover=0))  # type: ignore[arg-type]
    assert [(warning.message, warning.hint) for warning in report.warnings] == [
        ("the age of 1 helper is unknown: this user may not see the process", "run it as root")
    ]


def test_nova_is_asked_in_files_for_guests_that_are_missing_too(tmp_path: Path) -> None:
    servers = tmp_path / "servers.json"
    servers.write_text(json.dumps([{"ID": uuid_of(9), "Host": "compute-1"}]))
    options = CheckOptions(files=(str(servers),), ignored=("crashed",))
    assert codes(Host(), options) == ["missing"]


def test_stamp_is_given_the_same_sources_but_stdin() -> None:
    assert sources_for_stamp(("a.json", "-"), "prod") == ("--from", "a.json", "--cloud", "prod")
    assert sources_for_stamp(("-",), None) == ()
