"""One run at a time: a lock file with the pid of its owner."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import NovaDomainsError
from .journals import make_folder


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold the lock; raises ``NovaDomainsError`` with the owner's pid if another run has it.

    The kernel releases it when its owner ends, however that happens.
    """
    path = make_folder(folder) / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NovaDomainsError(f"{path}: cannot be locked: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "?"
            raise NovaDomainsError(
                f"another stamp or undo is running: pid {holder}",
                "wait until it has finished; nothing was done",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
