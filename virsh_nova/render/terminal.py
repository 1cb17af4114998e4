"""The table of ``list`` on a terminal: fits any width, with one line a guest if possible.

rich's own Table measures and wraps cell by cell, which takes seconds for a full host, and can only
cut or fold a row that is too wide. Here columns give way before a row does; rich measures wide
characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..guests.columns import Column
from ..model import Guest
from .flat import NOTHING
from .list import Section
from .style import Paint, cells

_GAP = 2
_INDENT = 4
_ALL_COLUMNS_FROM = 120
"""Width from which no column gives way: names are cut instead."""
_SHORT_UUID = 8
_WHOLE_UUID = 36
_LEAST_WIDTH = 4
"""In cells: less of a text cannot be read."""
_GIVING_WAY: tuple[tuple[tuple[str, ...], bool], ...] = (
    # The columns that are dropped, and whether uuids are whole.
    ((), True),
    (("flavor",), True),
    (("flavor", "user"), True),
    ((), False),
    (("flavor",), False),
    (("flavor", "domain"), False),
    (("flavor", "user", "domain"), False),
)


def terminal_table(
    sections: Sequence[Section], *, width: int, paint: Paint, unicode: bool = True
) -> str:
    """The sections in lines of at most ``width`` cells, if a short uuid fits in."""
    cut = "…" if unicode else "~"
    if all(section.aligned for section in sections):
        lines = list(_aligned(sections, width, paint, cut))
    else:
        lines = []
        for section in sections:
            lines += [*([""] if lines else []), *_flowing(section, width, paint, cut)]
    return "".join(f"{line}\n" for line in lines)


def _heading(section: Section, width: int, paint: Paint) -> str:
    title, note = section.title, section.note
    if note and len(title) + _GAP + len(note) <= width:
        return f"{paint(title, 'title')}  {paint(note, 'quiet')}"
    return paint(title[:width], "title")


def _style(column: Column, guest: Guest, text: str) -> str:
    if text == NOTHING:
        return "quiet"
    if column.name == "state":
        return guest.state
    return column.role


def fit(text: str, width: int, cut: str, *, right: bool = False) -> str:
    """The text in exactly that many cells; what is too long ends in ``cut``."""
    if text.isascii():
        if len(text) > width:
            return text[: width - 1] + cut
        return text.rjust(width) if right else text.ljust(width)
    from rich.cells import set_cell_size  # 2 ms that ASCII does without

    if cells(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + cut


# ---- the usual columns ------------------------------------------------------------------------


class _Place(NamedTuple):
    """Where a column is in a line."""

    column: int
    """Its index in the section."""
    start: int
    width: int


def _aligned(sections: Sequence[Section], width: int, paint: Paint, cut: str) -> Iterator[str]:
    """The first column, the state and the uuid have one place in all sections."""
    tables = [[section.headers(), *section.rows()] for section in sections]
    uuids = [guest.uuid for section in sections for guest in section.guests]
    gone, short = _giving_way(sections, tables, width, _unique_length(uuids))
    if short:
        for section, table in zip(sections, tables, strict=True):
            at = _index(section, "uuid")
            for row in table[1:]:
                row[at] = row[at][:short]
    layouts = _places(sections, tables, gone, width)
    for number, (section, table, places) in enumerate(zip(sections, tables, layouts, strict=True)):
        if number:
            yield ""
        yield _heading(section, width, paint)
        yield _line(table[0], ["quiet"] * len(table[0]), places, paint, cut)
        for guest, row in zip(section.guests, table[1:], strict=True):
            roles = [
                _style(column, guest, text)
                for column, text in zip(section.columns, row, strict=True)
            ]
            yield _line(row, roles, places, paint, cut)
    if short:
        hint = "uuids are shortened; -c uuid shows them, and show takes them as they are"
        if len(hint) <= width:
            yield ""
            yield paint(hint, "quiet")


def _line(
    row: Sequence[str], roles: Sequence[str], places: Sequence[_Place], paint: Paint, cut: str
) -> str:
    parts, at = [], 0
    for place in places:
        text = fit(row[place.column], place.width, cut)
        bare = text.rstrip(" ") if place is places[-1] else text
        parts += [" " * (place.start - at), paint(bare, roles[place.column])]
        at = place.start + place.width
    return "".join(parts)


def _index(section: Section, name: str) -> int:
    return next(n for n, column in enumerate(section.columns) if column.name == name)


def _unique_length(uuids: Sequence[str]) -> int:
    """How many characters make each uuid unique: 8, unless two begin alike."""
    distinct = set(uuids)
    for length in (_SHORT_UUID, 13, 18, 23):
        if len({uuid[:length] for uuid in distinct}) == len(distinct):
            return length
    return _WHOLE_UUID


def _giving_way(
    sections: Sequence[Section], tables: Sequence[list[list[str]]], width: int, short: int
) -> tuple[tuple[str, ...], int]:
    """The slots that are dropped, and the length that uuids are cut to; 0 for whole ones."""
    natural = _natural(sections, tables)
    cut_to = short if short < _WHOLE_UUID else 0
    for gone, whole in _GIVING_WAY:
        left = {slot: wide for slot, wide in natural.items() if slot not in gone}
        left["uuid"] = natural["uuid"] if whole else short
        if _total(left) <= width:
            return gone, 0 if whole else cut_to
        if width >= _ALL_COLUMNS_FROM:
            # Names are cut, as long as they stay readable; a row has one line.
            return (), 0
    return _GIVING_WAY[-1][0], cut_to


def _natural(sections: Sequence[Section], tables: Sequence[list[list[str]]]) -> dict[str, int]:
    """Cells that each slot takes if nothing is cut but evidence, which has no slot of its own."""
    widths: dict[str, int] = {}
    for section, table in zip(sections, tables, strict=True):
        for index, column in enumerate(section.columns):
            if column.name != "evidence":
                slot = _slot(section, column.name)
                wide = max(cells(row[index]) for row in table)
                widths[slot] = max(widths.get(slot, 0), wide)
    return widths


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _places(
    sections: Sequence[Section],
    tables: Sequence[list[list[str]]],
    gone: tuple[str, ...],
    width: int,
) -> list[list[_Place]]:
    """Where each section's columns are: they share the slots of the Nova instances' columns.

    Evidence takes what is left before the uuid, and is cut to it.
    """
    natural = _natural(sections, tables)
    widths = {slot: natural[slot] for slot in _SLOTS if slot in natural and slot not in gone}
    _squeeze(widths, width)
    starts, at = {}, 0
    for slot, wide in widths.items():
        starts[slot] = at
        at += wide + _GAP
    begin = []
    wished = 0
    for section, table in zip(sections, tables, strict=True):
        behind = "project" if _has(section, "manager") else "state"
        begin.append(starts[behind] + widths[behind] + _GAP)
        if _has(section, "evidence"):
            index = _index(section, "evidence")
            wished = max(wished, begin[-1] + max(cells(row[index]) for row in table) + _GAP)
    starts["uuid"] = max(starts["uuid"], min(wished, width - widths["uuid"]))
    layouts = []
    for section, start in zip(sections, begin, strict=True):
        places = []
        for index, column in enumerate(section.columns):
            slot = _slot(section, column.name)
            if column.name == "evidence":
                places.append(_Place(index, start, starts["uuid"] - _GAP - start))
            elif slot in widths:
                places.append(_Place(index, starts[slot], min(widths[slot], width - starts[slot])))
        layouts.append([place for place in places if place.width >= _LEAST_WIDTH])
    return layouts


_SLOTS = ("host", "who", "state", "project", "user", "flavor", "domain", "uuid")
_LEAST = {"host": 10, "who": 14, "project": 10, "user": 8, "flavor": 8, "domain": 17}


def _slot(section: Section, name: str) -> str:
    """A guest without a display name is called by its domain; a manager is what a project is."""
    if name == "name" or (name == "domain" and section.kind != "nova"):
        return "who"
    return "project" if name == "manager" else name


def _has(section: Section, name: str) -> bool:
    return any(column.name == name for column in section.columns)


def _squeeze(widths: dict[str, int], width: int) -> None:
    """Take from the widest until they fit: down to what is readable, then further."""
    for least in (_LEAST, dict.fromkeys(_LEAST, 4)):
        while _total(widths) > width:
            wide = [slot for slot in widths if widths[slot] > least.get(slot, widths[slot])]
            if not wide:
                break
            widths[max(wide, key=widths.__getitem__)] -= 1


# ---- other columns ----------------------------------------------------------------------------


class _Span(NamedTuple):
    """A column in one of a row's lines, and how wide it is there."""

    column: int
    width: int


