"""What the readers of a block make of one that is not whole: what they miss, what they cannot bear.

Ceilometer's is ``compute/discovery.py`` (``discover_libvirt_polling``), as of its release 27.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..block.namespaces import DRAFT
from ..model import Identity, Instance


def missed(instance: Instance) -> list[str]:
    """What is not there that somebody reads, a phrase each."""
    return [*_for_ceilometer(instance), *_for_people(instance)]


def breaks_ceilometer(instance: Instance) -> str | None:
    """Why Ceilometer's discovery would end on this block, for the whole host; None if it would not.

    It passes over a block without an element that it needs, and fails on one without an attribute.
    """
    owner = instance.owner
    for who, identity in (("user", owner and owner.user), ("project", owner and owner.project)):
        if identity is None:
            return None
        if identity.id is None:
            return f"owner.{who}.id"
    if instance.name is None or instance.flavor is None:
        return None
    if instance.flavor.name is None:
        return "flavor.name"
    root = instance.root
    if root is not None and root.type == "image" and root.uuid is None:
        return "root.uuid"
    return None


def _for_ceilometer(instance: Instance) -> Iterator[str]:
    owner = instance.owner
    needed = {
        "name": instance.name,
        "flavor": instance.flavor,
        "owner.user.id": _id(owner.user if owner else None),
        "owner.project.id": _id(owner.project if owner else None),
    }
    lacking = [key for key, value in needed.items() if value is None]
    if lacking:
        yield f"Ceilometer will pass this guest over: no {', no '.join(lacking)}"
    if instance.namespace == DRAFT:
        yield "Ceilometer will pass this guest over: it does not know the draft's namespace"


def _for_people(instance: Instance) -> Iterator[str]:
    if instance.package is None:
        yield "the Nova version that started the guest stays unknown: no package"


def _id(identity: Identity | None) -> str | None:
    return identity.id if identity else None
