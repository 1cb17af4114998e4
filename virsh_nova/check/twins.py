"""What two guests must not share: a uuid while both run, a disk, a volume, a port, a device.

All guests of a fleet are looked at twice. The first look keeps numbers alone, eight bytes for each
thing that a guest claims; those that have something in common with another, few as they are, are
kept whole at the second. Both are linear in the guests.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice

from ..guests.columns import iso
from ..guests.host_names import is_address, same_host
from ..guests.naming import instances_in_path
from ..model import Guest
from ..quoting import quoted
from .claims import Claim, claims_of, place_of, runs
from .codes import Severity
from .finding import Finding, Key, Other, found
from .volumes import volumes_of

_MOST_OTHERS = 3
_MIGRATING = ("migration", "starting up", "post-copy", "post-copy failed")
"""libvirt's reasons for a pause on either side of a live migration."""

_BUCKETS = 64
_HASH = (1 << 64) - 1

_CODES = {
    "disk": ("shared-disk", "also used by"),
    "volume": ("shared-volume", "also in"),
    "path": ("shared-volume", "also in"),
    "port": ("port-on-two-guests", "also of"),
    "mac": ("mac-on-two-guests", "also of"),
    "device": ("device-on-two-guests", "also of"),
}


class FirstLook:
    """Which guests have something in common with another, from hashes of what they claim.

    Two things of one hash only cost a second look: the answers never depend on it.
    """

    def __init__(self) -> None:
        self._owners_of: dict[Key, int] = {}
        self._hashes = [array("Q") for _ in range(_BUCKETS)]
        self._owners = [array("Q") for _ in range(_BUCKETS)]
        """For each hash the number of its guest."""

    def __len__(self) -> int:
        """How many guests there are. One in two sources, such as two reports, is one."""
        return len(self._owners_of)

    def __contains__(self, key: Key) -> bool:
        return key in self._owners_of

    def add(self, guest: Guest) -> None:
        owner = self._owners_of.setdefault(guest.key, len(self._owners_of))
        # The salt of Python's hashes is a secret of this process: no name can be made to collide.
        hashes = [hash(("uuid", guest.uuid))]
        hashes += [hash((claim.kind, name)) for claim in claims_of(guest) for name in claim.names]
        for each in hashes:
            bucket = each % _BUCKETS
            self._hashes[bucket].append(each & _HASH)
            self._owners[bucket].append(owner)

    def suspects(self) -> frozenset[Key]:
        """The keys of the guests that may share something with another one."""
        suspects: set[int] = set()
        for hashes, owners in zip(self._hashes, self._owners, strict=True):
            first: dict[int, int] = {}
            for each, owner in zip(hashes, owners, strict=True):
                other = first.setdefault(each, owner)
                if other != owner:
                    suspects.update((other, owner))
        return frozenset(key for key, owner in self._owners_of.items() if owner in suspects)


class _Holders:
    """Who has a thing: by its name, by what tells two things of one name apart, by uuid."""

    def __init__(self) -> None:
        self._guests: dict[tuple[str, ...], dict[str | None, dict[str, Guest]]] = {}

    def add(self, name: tuple[str, ...], detail: str | None, guest: Guest) -> None:
        by_detail = self._guests.setdefault(name, {})
        by_detail.setdefault(detail, {}).setdefault(guest.uuid, guest)

    def others(self, name: tuple[str, ...], detail: str | None) -> Iterator[Guest]:
        """Those who have it, or may have it: one guest of each uuid for each detail."""
        by_detail = self._guests.get(name, {})
        if detail is None:
            return chain.from_iterable(guests.values() for guests in by_detail.values())
        both = (by_detail.get(each, {}) for each in (detail, None))
        return chain.from_iterable(guests.values() for guests in both)


