"""Plans of stamp: single ones, and hypothesis strategies for any plan there can be."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.support import strategies
from tests.support.embedded import guest
from tests.support.memory_host import MemoryHost, host_of
from virsh_nova.hosts.identity import HostIdentity
from virsh_nova.sources.record import Record
from virsh_nova.stamp.apply import write
from virsh_nova.stamp.journal import Journal
from virsh_nova.stamp.journal_format import Origin, Run
from virsh_nova.stamp.journals import read_journal, state_folder
from virsh_nova.stamp.plan import Plan, Request, Signature, Step
from virsh_nova.stamp.planner import make_plan

BY = Signature(datetime(2026, 11, 22, 12, tzinfo=timezone.utc), "root@compute-1", "1.1.0")


@st.composite
def options(draw: st.DrawFn, known: list[str], **fixed: Any) -> Request:
    """Everything that a command line can say; ``everyone`` or some guests by name."""
    named = draw(st.sets(st.sampled_from(known)))
    overwrite, fill = draw(st.sampled_from(((False, False), (True, False), (False, True))))
    chosen: dict[str, Any] = {
        "named": frozenset(named),
        "everyone": not named,
        "derive": draw(st.booleans()),
        "assignments": draw(strategies.facts()) if draw(st.booleans()) else {},
        "overwrite": overwrite,
        "fill": fill,
        "force": draw(st.booleans()),
        "release": draw(strategies.releases()),
        "signature": draw(st.sampled_from((BY, None))),
    }
    return Request(**{**chosen, **fixed})


class Case:
    """A host, what is known of its guests, and what was asked for."""

    def __init__(self, host: MemoryHost, foreign: list[str], records: list[Record], asked: Request):
        self.host, self.foreign, self.records, self.asked = host, foreign, records, asked

    def plan(self, **changes: Any) -> Plan:
        asked = self.asked._replace(**changes)
        return make_plan(self.host.name, self.host.guests(), self.records, asked)

    def __repr__(self) -> str:
        return f"{self.host.everything()!r}\n{self.records!r}\n{self.asked!r}"


@st.composite
def cases(draw: st.DrawFn, *, whole: bool = False, **fixed: Any) -> Case:
    host, foreign = draw(strategies.memory_hosts())
    known = [guest.uuid for guest in host.guests()]
    records = draw(strategies.records(known, whole=whole))
    return Case(host, foreign, records, draw(options(known, **fixed)))


def plan_of(*guests: str, records: Iterable[Record] = (), **options: Any) -> Plan:
    """The plan for a host of these guests; for all of them unless ``named`` says which."""
    host = host_of(*guests)
    chosen = Request(**{"everyone": not options.get("named"), **options})
    return make_plan(host.name, host.guests(), records, chosen)


def steps_for(host: MemoryHost, name: str = "web-1", **changes: Any) -> list[Step]:
    """The steps that give every guest of a host this display name."""
    uuids = frozenset(found.uuid for found in host.guests())
    options = Request(named=uuids, force=True, assignments={"name": name}, signature=BY)
    plan = make_plan(host.name, host.guests(), (), options._replace(**changes))
    assert all(step.action == "stamp" for step in plan.steps)
    return list(plan.steps)


def steps_of(number: int, name: str = "web-1") -> list[Step]:
    """The steps of a host with so many guests."""
    return steps_for(host_of(*map(guest, range(1, number + 1))), name)


def to_write(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if step.action == "stamp"]


def carry_out(plan: Plan, host: MemoryHost) -> None:
    for step in to_write(plan):
        outcome = write(step, host)
        assert outcome.result == "done", outcome


def journal_of(plan: Plan, host: HostIdentity) -> Run:
    """The journal of a plan, written and read again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.jsonl")
        origin = Origin("stamp", host, by="root@compute-1", tool="1.1.0")
        journal = Journal.begin(Path(folder), to_write(plan), origin, path=path)
        journal.end("complete")
        return read_journal(path)


def begun(path: Path | None, steps: list[Step], **changes: Any) -> Journal:
    """A journal at a path, or in its usual place, whose steps are still to be done."""
    origin = Origin("stamp", host=MemoryHost().identity, by="root@h", tool="1.1")
    return Journal.begin(state_folder(), steps, origin._replace(**changes), path=path)
