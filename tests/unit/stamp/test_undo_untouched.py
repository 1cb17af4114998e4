"""Undo takes away what the run wrote, and nothing that it did not."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.support.embedded import NOVA_SYSINFO, block, guest, uuid_of
from tests.support.memory_host import MemoryHost
from tests.support.plans import BY, carry_out, journal_of
from virsh_nova.block.namespaces import BACKFILL, NOVA_1_1
from virsh_nova.model import DefinitionName
from virsh_nova.sources.record import Record
from virsh_nova.stamp.apply import write
from virsh_nova.stamp.journal_format import Outcome, Run
from virsh_nova.stamp.plan import Plan, Request, Step
from virsh_nova.stamp.planner import make_plan
from virsh_nova.stamp.undo import make_undo_plan

UUID = uuid_of(1)
NAME = {"name": "web-1"}


def nova(metadata: str = "") -> str:
    return guest(1, metadata=metadata, before=NOVA_SYSINFO)


def plan_for(host: MemoryHost, **changes: Any) -> Plan:
    request = Request(everyone=True, signature=BY)._replace(**changes)
    return make_plan(host.name, host.guests(), [Record(UUID, "a.json", NAME)], request)


def stamped(host: MemoryHost, **changes: Any) -> Run:
    plan = plan_for(host, **changes)
    run = journal_of(plan, host.identity)
    carry_out(plan, host)
    return run


def undo_step(host: MemoryHost, run: Run) -> Step:
    (step,) = make_undo_plan(host.name, host.guests(), run).steps
    return step


def power_off(host: MemoryHost) -> None:
    del host._domains[UUID]["live"]


@pytest.mark.parametrize("signature", [BY, None])
@pytest.mark.parametrize("other", ["live", "persistent"])
def test_novas_block_stays_in_a_definition_that_stamp_did_not_write(
    other: DefinitionName, signature: Any
) -> None:
    host = MemoryHost()
    by_nova = nova(block("web-1"))
    host.add(live=nova(), persistent=by_nova) if other == "persistent" else host.add(
        live=by_nova, persistent=nova()
    )
    before = host.everything()
    run = stamped(host, signature=signature)
    for definition in ("live", "persistent"):
        alone = deepcopy(host)
        del alone._domains[UUID][definition]
        carry_out(make_undo_plan(host.name, alone.guests(), run), alone)
        for name, held in alone.metadata_of(UUID).items():
            assert held == before[UUID][name]


def test_a_run_that_was_killed_before_it_wrote_takes_no_block_away() -> None:
    host = MemoryHost()
    host.add(live=nova(), persistent=nova(block("web-1")))
    run = journal_of(plan_for(host), host.identity)
    power_off(host)
    before = host.everything()
    step = undo_step(host, run)
    assert (step.action, step.reason) == ("unchanged", "it is as it was before the run")
    carry_out(make_undo_plan(host.name, host.guests(), run), host)
    assert host.everything() == before


@pytest.mark.parametrize("result", ["changed", "left"])
def test_a_guest_that_the_run_skipped_keeps_what_it_holds(result: Any) -> None:
    """Without provenance its block looks as if the run had written it."""
    host = MemoryHost()
    host.add(both=nova())
    run = journal_of(plan_for(host, signature=None), host.identity)
    (written,) = run.guests
    run = run._replace(guests=(written._replace(outcome=Outcome(UUID, result)),))
    by_nova = "<instance><name>web-1</name></instance>"
    host.set_metadata(UUID, NOVA_1_1, "nova", by_nova, ["live", "persistent"])
    step = undo_step(host, run)
    assert (step.action, step.reason) == ("unchanged", "the run did not write to it")


def test_the_very_block_that_the_run_would_write_stays_without_its_mark() -> None:
    """The run was killed before it came to this guest; then Nova wrote the block."""
    host = MemoryHost()
    host.add(both=nova())
    run = journal_of(plan_for(host), host.identity)
    by_nova = "<instance><name>web-1</name></instance>"
    host.set_metadata(UUID, NOVA_1_1, "nova", by_nova, ["live", "persistent"])
    step = undo_step(host, run)
    assert (step.action, step.edits) == ("refused", ())
    assert step.reason == "its block was not written by the run (live)"


def test_a_definition_that_nova_wrote_after_the_run_is_no_copy() -> None:
    """The guest was started with a block of Nova's, not from the persistent definition."""
    host = MemoryHost()
    host.add(persistent=nova())
    run = stamped(host)
    host._domains[UUID]["live"] = deepcopy(live_domain(nova(block("by Nova"))))
    step = undo_step(host, run)
    assert {edit.definition for edit in step.edits} == {"persistent"}


def live_domain(xml: str) -> Any:
    host = MemoryHost()
    host.add(live=xml)
    return host._domains[UUID]["live"]


def test_a_killed_run_leaves_no_block_without_its_mark_in_either_definition() -> None:
    """Also where one definition has an older mark, so that the calls cannot be shared."""
    host = MemoryHost()
    older = f'<o:backfill xmlns:o="{BACKFILL}"/>'
    host.add(live=nova(older), persistent=nova())
    (step,) = plan_for(host).steps
    calls: list[tuple[str, tuple[str, ...]]] = []

    class Watching:
        def __getattr__(self, name: str) -> Any:
            return getattr(host, name)

        def set_metadata(
            self, uuid: str, namespace: str, prefix: str, xml: str | None, names: Any
        ) -> None:
            calls.append((namespace, tuple(names)))
            host.set_metadata(uuid, namespace, prefix, xml, names)

    assert write(step, Watching()).result == "done"
    order = [namespace for namespace, _ in calls]
    assert order == sorted(order, key=lambda namespace: namespace != BACKFILL)
