"""The folder that holds the journals of runs: which runs there are, and which of them is meant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import NovaDomainsError
from .journal_format import Run, decode

SUFFIX = ".jsonl"


class Runs(NamedTuple):
    """The runs of a folder."""

    runs: tuple[Run, ...]
    """Oldest first."""
    faults: tuple[str, ...]
    """Files that are not journals, a line each."""

    @property
    def undone(self) -> set[str]:
        """The ids of runs that another run undid to the end."""
        return {
            run.origin.undoes for run in self.runs if run.origin.undoes and run.state == "complete"
        }

    def state_of(self, run: Run) -> str:
        """What became of the run, in a word or two."""
        return "undone" if run.id in self.undone else run.state

    def newest(self, host: str | None) -> Run:
        """The newest run of stamp on this host that is not undone yet.

        Raises ``NovaDomainsError`` if there is none.
        """
        undone = self.undone
        for run in reversed(self.runs):
            if run.origin.command == "stamp" and run.origin.host == host and run.id not in undone:
                return run
        raise NovaDomainsError(
            "there is no run of stamp on this host to undo",
            "nova-domains undo --list lists the runs; give the path of a journal kept elsewhere",
        )


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
    """Raises ``NovaDomainsError`` if it cannot be created."""
    folder = state_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NovaDomainsError(
            f"{folder}: cannot create the state folder: {error.strerror}; nothing was done",
            "set NOVA_DOMAINS_STATE to a folder you may write to",
        ) from error
    return folder


def journals(folder: Path) -> Iterator[Path]:
    """The journals of a folder, oldest first: their names begin with the time."""
    yield from sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ()


def all_runs(folder: Path) -> Runs:
    runs: list[Run] = []
    faults: list[str] = []
    for path in journals(folder):
        try:
            runs.append(read_journal(path))
        except NovaDomainsError as error:
            faults.append(error.message)
    return Runs(tuple(sorted(runs, key=lambda run: run.id)), tuple(faults))


def named_run(folder: Path, name: str) -> Run:
    """The run of a file, or of the folder by its id. Raises ``NovaDomainsError``."""
    path = Path(name)
    in_folder = folder / f"{name.removesuffix(SUFFIX)}{SUFFIX}"
    if not path.exists() and in_folder.is_file():
        path = in_folder
    return read_journal(path)


def read_journal(path: Path) -> Run:
    """Read what can be read of a journal; the rest is named in ``faults``.

    Raises ``NovaDomainsError`` for a file that is missing, or is not a journal.
    """
    try:
        with path.open("rb") as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise NovaDomainsError(
            f"{path}: the journal cannot be read: {error.strerror}",
            "list the journals with: nova-domains undo --list",
        ) from error
    return decode(path, lines)
