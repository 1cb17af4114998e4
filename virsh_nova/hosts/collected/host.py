"""A collected file, read: all of its hosts as one, or each of them."""

from __future__ import annotations

import copy
import sqlite3
import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from ...document.decode import decoded_guest
from ...document.outline import decoded_outline
from ...errors import HostError
from ...handles.kinds import HANDLE_KINDS, HandleKind
from ...inputs.values import FieldError, checked_moment, one_line
from ...model import Guest, GuestKey, Sighting
from ..ages import age_in_words
from ..host import (
    NOTHING_TO_REPORT,
    Chosen,
    Detail,
    Note,
    Notes,
    Progress,
    Versions,
    everyone,
    no_progress,
)
from ..in_memory import InMemory, Reading
from ..many import ManyHosts
from ..reasons import Failure, reasons
from ..saved import SavedGuest, with_block_text
from ..template import node_of
from .schema import open_to_read, why, without_surrogates
from .spans import (
    Condition,
    Span,
    guests_of_uuids,
    guests_within,
    key_after,
    keys_within,
    kinds_with,
)

_LARGEST_DOCUMENT = 32 * 2**20
"""Bytes; the document of a guest with a thousand disks has less than one million."""
_MOST_FAULTS = 20
_MOST_REASONS = 20
_TURN = 100
_MOST_REMEMBERED = 2000
"""Guests that are looked up: a line of text names the same ones again and again."""

_DOCUMENT = (
    f"CASE WHEN length(CAST(document AS BLOB)) <= {_LARGEST_DOCUMENT} "
    "THEN CAST(document AS BLOB) END"
)
_ALL = Condition("")

Decode = Callable[[bytes], Guest]
"""Raises ``FieldError``."""


class _Row(NamedTuple):
    """A row of ``hosts``."""

    id: int
    name: str | None
    name_guessed: int
    source: str
    error: str | None
    hint: str | None
    tried_at: str | None
    read_at: str | None
    seconds: float
    libvirt: str | None
    qemu: str | None


_COLUMNS = ", ".join(_Row._fields)


