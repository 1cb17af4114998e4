"""``value`` and ``csv``: one flat list for scripts and spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from ..guests.columns import Column, Value
from ..model import Guest
from .safe import spreadsheet_cell, visible

NOTHING = "-"


def text_of(value: Value) -> str:
    """A value as one line of text; ``-`` for what is not known."""
    if value is None:
        return NOTHING
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def as_values(guests: Iterable[Guest], columns: Sequence[Column]) -> str:
    """A guest a line, cells separated by a tab; no cell has one, since controls are escaped."""
    lines = (
        "\t".join([visible(text_of(column.value(guest))) for column in columns]) for guest in guests
    )
    return "".join(f"{line}\n" for line in lines)


def as_csv(guests: Iterable[Guest], columns: Sequence[Column]) -> str:
    """RFC 4180 with a header; texts are quoted, numbers are not, unknown values are empty."""
    output = StringIO()
    writer = csv.writer(output, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(column.name for column in columns)
    for guest in guests:
        writer.writerow(csv_cell(column.value(guest)) for column in columns)
    return output.getvalue()


def csv_cell(value: Value) -> str | int:
    """A value as a cell that no spreadsheet runs as a formula."""
    if value is None:
        return ""
    return value if isinstance(value, int) else spreadsheet_cell(text_of(value))
