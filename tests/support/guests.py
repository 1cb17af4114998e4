"""Guests as plain values, for tests of what happens to them once they are read."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from tests.support.embedded import uuid_of
from virsh_nova.block.namespaces import NOVA_1_1
from virsh_nova.model import (
    Address,
    Block,
    Flavor,
    Guest,
    Identity,
    Instance,
    Owner,
    Port,
    Root,
)

WHEN = datetime(2026, 11, 3, 8, 14, 22, tzinfo=timezone.utc)


def instance(
    name: str | None = None, *, addresses: tuple[str, ...] | None = None, **changes: Any
) -> Instance:
    """A block with a name; with one port for all the addresses, where given."""
    if addresses is not None:
        ips = tuple(Address("fixed", text, 6 if ":" in text else 4) for text in addresses)
        changes["ports"] = (Port("port-1", ips),) if ips else ()
    return Instance(NOVA_1_1, name=name, **changes)


def nova_guest(number: int, block: Instance | None = None, **changes: Any) -> Guest:
    block = block or instance(f"vm-{number}")
    return _guest(number, "nova", "nova", block=Block(block.namespace, "", block), **changes)


def foreign_guest(number: int, manager: str = "unknown", **changes: Any) -> Guest:
    return _guest(number, "foreign", manager, **changes)


def unstamped_guest(number: int, **changes: Any) -> Guest:
    return _guest(number, "nova-unstamped", "nova", **changes)


def _guest(number: int, kind: Any, manager: str, **changes: Any) -> Guest:
    values: dict[str, Any] = {
        "host": "compute-1",
        "uuid": uuid_of(number),
        "domain": f"instance-{number:08x}",
        "id": number,
        "state": "running",
        "evidence": (),
    }
    return Guest(kind=kind, manager=manager, **{**values, **changes})


def full_instance(name: str = "web-1") -> Instance:
    return instance(
        name,
        addresses=("10.0.0.5", "2001:db8::5"),
        package="34.0.0",
        created=WHEN,
        flavor=Flavor("m1.small", "42", 2048, 20, 512, 5, 2, {}),
        owner=Owner(Identity("user-id", "alice"), Identity("project-id", "acme")),
        root=Root("image", "image-id"),
    )
