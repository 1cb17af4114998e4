"""The tables of a collected file: its index finds the guests, and these say what was found.

The index is trusted to find them and with nothing else: what a guest is asked for by comes from its
document, by the same code as in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from ..handles.identifiers import identifiers, keys_of
from ..handles.kinds import HandleKind
from ..hosts.collected.networks import keys_in
from ..hosts.collected.spans import FEW_GUESTS, Span, beginning
from ..model import Guest
from .answer import Answer
from .tables import MemoryTables, in_order

if TYPE_CHECKING:
    from ..hosts.collected.spans import Indexed
    from .tables import Network

_MOST_NAMES = 5_000
_SPELLED = {8: "-", 12: "-", 16: "-", 20: "-"}


class IndexedTables:
    """As ``Tables``."""

    def __init__(self, file: Indexed) -> None:
        self._file = file
        self._few: MemoryTables | None = None

    @property
    def several_hosts(self) -> bool:
        return self._file.several_hosts

    @property
    def unread(self) -> Sequence[Guest]:
        return self._file.unread()

    def kinds(self, keys: Iterable[str]) -> set[HandleKind]:
        return self._file.kinds_of(tuple(keys))

    def found(self, kind: HandleKind, key: str) -> list[Answer]:
        return self._by_key(Span(kind, key)).get(key, [])

    def beginning(self, kind: HandleKind, prefix: str) -> Iterator[list[Answer]]:
        found = self._by_key(beginning(kind, prefix))
        return (found[key] for key in sorted(found) if key.startswith(prefix))

    def in_network(self, network: Network) -> Iterator[list[Answer]]:
        keys = keys_in(network, self._file)
        return (found for key in keys if (found := self.found("ip", key)))

    def names(self, kind: HandleKind, like: str) -> Iterator[str]:
        if self._few is None and self._file.number_of_guests <= FEW_GUESTS:
            self._few = MemoryTables(self._file.guests("whole"))
        if self._few is not None:
            yield from self._few.names(kind)
            return
        start = like[:2]
        for spelled in dict.fromkeys((start, start.upper(), start.title())):
            for key in islice(self._file.keys(beginning(kind, spelled)), _MOST_NAMES):
                yield _as_written(kind, key)

    def _by_key(self, span: Span) -> dict[str, list[Answer]]:
        """All answers of the guests within a span that are of its kind, by their keys."""
        return answers_by_key(span.kind, self._file.having([span]))


def answers_by_key(kind: HandleKind, guests: Sequence[Guest]) -> dict[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for guest in in_order(guests):
        for identifier in identifiers(guest):
            if identifier.kind == kind:
                answer = Answer(kind, identifier.value, guest, identifier.detail)
                for key in keys_of(identifier):
                    found.setdefault(key, []).append(answer)
    return found


def _as_written(kind: HandleKind, key: str) -> str:
    """A key as people write it: with the dashes of a uuid, and the colons of a MAC."""
    if kind == "mac":
        return ":".join(key[place : place + 2] for place in range(0, len(key), 2))
    if kind in ("uuid", "port", "volume") and len(key) == 32:
        return "".join(_SPELLED.get(place, "") + digit for place, digit in enumerate(key))
    return key
