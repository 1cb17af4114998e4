"""A file system below a root: ``/`` for this machine, a mounted disk, an unpacked sos report.

Its content may be hostile, and a container may even write to it meanwhile. The root is opened once;
from there each step begins at the folder that the step before opened (``openat``), never at a path,
so that no link leads out, whenever it was put there. Only regular files are opened, and sizes are
bounded.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from types import TracebackType
from typing import Literal, NamedTuple

from .layout import too_large

_MOST_LINKS = 40
_MOST_NAMES = 200_000
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe without a writer would block an ordinary open.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY


class LeadsOut(OSError):
    """A link out of the tree, or a circle of links."""

    def __init__(self) -> None:
        super().__init__(errno.ELOOP, "a link leads out of the tree, or in a circle")


class NotRegular(OSError):
    """A device, a pipe, a socket or a folder where a file is expected."""

    def __init__(self) -> None:
        super().__init__(errno.EINVAL, "it is not a regular file")


class TooLarge(OSError):
    """A file larger than the limit."""


def open_tree(root: str) -> Tree:
    """The root itself may be a link: the user named it. Raises ``OSError``."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return Tree(root, os.path.basename(os.path.realpath(root)), descriptor)


class Entry(NamedTuple):
    """What a folder holds under a name."""

    name: str
    kind: Literal["file", "folder", "link", "other"]


class DeadLink(NamedTuple):
    """A link that leads to nothing in the tree."""

    path: str
    """From the root."""
    leads_to: str
    """Where the path that was asked for would be if it led there; from the root, too."""
    identity: tuple[int, int]
    """Alike however it is reached."""


class Tree:
    """Folders and files below a root. Every method raises ``OSError`` for what it cannot read."""

    def __init__(self, root: str, name: str, descriptor: int) -> None:
        self.root = root
        """As messages name it; it is not opened by this path again."""
        self.name = name
        """What the folder is called; empty for ``/``."""
        self._descriptor = descriptor

    def __enter__(self) -> Tree:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def inner(self, name: str) -> Tree:
        """The tree below a folder right under the root, which is no link. Raises ``OSError``."""
        descriptor = os.open(name, _FOLDER, dir_fd=self._descriptor)
        return Tree(os.path.join(self.root, name), name, descriptor)

    def open(self, name: str) -> BufferedReader:
        """Open a file right under the root, which is no link."""
        return os.fdopen(_opened(name, self._descriptor), "rb")

    def close(self) -> None:
        os.close(self._descriptor)

    @contextmanager
    def folder(self, path: str) -> Iterator[Folder]:
        """Open a folder, following links that stay in the tree."""
        with self._steps() as steps:
            parent, name = _follow(steps, path)
            descriptor = os.open(name, _FOLDER, dir_fd=parent)
            try:
                yield Folder(self, path, descriptor)
            finally:
                os.close(descriptor)

    def path(self, path: str) -> str:
        """As messages name it."""
        return os.path.normpath(os.path.join(self.root, path))

    def read(self, path: str, limit: int) -> tuple[bytes, float]:
        """Content and time of change of a file, following links that stay in the tree."""
        with self._steps() as steps:
            parent, name = _follow(steps, path)
            return _read(parent, name, self.path(path), limit)

    def holds_folder(self, path: str) -> bool:
        try:
            with self.folder(path):
                return True
        except OSError as error:
            return error.errno in (errno.EACCES, errno.EPERM)

    def dead_link(self, path: str) -> DeadLink | None:
        """The link on the way to a folder that leads to no folder in the tree, if there is one."""
        parent, (*left,) = ".", path.split("/")
        while left:
            part = left.pop(0)
            here = f"{parent}/{part}"
            if not self.holds_folder(here):
                with suppress(OSError), self.folder(parent) as folder:
                    target = folder.target(part)
                    if target is not None:
                        leads_to = os.path.join("/", parent, target, *left)
                        identity = folder.identity(part)
                        return DeadLink(here, os.path.normpath(leads_to).lstrip("/"), identity)
                return None
            parent = here
        return None

    @contextmanager
    def _steps(self) -> Iterator[list[int]]:
        steps = [self._descriptor]
        try:
            yield steps
        finally:
            for descriptor in steps[1:]:
                os.close(descriptor)


