"""Where a block departs from what Nova writes, in words.

``schema`` decides whether it does. libxml2's own words for it are of no use to a reader: of a block
that lacks its ports it says "Expecting element ports, got root", of most others that some element
around the fault "failed to validate".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from ..quoting import quoted
from .namespaces import DRAFT, NOVA_1_0

_SIZES = ("memory", "disk", "swap", "ephemeral", "vcpus")
_CHILDREN = {
    "image": ("containerFormat", "diskFormat", "minDisk", "minRam", "properties"),
    "owner": ("user", "project"),
    "ports": ("port",),
    "port": ("ip",),
    "extraSpecs": ("extraSpec",),
    "properties": ("property",),
}
"""In their order. Those of the instance and its flavor depend on the namespace."""
_REPEATED = ("port", "ip", "extraSpec", "property")
_ATTRIBUTES = {
    "package": ("version",),
    "image": ("uuid",),
    "user": ("uuid",),
    "project": ("uuid",),
    "root": ("type", "uuid"),
    "port": ("uuid",),
    "ip": ("type", "address", "ipVersion"),
    "extraSpec": ("name",),
    "property": ("name",),
}
_STAMPED_WITH_ALL = ("package", "port", "ip", "extraSpec", "property")
"""Elements that always have all their attributes, even if ``stamp`` wrote them."""
_NEVER_EMPTY = ("package@version", "flavor@name", "flavor@id", "ip@address")
_CHOICES = {"root@type": ("image", "volume"), "ip@ipVersion": ("4", "6")}
_NUMBERS = (*_SIZES, "minDisk", "minRam")
_TEXTS = ("name", "containerFormat", "diskFormat", "user", "project", "extraSpec", "property")

_NUMBER = re.compile(r"\+?[0-9]+|-0+")
_MOMENT = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
)
_BLANKS = re.compile("[ \t\r\n]+")
_LONGEST = 40


class _Shape(NamedTuple):
    """The parts of an instance and its flavor, by namespace and writer."""

    instance: tuple[str, ...]
    required: tuple[str, ...]
    flavor: tuple[str, ...]
    flavor_required: tuple[str, ...]
    flavor_attributes: tuple[str, ...] = ("name",)
    whole: bool = True
    """Whether Nova wrote it and knew everything; ``stamp`` may not."""


_DRAFT = _Shape(
    instance=("package", "flavor", "name", "creationTime", "owner", "root"),
    required=("package", "flavor", "creationTime", "owner"),
    flavor=_SIZES,
    # The example in the blueprint ends after the disk.
    flavor_required=(),
)
_IN_1_0 = _Shape(
    instance=("package", "name", "creationTime", "flavor", "owner", "root"),
    required=("package", "creationTime", "flavor"),
    flavor=_SIZES,
    flavor_required=_SIZES,
)
_FROM_23 = _Shape(
    instance=("package", "name", "creationTime", "flavor", "owner", "root", "ports"),
    required=("package", "creationTime", "flavor", "owner", "ports"),
    flavor=_SIZES,
    flavor_required=_SIZES,
)
_FROM_32 = _Shape(
    instance=("package", "name", "creationTime", "flavor", "image", "owner", "root", "ports"),
    required=("package", "name", "creationTime", "flavor", "image", "owner", "ports"),
    flavor=(*_SIZES, "extraSpecs"),
    flavor_required=(*_SIZES, "extraSpecs"),
    flavor_attributes=("name", "id"),
)


def departures(element: etree._Element, namespace: str, *, partial: bool = False) -> list[str]:
    """A phrase for each departure of an ``<instance>``, with or without its namespace.

    ``partial`` is for what ``stamp`` writes, which may lack parts.
    """
    prefix = f"{{{namespace}}}" if str(element.tag).startswith("{") else ""
    shape = _shape(element, namespace, prefix, partial)
    return list(dict.fromkeys(_in_element(element, "instance", shape, prefix)))


def _shape(element: etree._Element, namespace: str, prefix: str, partial: bool) -> _Shape:
    shape = _DRAFT if namespace == DRAFT else _IN_1_0 if namespace == NOVA_1_0 else _FROM_23
    if shape is _FROM_23 and (partial or _is_from_32(element, prefix)):
        shape = _FROM_32
    if partial:
        return shape._replace(required=(), flavor_required=(), whole=False)
    return shape


def _is_from_32(element: etree._Element, prefix: str) -> bool:
    """Whether it has any of the parts that Nova 32 added."""
    flavor = element.find(f"{prefix}flavor")
    has_specs = flavor is not None and (
        flavor.get("id") is not None or flavor.find(f"{prefix}extraSpecs") is not None
    )
    return has_specs or element.find(f"{prefix}image") is not None


def _in_element(element: etree._Element, tag: str, shape: _Shape, prefix: str) -> Iterator[str]:
    yield from _in_attributes(element, tag, shape)
    yield from _in_text(element, tag)
    children, required = _parts(tag, shape)
    seen: list[str] = []
    for child in element.iterchildren("*"):
        name = str(child.tag)
        local = name[len(prefix) :] if name.startswith(prefix) else name
        if local not in children:
            yield f"unknown element {_tag(local)}{_inside(tag)}"
            continue
        if local in seen and local not in _REPEATED:
            yield f"two {_tag(local)}{_inside(tag)}"
        later = [each for each in seen if children.index(each) > children.index(local)]
        if later:
            yield f"{_tag(local)} after {_tag(later[0])}{_inside(tag)}"
        seen.append(local)
        yield from _in_element(child, local, shape, prefix)
    for name in required:
        if name not in seen:
            yield f"{_owner(tag)}no {_tag(name)}"


def _parts(tag: str, shape: _Shape) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The children that an element can have, and those that it must have."""
    if tag == "instance":
        return shape.instance, shape.required
    if tag == "flavor":
        return shape.flavor, shape.flavor_required
    return _CHILDREN.get(tag, ()), ("properties",) if tag == "image" and shape.whole else ()


