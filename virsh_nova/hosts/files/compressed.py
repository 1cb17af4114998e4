"""What stands in a file, unpacked while it is read: xz, gzip, bzip2, or plain.

How much comes out and what memory that takes is bounded: a few bytes can be made to become
terabytes.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

LARGEST = 8 * 2**30
"""Bytes that are unpacked at most; a large sos report has two or three GiB."""

_CHUNK = 2**18
_MAGIC = 6
_MEMORY = 2**28
"""Bytes for xz, whose archives say what they need; ``xz -9`` needs 65 MiB."""

XZ, GZIP, BZIP2 = b"\xfd7zXZ\0", b"\x1f\x8b", b"BZh"


class CutOff(EOFError):
    """The file ends before what it holds does."""


class Overflow(ValueError):
    """More comes out than any report holds."""


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gunzip:
    """zlib's object with the face of the other two."""

    def __init__(self) -> None:
        self._unpack = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._unpack.eof

    @property
    def unused_data(self) -> bytes:
        return self._unpack.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        text = self._unpack.decompress(self._unpack.unconsumed_tail + data, max_length)
        # What did not fit may still be inside, even where all input is taken.
        self.needs_input = not self._unpack.unconsumed_tail and len(text) < max_length
        return text


def unpacked(file: BinaryIO) -> Iterator[bytes]:
    """The content, in pieces. Raises ``CutOff``, ``Overflow``, and what the format's module raises
    for damage."""
    begin = file.read(_CHUNK)
    total = 0
    for piece in _pieces(file, begin):
        total += len(piece)
        if total > LARGEST:
            raise Overflow(f"more than {LARGEST >> 30} GiB come out of it")
        yield piece


def _pieces(file: BinaryIO, data: bytes) -> Iterator[bytes]:
    magic = data[:_MAGIC]
    if _unpacker(magic) is None:
        while data:
            yield data
            data = file.read(_CHUNK)
        return
    # Several streams can stand in a row, as `cat` and `pigz` leave them.
    while data and (unpacker := _unpacker(data[:_MAGIC])) is not None:
        while not unpacker.eof:
            if unpacker.needs_input and not data and not (data := file.read(_CHUNK)):
                raise CutOff("it is cut off")
            piece = unpacker.decompress(data, _CHUNK)
            data = b""
            if piece:
                yield piece
        data = unpacker.unused_data
        if len(data) < _MAGIC:
            data += file.read(_CHUNK)


def _unpacker(magic: bytes) -> _Unpacker | None:
    if magic.startswith(XZ):
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
    if magic.startswith(GZIP):
        return _Gunzip()
    if magic.startswith(BZIP2):
        return bz2.BZ2Decompressor()
    return None
