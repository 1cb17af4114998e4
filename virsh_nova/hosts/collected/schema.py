"""The tables of a collected file, and how it is opened; docs/collected.md describes them.

Two tables hold the handles. A host's own, ``new_handles``, are written in the transaction of the
host, next to each other: in one large index they would touch a page each. ``all_handles`` is that
index, and takes them in at the end of a run, sorted. Its rows may mean guests that are gone; the
ids of guests are never used again.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from ...errors import HostError, NovaDomainsError

MAGIC = b"SQLite format 3\0"
APPLICATION_ID = 0x6E6F7644  # "novD"
VERSION = 1

TABLES = {
    "hosts": """\
CREATE TABLE hosts (
  id INTEGER PRIMARY KEY,
  name TEXT,
  name_guessed INTEGER NOT NULL,
  source TEXT NOT NULL,
  status TEXT NOT NULL,
  error TEXT,
  hint TEXT,
  tried_at TEXT NOT NULL,
  read_at TEXT,
  seconds REAL NOT NULL,
  libvirt TEXT,
  qemu TEXT
)""",
    "hosts_of_source": "CREATE INDEX hosts_of_source ON hosts (source)",
    "hosts_of_name": "CREATE INDEX hosts_of_name ON hosts (name)",
    "guests_read": """\
CREATE TABLE guests_read (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  host_id INTEGER NOT NULL,
  uuid TEXT NOT NULL,
  domain TEXT NOT NULL,
  state TEXT NOT NULL,
  kind TEXT NOT NULL,
  handles BLOB NOT NULL,
  document TEXT NOT NULL
)""",
    "guests_of_host": "CREATE INDEX guests_of_host ON guests_read (host_id)",
    "guests_unreadable": """\
CREATE INDEX guests_unreadable ON guests_read (host_id) WHERE kind = 'unreadable'""",
    "new_handles": """\
CREATE TABLE new_handles (
  host_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  guest_id INTEGER NOT NULL,
  PRIMARY KEY (host_id, kind, value, guest_id)
) WITHOUT ROWID""",
    "all_handles": """\
CREATE TABLE all_handles (
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  guest_id INTEGER NOT NULL,
  PRIMARY KEY (kind, value, guest_id)
) WITHOUT ROWID""",
    "guests": """\
CREATE VIEW guests AS
SELECT hosts.name AS host, uuid, domain, state, kind, document, host_id
FROM guests_read JOIN hosts ON hosts.id = host_id""",
    "handles": """\
