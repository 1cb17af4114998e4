"""An instance as a flat mapping, by the dotted keys of the JSON document.

Sources return facts, ``stamp`` merges them key by key, and a plan shows the source of each. A
missing key is unknown; an empty value is known to be empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from ..model import Flavor, Identity, Image, Instance, Owner, Port, Root

Fact = str | int | datetime | Mapping[str, str] | tuple[Port, ...]
"""A value under one of the dotted keys of ``SHAPES``."""

Facts = Mapping[str, Fact]

Shape = Literal["text", "number", "moment", "texts", "ports"]
"""``texts`` is a mapping of texts, ``moment`` a date and time in UTC."""

SHAPES: dict[str, Shape] = {
    "package": "text",
    "name": "text",
    "created": "moment",
    "flavor.name": "text",
    "flavor.id": "text",
    "flavor.memory_mib": "number",
    "flavor.disk_gib": "number",
    "flavor.swap_mib": "number",
    "flavor.ephemeral_gib": "number",
    "flavor.vcpus": "number",
    "flavor.extra_specs": "texts",
    "image.uuid": "text",
    "image.container_format": "text",
    "image.disk_format": "text",
    "image.min_disk_gib": "number",
    "image.min_ram_mib": "number",
    "image.properties": "texts",
    "owner.user.id": "text",
    "owner.user.name": "text",
    "owner.project.id": "text",
    "owner.project.name": "text",
    "root.type": "text",
    "root.uuid": "text",
    "ports": "ports",
}
"""Every key of ``instance`` in the JSON document, in its order."""

PARTS = ("flavor", "image", "owner", "root")
"""The parts of an instance that can be empty: their fact is then ``{}``."""

_PART_TYPES: dict[str, Any] = {"flavor": Flavor, "image": Image, "root": Root}

# Made once: a plan uses them for each guest.
_KEYS_OF_PART = {
    part: tuple(f"{part}.{field}" for field in kind._fields) for part, kind in _PART_TYPES.items()
}
_KEYS_OF_IDENTITY = {
    who: tuple(f"owner.{who}.{field}" for field in Identity._fields) for who in Owner._fields
}
_PLACES = {key: key.partition(".")[::2] for key in SHAPES}


def facts_of(instance: Instance) -> dict[str, Fact]:
    """All facts of an instance, in the order of the document."""
    facts: dict[str, Fact] = {}
    for field in ("package", "name", "created"):
        _keep(facts, (field,), (getattr(instance, field),))
    for part in PARTS:
        value = getattr(instance, part)
        if value is None:
            continue
        before = len(facts)
        if part == "owner":
            for who, identity in zip(Owner._fields, value, strict=True):
                _keep(facts, _KEYS_OF_IDENTITY[who], identity or ())
        else:
            _keep(facts, _KEYS_OF_PART[part], value)
        if len(facts) == before:
            facts[part] = {}
    _keep(facts, ("ports",), (instance.ports,))
    return facts


def _keep(facts: dict[str, Fact], keys: tuple[str, ...], values: Iterable[Any]) -> None:
    for key, value in zip(keys, values, strict=False):
        if value is not None:
            facts[key] = value


def instance_of(facts: Facts, namespace: str) -> Instance:
    """The instance with exactly these facts."""
    parts: dict[str, dict[str, Any]] = {part: {} for part in PARTS if part in facts}
    top: dict[str, Any] = {}
    for key, value in facts.items():
        part, field = _PLACES.get(key, (key, ""))
        if field:
            parts.setdefault(part, {})[field] = value
        elif key not in PARTS:
            top[key] = value
    for part, make in _PART_TYPES.items():
        if part in parts:
            top[part] = make(**parts[part])
    if "owner" in parts:
        top["owner"] = Owner(*(_identity(parts["owner"], who) for who in ("user", "project")))
    return Instance(namespace=namespace, **top)


def _identity(owner: Mapping[str, Any], who: str) -> Identity | None:
    id_, name = owner.get(f"{who}.id"), owner.get(f"{who}.name")
    return None if id_ is None and name is None else Identity(id_, name)
