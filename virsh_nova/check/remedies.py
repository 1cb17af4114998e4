"""The ``stamp`` command that fixes a finding: our own words and the uuid, no text of a tenant."""

from __future__ import annotations

from ..guests.classify import foreign_evidence
from ..model import Guest
from .servers import Servers

_WHOLE = frozenset(("name", "flavor.name", "owner.project.id", "owner.user.id"))
"""What a record must know before a block may be replaced by what it says."""


class Remedies:
    """``sources`` are the options that give ``stamp`` the same ``servers``."""

    def __init__(self, sources: tuple[str, ...], servers: Servers | None) -> None:
        self._sources = sources
        self._servers = servers

    def write(self, guest: Guest) -> tuple[str, ...]:
        """For a guest without a block: from what its XML still shows, and what Nova says."""
        if _is_others(guest):
            return ()
        known = self._servers is not None and self._servers.of(guest) is not None
        return ("stamp", guest.uuid, "--derive", *(self._sources if known else ()))

    def fill(self, guest: Guest) -> tuple[str, ...]:
        """Adds what the block is missing; empty if no record has it."""
        if not self._knows(guest):
            return ()
        return ("stamp", guest.uuid, "--fill", *self._sources)

    def overwrite(self, guest: Guest) -> tuple[str, ...]:
        """Replaces the block; empty if that would lose what it says."""
        if not self._knows(guest):
            return ()
        return ("stamp", guest.uuid, "--overwrite", "--derive", *self._sources)

    def _knows(self, guest: Guest) -> bool:
        if not self._sources or self._servers is None:
            return False
        record = self._servers.of(guest)
        return record is not None and record.facts.keys() >= _WHOLE and not _is_others(guest)


def _is_others(guest: Guest) -> bool:
    """Whether ``stamp`` would refuse it: it has another manager's mark, or could not be read."""
    return not guest.definitions or any(
        True for definition in guest.definitions for _ in foreign_evidence(definition.domain)
    )
