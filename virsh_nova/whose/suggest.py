"""Hints for a handle that matches no guest: its process, or similar names."""

from __future__ import annotations

from ..errors import HandleError
from ..hosts.lookup import did_you_mean
from ..quoting import quoted
from .answer import HandleKind
from .index import Index
from .keys import number_of, split_handle

_LONGEST = 256
_CLOSE_TO_BARE: tuple[HandleKind, ...] = (
    "uuid", "domain", "name", "tap", "mac", "ip", "port", "volume", "project", "user",
)  # fmt: skip


def no_match(handle: str, index: Index, *, asks_proc: bool, suggests: bool = True) -> HandleError:
    """The error, with what is known of the process, or similar names.

    ``suggests`` turns on the search for similar names, which takes a while.
    """
    kind, text = split_handle(handle)
    number = number_of(text.strip()) if kind in (None, "pid") else None
    if number is not None:
        if not asks_proc:
            hint = "run it on the host itself to look at processes"
            return HandleError(f"no guest matches {handle!r}", hint)
        return HandleError(f"no guest matches {handle!r}", _process(index, number))
    return HandleError(
        f"no guest matches {handle!r}", _close(kind, text, index) if suggests else ""
    )


def _process(index: Index, number: int) -> str:
    lineage = index.lineage(number)
    if lineage is None:
        return f"there is no process {number}"
    if not lineage.processes:
        return lineage.fault
    process = lineage.processes[0]
    if process.pid == number:
        return f"process {number} is {quoted(process.name)}, not of any guest"
    return f"{number} is a thread of {quoted(process.name)} ({process.pid}), not of any guest"


def _close(kind: HandleKind | None, text: str, index: Index) -> str:
    text = text.strip()[:_LONGEST].lower()
    names: dict[str, str] = {}
    for asked in (kind,) if kind else _CLOSE_TO_BARE:
        for name in index.names(asked):
            names.setdefault(name[:_LONGEST].lower(), name[:_LONGEST])
    return did_you_mean(text, names, cutoff=0.75)
