"""What all guests say together: what each one is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ..model import Guest
from .finding import Key
from .twins import FirstLook
from .versions import Version, version_of


class Survey:
    """The first of two looks at all guests. It keeps none of them."""

    def __init__(self, guests: Iterable[Guest], *, keep_keys: bool = False) -> None:
        self.twins = FirstLook()
        self.hosts: set[str | None] = set()
        self.certain_hosts: set[str] = set()
        self.newest: dict[str | None, Version] = {}
        """The newest version of Nova that wrote a block, by host."""
        self.read_at: dict[str | None, datetime] = {}
        """When the latest document of a host was read."""
        self.present: set[Key] | None = set() if keep_keys else None
        """The guests of hosts whose names are certain."""
        self.elsewhere: set[str] = set()
        """The uuids of the others."""
        for guest in guests:
            try:
                self._add(guest)
            except Exception:
                continue  # The second look reports it: one bad guest must never cost the others.

    def _add(self, guest: Guest) -> None:
        host = guest.host
        self.hosts.add(host)
        if guest.certain_host is not None:
            self.certain_hosts.add(guest.certain_host)
        if self.present is not None:
            if guest.certain_host is None:
                self.elsewhere.add(guest.uuid)
            else:
                self.present.add(guest.key)
        if guest.read_at is not None:
            self.read_at[host] = max(guest.read_at, self.read_at.get(host, guest.read_at))
        version = version_of(guest.instance.package) if guest.instance else None
        if version:
            self.newest[host] = max(version, self.newest.get(host, version))
        self.twins.add(guest)

    @property
    def uuids(self) -> frozenset[str]:
        """Of all guests, if their keys are kept."""
        return frozenset((*self.elsewhere, *(uuid for _, uuid in self.present or ())))

    def has(self, host: str, uuid: str) -> bool:
        """Whether the host has the guest, or may have it: dumps of an unknown host may be its."""
        return self.present is not None and ((host, uuid) in self.present or uuid in self.elsewhere)
