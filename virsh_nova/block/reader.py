"""Reads the elements of one block into the model; unknown parts are kept and reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from copy import deepcopy
from datetime import datetime, timezone
from functools import cache
from typing import TypeVar

from lxml import etree

from ..model import Address, Flavor, Identity, Image, Instance, Owner, Port, Root, Unknown
from .known_parts import Abridged, remember
from .namespaces import elements_of

T = TypeVar("T")

_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
# No hour 24, which Python reads from 3.14 on and Nova never writes.
_CREATED = re.compile(r"\d{4}-\d\d-\d\d (?:[01]\d|2[0-3]):\d\d:\d\d", re.ASCII)

# A hostile block could hold a hundred thousand.
_MOST_FAULTS = 20

_FLAVOR_ELEMENTS = ("memory", "disk", "swap", "ephemeral", "vcpus", "extraSpecs")
_IMAGE_ELEMENTS = ("containerFormat", "diskFormat", "minDisk", "minRam", "properties")
_OWNER_ELEMENTS = ("user", "project")


@cache
def _names_in_full(prefix: str) -> dict[object, str]:
    """Local names by tag as lxml gives it, of all elements that hold others apart."""
    names = (*elements_of(""), *_FLAVOR_ELEMENTS, *_IMAGE_ELEMENTS, *_OWNER_ELEMENTS)
    return {prefix + name: name for name in names}


class BlockReader:
    """Reads the elements of one block; collects its faults and unknown parts."""

    def __init__(self, prefix: str, faults: list[str], abridged: Abridged | None) -> None:
        self.prefix = prefix
        self.abridged = abridged
        self.taken = 0
        self.names = _names_in_full(prefix)
        self.faults = faults
        self.unknown: list[Unknown] = []

    def instance(self, element: etree._Element, namespace: str) -> Instance:
        found = self.children(element, "", elements_of(namespace))
        self.attributes(element, "", ())
        package, root = found.get("package"), found.get("root")
        if package is not None and package.get("version") is None:
            self.keep(package, "")
        elif package is not None:
            self.leaf(package, "package", ("version",))
        if root is not None:
            self.leaf(root, "root", ("type", "uuid"))
        instance = Instance(
            namespace=namespace,
            package=None if package is None else package.get("version"),
            name=self.text(found.get("name"), "name"),
            created=self.moment(found.get("creationTime"), "creationTime", ""),
            flavor=self.recurring("flavor", found.get("flavor"), self.flavor),
            image=self.recurring("image", found.get("image"), self.image),
            owner=self.recurring("owner", found.get("owner"), self.owner),
            root=None if root is None else Root(root.get("type"), root.get("uuid")),
            ports=self.ports(found.get("ports")),
            unknown=tuple(self.unknown),
        )
        if self.abridged is not None and self.taken < len(self.abridged.known):
            raise ValueError("a known part is in another place")
        return instance

    def recurring(
        self, tag: str, element: etree._Element | None, read: Callable[[etree._Element], T]
    ) -> T | None:
        """Read a part that many guests of a host have alike, unless it is known already."""
        if element is None:
            return None
        if self.abridged is None or f"{element.prefix or ''}:" != (self.abridged.prefix or ":"):
            return read(element)
        if tag in self.abridged.known and not len(element) and not element.keys():
            self.taken += 1
            return self.abridged.known[tag]  # type: ignore[return-value]
        flaws = len(self.faults) + len(self.unknown)
        value = read(element)
        flawless = flaws == len(self.faults) + len(self.unknown)
        if flawless and tag in self.abridged.unknown:
            remember(self.abridged.unknown[tag], value)
        return value

    def flavor(self, element: etree._Element) -> Flavor:
        found = self.children(element, "flavor", _FLAVOR_ELEMENTS)
        self.attributes(element, "flavor", ("name", "id"))
        return Flavor(
            name=element.get("name"),
            id=element.get("id"),
            memory_mib=self.number(found.get("memory"), "memory", "flavor"),
            disk_gib=self.number(found.get("disk"), "disk", "flavor"),
            swap_mib=self.number(found.get("swap"), "swap", "flavor"),
            ephemeral_gib=self.number(found.get("ephemeral"), "ephemeral", "flavor"),
            vcpus=self.number(found.get("vcpus"), "vcpus", "flavor"),
            extra_specs=self.named_texts(found.get("extraSpecs"), "flavor/extraSpecs", "extraSpec"),
        )

    def image(self, element: etree._Element) -> Image:
        found = self.children(element, "image", _IMAGE_ELEMENTS)
        self.attributes(element, "image", ("uuid",))
        return Image(
            uuid=element.get("uuid"),
            container_format=self.text(found.get("containerFormat"), "image/containerFormat"),
            disk_format=self.text(found.get("diskFormat"), "image/diskFormat"),
            min_disk_gib=self.number(found.get("minDisk"), "minDisk", "image"),
            min_ram_mib=self.number(found.get("minRam"), "minRam", "image"),
            properties=self.named_texts(found.get("properties"), "image/properties", "property"),
        )

    def owner(self, element: etree._Element) -> Owner:
        found = self.children(element, "owner", _OWNER_ELEMENTS)
        self.attributes(element, "owner", ())
        return Owner(
            user=self.identity(found.get("user"), "owner/user"),
            project=self.identity(found.get("project"), "owner/project"),
        )

    def identity(self, element: etree._Element | None, path: str) -> Identity | None:
        if element is None:
            return None
        self.attributes(element, path, ("uuid",))
        return Identity(element.get("uuid"), self.texts(element, path))

    def ports(self, element: etree._Element | None) -> tuple[Port, ...] | None:
        if element is None:
            return None
        self.attributes(element, "ports", ())
        ports: list[Port] = []
        for port in self.repeated(element, "ports", "port"):
            path = f"ports/port[{len(ports) + 1}]"
            self.attributes(port, path, ("uuid",))
            ips: list[Address] = []
            for ip in self.repeated(port, path, "ip"):
                ips.append(self.address(ip, f"{path}/ip[{len(ips) + 1}]"))
            ports.append(Port(port.get("uuid"), tuple(ips)))
        return tuple(ports)

    def address(self, element: etree._Element, path: str) -> Address:
        self.leaf(element, path, ("type", "address", "ipVersion"))
        written = element.get("ipVersion")
        version = integer(written)
        if written is not None and version is None:
            self.fault(f"{path}@ipVersion", f"{in_quotes(written)} is not a number")
            self.unknown.append(Unknown(path, "@ipVersion", written))
        return Address(element.get("type"), element.get("address"), version)

    def named_texts(
        self, element: etree._Element | None, path: str, tag: str
    ) -> dict[str, str] | None:
        """``<tag name="key">value</tag>`` in a container, as a mapping."""
        if element is None:
            return None
        self.attributes(element, path, ())
        values: dict[str, str] = {}
        tag_in_full = self.prefix + tag
        for child in element:
            if child.tag != tag_in_full:
                self.keep(child, path)
                continue
            attributes = child.items()
            if len(attributes) == 1 and attributes[0][0] == "name" and not len(child):
                key = str(attributes[0][1])
                if key not in values:
                    values[key] = child.text or ""
                    continue
                self.fault(path, f"two named {in_quotes(key)}; the first counts")
            else:
                self.fault(path, f"a <{tag}> that is not one name and one text")
            self.keep(child, path)
        return values

    # -- leaves

    def text(self, element: etree._Element | None, path: str) -> str | None:
        if element is None:
            return None
        self.attributes(element, path, ())
        return self.texts(element, path)

    def texts(self, element: etree._Element, path: str) -> str:
        """The element's text exactly: a name may begin or end with blanks."""
        if not len(element):
            return element.text or ""
        for child in element:
            self.keep(child, path)
        return (element.text or "") + "".join(child.tail or "" for child in element)

    def number(self, element: etree._Element | None, name: str, parent: str) -> int | None:
        if element is None:
            return None
        value = None if len(element) or element.keys() else integer(element.text)
        if value is None:
            self.fault(f"{parent}/{name}", f"{in_quotes(element.text)} is not a number")
            self.keep(element, parent)
            return None
        return value

    def moment(self, element: etree._Element | None, name: str, parent: str) -> datetime | None:
        if element is None:
            return None
        text = (element.text or "").strip()
        if not len(element) and not element.keys() and _CREATED.fullmatch(text):
            try:
                return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
            except ValueError:
                pass
        self.fault(name, f"{in_quotes(element.text)} is not a date and time")
        self.keep(element, parent)
        return None

    # -- structure, and what is kept of the rest

    def children(
        self, element: etree._Element, path: str, known: Collection[str]
    ) -> dict[str, etree._Element]:
        """The known children by local name; a second one of a name, and all others, are kept."""
        found: dict[str, etree._Element] = {}
        names = self.names
        for child in element:
            name = names.get(child.tag, "")
            if name in known and name not in found:
                found[name] = child
                continue
            if name in known:
                self.fault(path or "instance", f"two <{name}>; the first counts")
            self.keep(child, path)
        return found

    def repeated(self, element: etree._Element, path: str, tag: str) -> Iterator[etree._Element]:
        tag_in_full = self.prefix + tag
        for child in element:
            if child.tag == tag_in_full:
                yield child
            else:
                self.keep(child, path)

    def leaf(self, element: etree._Element, path: str, known: Collection[str]) -> None:
        self.attributes(element, path, known)
        for child in element:
            self.keep(child, path)

    def attributes(self, element: etree._Element, path: str, known: Collection[str]) -> None:
        for name in element.keys():  # noqa: SIM118 - an element iterates over its children
            if name not in known:
                self.unknown.append(Unknown(path, f"@{name!s}", element.get(name, "")))

    def local(self, element: etree._Element) -> str:
        """The local name of an element of the block's own namespace; else its full tag."""
        tag = element.tag
        if not isinstance(tag, str):
            return "#comment"
        return tag[len(self.prefix) :] if tag.startswith(self.prefix) else tag

    def keep(self, element: etree._Element, path: str) -> None:
        # Its own namespace is stripped, as virDomainGetMetadata does, so that both forms of a
        # block read alike; write puts it back.
        name = self.local(element)
        if self.prefix and name != "#comment":
            element = deepcopy(element)
            for inner in element.iter(f"{self.prefix}*"):
                # What was salvaged from <http://…> is named ``http:``, and with libxml2 before 2.12
                # <nova:nova:disk> is named ``nova:disk``. lxml refuses to set a name with a colon.
                if ":" not in self.local(inner):
                    inner.tag = self.local(inner)
            etree.cleanup_namespaces(element)
        xml = etree.tostring(element, encoding="unicode", with_tail=False)
        self.unknown.append(Unknown(path, name, xml))

    def fault(self, place: str, what: str) -> None:
        fault = f"{place}: {what}"
        if len(self.faults) > _MOST_FAULTS or fault in self.faults:
            return
        self.faults.append(fault if len(self.faults) < _MOST_FAULTS else "more faults than these")


def integer(text: str | None) -> int | None:
    if text is None:
        return None
    text = text.strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def in_quotes(text: str | None, limit: int = 40) -> str:
    """The text, cut, in quotes that it cannot end."""
    text = text or ""
    shown = text if len(text) <= limit else f"{text[:limit]}…"
    return "'" + shown.replace("'", r"\x27") + "'"
