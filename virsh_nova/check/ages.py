"""For how long helpers on this machine have been running."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from ..model import Guest
from .finding import Key
from .state import helper_of


class Ages(NamedTuple):
    seconds: dict[Key, float]
    """By ``Guest.key``."""
    refused: int
    """How many processes this user may not see."""


def ages_of(guests: Iterable[Guest]) -> Ages:
    """The ages of guests that may be leftovers, except those whose process is gone or unknown."""
    processes = {guest.key: guest.pid for guest in guests if guest.pid and helper_of(guest)}
    if not processes:
        return Ages({}, 0)
    import psutil  # 11 ms, and few hosts have a helper

    seconds: dict[Key, float] = {}
    refused = 0
    now = time.time()
    for key, pid in processes.items():
        try:
            seconds[key] = max(now - psutil.Process(pid).create_time(), 0.0)
        except psutil.AccessDenied:
            refused += 1
        except (psutil.Error, OSError, ValueError, OverflowError):
            continue  # It ended meanwhile.
    return Ages(seconds, refused)
