"""The part of a document that guests are compared with each other by, and nothing else.

A fleet has hundreds of thousands of them, and ``decoded_guest`` takes three times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import msgspec
from msgspec import UNSET, UnsetType

from ..guests.states import STATES, UNKNOWN_STATE
from ..inputs.decode import decode
from ..inputs.values import FieldError, checked_moment, checked_uuid, described
from ..model import (
    KINDS,
    Block,
    Definition,
    DefinitionName,
    Disk,
    Guest,
    Hardware,
    HostDevice,
    Instance,
    Interface,
    Kind,
)
from .encode import domain_of

_KINDS: dict[str, Kind] = {kind: kind for kind in KINDS}
_STATES = {state: state for state in STATES}
_DEFINITIONS: tuple[DefinitionName, ...] = ("live", "persistent")


class _Disk(msgspec.Struct):
    target: str | None = None
    source: str | None = None
    serial: str | None = None
    device: str = "disk"
    protocol: str | None = None
    shareable: bool = False
    read_only: bool = False


class _Interface(msgspec.Struct):
    mac: str | None = None
    target: str | None = None
    port: str | None = None
    type: str | None = None
    source: str | None = None
    vlan: int | None = None


class _HostDevice(msgspec.Struct):
    type: str | None = None
    address: str | None = None


class _Hardware(msgspec.Struct):
    disks: list[_Disk] = []
    interfaces: list[_Interface] = []
    host_devices: list[_HostDevice] = []


class _OtherHardware(msgspec.Struct):
    disks: list[_Disk] | UnsetType = UNSET


class _Definition(msgspec.Struct):
    hardware: _OtherHardware | UnsetType = UNSET


class _Definitions(msgspec.Struct):
    live: _Definition | None = None
    persistent: _Definition | None = None


class _Instance(msgspec.Struct):
    namespace: str
    package: str | None = None


class _Outline(msgspec.Struct, kw_only=True):
    uuid: str
    domain: str
    state: str
    kind: str
    manager: str
    host: str | None = None
    host_guessed: bool = False
    id: int | None = None
    reason: str | None = None
    read_at: str | None = None
    instance: _Instance | None = None
    hardware: _Hardware | None = None
    definitions: _Definitions | None = None


_DECODER = msgspec.json.Decoder(_Outline)


def decoded_outline(raw: msgspec.Raw | bytes) -> Guest:
    """A guest with what it claims alone: its place and state, disks, interfaces and devices.

    Of its block there is the version of Nova, of its definitions those with other disks. Raises
    ``FieldError``.
    """
    saved = decode(raw, _DECODER)
    kind = _KINDS.get(saved.kind)
    if kind is None:
        raise FieldError("kind", f"expected {' or '.join(KINDS)}, got {described(saved.kind)}")
    instance, hardware = saved.instance, saved.hardware
    guest = Guest(
        host=saved.host,
        uuid=checked_uuid(saved.uuid, "uuid"),
        domain=saved.domain,
        id=saved.id,
        state=_STATES.get(saved.state, UNKNOWN_STATE),
        kind=kind,
        manager=saved.manager,
        evidence=(),
        block=None
        if instance is None
        else Block("", "", Instance(instance.namespace, instance.package)),
        hardware=None if hardware is None else _hardware(hardware),
        reason=saved.reason,
        host_guessed=saved.host_guessed,
        read_at=None if saved.read_at is None else _moment(saved.read_at),
    )
    if saved.definitions is None:
        return guest
    return guest._replace(definitions=_definitions(saved.definitions, guest))


@lru_cache(maxsize=64)  # All guests of a host have the same.
def _moment(text: str) -> datetime:
    return checked_moment(text, "read_at")


def _hardware(saved: _Hardware) -> Hardware:
    return Hardware(
        None,
        None,
        _disks(saved.disks),
        tuple(
            Interface(nic.mac, nic.target, nic.port, nic.type, nic.source, nic.vlan)
            for nic in saved.interfaces
        ),
        tuple(HostDevice(device.type, device.address) for device in saved.host_devices),
    )


def _disks(saved: Sequence[_Disk]) -> tuple[Disk, ...]:
    return tuple(
        Disk(
            disk.target,
            None,
            disk.source,
            disk.serial,
            disk.device,
            protocol=disk.protocol,
            shareable=disk.shareable,
            read_only=disk.read_only,
        )
        for disk in saved
    )


def _definitions(saved: _Definitions, guest: Guest) -> tuple[Definition, ...]:
    definitions = []
    for name in _DEFINITIONS:
        definition: _Definition | None = getattr(saved, name)
        hardware = UNSET if definition is None else definition.hardware
        if isinstance(hardware, UnsetType) or isinstance(hardware.disks, UnsetType):
            continue
        other = Hardware(None, None, _disks(hardware.disks), ())
        definitions.append(Definition(name, domain_of(guest)._replace(hardware=other)))
    return tuple(definitions)
