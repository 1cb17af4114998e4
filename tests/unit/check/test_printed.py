"""A report for people: what follows from a finding, whose guest it is, what is hidden."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import nova_domains
from tests.support.embedded import block, guest, make_host, uuid_of
from tests.support.guests import instance, nova_guest
from virsh_nova.check.codes import CODES, Severity
from virsh_nova.check.finding import Finding, found
from virsh_nova.check.report import Report
from virsh_nova.render.check import finding_document, findings_table
from virsh_nova.render.style import plain
from virsh_nova.sources.record import Record

GUEST = nova_guest(1, instance("web"))


def printed(report: Report, width: int | None = None, unicode: bool = True) -> str:
    return findings_table(report, width=width, paint=plain, unicode=unicode)


def summary(report: Report) -> list[str]:
    """The lines below the last empty one."""
    return printed(report).rpartition("\n\n")[2].splitlines()


def test_a_finding_says_what_follows_from_it() -> None:
    report = Report([found("crashed", GUEST, "its kernel panicked")], 1)
    line = "  error    crashed  its kernel panicked {} it is down until it is rebooted"
    assert line.format("→") in printed(report)
    assert line.format("->") in printed(report, unicode=False)
    assert finding_document(report.findings[0], report)["consequence"] == (
        "it is down until it is rebooted"
    )


def test_a_state_is_not_said_twice(tmp_path: Path) -> None:
    uri = make_host(tmp_path, guest(1, state=6))
    done = nova_domains("-c", uri, "check", "-f", "json")
    assert [each["evidence"] for each in json.loads(done.stdout)] == [["libvirt does not say why"]]


@pytest.mark.parametrize(
    ("hidden", "lines"),
    [
        ({}, []),
        ({"note": 1}, ["1 note hidden (--severity note shows it)"]),
        ({"note": 4}, ["4 notes hidden (--severity note shows them)"]),
        (
            {"note": 2, "warning": 1},
            ["1 warning and 2 notes hidden (--severity note shows them)"],
        ),
        ({"warning": 2}, ["2 warnings hidden (--severity warning shows them)"]),
    ],
)
def test_what_is_hidden_is_counted_and_the_option_named(
    hidden: dict[Severity, int], lines: list[str]
) -> None:
    assert summary(Report([], 1, hidden)) == ["1 guest, nothing found", *lines]
    (first, *rest) = summary(Report([found("no-block", GUEST, "e")], 2, hidden))
    assert (first, rest) == ("1 warning on 1 of 2 guests", lines)


def test_what_is_missing_is_not_one_of_the_guests() -> None:
    lost = Finding(
        "missing", "error", "c", "u", None, ("servers.json: it is on this host",),
        record=Record("u", "servers.json", {"name": "lost"}),
    )  # fmt: skip
    assert summary(Report([lost, lost._replace(uuid="v")], 0)) == [
        "2 errors on 2 missing instances"
    ]
    crash = found("crashed", GUEST, "its kernel panicked")
    assert summary(Report([crash, lost], 3)) == ["2 errors on 1 of 3 guests and 1 missing instance"]


def test_a_name_in_a_line_cannot_read_as_another_guest(tmp_path: Path) -> None:
    name = f"good (instance-0000002a, {uuid_of(2)}): ok"
    record = json.dumps([{"ID": uuid_of(1), "Name": f"{name}, other", "Project ID": "p"}])
    servers = tmp_path / "servers.json"
    servers.write_text(record)
    uri = make_host(tmp_path, guest(1, metadata=block(name), domain="a: b"))
    arguments = ("check", "--severity", "note", "--against", str(servers))
    text = nova_domains("-c", uri, *arguments).stdout
    assert text.startswith(f'"{name}"  running  "a: b"  {uuid_of(1)}\n')
    assert f'"{name}", {servers}: "{name}, other"' in text
    (found_,) = (
        each
        for each in json.loads(nova_domains("-c", uri, *arguments, "-f", "json").stdout)
        if each["code"] == "name-differs"
    )
    assert found_["name"] == name


def test_every_consequence_is_half_a_sentence() -> None:
    for code in CODES.values():
        first = code.consequence.split()[0]
        assert first == "Nova" or first.islower()
        assert len(code.consequence) < 70
