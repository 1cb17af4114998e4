"""Records from servers as Nova shows them: GET /servers/detail, and ``openstack server show``.

The format depends on the microversion, and the client's on its release:

- ``flavor`` is ``{id, links}`` up to 2.46, ``{original_name, ram, ...}`` from 2.47; the client adds
  an ``id`` to the latter that is the *name*, and older clients write ``m1.small (1)``.
- ``image`` is ``""`` for a boot from volume; the client writes ``name (uuid)``, the uuid alone
  where the image is gone, or ``N/A (booted from volume)``.
- ``addresses`` separates fixed from floating ones only in Nova's own response.

``OS-EXT-SRV-ATTR:hostname`` is the name inside the guest, and the client's ``properties`` are the
server's metadata, not the image's properties. ``volumes_attached`` does not say which volume the
server boots from; the guest's boot disk does.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

from ..block.facts import Fact
from ..inputs.decode import decode
from ..inputs.values import (
    FieldError,
    checked_address,
    checked_moment,
    checked_number,
    checked_text,
    checked_texts,
    checked_uuid,
    described,
    is_uuid,
)
from ..model import Address
from .image_properties import kept_properties
from .power_state import power_state
from .record import Record

BOOTED_FROM_VOLUME = "N/A (booted from volume)"
"""What the openstack client shows instead of an image."""


class _Flavor(msgspec.Struct):
    id: str | None = None
    original_name: str | None = None
    vcpus: int | None = None
    ram: int | None = None
    disk: int | None = None
    ephemeral: int | None = None
    swap: int | None = None
    extra_specs: dict[str, str] | None = None


class _Image(msgspec.Struct):
    id: str | None = None
    properties: dict[str, str] | None = None


class _Address(msgspec.Struct):
    addr: str
    type: str | None = msgspec.field(default=None, name="OS-EXT-IPS:type")
    mac: str | None = msgspec.field(default=None, name="OS-EXT-IPS-MAC:mac_addr")


class _Server(msgspec.Struct):
    id: str
    name: str | msgspec.UnsetType | None = msgspec.UNSET
    """Unset if the server's cell is down: Nova then shows little more than its id."""
    tenant_id: str | None = None
    project_id: str | None = None
    user_id: str | None = None
    created: str | None = None
    launched_at: str | None = msgspec.field(default=None, name="OS-SRV-USG:launched_at")
    host: str | None = msgspec.field(default=None, name="OS-EXT-SRV-ATTR:host")
    node: str | None = msgspec.field(default=None, name="OS-EXT-SRV-ATTR:hypervisor_hostname")
    power_state: int | str | None = msgspec.field(default=None, name="OS-EXT-STS:power_state")
    flavor: _Flavor | str | None = None
    image: _Image | str | None = None
    addresses: dict[str, list[_Address | str]] | str | None = None


_SERVER = msgspec.json.Decoder(_Server)
_NAME_AND_ID = re.compile(r"(?s)(.*) \(([^()]*)\)")
_QUOTED = re.compile(r"([\w.:-]+)='([^']*)'(?:, |$)")
_SIZES = {
    "ram": "flavor.memory_mib",
    "disk": "flavor.disk_gib",
    "swap": "flavor.swap_mib",
    "ephemeral": "flavor.ephemeral_gib",
    "vcpus": "flavor.vcpus",
}


def server_record(
    raw: msgspec.Raw, source: str, place: str, wanted: Collection[str] | None = None
) -> Record:
    """The record of one server; without facts if its uuid is not in ``wanted``.

    Raises ``FieldError``.
    """
    server = decode(raw, _SERVER)
    uuid = checked_uuid(server.id, "id")
    record = Record(
        uuid=uuid,
        source=source,
        facts={},
        hosts=tuple(dict.fromkeys(filter(None, (server.host, server.node)))),
        unnamed=server.name is None or server.name == "",
        place=place,
        power_state=power_state(server.power_state),
    )
    if wanted is not None and uuid not in wanted:
        return record
    return record._replace(facts=_facts(server), addresses=_fixed_addresses(server.addresses))


