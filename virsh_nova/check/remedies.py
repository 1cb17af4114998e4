"""Which call of ``stamp`` would mend a finding: words of ours and the uuid, none of a tenant's."""

from __future__ import annotations

from collections.abc import Mapping

from ..guests.classify import foreign_evidence
from ..model import Guest
from ..sources.record import Record

_WHOLE = frozenset(("name", "flavor.name", "owner.project.id", "owner.user.id"))
"""What a record has to know before a block may be replaced by what it says."""


class Mending:
    """``sources`` are the options that give ``stamp`` the ``records``, one for each uuid."""

    def __init__(self, sources: tuple[str, ...], records: Mapping[str, Record]) -> None:
        self._sources = sources
        self._records = records

    def write(self, guest: Guest) -> tuple[str, ...]:
        """For a guest without the block: what it still tells, and what the records do."""
        if _is_others(guest):
            return ()
        known = guest.uuid in self._records
        return ("stamp", guest.uuid, "--derive", *(self._sources if known else ()))

    def fill(self, guest: Guest) -> tuple[str, ...]:
        """To add what the block lacks; nothing where no record knows it."""
        if not self._knows(guest):
            return ()
        return ("stamp", guest.uuid, "--fill", *self._sources)

    def overwrite(self, guest: Guest) -> tuple[str, ...]:
        """To replace the block; nothing where that would lose what it says."""
        if not self._knows(guest):
            return ()
        return ("stamp", guest.uuid, "--overwrite", "--derive", *self._sources)

    def _knows(self, guest: Guest) -> bool:
        record = self._records.get(guest.uuid)
        return (
            bool(self._sources)
            and record is not None
            and record.facts.keys() >= _WHOLE
            and not _is_others(guest)
        )


def _is_others(guest: Guest) -> bool:
    """Whether ``stamp`` would refuse it: another manager's mark is on it, or it was not read."""
    return not guest.definitions or any(
        True for definition in guest.definitions for _ in foreign_evidence(definition.domain)
    )