class Folder:
    """An open folder."""

    def __init__(self, tree: Tree, path: str, descriptor: int) -> None:
        self._tree = tree
        self._path = path
        self._shown = tree.path(path)
        self._descriptor = descriptor

    def names(self, suffix: str = "") -> list[str]:
        """The names with that suffix, sorted."""
        return sorted(entry.name for entry in self._scan() if entry.name.endswith(suffix))

    def entries(self) -> list[Entry]:
        """Everything in it, sorted by name."""
        return sorted(Entry(entry.name, _kind_of(entry)) for entry in self._scan())

    def _scan(self) -> Iterator[os.DirEntry[str]]:
        with os.scandir(self._descriptor) as entries:
            for number, entry in enumerate(entries):
                if number > _MOST_NAMES:
                    raise OSError(errno.EFBIG, "it holds more names than any host")
                yield entry

    def target(self, name: str) -> str | None:
        """Where a link in it leads; None for anything else."""
        try:
            return os.readlink(name, dir_fd=self._descriptor)
        except OSError:
            return None

    def identity(self, name: str) -> tuple[int, int]:
        """Device and inode, of a link those of its own. Raises ``OSError``."""
        status = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        return status.st_dev, status.st_ino

    def path(self, name: str) -> str:
        """As messages name it."""
        return f"{self._shown}/{name}"

    def read(self, name: str, limit: int) -> tuple[bytes, float]:
        """Content and time of change of a file in it."""
        try:
            return _read(self._descriptor, name, self.path(name), limit)
        except OSError as error:
            if error.errno != errno.ELOOP or isinstance(error, LeadsOut):
                raise
            return self._tree.read(f"{self._path}/{name}", limit)


def _follow(steps: list[int], path: str) -> tuple[int, str]:
    """The open folder and the name in it that a path leads to; ``steps`` are the way there.

    Links are followed as the system whose tree it is would: an absolute one begins at the root.
    """
    links = 0
    left = path.split("/")[::-1]
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if len(steps) == 1:
                raise LeadsOut
            os.close(steps.pop())
            continue
        try:
            target = os.readlink(part, dir_fd=steps[-1])
        except OSError as error:
            if error.errno != errno.EINVAL:  # for anything but a link
                raise
            if not any(step not in ("", ".") for step in left):
                return steps[-1], part
            steps.append(os.open(part, _FOLDER, dir_fd=steps[-1]))
            continue
        links += 1
        if links > _MOST_LINKS:
            raise LeadsOut
        if target.startswith("/"):
            while len(steps) > 1:
                os.close(steps.pop())
        left += target.split("/")[::-1]
    return steps[-1], "."


def _kind_of(entry: os.DirEntry[str]) -> Literal["file", "folder", "link", "other"]:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


def _opened(name: str, folder: int) -> int:
    """A descriptor of a regular file. Raises ``OSError``."""
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        # Before it is opened: opening a device can do things of its own.
        raise NotRegular
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotRegular
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _read(folder: int, name: str, path: str, limit: int) -> tuple[bytes, float]:
    descriptor = _opened(name, folder)
    try:
        status = os.fstat(descriptor)
        data = os.read(descriptor, min(status.st_size, limit) + 1)
        if len(data) != status.st_size:
            # It grows, or a file system such as /proc does not tell sizes.
            parts = [data]
            while len(data) <= limit and (more := os.read(descriptor, limit + 1)):
                parts.append(more)
                data = b"".join(parts)
        if len(data) > limit:
            raise TooLarge(errno.EFBIG, too_large(path, limit).partition(": ")[2])
        return data, status.st_mtime
    finally:
        os.close(descriptor)
