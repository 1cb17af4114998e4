"""``nova-domains hosts``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

import click

from ..console import draws_for_terminal, speaks_unicode, terminal_width, write, write_documents
from ..hosts.summary import HostColumn, HostSummary, ordered, summary_of
from ..render import hosts as face
from ..render.progress import ProgressBar
from ..render.style import coloured, plain
from .options import DOCUMENTS, output_options
from .session import Session
from .types import HostColumnName


@click.command("hosts")
@click.option(
    "--sort-column",
    "sort_columns",
    type=HostColumnName(),
    multiple=True,
    help="Sort by this column. Repeatable.  [default: host]",
)
@click.option(
    "--sort-ascending/--sort-descending", "ascending", default=True, help="Sort in this direction."
)
@output_options(
    "table",
    "json",
    "jsonl",
    "yaml",
    "csv",
    "value",
    column_help="Print only this column. Repeatable.",
    columns=HostColumnName(),
)
@click.pass_obj
def hosts_command(
    session: Session,
    sort_columns: Sequence[HostColumn],
    ascending: bool,
    format_: str,
    columns: Sequence[HostColumn],
    no_color: bool,
) -> None:
    """List the hosts: how many guests each has, and what failed.

    Shows the guests by kind, the versions of libvirt and QEMU where they are known, when each host
    was read and how long that took.
    """
    summaries = ordered(read_summaries(session), sort_columns, descending=not ascending)
    if format_ in DOCUMENTS:
        write_documents(face.documents(summaries, columns), format_, one_a_line=True)
    else:
        write(printed(summaries, format_, columns, session.no_color or no_color))


def read_summaries(session: Session) -> list[HostSummary]:
    fleet = session.fleet()
    with ProgressBar("Reading hosts") as progress:
        # One host after the other: the guests of all of them need not be in memory together.
        reads = fleet.read_each("block", progress=progress, versions=True)
        return [summary_of(read, datetime.now(timezone.utc)) for read in reads]


def printed(
    hosts: Sequence[HostSummary], format_: str, columns: Sequence[HostColumn], no_color: bool
) -> str:
    if format_ == "csv":
        return face.as_csv(hosts, columns)
    if format_ == "value":
        return face.as_values(hosts, columns)
    return face.hosts_table(
        hosts,
        columns,
        width=terminal_width(),
        paint=coloured if draws_for_terminal(no_color) else plain,
        unicode=speaks_unicode(),
    )
