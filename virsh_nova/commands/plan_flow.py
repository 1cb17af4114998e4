"""From a plan to its end, for ``stamp`` and ``undo``: show it, ask, write, report."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from ..console import complain, draws_for_terminal, speaks_unicode, terminal_width, write
from ..errors import EXIT_FAILED, EXIT_INTERRUPTED
from ..render.progress import ProgressBar
from ..render.safe import quoted
from ..render.serial import as_json
from ..render.stamp import counts, plan_document, plan_text, summary
from ..render.style import coloured, plain
from ..stamp.apply import Applied, apply
from ..stamp.journal import Journal
from ..stamp.journal_format import Origin, Outcome
from ..stamp.journals import demo_folder, state_folder
from ..stamp.lock import only_run
from ..stamp.plan import Plan, Step
from .options import Manner
from .session import Session

if TYPE_CHECKING:
    # The build loads the commands for their manual pages, without libvirt.
    from ..hosts.libvirt.connection import LibvirtHost

AGAIN = "run the same command again to finish"


def folder_of(session: Session, *, only_read: bool) -> AbstractContextManager[Path]:
    """The folder of the journals, and of the lock."""
    if not session.demo:
        return nullcontext(state_folder())
    # The example host remembers no run: there is nothing to read, and no folder to read it in.
    return nullcontext(Path(os.devnull)) if only_read else demo_folder()


@contextmanager
def one_run_at_a_time(session: Session, manner: Manner) -> Iterator[Path]:
    """The folder of the journals, with its lock unless nothing will be written.

    Raises ``NovaDomainsError`` if another run has the lock.
    """
    kept = folder_of(session, only_read=manner.dry_run)
    with kept as folder, nullcontext() if manner.dry_run else only_run(folder):
        yield folder


class Purpose(NamedTuple):
    """What a plan is for."""

    folder: Path
    """Where journals are."""
    origin: Origin
    named: frozenset[str] = frozenset()
    """The uuids of the guests that the user named."""
    as_before: frozenset[str] = frozenset()
    """Those that the journal of an undo is to note as needing no restoring."""
    on_demo: bool = False
    """Whether the host and its journals are gone when the program ends."""


class Executed(NamedTuple):
    """What became of a plan."""

    code: int
    """The exit code."""
    outcomes: Mapping[str, Outcome] | None = None
    """By uuid; None if the plan was only shown."""

    @property
    def done(self) -> frozenset[str]:
        outcomes = (self.outcomes or {}).values()
        return frozenset(outcome.uuid for outcome in outcomes if outcome.result == "done")


def execute(plan: Plan, host: LibvirtHost, manner: Manner, purpose: Purpose) -> Executed:
    """Raises ``NovaDomainsError`` if nothing could be started."""
    origin = purpose.origin
    steps = plan.to_write
    # With --yes one JSON document says it all, at the end.
    at_once = not (manner.as_json and manner.yes and steps and not manner.dry_run)
    if at_once:
        show(plan, manner, purpose)
    if manner.dry_run:
        return Executed(0)
    if not steps:
        if purpose.as_before:
            # Once all guests of a run are settled, the next undo goes on with the one before it.
            begin_journal(steps, manner, purpose).end("complete")
        return Executed(0, {})
    if not manner.yes and not agreed(origin, len(steps)):
        return Executed(EXIT_FAILED)
    journal = begin_journal(steps, manner, purpose)
    applied = carry_out(steps, host, manner, journal)
    outcomes = {outcome.uuid: outcome for outcome in applied.outcomes}
    if not at_once:
        kept = manner.journal or not purpose.on_demo
        show(plan, manner, purpose, outcomes, journal.path if kept else None)
    elif not manner.as_json:
        write(f"{summary(plan, applied.outcomes, origin.command)}\n")
    if purpose.on_demo:
        complain("the example host forgets this run, and keeps no journal of it", kind="note")
    else:
        back = "" if origin.undoes else f"to undo this run: nova-domains undo {journal.path}"
        complain(f"journal: {journal.path}", back, kind="note")
    return Executed(report(steps, applied, outcomes, journal), outcomes)


def show(
    plan: Plan,
    manner: Manner,
    purpose: Purpose,
    outcomes: Mapping[str, Outcome] | None = None,
    path: Path | None = None,
) -> None:
    """Print the plan, with the outcomes if there are any yet."""
    if manner.as_json:
        document = plan_document(plan, outcomes, str(path) if path else None)
        write(as_json(document, one_a_line=False, ascii_only=not speaks_unicode()))
    else:
        paint = coloured if draws_for_terminal(manner.no_color) else plain
        write(plan_text(plan, paint=paint, width=terminal_width(), named=purpose.named))
        write(f"{counts(plan, 'restore' if purpose.origin.undoes else 'write')}\n")
    # The question, and errors, must not overtake it.
    sys.stdout.flush()


def agreed(origin: Origin, guests: int) -> bool:
    """Ask on the terminal; without one the answer is no."""
    if not sys.stdin.isatty():
        complain(
            "nothing was written: there is no terminal to ask on", "use --yes to write without it"
        )
        return False
    doing = "Restore" if origin.undoes else "Write to"
    what = f"{doing} {guests} {'guest' if guests == 1 else 'guests'}?"
    if not click.confirm(what, err=True):
        complain("nothing was written", kind="note")
        return False
    return True


def carry_out(
    steps: Sequence[Step], host: LibvirtHost, manner: Manner, journal: Journal
) -> Applied:
    with ProgressBar("Writing to guests") as progress:
        applied = apply(steps, host.writer, journal, patience=manner.patience, progress=progress)
    if journal.broken:
        complain(
            f"{journal.path}: the journal could not be completed: {journal.broken}",
            "it holds the whole plan; the guests that were not started yet were skipped",
        )
    return applied


def begin_journal(steps: Sequence[Step], manner: Manner, purpose: Purpose) -> Journal:
    return Journal.begin(
        purpose.folder,
        steps,
        purpose.origin,
        path=Path(manner.journal) if manner.journal else None,
        as_before=sorted(purpose.as_before),
    )


def report(
    steps: Sequence[Step],
    applied: Applied,
    outcomes: Mapping[str, Outcome],
    journal: Journal,
) -> int:
    """Say on stderr what went wrong; the exit code."""
    for step in steps:
        outcome = outcomes[step.guest.uuid]
        if outcome.result not in ("done", "left"):
            who = f"{quoted(step.guest.domain)} ({step.guest.uuid})"
            what = "skipped: " if outcome.result == "changed" else ""
            complain(f"{who}: {what}{outcome.why}")
    left = sum(outcome.result == "left" for outcome in outcomes.values())
    if applied.lost:
        complain(f"{applied.lost.message}; {left} guests were not written to", AGAIN)
        return applied.lost.exit_code
    if applied.interrupted:
        complain(f"interrupted; {left} guests were not written to", AGAIN)
        return EXIT_INTERRUPTED
    done = all(outcome.result == "done" for outcome in outcomes.values())
    return 0 if done and not journal.broken else EXIT_FAILED
