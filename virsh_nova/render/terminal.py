"""The table on a terminal, drawn with rich: fits the width and colours what matters.

rich's own Table measures and wraps cell by cell, which takes seconds for a full host, and can
only cut or fold a row that is too wide. Here a row that does not fit goes on in a second line,
so that at 80 columns nothing has to be cut; rich does the colours, the widths of wide
characters, and the output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.segment import Segment
from rich.style import Style

from ..guests.columns import Column
from ..model import Guest
from .flat import NOTHING
from .list import Section
from .show import guest_groups, guest_title, label_width

_GAP = 2
_INDENT = 4
# No column is cut below this for the sake of others: it goes on in the next line then.
_LEAST_WIDTH = 10
_LEAST_WIDTH_OF = {
    "name": 14,
    "evidence": 48,
    "description": 48,
    "ips": 24,
    "root": 42,
    "namespace": 43,
}
# What identifies a guest gives way last; a state or a time makes no sense cut.
_NEVER_CUT_FOR_OTHERS = (
    "uuid",
    "domain",
    "id",
    "state",
    "created",
    "kind",
    "project id",
    "user id",
)

_TITLE = Style(bold=True)
_COUNT = Style(dim=True)
_HEADER = Style(dim=True)
_DIM = Style(dim=True)
_STYLE_OF_COLUMN = {
    "name": Style(bold=True),
    "project": Style(color="cyan"),
    "user": Style(color="cyan"),
    "manager": Style(color="magenta"),
    "created": _DIM,
    "evidence": _DIM,
    "namespace": _DIM,
}
_STYLE_OF_STATE = {
    "running": Style(color="green"),
    "blocked": Style(color="green"),
    "paused": Style(color="yellow"),
    "pmsuspended": Style(color="yellow"),
    "shutdown": Style(color="yellow"),
    "shutoff": _DIM,
    "crashed": Style(color="red", bold=True),
}


class _Span(NamedTuple):
    """Where a column stands: in which of a row's lines, and how wide."""

    column: int
    width: int


def make_console(width: int | None = None) -> Console:
    """A console for untrusted text, which renders into a string."""
    return Console(
        file=StringIO(),
        force_terminal=True,
        width=width,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
    )


def rendered(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def terminal_table(sections: Sequence[Section], *, width: int | None, unicode: bool) -> str:
    console = make_console(width)
    console.print(_Sections(sections, unicode), end="")
    return rendered(console)


class _Sections:
    def __init__(self, sections: Sequence[Section], unicode: bool) -> None:
        self.sections = sections
        self.rule = "─" if unicode else "-"
        self.ellipsis = "…" if unicode else "~"

    def __rich_console__(self, console: Console, _options: object) -> Iterator[Segment]:
        tables = [(section, section.headers(), section.rows()) for section in self.sections]
        layouts = [
            _layout(section.columns, [headers, *rows], console.width)
            for section, headers, rows in tables
        ]
        used = max((_width(lines) for lines in layouts), default=0)
        for number, (table, lines) in enumerate(zip(tables, layouts, strict=True)):
            if number:
                yield Segment.line()
            yield from self.section(*table, lines, used)

    def section(
        self,
        section: Section,
        headers: list[str],
        rows: list[list[str]],
        lines: list[list[_Span]],
        used: int,
    ) -> Iterator[Segment]:
        yield Segment(section.title, _TITLE)
        yield Segment(f"  {len(section.guests)}\n", _COUNT)
        for line in self.row(headers, lines, [_HEADER] * len(headers)):
            yield from line
        yield Segment(self.rule * used + "\n", _DIM)
        for guest, row in zip(section.guests, rows, strict=True):
            for line in self.row(row, lines, [_style(column, guest) for column in section.columns]):
                yield from line

    def row(
        self, cells: Sequence[str], lines: Sequence[Sequence[_Span]], styles: Sequence[Style | None]
    ) -> Iterator[list[Segment]]:
        for number, line in enumerate(lines):
            segments = [Segment(" " * _INDENT)] if number else []
            for span in line:
                text = self.fit(cells[span.column], span.width)
                style = _DIM if cells[span.column] == NOTHING else styles[span.column]
                segments.append(Segment(text, style))
                segments.append(Segment(" " * _GAP))
            segments[-1] = Segment("\n")
            segments[-2] = Segment(segments[-2].text.rstrip(" "), segments[-2].style)
            yield segments

    def fit(self, text: str, width: int) -> str:
        if text.isascii():
            if len(text) <= width:
                return text.ljust(width)
            return text[: width - 1] + self.ellipsis
        if cell_len(text) <= width:
            return set_cell_size(text, width)
        return set_cell_size(text, width - 1) + self.ellipsis


def _width(lines: Sequence[Sequence[_Span]]) -> int:
    return max(
        sum(span.width for span in line) + _GAP * (len(line) - 1) + (_INDENT if number else 0)
        for number, line in enumerate(lines)
    )


def _style(column: Column, guest: Guest) -> Style | None:
    if column.name == "manager" and guest.manager == "unknown":
        return _DIM
    if column.name == "state":
        return _STYLE_OF_STATE.get(guest.state)
    return _STYLE_OF_COLUMN.get(column.name)


def _layout(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int
) -> list[list[_Span]]:
    """Spread the columns over as few lines as they need, and give each the width it gets.

    All in one line if they fit, or fit once the flexible ones are cut to a readable rest;
    else they go on in further lines, in their order.
    """
    natural = [max(map(cell_len, texts)) for texts in zip(*rows, strict=True)]
    least = [
        wide
        if column.name in _NEVER_CUT_FOR_OTHERS
        else min(wide, _LEAST_WIDTH_OF.get(column.name, _LEAST_WIDTH))
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
    """Give each column its least, then what is left to those that want more, the modest first."""
    widths = {index: min(least[index], room) for index in line}
    spare = room - sum(widths.values())
    wanting = sorted((i for i in line if natural[i] > widths[i]), key=lambda i: natural[i])
    for position, index in enumerate(wanting):
        share = spare // (len(wanting) - position)
        extra = min(share, natural[index] - widths[index])
        widths[index] += max(extra, 0)
        spare -= max(extra, 0)
    return [_Span(index, widths[index]) for index in line]


def terminal_details(guests: Sequence[Guest], *, width: int | None) -> str:
    """``show`` on a terminal: labels dim, long texts wrapped under their own beginning."""
    from rich.table import Table
    from rich.text import Text

    console = make_console(width)
    for number, guest in enumerate(guests):
        if number:
            console.print()
        state = Text(guest.state, style=_STYLE_OF_STATE.get(guest.state, Style.null()))
        console.print(Text.assemble((guest_title(guest), "bold"), "  ", state))
        groups = guest_groups(guest)
        labels = label_width(groups)
        for group in groups:
            if group.title:
                console.print()
                console.print(Text(f"  {group.title}", style="bold"))
            grid = Table.grid(padding=(0, _GAP, 0, 0))
            grid.add_column(width=_GAP)
            grid.add_column(width=labels, style="dim", no_wrap=True)
            grid.add_column(overflow="fold")
            style = Style.null()
            for line in group.lines:
                if line.label:
                    style = _STYLE_OF_COLUMN.get(line.label, Style.null())
                grid.add_row("", Text(line.label), Text(line.text, style=style))
            console.print(grid, soft_wrap=False)
    return rendered(console)
