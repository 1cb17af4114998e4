"""``export``: the metrics of a host for Prometheus, as its client library writes them.

The labels are called as the exporters in the field call them. prometheus_client is an extra: only
``export`` imports this module.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import compress
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from prometheus_client import CollectorRegistry, Metric, generate_latest, write_to_textfile
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from ..guests.derive import boots_from_volume
from ..guests.naming import UUID
from ..model import Address, Guest, Identity, Port
from .safe import LONGEST_CELL

_PREFIX = "nova_domains_"
_INFO, _STATE = f"{_PREFIX}guest_info", f"{_PREFIX}guest_state"
_PORT, _VOLUME = f"{_PREFIX}port_info", f"{_PREFIX}volume_info"
_GUESTS, _FINDINGS = f"{_PREFIX}guests", f"{_PREFIX}findings"
_UP, _DURATION = f"{_PREFIX}up", f"{_PREFIX}read_duration_seconds"
_LAST_SUCCESS = f"{_PREFIX}last_success_timestamp_seconds"

_GUEST_LABELS = ("host", "domain", "instance_id")
_INFO_LABELS = (
    *_GUEST_LABELS, "instance_name", "project_id", "project_name", "user_id", "user_name",
    "flavor_name", "kind", "manager", "nova_version", "root_type",
)  # fmt: skip
_TYPED_BY_TENANTS = ("instance_name", "project_name", "user_name")
_STATE_LABELS = (*_GUEST_LABELS, "state")
_PORT_LABELS = ("instance_id", "port_id", "device", "mac_address", "address")
_VOLUME_LABELS = ("instance_id", "volume_id", "device")
_LABELS = {
    _INFO: _INFO_LABELS,
    _STATE: _STATE_LABELS,
    _PORT: _PORT_LABELS,
    _VOLUME: _VOLUME_LABELS,
}

HELP = {
    _INFO: "A guest of libvirt: which instance it is, and whose. Always 1.",
    _STATE: "The state of a guest, in libvirt's words. Always 1.",
    _PORT: "A network interface of a guest, once for each fixed address. Always 1.",
    _VOLUME: "A volume of an instance. Always 1.",
    _GUESTS: "How many guests there are.",
    _FINDINGS: "How many findings nova-domains check has.",
    _UP: "Whether the host could be read, and all of it.",
    _LAST_SUCCESS: "When the host could last be read.",
    _DURATION: "How long it took to read the host.",
}

Labels = Mapping[str, str]
_Row = TypeVar("_Row", bound=tuple[str, ...])


class Before(NamedTuple):
    """What the last file held."""

    last_success: float | None = None
    samples: Mapping[tuple[str, str], Sequence[Labels]] = MappingProxyType({})
    """The labels of the samples, by metric and instance."""


NOTHING_BEFORE = Before()


class Snapshot(NamedTuple):
    """What was read, to be exposed."""

    guests: Sequence[Guest] = ()
    seconds: float = 0.0
    """How long that took."""
    read_at: float | None = None
    """When it had been read, in seconds since 1970; None where the host could not be read, or only
    a part of it."""
    devices: bool = True
    """Whether ports and volumes were to be read, too."""
    findings: Mapping[tuple[str, str], int] | None = None
    """How many of each code and severity; None where they were not asked for."""

    @property
    def needs_before(self) -> bool:
        """Whether something is missing that the last file may hold."""
        return self.read_at is None or any(
            guest.kind == "unreadable" or (self.devices and guest.hardware is None)
            for guest in self.guests
        )


def families(
    snapshot: Snapshot, before: Before = NOTHING_BEFORE, *, names: bool = True
) -> list[Metric]:
    """The metrics. ``names`` is whether to expose what tenants typed.

    No two samples of a metric have the same labels, which would make node_exporter drop the file:
    guests that share host, domain and uuid are one.
    """
    up = snapshot.read_at is not None
    result = [_gauge(_UP, {(): float(up)}), _gauge(_DURATION, {(): snapshot.seconds})]
    last_success = snapshot.read_at if up else before.last_success
    if last_success is not None:
        result.append(_gauge(_LAST_SUCCESS, {(): last_success}))
    if not up and not snapshot.guests:
        return result
    guests = _each_once(snapshot.guests)
    kept = _Kept(before)
    result += [
        _infos(_INFO, (_info(guest, kept) for guest in guests), names=names),
        _infos(_STATE, map(_state, guests)),
        _gauge(_GUESTS, Counter((guest.kind, guest.state) for guest in guests), "kind", "state"),
    ]
    if snapshot.devices:
        result.append(_infos(_PORT, (port for guest in guests for port in _ports(guest, kept))))
        volumes = (volume for guest in guests for volume in _volumes(guest, kept))
        result.append(_infos(_VOLUME, volumes))
    if snapshot.findings is not None:
        result.append(_gauge(_FINDINGS, snapshot.findings, "code", "severity"))
    return result


# ---- out and back in --------------------------------------------------------------------------


class _Collected:
    """A collector of metrics that are there already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _registry(metrics: Iterable[Metric]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(metrics))
    return registry


def as_text(metrics: Iterable[Metric]) -> str:
    """In the text format of Prometheus."""
    return generate_latest(_registry(metrics)).decode()


