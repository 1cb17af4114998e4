"""A host in a line: how many guests of each kind, which versions, and what became of reading it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from ..guests.columns import iso
from ..model import Kind
from .fleet import HostRead
from .host import Versions

Value = str | int | float | None


class HostSummary(NamedTuple):
    """What is left of a host once its guests have been counted."""

    name: str | None
    source: str
    """Its URI, or the path of its files."""
    kinds: Mapping[Kind, int] | None
    """How many guests of each kind; None where the host was not read."""
    versions: Versions
    read_at: datetime | None
    """None where the host was not read, as is the next."""
    age: float | None
    """Seconds since then."""
    seconds: float
    """How long it took to read, or to fail."""
    error: str | None
    """In one line; None where it was read."""

    def number(self, *kinds: Kind) -> int | None:
        """How many guests are of these kinds; of any, if none is given."""
        if self.kinds is None:
            return None
        return sum(self.kinds.get(kind, 0) for kind in kinds or self.kinds)


def summary_of(read: HostRead, now: datetime) -> HostSummary:
    error = None
    if read.error is not None:
        message = read.error.message.removeprefix(f"{read.source}: ")
        error = " ".join(message.split())
    # What was collected of a host may be known although it has failed since.
    known = read.error is None or bool(read.guests)
    return HostSummary(
        read.name,
        read.source,
        Counter(guest.kind for guest in read.guests) if known else None,
        read.versions,
        read.read_at if known else None,
        (now - read.read_at).total_seconds() if known else None,
        read.seconds,
        error,
    )


class HostColumn(NamedTuple):
    """A column of ``hosts``: what it shows of a host, and how."""

    name: str
    """As ``-c`` takes it."""
    value: Callable[[HostSummary], Value]
    unit: str = ""
    """Of a number of seconds."""

    @property
    def title(self) -> str:
        return self.name.upper()


def _to_the_second(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment.replace(microsecond=0))


def _rounded(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


_ALL = (
    HostColumn("host", lambda host: host.name),
    HostColumn("source", lambda host: host.source),
    HostColumn("guests", lambda host: host.number()),
    HostColumn("nova", lambda host: host.number("nova")),
    HostColumn("unstamped", lambda host: host.number("nova-unstamped")),
    HostColumn("foreign", lambda host: host.number("foreign")),
    HostColumn("unreadable", lambda host: host.number("unreadable")),
    HostColumn("libvirt", lambda host: host.versions.libvirt),
    HostColumn("qemu", lambda host: host.versions.hypervisor),
    HostColumn("read at", lambda host: _to_the_second(host.read_at)),
    HostColumn("age", lambda host: _rounded(host.age), unit="s"),
    HostColumn("took", lambda host: round(host.seconds, 3), unit="s"),
    HostColumn("error", lambda host: host.error),
)

COLUMNS = {column.name: column for column in _ALL}
FLAT = tuple(COLUMNS)
"""What value and csv print. Scripts count on the order."""
DEFAULT = (
    "host", "source", "nova", "unstamped", "foreign", "unreadable", "libvirt", "qemu", "age",
    "took", "error",
)  # fmt: skip


def find_column(text: str) -> HostColumn | None:
    """A column by name, in any case, with ``_`` or ``-`` for blanks."""
    return COLUMNS.get(" ".join(text.lower().replace("_", " ").replace("-", " ").split()))


def ordered(
    hosts: Iterable[HostSummary], columns: Sequence[HostColumn] = (), *, descending: bool = False
) -> list[HostSummary]:
    """Sorted by the columns given, the first counting most, then by name and source.

    Hosts that a column says nothing of come last, whichever way it is sorted.
    """
    result = sorted(hosts, key=lambda host: (host.name or "", host.source))
    for column in reversed(columns or (COLUMNS["host"],)):
        known = [(value, host) for host in result if (value := column.value(host)) is not None]
        unknown = [host for host in result if column.value(host) is None]
        known.sort(key=lambda pair: _sort_key(pair[0]), reverse=descending)
        result = [host for _, host in known] + unknown
    return result


def _sort_key(value: str | int | float) -> tuple[float, str]:
    return (0, value) if isinstance(value, str) else (value, "")


def document_of(host: HostSummary) -> dict[str, object]:
    """A host as an object for JSON and YAML; None for what is not known."""
    kinds = None
    if host.kinds is not None:
        names: tuple[Kind, ...] = ("nova", "nova-unstamped", "foreign", "unreadable")
        kinds = {kind: host.kinds.get(kind, 0) for kind in names}
    return {
        "host": host.name,
        "source": host.source,
        "guests": kinds,
        "libvirt": host.versions.libvirt,
        "qemu": host.versions.hypervisor,
        "read_at": _to_the_second(host.read_at),
        "age_seconds": _rounded(host.age),
        "seconds": round(host.seconds, 3),
        "error": host.error,
    }
