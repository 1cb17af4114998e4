"""What one source says of one instance."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..block.facts import Fact
from ..guests.host_names import is_address, is_loopback, same_host
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
        """Whether the source places the instance on this host; None if that cannot be said.

        ``host`` is a name that is certain: None for one that is only guessed.
        """
        if host is None or is_loopback(host):
            return None
        names = [name for name in self.hosts if not is_loopback(name)]
        if any(same_host(name, host) for name in names):
            return True
        # A name and an address can still be the same host.
        comparable = any(is_address(name) == is_address(host) for name in names)
        return False if comparable else None