class Twins:
    """Guests compared with each other. A guest in two sources, such as two reports, is one."""

    def __init__(self, guests: Sequence[Guest]) -> None:
        """``guests`` are all those that may share something with another, in their order."""
        by_key: dict[Key, Guest] = {}
        self._running: dict[str, list[Guest]] = {}
        """By uuid; only guests whose host is known for certain."""
        self._migrating: set[str] = set()
        self._holders = _Holders()
        for guest in guests:
            by_key.setdefault(guest.key, guest)
        self.guests = tuple(by_key.values())
        for guest in self.guests:
            if runs(guest):
                if place_of(guest) is not None:
                    self._running.setdefault(guest.uuid, []).append(guest)
                if guest.state == "paused" and guest.reason in _MIGRATING:
                    self._migrating.add(guest.uuid)
            for claim in _claims(guest):
                for name in _filed(claim, guest):
                    self._holders.add(name, claim.detail, guest)

    def examine(self, guest: Guest) -> Iterator[Finding]:
        """What this guest, which is one of them, shares with others."""
        yield from self._runs_elsewhere(guest)
        one_port: set[str] = set()
        for claim in sorted(claims_of(guest), key=lambda claim: claim.kind == "mac"):
            # A port brings its MAC address along: one finding is enough.
            settled = one_port if claim.kind == "mac" else ()
            severity, others = self._others(claim, guest, settled)
            if not others:
                continue
            if claim.kind == "port":
                one_port.update(other.uuid for other in others)
            code, relation = _CODES[claim.kind]
            yield found(
                code,
                guest,
                claim.shown,
                f"{relation} {_named(others, guest.host)}",
                severity=severity,
                others=_shown(others),
            )

    def _others(
        self, claim: Claim, guest: Guest, settled: Collection[str]
    ) -> tuple[Severity | None, list[Guest]]:
        """Other instances that have it, one guest of each, and how grave that is.

        At most one more than is printed. None for the severity of the code. ``settled`` are the
        uuids of instances that do not count.
        """
        for severity, names in _sought(claim, guest):
            seen = {guest.uuid, *settled}
            others: list[Guest] = []
            for name in names:
                for other in self._holders.others(name, claim.detail):
                    if other.uuid not in seen:
                        seen.add(other.uuid)
                        others.append(other)
                    if len(others) > _MOST_OTHERS:
                        return severity, others
            if others:
                return severity, others
        return None, []

    # ---- one uuid on two hosts ----------------------------------------------------------------

    def _runs_elsewhere(self, guest: Guest) -> Iterator[Finding]:
        here = place_of(guest)
        if here is None:
            return
        elsewhere = (
            other
            for other in self._running.get(guest.uuid, ())
            if other is not guest and _are_two_hosts(here, other.host or "")
        )
        others = list(islice(elsewhere, _MOST_OTHERS + 1))
        if not others:
            return
        hosts = ", ".join(quoted(other.host or "") for other in others[:_MOST_OTHERS])
        more = " and others" if len(others) > _MOST_OTHERS else ""
        if not runs(guest):
            how = "off" if guest.id is None else guest.state
            code, evidence = "defined-twice", [f"it is {how} here and runs on {hosts}{more}"]
        else:
            moving = guest.uuid in self._migrating
            code, evidence = "migrating" if moving else "runs-twice", []
            evidence.append(f"it also runs on {hosts}{more}")
            if len(others) == 1 and not moving and _moved_between(guest, others[0]):
                code = "migrating"
                evidence.append("it may have moved after the first of the hosts was read")
        evidence += _in_common(guest, others[0])
        evidence += _read(guest, others[0])
        yield found(code, guest, *evidence, others=_shown(others))


def _claims(guest: Guest) -> list[Claim]:
    """None of a guest that cannot be examined, which is reported where that is tried."""
    try:
        return list(claims_of(guest))
    except Exception:
        return []


# ---- under which names a claim is found -------------------------------------------------------


def _filed(claim: Claim, guest: Guest) -> Iterator[tuple[str, ...]]:
    for name in claim.names:
        if claim.kind in ("mac", "port"):
            for scope in _scopes(guest):
                yield (claim.kind, *scope, name)
                yield (claim.kind, *scope, name, _project(guest) or "")
        elif claim.kind in ("volume", "path"):
            how = ("running" if runs(guest) else "off",)
            yield (claim.kind, *how, name)
            if not claim.shareable:
                yield (claim.kind, *how, name, "alone")
        else:
            yield claim.kind, name


