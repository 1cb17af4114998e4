"""When two names of hosts, from libvirt, Nova, files or users, mean the same host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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

_LONGEST_NAME = 253
"""Of DNS. Longer ones are compared whole."""


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


class HostNames:
    """Many hosts, to find those that a name means without comparing it with each of them."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._exact: dict[str, list[str]] = {}
        self._longer: dict[str, list[str]] = {}
        """By the beginnings of their names."""
        for host in hosts:
            name, *beginnings = _beginnings(host)
            self._exact.setdefault(name, []).append(host)
            for beginning in beginnings:
                self._longer.setdefault(beginning, []).append(host)

    def named(self, name: str) -> Iterator[str]:
        """The hosts that are the same as this one, as ``same_host`` says."""
        beginnings = list(_beginnings(name))
        for beginning in beginnings:
            yield from self._exact.get(beginning, ())
        yield from self._longer.get(beginnings[0], ())


def _beginnings(name: str) -> Iterator[str]:
    """``cmp-1.a.example``, ``cmp-1.a``, ``cmp-1``; of an address itself alone."""
    name = _plain(name)
    address = _address(name)
    yield name if address is None else str(address)
    if address is None and len(name) <= _LONGEST_NAME:
        while "." in name:
            name = name.rpartition(".")[0]
            if name:
                yield name


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
