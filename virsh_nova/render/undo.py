"""The runs of stamp and undo, as a table and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .safe import cell

if TYPE_CHECKING:
    from ..stamp.journals import Runs

HEADERS = ("AT", "COMMAND", "HOST", "BY", "GUESTS", "STATE", "JOURNAL")


def runs_table(runs: Runs) -> str:
    """A line per run, oldest first."""
    # Only a table needs it.
    from tabulate import tabulate

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
