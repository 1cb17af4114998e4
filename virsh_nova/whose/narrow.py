"""Read only what the handles need: a lookup of a PID waits for one guest, not for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..handles.keys import number_of, split_handle, uuid_key
from ..hosts.collected.indexed import is_indexed
from ..hosts.host import Host
from ..model import Guest, Sighting
from .answer import Processes, RealPaths
from .index import Index

_NUMBERED = ("pid", "id")


def read_index(
    host: Host,
    handles: Sequence[str],
    processes: Processes | None,
    real_paths: RealPaths | None,
    *,
    everything: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Index:
    """The index of all guests or, in a tenth of the time, of those that the handles can mean.

    ``everything`` is for a stream, whose handles are not known yet. Raises ``HostError``.
    """

    def build(guests: list[Guest]) -> Index:
        return Index.of(guests, processes, real_paths)

    if is_indexed(host):
        from .indexed import IndexedTables  # no other host needs it

        # It finds the guests of any handle, of a stream as well, and reads these alone.
        return Index(IndexedTables(host))
    wanted = None if everything else chosen_by(handles, processes)
    if wanted is not None:
        index = build(host.guests("whole", chosen=wanted, progress=progress))
        # A bare number can also be the name of a flavor, and suggestions need all guests.
        if all(index.answers(handle) or split_handle(handle)[0] in _NUMBERED for handle in handles):
            return index
    return build(host.guests("whole", progress=progress))


def chosen_by(
    handles: Sequence[str], processes: Processes | None
) -> Callable[[Sighting], bool] | None:
    """Which guests the handles can mean; None if the listing alone does not show that."""
    uuids: set[str] = set()
    names: set[str] = set()
    numbers: set[str] = set()
    for handle in handles:
        kind, text = split_handle(handle)
        text = text.strip()
        number = number_of(text)
        if kind not in (None, "pid", "id", "uuid", "domain") or (kind is None and number is None):
            return None
        if kind == "uuid":
            key = uuid_key(text)
            if key is None:
                return None
            uuids.add(key)
        if kind in (None, "domain"):
            names.add(text)
        if kind in (None, "id") and number is not None:
            numbers.add(str(number))
        if kind in (None, "pid") and number is not None:
            if processes is None:
                return None
            lineage = processes(number)
            for process in lineage.processes if lineage else ():
                if process.uuid:
                    uuids.add(process.uuid.replace("-", ""))
    return lambda seen: (
        seen.uuid.replace("-", "").lower() in uuids
        or seen.domain in names
        or (seen.id is not None and str(seen.id) in numbers)
    )
