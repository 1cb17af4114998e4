"""From a plan to the guests: none holds up another, and each is written whole or not at all."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.embedded import block, guest, uuid_of
from tests.support.memory_host import MemoryHost, host_of
from tests.support.plans import steps_for
from virsh_nova.block.namespaces import BACKFILL, NOVA_1_1
from virsh_nova.errors import GuestError, HostLost
from virsh_nova.model import DefinitionName
from virsh_nova.stamp import apply as module
from virsh_nova.stamp.apply import Applied, apply, write
from virsh_nova.stamp.journal import Journal
from virsh_nova.stamp.journal_format import Origin, Outcome
from virsh_nova.stamp.journals import read_journal

Hook = Callable[..., None]


class Writer:
    """Writes to a host in memory, and lets a test step in before each call."""

    def __init__(self, host: MemoryHost, hook: Hook) -> None:
        self.host, self.hook = host, hook

    def is_running(self, uuid: str) -> bool:
        return self.host.is_running(uuid)

    def metadata(self, uuid: str, namespace: str, definition: DefinitionName) -> str | None:
        self.hook("get", uuid, namespace)
        return self.host.metadata(uuid, namespace, definition)

    def set_metadata(
        self,
        uuid: str,
        namespace: str,
        prefix: str,
        xml: str | None,
        definitions: Iterable[DefinitionName],
    ) -> None:
        self.hook("set", uuid, namespace)
        self.host.set_metadata(uuid, namespace, prefix, xml, definitions)


def quiet(_call: str, _uuid: str, _namespace: str) -> None:
    """A hook that lets every call through."""


def host_with(number: int) -> MemoryHost:
    return host_of(*map(guest, range(1, number + 1)))


class Run:
    """One application, with its journal."""

    def __init__(self, folder: Path, host: MemoryHost, hook: Hook = quiet) -> None:
        self.host, self.hook = host, hook
        self.steps = steps_for(host)
        self.path = folder / "run.jsonl"
        origin = Origin("stamp", host.identity, by="root@h", tool="1.1.0")
        self.journal = Journal.begin(folder, self.steps, origin, path=self.path)
        self.reported: list[tuple[int, int]] = []

    def apply(self, open_writer: Callable[[bool], Any] | None = None, **options: Any) -> Applied:
        return apply(
            self.steps,
            open_writer or (lambda _fresh: Writer(self.host, self.hook)),
            self.journal,
            progress=lambda done, total: self.reported.append((done, total)),
            **options,
        )

    def results(self) -> dict[str, str]:
        """As the journal has them."""
        run = read_journal(self.path)
        assert run.faults == ()
        return {entry.uuid: entry.outcome.result for entry in run.guests if entry.outcome}


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Set when the test is over, so that no thread outlives it in a stuck guest."""
    event = threading.Event()
    yield event
    event.set()


# ---- one guest --------------------------------------------------------------------------------


def test_a_guest_is_written_both_live_and_persistent_in_one_call_each() -> None:
    calls: list[tuple[str, str]] = []
    host = host_with(1)
    (step,) = steps_for(host)
    outcome = write(step, Writer(host, lambda call, _uuid, uri: calls.append((call, uri))))
    assert outcome == Outcome(uuid_of(1), "done")
    assert [uri for call, uri in calls if call == "set"] == [BACKFILL, NOVA_1_1]
    written = host.guest(uuid_of(1))
    assert written.backfill is not None
    assert written.instance is not None
    assert (written.instance.name, written.differences) == ("web-1", ())


def test_a_guest_that_was_changed_since_the_plan_is_skipped() -> None:
    host = host_with(1)
    (step,) = steps_for(host)
    other = "<instance><name>by Nova</name></instance>"
    host.set_metadata(uuid_of(1), NOVA_1_1, "nova", other, ["persistent"])
    before = host.everything()
    outcome = write(step, host)
    assert outcome.result == "changed"
    assert outcome.why == "its persistent metadata changed after the plan was made"
    assert host.everything() == before


