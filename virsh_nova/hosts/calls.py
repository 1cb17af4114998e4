"""Calls that may never return: each runs on a thread, so that the caller can give up waiting.

The threads are daemons: one that hangs does not keep the process from ending, as the futures of
the standard library would.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, ParamSpec, TypeVar

AskedP = ParamSpec("AskedP")
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_TURN = 0.05
"""Seconds: waiting goes in short turns, so that a Ctrl-C or a call that hangs is seen soon."""
SLOW = 0.3
"""Seconds after which a call counts as slow, where none that was answered took nearly as long."""
_TIMES_SLOWER = 5
_MOST_REPLACED = 32
"""Each call that hangs can keep one of the daemon's threads until libvirt gives it up."""
_MOST_THREADS = 256
"""For the guests of all hosts that are read at once."""
_LEAST_EACH = 2
_MOST_SPARE = 128


def _silent(_text: str) -> None:
    pass


trace: Callable[[str], None] = _silent
"""Called with what was asked of a host, and how long it took, by ``traced``; ``--debug`` puts a
printer in its place."""


def is_traced() -> bool:
    return trace is not _silent


def traced(asked: str, function: Callable[AskedP, ResultT]) -> Callable[AskedP, ResultT]:
    """The function, which says what it asked of a host once that answered; as it is if untraced."""
    if not is_traced():
        return function

    def timed(*arguments: AskedP.args, **named: AskedP.kwargs) -> ResultT:
        begin = time.monotonic()
        answer = "failed"
        try:
            result = function(*arguments, **named)
            answer = "answered"
            return result
        finally:
            trace(f"{asked}: {answer} after {1000 * (time.monotonic() - begin):.1f} ms")

    return timed


class Call(Generic[ResultT]):
    """One call, which begins at once."""

    def __init__(self, function: Callable[[], ResultT]) -> None:
        self._function = function
        self._finished = threading.Event()
        self._error: Exception | None = None
        self._value: ResultT
        self._begin = time.monotonic()
        self.seconds: float | None = None
        """How long it took; None while it is under way."""
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._value = self._function()
        except Exception as error:
            self._error = error
        self.seconds = time.monotonic() - self._begin
        self._finished.set()

    def result(self, timeout: float) -> ResultT:
        """What the call returned, or raised; ``TimeoutError`` if it does not return in time."""
        end = time.monotonic() + timeout
        while not self._finished.wait(min(max(end - time.monotonic(), 0), _TURN)):
            if time.monotonic() >= end:
                raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._value


