"""``list``: a section for each kind of guest, as a plain table or on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..guests.columns import COLUMNS, DEFAULT, FOREIGN, LONG, UNREADABLE, UNSTAMPED, Column
from ..model import Guest, Kind
from .flat import text_of
from .safe import cell

_TITLES: dict[Kind, tuple[str, str]] = {
    "nova": ("Nova instance", "Nova instances"),
    "nova-unstamped": ("Nova instance without metadata", "Nova instances without metadata"),
    "foreign": ("foreign guest", "foreign guests"),
    "unreadable": ("guest that could not be read", "guests that could not be read"),
}
_NOTES: dict[Kind, str] = {"nova-unstamped": "stamp can write it"}


class Section(NamedTuple):
    """Guests of one kind, with the columns that they have in common."""

    kind: Kind
    columns: tuple[Column, ...]
    guests: tuple[Guest, ...]
    aligned: bool
    """Whether the columns are the usual ones, which all sections have in the same places."""

    @property
    def title(self) -> str:
        """``7 Nova instances``."""
        singular, plural = _TITLES[self.kind]
        return f"{len(self.guests)} {singular if len(self.guests) == 1 else plural}"

    @property
    def note(self) -> str:
        return _NOTES.get(self.kind, "")

    def headers(self) -> list[str]:
        return [column.title for column in self.columns]

    def rows(self) -> list[list[str]]:
        """A row of safe cells for each guest."""
        return [[_cell(column, guest) for column in self.columns] for guest in self.guests]


def kind_in_words(kind: Kind) -> str:
    """``Nova instance without metadata``."""
    return _TITLES[kind][0]


def sections(
    guests: Iterable[Guest], columns: Sequence[Column] = (), *, long: bool = False
) -> list[Section]:
    """Those that have guests; ``columns``, where given, are those of all of them.

    With guests of several hosts the usual columns begin with the host.
    """
    everyone = list(guests)
    several_hosts = len({guest.host for guest in everyone}) > 1
    names: dict[Kind, Sequence[str]] = {
        "nova": LONG if long else DEFAULT,
        "nova-unstamped": UNSTAMPED,
        "foreign": FOREIGN,
        "unreadable": UNREADABLE,
    }
    result = []
    for kind in _TITLES:
        mine = tuple(guest for guest in everyone if guest.kind == kind)
        if mine:
            usual = (*(("host",) if several_hosts else ()), *names[kind])
            chosen = tuple(columns) or tuple(COLUMNS[name] for name in usual)
            result.append(Section(kind, chosen, mine, aligned=not columns and not long))
    return result


def _cell(column: Column, guest: Guest) -> str:
    value = column.value(guest)
    if column.name == "evidence" and isinstance(value, tuple) and len(value) > 1:
        # The strongest comes first; show has them all.
        value = f"{value[0]} (+{len(value) - 1} more)"
    return cell(text_of(value))


def plain_table(sections: Sequence[Section]) -> str:
    """For a pipe: tabulate's, never cut."""
    # The choice of a format.
    from inspect import signature

    import tabulate

    # A name may begin or end with blanks. tabulate takes an argument since 0.10, a global before.
    tabulate.PRESERVE_WHITESPACE = True
    takes = "preserve_whitespace" in signature(tabulate.tabulate).parameters
    keep: dict[str, Any] = {"preserve_whitespace": True} if takes else {}
    tables = []
    for section in sections:
        table = tabulate.tabulate(
            section.rows(),
            section.headers(),
            tablefmt="simple",
            disable_numparse=True,
            colalign=["right" if column.is_number else "left" for column in section.columns],
            **keep,
        )
        tables.append(f"{section.title}\n\n{table}\n")
    return "\n".join(tables)
