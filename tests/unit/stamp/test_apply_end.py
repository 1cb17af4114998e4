"""After the end of a run nothing is started, and what it says of each guest stays true."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.embedded import guest, uuid_of
from tests.support.memory_host import MemoryHost
from tests.support.plans import BY
from virsh_nova.stamp import apply as module
from virsh_nova.stamp.apply import apply
from virsh_nova.stamp.journal import Journal
from virsh_nova.stamp.journal_format import Origin
from virsh_nova.stamp.journals import read_journal
from virsh_nova.stamp.plan import Request, Step
from virsh_nova.stamp.planner import make_plan

WRITERS = 4
EMPTY: dict[str, list[str]] = {"live": [], "persistent": []}


class Stuck:
    """A host in memory whose first guests hang until the test lets them go."""

    def __init__(self, guests: int, stuck: int) -> None:
        self.host = MemoryHost()
        for number in range(1, guests + 1):
            self.host.add(both=guest(number))
        self.stuck = {uuid_of(number) for number in range(1, stuck + 1)}
        self.released = threading.Event()
        self.came_free = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.host, name)

    def set_metadata(self, uuid: str, *rest: Any) -> None:
        if uuid in self.stuck:
            self.released.wait(60)
            self.came_free += 1
        self.host.set_metadata(uuid, *rest)

    def steps(self) -> list[Step]:
        named = frozenset(found.uuid for found in self.host.guests())
        request = Request(named=named, force=True, assignments={"name": "web-1"}, signature=BY)
        return list(make_plan(self.host.name, self.host.guests(), (), request).steps)


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    monkeypatch.setattr(module, "AT_ONCE", WRITERS)
    monkeypatch.setattr(module, "_MOST_WRITERS", WRITERS)
    stuck = Stuck(guests=30, stuck=WRITERS)
    yield stuck
    stuck.released.set()


def test_guests_that_were_left_stay_as_they_are_when_the_stuck_ones_come_free(
    stuck: Stuck, tmp_path: Path
) -> None:
    steps = stuck.steps()
    journal = Journal.begin(tmp_path, steps, Origin("stamp", stuck.host.identity, "root@h", "1.1"))
    apply(steps, lambda _fresh: stuck, journal, patience=1)
    run = read_journal(journal.path)
    left = [each.uuid for each in run.guests if each.outcome and each.outcome.result == "left"]
    assert len(left) == 30 - WRITERS
    stuck.released.set()
    # The stuck guests are written twice each: the mark, then the block.
    end = time.monotonic() + 20
    while stuck.came_free < 2 * WRITERS and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.5)
    assert stuck.came_free == 2 * WRITERS
    assert [uuid for uuid in left if stuck.host.metadata_of(uuid) != EMPTY] == []
    assert read_journal(journal.path).guests == run.guests


def test_a_guest_that_answers_while_the_run_ends_is_not_called_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its outcome comes in just after the others were taken."""
    host = Stuck(guests=3, stuck=1)
    steps = host.steps()
    journal = Journal.begin(tmp_path, steps, Origin("stamp", host.host.identity, "root@h", "1.1"))
    take = module._Application._take_answers
    hopeless = module._Application._hopeless
    settling: list[bool] = []

    def give_up(self: Any) -> bool:
        settling.append(hopeless(self))
        return settling[-1]

    def take_then_release(self: Any) -> None:
        take(self)
        if settling and settling[-1]:
            host.released.set()
            end = time.monotonic() + 10
            while self.in_hand and time.monotonic() < end:
                time.sleep(0.01)

    monkeypatch.setattr(module._Application, "_hopeless", give_up)
    monkeypatch.setattr(module._Application, "_take_answers", take_then_release)
    apply(steps, lambda _fresh: host, journal, patience=0.5)
    results = {
        each.uuid: each.outcome.result for each in read_journal(journal.path).guests if each.outcome
    }
    assert results == {uuid_of(1): "unanswered", uuid_of(2): "done", uuid_of(3): "done"}