def _sought(claim: Claim, guest: Guest) -> Iterator[tuple[Severity | None, list[tuple[str, ...]]]]:
    """Where to look for others, the gravest first."""
    kind, names = claim.kind, claim.names
    if kind == "port":
        yield None, [(kind, *scope, name) for scope in _scopes(guest) for name in names]
    elif kind == "mac":
        everyone = [(kind, *scope, name) for scope in _scopes(guest) for name in names]
        project = _project(guest)
        if project is None:
            yield None, everyone
            return
        yield None, [(*name, whose) for name in everyone for whose in (project, "")]
        # Neutron keeps a MAC address unique within a network, and two projects rarely share one.
        yield "note", everyone
    elif kind in ("volume", "path"):
        alone = ("alone",) if claim.shareable else ()
        running = [(kind, "running", name, *alone) for name in names]
        yield (None if runs(guest) else "warning"), running
        if runs(guest):
            yield "warning", [(kind, "off", name, *alone) for name in names]
    else:
        yield None, [(kind, name) for name in names]


def _scopes(guest: Guest) -> list[tuple[str, ...]]:
    """Where its MAC addresses and ports count: on its host; of Nova's guests everywhere.

    Other managers have networks of one host, each with the same addresses.
    """
    here = ("on", guest.host or "")
    return [here, ("anywhere",)] if guest.is_novas else [here]


def _project(guest: Guest) -> str | None:
    owner = guest.instance.owner if guest.instance else None
    return owner.project.id if owner and owner.project and owner.project.id else None


# ---- two hosts --------------------------------------------------------------------------------


def _are_two_hosts(one: str, other: str) -> bool:
    """Whether no host has both names: ``compute-1`` and ``compute-1.example.org`` can be one."""
    return is_address(one) == is_address(other) and not same_host(one, other)


def _moved_between(one: Guest, other: Guest) -> bool:
    """Whether the guest may have moved after the one host was read and before the other was."""
    if one.read_at is None or other.read_at is None:
        return False
    earlier, later = sorted((one, other), key=_read_at)
    moved = (later.state, later.reason) == ("running", "migrated")
    return moved and earlier.read_at != later.read_at


def _read_at(guest: Guest) -> datetime:
    assert guest.read_at is not None
    return guest.read_at


def _in_common(guest: Guest, twin: Guest) -> Iterator[str]:
    """The first volume, else the first image, that both have."""
    ours, theirs = (one.hardware.disks if one.hardware else () for one in (guest, twin))
    volumes = {name for disk in theirs for name in volumes_of(disk)}
    for disk in ours:
        for name in volumes_of(disk):
            if name in volumes:
                yield f"both have {name}"
                return
    sources = {disk.source for disk in theirs}
    for disk in ours:
        # Any other path is a file of each host's own.
        if disk.source in sources and instances_in_path(disk.source):
            yield f"both name the disk {disk.source}"
            return


def _read(guest: Guest, other: Guest) -> Iterator[str]:
    if guest.read_at is not None and other.read_at is not None:
        there = f"{iso(other.read_at)} on {quoted(other.host or '')}"
        yield f"read {iso(guest.read_at)} here, {there}"


# ---- in words ---------------------------------------------------------------------------------


def _named(others: Sequence[Guest], here: str | None) -> str:
    """The other guests, at most three by name: a host full of copies must not fill pages."""
    named = [_named_one(other, here) for other in others[:_MOST_OTHERS]]
    return ", ".join(named) + (" and others" if len(others) > _MOST_OTHERS else "")


def _named_one(guest: Guest, here: str | None) -> str:
    where = "" if guest.host == here else f" on {quoted(guest.host or 'an unknown host')}"
    return f"{quoted(guest.domain)} ({guest.uuid}){where}"


def _shown(others: Sequence[Guest]) -> tuple[Other, ...]:
    return tuple(
        Other(other.host, other.uuid, other.domain, other.state, other.read_at)
        for other in others[:_MOST_OTHERS]
    )
