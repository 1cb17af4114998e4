"""What the index of handles is asked: kinds, and ranges of keys, as SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ...handles.kinds import HANDLE_KINDS, HandleKind
from ..host import Host

if TYPE_CHECKING:
    from ...model import Guest

_LAST = "\U0010ffff"
_BEFORE_SURROGATES, _AFTER_SURROGATES = 0xD7FF, 0xE000

MOST_SPANS = 80
"""In one question: each takes up to twelve values, and SQLite before 3.32 takes 999."""

FEW_GUESTS = 5_000
"""So many are read as a whole to find similar names."""


class Span(NamedTuple):
    """The keys of a kind from ``first`` up to, and without, ``end``; None: ``first`` alone."""

    kind: HandleKind
    first: str
    end: str | None = None


def beginning(kind: HandleKind, prefix: str) -> Span:
    """All keys that begin so."""
    return Span(kind, prefix, _following(prefix))


def _following(prefix: str) -> str:
    """The first text after all that begin with the prefix."""
    bare = prefix.rstrip(_LAST)
    if not bare:
        # No text comes after all others, but no key of a guest is like this one.
        return _LAST * (len(prefix) + 8)
    last = ord(bare[-1])
    return bare[:-1] + chr(_AFTER_SURROGATES if last == _BEFORE_SURROGATES else last + 1)


class Indexed(Host, Protocol):
    """What can be asked for guests by their handles without reading all of them."""

    @property
    def several_hosts(self) -> bool:
        """Whether the guests are of more than one host."""

    @property
    def number_of_guests(self) -> int: ...

    def unread(self) -> list[Guest]:
        """The guests that could not be read when they were collected."""

    def having(self, spans: Sequence[Span]) -> list[Guest]:
        """The guests with a handle in one of the spans, and perhaps others."""

    def keys(self, span: Span) -> Iterator[str]:
        """The keys in a span, sorted, each once; also such as no guest has any more."""

    def few_keys(self, kind: HandleKind, most: int) -> list[str] | None:
        """All keys of a kind; None if there are more."""

    def narrowed(self, criteria: Sequence[Sequence[Span]]) -> Indexed:
        """The same with those guests alone that have a handle within each of the criteria."""

    def with_twins(self) -> Host:
        """What is narrowed, with the guests that have the same uuids on other hosts."""

    def kinds_of(self, keys: Sequence[str]) -> set[HandleKind]:
        """The kinds that have one of the keys; also such as no guest has any more."""


class Condition(NamedTuple):
    """SQL, and the values of the question marks in it."""

    sql: str
    values: tuple[str, ...] = ()


def guests_within(spans: Sequence[Span]) -> Condition:
    """Selects the ids of the guests with a handle in one of the spans."""
    parts = []
    values: list[str] = []
    for span in spans:
        parts.append(_from_both("guest_id", _within(span)))
        values += _values(span) * 2
    return Condition(" UNION ALL ".join(parts) or "SELECT NULL WHERE 0", tuple(values))


def guests_of_uuids(uuids: Condition) -> Condition:
    """Selects the ids of the guests with the uuids that ``uuids`` selects."""
    keys = f"SELECT replace(lower(uuid), '-', '') FROM ({uuids.sql})"
    sql = _from_both("guest_id", f"kind = 'uuid' AND value IN ({keys})")
    return Condition(sql, uuids.values * 2)


def keys_within(span: Span) -> Condition:
    """Selects the keys in a span, sorted; one can come twice, or be of guests that are gone."""
    sql = f"{_from_both('value', _within(span))} ORDER BY value"
    return Condition(sql, _values(span) * 2)


def key_after(kind: HandleKind, key: str | None) -> Condition:
    """Selects the least key of the kind that is greater; for None, of all. NULL for none."""
    condition = "kind = ?" if key is None else "kind = ? AND value > ?"
    values = (kind,) if key is None else (kind, key)
    return Condition(f"SELECT min(value) FROM all_handles WHERE {condition}", values)


def kinds_with(keys: Sequence[str]) -> Condition:
    """Selects the kinds that have one of the keys; also of guests that are gone."""
    kinds = ", ".join(f"'{kind}'" for kind in HANDLE_KINDS)
    marks = ", ".join("?" * len(keys))
    sql = _from_both("kind", f"kind IN ({kinds}) AND value IN ({marks})")
    return Condition(sql, tuple(keys) * 2)


def _within(span: Span) -> str:
    return (
        "kind = ? AND value = ?" if span.end is None else ("kind = ? AND value >= ? AND value < ?")
    )


def _values(span: Span) -> tuple[str, ...]:
    return (span.kind, span.first) if span.end is None else (span.kind, span.first, span.end)


def _from_both(column: str, condition: str) -> str:
    return (
        f"SELECT {column} FROM all_handles WHERE {condition} UNION ALL "
        # Mostly there are none. If there are, those of each host are at one place.
        f"SELECT {column} FROM hosts CROSS JOIN new_handles ON host_id = hosts.id "
        f"WHERE EXISTS (SELECT 1 FROM new_handles) AND {condition}"
    )
