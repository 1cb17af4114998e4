"""Records from ``openstack server list``: rows under the headings of the client's table.

The columns depend on ``--long``, ``--all-projects`` and ``-c``; only ``ID`` is required. No column
separates fixed from floating addresses, or shows ports. With ``--no-name-lookup``, the columns
``Image`` and ``Flavor`` hold ids: a value that is a uuid is taken for an id.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from ..block.facts import Fact
from ..inputs.decode import decode
from ..inputs.values import checked_moment, checked_text, checked_uuid, is_uuid
from .nova_server import BOOTED_FROM_VOLUME, boots_from_image, boots_from_volume
from .power_state import power_state
from .record import Record


class _Row(msgspec.Struct):
    id: str = msgspec.field(name="ID")
    name: str | msgspec.UnsetType | None = msgspec.field(default=msgspec.UNSET, name="Name")
    image: str | None = msgspec.field(default=None, name="Image")
    image_id: str | None = msgspec.field(default=None, name="Image ID")
    flavor: str | None = msgspec.field(default=None, name="Flavor")
    flavor_name: str | None = msgspec.field(default=None, name="Flavor Name")
    flavor_id: str | None = msgspec.field(default=None, name="Flavor ID")
    host: str | None = msgspec.field(default=None, name="Host")
    project_id: str | None = msgspec.field(default=None, name="Project ID")
    user_id: str | None = msgspec.field(default=None, name="User ID")
    created: str | None = msgspec.field(default=None, name="Created At")
    power_state: int | str | None = msgspec.field(default=None, name="Power State")


_ROW = msgspec.json.Decoder(_Row)


def row_record(
    raw: msgspec.Raw, source: str, place: str, wanted: Collection[str] | None = None
) -> Record:
    """The record of one row; without facts if its uuid is not in ``wanted``.

    Raises ``FieldError``.
    """
    row = decode(raw, _ROW)
    uuid = checked_uuid(row.id, "ID")
    return Record(
        uuid=uuid,
        source=source,
        facts=_facts(row) if wanted is None or uuid in wanted else {},
        hosts=(row.host,) if row.host else (),
        unnamed=row.name is None or row.name == "",
        place=place,
        power_state=power_state(row.power_state),
    )


def _facts(row: _Row) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    if isinstance(row.name, str):
        facts["name"] = checked_text(row.name, "Name")
    if row.created:
        facts["created"] = checked_moment(row.created, "Created At")
    facts |= _flavor_facts(row)
    facts |= _image_facts(row)
    if row.user_id:
        facts["owner.user.id"] = checked_text(row.user_id, "User ID")
    if row.project_id:
        facts["owner.project.id"] = checked_text(row.project_id, "Project ID")
    return facts


def _flavor_facts(row: _Row) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    name, id_ = row.flavor_name or row.flavor, row.flavor_id
    if name and not row.flavor_name and not id_ and is_uuid(name):
        name, id_ = None, name
    if name:
        facts["flavor.name"] = checked_text(name, "Flavor")
    if id_:
        facts["flavor.id"] = checked_text(id_, "Flavor ID")
    return facts


def _image_facts(row: _Row) -> dict[str, Fact]:
    if BOOTED_FROM_VOLUME in (row.image, row.image_id) or row.image_id == "":
        return boots_from_volume()
    if row.image_id:
        return boots_from_image(row.image_id, "Image ID")
    if row.image and is_uuid(row.image):
        return boots_from_image(row.image, "Image")
    # An image's name is not unique, and the block does not hold it.
    return {"root.type": "image"} if row.image else {}
