"""Processes that a test starts to be looked at."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class Started:
    """A process that waits for its input to end; its command line is there when this returns."""

    def __init__(self, words: Sequence[str], user: str | None = None) -> None:
        # Popen returns once the new program runs: its command line can be read.
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, user=user, cwd="/")

    def __enter__(self) -> int:
        return self._process.pid

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def qemu_lookalike() -> Iterator[str]:
    """A shell whose file is called as QEMU's, where any user may run it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "qemu-system-x86_64"
        shutil.copy("/bin/sh", path)
        path.chmod(0o755)
        yield str(path)
