"""The columns: what a list can show of a guest, by the names that ``-c`` takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from ..model import Flavor, Guest, Identity, Image, Instance, Owner, Root
from .naming import name_or_id

Value = str | int | tuple[str, ...] | None


class Column(NamedTuple):
    name: str
    value: Callable[[Guest], Value]
    recorded: bool = True
    """Whether the listing or the block tells it; else the domain's XML has to be read."""


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second, with a ``Z``."""
    return None if moment is None else f"{moment.replace(tzinfo=None).isoformat()}Z"


def _instance(get: Callable[[Instance], Value]) -> Callable[[Guest], Value]:
    def value(guest: Guest) -> Value:
        return get(guest.instance) if guest.instance else None

    return value


def _flavor(get: Callable[[Flavor], Value]) -> Callable[[Guest], Value]:
    return _instance(lambda instance: get(instance.flavor) if instance.flavor else None)


def _image(get: Callable[[Image], Value]) -> Callable[[Guest], Value]:
    return _instance(lambda instance: get(instance.image) if instance.image else None)


def _owner(
    who: Callable[[Owner], Identity | None], get: Callable[[Identity], Value]
) -> Callable[[Guest], Value]:
    def value(instance: Instance) -> Value:
        identity = who(instance.owner) if instance.owner else None
        return get(identity) if identity else None

    return _instance(value)


def _root(root: Root | None) -> str | None:
    return None if root is None else f"{root.type or '?'} {root.uuid or ''}".rstrip()


def _addresses(instance: Instance) -> tuple[str, ...] | None:
    if instance.ports is None:
        return None
    return tuple(ip.address for port in instance.ports for ip in port.ips if ip.address)


def _ports(instance: Instance) -> tuple[str, ...] | None:
    if instance.ports is None:
        return None
    return tuple(port.uuid for port in instance.ports if port.uuid)


def _origin(guest: Guest) -> str | None:
    """Whether Nova wrote the block, or stamp did."""
    if guest.block is None:
        return None
    return "backfilled" if guest.backfill else "Nova"


_ALL = (
    Column("host", lambda guest: guest.host),
    Column("uuid", lambda guest: guest.uuid),
    Column("name", _instance(lambda instance: instance.name)),
    Column("domain", lambda guest: guest.domain),
    Column("id", lambda guest: guest.id),
    Column("state", lambda guest: guest.state),
    Column("kind", lambda guest: guest.kind),
    Column("manager", lambda guest: guest.manager),
    Column("evidence", lambda guest: guest.evidence or None, recorded=False),
    Column("title", lambda guest: guest.title, recorded=False),
    Column("description", lambda guest: guest.description, recorded=False),
    Column("project", _owner(lambda owner: owner.project, name_or_id)),
    Column("project id", _owner(lambda owner: owner.project, lambda project: project.id)),
    Column("user", _owner(lambda owner: owner.user, name_or_id)),
    Column("user id", _owner(lambda owner: owner.user, lambda user: user.id)),
    Column("flavor", _flavor(lambda flavor: flavor.name)),
    Column("flavor id", _flavor(lambda flavor: flavor.id)),
    Column("vcpus", _flavor(lambda flavor: flavor.vcpus)),
    Column("memory", _flavor(lambda flavor: flavor.memory_mib)),
    Column("disk", _flavor(lambda flavor: flavor.disk_gib)),
    Column("swap", _flavor(lambda flavor: flavor.swap_mib)),
    Column("ephemeral", _flavor(lambda flavor: flavor.ephemeral_gib)),
    Column("image", _image(lambda image: image.uuid)),
    Column("root", _instance(lambda instance: _root(instance.root))),
    Column("ips", _instance(_addresses)),
    Column("ports", _instance(_ports)),
    Column("created", _instance(lambda instance: iso(instance.created))),
    Column("origin", _origin, recorded=False),
    Column("version", _instance(lambda instance: instance.package)),
    Column("namespace", _instance(lambda instance: instance.namespace)),
)

COLUMNS = {column.name: column for column in _ALL}

DEFAULT = ("uuid", "name", "domain", "state", "project", "user", "flavor", "created")
LONG = (*DEFAULT, "vcpus", "memory", "disk", "root", "ips", "version", "origin", "namespace")
UNSTAMPED = ("uuid", "domain", "state", "evidence")
FOREIGN = ("uuid", "domain", "state", "manager", "evidence")
FLAT = (*DEFAULT, "kind", "manager")
FLAT_LONG = (*LONG, "kind", "manager")


def find_column(text: str) -> Column | None:
    """A column by name, in any case, with ``_`` or ``-`` for blanks."""
    return COLUMNS.get(" ".join(text.lower().replace("_", " ").replace("-", " ").split()))
