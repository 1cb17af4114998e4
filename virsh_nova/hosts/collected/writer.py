"""``collect``: what was read of each host goes into the file, one transaction a host."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import lru_cache
from hashlib import blake2b
from types import TracebackType
from typing import NamedTuple

import msgspec

from ...document.encode import whole_document
from ...guests.host_names import same_host
from ...handles.identifiers import Identifier, identifiers, keys_of
from ...handles.kinds import HandleKind
from ...model import Guest
from ..fleet import HostRead, labelled
from ..template import node_of
from ..this_machine import look_up_name, split_uri
from .schema import (
    CollectedError,
    open_to_write,
    put_at_rest,
    transaction,
    why,
    without_surrogates,
)

Handle = tuple[str, str]
"""A kind and a key."""

_MOST_VALUES = 999
"""In a statement, before SQLite 3.32."""

_SHARED = ("flavor", "image", "project", "user")
"""Kinds of which there are few values, and of each thousands of guests."""


class _Known(NamedTuple):
    """A host that the file knows already."""

    id: int
    name: str | None
    source: str
    read_at: str | None


class Writer:
    """One run of ``collect``, as a context manager. All of it raises ``CollectedError``."""

    def __init__(self, path: str, sources: Collection[str] = ()) -> None:
        """``sources`` are all that this run reads: none of them takes the place of another."""
        self.path = path
        self.older = 0
        """Hosts that the file knows from a later time than they were read at now."""
        self.moved = 0
        """Hosts that came from another source before."""
        self._sources = frozenset(map(_lasting, sources))
        self._written: set[int] = set()
        """The hosts of this run: two machines may have one name."""
        self._dropped = False
        """Whether there may be handles of guests that are gone."""
        self._connection = open_to_write(path)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            with self._errors():
                if kind is None:
                    self._index()
                put_at_rest(self._connection)
        except CollectedError:
            # The first error is the one to report.
            if kind is None:
                raise
        finally:
            self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise CollectedError(*why(self.path, error)) from error

    # ---- a host

    def store(self, read: HostRead) -> None:
        """Put a host into the file, in place of what was known of it.

        Of one that failed, what was known stays, and gets the error beside it.
        """
        source = without_surrogates(_lasting(read.source))
        read = read._replace(source=source, name=_text(read.name))
        with self._errors(), transaction(self._connection):
            # Guests and an error: what another collected file knows of a host that failed since.
            stored = self._store_guests(read) if read.error is None or read.guests else None
            if read.error is not None:
                self._store_error(read, stored)

    def _store_guests(self, read: HostRead) -> int:
        """Returns the id of the host."""
        known = self._place_of(read)
        if self._is_taken(read.name, known):
            read = _apart(read)
        read_at = iso(read.read_at)
        if known and known.source != read.source and known.read_at is not None:
            if known.read_at > read_at:
                self.older += 1
                self._written.add(known.id)
                return known.id
            self.moved += 1
        host = self._write_host(
            known.id if known else None,
            {
                "name": read.name,
                "name_guessed": int(read.certain_name is None),
                "source": read.source,
                "status": "read",
                "error": None,
                "hint": None,
                "tried_at": iso(datetime.now(timezone.utc)),
                "read_at": read_at,
                "seconds": read.seconds,
                "libvirt": read.versions.libvirt,
                "qemu": read.versions.hypervisor,
            },
        )
        self._write_guests(host, read.guests)
        return host

    def _store_error(self, read: HostRead, stored: int | None) -> None:
        """``stored`` is the id of a host whose guests came all the same."""
        assert read.error is not None
        error = {
            "status": "failed",
            "error": _text(read.error.message),
            "hint": _text(read.error.hint),
            "tried_at": iso(datetime.now(timezone.utc)),
        }
        # Files can hold several hosts: those that were read stay as they are.
        failed = [known.id for known in self._of_source(read)] if stored is None else [stored]
        for host in failed:
            self._write_host(host, error)
        if not failed:
            name = read.name or (_own_name() if _is_local(read) else None)
            values = {"name": name, "name_guessed": 1, "source": read.source, **error}
            self._write_host(None, {**values, "seconds": read.seconds})

    def _place_of(self, read: HostRead) -> _Known | None:
        """Where what was known of this host is; None for one that is new."""
        guessed = int(read.certain_name is None)
        same = "source = ? AND name IS ? AND name_guessed = ?"
        if found := self._known(same, read.source, read.name, guessed):
            return found[0]
        # Where another host had the name already, it was written under one of its own.
        if read.name and (
            found := self._known(same, read.source, labelled(read.name, read.source), 1)
        ):
            return found[0]
        # A host that could not be reached so far had only the name that its source gives it.
        of_source = self._of_source(read)
        for known in of_source:
            if known.read_at is None or read.given_name or node_of(read.source):
                return known
        if guessed:
            return None
        named = self._known("name = ? AND name_guessed = 0", read.name)
        return next(
            (
                known
                for known in named
                if known.source not in self._sources and _can_be_one(known.source, read.source)
            ),
            None,
        )

    def _is_taken(self, name: str | None, known: _Known | None) -> bool:
        """Whether another host in the file has that name: a guest is host and uuid there too."""
        sql = "SELECT EXISTS (SELECT 1 FROM hosts WHERE name = ? AND id IS NOT ?)"
        row = self._connection.execute(sql, (name, known.id if known else None)).fetchone()
        return bool(row[0])

    def _of_source(self, read: HostRead) -> list[_Known]:
        """The hosts that came from this source, as far as they can be the same."""
        found = self._known("source = ?", read.source)
        if not _is_local(read):
            return found
        # Several machines may keep what they collect of themselves in one file.
        name = read.name or _own_name()
        return [known for known in found if same_host(known.name or "", name)]

    def _known(self, condition: str, *values: object) -> list[_Known]:
        rows = self._connection.execute(
            f"SELECT id, name, source, read_at FROM hosts WHERE {condition} ORDER BY id", values
        )
        return [known for row in rows if (known := _Known(*row)).id not in self._written]

    def _write_host(self, host: int | None, values: Mapping[str, object]) -> int:
        if host is None:
            marks = ", ".join("?" * len(values))
            sql = f"INSERT INTO hosts ({', '.join(values)}) VALUES ({marks})"
            host = self._connection.execute(sql, tuple(values.values())).lastrowid
            assert host is not None
        else:
            changes = ", ".join(f"{column} = ?" for column in values)
            sql = f"UPDATE hosts SET {changes} WHERE id = ?"
            self._connection.execute(sql, (*values.values(), host))
        self._written.add(host)
        return host

    # ---- its guests

    def _write_guests(self, host: int, guests: Sequence[Guest]) -> None:
        """Guests whose handles are as they were keep their ids: no index has to change."""
        ask = self._connection.execute
        left: dict[tuple[str, bytes], list[int]] = {}
        sql = "SELECT id, uuid, handles FROM guests_read WHERE host_id = ? ORDER BY id DESC"
        for id_, uuid, digest in ask(sql, (host,)):
            left.setdefault((uuid, digest), []).append(id_)
        last = ask("SELECT seq FROM sqlite_sequence WHERE name = 'guests_read'").fetchone()
        next_id = last[0] + 1 if last else 1
        new, changed, handles = [], [], []
        for guest in guests:
            found = sorted(handles_of(guest))
            digest = blake2b("\0".join(map("\1".join, found)).encode(), digest_size=8).digest()
            columns = (_text(guest.domain), guest.state, guest.kind, _document(guest))
            same = left.get((guest.uuid, digest))
            if same:
                changed.append((*columns, same.pop()))
                continue
            new.append((next_id, host, guest.uuid, digest, *columns))
            handles += [(host, kind, value, next_id) for kind, value in found]
            next_id += 1
        gone = [(id_,) for ids in left.values() for id_ in ids]
        self._drop(host, gone)
        many = self._connection.executemany
        many(
            "UPDATE guests_read SET domain = ?, state = ?, kind = ?, document = ? WHERE id = ?",
            changed,
        )
        self._insert("guests_read (id, host_id, uuid, handles, domain, state, kind, document)", new)
        self._insert("new_handles (host_id, kind, value, guest_id)", sorted(handles))

    def _insert(self, into: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Many rows with each statement: after each, other threads may take their turn."""
        if not rows:
            return
        at_once = _MOST_VALUES // len(rows[0])
        row = f"({', '.join('?' * len(rows[0]))})"
        for first in range(0, len(rows), at_once):
            some = rows[first : first + at_once]
            sql = f"INSERT INTO {into} VALUES {', '.join([row] * len(some))}"
            self._connection.execute(sql, [value for one in some for value in one])

    def _drop(self, host: int, guests: Sequence[tuple[int]]) -> None:
        if not guests:
            return
        self._dropped = True
        self._connection.executemany("DELETE FROM guests_read WHERE id = ?", guests)
        self._connection.execute(
            "DELETE FROM new_handles WHERE host_id = ? AND guest_id NOT IN "
            "(SELECT id FROM guests_read WHERE host_id = ?)",
            (host, host),
        )

    # ---- all of them

    def prune(self, before: datetime) -> int:
        """Drop the hosts that were read before that moment; returns how many.

        One that was tried since stays, with its error, and without its guests.
        """
        moment = iso(before)
        with self._errors(), transaction(self._connection):
            unseen = self._connection.execute(
                "SELECT id, tried_at FROM hosts WHERE coalesce(read_at, tried_at) < ?", (moment,)
            ).fetchall()
            for host, tried in unseen:
                sql = "SELECT id FROM guests_read WHERE host_id = ?"
                self._drop(host, self._connection.execute(sql, (host,)).fetchall())
                change = "DELETE FROM hosts WHERE id = ?"
                if host in self._written and tried >= moment:
                    change = "UPDATE hosts SET read_at = NULL WHERE id = ? AND status = 'failed'"
                self._connection.execute(change, (host,))
        return len(unseen)

    def _index(self) -> None:
        """Take the new handles into the index of all, in its order: that writes each page once."""
        try:
            with transaction(self._connection):
                ask = self._connection.execute
                if self._dropped:
                    ask(
                        "DELETE FROM all_handles WHERE guest_id NOT IN (SELECT id FROM guests_read)"
                    )
                ask(
                    "INSERT OR IGNORE INTO all_handles SELECT kind, value, guest_id "
                    "FROM new_handles ORDER BY kind, value, guest_id"
                )
                ask("DELETE FROM new_handles")
        except sqlite3.OperationalError as error:
            # Another collect is at it, and takes in what it finds.
            if "locked" not in str(error):
                raise


