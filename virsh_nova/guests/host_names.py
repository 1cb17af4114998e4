"""Names of hosts, as libvirt, Nova, files and users write them: when do two mean the same host?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_LOOPBACK = re.compile(r"(?:ip6-)?(?:localhost[46]?|loopback)(?:\..*)?|.*\.localhost|\(none\)|")
"""Every machine calls itself that: RFC 6761, the names of /etc/hosts, the kernel's before any."""
_LIKE_AN_ADDRESS = re.compile(r"[0-9.]+|.*:.*", re.ASCII | re.DOTALL)


def is_loopback(name: str) -> bool:
    """Whether a name or an address means whatever machine it is used on, and so names no host."""
    name = _plain(name)
    address = _address(name)
    return _LOOPBACK.fullmatch(name) is not None or (address is not None and address.is_loopback)


def is_address(name: str) -> bool:
    return _address(_plain(name)) is not None


def same_host(one: str, other: str) -> bool:
    """Addresses are compared whole; of two names one may be the other's beginning.

    ``cmp-1`` is ``cmp-1.a.example``, which is not ``cmp-1.b.example``.
    """
    one, other = _plain(one), _plain(other)
    addresses = _address(one), _address(other)
    if any(addresses):
        return addresses[0] == addresses[1]
    return one == other or _begins(one, other) or _begins(other, one)


def _begins(whole: str, short: str) -> bool:
    return bool(short) and whole.startswith(f"{short}.")


def _plain(name: str) -> str:
    return name.strip().lower().removesuffix(".").removeprefix("[").removesuffix("]")


def _address(name: str) -> IPv4Address | IPv6Address | None:
    if not _LIKE_AN_ADDRESS.fullmatch(name):
        return None
    # 1.5 ms that names do without.
    from ipaddress import ip_address

    try:
        return ip_address(name)
    except ValueError:
        return None
