"""``nova-domains list``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..console import (
    draws_for_terminal,
    speaks_unicode,
    terminal_width,
    warn_of_faults,
    write,
    write_documents,
)
from ..model import KINDS
from .options import output_options
from .session import Session
from .types import AddressOrNetwork, ColumnName, State

if TYPE_CHECKING:
    from ..guests.columns import Column
    from ..guests.select import Network
    from ..model import Guest


@click.command("list")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(KINDS),
    multiple=True,
    help="Only Nova's guests, those of them without the block, those of others, or those that "
    "could not be read.",
)
@click.option(
    "--manager", "managers", metavar="GLOB", multiple=True, help="Only guests this manager made."
)
@click.option("--state", "states", type=State(), multiple=True, help="Only guests in this state.")
@click.option("--name", "names", metavar="GLOB", multiple=True, help="By display name.")
@click.option("--domain", "domains", metavar="GLOB", multiple=True, help="By libvirt's name.")
@click.option("--project", "projects", metavar="GLOB", multiple=True, help="By name or id.")
@click.option("--user", "users", metavar="GLOB", multiple=True, help="By name or id.")
@click.option("--flavor", "flavors", metavar="GLOB", multiple=True, help="By name or id.")
@click.option(
    "--ip",
    "networks",
    type=AddressOrNetwork(),
    multiple=True,
    help="By fixed address; a CIDR takes all in it.",
)
@click.option("--long", "long_", is_flag=True, help="More columns.")
@click.option(
    "--sort-column",
    "sort_columns",
    type=ColumnName(),
    multiple=True,
    help="Sort by this column; can be given several times.  [default: domain]",
)
@click.option(
    "--sort-ascending/--sort-descending", "ascending", default=True, help="Which way to sort."
)
@output_options(
    "table",
    "json",
    "yaml",
    "csv",
    "value",
    column_help="Only this column; can be given several times.",
)
@click.pass_obj
def list_command(
    session: Session,
    kinds: Sequence[str],
    managers: Sequence[str],
    states: Sequence[str],
    names: Sequence[str],
    domains: Sequence[str],
    projects: Sequence[str],
    users: Sequence[str],
    flavors: Sequence[str],
    networks: Sequence[Network],
    long_: bool,
    sort_columns: Sequence[Column],
    ascending: bool,
    format_: str,
    columns: Sequence[Column],
    no_color: bool,
) -> None:
    """List the guests: Nova's, Nova's without metadata, and others.

    Options that can be repeated take a guest that fits one of their values. Names are shell
    globs: --name 'web-*'.

    On a terminal the table fits the width, in colour; in a pipe it is plain and never cut.
    """
    from ..guests.columns import COLUMNS, FLAT, FLAT_LONG
    from ..guests.select import Selection, ordered
    from ..render.progress import ProgressBar

    selection = Selection(
        kinds, managers, states, names, domains, projects, users, flavors, networks
    )
    documents = format_ in ("json", "yaml")
    shown = columns or [COLUMNS[name] for name in (FLAT_LONG if long_ else FLAT)]
    recorded = all(column.recorded for column in (*shown, *sort_columns)) and (
        bool(columns) or not documents
    )
    with ProgressBar("Reading guests") as progress:
        host = session.open()
        read = host.guests(
            "block" if recorded else "domain", chosen=selection.may_take, progress=progress
        )
    warn_of_faults(read)
    guests = ordered(
        filter(selection.takes, read) if selection.narrows else read,
        sort_columns,
        descending=not ascending,
    )
    if format_ == "table":
        from ..render.safe import visible

        if guests:
            write(list_table(guests, columns, long_, session.no_color or no_color))
        else:
            nobody = "no guest fits" if selection.narrows else f"{host.name} has no guests"
            write(f"{visible(nobody)}\n")
    elif documents:
        from ..document.encode import columns_document, guest_document

        write_documents(
            [
                columns_document(guest, columns) if columns else guest_document(guest)
                for guest in guests
            ],
            format_,
            one_a_line=True,
        )
    else:
        from ..render.flat import as_csv, as_values

        if not columns and len({guest.host for guest in guests}) > 1:
            shown = [COLUMNS["host"], *shown]
        write((as_csv if format_ == "csv" else as_values)(guests, shown))


def list_table(
    guests: Sequence[Guest], columns: Sequence[Column], long_: bool, no_color: bool
) -> str:
    # The choice of a format.
    from ..render.list import plain_table, sections

    divided = sections(guests, columns, long=long_)
    width = terminal_width()
    if width is None:
        return plain_table(divided)
    from ..render.style import coloured, plain
    from ..render.terminal import terminal_table

    paint = coloured if draws_for_terminal(no_color) else plain
    return terminal_table(divided, width=width, paint=paint, unicode=speaks_unicode())
