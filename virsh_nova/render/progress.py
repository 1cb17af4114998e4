"""A progress bar on stderr, for a host that takes longer than a moment."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType

PATIENCE = 1.0
"""Seconds after which the bar appears; rich is not imported before."""


class ProgressBar:
    """Call it with (done, total); it draws on a terminal only, and cleans up after itself."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._begin = time.monotonic()
        self._wanted = sys.stderr.isatty()
        self._stop: Callable[[], None] = lambda: None
        self._update: Callable[[int, int], None] = self._wait

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def __call__(self, done: int, total: int) -> None:
        if self._wanted:
            self._update(done, total)

    def _wait(self, done: int, total: int) -> None:
        if time.monotonic() - self._begin >= PATIENCE:
            self._draw(total)
            self._update(done, total)

    def _draw(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        console = Console(stderr=True, markup=False, emoji=False, highlight=False)
        progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
            transient=True,
        )
        task = progress.add_task(self._label, total=total)
        progress.start()
        self._stop = progress.stop
        self._update = lambda done, total: progress.update(task, completed=done, total=total)
