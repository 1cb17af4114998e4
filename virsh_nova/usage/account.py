"""Guests added up: how much of a host was given to whom, and how much of it they use. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from ..guests.derive import boots_from_volume
from ..guests.states import RUNNING_STATES
from ..model import Guest, GuestKey
from .keys import Key, Label
from .measure import Rates

_NOT_MEASURED: Mapping[GuestKey, Rates] = MappingProxyType({})
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


class Sums(NamedTuple):
    """What some guests come to. None is what no guest among them has a figure for."""

    guests: int
    running: int
    vcpus: int | None
    memory_mib: int | None
    """Of guests that are off too: they get it back when they start."""
    disk_gib: int | None
    """On the host's own storage as Nova counts it: root, ephemeral and swap, without volumes."""
    cpu_percent: float | None = None
    """100 is one CPU of the host."""
    steal_percent: float | None = None
    rss_mib: float | None = None
    balloon_mib: float | None = None


class Row(NamedTuple):
    labels: tuple[Label, ...]
    """One for each key."""
    sums: Sums


class Account(NamedTuple):
    keys: tuple[Key, ...]
    rows: tuple[Row, ...]
    """The largest first: by vCPUs, then memory, then name. Guests for which a key has nothing come
    last."""
    total: Sums
    interval: float | None = None
    """Seconds between the two looks at each guest."""
    unsized: int = 0
    """Guests whose vCPUs and memory nothing shows."""
    unmeasured: int = 0
    """Running guests whose CPU time could not be had."""


def account(
    guests: Iterable[Guest],
    keys: Sequence[Key],
    rates: Mapping[GuestKey, Rates] = _NOT_MEASURED,
    interval: float | None = None,
) -> Account:
    """A row for each combination of the keys. A guest that was read twice counts once."""
    everyone = _each_once(guests)
    groups: dict[tuple[tuple[bool, str], ...], list[Guest]] = {}
    labels: dict[tuple[str, tuple[bool, str]], tuple[datetime, Label]] = {}
    for guest in everyone:
        found = [key.label(guest) for key in keys]
        groups.setdefault(tuple(label.identity for label in found), []).append(guest)
        recorded = (guest.instance.created if guest.instance else None) or _LONG_AGO
        for key, label in zip(keys, found, strict=True):
            # A project that was renamed is called as the newest block calls it.
            place = key.name, label.identity
            labels[place] = max(labels.get(place, (recorded, label)), (recorded, label))
    rows = [
        Row(
            tuple(labels[key.name, one][1] for key, one in zip(keys, identities, strict=True)),
            _sums(group, rates),
        )
        for identities, group in groups.items()
    ]
    running = [guest for guest in everyone if guest.state in RUNNING_STATES]
    return Account(
        tuple(keys),
        _ordered(rows, len(keys)),
        _sums(everyone, rates),
        interval,
        unsized=sum(None in size_of(guest) for guest in everyone),
        unmeasured=0 if interval is None else sum(one.key not in rates for one in running),
    )


def size_of(guest: Guest) -> tuple[int | None, int | None]:
    """vCPUs and memory (MiB): what the guest really has, else what its flavor says."""
    flavor = guest.instance.flavor if guest.instance else None
    vcpus = guest.hardware.vcpus if guest.hardware else None
    memory = guest.hardware.memory_mib if guest.hardware else None
    if flavor is not None:
        vcpus = flavor.vcpus if vcpus is None else vcpus
        memory = flavor.memory_mib if memory is None else memory
    return vcpus, memory


def disk_of(guest: Guest) -> int | None:
    """GiB on the host, as Nova's scheduler counts them; None where the block has no flavor.

    The disk of an instance that boots from a volume is not on the host.
    """
    flavor = guest.instance.flavor if guest.instance else None
    if flavor is None or flavor.disk_gib is None:
        return None
    root = 0 if boots_from_volume(guest) else flavor.disk_gib
    swap = -(-(flavor.swap_mib or 0) // 1024)
    return root + (flavor.ephemeral_gib or 0) + swap


def _each_once(guests: Iterable[Guest]) -> list[Guest]:
    """Without a guest's second record: one of a host whose files were given twice, say.

    Guests of hosts whose names are guesses are all different: so may the hosts be. On one host's
    files two guests of different names can have one uuid.
    """
    found: dict[object, Guest] = {}
    for number, guest in enumerate(guests):
        sure = guest.certain_host is not None
        found.setdefault((*guest.key, guest.domain) if sure else number, guest)
    return list(found.values())


def _sums(guests: Sequence[Guest], rates: Mapping[GuestKey, Rates]) -> Sums:
    sizes = [size_of(guest) for guest in guests]
    measured = [rates[guest.key] for guest in guests if guest.key in rates]
    return Sums(
        guests=len(guests),
        running=sum(guest.state in RUNNING_STATES for guest in guests),
        vcpus=_sum(vcpus for vcpus, _ in sizes),
        memory_mib=_sum(memory for _, memory in sizes),
        disk_gib=_sum(map(disk_of, guests)),
        cpu_percent=_sum(one.cpu_percent for one in measured),
        steal_percent=_sum(one.steal_percent for one in measured),
        rss_mib=_sum(one.rss_mib for one in measured),
        balloon_mib=_sum(one.balloon_mib for one in measured),
    )


def _ordered(rows: Sequence[Row], keys: int) -> tuple[Row, ...]:
    """Rows that share their first labels stay together, whatever the keys behind them."""
    totals: dict[tuple[tuple[bool, str], ...], tuple[int, int]] = {}
    for row in rows:
        for depth in range(1, keys + 1):
            place = _place(row, depth)
            vcpus, memory = totals.get(place, (0, 0))
            more = row.sums
            totals[place] = vcpus + (more.vcpus or 0), memory + (more.memory_mib or 0)

    def rank(row: Row) -> list[tuple[int, int, int, str, tuple[bool, str]]]:
        ranks = []
        for depth in range(1, keys + 1):
            label = row.labels[depth - 1]
            vcpus, memory = totals[_place(row, depth)]
            ranks.append((label.rank, -vcpus, -memory, label.text, label.identity))
        return ranks

    return tuple(sorted(rows, key=rank))


def _place(row: Row, depth: int) -> tuple[tuple[bool, str], ...]:
    return tuple(label.identity for label in row.labels[:depth])


_Number = TypeVar("_Number", int, float)


def _sum(numbers: Iterable[_Number | None]) -> _Number | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
