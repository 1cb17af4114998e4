"""Which guests to show and in what order: pure functions over records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from ..model import Guest, Identity, Sighting
from .columns import COLUMNS, Column, Value

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    Network = IPv4Network | IPv6Network


class Selection(NamedTuple):
    """What a guest has to be: one of each list that is not empty. Names are shell globs."""

    kinds: Sequence[str] = ()
    managers: Sequence[str] = ()
    states: Sequence[str] = ()
    names: Sequence[str] = ()
    domains: Sequence[str] = ()
    projects: Sequence[str] = ()
    users: Sequence[str] = ()
    flavors: Sequence[str] = ()
    networks: Sequence[Network] = ()

    @property
    def narrows(self) -> bool:
        return self != Selection()

    def may_take(self, seen: Sighting) -> bool:
        """Whether a guest of which only this is known is worth reading."""
        return (not self.states or seen.state in self.states) and _matches(
            self.domains, (seen.domain,)
        )

    def takes(self, guest: Guest) -> bool:
        instance = guest.instance
        owner = instance.owner if instance else None
        flavor = instance.flavor if instance else None
        return (
            (not self.kinds or guest.kind in self.kinds)
            and (not self.states or guest.state in self.states)
            and _matches(self.managers, (guest.manager,), fold=True)
            and _matches(self.domains, (guest.domain,))
            and _matches(self.names, (instance.name if instance else None,))
            and _matches(self.projects, _both(owner.project if owner else None))
            and _matches(self.users, _both(owner.user if owner else None))
            and _matches(self.flavors, (flavor.name, flavor.id) if flavor else ())
            and (not self.networks or self._in_networks(guest))
        )

    def _in_networks(self, guest: Guest) -> bool:
        from ipaddress import ip_address  # 1 ms, and --ip is rare

        ports = guest.instance.ports if guest.instance else None
        for text in (ip.address for port in ports or () for ip in port.ips):
            try:
                address = ip_address(text or "")
            except ValueError:
                continue
            if any(address in network for network in self.networks):
                return True
        return False


def ordered(
    guests: Iterable[Guest], columns: Sequence[Column] = (), *, descending: bool = False
) -> list[Guest]:
    """Sorted by the columns given, the first counting most, then by domain name and uuid.

    Guests that a column says nothing of come last, whichever way it is sorted.
    """
    result = sorted(guests, key=lambda guest: (guest.domain, guest.uuid))
    for column in reversed(columns or (COLUMNS["domain"],)):
        known = [guest for guest in result if column.value(guest) is not None]
        unknown = [guest for guest in result if column.value(guest) is None]
        known.sort(key=lambda guest: _sort_key(column.value(guest)), reverse=descending)
        result = known + unknown
    return result


def _sort_key(value: Value) -> tuple[int, str | tuple[str, ...]]:
    # A column's values are all of one type: an empty tuple must stay one beside others.
    return (value, "") if isinstance(value, int) else (0, "" if value is None else value)


def _both(identity: Identity | None) -> tuple[str | None, ...]:
    return (identity.name, identity.id) if identity else ()


def _matches(globs: Sequence[str], texts: Iterable[str | None], *, fold: bool = False) -> bool:
    if not globs:
        return True
    for text in texts:
        for glob in globs:
            if text is not None and (
                fnmatchcase(text.lower(), glob.lower()) if fold else fnmatchcase(text, glob)
            ):
                return True
    return False
