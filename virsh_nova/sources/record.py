"""What one source says of one instance."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..block.facts import Fact
from ..model import Address

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Record(NamedTuple):
    """What one source says of one instance."""

    uuid: str
    """In lower case, with dashes."""
    source: str
    """What the plan calls it: ``servers.json``, ``cloud prod``."""
    facts: Mapping[str, Fact]
    """By the dotted keys of ``block.facts.SHAPES``."""
    origins: Mapping[str, str] = _NOTHING
    """The source of each fact that another file gave: ``{"owner.user.name": "users.json"}``."""
    hosts: tuple[str, ...] = ()
    """Every name the source has for the host the instance runs on; empty where it has none."""
    unnamed: bool = False
    """Whether the source says that the instance has no display name."""
    namespace: str | None = None
    """Of the block, where the source is a document of ours."""
    addresses: Mapping[str, tuple[Address, ...]] = _NOTHING
    """Fixed addresses by MAC address, for a source that does not know the ports."""
    place: str = ""
    """Where it is in its source: ``item 3``."""
    power_state: int | None = None
    """Nova's number: 1 running, 3 paused, 4 shut down, 6 crashed, 7 suspended."""

    def runs_on(self, host: str | None) -> bool | None:
        """Whether the source places the instance on this host; None if it does not say."""
        if not self.hosts or host is None:
            return None
        # One of them may be the whole domain name, the other its first part.
        short = host.partition(".")[0].lower()
        return any(
            name.lower() == host.lower() or name.partition(".")[0].lower() == short
            for name in self.hosts
        )
