"""The way back, guest by guest; test_planner_properties.py takes back plans of every kind."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.support.embedded import block, guest, uuid_of
from tests.support.memory_host import MemoryHost, host_of
from tests.support.plans import BY, carry_out, journal_of
from virsh_nova.block.namespaces import BACKFILL, NOVA_1_1
from virsh_nova.stamp.journal_format import JournalGuest, Origin, Run
from virsh_nova.stamp.plan import Edit, Plan, Request
from virsh_nova.stamp.planner import make_plan
from virsh_nova.stamp.undo import make_undo_plan


class Stamped:
    """A host after a run of stamp, and the run."""

    def __init__(self, host: MemoryHost, **options: Any) -> None:
        self.host = host
        self.before = host.everything()
        chosen = Request(
            named=frozenset(self.before), force=True, assignments={"name": "web-1"}, signature=BY
        )._replace(**options)
        plan = make_plan(host.name, host.guests(), (), chosen)
        self.run = journal_of(plan, host.identity)
        carry_out(plan, host)

    def undo(self) -> Plan:
        return make_undo_plan(self.host.name, self.host.guests(), self.run)


def test_what_was_stamped_is_taken_back_and_then_nothing_is_left_to_do() -> None:
    stamped = Stamped(host_of(guest(1), guest(2)))
    assert stamped.host.everything() != stamped.before
    carry_out(stamped.undo(), stamped.host)
    assert stamped.host.everything() == stamped.before
    assert [(step.action, step.reason) for step in stamped.undo().steps] == [
        ("unchanged", "it is as it was before the run"),
        ("unchanged", "it is as it was before the run"),
    ]


def test_the_block_goes_before_our_mark() -> None:
    """A run of undo that breaks off leaves no block that claims to be Nova's."""
    (step,) = Stamped(host_of(guest(1))).undo().steps
    order = [edit.namespace for edit in step.edits if edit.definition == "live"]
    assert order == [NOVA_1_1, BACKFILL]


def test_what_was_overwritten_comes_back_with_its_prefix() -> None:
    stamped = Stamped(
        host_of(guest(1, metadata=block("as Nova wrote it").replace("nova:", "x:").replace(
            ":nova", ":x"))),
        overwrite=True,
    )  # fmt: skip
    (edit,) = (e for e in stamped.undo().steps[0].edits if e[:2] == ("live", NOVA_1_1))
    assert edit.prefix == "x"
    carry_out(stamped.undo(), stamped.host)
    assert stamped.host.everything() == stamped.before


def test_a_guest_that_nova_has_written_since_is_left_alone() -> None:
    stamped = Stamped(host_of(guest(1), guest(2)))
    by_nova = "<instance><name>by Nova</name></instance>"
    stamped.host.set_metadata(uuid_of(1), NOVA_1_1, "instance", by_nova, ["live"])
    steps = stamped.undo().steps
    assert [step.action for step in steps] == ["refused", "stamp"]
    assert (steps[0].reason, steps[0].edits) == ("its block was changed after the run (live)", ())


def test_a_mark_that_was_changed_is_left_alone_too() -> None:
    stamped = Stamped(host_of(guest(1)))
    stamped.host.set_metadata(uuid_of(1), BACKFILL, "b", "<backfill/>", ["persistent"])
    (step,) = stamped.undo().steps
    assert (step.action, step.reason) == (
        "refused",
        "its backfill mark was changed after the run (persistent)",
    )


def test_a_guest_that_is_gone_is_reported() -> None:
    stamped = Stamped(host_of(guest(1), guest(2)))
    rest = [found for found in stamped.host.guests() if found.uuid != uuid_of(1)]
    plan = make_undo_plan("compute-1", rest, stamped.run)
    assert [(n.kind, n.text) for n in plan.notices] == [
        ("missing", f"instance-00000001 ({uuid_of(1)}) is no longer here")
    ]
    assert [step.guest.uuid for step in plan.steps] == [uuid_of(2)]


def test_a_guest_that_was_shut_down_since_is_restored_where_it_still_is() -> None:
    stamped = Stamped(host_of(guest(1)))
    persistent = stamped.host._domains[uuid_of(1)]
    del persistent["live"]
    (step,) = stamped.undo().steps
    assert {edit.definition for edit in step.edits} == {"persistent"}
    carry_out(stamped.undo(), stamped.host)
    assert stamped.host.metadata_of(uuid_of(1)) == {"persistent": []}


def test_a_guest_that_was_started_since_is_restored_live_too() -> None:
    host = MemoryHost()
    host.add(persistent=guest(1))
    stamped = Stamped(host)
    domains = host._domains[uuid_of(1)]
    domains["live"] = deepcopy(domains["persistent"])
    (step,) = stamped.undo().steps
    assert {edit.definition for edit in step.edits} == {"live", "persistent"}
    carry_out(stamped.undo(), host)
    assert host.metadata_of(uuid_of(1)) == {"live": [], "persistent": []}


def test_a_guest_that_was_never_written_to_is_as_it_was() -> None:
    """The journal of a run that was killed names guests that it did not come to."""
    host = host_of(guest(1))
    edit = Edit("live", NOVA_1_1, "nova", None, "<instance><name>x</name></instance>")
    entry = JournalGuest(uuid_of(1), "instance-00000001", ("live", "persistent"), (edit,), None)
    run = Run(
        Path("x"),
        "x",
        Origin("stamp", host.identity, "", ""),
        "",
        (entry,),
        frozenset(),
        1,
        None,
        (),
    )
    (step,) = make_undo_plan("compute-1", host.guests(), run).steps
    assert (step.action, step.reason) == ("unchanged", "it is as it was before the run")
