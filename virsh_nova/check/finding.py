"""What an examination takes and returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ..model import Guest, GuestKey
from ..sources.record import Record
from .codes import CODES, SEVERITIES, Severity
from .versions import Version

if TYPE_CHECKING:
    from .survey import Survey

HOUR = 3600.0
DAY = 24 * HOUR

Key = GuestKey
"""``Guest.key``: one uuid can be on several hosts."""

_NO_AGES: Mapping[Key, float] = MappingProxyType({})


class Examination(NamedTuple):
    """What to examine, and the thresholds."""

    guests: Iterable[Guest]
    """The guests to examine, read whole. They are gone through once if there is a survey."""
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
    survey: Survey | None = None
    """Of all guests: another one may use the same disk. None if ``guests`` are all there are."""
    documents: frozenset[str | None] = frozenset()
    """The hosts whose guests come from documents, which can be outdated."""
    now: datetime | None = None
    """In UTC; None if that does not matter."""
    max_age: float = DAY
    """Seconds after which what was read of a host counts as outdated."""
    asked: str = "Nova"
    """Where the records are from, as findings name it: ``stdin, cloud prod``."""


class Other(NamedTuple):
    """Another guest, or another host, that a finding is about."""

    host: str | None
    uuid: str
    domain: str | None = None
    """None for an instance that the host does not have."""
    state: str | None = None
    read_at: datetime | None = None


class Finding(NamedTuple):
    """One thing that is wrong with one guest, with an instance that should be here, or a host."""

    code: str
    severity: Severity
    host: str | None
    uuid: str
    """Empty for a finding on the host itself."""
    guest: Guest | None
    """None for an instance that is missing, and for a host."""
    evidence: tuple[str, ...]
    """What shows it, a phrase each. Tenants' texts can be in them."""
    command: tuple[str, ...] = ()
    """The command of nova-domains that fixes it: only our own words, and the uuid."""
    record: Record | None = None
    """Of an instance that is missing."""
    others: tuple[Other, ...] = ()
    """Who else it is about: three at most."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that it is about, the guest's own first."""
        names = (self.host, *(other.host for other in self.others))
        return tuple(dict.fromkeys(name for name in names if name is not None))

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
    others: tuple[Other, ...] = (),
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
        others=others,
    )
