"""How old the documents of a host are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from ..guests.columns import iso
from .codes import CODES
from .finding import Finding
from .state import spoken


def examine_snapshots(
    read_at: Mapping[str | None, datetime], now: datetime, max_age: float
) -> Iterator[Finding]:
    """One finding for each host of which the latest document is older than ``max_age`` seconds.

    ``read_at`` has the moment of that document by the host's name.
    """
    for host, moment in read_at.items():
        age = (now - moment).total_seconds()
        if age > max_age:
            evidence = f"read {spoken(age)} ago, at {iso(moment)}"
            severity = CODES["stale-snapshot"].severity
            yield Finding("stale-snapshot", severity, host, "", None, (evidence,))
