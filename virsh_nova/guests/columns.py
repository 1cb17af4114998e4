"""The columns: what a list can show of a guest, by the names that ``-c`` takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from ..model import Flavor, Guest, Identity, Image, Instance, Owner, Root
from .naming import name_or_id

Value = str | int | tuple[str, ...] | None


class Column(NamedTuple):
    """A column: what it shows of a guest, and how."""

    name: str
    """As ``-c`` takes it."""
    value: Callable[[Guest], Value]
    recorded: bool = True
    """Whether the listing or the block tells it; else the domain's XML has to be read."""
    least: int = 0
    """Cells that it keeps when others need room; 0 where it makes no sense cut."""
    role: str = "text"
    """How a terminal shows it: a key of ``render.style.LOOKS``."""
    unit: str = ""
    """Of a number."""
    counts: bool = False
    """Whether it is a number without a unit."""

    @property
    def title(self) -> str:
        return f"{self.name.upper()} {self.unit}".rstrip()

    @property
    def is_number(self) -> bool:
        """Numbers are aligned to the right."""
        return self.counts or bool(self.unit)


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
    Column("host", lambda guest: guest.host, least=10),
    Column("uuid", lambda guest: guest.uuid, role="quiet"),
    Column("name", _instance(lambda instance: instance.name), least=14, role="name"),
    Column("domain", lambda guest: guest.domain),
    Column("id", lambda guest: guest.id, counts=True),
    Column("state", lambda guest: guest.state),
    Column("kind", lambda guest: guest.kind),
    Column("manager", lambda guest: guest.manager, least=10),
    Column("evidence", lambda guest: guest.evidence or None, False, least=48, role="quiet"),
    Column("title", lambda guest: guest.title, False, least=10),
    Column("description", lambda guest: guest.description, False, least=48),
    Column("project", _owner(lambda owner: owner.project, name_or_id), least=10),
    Column("project id", _owner(lambda owner: owner.project, lambda project: project.id)),
    Column("user", _owner(lambda owner: owner.user, name_or_id), least=8),
    Column("user id", _owner(lambda owner: owner.user, lambda user: user.id)),
    Column("flavor", _flavor(lambda flavor: flavor.name), least=8, role="quiet"),
    Column("flavor id", _flavor(lambda flavor: flavor.id), least=10),
    Column("vcpus", _flavor(lambda flavor: flavor.vcpus), counts=True),
    Column("memory", _flavor(lambda flavor: flavor.memory_mib), unit="MiB"),
    Column("disk", _flavor(lambda flavor: flavor.disk_gib), unit="GiB"),
    Column("swap", _flavor(lambda flavor: flavor.swap_mib), unit="MiB"),
    Column("ephemeral", _flavor(lambda flavor: flavor.ephemeral_gib), unit="GiB"),
    Column("image", _image(lambda image: image.uuid)),
    Column("root", _instance(lambda instance: _root(instance.root)), least=42),
    Column("ips", _instance(_addresses)),
    Column("ports", _instance(_ports), least=36),
    Column("created", _instance(lambda instance: iso(instance.created)), role="quiet"),
    Column("origin", _origin, False, least=10),
    Column("version", _instance(lambda instance: instance.package), least=10),
    Column("namespace", _instance(lambda instance: instance.namespace), least=43, role="quiet"),
)

COLUMNS = {column.name: column for column in _ALL}

DEFAULT = ("name", "state", "project", "user", "flavor", "domain", "uuid")
"""The answer to "whose is it?" first."""
LONG = (
    *DEFAULT, "created", "vcpus", "memory", "disk", "root", "ips", "version", "origin", "namespace",
)  # fmt: skip
UNSTAMPED = ("domain", "state", "evidence", "uuid")
FOREIGN = ("domain", "state", "manager", "evidence", "uuid")
UNREADABLE = ("domain", "state", "evidence", "uuid")
"""The evidence is why it could not be read."""

_RECORDED = ("uuid", "name", "domain", "state", "project", "user", "flavor", "created")
FLAT = (*_RECORDED, "kind", "manager")
"""What value and csv print. Scripts count on the order."""
FLAT_LONG = (
    *_RECORDED, "vcpus", "memory", "disk", "root", "ips", "version", "origin", "namespace", "kind",
    "manager",
)  # fmt: skip


def find_column(text: str) -> Column | None:
    """A column by name, in any case, with ``_`` or ``-`` for blanks."""
    return COLUMNS.get(" ".join(text.lower().replace("_", " ").replace("-", " ").split()))