class CollectedFile(ManyHosts):
    """All hosts of a file. Everything that reads it raises ``HostError`` where that fails."""

    has_index = True

    def __init__(self, path: str) -> None:  # the hosts are found when they are asked for
        self.path = path
        self._connection = open_to_read(path)
        # What is no text is shown as far as it goes.
        self._connection.text_factory = lambda data: data.decode("utf-8", "replace")
        self._faults: dict[str, None] = {}
        self._narrowed = _ALL
        """Which guests are read, as the end of a select."""
        self._remembered: dict[int, tuple[bytes, Guest]] = {}
        try:
            self._refuse_empty()
        except BaseException:
            self.close()
            raise

    def _refuse_empty(self) -> None:
        if not self._rows:
            if self._faults:
                raise HostError(
                    f"{self.path}: no host in it can be read: every row of its table hosts is "
                    "damaged",
                    "collect the hosts into a new file, or use a copy of this one",
                )
            raise HostError(f"{self.path}: holds no host yet", "nova-domains collect writes it")

    def close(self) -> None:
        self._connection.close()

    # ---- the hosts

    @cached_property
    def _rows(self) -> list[_Row]:
        rows = []
        for values in self._ask(f"SELECT {_COLUMNS} FROM hosts ORDER BY name, source, id"):
            row = _Row(*values)
            if _is_sound(row):
                rows.append(row)
            else:
                self._fault(f"the row of host {row.id} is damaged; skipped")
        return rows

    @property
    def hosts(self) -> tuple[CollectedHost, ...]:
        first, *others = self._rows
        # What is to be said of all of them the first says.
        return (
            CollectedHost(self, first, speaks_for_all=True),
            *(CollectedHost(self, row) for row in others),
        )

    @property
    def name(self) -> str | None:
        """The one that they all have."""
        names = {row.name for row in self._rows}
        return names.pop() if len(names) == 1 else None

    @property
    def certain_name(self) -> str | None:
        return None if any(row.name_guessed for row in self._rows) else self.name

    @property
    def certain_names(self) -> frozenset[str]:
        rows = (row for row in self._rows if row.read_at and not row.name_guessed)
        return frozenset(row.name for row in rows if row.name is not None)

    @property
    def documents(self) -> frozenset[str | None]:
        return frozenset(row.name for row in self._rows)

    @property
    def is_this_machine(self) -> bool:
        return False

    @property
    def read_at(self) -> datetime | None:
        """When the oldest of them was read."""
        return _moment(min((row.read_at for row in self._rows if row.read_at), default=None))

    @property
    def notes(self) -> Notes:
        """Warnings first: on hosts that could not be read at the last try, and damaged rows."""
        faults = list(self._faults)
        warnings = [*self._not_read(), *faults[:_MOST_FAULTS]]
        if more := faults[_MOST_FAULTS:]:
            warnings.append(f"{self.path}: {len(more)} more faults like these")
        lines = [Note("warning", text) for text in warnings]
        return Notes((*lines, Note("note", self._notice())), incomplete=bool(warnings))

    def _not_read(self) -> Iterator[str]:
        total = len(self._rows)
        found = reasons(_failure(row) for row in self._rows if row.error)
        for number, each in enumerate(found):
            hosts = len(each.hosts)
            if total == 1:
                yield f"the host was not read at the last try: {each}"
                return
            if number == _MOST_REASONS:
                left = sum(len(reason.hosts) for reason in found[number:])
                yield f"{left} of {total} hosts were not read at the last try, for more reasons"
                return
            were = "was" if hosts == 1 else "were"
            yield f"{hosts} of {total} hosts {were} not read at the last try: {each}"

    def _notice(self) -> str:
        ((guests,),) = self._ask("SELECT count(*) FROM guests_read")
        hosts = len(self._rows)
        read = (
            f"read from {self.path}: {hosts} host{'' if hosts == 1 else 's'}, "
            f"{guests} guest{'' if guests == 1 else 's'}"
        )
        oldest = self.read_at
        if oldest is None:
            return read
        age = age_in_words(time.time() - oldest.timestamp())
        return f"{read}, the oldest as of {oldest:%Y-%m-%d %H:%M:%S} UTC, {age}"

    # ---- the guests

    @property
    def number_of_guests(self) -> int:
        number: int
        ((number,),) = self._ask(
            f"SELECT count(*) FROM guests_read {self._narrowed.sql}", self._narrowed.values
        )
        return number

    @property
    def several_hosts(self) -> bool:
        ids = self._ask("SELECT DISTINCT host_id FROM guests_read")
        names = {row.id: row.name for row in self._rows}
        return len({names.get(id_) for (id_,) in ids}) > 1

    def unread(self) -> list[Guest]:
        # Left to itself, SQLite reads all guests, because they are in the order of their ids.
        where = "INDEXED BY guests_unreadable WHERE kind = 'unreadable'"
        return list(self._read(Condition(where)))

    def sightings(self) -> list[Sighting]:
        return [SavedGuest(guest).sighting for guest in self._read(self._narrowed)]

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        total = 0 if progress is no_progress else self.number_of_guests
        return read_guests(self._read(self._narrowed), detail, chosen, progress, total)

    def outlines(self) -> Iterator[Guest]:
        """All guests, as ``document.outline`` has them: one after the other."""
        return self._read(self._narrowed, decoded_outline)

    def stream(self, chosen: Container[GuestKey] | None = None) -> Iterator[Guest]:
        """All guests, or those of these keys, whole: one after the other."""
        guests = self._read(self._narrowed)
        return (with_block_text(one) for one in guests if chosen is None or one.key in chosen)

    def of_host(self, host: int) -> Iterator[Guest]:
        return self._read(Condition("WHERE host_id = ?", (str(host),)))

    def narrowed(self, criteria: Sequence[Sequence[Span]]) -> CollectedFile:
        """The same with those guests alone that have a handle within each of the criteria."""
        selects = [guests_within(spans) for spans in criteria]
        if not selects:
            return self
        where = " AND ".join(f"id IN ({select.sql})" for select in selects)
        values = (value for select in selects for value in select.values)
        return self._where(Condition(f"WHERE {where}", tuple(values)))

    def with_twins(self) -> CollectedFile:
        """With the guests, too, that have the same uuids on other hosts."""
        sql = f"SELECT uuid FROM guests_read {self._narrowed.sql}"
        select = guests_of_uuids(Condition(sql, self._narrowed.values))
        return self._where(Condition(f"WHERE id IN ({select.sql})", select.values))

    def _where(self, condition: Condition) -> CollectedFile:
        narrow = copy.copy(self)
        narrow._narrowed = condition
        return narrow

    def _read(self, which: Condition, decode: Decode = decoded_guest) -> Iterator[Guest]:
        sql = f"SELECT uuid, {_DOCUMENT} FROM guests_read {which.sql} ORDER BY id"
        for uuid, document in self._ask(sql, which.values):
            guest = self._decoded(uuid, document, decode)
            if guest is not None:
                yield guest

    def _decoded(
        self, uuid: object, document: bytes | None, decode: Decode = decoded_guest
    ) -> Guest | None:
        try:
            if document is None:
                raise FieldError("", "its document is too large")
            return decode(document)
        except FieldError as error:
            self._fault(f"guest {one_line(str(uuid))}: {error}; skipped")
            return None

    # ---- asked by handles

    def having(self, spans: Sequence[Span]) -> list[Guest]:
        """The guests with a handle within one of the spans."""
        select = guests_within(spans)
        sql = f"SELECT id, uuid, {_DOCUMENT} FROM guests_read WHERE id IN ({select.sql})"
        guests = []
        for id_, uuid, document in self._ask(sql, select.values):
            known = self._remembered.get(id_)
            if known and known[0] == document:
                guests.append(known[1])
                continue
            guest = self._decoded(uuid, document)
            if guest is not None:
                guests.append(guest)
                if len(self._remembered) >= _MOST_REMEMBERED:
                    self._remembered.clear()
                self._remembered[id_] = document, guest
        return guests

    def keys(self, span: Span) -> Iterator[str]:
        """The keys in a span, sorted, each once; also such as no guest has any more."""
        last = None
        for (key,) in self._ask(*keys_within(span)):
            if key != last:
                yield str(key)
            last = key

    def few_keys(self, kind: HandleKind, most: int) -> list[str] | None:
        """All keys of a kind; None if there are more."""
        keys: list[str] = []
        ((new,),) = self._ask("SELECT EXISTS (SELECT 1 FROM new_handles)")
        if new:
            return None
        # Each with a question of its own: a project has thousands of guests.
        key = self._next_key(kind, None)
        while key is not None:
            if len(keys) == most:
                return None
            keys.append(key)
            key = self._next_key(kind, key)
        return keys

    def _next_key(self, kind: HandleKind, key: str | None) -> str | None:
        ((found,),) = self._ask(*key_after(kind, key))
        return None if found is None else str(found)

    def kinds_of(self, keys: Sequence[str]) -> set[HandleKind]:
        """The kinds that have one of the keys; also such as no guest has any more."""
        found = {kind for (kind,) in self._ask(*kinds_with(keys))}
        return {kind for kind in HANDLE_KINDS if kind in found}

    # ---- asking

    def _ask(self, sql: str, values: Sequence[str] = ()) -> Iterator[tuple[Any, ...]]:
        # What was typed may be no text.
        values = [text if text.isascii() else without_surrogates(text) for text in values]
        try:
            yield from self._connection.execute(sql, values)
        except sqlite3.Error as error:
            raise HostError(*why(self.path, error)) from error

    def _fault(self, text: str) -> None:
        self._faults[f"{self.path}: {text}"] = None


