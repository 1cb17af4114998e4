"""Parts that are the same in many guests of a host: their flavor, their image, their owner.

They are most of a block, and a host has few different ones. A part that was read without a fault is
remembered by its text: in the next block an empty element replaces it before the XML is parsed,
which more than halves the time for a block.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TAGS = ("flavor", "image", "owner")

_LONGEST_BLOCK = 2**16
_LONGEST_PART = 2**14
_MOST_PARTS = 2**10

_ROOT = re.compile(r"<([\w.-]+:)?instance[\s>]", re.ASCII)

_known: dict[str, object] = {}


class Abridged(NamedTuple):
    """A block's text without the known parts."""

    text: str
    prefix: str
    """Of the block's elements, with its colon; empty for a block without."""
    known: dict[str, object]
    """What was taken out, by tag; an empty element is left in its place."""
    unknown: dict[str, str]
    """The text of each part to remember; it occurs in the block just once."""


def abridge(text: str) -> Abridged:
    """Take out what is known, unless a look-alike could be elsewhere in the block."""
    root = _ROOT.match(text)
    # Comments, CDATA sections and processing instructions can hold what only looks like an element.
    if root is None or len(text) > _LONGEST_BLOCK or "<!" in text or "<?" in text:
        return Abridged(text, "", {}, {})
    prefix = root[1] or ""
    known = {}
    unknown = {}
    for tag in TAGS:
        opening, closing = f"<{prefix}{tag}", f"</{prefix}{tag}>"
        start = text.find(opening)
        end = text.find(closing, start) + len(closing)
        if start < 0 or end < len(closing):
            continue
        if text.find(opening, start + 1) >= 0:
            # Two of them, one perhaps in another part: which would the empty element stand for?
            continue
        part = text[start:end]
        if (value := _known.get(part)) is not None:
            known[tag] = value
            text = f"{text[:start]}{opening}/>{text[end:]}"
        elif part[len(opening)] in " >":
            unknown[tag] = part
    return Abridged(text, prefix, known, unknown)


def remember(part: str, value: object) -> None:
    """Remember a part by its text."""
    if len(part) <= _LONGEST_PART and len(_known) < _MOST_PARTS:
        _known[part] = value
