"""Nova's power state of a server: a number in the API, a word in older clients."""

from __future__ import annotations

_NUMBERS = {"running": 1, "paused": 3, "shutdown": 4, "crashed": 6, "suspended": 7}


def power_state(value: int | str | None) -> int | None:
    """The number; None if it says nothing, like NOSTATE."""
    if isinstance(value, str):
        return _NUMBERS.get(value.strip().lower())
    return value if value in _NUMBERS.values() else None
