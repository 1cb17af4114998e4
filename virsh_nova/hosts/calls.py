"""Calls that may never return: each runs on a thread, so that the caller can give up waiting.

The threads are daemons: one that hangs does not keep the process from ending, as the futures of
the standard library would.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, ParamSpec, TypeVar

AskedP = ParamSpec("AskedP")
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_LONGEST_WAIT = 0.25
"""Seconds: waiting goes in short turns, so that a Ctrl-C is seen soon."""


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
        while not self._finished.wait(min(max(end - time.monotonic(), 0), _LONGEST_WAIT)):
            if time.monotonic() >= end:
                raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._value


class Calls(Generic[ItemT, ResultT]):
    """One function called with many items, several at a time; it begins at once."""

    def __init__(
        self, function: Callable[[ItemT], ResultT], items: Sequence[ItemT], *, at_once: int
    ) -> None:
        self.values: list[ResultT | None] = [None] * len(items)
        """What the function returned for each item; None where it raised, or has not returned."""
        self.errors: dict[int, Exception] = {}
        self.unanswered = set(range(len(items)))
        """Indices of the items for which it has neither returned nor raised yet."""
        self._function = function
        self._turn = iter(enumerate(items))
        self._lock = threading.Lock()
        self._workers = min(at_once, len(items))
        self._finished = threading.Event()
        if not items:
            self._finished.set()
        for _ in range(self._workers):
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                turn = next(self._turn, None)
            if turn is None:
                break
            index, item = turn
            try:
                self.values[index] = self._function(item)
            except Exception as error:
                self.errors[index] = error
            self.unanswered.discard(index)
        with self._lock:
            self._workers -= 1
            if not self._workers:
                self._finished.set()

    def wait(self, timeout: float, progress: Callable[[int, int], None]) -> None:
        """Wait for all; ``TimeoutError`` when no answer has come for ``timeout`` seconds.

        It sleeps meanwhile: looking at each answer as it comes would take the interpreter from
        the threads that fetch the next, and take longer in the end.
        """
        total = left = len(self.values)
        end = time.monotonic() + timeout
        while not self._finished.wait(min(max(end - time.monotonic(), 0), _LONGEST_WAIT)):
            progress(total - len(self.unanswered), total)
            if len(self.unanswered) < left:
                left = len(self.unanswered)
                end = time.monotonic() + timeout
            elif time.monotonic() >= end:
                raise TimeoutError