def handles_of(guest: Guest) -> set[Handle]:
    """Everything that finds the guest: the keys of its identifiers."""
    found: set[Handle] = set()
    for identifier in identifiers(guest):
        kind, value, _ = identifier
        if kind in _SHARED:
            found.update(_shared_handles(kind, value))
            continue
        for key in keys_of(identifier):
            found.add((kind, key))
        if kind == "domain":
            found.update((kind, text) for text in _with_blanks(value))
    if not all(value.isascii() for _, value in found):
        found = {(kind, without_surrogates(value)) for kind, value in found}
    return found


@lru_cache(maxsize=10_000)
def _shared_handles(kind: HandleKind, value: str) -> tuple[Handle, ...]:
    """The handles of what many guests share."""
    keys = [*keys_of(Identifier(kind, value, "")), *_with_blanks(value)]
    return tuple((kind, key) for key in keys)


def _with_blanks(value: str) -> tuple[str, ...]:
    """The filters of list compare names with the blanks around them, which keys do not have."""
    return (value,) if value != value.strip() else ()


def iso(moment: datetime) -> str:
    """Moments as texts that sort as the moments do."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(text: str | None) -> str | None:
    return text if text is None or text.isascii() else without_surrogates(text)


def _document(guest: Guest) -> str:
    document = whole_document(guest)
    try:
        return msgspec.json.encode(document).decode()
    except UnicodeEncodeError:
        return without_surrogates(_dumped(document))


def _dumped(document: Mapping[str, object]) -> str:
    import json  # only for what msgspec refuses

    return json.dumps(document, ensure_ascii=False)


def _is_local(read: HostRead) -> bool:
    """Whether the source is called the same on every machine."""
    if read.given_name:
        return False
    source = read.source
    return source.startswith("--") or ("://" in source and node_of(source) is None)


def _can_be_one(one: str, other: str) -> bool:
    """Whether two sources can lead to one host: of two libvirts, by the same driver.

    ``qemu+ssh://a/system`` and ``qemu+tls://a/system`` can, and so can a report of either.
    ``qemu:///system`` and ``lxc:///system`` of one machine cannot, though they have one name.
    """
    if "://" not in one or "://" not in other:
        return True
    drivers = [
        (uri.scheme.partition("+")[0], uri.path) for uri in (split_uri(one), split_uri(other))
    ]
    return drivers[0] == drivers[1]


def _apart(read: HostRead) -> HostRead:
    """The host under a name that no other has; it is not compared with names that others say."""
    name = labelled(read.name or "", read.source)
    return read._replace(
        name=name,
        certain_name=None,
        guests=tuple(guest._replace(host=name, host_guessed=True) for guest in read.guests),
    )


def _lasting(source: str) -> str:
    """The source as it is called from every folder."""
    return source if source.startswith("--") or "://" in source else os.path.abspath(source)


def _own_name() -> str:
    return look_up_name()()
