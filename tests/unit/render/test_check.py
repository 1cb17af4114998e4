"""Findings on paper: what a tenant typed acts on no terminal, spreadsheet, shell or monitor."""

from __future__ import annotations

import csv
import json
import re
import shlex
from collections.abc import Callable
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.support.guests import full_instance, instance, nova_guest
from tests.support.strategies import texts
from tests.support.terminals import SGR
from virsh_nova.check.codes import CODES
from virsh_nova.check.finding import Finding, Other, found
from virsh_nova.check.report import Report
from virsh_nova.model import Identity, Owner
from virsh_nova.render.check import (
    UNKNOWN,
    as_csv,
    as_values,
    column_names,
    explained,
    finding_document,
    findings_table,
    nagios_line,
    nagios_status,
    nagios_unknown,
    spelled,
)
from virsh_nova.render.serial import as_json
from virsh_nova.render.style import coloured, plain
from virsh_nova.sources.record import Record

ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
GUEST = nova_guest(1, instance("web", owner=Owner(Identity("u", "alice"), Identity("p", "acme"))))
WARNING = found("no-block", GUEST, "evidence", command=("stamp", GUEST.uuid, "--derive"))
ERROR = found("crashed", GUEST, "crashed: panicked")
NOTE = found("older-nova", GUEST, "by Nova 29.0.0, older than 34.0.0")
MISSING = Finding(
    "missing", "error", "compute-1", "u-1", None, ("servers.json: it is on this host",),
    record=Record("u-1", "servers.json", {"name": "lost", "owner.project.name": "acme"}),
)  # fmt: skip


def hostile(text: str) -> Report:
    """The text wherever there can be one that a user chose."""
    guest = nova_guest(1, full_instance(text), domain=text or "d")
    guest = nova_guest(
        1,
        full_instance(text)._replace(owner=Owner(Identity(text, text), Identity(text, text))),
        domain=text or "d",
    )
    record = Record("u-1", text, {"name": text, "owner.project.id": text, "owner.user.name": text})
    command = ("stamp", guest.uuid, "--overwrite", "--derive", "--from", text)
    return Report(
        [
            found("flavor-differs", guest, text, f"{text}, {text}", command=command),
            Finding("missing", "error", text, "u-1", None, (text,), record=record),
        ],
        2,
        {"note": 1},
        ("nova-domains", "-c", text),
        several_hosts=True,
    )


def in_json(report: Report) -> str:
    documents = [finding_document(each, report) for each in report.findings]
    return as_json(documents, one_a_line=True, ascii_only=False)


OUTPUTS: dict[str, Callable[[Report], str]] = {
    "pipe": lambda report: findings_table(report, width=None, paint=plain),
    "80": lambda report: findings_table(report, width=80, paint=coloured),
    "200": lambda report: findings_table(report, width=200, paint=coloured),
    "value": lambda report: as_values(report).replace("\t", " "),
    "csv": as_csv,
    "json": in_json,
    "nagios": nagios_line,
    "unknown": lambda report: nagios_unknown(report.program[-1]),
}


@pytest.mark.parametrize("name", OUTPUTS)
@given(texts())
def test_nothing_that_acts_comes_out(name: str, text: str) -> None:
    assert ACTS.findall(SGR.sub("", OUTPUTS[name](hostile(text)))) == []


STALE = Finding("stale-snapshot", "warning", "compute-1", "", None, ("read 3 d ago",))


@pytest.mark.parametrize("name", OUTPUTS)
@given(texts())
def test_the_names_of_hosts_and_of_other_guests_act_on_nothing(name: str, text: str) -> None:
    other = Other(text, text, text, text)
    found = [STALE._replace(host=text, others=(other,)), ERROR._replace(others=(other,))]
    report = Report(found, 2, program=("nova-domains", "-c", text), several_hosts=True)
    assert ACTS.findall(SGR.sub("", OUTPUTS[name](report))) == []


def test_a_finding_of_a_host_is_no_missing_instance() -> None:
    text = findings_table(Report([ERROR, STALE], 2, several_hosts=True), width=None, paint=plain)
    assert "host compute-1\n  warning  stale-snapshot  read 3 d ago " in text
    assert "1 error, 1 warning on 1 of 2 guests and 1 host\n" in text
    unknown = Report([STALE._replace(host=None)], 2)
    assert findings_table(unknown, width=None, paint=plain).startswith("host of unknown name\n")


@given(texts())
def test_a_spreadsheet_runs_nothing_and_has_a_row_for_each(text: str) -> None:
    head, *rows = csv.reader(StringIO(as_csv(hostile(text))))
    assert tuple(head) == column_names(hostile(text))
    assert len(rows) == 2
    for row in rows:
        assert len(row) == len(head)
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row)


@given(texts())
def test_value_prints_a_line_for_each_finding(text: str) -> None:
    lines = as_values(hostile(text)).split("\n")
    assert [len(line.split("\t")) for line in lines[:-1]] == [len(column_names(hostile(text)))] * 2
    assert lines[-1] == ""


@given(texts())
def test_json_has_the_true_texts(text: str) -> None:
    differing, missing = json.loads(in_json(hostile(text)))
    assert differing["evidence"] == [text, f"{text}, {text}"]
    assert differing["name"] == (text or None)
    assert missing["evidence"] == [text]
    assert missing["domain"] is None


