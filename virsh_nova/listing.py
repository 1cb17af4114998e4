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


class Sighting(NamedTuple):
    """A guest before any of its XML is read."""

    host: str | None
    uuid: str
    domain: str
    id: int | None
    """None for a guest that is off."""
    state: str
