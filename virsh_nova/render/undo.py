"""The runs of stamp and undo, as a table and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .safe import cell, quoted
from .style import Paint, flowing

if TYPE_CHECKING:
    from ..stamp.journals import Runs

HEADERS = ("AT", "COMMAND", "HOST", "BY", "GUESTS", "STATE", "JOURNAL")


def runs_text(runs: Runs, *, width: int, paint: Paint) -> str:
    """For a terminal: the name that ``undo`` takes and the state of each run, then the rest."""
    lines: list[str] = []
    for run, state in zip(runs.runs, runs.states, strict=True):
        guests = f"{len(run.guests)} {'guest' if len(run.guests) == 1 else 'guests'}"
        lines += flowing([(cell(run.id), "name"), (state, "text"), (guests, "text")], width, paint)
        host = quoted(run.origin.host.name or "a host without name")
        words = [cell(run.at), f"by {quoted(run.origin.by)}", f"on {host}", cell(str(run.path))]
        dim = [(word, "quiet") for word in words]
        lines += (f"  {line}" for line in flowing(dim, width - 2, paint, 2))
    return "".join(f"{line}\n" for line in lines or ["no runs"])


def runs_table(runs: Runs) -> str:
    """For a pipe: a line per run, oldest first."""
    from tabulate import tabulate  # 34 ms that undo itself does without

    rows = run_rows(runs)
    if not rows:
        return "no runs\n"
    return tabulate(rows, HEADERS, tablefmt="plain", disable_numparse=True) + "\n"


def run_rows(runs: Runs) -> list[list[str]]:
    """The cells of each run, safe for a terminal."""
    return [
        [
            cell(text)
            for text in (
                run.at,
                run.origin.command,
                run.origin.host.name or "",
                run.origin.by,
                str(len(run.guests)),
                state,
                str(run.path),
            )
        ]
        for run, state in zip(runs.runs, runs.states, strict=True)
    ]


def runs_document(runs: Runs) -> list[dict[str, Any]]:
    """The runs as ``undo --list -f json`` shows them."""
    return [
        {
            "run": run.id,
            "command": run.origin.command,
            "undoes": run.origin.undoes,
            "host": run.origin.host.name,
            "by": run.origin.by,
            "at": run.at,
            "guests": len(run.guests),
            "state": state,
            "journal": str(run.path),
        }
        for run, state in zip(runs.runs, runs.states, strict=True)
    ]
