"""How long ago something was, in words."""

from __future__ import annotations


def age_in_words(seconds: float) -> str:
    """``5 minutes ago``; clocks differ, so it may lie ahead."""
    word = "ago" if seconds >= 0 else "ahead of this machine's clock"
    seconds = abs(seconds)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}s {word}"
    return f"{int(seconds)} second{'' if int(seconds) == 1 else 's'} {word}"
