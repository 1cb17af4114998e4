"""The folder that holds the journals of runs, and what is in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import NovaDomainsError
from .journal_format import Run, decode

SUFFIX = ".jsonl"


def state_folder() -> Path:
    """``/var/lib/nova-domains`` for root, the XDG state folder for others.

    ``NOVA_DOMAINS_STATE`` names another.
    """
    if named := os.environ.get("NOVA_DOMAINS_STATE"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/lib/nova-domains")
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "nova-domains"


def make_state_folder() -> Path:
    """Raises ``NovaDomainsError`` where it cannot be made."""
    folder = state_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NovaDomainsError(
            f"{folder}: the folder for journals cannot be made: {error.strerror}; nothing was done",
            "name another place with --journal",
        ) from error
    return folder


def read_journal(path: Path) -> Run:
    """Read what can be read of a journal; the rest is named in ``faults``.

    Raises ``NovaDomainsError`` for a file that is not there, or is none.
    """
    try:
        with path.open("rb") as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise NovaDomainsError(
            f"{path}: the journal cannot be read: {error.strerror}",
            "nova-domains undo --list shows the journals there are",
        ) from error
    return decode(path, lines)


def journals(folder: Path) -> Iterator[Path]:
    """The journals of a folder, oldest first: their names begin with the time."""
    yield from sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ()
