"""A sos report in its archive, read in one pass and never unpacked to the disk.

It may come from anybody: only regular files whose paths are those of a report are looked at, no
link is followed, and sizes are bounded before anything is read.
"""

from __future__ import annotations

import tarfile
from lzma import LZMAError
from zlib import error as ZlibError

from .found import LARGEST_FILE, LARGEST_TOTAL, MOST_FILES, Found, Search, role_of

_MOST_MEMBERS = 2_000_000
_BROKEN = (tarfile.TarError, EOFError, LZMAError, ZlibError, OSError, ValueError, OverflowError)


def search_archive(path: str) -> Search:
    """All that tells of guests in a report: ``.tar``, ``.tar.xz``, ``.tar.gz``, ``.tar.bz2``.

    Of an archive that is cut off or damaged, what stands before that place.
    """
    found: list[Found] = []
    faults: list[str] = []
    complete = True
    total = 0
    try:
        # As a stream: an index would have to be made by reading everything first.
        with tarfile.open(path, "r|*", errorlevel=0) as archive:
            for number, member in enumerate(archive):
                # tarfile keeps every member it has seen.
                archive.members = []  # type: ignore[attr-defined]
                if number > _MOST_MEMBERS or len(found) >= MOST_FILES or total > LARGEST_TOTAL:
                    faults.append(f"{path}: holds more than any report does; the rest was not read")
                    complete = False
                    break
                role = role_of(_in_report(member.name)) if member.isreg() else None
                if role is None:
                    continue
                if member.size > LARGEST_FILE:
                    limit = f"{LARGEST_FILE >> 20} MiB"
                    faults.append(f"{path}: {member.name}: is larger than {limit}; not read")
                    continue
                file = archive.extractfile(member)
                data = file.read(LARGEST_FILE) if file else b""
                if len(data) < member.size:
                    raise EOFError("unexpected end of data")
                total += len(data)
                found.append(Found(role, f"{path}: {member.name}", data, float(member.mtime)))
    except _BROKEN as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        faults.append(f"{path}: cannot be read to its end: {why}")
        complete = False
    runs_known = any(file.role == "live" for file in found)
    return Search(path, tuple(found), tuple(faults), complete, runs_known)


def _in_report(name: str) -> str:
    """A member's path in the report, without the folder that all of it stands in."""
    parts = name.removeprefix("./").split("/")
    if ".." in parts or name.startswith("/"):
        return ""
    inner = "/".join(parts[1:])
    return inner if role_of(inner) else "/".join(parts)