def _in_attributes(element: etree._Element, tag: str, shape: _Shape) -> Iterator[str]:
    known = shape.flavor_attributes if tag == "flavor" else _ATTRIBUTES.get(tag, ())
    for key in element.keys():  # noqa: SIM118 - an element iterates over its children
        if key not in known:
            yield f"unknown attribute {quoted(_cut(str(key)))} of {_tag(tag)}"
    for key in known:
        value = element.get(key)
        if value is None:
            if shape.whole or tag in _STAMPED_WITH_ALL:
                yield f"{_tag(tag)} has no {key}"
        elif not value and f"{tag}@{key}" in _NEVER_EMPTY:
            yield f"the {key} of {_tag(tag)} is empty"
        elif (choices := _CHOICES.get(f"{tag}@{key}")) and _collapsed(value) not in choices:
            one, other = choices
            written = quoted(_cut(value))
            yield f"the {key} of {_tag(tag)} is neither {one} nor {other}: {written}"


def _in_text(element: etree._Element, tag: str) -> Iterator[str]:
    if tag in _TEXTS:
        return
    text = (element.text or "") + "".join(child.tail or "" for child in element)
    if tag in _NUMBERS:
        if not _NUMBER.fullmatch(_collapsed(text)):
            yield f"{_tag(tag)} is not a number: {quoted(_cut(text))}"
    elif tag == "creationTime":
        if not _MOMENT.fullmatch(_collapsed(text)):
            yield f"{_tag(tag)} is not a date and time: {quoted(_cut(text))}"
    elif _collapsed(text):
        yield f"text in {_tag(tag)}: {quoted(_cut(_collapsed(text)))}"


def _collapsed(text: str) -> str:
    return _BLANKS.sub(" ", text).strip(" ")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _tag(name: str) -> str:
    return f"<{_cut(name)}>"


def _inside(tag: str) -> str:
    return "" if tag == "instance" else f" in {_tag(tag)}"


def _owner(tag: str) -> str:
    return "" if tag == "instance" else f"{_tag(tag)} has "
