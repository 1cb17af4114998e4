"""The content of a file, decompressed while it is read: xz, gzip, bzip2, or plain.

Both the output and the memory for it are bounded: a few bytes can expand to terabytes.

Kept by hand, since no reader of the standard library has both bounds. ``lzma.open`` takes no limit
on memory. ``tarfile`` in the modes ``r|gz``, ``r|xz`` and ``r|bz2`` expands whatever it has read of
the file at once, and copies it for each block: for 128 MiB of zeros, packed in 130 kB, ``r|gz``
takes 45 s and the others longer, this 0.2 to 0.6 s and 12 MiB of memory.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

LARGEST = 8 * 2**30
"""Bytes of output; a large sos report has two or three GiB."""

_CHUNK = 2**18
_MAGIC = 6
_MEMORY = 2**28
"""Bytes for xz, where the file says how much it needs; ``xz -9`` needs 65 MiB."""

XZ, GZIP, BZIP2 = b"\xfd7zXZ\0", b"\x1f\x8b", b"BZh"


class Unreadable(Exception):
    """The content ends here, for the reason given."""


class CutOff(Unreadable):
    """The file ends before its content does."""

    def __init__(self) -> None:
        super().__init__("it is cut off")


class Overflow(Unreadable):
    """There is more content than any report has."""


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gunzip:
    """zlib's decompressor with the interface of the other two."""

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
        # Output that did not fit may still be buffered, even if all input is consumed.
        self.needs_input = not self._unpack.unconsumed_tail and len(text) < max_length
        return text


def unpacked(file: BinaryIO) -> Iterator[bytes]:
    """The content, in pieces. Raises ``CutOff``, ``Overflow``, and for damage what the module of
    the format raises."""
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
    # There can be several streams in a row, as `cat` and `pigz` write them.
    while data and (unpacker := _unpacker(data[:_MAGIC])) is not None:
        while not unpacker.eof:
            if unpacker.needs_input and not data and not (data := file.read(_CHUNK)):
                raise CutOff
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
