"""Make untrusted text safe for a terminal, a spreadsheet, a document."""

from __future__ import annotations

import re
from collections.abc import Callable

from .. import quoting

# Controls (C0, DEL, C1), line and paragraph separators, bidi marks, overrides and isolates,
# invisible characters that make two names look alike, tags, noncharacters, lone surrogates. The
# joiners U+200C and U+200D stay: scripts and emoji need them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202f"
    "\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

# What Excel and LibreOffice take for the beginning of a formula, full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
            "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip

LONGEST_CELL = 1024
"""Nova's names have at most 255 characters; a table need not show more."""


def visible(text: str) -> str:
    """The text with every character that could act on a terminal escaped: ``\\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_written_out, text)


def cell(text: str) -> str:
    """``visible``, and short enough for a table."""
    if len(text) > LONGEST_CELL:
        text = text[: LONGEST_CELL - 1] + "…"
    return visible(text)


def quoted(name: str) -> str:
    """``cell``, in quotes where a reader could take the name for more than a name."""
    return cell(quoting.quoted(name))


def spreadsheet_cell(text: str) -> str:
    """``visible``, with an apostrophe in front if a spreadsheet would run it as a formula."""
    text = visible(text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def escape_in_json(document: str) -> str:
    """``\\uXXXX`` for unsafe characters, which JSON has in strings only."""
    return _escape(document, _json_escape)


def escape_in_yaml(document: str) -> str:
    """The same for YAML whose unsafe characters are all in double-quoted strings."""
    return _escape(document, _yaml_escape)


def escape_in_xml(xml: str) -> str:
    """Character references for unsafe characters: the same XML, safe on a terminal.

    In a comment, where XML knows no references, the characters are lost.
    """
    # Unlike our own documents, broken XML can contain raw control characters.
    return _UNSAFE.sub(lambda at: at[0] if at[0] in "\n\t" else f"&#x{ord(at[0]):x};", xml)


def _escape(document: str, escape: Callable[[str], str]) -> str:
    # The encoders have escaped the ASCII ones, except DEL.
    if document.isascii() and "\x7f" not in document:
        return document
    return _UNSAFE.sub(lambda match: "\n" if match[0] == "\n" else escape(match[0]), document)


def is_safe(text: str) -> bool:
    return _UNSAFE.search(text) is None


def _written_out(match: re.Match[str]) -> str:
    character = match[0]
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _yaml_escape(character: str) -> str:
    return f"\\u{ord(character):04x}" if character <= "\uffff" else f"\\U{ord(character):08x}"


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
