"""What guests use while they are watched: two looks at each, some seconds apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..hosts.use import Measurable, Use
from ..model import Guest, GuestKey


class Rates(NamedTuple):
    """Between two looks. 100 percent is one CPU of the host."""

    cpu_percent: float
    steal_percent: float | None
    rss_mib: float | None
    balloon_mib: float | None


def measured(
    host: Measurable,
    guests: Sequence[Guest],
    interval: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[GuestKey, Rates]:
    """Those of the guests that ran all the while. Raises ``HostError``."""
    before = host.use(guests)
    sleep(interval)
    after = host.use(guests)
    found = {}
    for key, first in before.items():
        second = after.get(key)
        rates = None if second is None else rates_between(first, second)
        if rates is not None:
            found[key] = rates
    return found


def rates_between(first: Use, second: Use) -> Rates | None:
    """None where the guest was started again in between, or was asked in another way."""
    seconds = second.at - first.at
    if first.run != second.run or seconds <= 0:
        return None
    steal = None
    if first.steal_seconds is not None and second.steal_seconds is not None:
        # A vCPU that was unplugged takes its share with it.
        steal = max(100 * (second.steal_seconds - first.steal_seconds) / seconds, 0.0)
    return Rates(
        cpu_percent=max(100 * (second.cpu_seconds - first.cpu_seconds) / seconds, 0.0),
        steal_percent=steal,
        rss_mib=second.rss_mib,
        balloon_mib=second.balloon_mib,
    )
