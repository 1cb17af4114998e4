"""``hosts``: a line for each host, as a table or for programs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from ..hosts.summary import COLUMNS, DEFAULT, FLAT, HostColumn, HostSummary, Value, document_of
from .flat import NOTHING
from .safe import cell, spreadsheet_cell, visible
from .style import Paint, cells
from .terminal import fit

_GAP = 2
_NUMBERS = ("guests", "nova", "unstamped", "foreign", "unreadable", "age", "took")
_GIVING_WAY = ("qemu", "libvirt", "took", "source", "unstamped", "foreign", "age")
"""What a narrow terminal does without, in this order."""
_LEAST = {"error": 24, "source": 40}
"""In cells: less of these says nothing. They are cut in this order."""
_UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def shown_columns(hosts: Sequence[HostSummary]) -> list[HostColumn]:
    """The usual columns, without those in which there would be nothing."""
    left_out = set()
    if not any(host.error for host in hosts):
        left_out.add("error")
    for name in ("unreadable", "libvirt", "qemu"):
        if not any(COLUMNS[name].value(host) for host in hosts):
            left_out.add(name)
    return [COLUMNS[name] for name in DEFAULT if name not in left_out]


def hosts_table(
    hosts: Sequence[HostSummary],
    columns: Sequence[HostColumn] = (),
    *,
    width: int | None,
    paint: Paint,
    unicode: bool = True,
) -> str:
    """In a pipe (``width`` None) nothing is cut; on a terminal columns give way first."""
    shown = list(columns or shown_columns(hosts))
    table = [[column.title for column in shown]]
    table += [[cell(_text(column, host)) for column in shown] for host in hosts]
    widths = [max(map(cells, column)) for column in zip(*table, strict=True)]
    if width is not None:
        giving_way = () if columns else _giving_way(hosts)
        shown, table, widths = _fitted(shown, table, widths, width, giving_way)
    cut = "…" if unicode else "~"
    lines = []
    for number, row in enumerate(table):
        error = bool(number and hosts[number - 1].error)
        parts = []
        for column, text, wide in zip(shown, row, widths, strict=True):
            fitted = fit(text, wide, cut, right=column.name in _NUMBERS)
            last = column is shown[-1]
            parts.append(paint(fitted.rstrip() if last else fitted, _role(column, number, error)))
        lines.append((" " * _GAP).join(parts).rstrip(" "))
    return "".join(f"{line}\n" for line in lines)


def _giving_way(hosts: Sequence[HostSummary]) -> Sequence[str]:
    """The source stays where not every host has a name of its own."""
    names = {host.name for host in hosts}
    named = None not in names and len(names) == len(hosts)
    return [name for name in _GIVING_WAY if named or name != "source"]


def _fitted(
    shown: list[HostColumn],
    table: list[list[str]],
    widths: list[int],
    width: int,
    giving_way: Sequence[str],
) -> tuple[list[HostColumn], list[list[str]], list[int]]:
    def least() -> int:
        narrowest = [
            min(wide, _LEAST.get(column.name, wide))
            for column, wide in zip(shown, widths, strict=True)
        ]
        return sum(narrowest) + _GAP * (len(shown) - 1)

    for name in giving_way:
        names = [column.name for column in shown]
        if least() <= width or name not in names:
            continue
        at = names.index(name)
        shown = shown[:at] + shown[at + 1 :]
        table = [row[:at] + row[at + 1 :] for row in table]
        widths = widths[:at] + widths[at + 1 :]
    names = [column.name for column in shown]
    too_wide = sum(widths) + _GAP * (len(shown) - 1) - width
    cuts = [(names.index(name), narrowest) for name, narrowest in _LEAST.items() if name in names]
    for at, narrowest in [*cuts, (len(shown) - 1, 1)]:
        cut = max(min(too_wide, widths[at] - narrowest), 0)
        widths = [*widths[:at], widths[at] - cut, *widths[at + 1 :]]
        too_wide -= cut
    return shown, table, widths


def _role(column: HostColumn, number: int, error: bool) -> str:
    if number == 0:
        return "quiet"
    if column.name == "error":
        return "error"
    if column.name == "host":
        return "error" if error else "name"
    return "quiet" if column.name in ("source", "libvirt", "qemu", "took") else "text"


def _text(column: HostColumn, host: HostSummary) -> str:
    value = column.value(host)
    if value is None:
        return NOTHING
    if column.name == "age" and host.age is not None:
        return age_in_words(host.age)
    return f"{value:.2f} s" if column.name == "took" else str(value)


def age_in_words(seconds: float) -> str:
    """``12 s``, ``5 min``, ``3 h``, ``2 d``."""
    for unit, length in _UNITS:
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{round(seconds)} s"


# ---- for programs -----------------------------------------------------------------------------


def as_values(hosts: Iterable[HostSummary], columns: Sequence[HostColumn] = ()) -> str:
    """A host a line, cells separated by a tab, ``-`` for what is not known."""
    shown = columns or [COLUMNS[name] for name in FLAT]
    lines = ("\t".join(_value_cell(column.value(host)) for column in shown) for host in hosts)
    return "".join(f"{line}\n" for line in lines)


def _value_cell(value: Value) -> str:
    return NOTHING if value is None else visible(str(value))


def as_csv(hosts: Iterable[HostSummary], columns: Sequence[HostColumn] = ()) -> str:
    """RFC 4180 with a header; texts are quoted, numbers are not, unknown values are empty."""
    shown = columns or [COLUMNS[name] for name in FLAT]
    output = StringIO()
    writer = csv.writer(output, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(column.name for column in shown)
    for host in hosts:
        writer.writerow(_csv_cell(column.value(host)) for column in shown)
    return output.getvalue()


def _csv_cell(value: Value) -> str | int | float:
    if value is None:
        return ""
    return spreadsheet_cell(value) if isinstance(value, str) else value


def documents(
    hosts: Iterable[HostSummary], columns: Sequence[HostColumn] = ()
) -> list[dict[str, Any]]:
    """For JSON and YAML: everything, or only the columns that were asked for."""
    if columns:
        return [{column.name: column.value(host) for column in columns} for host in hosts]
    return [document_of(host) for host in hosts]