def _facts(server: _Server) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    if isinstance(server.name, str):
        facts["name"] = checked_text(server.name, "name")
    # The block's time is that of the guest's last start; launched_at is the nearest available.
    if server.launched_at is not None:
        facts["created"] = checked_moment(server.launched_at, "OS-SRV-USG:launched_at")
    elif server.created is not None:
        facts["created"] = checked_moment(server.created, "created")
    facts |= _flavor_facts(server.flavor)
    facts |= _image_facts(server.image)
    if server.user_id:
        facts["owner.user.id"] = checked_text(server.user_id, "user_id")
    if server.project_id:
        facts["owner.project.id"] = checked_text(server.project_id, "project_id")
    elif server.tenant_id:
        facts["owner.project.id"] = checked_text(server.tenant_id, "tenant_id")
    return facts


def boots_from_volume() -> dict[str, Fact]:
    """The facts of a boot from volume: no image. The guest's disks show which volume."""
    return {"image.uuid": "", "root.type": "volume"}


def boots_from_image(uuid: str, field: str) -> dict[str, Fact]:
    """The facts of a boot from an image."""
    id_ = checked_uuid(uuid, field)
    return {"image.uuid": id_, "root.type": "image", "root.uuid": id_}


def _flavor_facts(flavor: _Flavor | str | None) -> dict[str, Fact]:
    if flavor is None:
        return {}
    if isinstance(flavor, str):
        return _flavor_of_text(flavor)
    facts: dict[str, Fact] = {}
    if flavor.original_name is not None:
        facts["flavor.name"] = checked_text(flavor.original_name, "flavor.original_name")
    elif flavor.id is not None:
        facts["flavor.id"] = checked_text(flavor.id, "flavor.id")
    for name, key in _SIZES.items():
        size = getattr(flavor, name)
        if size is not None:
            facts[key] = checked_number(size, f"flavor.{name}")
    if flavor.extra_specs is not None:
        facts["flavor.extra_specs"] = checked_texts(flavor.extra_specs, "flavor.extra_specs")
    return facts


def _flavor_of_text(text: str) -> dict[str, Fact]:
    checked_text(text, "flavor")
    if match := _NAME_AND_ID.fullmatch(text):
        return {"flavor.name": match[1], "flavor.id": match[2]}
    parts = dict(_QUOTED.findall(text))
    if "original_name" not in parts or _QUOTED.sub("", text):
        # A client that could not look up the flavor's name shows the id alone.
        return {"flavor.id": text} if text else {}
    facts: dict[str, Fact] = {"flavor.name": parts["original_name"]}
    for name, key in _SIZES.items():
        if name in parts:
            facts[key] = _digits(parts[name], f"flavor.{name}")
    return facts


def _digits(text: str, field: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", text):
        raise FieldError(field, f"expected a number, got {described(text)}")
    return int(text)


def _image_facts(image: _Image | str | None) -> dict[str, Fact]:
    if image is None:
        return {}
    if isinstance(image, str):
        if image in ("", BOOTED_FROM_VOLUME):
            return boots_from_volume()
        named = _NAME_AND_ID.fullmatch(image)
        uuid = named[2] if named else image
        if not is_uuid(uuid):
            raise FieldError(
                "image",
                f"expected a uuid, a name with its uuid, or nothing, got {described(image)}",
            )
        return boots_from_image(uuid, "image")
    if image.id is None:
        # How SDKs write Nova's "".
        return boots_from_volume()
    facts = boots_from_image(image.id, "image.id")
    if image.properties is not None:
        facts["image.properties"] = checked_texts(
            kept_properties(image.properties), "image.properties"
        )
    return facts


def _fixed_addresses(
    addresses: dict[str, list[_Address | str]] | str | None,
) -> dict[str, tuple[Address, ...]]:
    if addresses is None or isinstance(addresses, str):
        return {}
    fixed: dict[str, tuple[Address, ...]] = {}
    for network, listed in addresses.items():
        for index, address in enumerate(listed):
            if isinstance(address, str) or address.type != "fixed" or not address.mac:
                continue
            field = f"addresses.{network}[{index}]"
            mac = checked_text(address.mac.lower(), f"{field}.OS-EXT-IPS-MAC:mac_addr")
            fixed[mac] = (
                *fixed.get(mac, ()),
                checked_address(address.addr, f"{field}.addr"),
            )
    return fixed
