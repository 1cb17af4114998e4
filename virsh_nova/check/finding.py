"""What an examination is given beside the guests, and what it returns."""

from __future__ import annotations

from typing import NamedTuple

from ..model import Guest
from ..sources.record import Record
from .codes import CODES, SEVERITIES, Severity

HOUR = 3600.0


class Options(NamedTuple):
    host: str | None = None
    """The host's name, by which records say where an instance runs."""
    nova_version: tuple[int, ...] | None = None
    """The version that the guests are held against; None for the newest on the host."""
    leftover: float = HOUR
    """Seconds after which a helper counts as left behind."""
    sources: tuple[str, ...] = ()
    """The options that give ``stamp`` the same records: ``("--from", "servers.json")``."""
    complete: bool = True
    """Whether the records hold every server of the host; else none is called an orphan."""


class Finding(NamedTuple):
    code: str
    severity: Severity
    uuid: str
    guest: Guest | None
    """None for an instance that is missing here."""
    evidence: tuple[str, ...]
    """What shows it, a phrase each. Tenants' texts can be in them."""
    command: tuple[str, ...] = ()
    """What to give nova-domains to mend it: only words of ours, and the uuid."""
    record: Record | None = None
    """Of an instance that is missing here."""

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
    """A finding on a guest; of the severity that its code has, unless another is given."""
    return Finding(
        code, severity or CODES[code].severity, guest.uuid, guest, evidence, command=command
    )