def write_textfile(path: str, metrics: Iterable[Metric]) -> None:
    """Beside it first, then in its place. Raises ``OSError``, and leaves the old file then."""
    try:
        write_to_textfile(path, _registry(metrics))
    except OSError:
        # Debian 12's release of the library leaves its half file: one more each minute on a disk
        # that is full.
        with suppress(OSError):
            os.remove(f"{path}.{os.getpid()}.{threading.current_thread().ident}")
        raise


def read_textfile(text: str) -> Before:
    """What a file of ours says of the last reading; nothing where it cannot be understood."""
    last_success = None
    samples: dict[tuple[str, str], list[Labels]] = {}
    try:
        for family in text_string_to_metric_families(text):
            if family.name == _LAST_SUCCESS and family.samples:
                last_success = float(family.samples[0].value)
            for sample in family.samples:
                of_instance = family.name, sample.labels.get("instance_id", "")
                samples.setdefault(of_instance, []).append(sample.labels)
    except Exception:
        # The library's parser raises whatever comes of what it is given.
        return NOTHING_BEFORE
    return Before(last_success, samples)


# ---- what a guest shows -----------------------------------------------------------------------


class _Kept:
    """The labels that guests had in the last file: they are kept while a guest cannot be read."""

    def __init__(self, before: Before) -> None:
        self._before = before

    def of(self, name: str, guest: Guest) -> list[tuple[str, ...]]:
        """The values of the labels that this guest had for a metric."""
        own = {"host": _value(guest.host), "domain": _value(guest.domain)}
        return [
            tuple(labels.get(label, "") for label in _LABELS[name])
            for labels in self._before.samples.get((name, guest.uuid), ())
            if all(labels.get(label, value) == value for label, value in own.items())
        ]


def _each_once(guests: Iterable[Guest]) -> list[Guest]:
    """One of each host, domain name and uuid, in the order of these."""
    found = {(guest.host or "", guest.domain, guest.uuid): guest for guest in guests}
    return [found[key] for key in sorted(found)]


def _guest_labels(guest: Guest) -> tuple[str | None, ...]:
    return guest.host, guest.domain, guest.uuid


def _info(guest: Guest, kept: _Kept) -> tuple[str | None, ...]:
    if guest.kind == "unreadable" and (known := kept.of(_INFO, guest)):
        return known[0]
    instance = guest.instance
    owner = instance.owner if instance else None
    project = (owner.project if owner else None) or Identity()
    user = (owner.user if owner else None) or Identity()
    return (
        *_guest_labels(guest),
        instance.name if instance else None,
        project.id,
        project.name,
        user.id,
        user.name,
        instance.flavor.name if instance and instance.flavor else None,
        guest.kind,
        guest.manager,
        instance.package if instance else None,
        _root_type(guest),
    )


def _root_type(guest: Guest) -> str | None:
    if guest.instance is None:
        return None
    if guest.instance.root is not None and guest.instance.root.type:
        return guest.instance.root.type
    return "volume" if boots_from_volume(guest) else None


def _state(guest: Guest) -> tuple[str | None, ...]:
    return (*_guest_labels(guest), guest.state)


def _ports(guest: Guest, kept: _Kept) -> Iterator[tuple[str | None, ...]]:
    """Its interfaces, each with the addresses of its port; then ports without an interface."""
    if guest.hardware is None and (known := kept.of(_PORT, guest)):
        yield from known
        return
    recorded = {
        (port.uuid or "").lower(): port
        for port in (guest.instance.ports if guest.instance else None) or ()
    }
    for nic in guest.hardware.interfaces if guest.hardware else ():
        port = recorded.pop((nic.port or "").lower(), None) if nic.port else None
        for address in _addresses(port):
            yield guest.uuid, nic.port, nic.target, nic.mac, address
    for port in recorded.values():
        for address in _addresses(port):
            yield guest.uuid, port.uuid, None, None, address


def _addresses(port: Port | None) -> list[str | None]:
    ips: Sequence[Address] = port.ips if port else ()
    return [ip.address for ip in ips if ip.address] or [None]


def _volumes(guest: Guest, kept: _Kept) -> Iterator[tuple[str | None, ...]]:
    if guest.hardware is None:
        yield from kept.of(_VOLUME, guest)
    elif guest.is_novas:
        for disk in guest.hardware.disks:
            if UUID.fullmatch(disk.serial or ""):
                yield guest.uuid, disk.serial, disk.target


# ---- the library's objects --------------------------------------------------------------------


def _infos(name: str, values: Iterable[Sequence[str | None]], *, names: bool = True) -> Metric:
    shown = [names or label not in _TYPED_BY_TENANTS for label in _LABELS[name]]
    rows = (tuple(map(_value, compress(row, shown))) for row in values)
    return _gauge(name, dict.fromkeys(rows, 1), *compress(_LABELS[name], shown))


def _gauge(name: str, values: Mapping[_Row, float], *labels: str) -> Metric:
    """A metric with a value for each combination of its labels' values."""
    family = GaugeMetricFamily(name, HELP[name], labels=labels)
    for row, value in values.items():
        family.add_metric(row, value)
    return family


def _value(text: str | None) -> str:
    """A label's value: any text that UTF-8 can hold, of bounded length."""
    if not text:
        return ""
    if len(text) > LONGEST_CELL:
        text = text[: LONGEST_CELL - 1] + "…"
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")
