"""One palette, and how lines fit a terminal.

Colour says two things only: the state of a guest and how grave something is. All else is bold, dim
or plain. ANSI blue, cyan and yellow are missing: half of the terminals show them unreadably, on
dark or on light.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from click import style

Paint = Callable[[str, str], str]
"""A text and its role, a key of ``LOOKS``; returns the text to print."""

LOOKS: dict[str, dict[str, Any]] = {
    # How grave a finding is, and what happens to a guest.
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "magenta"},
    "note": {"dim": True},
    "good": {"fg": "green"},
    # A diff.
    "added": {"fg": "green"},
    "removed": {"fg": "red"},
    # The parts of a text.
    "title": {"bold": True},
    "name": {"bold": True},
    "quiet": {"dim": True},
    "text": {},
    # libvirt's states.
    "running": {"fg": "green"},
    "blocked": {"fg": "green"},
    "paused": {"fg": "magenta"},
    "pmsuspended": {"fg": "magenta"},
    "shutdown": {"fg": "magenta"},
    "shutoff": {"dim": True},
    "crashed": {"fg": "red", "bold": True},
    "nostate": {"dim": True},
    "unknown": {"dim": True},
}


def plain(text: str, _role: str) -> str:
    """For a pipe."""
    return text


def coloured(text: str, role: str) -> str:
    """For a terminal."""
    return style(text, **LOOKS[role]) if LOOKS[role] else text


# ---- widths -----------------------------------------------------------------------------------


def cells(text: str) -> int:
    """Columns of a terminal that a text takes; a wide character takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # 2 ms that ASCII does without

    return cell_len(text)


def flowing(
    words: Sequence[tuple[str, str]],
    width: int | None,
    paint: Paint,
    indent: int = 4,
    *,
    gap: int = 2,
) -> Iterator[str]:
    """Lines of ``(text, role)``, ``gap`` blanks apart; what does not fit goes to the next line.

    ``width`` None is for a pipe: one line.
    """
    line, used = "", 0
    for text, role in words:
        wide = cells(text)
        if line and width is not None and used + gap + wide > width:
            yield line
            line, used = " " * indent, indent
        elif line:
            line, used = line + " " * gap, used + gap
        line, used = line + paint(text, role), used + wide
    yield line


def wrapped(text: str, width: int | None) -> list[str]:
    """The text in lines of at most ``width`` cells, broken at blanks.

    A word that is longer is broken behind a slash if it has one, and cut if not.
    """
    if width is None or cells(text) <= width:
        return [text]
    width = max(width, 8)
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cells(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        line = word
        while cells(line) > width:
            kept = _beginning(line, width)
            kept = line.rfind("/", 1, kept) + 1 or kept
            lines.append(line[:kept])
            line = line[kept:]
    return [*lines, line]


def _beginning(text: str, width: int) -> int:
    """How many characters of a text fit."""
    used = 0
    for number, character in enumerate(text):
        used += cells(character)
        if used > width:
            return max(number, 1)
    return len(text)
