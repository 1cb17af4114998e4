"""Where the index looks keys up: in tables made of guests in memory, or in a collected file."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from ..handles.identifiers import identifiers, keys_of
from ..handles.keys import address_number
from ..handles.kinds import HANDLE_KINDS, HandleKind
from ..model import Guest
from .answer import Answer

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    Network = IPv4Network | IPv6Network


class Tables(Protocol):
    """Answers by kind and key, those of a key in order of domain names."""

    @property
    def several_hosts(self) -> bool:
        """Whether the guests are of more than one host."""

    @property
    def unread(self) -> Sequence[Guest]:
        """Guests of which too little is known to find them by."""

    def kinds(self, keys: Iterable[str]) -> set[HandleKind]:
        """The kinds that have one of the keys; there may be too many of them."""

    def found(self, kind: HandleKind, key: str) -> list[Answer]: ...

    def beginning(self, kind: HandleKind, prefix: str) -> Iterator[list[Answer]]:
        """The answers of every key that begins so, in order of the keys."""

    def in_network(self, network: Network) -> Iterator[list[Answer]]:
        """The answers of every address in the network, in order of the addresses."""

    def names(self, kind: HandleKind, like: str) -> Iterator[str]:
        """What can be asked for as that kind and may be similar to ``like``, in lower case."""


def in_order(guests: Iterable[Guest]) -> list[Guest]:
    """By domain name; the same guest on several hosts, by their names."""
    return sorted(guests, key=lambda guest: (guest.domain, guest.uuid, guest.host or ""))


class MemoryTables:
    """Made of all guests at once."""

    def __init__(self, guests: Iterable[Guest]) -> None:
        self.guests = in_order(guests)
        self._tables: dict[HandleKind, dict[str, list[Answer]]] = {
            kind: {} for kind in HANDLE_KINDS
        }
        self._kinds: dict[str, set[HandleKind]] = defaultdict(set)
        for guest in self.guests:
            for identifier in identifiers(guest):
                answer = Answer(identifier.kind, identifier.value, guest, identifier.detail)
                table = self._tables[identifier.kind]
                for key in keys_of(identifier):
                    table.setdefault(key, []).append(answer)
                    self._kinds[key].add(identifier.kind)
        self._sorted: dict[HandleKind, list[str]] = {}
        self._networks: dict[int, list[tuple[int, str]]] | None = None

    @property
    def several_hosts(self) -> bool:
        return len({guest.host for guest in self.guests}) > 1

    @property
    def unread(self) -> Sequence[Guest]:
        return [guest for guest in self.guests if guest.hardware is None]

    def kinds(self, keys: Iterable[str]) -> set[HandleKind]:
        kinds: set[HandleKind] = set()
        for key in keys:
            kinds |= self._kinds.get(key, kinds)
        return kinds

    def found(self, kind: HandleKind, key: str) -> list[Answer]:
        return self._tables[kind].get(key, [])

    def beginning(self, kind: HandleKind, prefix: str) -> Iterator[list[Answer]]:
        table = self._tables[kind]
        if kind not in self._sorted:
            self._sorted[kind] = sorted(table)
        keys = self._sorted[kind]
        for position in range(bisect_left(keys, prefix), len(keys)):
            if not keys[position].startswith(prefix):
                break
            yield table[keys[position]]

    def in_network(self, network: Network) -> Iterator[list[Answer]]:
        if self._networks is None:
            self._networks = {4: [], 6: []}
            for key in self._tables["ip"]:
                number = address_number(key)
                if number is not None:
                    self._networks[6 if ":" in key else 4].append((number, key))
            for addresses in self._networks.values():
                addresses.sort()
        addresses = self._networks[network.version]
        first, last = int(network.network_address), int(network.broadcast_address)
        for position in range(bisect_left(addresses, (first, "")), len(addresses)):
            number, key = addresses[position]
            if number > last:
                break
            yield self._tables["ip"][key]

    def names(self, kind: HandleKind, like: str = "") -> Iterator[str]:
        for found in self._tables[kind].values():
            yield found[0].value