class Threads:
    """What the hosts that are read at once share: how many threads each may take for its guests.

    Sixty-four hosts with forty threads each would get in each other's way.
    """

    def __init__(self, hosts: int) -> None:
        """``hosts``: how many are read at once."""
        self.each = max(_LEAST_EACH, _MOST_THREADS // max(hosts, 1))
        """For one host."""
        self._spare = threading.Semaphore(_MOST_SPARE)

    def take(self, wanted: int) -> int:
        """How many may go on in the place of threads whose calls hang."""
        taken = 0
        while taken < wanted and self._spare.acquire(blocking=False):
            taken += 1
        return taken

    def give_back(self) -> None:
        """One that was taken has ended."""
        self._spare.release()


class Calls(Generic[ItemT, ResultT]):
    """One function called with many items, several at a time; it begins at once.

    A call that hangs keeps no other item from its turn: ``open_another``, where it is given,
    makes the function of one more thread that goes on in its place. ``threads`` are shared with
    other hosts.
    """

    def __init__(
        self,
        function: Callable[[ItemT], ResultT],
        items: Sequence[ItemT],
        *,
        at_once: int,
        open_another: Callable[[], Callable[[ItemT], ResultT]] | None = None,
        threads: Threads | None = None,
    ) -> None:
        self.values: list[ResultT | None] = [None] * len(items)
        """What the function returned for each item; None where it raised, or has not returned."""
        self.errors: dict[int, Exception] = {}
        self.unanswered = set(range(len(items)))
        """Indices of the items for which it has neither returned nor raised yet."""
        self._items = items
        self._next = 0
        self._at_once = min(at_once, threads.each) if threads else at_once
        self._threads = threads
        self._open_another = open_another
        self._replaced = 0
        self._opening = 0
        self._begun: dict[int, float] = {}
        """When each call that is under way was begun."""
        self._longest = 0.0
        """Seconds that the slowest of the answered calls took."""
        self._lock = threading.Lock()
        self._workers = min(self._at_once, len(items))
        self._finished = threading.Event()
        if not items:
            self._finished.set()
        for _ in range(self._workers):
            threading.Thread(target=self._work, args=(function,), daemon=True).start()

    def _work(self, function: Callable[[ItemT], ResultT]) -> None:
        while True:
            with self._lock:
                index = self._next
                self._next += 1
            if index >= len(self._items):
                break
            begin = self._begun[index] = time.monotonic()
            try:
                self.values[index] = function(self._items[index])
            except Exception as error:
                self.errors[index] = error
            del self._begun[index]
            self._longest = max(self._longest, time.monotonic() - begin)
            self.unanswered.discard(index)
            if not self.unanswered:
                self._finished.set()
        with self._lock:
            self._workers -= 1
            if not self._workers:
                self._finished.set()

    def _work_in_place(
        self, open_another: Callable[[], Callable[[ItemT], ResultT]], shared: Threads | None
    ) -> None:
        """``shared`` is what the thread was taken from."""
        try:
            self._open_and_work(open_another)
        finally:
            if shared:
                shared.give_back()

    def _open_and_work(self, open_another: Callable[[], Callable[[ItemT], ResultT]]) -> None:
        try:
            function = open_another()
        except Exception:  # There is no other connection to be had: the first ones have to do.
            with self._lock:
                self._opening -= 1
                self._workers -= 1
                if not self._workers:
                    self._finished.set()
            return
        with self._lock:
            self._opening -= 1
        self._work(function)

    def wait(
        self, timeout: float, progress: Callable[[int, int], None], *, for_slow: bool = True
    ) -> None:
        """Wait for all; ``TimeoutError`` when no answer has come for ``timeout`` seconds, and
        nothing was to be asked in place of what hangs.

        Without ``for_slow`` it also returns when only slow calls are left.

        It sleeps meanwhile: looking at each answer as it comes would take the interpreter from
        the threads that fetch the next, and take longer in the end.
        """
        total = left = len(self.values)
        end = time.monotonic() + timeout
        while not self._finished.wait(min(max(end - time.monotonic(), 0), _TURN)):
            progress(total - len(self.unanswered), total)
            if len(self.unanswered) < left:
                left = len(self.unanswered)
                end = time.monotonic() + timeout
            elif time.monotonic() >= end:
                raise TimeoutError
            slow = self.slow()
            if not for_slow and len(slow) >= len(self.unanswered):
                return
            if self._replace(len(slow)):
                end = time.monotonic() + timeout

    @property
    def asked(self) -> int:
        """How many of the items have had their turn; the others come after them."""
        return min(self._next, len(self._items))

    def slow(self) -> list[int]:
        """Indices of the items whose calls take far longer than those of the others."""
        bound = time.monotonic() - max(SLOW, _TIMES_SLOWER * self._longest)
        return sorted(index for index, since in list(self._begun.items()) if since <= bound)

    def settle(self, answers: Iterable[tuple[int, ResultT]]) -> None:
        """Take answers that were had otherwise, in place of those that do not come."""
        for index, answer in answers:
            self.values[index] = answer
            self.unanswered.discard(index)
        if not self.unanswered:
            self._finished.set()

    def _replace(self, slow: int) -> bool:
        """Let others go on in the place of threads whose calls hang; whether there are any."""
        # While one is being opened the daemon may have stopped altogether: no more until it is.
        if not slow or self._open_another is None or self._opening:
            return False
        with self._lock:
            missing = min(
                self._at_once - (self._workers - slow),
                _MOST_REPLACED - self._replaced,
                len(self._items) - self._next,
            )
            if missing <= 0:
                return False
            shared = self._threads
            if shared:
                missing = shared.take(missing)
            if not missing:
                if self._workers > slow:
                    return False
                # All hang, and so do those of other hosts: this host must not wait for those.
                missing, shared = 1, None
            self._replaced += missing
            self._opening += missing
            self._workers += missing
        for _ in range(missing):
            threading.Thread(
                target=self._work_in_place, args=(self._open_another, shared), daemon=True
            ).start()
        return True
