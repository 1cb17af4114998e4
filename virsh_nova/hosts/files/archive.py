"""A sos report in its archive, read in one pass and never unpacked to disk.

Archives come from anybody: only regular files at the paths of a report are read, no link is
followed, and every size is checked before anything is read.

``tarfile`` reads the headers, from a file of ours that only goes forwards, not through its own
mode ``r|``: that one reads ahead, so the file below it sees neither how much a header asks for (a
pax header that claims 1 GiB took 2 GiB of memory) nor the block at which ``tarfile`` stopped, and
``tarfile`` stops without a word at a damaged header.
"""

from __future__ import annotations

import io
import lzma
import os
import re
import tarfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from .compressed import CutOff, Overflow, Unreadable, unpacked
from .layout import LARGEST_TOTAL, LARGEST_XML, MOST_FILES, Found, Search, role_of, too_large

_LARGEST_HEADER = 2**16
"""Bytes for everything that describes one member: its header, long names, pax records."""
_MOST_GLOBAL_RECORDS = 100
"""Of pax, in the whole archive: ``tarfile`` copies all of them for each member."""
_LONGEST_NUMBER = 1000
_DIGITS = re.compile(rb"[0-9]+")

_PAX = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
_LONG = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_ZEROS = bytes(tarfile.BLOCKSIZE)
_BROKEN = (Unreadable, lzma.LZMAError, zlib.error, OSError, EOFError)


class Damaged(Unreadable):
    """The content is not, or no longer, a tar archive."""

    def __init__(self, why: str = "it is damaged") -> None:
        super().__init__(why)


def search_archive(file: BinaryIO, path: str) -> Search:
    """The files in a report that describe guests: ``.tar``, ``.tar.xz``, ``.tar.gz``, ``.tar.bz2``.

    From a truncated or damaged archive, those before the damage.
    """
    found: list[Found] = []
    faults: list[str] = []
    complete = True
    total = 0
    content = _Forwards(unpacked(file))
    try:
        for member in _members(content):
            # The content of a sparse file is shorter than its size, and its map may be a trap.
            if not member.isreg() or member.issparse():
                continue
            role = role_of(in_report(member.name))
            if role is None:
                continue
            where = f"{path}: {member.name}"
            if member.size > LARGEST_XML:
                faults.append(too_large(where, LARGEST_XML))
                continue
            total += member.size
            if len(found) >= MOST_FILES or total > LARGEST_TOTAL:
                raise Overflow("holds more than any report")
            data = content.data_of(member)
            found.append(Found(role, where, data, float(member.mtime)))
    except _BROKEN as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        faults.append(f"{path}: cannot be read to its end: {why}; the part before that was read")
        complete = False
    runs_known = complete and any(file.role == "live" for file in found)
    return Search(path, tuple(found), tuple(faults), complete, runs_known, _without_endings(path))


def looks_like_tar(beginning: bytes) -> bool:
    """Whether a file that begins with these bytes is an archive that is not compressed."""
    try:
        tarfile.TarInfo.frombuf(beginning[: tarfile.BLOCKSIZE], "utf-8", "replace")
    except tarfile.HeaderError:
        return False
    return True


def in_report(name: str) -> str:
    """A member's path in the report, without the folder that holds the whole report."""
    parts = name.removeprefix("./").split("/")
    if ".." in parts or name.startswith("/"):
        return ""
    inner = "/".join(parts[1:])
    return inner if role_of(inner) else "/".join(parts)


class _Forwards(io.RawIOBase):
    """What ``tarfile`` reads headers from. It reads exactly what is asked for, or raises."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = b""
        self._at = 0
        self._passed = 0
        self._kind = b""
        self._header_left = 0
        self._last = b""

    def begin_header(self) -> None:
        self._header_left = _LARGEST_HEADER

    def read(self, size: int = -1, /) -> bytes:
        """A part of a header. Raises ``CutOff`` and ``Damaged``."""
        if not 0 <= size <= self._header_left:
            raise Damaged("a header is larger than any")
        self._header_left -= size
        self._last = data = self._exactly(size)
        kind, self._kind = self._kind, b""
        if kind in _PAX:
            _check_pax(data)
        elif kind not in _LONG:
            self._kind = data[156:157]
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        ahead = offset - self.tell()
        if ahead < 0:
            # A header with a negative size, or two headers that contradict each other.
            raise Damaged
        while ahead > len(self._piece) - self._at:
            ahead -= len(self._piece) - self._at
            self._turn(b"")
        self._at += ahead
        return offset

    def tell(self) -> int:
        return self._passed + self._at

    def data_of(self, member: tarfile.TarInfo) -> bytes:
        """The content of the member whose header was read last. Raises ``CutOff``."""
        self.seek(member.offset_data)
        return self._exactly(member.size)

    def check_end(self) -> None:
        """Raises ``Damaged`` unless a block of zeros was read last, and only zeros follow."""
        if self._last != _ZEROS:
            raise Damaged
        rest = self._piece[self._at :]
        while not rest.strip(b"\0"):
            rest = next(self._pieces, b"")
            if not rest:
                return
        # A second archive, or a block in the middle of this one that was lost.
        raise Damaged("more follows the block that ends it")

    def _exactly(self, size: int) -> bytes:
        while size > len(self._piece) - self._at:
            self._turn(self._piece[self._at :])
        self._at += size
        return self._piece[self._at - size : self._at]

    def _turn(self, kept: bytes) -> None:
        """To the next piece, behind what is kept of this one."""
        piece = next(self._pieces, b"")
        if not piece:
            raise CutOff
        self._passed += len(self._piece) - len(kept)
        self._piece, self._at = kept + piece, 0


def _members(content: _Forwards) -> Iterator[tarfile.TarInfo]:
    """The headers of all members. Raises ``CutOff`` and ``Damaged``."""
    content.begin_header()
    try:
        tar = tarfile.TarFile(fileobj=content, encoding="utf-8", errors="replace")
        while (member := tar.next()) is not None:
            # It keeps every member it has read; a small archive can hold millions.
            tar.members = []  # type: ignore[attr-defined]  # public, but not in typeshed
            if member.size < 0 or len(tar.pax_headers) > _MOST_GLOBAL_RECORDS:
                raise Damaged
            yield member
            content.begin_header()
    except (tarfile.TarError, ValueError):
        raise Damaged from None
    content.check_end()


def _check_pax(data: bytes) -> None:
    """Raises ``Damaged`` unless these are records of ``LENGTH KEY=VALUE`` and a line break each.

    Python before 3.10.15, 3.11.10 and 3.12.6 skips what it cannot parse, and with it the names of
    members, and takes quadratic time for long numbers: 3 s for one header of 60 kB.
    """
    at = 0
    while at < len(data) and data[at] != 0:
        length = data[at : at + 8].partition(b" ")[0]
        end = at + int(length) if length.isdigit() else 0
        if not at + len(length) < end <= len(data) or data[end - 1 : end] != b"\n":
            raise Damaged
        at = end
    if (
        len(data) > _LONGEST_NUMBER
        and max(map(len, _DIGITS.findall(data)), default=0) > _LONGEST_NUMBER
    ):
        raise Damaged


def _without_endings(path: str) -> str:
    name = os.path.basename(path)
    for ending in (".xz", ".gz", ".bz2", ".txz", ".tgz", ".tar"):
        name = name.removesuffix(ending)
    return name