class CollectedHost(InMemory):
    """One host of the file."""

    is_this_machine = False

    def __init__(self, file: CollectedFile, row: _Row, *, speaks_for_all: bool = False) -> None:
        self._file = file
        self._row = row
        self._speaks_for_all = speaks_for_all
        self.name = row.name
        self.certain_name = None if row.name_guessed else row.name
        self.read_at = _moment(row.read_at)
        tried_at = _moment(row.tried_at)
        assert tried_at is not None
        self.reading = Reading(
            row.source,
            self.read_at or tried_at,
            row.seconds,
            None if row.error is None else HostError(row.error, row.hint or ""),
            Versions(row.libvirt, row.qemu),
        )

    @property
    def documents(self) -> frozenset[str | None]:
        return frozenset((self.name,))

    @property
    def notes(self) -> Notes:
        return self._file.notes if self._speaks_for_all else NOTHING_TO_REPORT

    def sightings(self) -> list[Sighting]:
        return [SavedGuest(guest).sighting for guest in self._file.of_host(self._row.id)]

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        return read_guests(self._file.of_host(self._row.id), detail, chosen, progress, 0)


def read_guests(
    guests: Iterable[Guest], detail: Detail, chosen: Chosen, progress: Progress, total: int
) -> list[Guest]:
    """``Host.guests`` for guests that are decoded one after the other."""
    taken = []
    for number, guest in enumerate(guests):
        if number % _TURN == 0:
            progress(number, max(number, total))
        saved = SavedGuest(guest)
        if chosen(saved.sighting):
            taken.append(saved.guest(detail))
    progress(total, total)
    return taken


def _failure(row: _Row) -> Failure:
    unnamed = "://" in row.source and node_of(row.source) is None
    return Failure(row.source, row.error or "", row.name if unnamed else None)


def _is_sound(row: _Row) -> bool:
    """Whether each value is what the column is for: SQLite lets any column hold anything."""
    texts = (row.source, row.tried_at)
    optional = (row.name, row.error, row.hint, row.read_at, row.libvirt, row.qemu)
    if not (
        all(isinstance(text, str) for text in texts)
        and all(text is None or isinstance(text, str) for text in optional)
        and isinstance(row.seconds, (int, float))
    ):
        return False
    try:
        _moment(row.tried_at)
        _moment(row.read_at)
    except FieldError:
        return False
    return True


def _moment(text: str | None) -> datetime | None:
    return None if text is None else checked_moment(text, "")
