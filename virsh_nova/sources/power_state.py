"""Nova's power state of a server, which its API tells as a number and older clients as a word."""

from __future__ import annotations

_NUMBERS = {"running": 1, "paused": 3, "shutdown": 4, "crashed": 6, "suspended": 7}


def power_state(value: int | str | None) -> int | None:
    """The number; None for what tells nothing, as NOSTATE does."""
    if isinstance(value, str):
        return _NUMBERS.get(value.strip().lower())
    return value if value in _NUMBERS.values() else None
