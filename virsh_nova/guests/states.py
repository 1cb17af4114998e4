"""The states of a guest: libvirt's words for them, virsh's, and Nova's power states."""

from __future__ import annotations

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

RUNNING_STATES = ("running", "blocked")
"""Those in which a guest's vCPUs run. Xen calls an idle guest blocked."""

UNKNOWN_STATE = "unknown"
"""Of a guest that was read from files which do not show its state."""


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

VIRSH_WORDS = {
    "no state": "nostate",
    "running": "running",
    "idle": "blocked",
    "paused": "paused",
    "in shutdown": "shutdown",
    "shut off": "shutoff",
    "crashed": "crashed",
    "pmsuspended": "pmsuspended",
}
"""virsh's words for libvirt's states, as `virsh list` and `virsh domstate` print them."""

POWER_STATES = {
    "running": 1,
    "blocked": 1,
    "paused": 3,
    "shutdown": 4,
    "shutoff": 4,
    "crashed": 6,
    "pmsuspended": 7,
}
"""Nova's power state (nova/compute/power_state.py) for each of libvirt's states. Its 0 is NOSTATE:
Nova does not know."""

POWER_STATE_WORDS = {1: "running", 3: "paused", 4: "shutdown", 6: "crashed", 7: "suspended"}
"""Nova's own words for its power states."""
