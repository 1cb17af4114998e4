"""Any mix of guests, records and options: who is written to, what stays, and the way back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support import strategies
from tests.support.embedded import guest, make_host, uuid_of
from tests.support.memory_host import MemoryHost
from tests.support.plans import BY, Case, carry_out, cases, journal_of, to_write
from virsh_nova.block.backfill import backfill_of
from virsh_nova.block.facts import facts_of
from virsh_nova.block.namespaces import BACKFILL, NAMESPACES
from virsh_nova.block.releases import NEWEST_RELEASE
from virsh_nova.hosts.libvirt.connection import LibvirtHost
from virsh_nova.model import Guest
from virsh_nova.sources.record import Record
from virsh_nova.stamp.apply import write
from virsh_nova.stamp.plan import Request, Step
from virsh_nova.stamp.planner import make_plan
from virsh_nova.stamp.undo import make_undo_plan


def facts_by_namespace(guest: Guest) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (definition.name, block.namespace): facts_of(block.instance)
        for definition in guest.definitions
        for block in definition.domain.blocks
        if block.instance
    }


# ---- whom it touches --------------------------------------------------------------------------


@given(cases())
def test_a_foreign_guest_is_written_to_only_if_it_is_named_and_forced(case: Case) -> None:
    for step in to_write(case.plan()):
        if step.guest.uuid in case.foreign:
            assert case.asked.force
            assert step.guest.uuid in case.asked.named
            assert strategies.APPLIANCE not in repr(step.guest.definitions)


@given(cases(force=True))
def test_an_appliance_of_libguestfs_is_never_written_to(case: Case) -> None:
    for step in to_write(case.plan()):
        for definition in step.guest.definitions:
            assert "org.libguestfs.channel.0" not in definition.domain.channels


@given(cases())
def test_only_the_guests_asked_for_are_written_to(case: Case) -> None:
    with_record = {record.uuid for record in case.records}
    for step in case.plan().steps:
        if case.asked.everyone:
            assert step.guest.kind != "foreign" or step.guest.uuid in with_record
        else:
            assert step.guest.uuid in case.asked.named


@given(cases(overwrite=False, fill=False))
def test_a_block_that_is_there_is_left_alone_unless_that_was_asked_for(case: Case) -> None:
    for step in to_write(case.plan()):
        for definition in step.guest.definitions:
            if definition.domain.blocks:
                assert all(edit.definition != definition.name for edit in step.edits)


@given(cases())
def test_nothing_but_novas_block_and_our_mark_is_ever_touched(case: Case) -> None:
    before = case.host.everything()
    ours = (*NAMESPACES, BACKFILL)
    plan = case.plan()
    carry_out(plan, case.host)
    after = case.host.everything()
    written = {step.guest.uuid for step in to_write(plan)}
    for uuid, definitions in before.items():
        for name, elements in definitions.items():
            if uuid not in written:
                assert after[uuid][name] == elements
            assert [e for e in elements if not any(uri in e for uri in ours)] == [
                e for e in after[uuid][name] if not any(uri in e for uri in ours)
            ]


@given(cases(overwrite=False))
def test_without_overwrite_no_block_goes(case: Case) -> None:
    for step in to_write(case.plan()):
        assert all(edit.after is not None for edit in step.edits)


# ---- what it writes ---------------------------------------------------------------------------


@given(cases(whole=True))
def test_a_second_run_finds_everything_unchanged(case: Case) -> None:
    first = case.plan()
    carry_out(first, case.host)
    written = {step.guest.uuid for step in to_write(first)}
    for step in case.plan().steps:
        assert step.action != "stamp", (step.edits, step.facts)
        if step.guest.uuid in written:
            assert step.action == "unchanged", step.reason


@given(cases(fill=True, overwrite=False))
def test_fill_never_changes_what_was_there(case: Case) -> None:
    before = {guest.uuid: facts_by_namespace(guest) for guest in case.host.guests()}
    carry_out(case.plan(), case.host)
    for found in case.host.guests():
        after = facts_by_namespace(found)
        for place, facts in before[found.uuid].items():
            for key, value in facts.items():
                # An empty uuid is all that Nova can say of a boot volume; an empty part says
                # nothing, and is filled.
                if value and not (key == "root.uuid" and facts.get("root.type") == "volume"):
                    assert after[place].get(key) == value, key


def of_one_guest(*records: tuple[str, dict[str, Any], tuple[str, ...]]) -> Case:
    """A guest without a block and what is known of it: source, facts, hosts."""
    host = MemoryHost()
    host.add(both=guest(1, domain="guest-1", before=strategies.NOVA_SYSINFO))
    known = [
        Record(uuid_of(1), source, facts, hosts=places, place=f"record {number}")
        for number, (source, facts, places) in enumerate(records, 1)
    ]
    asked = Request(everyone=True, overwrite=True, release=NEWEST_RELEASE, signature=BY)
    return Case(host, [], known, asked)


HERE = ("compute-1",)


# Of two records of one source the one that names this host counts, not the first.
@example(of_one_guest(("a.json", {}, ()), ("a.json", {"package": "web-1"}, HERE)))
@example(
    of_one_guest(
        ("b.json", {"package": "1"}, ()),
        ("a.json", {}, ()),
        ("a.json", {"package": "2"}, HERE),
    )
)
@example(
    of_one_guest(
        ("b.json", {"package": "1"}, ()),
        ("a.json", {"package": "2"}, ()),
        ("a.json", {"name": "web-1"}, HERE),
    )
)
@given(cases(derive=False, overwrite=True, release=NEWEST_RELEASE))
def test_the_later_source_wins_field_by_field(case: Case) -> None:
    plan = case.plan()
    for step in to_write(plan):
        with_record = [record for record in case.records if record.uuid == step.guest.uuid]
        chosen = []
        for source in dict.fromkeys(record.source for record in with_record):
            twins = [record for record in with_record if record.source == source]
            here = [record for record in twins if record.runs_on(case.host.name)]
            chosen += (here or twins)[:1]
        for key, source in step.origins.items():
            if key == "root.uuid" and source == "the guest":
                continue
            if key in case.asked.assignments:
                assert source == "--set"
            else:
                knowing = [record.source for record in chosen if key in record.facts]
                assert source == knowing[-1]


@given(cases())
def test_every_fact_that_is_written_has_a_source(case: Case) -> None:
    for step in to_write(case.plan(overwrite=True, fill=False, release=None)):
        for key, value in step.facts.items():
            named_by_nova = key == "name" and value == step.guest.uuid
            base_image = key == "root.uuid" and value == step.facts.get("image.uuid")
            empty_part = value == {}
            assert key in step.origins or named_by_nova or base_image or empty_part, key


@given(cases(signature=BY))
def test_every_guest_that_is_written_to_is_known_as_backfilled(case: Case) -> None:
    plan = case.plan()
    carry_out(plan, case.host)
    for step in to_write(plan):
        for definition in step.guest.definitions:
            if any(edit[:2] == (definition.name, BACKFILL) for edit in step.edits):
                domains = case.host.guest(step.guest.uuid).definitions
                (now,) = (each.domain for each in domains if each.name == definition.name)
                block = next(b for b in now.blocks if b.namespace in written_to(step))
                assert backfill_of(block, now.backfill_xml) is not None


def written_to(step: Step) -> set[str]:
    return {edit.namespace for edit in step.edits if edit.after and edit.namespace != BACKFILL}


# ---- the way back -----------------------------------------------------------------------------


@given(cases())
def test_undo_restores_exactly_what_was(case: Case) -> None:
    before = case.host.everything()
    plan = case.plan()
    run = journal_of(plan, case.host.identity)
    assert run.faults == ()
    assert [entry.edits for entry in run.guests] == [step.edits for step in to_write(plan)]
    carry_out(plan, case.host)
    back = make_undo_plan(case.host.name, case.host.guests(), run)
    assert all(step.action == "stamp" for step in back.steps), back
    carry_out(back, case.host)
    assert case.host.everything() == before
    again = make_undo_plan(case.host.name, case.host.guests(), run)
    assert all(step.action == "unchanged" for step in again.steps), again


@given(cases(), st.data())
def test_a_run_that_was_killed_between_two_guests_can_be_undone(
    case: Case, data: st.DataObject
) -> None:
    before = case.host.everything()
    plan = case.plan()
    run = journal_of(plan, case.host.identity)
    for step in to_write(plan)[: data.draw(st.integers(0, 5))]:
        write(step, case.host)
    back = make_undo_plan(case.host.name, case.host.guests(), run)
    carry_out(back, case.host)
    assert case.host.everything() == before


@given(cases(), st.data())
def test_a_run_that_was_killed_within_a_guest_can_be_undone(
    case: Case, data: st.DataObject
) -> None:
    before = case.host.everything()
    plan = case.plan()
    run = journal_of(plan, case.host.identity)
    for step in to_write(plan):
        for edit in step.edits[: data.draw(st.integers(0, 4))]:
            case.host.set_metadata(
                step.guest.uuid, edit.namespace, edit.prefix, edit.after, [edit.definition]
            )
    carry_out(make_undo_plan(case.host.name, case.host.guests(), run), case.host)
    assert case.host.everything() == before


@given(cases(whole=True, overwrite=False, fill=False), st.data())
def test_a_run_that_was_killed_is_completed_by_the_next(case: Case, data: st.DataObject) -> None:
    plan = case.plan()
    for step in to_write(plan)[: data.draw(st.integers(0, 5))]:
        write(step, case.host)
    second = case.plan()
    carry_out(second, case.host)
    assert not to_write(case.plan())


# ---- through libvirt itself -------------------------------------------------------------------


@settings(max_examples=25)
@given(cases(whole=True))
def test_libvirts_test_driver_takes_what_is_planned_and_gives_it_back(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        definitions = [case.host.xml(guest.uuid) for guest in case.host.guests()]
        uri = make_host(Path(folder), *definitions)
        host = LibvirtHost.open(uri, writable=True)
        before = {guest.uuid: facts_by_namespace(guest) for guest in host.guests("whole")}
        plan = make_plan("compute-1", host.guests("whole"), case.records, case.asked)
        run = journal_of(plan, case.host.identity)
        writer = host.writer()
        for step in to_write(plan):
            outcome = write(step, writer)
            assert outcome.result == "done", (outcome, step)
        second = make_plan("compute-1", host.guests("whole"), case.records, case.asked)
        assert not to_write(second)
        back = make_undo_plan("compute-1", host.guests("whole"), run)
        for step in to_write(back):
            assert write(step, writer).result == "done"
        assert {g.uuid: facts_by_namespace(g) for g in host.guests("whole")} == before
