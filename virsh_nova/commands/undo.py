"""``nova-domains undo``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from ..console import complain, write
from ..errors import EXIT_FAILED, NovaDomainsError
from .options import plan_options
from .plan_flow import Manner, execute
from .session import Session

if TYPE_CHECKING:
    from ..stamp.journal_format import Run


@click.command("undo")
@click.argument("journal_file", metavar="[JOURNAL]", required=False)
@click.option("--list", "listing", is_flag=True, help="List the runs of stamp and undo.")
@plan_options
@click.pass_obj
def undo_command(
    session: Session,
    journal_file: str | None,
    listing: bool,
    journal: str | None,
    patience: float,
    dry_run: bool,
    yes: bool,
    format_: str,
    no_color: bool,
) -> int:
    """Take back what a run of stamp wrote.

    That is the newest run, or the one of JOURNAL. Each guest gets its old metadata back, unless
    somebody has changed it since; such a guest is skipped, and reported. JOURNAL is a file, or
    the name of a run as --list shows it.
    """
    session.refuse_files()
    if listing:
        if journal_file:
            raise click.UsageError("--list takes no journal")
        return list_runs(format_)
    from ..render.progress import ProgressBar
    from ..stamp.lock import only_run
    from ..stamp.undo import make_undo_plan

    with nullcontext() if dry_run else only_run():
        with ProgressBar("Reading guests") as progress:
            host = session.open_libvirt(writable=not dry_run)
            if not dry_run:
                host.refuse_read_only()
            run = named_run(journal_file) if journal_file else newest_run(host.name)
            for fault in run.faults:
                complain(fault, kind="warning")
            if run.host != host.name:
                raise NovaDomainsError(
                    f"{run.path}: it is of the host {run.host}, and this is {host.name}",
                    "give -c for that host",
                )
            wanted = {entry.uuid for entry in run.entries}
            guests = host.guests(
                "whole", chosen=lambda sighting: sighting.uuid in wanted, progress=progress
            )
        plan = make_undo_plan(host.name, guests, run)
        complain(f"taking back {run.id}, by {run.by}: {run.path}", kind="note")
        plain = session.no_color or no_color
        manner = Manner("undo", journal, patience, dry_run, yes, format_, plain, run.id)
        code = execute(plan, host, manner)
        damaged = bool(run.faults)
        refused = any(step.action == "refused" for step in plan.steps)
        return max(code, EXIT_FAILED if damaged or refused else 0)


def named_run(name: str) -> Run:
    from pathlib import Path

    from ..stamp.journals import SUFFIX, read_journal, state_folder

    path = Path(name)
    in_folder = state_folder() / f"{name.removesuffix(SUFFIX)}{SUFFIX}"
    if not path.exists() and in_folder.is_file():
        path = in_folder
    return read_journal(path)


def newest_run(host: str | None) -> Run:
    """The newest run of stamp on this host that has not been taken back yet."""
    runs = [run for run in all_runs() if run.host == host]
    undone = taken_back(runs)
    for run in reversed(runs):
        if run.command == "stamp" and run.id not in undone:
            return run
    raise NovaDomainsError(
        "there is no run of stamp here to take back",
        "nova-domains undo --list shows the journals; one kept elsewhere is named: undo JOURNAL",
    )


def taken_back(runs: Sequence[Run]) -> set[str]:
    """The runs that another took back to the end; one that broke off did not."""
    return {run.undoes for run in runs if run.undoes and run.state == "complete"}


def all_runs() -> list[Run]:
    """Those in the usual place, oldest first; a file that is no journal is told of."""
    from ..stamp.journals import journals, read_journal, state_folder

    runs = []
    for path in journals(state_folder()):
        try:
            runs.append(read_journal(path))
        except NovaDomainsError as error:
            complain(error.message, kind="warning")
    return sorted(runs, key=lambda run: run.id)


def list_runs(format_: str) -> int:
    from tabulate import tabulate

    from ..console import speaks_unicode
    from ..render.stamp import RUN_HEADERS, run_rows

    runs = all_runs()
    undone = taken_back(runs)
    told = [(run, "undone" if run.id in undone else run.state) for run in runs]
    if format_ == "json":
        from ..render.serial import as_json
        from ..render.stamp import run_document

        documents = [run_document(run, state) for run, state in told]
        write(as_json(documents, one_a_line=False, ascii_only=not speaks_unicode()))
    elif told:
        rows = run_rows(told)
        write(tabulate(rows, RUN_HEADERS, tablefmt="plain", disable_numparse=True) + "\n")
    else:
        write("no runs\n")
    return 0
