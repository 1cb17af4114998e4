"""The folder of the journals: its runs, and the run that a command means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..errors import NovaDomainsError
from ..hosts.identity import HostIdentity
from .journal_format import Run, decode

SUFFIX = ".jsonl"


class Runs(NamedTuple):
    """The runs of a folder."""

    runs: tuple[Run, ...]
    """Oldest first."""
    faults: tuple[str, ...]
    """Files that are not journals, a line each."""

    @property
    def settled(self) -> dict[str, frozenset[str]]:
        """By the id of a run: the guests that later runs restored, or found as before it."""
        settled: dict[str, set[str]] = {run.id: set() for run in self.runs}
        # The newest first: what an undo restored counts unless the undo was undone.
        for run in reversed(self.runs):
            undone = settled.get(run.origin.undoes or "")
            if undone is not None:
                undone |= (run.done | run.as_before) - settled[run.id]
        return {run: frozenset(uuids) for run, uuids in settled.items()}

    @property
    def states(self) -> list[str]:
        """What became of each run, in a few words."""
        settled = self.settled
        return [state_of(run, settled[run.id]) for run in self.runs]

    def newest(self, host: HostIdentity) -> Run:
        """The newest run of stamp on this host that is not completely undone.

        Raises ``NovaDomainsError`` if there is none.
        """
        settled = self.settled
        for run in reversed(self.runs):
            ours = run.origin.command == "stamp" and run.origin.host.is_same(host)
            if ours and not is_undone(run, settled[run.id]):
                return run
        raise NovaDomainsError(
            "there is no run of stamp on this host to undo",
            "nova-domains undo --list lists the runs; give the path of a journal kept elsewhere",
        )


def is_undone(run: Run, settled: frozenset[str]) -> bool:
    """Whether every guest of the run was restored, or found to be as it was before."""
    return run.total > 0 and len(settled) >= run.total


def state_of(run: Run, settled: frozenset[str]) -> str:
    """What became of the run, given the guests that later runs settled."""
    if is_undone(run, settled):
        return "undone"
    return f"partly undone, {len(settled)} of {run.total}" if settled else run.state


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


@contextmanager
def demo_folder() -> Iterator[Path]:
    """For runs on the example host, which last no longer than the program."""
    from tempfile import TemporaryDirectory  # 2 ms that a real host does without

    with TemporaryDirectory(prefix="nova-domains-demo-") as folder:
        yield Path(folder)


def make_folder(folder: Path) -> Path:
    """Raises ``NovaDomainsError`` if it cannot be created."""
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
