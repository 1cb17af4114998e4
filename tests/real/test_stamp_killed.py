"""`nova-domains stamp` ended at each of its steps: killed, interrupted, or its daemon killed.

The command runs as it is, in a process of its own, but for a count of what it does to libvirt and
to its journal; at one number of that count a signal is sent.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from lxml import etree

from lab import domains
from lab.compute_host import ComputeHost, alive
from tests.support.goldens import golden_block
from tests.support.real_host import (
    BACKFILL,
    NOVA_1_0,
    NOVA_1_1,
    journal_lines,
    journals,
    results,
    uuid,
)
from virsh_nova import __main__ as main
from virsh_nova.errors import NovaDomainsError
from virsh_nova.hosts.libvirt.writer import MetadataWriter
from virsh_nova.stamp import journal
from virsh_nova.stamp.apply import AT_ONCE
from virsh_nova.stamp.journal import Journal
from virsh_nova.stamp.journals import read_journal

GUESTS = 50
NAMES = {f"instance-{number:08x}": uuid(number) for number in range(1, GUESTS + 1)}
OLD = golden_block("15.1.5", "image_plain")
"""What every fifth guest has, and a run with --overwrite replaces."""
WITH_OLD = list(NAMES)[::5]

STAMP = ("stamp", "--all", "--derive", "--overwrite", "--yes")
UNDO = ("undo", "--yes")


# ---- the command, struck --------------------------------------------------------------------


class Strike(NamedTuple):
    """A signal at a step."""

    step: int
    signal: signal.Signals
    victim: int = 0
    """The pid; the command itself if 0."""
    write: int = 0
    """Instead of a step: so many times something was written to the journal, this one included."""


class Steps:
    """Counts the steps of a run, and strikes at one of them."""

    def __init__(self, strike: Strike | None) -> None:
        self.strike = strike
        self.number = 0
        self.writes = 0
        self._lock = threading.Lock()

    def step(self) -> None:
        with self._lock:
            self.number += 1
            if self.is_struck(self.number):
                self._send()

    def is_struck(self, number: int) -> bool:
        return self.strike is not None and self.strike.step == number

    @property
    def kills_the_command(self) -> bool:
        strike = self.strike
        return strike is not None and not strike.victim and strike.signal == signal.SIGKILL

    def _send(self) -> None:
        assert self.strike is not None
        if self.strike.victim:
            os.kill(self.strike.victim, self.strike.signal)
        elif self.strike.signal == signal.SIGINT:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        else:
            os.kill(os.getpid(), self.strike.signal)

    def counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.step()
            return call(*arguments, **options)

        return counted

    def counted_in_halves(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """Before, in the middle of and after the writing of a line."""

        def counted(journal: Journal, data: bytes) -> None:
            self.step()
            self.writes += 1
            if self.strike and self.strike.write == self.writes:
                self._send()
            if self.is_struck(self.number + 1) and self.kills_the_command:
                write(journal, data[: len(data) // 2])
            self.step()
            write(journal, data)
            self.step()

        return counted


def run_counted(
    arguments: tuple[str, ...], state: Path, report: Path, strike: Strike | None
) -> None:
    """In a process of its own: the command, with its steps counted; says in ``report`` how many."""
    os.environ["NOVA_DOMAINS_STATE"] = str(state)
    for number, path in ((0, os.devnull), (1, f"{report}.out"), (2, f"{report}.err")):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.stdin = os.fdopen(0)
    steps = Steps(strike)
    MetadataWriter.metadata = steps.counted(MetadataWriter.metadata)  # type: ignore[method-assign]
    MetadataWriter.set_metadata = steps.counted(MetadataWriter.set_metadata)  # type: ignore[method-assign]
    Journal._write = steps.counted_in_halves(Journal._write)  # type: ignore[method-assign]
    journal.os.fsync = steps.counted(os.fsync)
    sys.argv[1:] = arguments
    code = main._run()
    sys.stdout.flush()
    report.write_text(str(steps.number))
    os._exit(code)


class Ended(NamedTuple):
    """How a run ended."""

    code: int
    """Negative for the signal that killed it."""
    out: str
    err: str
    steps: int


CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


class Bench:
    """Runs the command over the guests, with a state folder of its own."""

    def __init__(self, host: ComputeHost, directory: Path) -> None:
        self.host = host
        self.state = directory / "state"
        self.report = directory / "report"

    def run(self, *arguments: str, strike: Strike | None = None) -> Ended:
        command = ("-c", self.host.uri, *arguments)
        self.report.unlink(missing_ok=True)
        process = CONTEXT.Process(
            target=run_counted, args=(command, self.state, self.report, strike)
        )
        process.start()
        process.join(timeout=60)
        assert process.exitcode is not None, "it hangs"
        return Ended(
            process.exitcode,
            Path(f"{self.report}.out").read_text(),
            Path(f"{self.report}.err").read_text(),
            int(self.report.read_text()) if self.report.exists() else 0,
        )

    def held(self) -> dict[str, Held]:
        return {
            domain.UUIDString(): held_by(domain.XMLDesc())
            for domain in self.host.connection.listAllDomains()
        }

    def undo_everything(self) -> None:
        """Take every run of stamp back, the newest first; and then forget of them."""
        for _ in journals(self.state):
            self.run(*UNDO)
        for path in journals(self.state):
            path.unlink()


class Held(NamedTuple):
    """What a guest holds."""

    old: str | None
    new: str | None
    mark: str | None

    @property
    def is_stamped(self) -> bool:
        return self.new is not None and self.mark is not None and self.old is None

    @property
    def is_half(self) -> bool:
        """Nova's block without our mark."""
        return self.new is not None and self.mark is None


