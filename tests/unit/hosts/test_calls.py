"""Calls that may never return: the others go on, and whoever waits can give up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from virsh_nova.hosts.calls import SLOW, Call, Calls, Threads
from virsh_nova.hosts.host import no_progress

Ask = Callable[[int], int]


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """What hangs waits for it; set when the test ends."""
    event = threading.Event()
    yield event
    event.set()


def hanging(over: threading.Event, *items: int) -> Ask:
    def ask(item: int) -> int:
        if item in items:
            over.wait()
        return item * 2

    return ask


def test_an_answer_or_an_error_belongs_to_its_item() -> None:
    calls = Calls(lambda item: 6 // item, [1, 0, 3], at_once=2)
    calls.wait(10, no_progress)
    assert calls.values == [6, None, 2]
    assert isinstance(calls.errors.pop(1), ZeroDivisionError)
    assert (calls.errors, calls.unanswered) == ({}, set())


def test_nothing_to_ask_is_done_at_once() -> None:
    Calls(abs, [], at_once=8).wait(0, no_progress)


def test_those_that_hang_are_replaced_until_all_others_are_answered(over: threading.Event) -> None:
    ask = hanging(over, *range(8))
    calls = Calls(ask, range(100), at_once=8, open_another=lambda: ask)
    calls.wait(30, no_progress, for_slow=False)
    assert calls.unanswered == set(range(8)) == set(calls.slow())
    assert calls.values[8:] == [item * 2 for item in range(8, 100)]


def test_one_more_that_hangs_in_each_place_is_replaced_as_well(over: threading.Event) -> None:
    stuck = range(0, 60, 2)
    ask = hanging(over, *stuck)
    calls = Calls(ask, range(60), at_once=4, open_another=lambda: ask)
    calls.wait(30, no_progress, for_slow=False)
    assert calls.unanswered == set(stuck)


def test_there_is_a_bound_to_how_many_hang(over: threading.Event) -> None:
    ask = hanging(over, *range(100))
    calls = Calls(ask, range(101), at_once=8, open_another=lambda: ask)
    with pytest.raises(TimeoutError):
        calls.wait(1, no_progress, for_slow=False)
    assert calls.asked == 8 + 32
    assert len(calls.unanswered) == 101


def test_hosts_that_are_read_at_once_share_their_threads() -> None:
    """Few of them have as many as before; many of them have a bound."""
    assert [Threads(hosts).each for hosts in (1, 4, 20, 64, 1000)] == [256, 64, 12, 4, 2]
    lock, now, most = threading.Lock(), 0, 0

    def ask(_: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    calls = Calls(ask, range(50), at_once=40, threads=Threads(64))
    calls.wait(30, no_progress)
    assert most == 4


def test_calls_that_hang_are_replaced_from_what_all_share(over: threading.Event) -> None:
    shared = Threads(64)
    assert shared.take(1000) == 128
    for _ in range(3):
        shared.give_back()
    ask = hanging(over, 0, 1, 2)
    calls = Calls(ask, range(40), at_once=8, open_another=lambda: ask, threads=shared)
    calls.wait(30, no_progress, for_slow=False)
    assert calls.unanswered == {0, 1, 2}
    # Those that ended gave back what they had taken.
    end = time.monotonic() + 30
    while not (taken := shared.take(3)):
        assert time.monotonic() < end
    assert taken > 0


def test_a_host_on_which_all_hang_goes_on_when_there_are_no_spare_threads(
    over: threading.Event,
) -> None:
    shared = Threads(64)
    shared.take(1000)
    stuck = range(10)
    ask = hanging(over, *stuck)
    calls = Calls(ask, range(30), at_once=8, open_another=lambda: ask, threads=shared)
    calls.wait(30, no_progress, for_slow=False)
    assert calls.unanswered == set(stuck)
    assert shared.take(1) == 0


def test_none_is_replaced_where_nothing_else_can_be_opened(over: threading.Event) -> None:
    def fail() -> Ask:
        raise OSError("no more")

    calls = Calls(hanging(over, 0, 1), range(9), at_once=2, open_another=fail)
    with pytest.raises(TimeoutError):
        calls.wait(1, no_progress, for_slow=False)
    assert len(calls.unanswered) == 9


def test_a_daemon_that_has_stopped_is_not_asked_for_connections_without_end(
    over: threading.Event,
) -> None:
    opened = []

    def never() -> Ask:
        opened.append(1)
        over.wait()
        return abs

    calls = Calls(hanging(over, *range(99)), range(99), at_once=4, open_another=never)
    with pytest.raises(TimeoutError):
        calls.wait(1.5, no_progress, for_slow=False)
    assert len(opened) <= 4


def test_calls_that_are_all_slow_are_not_replaced_again_and_again() -> None:
    opened = []

    def ask(item: int) -> int:
        time.sleep(SLOW + 0.1)
        return item

    def another() -> Ask:
        opened.append(1)
        return ask

    calls = Calls(ask, range(12), at_once=2, open_another=another)
    calls.wait(30, no_progress)
    assert len(opened) <= 2
    assert calls.values == list(range(12))


def test_an_answer_that_was_had_otherwise_ends_the_wait(over: threading.Event) -> None:
    calls = Calls(hanging(over, 1, 2), range(4), at_once=4)
    calls.wait(30, no_progress, for_slow=False)
    calls.settle([(1, 77)])
    with pytest.raises(TimeoutError):
        calls.wait(0.2, no_progress)
    calls.settle([(2, 88)])
    calls.wait(30, no_progress)
    assert calls.values == [0, 77, 88, 6]


def test_a_single_call_is_given_up_in_time(over: threading.Event) -> None:
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        Call(over.wait).result(0.2)
    assert time.monotonic() - begin < 2
    assert Call(lambda: 5).result(10) == 5
