"""Nova's power state of a server: a number in its API, a word in older clients."""

from __future__ import annotations

from ..guests.states import POWER_STATE_WORDS

_NUMBERS = {word: number for number, word in POWER_STATE_WORDS.items()}


def power_state(value: int | str | None) -> int | None:
    """The number; None where the source does not know it, as for NOSTATE."""
    if isinstance(value, str):
        return _NUMBERS.get(value.strip().lower())
    return value if value in POWER_STATE_WORDS else None
