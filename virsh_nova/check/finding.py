"""What an examination takes and returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..model import Guest, GuestKey
from ..sources.record import Record
from .codes import CODES, SEVERITIES, Severity
from .versions import Version

HOUR = 3600.0

Key = GuestKey
"""``Guest.key``: one uuid can be on several hosts."""

_NO_AGES: Mapping[Key, float] = MappingProxyType({})


class Examination(NamedTuple):
    """What to examine, and the thresholds."""

    guests: Sequence[Guest]
    """All guests of the hosts, read whole: another guest may use the same disk."""
    hosts: frozenset[str] = frozenset()
    """The names of these hosts, by which records say where an instance runs: certain ones only."""
    records: Sequence[Record] | None = None
    """What Nova says of its servers; None if it was not asked."""
    complete: bool = True
    """Whether the records hold every server of the hosts; if not, a guest without one is no
    orphan."""
    sources: tuple[str, ...] = ()
    """The options that give ``stamp`` the same records: ``("--from", "servers.json")``."""
    ages: Mapping[Key, float] = _NO_AGES
    """For how many seconds the process of a guest has been running."""
    nova_version: Version | None = None
    """The version that should have started the guests; None for the newest on their host."""
    leftover: float = HOUR
    """Seconds after which a helper counts as left behind."""


class Finding(NamedTuple):
    """One thing that is wrong with one guest, or with an instance that should be here."""

    code: str
    severity: Severity
    host: str | None
    uuid: str
    guest: Guest | None
    """None for an instance that is missing."""
    evidence: tuple[str, ...]
    """What shows it, a phrase each. Tenants' texts can be in them."""
    command: tuple[str, ...] = ()
    """The command of nova-domains that fixes it: only our own words, and the uuid."""
    record: Record | None = None
    """Of an instance that is missing."""

    @property
    def key(self) -> Key:
        return self.host, self.uuid

    @property
    def remedy(self) -> str:
        return CODES[self.code].remedy

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return SEVERITIES.index(self.severity)


def found(
    code: str,
    guest: Guest,
    *evidence: str,
    command: tuple[str, ...] = (),
    severity: Severity | None = None,
) -> Finding:
    """A finding on a guest, of its code's severity unless another is given."""
    return Finding(
        code,
        severity or CODES[code].severity,
        guest.host,
        guest.uuid,
        guest,
        evidence,
        command=command,
    )
