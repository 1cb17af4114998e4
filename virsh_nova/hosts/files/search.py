"""Finding the files of a host's guests, in its file system or in an unpacked sos report."""

from __future__ import annotations

import errno
from typing import NamedTuple

from .layout import (
    COMMAND_FOLDERS,
    HOST_NAME_FILES,
    LARGEST_DUMP,
    LARGEST_TOTAL,
    LARGEST_XML,
    LIVE_FOLDERS,
    MOST_FILES,
    PERSISTENT_FOLDERS,
    Found,
    Role,
    Search,
    role_of,
)
from .tree import Tree

_FOLDERS = (*PERSISTENT_FOLDERS, *LIVE_FOLDERS, *COMMAND_FOLDERS)
_MISSING = (errno.ENOENT, errno.ENOTDIR)
_FORBIDDEN = (errno.EACCES, errno.EPERM)


class Looked(NamedTuple):
    """The result of a search in a tree."""

    search: Search
    places: tuple[str, ...]
    """Every folder that was looked for, with its outcome: ``/etc/libvirt/qemu (not there)``."""
    forbidden: bool
    """Whether this user may not read some of it."""
    at_home: bool
    """Whether the two usual folders exist."""


def holds_host(tree: Tree) -> bool:
    """Whether a folder looks like the root of a host, or like a sos report."""
    return any(tree.holds_folder(folder) for folder in _FOLDERS)


def search_tree(tree: Tree, *, reports: bool = True) -> Looked:
    """All files on guests in a host's file system. Never raises for what it holds.

    Of the known places for each kind of file, the first that holds any is used. ``reports`` adds
    what sos kept of virsh's output, and the host's name.
    """
    looking = _Looking(tree)
    persistent = looking.first_of(PERSISTENT_FOLDERS)
    runs_known = not looking.blocked
    live = looking.first_of(LIVE_FOLDERS)
    runs_known = runs_known and not looking.blocked and looking.is_there(LIVE_FOLDERS)
    used = [persistent, live]
    if reports:
        used.append(looking.first_of(COMMAND_FOLDERS))
        looking.read_host_name()
    where = [tree.path(folder) for folder in used if folder]
    search = Search(
        " and ".join(where) or _seen(looking, tree),
        tuple(looking.found),
        tuple(looking.faults),
        not looking.blocked,
        runs_known,
        tree.name or None,
        tuple(looking.notes),
    )
    at_home = all(
        looking.outcomes.get(folder) == "" for folder in (PERSISTENT_FOLDERS[0], LIVE_FOLDERS[0])
    )
    places = tuple(
        tree.path(folder) + (f" ({outcome})" if outcome else "")
        for folder, outcome in looking.outcomes.items()
    )
    return Looked(search, places, looking.forbidden, at_home)


def _seen(looking: _Looking, tree: Tree) -> str:
    """The folders that were read and hold nothing of use."""
    seen = [tree.path(folder) for folder, outcome in looking.outcomes.items() if not outcome]
    return " and ".join(seen) or tree.root


def search_folder(tree: Tree) -> Looked:
    """Every ``*.xml`` in a folder: output of virsh dumpxml, or a copy of a folder of libvirt."""
    looking = _Looking(tree)
    looking.read_all(".", "xml")
    found, faults = tuple(looking.found), tuple(looking.faults)
    search = Search(
        tree.root,
        found,
        faults,
        not looking.blocked,
        host=tree.name or None,
        notes=tuple(looking.notes),
    )
    return Looked(search, (f"{tree.root}/*.xml",), looking.forbidden, False)


class _Looking:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._total = 0
        self.found: list[Found] = []
        self.faults: list[str] = []
        self.notes: list[str] = []
        self._dead_links: set[tuple[int, int]] = set()
        self.outcomes: dict[str, str] = {}
        """Why nothing was read, by folder; empty for a folder that was read."""
        self.blocked = False
        """Whether a folder exists and could not be read."""
        self.forbidden = False

    def first_of(self, folders: tuple[str, ...]) -> str | None:
        """Read the first of the folders that holds any of the files."""
        return next((folder for folder in folders if self.read_all(folder, None)), None)

    def is_there(self, folders: tuple[str, ...]) -> bool:
        return any(self.outcomes.get(folder) == "" for folder in folders)

    def read_all(self, path: str, role: Role | None) -> bool:
        """Whether there was any; ``role`` is that of every file, else each path decides."""
        before = len(self.found)
        limit = LARGEST_DUMP if role == "xml" else LARGEST_XML
        any_there = False
        self.outcomes[path] = ""
        try:
            with self._tree.folder(path) as folder:
                for name in folder.names(".xml" if path not in COMMAND_FOLDERS else ""):
                    own = role or role_of(f"{path}/{name}")
                    if own is None:
                        continue
                    any_there = True
                    if len(self.found) >= MOST_FILES or self._total > LARGEST_TOTAL:
                        self.blocked = True
                        raise OSError(errno.EFBIG, "it holds more than any host")
                    try:
                        data, modified = folder.read(name, limit)
                    except OSError as error:
                        if error.errno == errno.ENOENT and folder.target(name) is not None:
                            self.notes.append(f"{folder.path(name)}: {self._not_followed}")
                        self._refused(folder.path(name), error)
                        continue
                    self._total += len(data)
                    self.found.append(Found(own, folder.path(name), data, modified))
        except OSError as error:
            if error.errno in _MISSING:
                self.outcomes[path] = "not there"
                self._look_for_link(path)
            else:
                self.outcomes[path] = error.strerror or "cannot be read"
                self.blocked = True
                self._refused(self._tree.path(path), error)
        return any_there or len(self.found) > before

    def read_host_name(self) -> None:
        for path in HOST_NAME_FILES:
            try:
                data, modified = self._tree.read(path, LARGEST_XML)
            except OSError:
                continue
            self.found.append(Found("hostname", self._tree.path(path), data, modified))

    @property
    def _not_followed(self) -> str:
        return f"not followed: it is a link to nothing below {self._tree.root}"

    def _look_for_link(self, path: str) -> None:
        """Say that a folder is not there because of a link, which may lead out of the tree."""
        link = self._tree.dead_link(path)
        # /var/run is a link to /run everywhere, which is looked into by that name.
        if link is None or link.leads_to in _FOLDERS:
            return
        self.outcomes[path] = "a link, not followed"
        if link.identity not in self._dead_links:
            self._dead_links.add(link.identity)
            self.notes.append(f"{self._tree.path(link.path)}: {self._not_followed}")

    def _refused(self, path: str, error: OSError) -> None:
        if error.errno in _FORBIDDEN:
            self.forbidden = True
        elif error.errno == errno.ENOENT:
            return  # The guest is gone.
        self.faults.append(f"{path}: not read: {error.strerror}")
