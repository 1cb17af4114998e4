"""What Nova says of its servers, as ``--against`` or ``--cloud`` gave it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..guests.host_names import HostNames
from ..model import Guest
from ..sources.record import Record


class Servers:
    """The records by instance: of a live migration, or from two files, it can have several."""

    def __init__(self, records: Sequence[Record], hosts: Collection[str] = ()) -> None:
        """``hosts`` are those that were read, by names that are certain."""
        self._hosts = HostNames(hosts)
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

    def placed(self) -> Iterator[tuple[str, Record]]:
        """Each instance that Nova places on one of the hosts, with that host; by host and uuid."""
        found: dict[tuple[str, str], Record] = {}
        for uuid, records in self._records.items():
            for record in records:
                for host in self.hosts_of(record):
                    found.setdefault((host, uuid), record)
        yield from ((host, found[host, uuid]) for host, uuid in sorted(found))

    def hosts_of(self, record: Record) -> list[str]:
        """The hosts, of those that were read, on which the record places its instance."""
        hosts = dict.fromkeys(host for name in record.hosts for host in self._hosts.named(name))
        return [host for host in hosts if record.runs_on(host)]
