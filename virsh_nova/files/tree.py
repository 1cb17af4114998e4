"""The files of a host below a root: ``/`` for this one, a mounted disk, an unpacked sos report.

The tree may come from anybody. No link leads out of it, nothing but a regular file is opened, and
sizes are bounded.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from .found import (
    LARGEST_FILE,
    LARGEST_TOTAL,
    LIVE_FOLDERS,
    MOST_FILES,
    PERSISTENT_FOLDERS,
    Found,
    Search,
    role_of,
)

_MOST_LINKS = 40
_OTHERS = ("sos_commands/virsh", "sos_commands/host", "etc")


def holds_host(root: str) -> bool:
    """Whether a folder looks like the root of a host, or like a sos report."""
    folders = (*PERSISTENT_FOLDERS, *LIVE_FOLDERS, "sos_commands/virsh")
    return any((path := inside(root, folder)) and os.path.isdir(path) for folder in folders)


def search_tree(root: str) -> Search:
    """All that tells of guests below ``root``. Never raises for what it holds."""
    found: list[Found] = []
    faults: list[str] = []
    used: list[str] = []
    runs_known = False
    total = 0
    seen: set[str] = set()
    for folder in (*PERSISTENT_FOLDERS, *LIVE_FOLDERS, *_OTHERS):
        path = inside(root, folder)
        # /var/run is mostly a link to /run.
        if path is None or path in seen:
            continue
        seen.add(path)
        names = _names(path, faults)
        if names is None:
            continue
        runs_known = runs_known or folder in LIVE_FOLDERS
        for name in names:
            role = role_of(f"{folder}/{name}")
            if role is None:
                continue
            if len(found) >= MOST_FILES or total > LARGEST_TOTAL:
                faults.append(f"{path}: more files than any host has; the rest was not read")
                break
            file = inside(root, f"{folder}/{name}")
            if file is None:
                faults.append(f"{path}/{name}: leads out of {root}; not read")
                continue
            read = read_file(file, faults)
            if read is not None:
                found.append(Found(role, file, *read))
                total += len(read[0])
        if any(os.path.dirname(one.path) == path and one.role != "hostname" for one in found):
            used.append(path)
    place = " and ".join(used) or root
    return Search(place, tuple(found), tuple(faults), runs_known=runs_known)


def read_file(path: str, faults: list[str]) -> tuple[bytes, float] | None:
    """Content and time of a regular file; None, and a fault, for what is none or too large."""
    try:
        # A pipe without a writer would block an ordinary open, a device could do anything.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
        if not stat.S_ISREG(os.lstat(path).st_mode):
            faults.append(f"{path}: is no regular file; not read")
            return None
        descriptor = os.open(path, flags)
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
        return None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            faults.append(f"{path}: is no regular file; not read")
            return None
        try:
            data = file.read(LARGEST_FILE + 1)
        except OSError as error:
            faults.append(f"{path}: cannot be read: {error.strerror}")
            return None
    if len(data) > LARGEST_FILE:
        faults.append(f"{path}: is larger than {LARGEST_FILE >> 20} MiB; not read")
        return None
    return data, status.st_mtime


def inside(root: str, path: str) -> str | None:
    """The real path of ``path`` in a file system whose root is ``root``; None if it leads out.

    Links are followed as that system would: an absolute one begins at ``root``.
    """
    if root == "/":
        return os.path.realpath(f"/{path}")
    links = 0
    real: list[str] = []
    left = [part for part in path.split("/") if part]
    while left:
        part = left.pop(0)
        if part == ".":
            continue
        if part == "..":
            if not real:
                return None
            real.pop()
            continue
        here = os.path.join(root, *real, part)
        try:
            target = os.readlink(here)
        except OSError:
            real.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        if target.startswith("/"):
            real = []
        left = [step for step in target.split("/") if step] + left
    return os.path.join(root, *real)


def _names(folder: str, faults: list[str]) -> list[str] | None:
    """The names in a folder, sorted; None if it is not there or cannot be read."""
    try:
        return sorted(_listed(folder))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        faults.append(f"{folder}: cannot be read: {error.strerror}")
        return None


def _listed(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number > 4 * MOST_FILES:
                return
            yield entry.name