def test_a_block_with_only_another_layout_counts_as_unchanged() -> None:
    host = MemoryHost()
    host.add(both=guest(1, metadata=block("old", "<nova:owner/>")))
    (step,) = steps_for(host, overwrite=True)
    laid_out = "<instance>\n  <name>old</name>\n  <owner/>\n</instance>"
    host.set_metadata(uuid_of(1), NOVA_1_1, "instance", laid_out, ["live", "persistent"])
    assert write(step, host).result == "done"


@pytest.mark.parametrize("failing", [BACKFILL, NOVA_1_1])
def test_a_guest_whose_write_fails_is_as_it_was(failing: str) -> None:
    """Our mark goes first; if the block cannot follow, it goes again."""
    host = host_with(1)
    (step,) = steps_for(host)
    before = host.everything()

    def fail(call: str, _uuid: str, uri: str) -> None:
        if (call, uri) == ("set", failing):
            raise GuestError("it is busy")

    assert write(step, Writer(host, fail)) == Outcome(uuid_of(1), "failed", "it is busy")
    assert host.everything() == before


def test_what_cannot_be_rolled_back_either_is_reported() -> None:
    host = host_with(1)
    (step,) = steps_for(host)
    written: list[str] = []

    def fail_after_the_first(call: str, _uuid: str, uri: str) -> None:
        if call == "set" and written:
            raise GuestError("it is busy")
        if call == "set":
            written.append(uri)

    outcome = write(step, Writer(host, fail_after_the_first))
    assert outcome.result == "failed"
    assert outcome.why == ("it is busy; what was already written could not be removed: it is busy")


def test_what_reads_back_differently_is_a_failure_and_is_left_alone() -> None:
    """Another program wrote in between: its block stays."""
    host = host_with(1)
    (step,) = steps_for(host)
    theirs = "<instance><name>by Nova</name></instance>"

    class Interfering(Writer):
        def set_metadata(self, uuid: str, *rest: Any) -> None:
            super().set_metadata(uuid, *rest)
            if rest[0] == NOVA_1_1:
                host.set_metadata(uuid, NOVA_1_1, "nova", theirs, ["live", "persistent"])

    outcome = write(step, Interfering(host, quiet))
    assert outcome.result == "failed"
    assert outcome.why == "its live metadata reads back differently"
    instance = host.guest(uuid_of(1)).instance
    assert instance is not None
    assert instance.name == "by Nova"
    assert host.metadata(uuid_of(1), BACKFILL, "live") is None


def test_a_guest_that_is_gone_fails() -> None:
    (step,) = steps_for(host_with(1))
    assert write(step, MemoryHost()) == Outcome(uuid_of(1), "failed", "it is gone")


# ---- all of them ------------------------------------------------------------------------------


def test_every_guest_is_written_and_reported(tmp_path: Path) -> None:
    run = Run(tmp_path, host_with(25))
    applied = run.apply()
    assert (applied.lost, applied.interrupted) == (None, False)
    assert run.results() == {step.guest.uuid: "done" for step in run.steps}
    assert run.reported == sorted(run.reported)
    assert run.reported[-1] == (25, 25)
    assert read_journal(run.path).state == "complete"


def test_a_guest_that_fails_costs_only_itself(tmp_path: Path) -> None:
    def fail(_call: str, uuid: str, _uri: str) -> None:
        if uuid == uuid_of(3):
            raise GuestError("it is busy")

    run = Run(tmp_path, host_with(8), fail)
    run.apply()
    results = run.results()
    assert results.pop(uuid_of(3)) == "failed"
    assert set(results.values()) == {"done"}
    assert len(results) == 7


def test_stuck_guests_do_not_hold_up_the_others(tmp_path: Path, released: threading.Event) -> None:
    """More of them than there are threads at first: others take their place."""
    stuck = {uuid_of(number) for number in range(1, module.AT_ONCE + 3)}

    def hang(call: str, uuid: str, _uri: str) -> None:
        if call == "set" and uuid in stuck:
            released.wait(60)

    run = Run(tmp_path, host_with(30), hang)
    begun = time.monotonic()
    applied = run.apply(patience=4)
    assert time.monotonic() - begun < 15
    results = run.results()
    assert {uuid for uuid, result in results.items() if result == "unanswered"} == stuck
    assert sum(result == "done" for result in results.values()) == 30 - len(stuck)
    whys = {outcome.why for outcome in applied.outcomes if outcome.result == "unanswered"}
    assert whys == {"no answer from libvirt within 4 s; it may still be written"}


