"""What the mere listing of a host says of its guests, and the words it uses."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["nova", "nova-unstamped", "foreign"]
KINDS: tuple[Kind, ...] = ("nova", "nova-unstamped", "foreign")

# libvirt's own words (virDomainStateTypeToString), which <domstatus> uses too; the index is
# virDomainState.
STATES = (
    "nostate",
    "running",
    "blocked",
    "paused",
    "shutdown",
    "shutoff",
    "crashed",
    "pmsuspended",
)

UNKNOWN_STATE = "unknown"
"""Of a guest that is known from files which do not tell."""


# libvirt's own words again (virDomain…ReasonTypeToString), which <domstatus> uses too; the index is
# virDomain…Reason.
REASONS: dict[str, tuple[str, ...]] = {
    "running": (
        "unknown", "booted", "migrated", "restored", "from snapshot", "unpaused",
        "migration canceled", "save canceled", "wakeup", "crashed", "post-copy",
        "post-copy failed",
    ),
    "paused": (
        "unknown", "user", "migration", "save", "dump", "ioerror", "watchdog", "from snapshot",
        "shutdown", "snapshot", "panicked", "starting up", "post-copy", "post-copy failed",
        "api error",
    ),
    "shutdown": ("unknown", "user"),
    "shutoff": (
        "unknown", "shutdown", "destroyed", "crashed", "migrated", "saved", "failed",
        "from snapshot", "daemon",
    ),
    "crashed": ("unknown", "panicked"),
}  # fmt: skip


class Sighting(NamedTuple):
    """A guest before any of its XML is read."""

    host: str | None
    uuid: str
    domain: str
    id: int | None
    """None for a guest that is off."""
    state: str
    reason: str | None = None
    """Why it is in that state, in libvirt's words: ``booted``, ``ioerror``, ``crashed``."""
