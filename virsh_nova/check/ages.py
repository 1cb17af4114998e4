"""How long the processes of helpers have been running, on the machine that this runs on."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from ..model import Guest
from .state import helper_of


class Ages(NamedTuple):
    seconds: dict[str, float]
    """By the guest's uuid."""
    refused: int
    """How many processes this user may not look at."""


def ages_of(guests: Iterable[Guest]) -> Ages:
    """Of the guests that can be leftovers; one whose process is gone, or not known, has none."""
    processes = {guest.uuid: guest.pid for guest in guests if guest.pid and helper_of(guest)}
    if not processes:
        return Ages({}, 0)
    import psutil

    seconds: dict[str, float] = {}
    refused = 0
    now = time.time()
    for uuid, pid in processes.items():
        try:
            seconds[uuid] = max(now - psutil.Process(pid).create_time(), 0.0)
        except psutil.AccessDenied:
            refused += 1
        except (psutil.Error, OSError, ValueError, OverflowError):
            continue  # It ended meanwhile.
    return Ages(seconds, refused)