def held_by(xml: str) -> Held:
    """The elements without their layout, which is another test's matter."""
    metadata = etree.fromstring(xml).find("metadata")
    found = {} if metadata is None else {etree.QName(each).namespace: each for each in metadata}
    return Held(
        *(
            etree.canonicalize(
                etree.tostring(found[namespace], encoding="unicode"), strip_text=True
            )
            if namespace in found
            else None
            for namespace in (NOVA_1_0, NOVA_1_1, BACKFILL)
        )
    )


@pytest.fixture(scope="module")
def host(module_host: ComputeHost) -> ComputeHost:
    for name, each in NAMES.items():
        blocks = [OLD] if name in WITH_OLD else []
        module_host.define(domains.nova_guest(name, each, *blocks))
    return module_host


@pytest.fixture
def bench(host: ComputeHost, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(host, tmp_path)
    before = bench.held()
    yield bench
    bench.undo_everything()
    assert bench.held() == before


# ---- what must be true whenever it ends -------------------------------------------------------


def assert_nothing_is_half(bench: Bench) -> None:
    held = bench.held()
    assert [each for each in held if held[each].is_half] == []
    had = [held[NAMES[name]] for name in WITH_OLD]
    assert all(holds.old or holds.new for holds in had)


def assert_the_journal_is_true(bench: Bench) -> None:
    """What it says was done was done; what it does not hold was not touched."""
    held = bench.held()
    reported: dict[str, Any] = {}
    for path in journals(bench.state):
        try:
            run = read_journal(path)
        except NovaDomainsError:  # Killed in its first line.
            continue
        reported |= {entry.uuid: entry.outcome for entry in run.guests}
    for each, holds in held.items():
        if holds.mark or holds.new:
            assert each in reported
        outcome = reported.get(each)
        if outcome and outcome.result == "done":
            assert holds.is_stamped


def steps_of_a_run(bench: Bench) -> int:
    """How many steps a run has that nothing ends; it is taken back."""
    ended = bench.run(*STAMP)
    assert (ended.code, ended.out.splitlines()[-1]) == (
        0,
        f"{GUESTS} stamped, 0 unchanged, 0 refused, 0 failed",
    )
    assert all(holds.is_stamped for holds in bench.held().values())
    bench.undo_everything()
    return ended.steps


def over(first: int, last: int, number: int) -> list[int]:
    """So many numbers, spread over a range."""
    return sorted({first + round(n * (last - first) / (number - 1)) for n in range(number)})


# ---- the tests --------------------------------------------------------------------------------


def test_killed_at_any_step_it_leaves_nothing_half_and_can_be_completed_or_undone(
    bench: Bench,
) -> None:
    before = bench.held()
    steps = steps_of_a_run(bench)
    assert steps > GUESTS * 4
    # How often outcomes are written, and so the number of the last steps, is not always the same.
    last = [Strike(0, signal.SIGKILL, write=write) for write in (2, 3)]
    numbers = [*range(1, 6), *over(7, steps - 20, 13)]
    for turn, step in enumerate([*(Strike(n, signal.SIGKILL) for n in numbers), *last]):
        struck = bench.run(*STAMP, strike=step)
        assert struck.code == -signal.SIGKILL, (step, struck)
        assert_nothing_is_half(bench)
        assert_the_journal_is_true(bench)
        if turn % 3 == 0:
            again = bench.run(*STAMP)
            assert again.code == 0, (step, again)
            assert all(holds.is_stamped for holds in bench.held().values()), step
        bench.undo_everything()
        assert bench.held() == before, step


def test_killed_it_is_listed_as_cut_short(bench: Bench) -> None:
    bench.run(*STAMP, strike=Strike(GUESTS * 3, signal.SIGKILL))
    (run,) = json.loads(bench.run("undo", "--list", "-f", "json").out)
    assert (run["command"], run["state"], run["guests"]) == ("stamp", "cut short", GUESTS)
    assert "cut short" in bench.run("undo", "--list").out


def test_an_undo_that_is_killed_can_be_run_again(bench: Bench) -> None:
    before = bench.held()
    for step in (3, 40, 200):
        assert bench.run(*STAMP).code == 0
        struck = bench.run(*UNDO, strike=Strike(step, signal.SIGKILL))
        assert struck.code == -signal.SIGKILL
        assert bench.run(*UNDO).code == 0
        assert bench.held() == before, step
        bench.undo_everything()


def test_ctrl_c_at_any_step_finishes_the_guests_in_hand_and_says_what_was_left(
    bench: Bench,
) -> None:
    steps = steps_of_a_run(bench)
    first_outcomes = Strike(0, signal.SIGINT, write=2)
    strikes = [Strike(step, signal.SIGINT) for step in over(14, steps - 60, 8)]
    for step in (first_outcomes, *strikes):
        ended = bench.run(*STAMP, strike=step)
        assert ended.code == 130, (step, ended)
        (path,) = journals(bench.state)
        reported = results(path)
        assert journal_lines(path)[-1]["how"] == "interrupted", step
        assert set(reported) == set(NAMES.values()), step
        assert set(reported.values()) <= {"done", "left"}, step
        held = bench.held()
        untouched = {each for each in held if not (held[each].mark or held[each].new)}
        stamped = {each for each in held if held[each].is_stamped}
        assert {each for each in reported if reported[each] == "done"} == stamped, step
        assert {each for each in reported if reported[each] == "left"} == untouched, step
        assert f"{len(untouched)} guests were not written to" in ended.err, step
        bench.undo_everything()


def test_a_daemon_that_is_killed_meanwhile_is_reported_and_a_second_run_completes_it(
    bench: Bench,
) -> None:
    for step in over(40, steps_of_a_run(bench) - 60, 3):
        ended = bench.run(*STAMP, strike=Strike(step, signal.SIGKILL, victim=bench.host.pid))
        # The connection breaks before the daemon is gone.
        bench.host.wait(lambda: not alive(bench.host.pid), "libvirtd does not end")
        bench.host.restart_daemon()
        assert ended.code == 3, ended
        assert "the connection was lost" in ended.err
        assert "run the same command again" in ended.err
        (path,) = journals(bench.state)
        assert journal_lines(path)[-1]["how"] == "lost"
        reported = results(path)
        assert set(reported) == set(NAMES.values())
        # No more than were under way.
        assert sum(result == "unanswered" for result in reported.values()) <= AT_ONCE
        assert_nothing_is_half(bench)
        assert_the_journal_is_true(bench)
        assert bench.run(*STAMP).code == 0
        assert all(holds.is_stamped for holds in bench.held().values())
        bench.undo_everything()
