"""The members of a tar archive, as they come by: ustar, pax and GNU's long names.

Python's own tarfile takes three times as long for each, and a sos report has thousands that
nobody asks for. Links, devices and sparse files are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from .compressed import CutOff

BLOCK = 512
_ZEROS = bytes(BLOCK)
_LONGEST_NAME = 2**16
_REGULAR = (b"0", b"\0", b"7")


class Damaged(ValueError):
    """What stands there is no member of a tar archive."""


class Member(NamedTuple):
    name: str
    size: int
    modified: float
    data: bytes | None
    """None for one that was not wanted."""


class _Header(NamedTuple):
    name: str
    size: int
    modified: float
    kind: bytes


class _Pieces:
    """The stream, by the length that is asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._data = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """That many bytes; fewer at the end only."""
        end = self._at + size
        if end <= len(self._data):
            data = self._data[self._at : end]
            self._at = end
            return data
        parts = [self._data[self._at :]]
        have = len(parts[0])
        self._data, self._at = b"", 0
        while have < size:
            piece = next(self._pieces, b"")
            if not piece:
                return b"".join(parts)
            if have + len(piece) > size:
                self._data, self._at = piece, size - have
                piece = piece[: self._at]
            parts.append(piece)
            have += len(piece)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        left = len(self._data) - self._at
        if size <= left:
            self._at += size
            return
        self._data, self._at = b"", 0
        size -= left
        while size > 0:
            piece = next(self._pieces, b"")
            if not piece:
                raise CutOff("it is cut off")
            if len(piece) > size:
                self._data, self._at = piece, size
            size -= len(piece)


def looks_like_tar(block: bytes) -> bool:
    return len(block) >= BLOCK and _checksum_fits(block[:BLOCK])


def members(pieces: Iterator[bytes], wanted: Callable[[str], bool], limit: int) -> Iterator[Member]:
    """Every regular file, with its content where its name is wanted and its size within the limit.

    Raises ``CutOff`` and ``Damaged`` at the place where it cannot go on.
    """
    stream = _Pieces(pieces)
    name: str | None = None
    told: dict[str, bytes] = {}
    while True:
        block = stream.read(BLOCK)
        if len(block) < BLOCK:
            raise CutOff("it is cut off")
        if block == _ZEROS:
            # The end; pieces behind it would be another archive's.
            return
        header = _header(block)
        padded = -(-header.size // BLOCK) * BLOCK
        if header.kind in (b"x", b"L"):
            if header.size > _LONGEST_NAME:
                raise Damaged("a name longer than any")
            data = _exactly(stream, padded)[: header.size]
            if header.kind == b"x":
                told = _pax(data)
            else:
                name = _text(data)
            continue
        if header.kind in (b"g", b"K"):
            stream.skip(padded)
            continue
        header = _amended(header, name, told)
        sparse = any(key.startswith("GNU.sparse") for key in told)
        name, told = None, {}
        padded = -(-header.size // BLOCK) * BLOCK
        data_wanted = (
            header.kind in _REGULAR
            and not sparse
            and not header.name.endswith("/")
            and wanted(header.name)
        )
        if data_wanted and header.size <= limit:
            yield Member(
                header.name,
                header.size,
                header.modified,
                _exactly(stream, padded)[: header.size],
            )
            continue
        if data_wanted:
            yield Member(header.name, header.size, header.modified, None)
        # The size of a link or a device is that of something else.
        stream.skip(0 if header.kind in (b"1", b"2", b"3", b"4", b"5", b"6") else padded)


def _exactly(stream: _Pieces, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise CutOff("it is cut off")
    return data


def _header(block: bytes) -> _Header:
    if not _checksum_fits(block):
        raise Damaged("it is damaged")
    name = _text(block[:100])
    if block[257:263] == b"ustar\0" and block[345] != 0:
        name = f"{_text(block[345:500])}/{name}"
    return _Header(name, _number(block[124:136]), float(_number(block[136:148])), block[156:157])


def _amended(header: _Header, name: str | None, told: dict[str, bytes]) -> _Header:
    """With what the members before it said of it."""
    if name is not None:
        header = header._replace(name=name)
    if "path" in told:
        header = header._replace(name=_text(told["path"]))
    try:
        if "size" in told:
            header = header._replace(size=int(told["size"]))
        if "mtime" in told:
            header = header._replace(modified=float(told["mtime"]))
    except ValueError:
        raise Damaged("it is damaged") from None
    if header.size < 0:
        raise Damaged("it is damaged")
    return header


def _pax(data: bytes) -> dict[str, bytes]:
    """Records of ``LENGTH KEY=VALUE`` and a line break each."""
    told: dict[str, bytes] = {}
    at = 0
    while at < len(data) and data[at] != 0:
        length, blank, _ = data[at : at + 20].partition(b" ")
        if not blank or not length.isdigit() or int(length) <= len(length) + 1:
            raise Damaged("it is damaged")
        record = data[at + len(length) + 1 : at + int(length) - 1]
        key, _, value = record.partition(b"=")
        told[key.decode("utf-8", "replace")] = value
        at += int(length)
    return told


def _checksum_fits(block: bytes) -> bool:
    try:
        said = _number(block[148:156])
    except Damaged:
        return False
    return sum(block) - sum(block[148:156]) + 8 * 32 == said


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        # GNU's way for what octal digits have no room for; none of ours is negative.
        if field[0] == 0xFF:
            return 0
        return int.from_bytes(field[1:], "big")
    digits = field.rstrip(b" \0").lstrip(b" ").partition(b"\0")[0]
    try:
        return int(digits, 8) if digits else 0
    except ValueError:
        raise Damaged("it is damaged") from None


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")
