"""A plan on paper and as a document: exact words, and names that cannot act on a terminal."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from rich.cells import cell_len

from tests.support.embedded import block, nova, uuid_of
from tests.support.memory_host import MemoryHost, host_of
from tests.support.plans import BY, Case, cases, journal_of, plan_of
from tests.support.records import record
from tests.support.terminals import SGR
from virsh_nova.render.safe import is_safe
from virsh_nova.render.serial import as_json
from virsh_nova.render.stamp import counts, plan_document, plan_text
from virsh_nova.render.style import coloured, plain
from virsh_nova.render.undo import runs_document, runs_table, runs_text
from virsh_nova.sources.record import Record
from virsh_nova.stamp.journal_format import Outcome
from virsh_nova.stamp.journals import Runs
from virsh_nova.stamp.plan import Notice, Plan, Request
from virsh_nova.stamp.planner import make_plan

FACTS = {"package": "34.0.0", "name": "web-1", "flavor.vcpus": 2, "flavor.name": "m1.small"}


def plan_from(*guests: str, facts: dict[str, Any] = FACTS, **options: Any) -> Plan:
    """The plan for guests of which servers.json knows these facts."""
    uuids = [found.uuid for found in host_of(*guests).guests()]
    records = [record(uuid, "servers.json", facts=facts) for uuid in uuids]
    return plan_of(*guests, records=records, **options)


def text_of(plan: Plan, **options: Any) -> str:
    return plan_text(plan, paint=plain, **options)


def test_the_text_of_a_plan_is_its_diff_sources_and_notes() -> None:
    plan = plan_from(nova(1, block("web-1", "<nova:owner/>")), fill=True)
    assert text_of(plan) == (
        f"web-1  running  instance-00000001  {uuid_of(1)}\n"
        "--- instance-00000001 (live and persistent)\n"
        "+++ instance-00000001 (live and persistent)\n"
        "@@ -1,4 +1,8 @@\n"
        ' <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">\n'
        '+  <nova:package version="34.0.0"/>\n'
        "   <nova:name>web-1</nova:name>\n"
        '+  <nova:flavor name="m1.small">\n'
        "+    <nova:vcpus>2</nova:vcpus>\n"
        "+  </nova:flavor>\n"
        "   <nova:owner/>\n"
        " </nova:instance>\n"
        "from servers.json: package, flavor.vcpus, flavor.name\n"
        "note: Ceilometer will skip this guest: no owner.user.id, no owner.project.id\n"
        "\n"
    ).replace("flavor.vcpus, flavor.name", "flavor.name, flavor.vcpus")
    assert counts(plan, "write") == "1 to write, 0 unchanged, 0 refused"
    assert counts(plan, "restore") == "1 to restore, 0 unchanged, 0 refused"


def test_refusals_and_guests_asked_for_by_name_come_after_the_diffs() -> None:
    plan = plan_from(nova(1, block("web-1")), nova(2), facts={})
    assert text_of(plan) == (
        f"refused: instance-00000002 ({uuid_of(2)}): no source knows anything about it\n\n"
    )
    assert text_of(plan, named=frozenset((uuid_of(1),))) == (
        f"unchanged: web-1 (instance-00000001, {uuid_of(1)}): it already has a block\n"
        f"refused: instance-00000002 ({uuid_of(2)}): no source knows anything about it\n\n"
    )
    assert counts(plan, "write") == "0 to write, 1 unchanged, 1 refused"


def test_the_mark_is_a_line_of_words_below_the_diff() -> None:
    plan = plan_from(nova(1), signature=BY)
    below = text_of(plan).partition("+</nova:instance>\n")[2].splitlines()
    mark = "mark: 2026-11-22T12:00:00Z by root@compute-1 from servers.json, nova-domains 1.1.0"
    assert below[0].startswith(f"{mark}, digest ")
    assert "backfill" not in text_of(plan)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_only_a_diff_is_wider_than_the_terminal(width: int) -> None:
    plan = plan_from(nova(1), nova(2, domain="a" * 30), derive=True, signature=BY)
    refused = plan_from(nova(3), facts={})
    notice = Notice("unmatched", "", "日本 " * 60)
    for each in (plan, refused, Plan("h", (), (notice,))):
        for line in text_of(each, width=width).splitlines():
            assert line[:1] in "+-@ " or cell_len(line) <= width, line


def test_no_name_reads_as_another_guest() -> None:
    name = "good (instance-0000002a, 8dabf68e): ok"
    plan = plan_from(nova(1, block(name), domain="a: b"), facts={"name": name}, overwrite=True)
    named = frozenset((uuid_of(1),))
    assert f'unchanged: "{name}" ("a: b", {uuid_of(1)}): ' in text_of(plan, named=named)
    plan = plan_from(nova(1, block(name), domain="a: b"), overwrite=True)
    assert text_of(plan).startswith(f'web-1  running  "a: b"  {uuid_of(1)}\n')


def test_definitions_that_differ_have_a_diff_each() -> None:
    host = MemoryHost()
    host.add(nova(1, block("a")), nova(1))
    plan = make_plan("h", host.guests(), [Record(uuid_of(1), "f", FACTS)],
                     Request(everyone=True, overwrite=True))  # fmt: skip
    titles = [line for line in text_of(plan).splitlines() if line.startswith("---")]
    assert titles == ["--- instance-00000001 (live)", "--- instance-00000001 (persistent)"]


def test_many_notices_of_a_kind_are_cut() -> None:
    notices = tuple(Notice("unmatched", "", f"notice {number}") for number in range(12))
    lines = text_of(Plan("h", (), (*notices, Notice("missing", "", "another")))).splitlines()
    assert lines == [
        *(f"notice: notice {number}" for number in range(10)),
        "notice: and 2 more like this",
        "notice: another",
        "",
    ]


def test_an_empty_plan_prints_nothing() -> None:
    assert text_of(Plan("h", ())) == ""
    assert counts(Plan("h", ()), "write") == "0 to write, 0 unchanged, 0 refused"


def test_the_diff_is_one_that_patch_takes(tmp_path: Path) -> None:
    before = block("web-1", '<nova:flavor name="old"><nova:vcpus>1</nova:vcpus></nova:flavor>')
    plan = plan_from(nova(1, before), overwrite=True, signature=BY)
    file = tmp_path / "metadata.xml"
    file.write_text(
        '<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">\n'
        "  <nova:name>web-1</nova:name>\n"
        '  <nova:flavor name="old">\n'
        "    <nova:vcpus>1</nova:vcpus>\n"
        "  </nova:flavor>\n"
        "</nova:instance>\n"
    )
    done = subprocess.run(
        ["patch", "--batch", "--fuzz=0", str(file)], input=text_of(plan), text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    after = file.read_text()
    assert '<nova:flavor name="m1.small">\n    <nova:vcpus>2</nova:vcpus>' in after
    assert "backfill" not in after


def test_colours_say_what_a_line_is_and_change_nothing_else() -> None:
    plan = plan_from(nova(1, block("web-1", "<nova:owner/>")), fill=True)
    text = plan_text(plan, paint=coloured)
    assert SGR.sub("", text) == text_of(plan)
    assert '\x1b[32m+  <nova:package version="34.0.0"/>\x1b[0m' in text


# ---- hostile names ----------------------------------------------------------------------------

EVIL = "\u202ea\x9b31m\x85\u2028[bold]:smile:<b>\t\r\n\x7f"


@given(cases())
def test_no_name_acts_on_a_terminal(case: Case) -> None:
    plan = case.plan()
    for line in plan_text(plan, paint=plain, named=case.asked.named).split("\n"):
        assert is_safe(line)
    assert is_safe(SGR.sub("", plan_text(plan, paint=coloured)).replace("\n", ""))
    document = as_json(plan_document(plan), one_a_line=False, ascii_only=False)
    assert is_safe(document.replace("\n", ""))


def test_a_hostile_name_is_escaped_wherever_it_is() -> None:
    facts = {"name": EVIL, "flavor.extra_specs": {EVIL: EVIL}, "owner.user.name": EVIL,
             "owner.user.id": EVIL}  # fmt: skip
    host = MemoryHost()
    host.add(both=nova(1, domain="\u202edomain"))
    records = [
        Record(uuid_of(1), f"{EVIL}.json", facts, hosts=(EVIL,), place=EVIL),
        Record(uuid_of(2), f"{EVIL}.json", facts),
    ]
    plan = make_plan("compute-1", host.guests(), records, Request(everyone=True, signature=BY))
    text = text_of(plan)
    assert plan.steps[0].action == "stamp"
    assert len(plan.notices) == 2
    assert is_safe(text.replace("\n", ""))
    assert "\\u202ea\\x9b31m\\x85\\u2028[bold]:smile:" in text
    (document,) = plan_document(plan)["guests"]
    assert document["fields"][0]["after"] == EVIL


def test_a_hostile_name_in_a_journal_is_written_out_in_the_list_of_runs() -> None:
    run = journal_of(plan_of(nova(1)), MemoryHost(EVIL).identity)
    origin = run.origin._replace(by=EVIL)
    runs = Runs((run._replace(origin=origin, path=Path(f"/{EVIL}")),), ())
    assert is_safe(runs_table(runs).replace("\n", ""))
    assert is_safe(runs_text(runs, width=80, paint=plain).replace("\n", ""))
    document = as_json(runs_document(runs), one_a_line=False, ascii_only=False)
    assert is_safe(document.replace("\n", ""))
    assert json.loads(document)[0]["host"] == EVIL


# ---- the document -----------------------------------------------------------------------------


def test_the_document_of_a_plan_has_fields_edits_and_outcomes() -> None:
    plan = plan_from(nova(1, block("web-1")), facts={"name": "web-2"}, overwrite=True)
    bare = "<instance><name>web-{}</name></instance>"
    notes = [
        "Ceilometer will skip this guest: no flavor, no owner.user.id, no owner.project.id",
        "no package: the Nova version that started the guest stays unknown",
    ]
    outcome = Outcome(uuid_of(1), "failed", "it is busy")
    assert plan_document(plan, {uuid_of(1): outcome}, "/var/x.jsonl") == {
        "host": "compute-1",
        "journal": "/var/x.jsonl",
        "guests": [
            {
                "uuid": uuid_of(1),
                "domain": "instance-00000001",
                "state": "running",
                "kind": "nova",
                "action": "write",
                "reason": None,
                "fields": [
                    {"field": "name", "before": "web-1", "after": "web-2", "source": "servers.json"}
                ],
                "edits": [
                    {
                        "definition": definition,
                        "namespace": "http://openstack.org/xmlns/libvirt/nova/1.1",
                        "before": bare.format(1),
                        "after": bare.format(2),
                    }
                    for definition in ("live", "persistent")
                ],
                "notes": notes,
                "outcome": {"result": "failed", "why": "it is busy"},
            }
        ],
        "notices": [],
    }


@given(cases())
def test_the_document_of_any_plan_is_json_and_names_each_change(case: Case) -> None:
    plan = case.plan()
    document = json.loads(as_json(plan_document(plan), one_a_line=False, ascii_only=True))
    assert [each["uuid"] for each in document["guests"]] == [s.guest.uuid for s in plan.steps]
    for step, each in zip(plan.steps, document["guests"], strict=True):
        assert (each["action"] == "write") == (step.action == "stamp") == bool(each["edits"])
        for field in each["fields"]:
            assert field["before"] != field["after"]
