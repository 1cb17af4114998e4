"""A folder that ``--files`` names: one host, or many that are found out and read one by one.

What each entry is its name and its content say. Documents and archives are opened when they are
asked for, not before: a folder may hold ten thousand.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import NamedTuple

from ...errors import HostError
from ..host import Host, Note, Notes
from ..many import ManyHosts
from .open import (
    COLLECTED,
    RIGHTS,
    SUPPORTED,
    NothingHere,
    found_host,
    host_in_file,
    is_of_collect,
    summary,
)
from .search import holds_host, search_folder, search_tree
from .tree import Entry, open_tree

_FILES = (
    *(".json", ".jsonl"),
    *(".tar.xz", ".tar.gz", ".tar.bz2", ".tar", ".txz", ".tgz", ".tbz2"),
)
"""Documents and archives of reports."""
_DUMP = ".xml"
_LOOKED_FOR = (
    "the root of a host's file system, and in it for *.json, *.jsonl, *.xml, sos reports "
    "(*.tar.xz, *.tar.gz or unpacked) and roots of hosts"
)
# A copy of one of libvirt's folders has them beside the XML.
_LIBVIRTS = {"autostart", "autostarted", "channel", "dbus", "networks", "passt", "slirp", "swtpm"}
_LIBVIRTS_ENDINGS = (".pid", ".lock")
_MOST_FOLDERS = 10_000
_MOST_NAMED = 5
_HERE = "."

_Read = Callable[["FolderOfHosts", str], "Sequence[Host]"]
"""A method, not bound: the folder would refer to itself, and be closed late."""


class _Content(NamedTuple):
    """What an entry turned out to hold."""

    guests: int
    moments: tuple[datetime | None, ...]
    """When each of its hosts was read."""
    names: tuple[str, ...]
    """Of its hosts, as far as they are certain."""


class Place(NamedTuple):
    """Where a host may be, or several."""

    source: str
    """Its path."""
    open: Callable[[], Iterable[Host]]
    """Raises ``HostError``."""


class FolderOfHosts:
    """The hosts of a folder. It stays open, so that all are of the folder that was named."""

    def __init__(self, path: str) -> None:
        """Raises ``OSError``, and ``HostError`` if nothing in it can be a host."""
        self._tree = tree = open_tree(path)
        # Hosts are opened until the last of them has been read, if they ever are.
        weakref.finalize(self, tree.close)
        self._skipped: dict[str, str] = {}
        """With the reason, where the name does not say it."""
        self._contents: dict[str, _Content] = {}
        self._entries = dict([(_HERE, FolderOfHosts._root)] if holds_host(tree) else self._listed())
        self._total = len(self._entries) + len(self._skipped)
        if not self._entries:
            raise self.nothing()

    def places(self) -> list[Place]:
        """Each entry that can be a host, or hold some."""
        return [
            Place(self._path(name), partial(self._open, name, read))
            for name, read in self._entries.items()
        ]

    def nothing(self) -> HostError:
        """That there is no host."""
        skipped = f"; {self._said_of_skipped()}" if self._skipped else ""
        return NothingHere(
            f"{self._tree.root}: holds no domain: looked for {_LOOKED_FOR}{skipped}", SUPPORTED
        )

    @property
    def notes(self) -> Notes:
        """What was skipped, and what was read: a line each, however many hosts there are."""
        if self._is_one:
            return Notes()  # It says so itself.
        return Notes((*self._warnings(), *self._summary()))

    # ---- what there is

    def _listed(self) -> Iterator[tuple[str, _Read]]:
        with self._tree.folder(_HERE) as folder:
            entries = folder.entries()
        has_dumps = any(_is_dump(entry) for entry in entries)
        if has_dumps:
            yield _HERE, FolderOfHosts._dumps
        folders = 0
        for entry in entries:
            if entry.name.startswith(".") or _is_dump(entry):
                continue  # What is hidden is half written, or of another program.
            read = None
            folders += entry.kind == "folder"
            if entry.kind == "folder" and folders <= _MOST_FOLDERS:
                read = self._reader(entry.name, of_dumps=not has_dumps)
            elif entry.kind == "file" and entry.name.lower().endswith(_FILES):
                read = FolderOfHosts._file
            if read is not None:
                yield entry.name, read
            elif not (has_dumps and _is_libvirts(entry.name)):
                self._skipped[entry.name] = self._why_skipped(entry)

    def _why_skipped(self, entry: Entry) -> str:
        """Empty where the name says it."""
        if entry.kind == "link":
            return "a link"
        if entry.kind == "file":
            # A file that cannot be read is one more that is not of interest here.
            with suppress(OSError), self._tree.open(entry.name) as file:
                if is_of_collect(file):
                    return "what collect wrote: name it itself"
        return ""

    def _reader(self, name: str, *, of_dumps: bool) -> _Read | None:
        """How to read a folder; None for one without a host."""
        try:
            with self._tree.inner(name) as inner:
                if holds_host(inner):
                    return FolderOfHosts._inner
                with inner.folder(_HERE) as folder:
                    if of_dumps and any(map(_is_dump, folder.entries())):
                        return FolderOfHosts._inner_dumps
        except OSError:
            return FolderOfHosts._inner  # It says what is wrong.
        return None

    # ---- reading

    def _open(self, name: str, read: _Read) -> Iterator[Host]:
        try:
            hosts = read(self, name)
        except NothingHere:
            if self._is_one:
                raise
            self._skipped[name] = "no guest"
            return
        except OSError as error:
            hint = RIGHTS if isinstance(error, PermissionError) else ""
            raise HostError(f"{self._path(name)}: not read: {error.strerror}", hint) from None
        self._contents[name] = _Content(
            sum(len(host.sightings()) for host in hosts),
            tuple(host.read_at for host in hosts),
            tuple(host.certain_name for host in hosts if host.certain_name),
        )
        for number, host in enumerate(hosts):
            lines = host.notes.lines
            if not self._is_one:
                lines = tuple(line for line in lines if not line.is_summary)
            elif number == 0:
                lines = (*self._warnings(), *lines)
            host.notes = host.notes._replace(lines=lines)  # type: ignore[misc]
            yield host

    def _root(self, _name: str) -> Sequence[Host]:
        return [found_host(self._tree.root, search_tree(self._tree))]

    def _dumps(self, _name: str) -> Sequence[Host]:
        return [found_host(self._tree.root, search_folder(self._tree))]

    def _inner(self, name: str) -> Sequence[Host]:
        with self._tree.inner(name) as inner:
            return [found_host(inner.root, search_tree(inner))]

    def _inner_dumps(self, name: str) -> Sequence[Host]:
        with self._tree.inner(name) as inner:
            return [found_host(inner.root, search_folder(inner))]

    def _file(self, name: str) -> Sequence[Host]:
        with self._tree.open(name) as file:
            if file.peek(len(COLLECTED)).startswith(COLLECTED):
                # SQLite would open it once more, by its path.
                raise HostError(f"{self._path(name)}: is what collect wrote", "name it itself")
            host = host_in_file(file, self._path(name))
        return host.hosts if isinstance(host, ManyHosts) else [host]

    # ---- what to say

    @property
    def _is_one(self) -> bool:
        return len(self._entries) == 1

    def _path(self, name: str) -> str:
        return self._tree.root if name == _HERE else self._tree.path(name)

    def _warnings(self) -> Iterator[Note]:
        if self._skipped:
            yield Note("warning", f"{self._tree.root}: {self._said_of_skipped()}")
        entries: dict[str, list[str]] = {}
        for entry, content in self._contents.items():
            for name in content.names:
                entries.setdefault(name, []).append(entry)
        several = {name: found for name, found in entries.items() if len(found) > 1}
        if several:
            first, found = next(iter(several.items()))
            more = f", and so are {len(several) - 1} more hosts" if len(several) > 1 else ""
            yield Note(
                "warning",
                f"{self._tree.root}: {first} is in several entries ({_named(found)}){more}: a "
                "guest that is in two of them is shown twice",
            )

    def _said_of_skipped(self) -> str:
        names = [f"{name} ({why})" if why else name for name, why in self._skipped.items()]
        entries = "entries" if self._total > 1 else "entry"
        return f"skipped {len(names)} of {self._total} {entries}: {_named(names)}"

    def _summary(self) -> Iterator[Note]:
        contents = self._contents.values()
        moments = [moment for content in contents for moment in content.moments]
        if moments:
            hosts = f" on {len(moments)} host{'' if len(moments) == 1 else 's'}"
            guests = sum(content.guests for content in contents)
            yield summary(self._tree.root, guests, None, moments=set(moments), more=hosts)


def _is_dump(entry: Entry) -> bool:
    return entry.name.endswith(_DUMP) and entry.kind != "folder"


def _is_libvirts(name: str) -> bool:
    return name in _LIBVIRTS or name.endswith(_LIBVIRTS_ENDINGS)


def _named(names: Sequence[str]) -> str:
    first = ", ".join(names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{first} and {more} more" if more > 0 else first