def test_however_short_the_patience_the_others_get_their_turn(
    tmp_path: Path, released: threading.Event
) -> None:
    def hang(call: str, uuid: str, _uri: str) -> None:
        if call == "set" and int(uuid[:8], 16) <= module.AT_ONCE:
            released.wait(60)

    run = Run(tmp_path, host_with(module.AT_ONCE + 8), hang)
    run.apply(patience=0.3)
    results = list(run.results().values())
    assert (results.count("unanswered"), results.count("done")) == (module.AT_ONCE, 8)


def test_a_guest_that_is_only_slow_is_waited_for(tmp_path: Path) -> None:
    def slow(call: str, uuid: str, _uri: str) -> None:
        if call == "set" and uuid == uuid_of(1):
            time.sleep(1.5)

    run = Run(tmp_path, host_with(3), slow)
    run.apply(patience=20)
    assert set(run.results().values()) == {"done"}


def test_when_every_thread_is_stuck_the_rest_is_left(
    tmp_path: Path, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stuck guest keeps a thread of the daemon: there is an end to how many."""
    monkeypatch.setattr(module, "AT_ONCE", 4)
    monkeypatch.setattr(module, "_MOST_WRITERS", 4)

    def hang(call: str, _uuid: str, _uri: str) -> None:
        if call == "set":
            released.wait(60)

    run = Run(tmp_path, host_with(6), hang)
    ended = threading.Event()
    thread = threading.Thread(target=lambda: (run.apply(patience=1), ended.set()), daemon=True)
    thread.start()
    assert ended.wait(20), "the run never ends"
    results = list(run.results().values())
    assert results.count("unanswered") == 4
    assert results.count("left") == 2


# ---- the host is lost -------------------------------------------------------------------------


def test_a_host_that_cannot_be_written_to_is_reported_and_every_guest_is_left(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path, host_with(6))

    def refuse(_fresh: bool) -> Any:
        raise HostLost("the connection was lost")

    applied = run.apply(refuse)
    assert applied.lost is not None
    assert applied.lost.message == "the connection was lost"
    assert set(run.results().values()) == {"left"}
    assert read_journal(run.path).end == "lost"


def test_a_host_that_is_lost_halfway_leaves_the_rest(tmp_path: Path) -> None:
    calls: list[str] = []

    def lose(call: str, uuid: str, _uri: str) -> None:
        calls.append(uuid)
        if call == "set" and len(set(calls)) > 8:
            raise HostLost("the connection was lost")

    run = Run(tmp_path, host_with(40), lose)
    applied = run.apply()
    assert applied.lost is not None
    results = run.results()
    assert len(results) == 40
    # Each thread that was at work has one guest of which nothing is known.
    assert 1 <= list(results.values()).count("unanswered") <= module.AT_ONCE
    assert set(results.values()) == {"done", "unanswered", "left"}
    (why, *_) = {outcome.why for outcome in applied.outcomes if outcome.result == "unanswered"}
    assert why == "the host was lost during the write: the connection was lost"
    for uuid, result in results.items():
        if result == "left":
            assert run.host.metadata_of(uuid) == {"live": [], "persistent": []}


def test_one_connection_that_cannot_be_made_does_not_lose_what_the_others_do(
    tmp_path: Path,
) -> None:
    """It is reported, nothing new is begun, and no guest in hand is forgotten."""
    run = Run(tmp_path, host_with(20))
    opened: list[int] = []

    def open_writer(_fresh: bool) -> Writer:
        opened.append(1)
        if len(opened) == 2:
            raise HostLost("too many connections")
        return Writer(run.host, run.hook)

    applied = run.apply(open_writer)
    assert applied.lost is not None
    for uuid, result in run.results().items():
        empty = run.host.metadata_of(uuid) == {"live": [], "persistent": []}
        assert (result == "left") == empty


def test_an_unforeseen_error_does_not_lose_a_guest(tmp_path: Path) -> None:
    def fail(call: str, uuid: str, _uri: str) -> None:
        if call == "set" and uuid == uuid_of(2):
            raise RuntimeError("a bug")

    run = Run(tmp_path, host_with(5), fail)
    ended = threading.Event()
    threading.Thread(target=lambda: (run.apply(patience=2), ended.set()), daemon=True).start()
    assert ended.wait(20), "the run never ends"
    results = run.results()
    assert results.pop(uuid_of(2)) == "failed"
    assert set(results.values()) == {"done"}


# ---- Ctrl-C -----------------------------------------------------------------------------------


def test_ctrl_c_finishes_the_guests_in_hand_and_leaves_the_others(tmp_path: Path) -> None:
    pressed: list[str] = []

    def interrupt(call: str, uuid: str, _uri: str) -> None:
        if call == "set":
            if not pressed:
                pressed.append(uuid)
                _thread.interrupt_main()
            time.sleep(0.1)

    run = Run(tmp_path, host_with(40), interrupt)
    applied = run.apply()
    assert applied.interrupted
    results = run.results()
    assert len(results) == 40
    assert set(results.values()) == {"done", "left"}
    for uuid, result in results.items():
        empty = run.host.metadata_of(uuid) == {"live": [], "persistent": []}
        assert (result == "left") == empty
    assert read_journal(run.path).end == "interrupted"


@pytest.mark.parametrize("moment", ["_add_writer", "_take_answers", "_record", "_settle"])
def test_whenever_ctrl_c_comes_the_journal_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Also while threads are started, while outcomes are taken and written, and at the end."""
    todo = getattr(module._Application, moment)
    pressed: list[str] = []

    def press(self: Any, *arguments: Any) -> Any:
        result = todo(self, *arguments)
        if not pressed:
            pressed.append(moment)
            _thread.interrupt_main()
            time.sleep(0.01)
        return result

    monkeypatch.setattr(module._Application, moment, press)
    run = Run(tmp_path, host_with(40), lambda call, *_: time.sleep(0.005 if call == "set" else 0))
    run.apply()
    assert read_journal(run.path).end in ("interrupted", "complete")
    results = run.results()
    assert len(results) == 40
    for uuid, result in results.items():
        empty = run.host.metadata_of(uuid) == {"live": [], "persistent": []}
        assert (result == "left") == empty


def test_a_second_ctrl_c_gives_up_the_guests_in_hand_as_well(
    tmp_path: Path, released: threading.Event
) -> None:
    def hang(call: str, uuid: str, _uri: str) -> None:
        if call == "set" and uuid == uuid_of(1) and not released.is_set():
            threading.Timer(0.2, _thread.interrupt_main).start()
            threading.Timer(0.8, _thread.interrupt_main).start()
            released.wait(60)
        elif call == "set":
            time.sleep(0.3)

    run = Run(tmp_path, host_with(40), hang)
    begun = time.monotonic()
    applied = run.apply(patience=60)
    assert time.monotonic() - begun < 10
    assert applied.interrupted
    results = run.results()
    assert results[uuid_of(1)] == "unanswered"
    assert "left" in results.values()
    assert read_journal(run.path).end == "interrupted"


# ---- the journal ------------------------------------------------------------------------------


def test_a_journal_that_breaks_halfway_leaves_the_rest(tmp_path: Path) -> None:
    run = Run(tmp_path, host_with(40), lambda *_: time.sleep(0.01))

    class Full(Journal):
        def _write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    run.journal.__class__ = Full
    applied = run.apply()
    assert run.journal.broken == "No space left on device"
    left = [outcome for outcome in applied.outcomes if outcome.result == "left"]
    assert left
    assert len(applied.outcomes) == 40
    # The guests' lines are there: all can be taken back.
    assert len(read_journal(run.path).guests) == 40
