"""What Nova says of its servers, as ``--against`` or ``--cloud`` gave it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model import Guest
from ..sources.record import Record


class Servers:
    """The records by instance: of a live migration, or from two files, it can have several."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.sources = ", ".join(dict.fromkeys(record.source for record in records))
        self.holds_saved_lists = any(record.namespace for record in records)
        """Whether any is a saved ``list -f json``, which has no record of a guest without a
        block."""
        self._records: dict[str, list[Record]] = {}
        for record in records:
            self._records.setdefault(record.uuid, []).append(record)

    def of(self, guest: Guest) -> Record | None:
        """The record that places the instance on the guest's host; if none does, the first."""
        records = self._records.get(guest.uuid)
        if records is None or len(records) == 1:
            return records[0] if records else None
        host = guest.certain_host
        return next((record for record in records if record.runs_on(host)), records[0])

    def placed_on(self, host: str) -> Iterator[Record]:
        """One record of each instance that Nova places on this host, by uuid."""
        for _, records in sorted(self._records.items()):
            here = next((record for record in records if record.runs_on(host)), None)
            if here is not None:
                yield here
