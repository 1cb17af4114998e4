"""What readers of an incomplete block miss, and what makes them fail.

Ceilometer reads it in ``compute/discovery.py`` (``discover_libvirt_polling``), as of release 27.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..block.facts import Facts, facts_of, instance_of
from ..block.namespaces import DRAFT
from ..model import Identity, Instance
from .plan import NOTHING


def missed(instance: Instance) -> list[str]:
    """What readers of the block will miss, a phrase each."""
    return [*_for_ceilometer(instance), *_for_people(instance)]


def breaks_ceilometer(instance: Instance) -> str | None:
    """The key whose absence would abort Ceilometer's discovery for the whole host, or None.

    Discovery skips a block without an element that it needs, and fails on an element without an
    attribute that it needs.
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


def bearable(instance: Instance, kept: Facts = NOTHING) -> tuple[Instance, tuple[str, ...]]:
    """The instance without the elements that would abort discovery, and the keys they lack.

    An element that has one of the facts ``kept`` stays.
    """
    lacking: list[str] = []
    while missing := breaks_ceilometer(instance):
        element = missing.rpartition(".")[0]
        if any(_belongs(key, element) for key in kept):
            break
        lacking.append(missing)
        facts = {
            key: value for key, value in facts_of(instance).items() if not _belongs(key, element)
        }
        instance = instance_of(facts, instance.namespace)._replace(unknown=instance.unknown)
    return instance, tuple(lacking)


def left_out(missing: str) -> str:
    """A note on an element that ``bearable`` removed."""
    element, _, attribute = missing.rpartition(".")
    return (
        f"no {element}: without {attribute} it would abort Ceilometer's discovery; "
        f"use --set {missing}=…"
    )


def _belongs(key: str, element: str) -> bool:
    return key == element or key.startswith(f"{element}.")


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
        yield f"Ceilometer will skip this guest: no {', no '.join(lacking)}"
    if instance.namespace == DRAFT:
        yield "Ceilometer will skip this guest: it does not know the draft's namespace"


def _for_people(instance: Instance) -> Iterator[str]:
    if instance.package is None:
        yield "no package: the Nova version that started the guest stays unknown"


def _id(identity: Identity | None) -> str | None:
    return identity.id if identity else None