CREATE VIEW handles AS
SELECT found.kind, found.value, hosts.name AS host, guests_read.uuid, hosts.id AS host_id
FROM (
  SELECT kind, value, guest_id FROM all_handles
  UNION ALL
  SELECT kind, value, guest_id FROM new_handles
) AS found
JOIN guests_read ON guests_read.id = found.guest_id
JOIN hosts ON hosts.id = guests_read.host_id""",
}

_CACHE_KIB = 64 * 1024
_PAGES_BETWEEN_CHECKPOINTS = 8192
_READER_PATIENCE = 10.0
_WRITER_PATIENCE = 120.0
"""Seconds to wait for another one that writes: nothing but the end of its run takes long."""


class CollectedError(NovaDomainsError):
    """A file of ``collect`` cannot be written to."""


def why(path: str, error: sqlite3.Error) -> tuple[str, str]:
    """What went wrong in a line, and what to do."""
    text = str(error)
    # Python 3.10 does not have the codes.
    if "not a database" in text or "malformed" in text or "unsupported file format" in text:
        return f"{path}: damaged: {text}", "collect into a new file"
    if "is full" in text:
        return f"{path}: cannot be written: {text}", "make room, or collect elsewhere"
    if "is locked" in text:
        return f"{path}: in use: {text}", "try again when the other collect is done"
    if "readonly" in text or "unable to open" in text:
        return f"{path}: cannot be opened: {text}", "check the rights to it and to its folder"
    return f"{path}: {text}", ""


# ---- opening ----------------------------------------------------------------------------------


def open_to_read(path: str) -> sqlite3.Connection:
    """A connection that only reads. Raises ``HostError``."""
    try:
        try:
            return _checked(path, "ro")
        except sqlite3.OperationalError as error:
            if not _is_hot(error, path):
                raise
        # A collect was killed while it made the file, or put it at rest: what it left undone has
        # to be taken back first, which SQLite does for whoever may write.
        try:
            return _checked(path, "rw")
        except sqlite3.OperationalError:
            raise HostError(
                f"{path}: a collect was interrupted, and left {path}-journal",
                "run collect again, or read it as a user who may write to it",
            ) from None
    except sqlite3.Error as error:
        raise HostError(*why(path, error)) from error
    except CollectedError as error:
        raise HostError(error.message, error.hint) from error


def _checked(path: str, mode: str) -> sqlite3.Connection:
    connection = _connected(path, mode, _READER_PATIENCE)
    try:
        connection.execute("PRAGMA query_only = ON")
        _refuse_other(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_hot(error: sqlite3.OperationalError, path: str) -> bool:
    text = str(error)
    rolls_back = "readonly" in text or "unable to open" in text
    return rolls_back and os.path.exists(f"{path}-journal")


def open_to_write(path: str) -> sqlite3.Connection:
    """A connection for one run of ``collect``; the tables are made in a new or empty file.

    Raises ``CollectedError``.
    """
    _refuse_no_database(path)
    try:
        connection = _connected(path, "rwc", _WRITER_PATIENCE)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise CollectedError(*why(path, error)) from error
    return connection


def _connected(path: str, mode: str, patience: float) -> sqlite3.Connection:
    uri = f"file:{quote(os.path.abspath(path))}?mode={mode}"
    # Readers look things up for threads that take turns.
    connection = sqlite3.connect(
        uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False
    )
    # The file may be anybody's: nothing in its schema runs by itself.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def _refuse_no_database(path: str) -> None:
    """Raises ``CollectedError`` for what exists and is no SQLite file, before SQLite sees it."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise CollectedError(f"{path}: is not a regular file")
        with open(path, "rb") as file:
            beginning = file.read(len(MAGIC))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a path cannot hold a null byte"
        raise CollectedError(f"{path}: cannot be read: {reason}") from error
    if beginning and beginning != MAGIC:
        raise CollectedError(
            f"{path}: is not a file that collect wrote", "collect into a new file instead"
        )


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    # Readers and a writer at the same time. Where the file system cannot do it, they take turns.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BETWEEN_CHECKPOINTS}")
    with transaction(connection):
        if not connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()[0]:
            for sql in TABLES.values():
                connection.execute(sql)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
    _refuse_other(connection, path)
    if connection.execute(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'trigger')"
    ).fetchone()[0]:
        raise CollectedError(f"{path}: somebody added a trigger to it", "collect into a new file")


def _refuse_other(connection: sqlite3.Connection, path: str) -> None:
    """Raises ``CollectedError`` for another program's file, a newer one's, or altered tables."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise CollectedError(f"{path}: is an SQLite file, but not one that collect wrote")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise CollectedError(
            f"{path}: was written by a newer nova-domains: its schema is {version}, and this one "
            f"knows {VERSION}",
            "update nova-domains here, or collect into a new file",
        )
    found = dict(connection.execute("SELECT name, sql FROM sqlite_master"))
    if any(found.get(name) != sql for name, sql in TABLES.items()):
        raise CollectedError(
            f"{path}: its tables are not those that collect makes", "collect into a new file"
        )


def without_surrogates(text: str) -> str:
    """U+FFFD for half a character, which no database holds."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After some errors, such as a full disk, SQLite has done it already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def put_at_rest(connection: sqlite3.Connection) -> None:
    """Leave a single file that can be copied, and read from a medium that cannot be written.

    While somebody else has it open it stays as it is; whoever collects next will do it.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error) and "busy" not in str(error):
            raise
