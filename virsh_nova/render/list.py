"""How a list is divided: a section for each kind of guest, with its count and its columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..guests.columns import COLUMNS, DEFAULT, FOREIGN, LONG, UNSTAMPED, Column
from ..model import Guest, Kind
from .flat import text_of
from .safe import cell

TITLES: dict[Kind, str] = {
    "nova": "Nova instances",
    "nova-unstamped": "Nova instances without metadata",
    "foreign": "Foreign guests",
}


class Section(NamedTuple):
    title: str
    columns: tuple[Column, ...]
    guests: tuple[Guest, ...]

    def headers(self) -> list[str]:
        return [column.name.upper() for column in self.columns]

    def rows(self) -> list[list[str]]:
        """A row of safe cells for each guest."""
        return [[_cell(column, guest) for column in self.columns] for guest in self.guests]


def _cell(column: Column, guest: Guest) -> str:
    value = column.value(guest)
    if column.name == "evidence" and isinstance(value, tuple) and len(value) > 1:
        # The strongest comes first; show has them all.
        value = f"{value[0]} (+{len(value) - 1} more)"
    return cell(text_of(value))


def sections(
    guests: Iterable[Guest], columns: Sequence[Column] = (), *, long: bool = False
) -> list[Section]:
    """Those that have guests; ``columns``, where given, stand in all of them."""
    names: dict[Kind, Sequence[str]] = {
        "nova": LONG if long else DEFAULT,
        "nova-unstamped": UNSTAMPED,
        "foreign": FOREIGN,
    }
    everyone = list(guests)
    result = []
    for kind, title in TITLES.items():
        mine = tuple(guest for guest in everyone if guest.kind == kind)
        if mine:
            chosen = tuple(columns) or tuple(COLUMNS[name] for name in names[kind])
            result.append(Section(title, chosen, mine))
    return result
