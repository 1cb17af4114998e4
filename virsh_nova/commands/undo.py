"""``nova-domains undo``."""

from __future__ import annotations

from pathlib import Path

import click

from .. import __version__
from ..console import complain, draws_for_terminal, speaks_unicode, terminal_width, write
from ..errors import EXIT_FAILED, NovaDomainsError
from ..render.progress import ProgressBar
from ..render.safe import quoted
from ..render.serial import as_json
from ..render.style import coloured, plain
from ..render.undo import runs_document, runs_table, runs_text
from ..stamp.journal_format import Origin, Run
from ..stamp.journals import all_runs, is_undone, named_run, state_of
from ..stamp.plan import whoami
from ..stamp.undo import found_as_before, make_undo_plan
from .options import Manner, plan_options
from .plan_flow import Purpose, execute, folder_of, one_run_at_a_time
from .session import Session


@click.command("undo")
@click.argument("journal_file", metavar="[JOURNAL]", required=False)
@click.option("--list", "listing", is_flag=True, help="List the runs of stamp and undo.")
@plan_options
@click.pass_obj
def undo_command(session: Session, journal_file: str | None, listing: bool, manner: Manner) -> int:
    """Take back what a run of stamp wrote.

    That is the newest run, or the one of JOURNAL: a file, or the name of a run as --list shows it.
    Each guest gets its old metadata back. A guest that was changed after the run is skipped and
    reported.
    """
    session.refuse_to_write("undo")
    if listing:
        if journal_file:
            raise click.UsageError("--list takes no journal")
        return list_runs(session, manner)
    manner = manner._replace(no_color=session.no_color or manner.no_color)
    with one_run_at_a_time(session, manner) as folder:
        return undo(session, folder, journal_file, manner)


def undo(session: Session, folder: Path, journal_file: str | None, manner: Manner) -> int:
    """Choose the run, plan the way back, and carry the plan out."""
    with ProgressBar("Reading guests") as progress:
        host = session.open_libvirt(writable=not manner.dry_run)
        if not manner.dry_run:
            host.refuse_read_only()
        identity = host.identity
        runs = all_runs(folder)
        if journal_file:
            run = named_run(folder, journal_file)
        else:
            warn(runs.faults)
            run = runs.newest(identity)
        warn(run.faults)
        if not run.origin.host.is_same(identity):
            raise NovaDomainsError(
                f"{run.path}: this run was on {run.origin.host}, not on {identity}",
                "connect to that host with -c",
            )
        uuids = {guest.uuid for guest in run.guests}
        guests = host.guests(
            "whole", chosen=lambda sighting: sighting.uuid in uuids, progress=progress
        )
    plan = make_undo_plan(host.name, guests, run)
    complain(f"undoing {quoted(run.id)} by {quoted(run.origin.by)}: {run.path}", kind="note")
    origin = Origin("undo", identity, whoami(), __version__, undoes=run.id)
    earlier = runs.settled.get(run.id, frozenset())
    as_before = found_as_before(plan, run)
    executed = execute(
        plan,
        host,
        manner,
        Purpose(folder, origin, as_before=as_before - earlier, on_demo=session.demo),
    )
    settled = earlier | as_before | executed.done
    if executed.outcomes is None:
        settled |= {step.guest.uuid for step in plan.to_write}
    elif not is_undone(run, settled):
        warn_of_rest(run, settled)
    return max(executed.code, 0 if is_undone(run, settled) else EXIT_FAILED)


def warn_of_rest(run: Run, settled: frozenset[str]) -> None:
    state = state_of(run, settled) if settled else "not undone"
    complain(
        f"{quoted(run.id)} is {state}",
        "the next undo offers it again; for an earlier run: nova-domains undo RUN",
        kind="warning",
    )


def list_runs(session: Session, manner: Manner) -> int:
    with folder_of(session, only_read=True) as folder:
        runs = all_runs(folder)
    warn(runs.faults)
    if manner.as_json:
        documents = runs_document(runs)
        write(as_json(documents, one_a_line=False, ascii_only=not speaks_unicode()))
    else:
        width = terminal_width()
        paint = coloured if draws_for_terminal(session.no_color or manner.no_color) else plain
        write(runs_table(runs) if width is None else runs_text(runs, width=width, paint=paint))
    return 0


def warn(faults: tuple[str, ...]) -> None:
    for fault in faults:
        complain(fault, kind="warning")
