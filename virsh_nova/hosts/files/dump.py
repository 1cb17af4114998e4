"""A file with domains in it: one, several in a row, or some in the middle of other text.

That is what becomes of ``virsh dumpxml`` in a loop, in a copied terminal session, and in the log of
nova-compute.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ...block.reader import in_quotes
from .domain_file import Broken, DomainFile, Unusable, read_document
from .layout import LARGEST_XML

if TYPE_CHECKING:
    from .pieces import Piece, Pieces

_MOST_FAULTS = 20
_MOST_KEPT = 1000
_LONGEST_LINE = 60
_LOST = "\N{REPLACEMENT CHARACTER}"


class Dump(NamedTuple):
    """What a file holds."""

    domains: tuple[DomainFile, ...]
    faults: tuple[str, ...] = ()
    """What cannot be used and why, a phrase each."""
    notes: tuple[str, ...] = ()
    """What else a reader should know of it."""


def read_dump(data: bytes) -> Dump:
    """Every domain in a file; without any, the faults say what it is instead.

    Never raises for what it holds, and takes linear time.
    """
    broken = ""
    if len(data) <= LARGEST_XML:
        try:
            return Dump(*read_document(data))
        except Broken as error:
            broken = str(error)
        except Unusable as error:
            return Dump((), (str(error),))
    # 2 ms that libvirt's own files do without.
    from .pieces import pieces_of
    from .unlike import what_it_is

    text = _decoded(data)
    pieces = pieces_of(text)
    domains, faults = _read(text, pieces)
    if not domains and not pieces.documents:
        if broken and text.lstrip().startswith("<"):
            return Dump((), (broken,))
        if not faults:
            return Dump((), (what_it_is(text),))
    return Dump(tuple(domains), tuple(_bounded(faults)), tuple(_notes(text, pieces, data)))


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    # One guest's title may hold bytes that are no text, and must not cost the others.
    return data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")


def _read(text: str, pieces: Pieces) -> tuple[list[DomainFile], list[str]]:
    """The domains, of each the last; and what cannot be used, in the order of the text."""
    without_end, amid = pieces.unended[:_MOST_KEPT], pieces.amid[:_MOST_KEPT]
    faults = [(at, f"a {_tag(text, at)} without an end") for at in without_end]
    faults += [
        (at, f"a {_tag(text, at)} in the middle of a line, where it may be anybody's words")
        for at in amid
    ]
    kept: dict[object, tuple[int, DomainFile]] = {}
    for piece in pieces.documents:
        for found in _of_piece(text, piece, faults):
            # Of a guest that runs there can be both definitions, and any number of snapshots.
            key = (found.uuid, found.live, found.id is None, found.snapshot)
            if key in kept:
                earlier = kept.pop(key)[0]
                faults.append((earlier, f"{found.name} ({found.uuid}), which comes again below"))
            kept[key] = piece.start, found
    if pieces.rest is not None:
        faults.append((pieces.rest, "more domains than any host has; the rest was not read"))
    faults.sort()
    lines = _lines_of(text, [at for at, _ in faults])
    said = [f"line {line}: {what}" for line, (_, what) in zip(lines, faults, strict=True)]
    return [found for _, found in kept.values()], said


def _of_piece(text: str, piece: Piece, faults: list[tuple[int, str]]) -> tuple[DomainFile, ...]:
    if piece.end - piece.start > LARGEST_XML:
        faults.append((piece.start, f"a domain larger than {LARGEST_XML >> 20} MiB"))
        return ()
    try:
        return read_document(text[piece.start : piece.end]).domains
    except Unusable as error:
        faults.append((piece.start, str(error)))
        return ()


def _tag(text: str, at: int) -> str:
    """As it is in the text, without its attributes: ``<domain>``."""
    return f"{text[at : at + 20].split()[0].split('>')[0]}>"


def _lines_of(text: str, places: list[int]) -> Iterator[int]:
    """The numbers of the lines, for places in ascending order."""
    line, seen = 1, 0
    for place in places:
        line += text.count("\n", seen, place)
        seen = place
        yield line


def _bounded(faults: list[str]) -> Iterator[str]:
    yield from faults[:_MOST_FAULTS]
    if len(faults) > _MOST_FAULTS:
        yield "more places like these"


def _notes(text: str, pieces: Pieces, data: bytes) -> Iterator[str]:
    other = [
        line.strip()
        for piece in pieces.other
        for line in text[piece.start : piece.end].splitlines()
        if line.strip()
    ]
    if other:
        first = next((line for line in other if line.startswith("error:")), other[0])
        lines = f"{len(other)} lines" if len(other) > 1 else "a line"
        like = "such as " if len(other) > 1 else ""
        yield f"{lines} of other text skipped, {like}{in_quotes(first, _LONGEST_LINE)}"
    if _LOST in text and _LOST.encode() not in data:
        yield f"holds bytes that are no text, shown as {_LOST}"
