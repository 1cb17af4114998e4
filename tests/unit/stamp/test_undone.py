"""A run is undone when every guest was restored, or is seen to hold what it held before."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.support.embedded import guest, uuid_of
from tests.support.memory_host import MemoryHost
from tests.support.plans import BY
from virsh_nova.block.namespaces import NOVA_1_1
from virsh_nova.errors import NovaDomainsError
from virsh_nova.guests.build import unreadable_guest
from virsh_nova.model import Guest, Sighting
from virsh_nova.stamp.apply import write
from virsh_nova.stamp.journal import Journal
from virsh_nova.stamp.journal_format import Origin, Outcome, Run
from virsh_nova.stamp.journals import Runs, all_runs
from virsh_nova.stamp.plan import Plan, Request
from virsh_nova.stamp.planner import make_plan
from virsh_nova.stamp.undo import found_as_before, make_undo_plan

UUIDS = [uuid_of(number) for number in (1, 2, 3)]
BY_NOVA = "<instance><name>by Nova</name></instance>"


class Place:
    """A host of three guests, and a folder of journals."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = MemoryHost()
        for number in (1, 2, 3):
            self.host.add(both=guest(number))

    def stamp(self, *, overwrite: bool = False, name: str = "web-1") -> Run:
        request = Request(
            named=frozenset(UUIDS), force=True, assignments={"name": name}, signature=BY,
            overwrite=overwrite,
        )  # fmt: skip
        return self.carry_out(make_plan(self.host.name, self.host.guests(), (), request), "stamp")

    def undo(self, run: Run, guests: Iterable[Guest] | None = None) -> str:
        """Undo what can be; the state of the run afterwards."""
        plan = make_undo_plan(self.host.name, self.host.guests() if guests is None else guests, run)
        self.carry_out(plan, "undo", undoes=run.id, as_before=found_as_before(plan, run))
        return self.state(run)

    def carry_out(
        self, plan: Plan, command: Any, *, undoes: str | None = None, as_before: Iterable[str] = ()
    ) -> Run:
        time.sleep(0.002)  # A run is named by the millisecond.
        origin = Origin(command, self.host.identity, "root@h", "1.1", undoes)
        journal = Journal.begin(self.folder, plan.to_write, origin, as_before=as_before)
        journal.outcomes([write(step, self.host) for step in plan.to_write])
        journal.end("complete")
        return self.runs.runs[-1]

    @property
    def runs(self) -> Runs:
        return all_runs(self.folder)

    def state(self, run: Run) -> str:
        runs = self.runs
        return dict(zip([each.id for each in runs.runs], runs.states, strict=True))[run.id]

    def unreadable(self, number: int) -> list[Guest]:
        """The guests, one of which does not answer."""
        seen = Sighting(self.host.name, uuid_of(number), "x", 1, "running")
        lost = unreadable_guest(seen, "cannot be read: no answer within 10 s")
        return [lost if found.uuid == lost.uuid else found for found in self.host.guests()]

    def without(self, number: int) -> list[Guest]:
        return [found for found in self.host.guests() if found.uuid != uuid_of(number)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_run_whose_guests_were_all_restored_is_undone(place: Place) -> None:
    run = place.stamp()
    assert place.state(run) == "complete"
    assert place.undo(run) == "undone"
    with pytest.raises(NovaDomainsError, match="no run of stamp on this host to undo"):
        place.runs.newest(place.host.identity)


def test_a_run_with_a_guest_that_is_not_there_is_partly_undone_and_offered_again(
    place: Place,
) -> None:
    run = place.stamp()
    assert place.undo(run, place.without(2)) == "partly undone, 2 of 3"
    assert place.runs.newest(place.host.identity).id == run.id
    assert place.undo(run) == "undone"


def test_a_run_with_a_guest_that_cannot_be_read_is_partly_undone(place: Place) -> None:
    run = place.stamp()
    plan = make_undo_plan(place.host.name, place.unreadable(2), run)
    assert (plan.steps[1].action, plan.steps[1].reason) == (
        "refused", "it cannot be read: no answer within 10 s",
    )  # fmt: skip
    assert place.undo(run, place.unreadable(2)) == "partly undone, 2 of 3"
    assert place.undo(run) == "undone"


def test_a_run_whose_guests_were_changed_stays_on_offer(place: Place) -> None:
    run = place.stamp()
    for uuid in UUIDS:
        place.host.set_metadata(uuid, NOVA_1_1, "nova", BY_NOVA, ["live", "persistent"])
    assert place.undo(run) == "complete"
    assert place.runs.newest(place.host.identity).id == run.id


def test_a_run_on_a_host_where_none_of_its_guests_is_stays_on_offer(place: Place) -> None:
    run = place.stamp()
    assert place.undo(run, []) == "complete"


def test_guests_that_hold_what_they_held_before_need_no_restoring(place: Place) -> None:
    """Two of the blocks were removed by hand."""
    before = place.host.everything()
    run = place.stamp()
    steps = make_undo_plan(place.host.name, place.host.guests(), run).steps
    for step in steps[:2]:
        write(step, place.host)
    assert place.undo(run) == "undone"
    assert place.host.everything() == before


def test_a_guest_that_the_run_skipped_needs_no_restoring_even_if_it_is_gone(place: Place) -> None:
    run = place.stamp()
    skipped = run.guests[0]._replace(outcome=Outcome(UUIDS[0], "left"))
    run = run._replace(guests=(skipped, *run.guests[1:]))
    plan = make_undo_plan(place.host.name, place.without(1), run)
    assert plan.notices == ()
    assert found_as_before(plan, run) == {UUIDS[0]}


def test_a_guest_whose_line_is_damaged_keeps_its_run_from_being_undone(place: Place) -> None:
    run = place.stamp()
    lines = run.path.read_bytes().splitlines(keepends=True)
    lines[1] = b"junk\n"
    run.path.write_bytes(b"".join(lines))
    (run,) = place.runs.runs
    assert place.undo(run) == "partly undone, 2 of 3"


def test_a_run_whose_undoing_was_undone_is_offered_again(place: Place) -> None:
    run = place.stamp()
    stamped = place.host.everything()
    place.undo(run)
    undoing = place.runs.runs[-1]
    assert place.undo(undoing) == "undone"
    assert place.host.everything() == stamped
    assert place.state(run) == "complete"
    assert place.runs.newest(place.host.identity).id == run.id


def test_of_several_runs_the_newest_that_is_not_wholly_undone_comes_first(place: Place) -> None:
    first = place.stamp()
    second = place.stamp(overwrite=True, name="web-2")
    assert place.runs.newest(place.host.identity).id == second.id
    assert place.undo(second) == "undone"
    assert place.runs.newest(place.host.identity).id == first.id


def test_runs_that_claim_to_undo_themselves_or_each_other_do_no_harm(place: Place) -> None:
    run = place.stamp()
    runs = place.runs
    twins = [
        run._replace(origin=run.origin._replace(undoes=run.id)),
        run._replace(id="b", origin=run.origin._replace(undoes="c")),
        run._replace(id="c", origin=run.origin._replace(undoes="b")),
    ]
    assert len(runs._replace(runs=tuple(twins)).states) == 3
