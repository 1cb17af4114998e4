"""When two names of hosts, from libvirt, Nova, files or users, mean the same host."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_LOOPBACK = frozenset(
    ("", "(none)", "localhost", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback")
)
"""Names that any machine has: in /etc/hosts, and before it gets a name."""

_remembered = lru_cache(maxsize=4096)
"""Thousands of records name the same few hosts."""


@_remembered
def is_loopback(name: str) -> bool:
    """Whether a name or an address means the machine it is used on, and so names no host."""
    name = _plain(name)
    if name.partition(".")[0] in _LOOPBACK or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


@_remembered
def is_address(name: str) -> bool:
    return _address(_plain(name)) is not None


@_remembered
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
    if ":" not in name and name.strip("0123456789."):
        return None
    # 1 ms that names do without.
    from ipaddress import ip_address

    try:
        return ip_address(name)
    except ValueError:
        return None