def _flowing(section: Section, width: int, paint: Paint, cut: str) -> Iterator[str]:
    """Any columns: a row that does not fit continues in the next line."""
    headers, rows = section.headers(), section.rows()
    lines = _layout(section.columns, [headers, *rows], width)
    right = [column.is_number for column in section.columns]
    yield _heading(section, width, paint)
    yield from _row(headers, ["quiet"] * len(headers), lines, right, paint, cut)
    for guest, row in zip(section.guests, rows, strict=True):
        roles = [
            _style(column, guest, text) for column, text in zip(section.columns, row, strict=True)
        ]
        yield from _row(row, roles, lines, right, paint, cut)


def _row(
    texts: Sequence[str],
    roles: Sequence[str],
    lines: Sequence[Sequence[_Span]],
    right: Sequence[bool],
    paint: Paint,
    cut: str,
) -> Iterator[str]:
    for number, line in enumerate(lines):
        parts = [(fit(texts[n], width, cut, right=right[n]), roles[n]) for n, width in line]
        text, role = parts[-1]
        parts[-1] = text.rstrip(" "), role
        yield " " * (_INDENT if number else 0) + (" " * _GAP).join(paint(*part) for part in parts)


def _layout(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int
) -> list[list[_Span]]:
    """Spread the columns over as few lines as they need, and give each the width it gets.

    All in one line if they fit, or fit once the flexible ones are cut to a readable rest;
    else they continue in further lines, in their order.
    """
    natural = [max(map(cells, texts)) for texts in zip(*rows, strict=True)]
    least = [
        min(wide, column.least) if column.least else wide
        for column, wide in zip(columns, natural, strict=True)
    ]
    lines: list[list[int]] = []
    left = 0
    for index, need in enumerate(least):
        if lines and left >= need + _GAP:
            lines[-1].append(index)
            left -= need + _GAP
        else:
            left = width - (_INDENT if lines else 0) - need
            lines.append([index])
    result = []
    for number, line in enumerate(lines):
        room = width - (_INDENT if number else 0) - _GAP * (len(line) - 1)
        result.append(_share(line, natural, least, room))
    return result


def _share(
    line: Sequence[int], natural: Sequence[int], least: Sequence[int], room: int
) -> list[_Span]:
    """Give each column its least width, then share the rest, narrow columns first."""
    widths = {index: min(least[index], room) for index in line}
    spare = room - sum(widths.values())
    wanting = sorted((i for i in line if natural[i] > widths[i]), key=lambda i: natural[i])
    for position, index in enumerate(wanting):
        share = spare // (len(wanting) - position)
        extra = min(share, natural[index] - widths[index])
        widths[index] += max(extra, 0)
        spare -= max(extra, 0)
    return [_Span(index, widths[index]) for index in line]
