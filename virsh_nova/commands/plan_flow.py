"""From a plan to its end: show it, ask, write, tell what was done. For ``stamp`` and ``undo``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from .. import __version__
from ..console import complain, draws_for_terminal, speaks_unicode, write
from ..errors import EXIT_FAILED, EXIT_INTERRUPTED

if TYPE_CHECKING:
    from pathlib import Path

    from ..hosts.libvirt.connection import Host
    from ..stamp.apply import Applied
    from ..stamp.journal import Journal
    from ..stamp.journal_format import Outcome
    from ..stamp.plan import Plan, Step


class Manner(NamedTuple):
    """How a plan is to be carried out."""

    command: str
    journal: str | None
    """None for the usual place."""
    patience: float
    """Seconds that one guest is waited for."""
    dry_run: bool
    yes: bool
    format_: str
    no_color: bool
    undoes: str | None = None
    """The run that is taken back."""


def execute(plan: Plan, host: Host, manner: Manner, *, named: frozenset[str] = frozenset()) -> int:
    """Returns the exit code; raises ``NovaDomainsError`` where nothing could be begun."""
    steps = [step for step in plan.steps if step.action == "stamp"]
    as_document = manner.format_ == "json"
    silent = as_document and manner.yes and not manner.dry_run
    if not silent:
        show(plan, manner, named)
    if not steps:
        if silent:
            show(plan, manner, named)
        if manner.undoes and not manner.dry_run:
            # Nothing is left of that run: the next undo goes on with the one before it.
            begin_journal(steps, host, manner).end("complete")
        return 0
    if manner.dry_run:
        return 0
    if not manner.yes and not agreed(manner.command, len(steps)):
        return EXIT_FAILED
    journal, applied = carry_out(steps, host, manner)
    path = journal.path
    outcomes = {outcome.uuid: outcome for outcome in applied.outcomes}
    if silent:
        show(plan, manner, named, outcomes, path)
    elif not as_document:
        write(summary(plan, applied, manner.command))
    code = tell(steps, applied, outcomes, path, manner.command)
    return max(code, EXIT_FAILED if journal.broken else 0)


def show(
    plan: Plan,
    manner: Manner,
    named: frozenset[str],
    outcomes: dict[str, Outcome] | None = None,
    path: Path | None = None,
) -> None:
    from ..render.stamp import coloured, counts, plain, plan_document, plan_text

    if manner.format_ == "json":
        from ..render.serial import as_json

        document = plan_document(plan, outcomes, str(path) if path else None)
        write(as_json(document, one_a_line=False, ascii_only=not speaks_unicode()))
    else:
        paint = coloured if draws_for_terminal(manner.no_color) else plain
        write(plan_text(plan, paint=paint, named=named))
        write(f"{counts(plan, 'restore' if manner.undoes else 'write')}\n")
    # The question, and errors, must not overtake it.
    sys.stdout.flush()


def agreed(command: str, guests: int) -> bool:
    """Ask on the terminal; without one nobody can agree."""
    if not sys.stdin.isatty():
        complain(
            "nothing was written: there is no terminal to ask on", "--yes answers the question"
        )
        return False
    doing = "Write to" if command == "stamp" else "Restore"
    what = f"{doing} {guests} {'guest' if guests == 1 else 'guests'}?"
    if not click.confirm(what, err=True):
        complain("nothing was written", kind="note")
        return False
    return True


def carry_out(steps: list[Step], host: Host, manner: Manner) -> tuple[Journal, Applied]:
    from ..render.progress import ProgressBar
    from ..stamp.apply import apply

    journal = begin_journal(steps, host, manner)
    with ProgressBar("Writing to guests") as progress:
        applied = apply(steps, host.writer, journal, patience=manner.patience, progress=progress)
    if journal.broken:
        complain(
            f"{journal.path}: the journal could not be written to the end: {journal.broken}",
            "what was planned stands in it; the guests that were still to come were left",
        )
    return journal, applied


def begin_journal(steps: list[Step], host: Host, manner: Manner) -> Journal:
    from pathlib import Path

    from ..stamp.journal import Journal
    from ..stamp.plan import whoami

    return Journal.begin(
        Path(manner.journal) if manner.journal else None,
        steps,
        command=manner.command,
        host=host.name,
        by=whoami(),
        tool=__version__,
        undoes=manner.undoes,
    )


def summary(plan: Plan, applied: Applied, command: str) -> str:
    """``3 stamped, 4 unchanged, 1 refused, 0 failed``."""
    done = sum(outcome.result == "done" for outcome in applied.outcomes)
    numbers: dict[str, int] = {
        "stamped" if command == "stamp" else "restored": done,
        "unchanged": sum(step.action == "unchanged" for step in plan.steps),
        "refused": sum(step.action == "refused" for step in plan.steps),
        "failed": sum(outcome.result in ("failed", "unanswered") for outcome in applied.outcomes),
        "changed meanwhile": sum(outcome.result == "changed" for outcome in applied.outcomes),
        "not begun": sum(outcome.result == "left" for outcome in applied.outcomes),
    }
    usual = ("unchanged", "refused", "failed", *list(numbers)[:1])
    told = [f"{number} {word}" for word, number in numbers.items() if number or word in usual]
    return ", ".join(told) + "\n"


def tell(
    steps: list[Step],
    applied: Applied,
    outcomes: dict[str, Outcome],
    path: Path,
    command: str,
) -> int:
    """What went wrong, on stderr, and the exit code."""
    for step in steps:
        outcome = outcomes[step.guest.uuid]
        if outcome.result not in ("done", "left"):
            who = f"{step.guest.domain} ({step.guest.uuid})"
            what = "skipped: " if outcome.result == "changed" else ""
            complain(f"{who}: {what}{outcome.why}")
    back = f"nova-domains undo {path}" if command == "stamp" else ""
    complain(f"the journal is {path}", back and f"{back} takes it back", kind="note")
    left = sum(outcome.result == "left" for outcome in outcomes.values())
    if applied.lost:
        complain(f"{applied.lost.message}; {left} guests were left", "run it again to complete it")
        return applied.lost.exit_code
    if applied.interrupted:
        complain(f"interrupted; {left} guests were left", "run it again to complete it")
        return EXIT_INTERRUPTED
    return 0 if all(outcome.result == "done" for outcome in outcomes.values()) else EXIT_FAILED
