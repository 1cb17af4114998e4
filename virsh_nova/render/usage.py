"""``usage``: the rows of an account as a table, a document, or a flat list."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from typing import Any, NamedTuple

from ..usage.account import Account, Row, Sums
from ..usage.keys import Key, Label
from .flat import NOTHING
from .safe import cell, quoted, spreadsheet_cell, visible
from .style import Paint, cells
from .terminal import fit

_GAP = 2
_LEAST_LABEL = 4
"""Cells that a name keeps on a narrow terminal, if it has as many."""
_TOTAL = "total"

_Number = int | float | None


class _Figure(NamedTuple):
    """A column of numbers in the table."""

    title: str
    value: Callable[[Sums], _Number]
    decimals: int = 0
    always: bool = True
    """Whether it is shown where no guest has it."""


def _gib(get: Callable[[Sums], _Number]) -> Callable[[Sums], _Number]:
    def value(sums: Sums) -> _Number:
        mib = get(sums)
        return None if mib is None else mib / 1024

    return value


_GIVEN = (
    _Figure("GUESTS", lambda sums: sums.guests),
    _Figure("RUNNING", lambda sums: sums.running),
    _Figure("VCPUS", lambda sums: sums.vcpus),
    _Figure("MEMORY GiB", _gib(lambda sums: sums.memory_mib), 1),
    _Figure("DISK GiB", lambda sums: sums.disk_gib),
)
_USED = (
    _Figure("CPU %", lambda sums: sums.cpu_percent),
    _Figure("STEAL %", lambda sums: sums.steal_percent, 1, always=False),
    _Figure("RSS GiB", _gib(lambda sums: sums.rss_mib), 1, always=False),
    _Figure("BALLOON GiB", _gib(lambda sums: sums.balloon_mib), 1, always=False),
)

_GIVEN_FIELDS = ("guests", "running", "vcpus", "memory_mib", "disk_gib")
_USED_FIELDS = ("cpu_percent", "steal_percent", "rss_mib", "balloon_mib")


# ---- the table --------------------------------------------------------------------------------


def usage_table(account: Account, *, width: int | None, paint: Paint, unicode: bool) -> str:
    """A row for each group and their sum. ``width`` None is for a pipe, where nothing is cut."""
    figures = [*_GIVEN]
    if account.interval is not None:
        figures += [each for each in _USED if each.always or each.value(account.total) is not None]
    numbers = [[each.title, *(_number(each, row.sums) for row in account.rows)] for each in figures]
    totals = [_number(each, account.total) for each in figures]
    wide = [max(map(len, (*column, total))) for column, total in zip(numbers, totals, strict=True)]
    names = [
        [key.title, *_names([row.labels[place] for row in account.rows])]
        for place, key in enumerate(account.keys)
    ]
    room = None if width is None else width - sum(wide) - _GAP * len(wide)
    name_widths = _shared([max(map(cells, column)) for column in names], room)
    cut = "…" if unicode else "~"

    def line(texts: Sequence[str], figures: Sequence[str], roles: Sequence[str], role: str) -> str:
        parts = [
            paint(fit(text, room, cut), looks)
            for text, room, looks in zip(texts, name_widths, roles, strict=True)
        ]
        parts += [
            paint(text.rjust(room), "quiet" if text == NOTHING else role)
            for text, room in zip(figures, wide, strict=True)
        ]
        return (" " * _GAP).join(parts) + "\n"

    lines = [line(*_nth(names, numbers, 0), ["quiet"] * len(names), "quiet")]
    for number, row in enumerate(account.rows, 1):
        roles = [_role(key, label) for key, label in zip(account.keys, row.labels, strict=True)]
        lines.append(line(*_nth(names, numbers, number), roles, "text"))
    if len(account.rows) > 1:
        rest = [""] * (len(names) - 1)
        across = sum(name_widths) + sum(wide) + _GAP * (len(names) + len(wide) - 1)
        lines.append(paint(("─" if unicode else "-") * across, "quiet") + "\n")
        lines.append(line([_TOTAL, *rest], totals, ["title"] * len(names), "title"))
    return "".join(lines)


def _nth(
    names: Sequence[Sequence[str]], numbers: Sequence[Sequence[str]], place: int
) -> tuple[list[str], list[str]]:
    return [column[place] for column in names], [column[place] for column in numbers]


def _number(figure: _Figure, sums: Sums) -> str:
    value = figure.value(sums)
    return NOTHING if value is None else f"{value:.{figure.decimals}f}"


def _names(labels: Sequence[Label]) -> Iterator[str]:
    """Safe for a terminal; with the id where two projects or users have one name."""
    identities = {label.identity: label.text for label in labels if label.known}
    shared = Counter(identities.values())
    for label in labels:
        if not label.known:
            yield f"({label.text})"
        elif shared[label.text] > 1 and label.id:
            yield f"{quoted(label.text)} ({cell(label.id)})"
        else:
            yield quoted(label.text)


def _role(key: Key, label: Label) -> str:
    if not label.known:
        return "quiet"
    return label.text if key.name == "state" else "name"


def _shared(natural: Sequence[int], room: int | None) -> list[int]:
    """Widths of the names' columns: what they need, the widest cut first where that is too much."""
    widths = list(natural)
    if room is None:
        return widths
    room -= _GAP * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _LEAST_LABEL:
        widths[widths.index(max(widths))] -= 1
    return widths


