"""``nova-domains list``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from ..guests.columns import COLUMNS, FLAT, FLAT_LONG, Column
from ..guests.select import Selection, ordered
from ..model import Guest
from ..render.safe import visible
from ..render.style import coloured, plain
from .options import DOCUMENTS, filter_options, output_options
from .session import Session
from .types import ColumnName

if TYPE_CHECKING:
    from ..document.encode import Document
    from ..hosts.host import Detail


@click.command("list")
@filter_options
@click.option("--long", "long_", is_flag=True, help="Show more columns.")
@click.option(
    "--full",
    is_flag=True,
    help="Print everything known about each guest, as show does; with json, jsonl or yaml.",
)
@click.option(
    "--sort-column",
    "sort_columns",
    type=ColumnName(),
    multiple=True,
    help="Sort by this column. Repeatable.  [default: domain]",
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
)
@click.pass_obj
def list_command(
    session: Session,
    selection: Selection,
    long_: bool,
    full: bool,
    sort_columns: Sequence[Column],
    ascending: bool,
    format_: str,
    columns: Sequence[Column],
    no_color: bool,
) -> None:
    """List the guests: Nova's, Nova's without metadata, and others.

    Filters are shell globs (--name 'web-*') and can be repeated: a guest has to match one value of
    each option.

    On a terminal the table fits the width, in colour; in a pipe it is plain and never cut.
    """
    if full and format_ not in DOCUMENTS:
        raise click.UsageError(f"--full goes with -f json, jsonl or yaml, not with -f {format_}")
    if full and columns:
        raise click.UsageError("--full prints everything and -c a few columns: give one of them")
    shown = columns or [COLUMNS[name] for name in (FLAT_LONG if long_ else FLAT)]
    # Documents have title and description, which the block does not.
    recorded = all(column.recorded for column in (*shown, *sort_columns)) and (
        bool(columns) or format_ not in DOCUMENTS
    )
    detail: Detail = "whole" if full else "block" if recorded else "domain"
    with session.progress_bar() as progress:
        host = session.open()
        where = host
        if session.files:
            from ..hosts.lookup import selected_from  # 3 ms that no libvirt needs

            where = selected_from(host, selection)
        read = where.guests(detail, chosen=selection.may_take, progress=progress)
    warn_of_faults(read)
    chosen = filter(selection.takes, read) if selection.narrows else read
    guests = ordered(chosen, sort_columns, descending=not ascending)
    if format_ in DOCUMENTS:
        write_documents(documents_of(guests, columns, full=full), format_, one_a_line=True)
    elif guests or format_ != "table":
        write(printed(guests, format_, columns, long_, session.no_color or no_color))
    else:
        here = f"{host.name} has" if host.name else "these hosts have"
        nobody = "no guest matches" if selection.narrows else f"{here} no guests"
        write(f"{visible(nobody)}\n")


def documents_of(
    guests: Sequence[Guest], columns: Sequence[Column], *, full: bool
) -> Iterator[Document]:
    # The choice of a format.
    from ..document.encode import columns_document, guest_document, whole_document

    if columns:
        return (columns_document(guest, columns) for guest in guests)
    return map(whole_document if full else guest_document, guests)


def printed(
    guests: Sequence[Guest],
    format_: str,
    columns: Sequence[Column],
    long_: bool,
    no_color: bool,
) -> str:
    # The choice of a format.
    if format_ == "table":
        return list_table(guests, columns, long_, no_color)
    from ..render.flat import as_csv, as_values

    shown = columns or [COLUMNS[name] for name in (FLAT_LONG if long_ else FLAT)]
    if not columns and len({guest.host for guest in guests}) > 1:
        shown = [COLUMNS["host"], *shown]
    return (as_csv if format_ == "csv" else as_values)(guests, shown)


def list_table(
    guests: Sequence[Guest], columns: Sequence[Column], long_: bool, no_color: bool
) -> str:
    # The choice of a format.
    from ..render.list import plain_table, sections

    divided = sections(guests, columns, long=long_)
    width = terminal_width()
    if width is None:
        return plain_table(divided)
    from ..render.terminal import terminal_table

    paint = coloured if draws_for_terminal(no_color) else plain
    return terminal_table(divided, width=width, paint=paint, unicode=speaks_unicode())
