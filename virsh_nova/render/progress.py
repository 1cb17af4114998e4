"""A progress bar on stderr, for a host that takes more than a second."""

from __future__ import annotations

import sys
from threading import Lock, Timer
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

APPEARS_AFTER = 1.0
"""Seconds after which the bar appears; rich is not imported before."""


class ProgressBar:
    """Call it with (done, total); it draws on a terminal only, and cleans up after itself."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._lock = Lock()
        self._closed = False
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._latest: tuple[int, int] | None = None
        """What came before it appeared: of slow hosts the next may take a while."""
        self._timer = Timer(APPEARS_AFTER, self._draw) if sys.stderr.isatty() else None

    def __enter__(self) -> ProgressBar:
        if self._timer:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer:
            self._timer.cancel()
        with self._lock:
            self._closed = True
            if self._progress:
                self._progress.stop()

    def __call__(self, done: int, total: int) -> None:
        self._latest = done, total
        if self._progress and self._task is not None:
            self._progress.update(self._task, completed=done, total=total)

    def _draw(self) -> None:
        # 23 ms, and most hosts have answered before it is needed.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        with self._lock:
            if self._closed:
                return
            progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                console=Console(stderr=True, markup=False, emoji=False, highlight=False),
                transient=True,
            )
            # Without a total the bar pulses: the number of guests is not known yet.
            done, total = self._latest or (0, None)
            self._task = progress.add_task(self._label, completed=done, total=total)
            progress.start()
            self._progress = progress
