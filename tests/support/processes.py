"""Processes that a test starts to be looked at."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class Started:
    """A process that waits for its input to end; its command line is there when this returns."""

    def __init__(self, words: Sequence[str], user: str | None = None) -> None:
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, user=user, cwd="/")
        # The kernel lets Popen go on just before it shows the new command line.
        while not Path(f"/proc/{self._process.pid}/cmdline").read_bytes():
            time.sleep(0.001)

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