@given(st.text(max_size=20))
def test_a_command_is_one_that_a_shell_takes(text: str) -> None:
    """A shell gets the user's words back, or sees them escaped."""
    finding = found("no-block", GUEST, "e", command=("stamp", GUEST.uuid, "--from", text))
    line = spelled(finding, Report([finding], 1, program=("nova-domains", "-c", "qemu:///system")))
    assert "\n" not in line
    if text.isprintable() and text.isascii():
        assert shlex.split(line)[-1] == text


def test_a_command_reaches_the_host_of_its_guest() -> None:
    programs = {"compute-1": ("nova-domains", "-c", "qemu+ssh://one/system"), "compute-2": ("no",)}
    line = spelled(WARNING, Report([WARNING], 1, programs=programs))
    assert line.startswith("nova-domains -c qemu+ssh://one/system stamp ")
    # Several URIs lead to hosts of that name: none is certain to reach the guest.
    assert spelled(WARNING, Report([WARNING], 1, programs={"compute-2": ("no",)})) == ""


@given(st.text(max_size=60))
def test_a_monitor_gets_one_line_and_one_bar(text: str) -> None:
    line = nagios_unknown(text)
    assert line.count("\n") == 1
    assert "|" not in line
    assert nagios_line(hostile(text), text).count("|") == 1
    assert nagios_line(hostile(text), text).count("\n") == 1


def test_a_missing_host_leaves_a_monitor_in_doubt_unless_there_is_something_graver() -> None:
    for findings, status in (([], UNKNOWN), ([NOTE], UNKNOWN), ([WARNING], 1), ([ERROR], 2)):
        assert nagios_status(Report(findings, 1), "1 host is missing") == status
    line = nagios_line(Report([], 0), "1 of 2 hosts was not read: a: gone")
    assert line.startswith("NOVA-DOMAINS UNKNOWN - nothing found; 1 of 2 hosts was not read: a: ")


# ---- how it looks -----------------------------------------------------------------------------


def test_a_pipe_gets_whole_lines_grouped_by_guest_the_worst_first() -> None:
    other = nova_guest(2, instance("db"))
    report = Report(
        [found("io-error", other, "paused: ioerror"), WARNING, MISSING],
        12,
        {"note": 3},
        ("nova-domains",),
    )
    assert (
        findings_table(report, width=None, paint=plain)
        == f"""\
db  running  instance-00000002  {other.uuid}
  error    io-error  paused: ioerror → {CODES["io-error"].consequence}

lost  not here  project acme  u-1
  error    missing   servers.json: it is on this host → {CODES["missing"].consequence}

web  running  project acme  user alice  instance-00000001  {GUEST.uuid}
  warning  no-block  evidence → {CODES["no-block"].consequence}
    $ nova-domains stamp {GUEST.uuid} --derive

What to do  (more: check --explain CODE)
  io-error  {CODES["io-error"].remedy}
  missing   {CODES["missing"].remedy}
  no-block  {CODES["no-block"].remedy}

2 errors, 1 warning on 2 of 12 guests and 1 missing instance
3 notes hidden (--severity note shows them)
"""
    )


def test_no_findings_is_said() -> None:
    assert findings_table(Report([], 1), width=80, paint=plain) == "1 guest, nothing found\n"
    hidden = findings_table(Report([], 12, {"note": 1}), width=80, paint=plain)
    assert hidden == "12 guests, nothing found\n1 note hidden (--severity note shows it)\n"


LONG = found(
    "uuid-differs",
    GUEST,
    "the disk /var/lib/nova/instances/" + "日本" * 40 + "/" + "x" * 200,
    "and",
)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal_but_a_command(width: int) -> None:
    report = Report([LONG, WARNING, ERROR, NOTE, MISSING], 3)
    printed = findings_table(report, width=width, paint=coloured)
    lines = SGR.sub("", printed).splitlines()
    free = ("web", "lost", "  ")
    for line in lines:
        wide = cell_len(line)
        # A command is for copying, and an uuid or a code is one word.
        if width >= 60 and not line.lstrip().startswith("$"):
            assert wide <= width, line
        assert line.startswith(free) or line[:1] in "Wi" or line[:1].isdigit() or not line
    assert "日本" in printed
    text = "".join(line.strip() for line in lines)
    assert "x" * 200 in text


def test_a_monitor_gets_the_worst_first() -> None:
    line = nagios_line(Report([NOTE, WARNING, WARNING, ERROR, LONG], 12))
    assert line == (
        "NOVA-DOMAINS CRITICAL - 1 error, 3 warnings, 1 note: crashed, 2 no-block, uuid-differs, "
        "1 more | errors=1 warnings=3 notes=1 guests=12\n"
    )
    assert nagios_line(Report([], 0)) == (
        "NOVA-DOMAINS OK - nothing found | errors=0 warnings=0 notes=0 guests=0\n"
    )


def test_the_status_of_a_plugin_follows_the_worst_finding() -> None:
    for findings, status in (([], 0), ([NOTE], 0), ([WARNING, NOTE], 1), ([WARNING, ERROR], 2)):
        assert nagios_status(Report(findings, 1)) == status


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(code: str) -> None:
    whole = explained(CODES[code], width=None, paint=plain)
    for text in (code, CODES[code].title, CODES[code].meaning, CODES[code].cause):
        assert text in whole
    narrow = explained(CODES[code], width=60, paint=plain)
    assert max(len(line) for line in narrow.splitlines()[1:]) <= 60
