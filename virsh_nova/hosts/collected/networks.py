"""Which addresses of a collected file are in a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...handles.keys import address_number
from .spans import beginning

if TYPE_CHECKING:
    from ...guests.select import Network
    from .spans import Indexed

_BITS_OF_A_PART = 8
_PARTS = 4


def keys_in(network: Network, file: Indexed) -> list[str]:
    """The keys of the addresses in the network, in order of the addresses."""
    first, last = int(network.network_address), int(network.broadcast_address)
    numbers = []
    for key in file.keys(beginning("ip", _common_text(network))):
        number = address_number(key) if (":" in key) == (network.version == 6) else None
        if number is not None and first <= number <= last:
            numbers.append((number, key))
    return [key for _, key in sorted(numbers)]


def _common_text(network: Network) -> str:
    """How every address of the network begins; empty where they have nothing in common.

    IPv6 leaves out zeros wherever there are most.
    """
    if network.version == 6:
        return ""
    parts = str(network.network_address).split(".")[: network.prefixlen // _BITS_OF_A_PART]
    return ".".join(parts) + ("." if 0 < len(parts) < _PARTS else "")