# ---- documents and flat lists -----------------------------------------------------------------


def usage_document(account: Account) -> dict[str, Any]:
    """The account as one object of plain values."""
    return {
        "by": [key.name for key in account.keys],
        "interval": account.interval,
        "usage": [{**_labels(account, row), **_figures(row.sums)} for row in account.rows],
        "total": _figures(account.total),
    }


def _labels(account: Account, row: Row) -> dict[str, Any]:
    document: dict[str, Any] = {}
    missing = {}
    for key, label in zip(account.keys, row.labels, strict=True):
        if not label.known:
            document[key.field] = None
            missing[key.field] = label.text
        elif key.has_id:
            document[key.field] = {"id": label.id, "name": label.text if label.named else None}
        else:
            document[key.field] = label.text
    return {**document, "missing": missing}


def _figures(sums: Sums) -> dict[str, _Number]:
    return {
        field: round(value, 1) if isinstance(value, float) else value
        for field, value in sums._asdict().items()
    }


def as_values(account: Account) -> str:
    """A row a line, without a total; cells separated by a tab."""
    rows = _flat_rows(account)
    return "".join("\t".join(map(_value_cell, row)) + "\n" for row in rows)


def as_csv(account: Account) -> str:
    """RFC 4180 with a header, without a total."""
    output = StringIO()
    writer = csv.writer(output, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    header: list[str] = []
    for key in account.keys:
        header += [key.field, f"{key.field}_id"] if key.has_id else [key.field]
    writer.writerow([*header, *_fields(account)])
    for row in _flat_rows(account):
        writer.writerow(_csv_cell(value) for value in row)
    return output.getvalue()


def _fields(account: Account) -> tuple[str, ...]:
    return _GIVEN_FIELDS if account.interval is None else (*_GIVEN_FIELDS, *_USED_FIELDS)


def _flat_rows(account: Account) -> Iterator[list[str | _Number]]:
    for row in account.rows:
        values: list[str | _Number] = []
        for key, label in zip(account.keys, row.labels, strict=True):
            values.append(label.text if label.known else f"({label.text})")
            if key.has_id:
                values.append(label.id)
        figures = _figures(row.sums)
        yield [*values, *(figures[field] for field in _fields(account))]


def _value_cell(value: str | _Number) -> str:
    return NOTHING if value is None else visible(str(value))


def _csv_cell(value: str | _Number) -> str | int | float:
    if value is None:
        return ""
    return spreadsheet_cell(value) if isinstance(value, str) else value
