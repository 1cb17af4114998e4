"""A sos report in its archive, read in one pass and never unpacked to the disk.

It may come from anybody: only regular files whose paths are those of a report are looked at, no
link is followed, and sizes are bounded before anything is read.
"""

from __future__ import annotations

import lzma
import os
import zlib
from typing import BinaryIO

from .compressed import CutOff, Overflow, unpacked
from .layout import LARGEST_TOTAL, LARGEST_XML, MOST_FILES, Found, Search, role_of, too_large
from .tar_stream import Damaged, members

_BROKEN = (CutOff, Overflow, Damaged, lzma.LZMAError, zlib.error, OSError, EOFError)


def search_archive(file: BinaryIO, path: str) -> Search:
    """All that tells of guests in a report: ``.tar``, ``.tar.xz``, ``.tar.gz``, ``.tar.bz2``.

    Of an archive that is cut off or damaged, what stands before that place.
    """
    found: list[Found] = []
    faults: list[str] = []
    complete = True
    total = 0
    try:
        for member in members(unpacked(file), is_of_report, LARGEST_XML):
            where = f"{path}: {member.name}"
            role = role_of(in_report(member.name))
            if member.data is None or role is None:
                faults.append(too_large(where, LARGEST_XML))
                continue
            total += member.size
            if len(found) >= MOST_FILES or total > LARGEST_TOTAL:
                raise Overflow("holds more than any report")
            found.append(Found(role, where, member.data, member.modified))
    except _BROKEN as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        faults.append(f"{path}: cannot be read to its end: {why}; what stands before that was read")
        complete = False
    runs_known = complete and any(file.role == "live" for file in found)
    return Search(path, tuple(found), tuple(faults), complete, runs_known, _without_endings(path))


def is_of_report(name: str) -> bool:
    return role_of(in_report(name)) is not None


def in_report(name: str) -> str:
    """A member's path in the report, without the folder that all of it stands in."""
    parts = name.removeprefix("./").split("/")
    if ".." in parts or name.startswith("/"):
        return ""
    inner = "/".join(parts[1:])
    return inner if role_of(inner) else "/".join(parts)


def _without_endings(path: str) -> str:
    name = os.path.basename(path)
    for ending in (".xz", ".gz", ".bz2", ".txz", ".tgz", ".tar"):
        name = name.removesuffix(ending)
    return name
