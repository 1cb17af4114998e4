"""XML text in, model out: any dialect, any prefix, namespaced or stripped. No policy.

Nothing here raises for what a text holds: what cannot be read becomes a fault, and a part of a
block that is not understood is kept as ``Unknown`` so that ``write`` can give it back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from copy import deepcopy
from datetime import datetime, timezone
from functools import cache
from typing import TypeVar

from lxml import etree

from .dialect import NAMESPACES, NOVA_1_1, elements_of
from .model import (
    Address,
    Block,
    Disk,
    Domain,
    Flavor,
    Hardware,
    Head,
    Identity,
    Image,
    Instance,
    Interface,
    Owner,
    Port,
    Root,
    Unknown,
)
from .recurring import Abridged, abridge, remember
from .safe_xml import read_xml, salvage_xml

T = TypeVar("T")

_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_CREATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)

# A hostile block could hold a hundred thousand.
_MOST_FAULTS = 20

_FLAVOR_ELEMENTS = ("memory", "disk", "swap", "ephemeral", "vcpus", "extraSpecs")
_IMAGE_ELEMENTS = ("containerFormat", "diskFormat", "minDisk", "minRam", "properties")
_OWNER_ELEMENTS = ("user", "project")

_KIB_PER_UNIT = {
    "b": 1 / 1024, "bytes": 1 / 1024,
    "KB": 1000 / 1024, "k": 1, "KiB": 1,
    "MB": 1000**2 / 1024, "M": 1024, "MiB": 1024,
    "GB": 1000**3 / 1024, "G": 1024**2, "GiB": 1024**2,
    "TB": 1000**4 / 1024, "T": 1024**3, "TiB": 1024**3,
}  # fmt: skip


def parse_block(xml: str | bytes, namespace: str | None = None) -> Block:
    """Read a metadata block.

    ``namespace`` is the one that was asked for: ``virDomainGetMetadata`` strips it from the
    elements it returns.
    """
    text = xml.decode("utf-8", "replace") if isinstance(xml, bytes) else xml
    try:
        if isinstance(xml, str):
            return _abridged_block(xml, namespace)
    except (etree.XMLSyntaxError, ValueError):
        pass  # It will have to be read in full, and its faults told.
    try:
        return _block(read_xml(xml), text, namespace, [])
    except (etree.XMLSyntaxError, ValueError) as error:
        faults = [_broken(error)]
        root = salvage_xml(xml)
        if root is None:
            return Block(namespace or "", text, None, tuple(faults))
        return _block(root, text, namespace, faults)


def parse_domain(xml: str | bytes) -> Domain:
    """Read a ``<domain>``, or the ``<domstatus>`` that libvirt keeps of a running one."""
    faults: list[str] = []
    root: etree._Element | None
    try:
        root = read_xml(xml)
    except (etree.XMLSyntaxError, ValueError) as error:
        faults.append(_broken(error))
        root = salvage_xml(xml)
    status = root if root is not None and root.tag == "domstatus" else None
    domain = root if status is None else status.find("domain")
    if domain is None or domain.tag != "domain":
        if not faults:
            faults.append("the XML holds no <domain>")
        domain = etree.Element("domain")
    return Domain(
        uuid=_child_text(domain, "uuid"),
        name=_child_text(domain, "name"),
        id=_integer(domain.get("id")),
        title=_child_text(domain, "title"),
        description=_child_text(domain, "description"),
        blocks=tuple(_blocks(domain.find("metadata"))),
        namespaces=tuple(_metadata_namespaces(domain)),
        sysinfo={
            entry.get("name", ""): entry.text or ""
            for entry in domain.iterfind("sysinfo/system/entry")
        },
        channels=tuple(
            target.get("name", "") for target in domain.iterfind("devices/channel/target")
        ),
        hardware=_hardware(domain),
        state=None if status is None else status.get("state"),
        reason=None if status is None else status.get("reason"),
        pid=None if status is None else _integer(status.get("pid")),
        faults=tuple(faults),
    )


def parse_head(xml: str) -> Head:
    """Title, description and blocks alone, from libvirt's XML of a domain.

    libvirt writes them before all else, and each of them on lines of its own; the rest, most of
    it devices, is not even read. Where that does not lead to a block, the whole is.
    """
    before, _, rest = xml.partition("\n  <metadata>\n")
    metadata, end, _ = rest.partition("\n  </metadata>\n")
    if end:
        try:
            domain = read_xml(f"{before}</domain>")
            block = _abridged_block(metadata.strip(), None)
        except (etree.XMLSyntaxError, ValueError):
            pass  # Several elements, or a look-alike of libvirt's layout.
        else:
            if block.instance is not None:
                title, description = (
                    _child_text(domain, "title"),
                    _child_text(domain, "description"),
                )
                return Head(title, description, (block,))
    whole = parse_domain(xml)
    return Head(whole.title, whole.description, whole.blocks, whole.faults)


def _broken(error: Exception) -> str:
    # lxml's message can quote the text; its first line is enough to find the place.
    said = str(error).splitlines()[0] if str(error) else "empty"
    return f"broken XML: {said if len(said) <= 200 else said[:200] + '…'}"


def _integer(text: str | None) -> int | None:
    if text is None:
        return None
    text = text.strip()
    return int(text) if _NUMBER.fullmatch(text) else None


# ---- the block --------------------------------------------------------------------------------


def _abridged_block(text: str, asked: str | None) -> Block:
    """Read a block without what is known of it; raises ``ValueError`` if that misleads."""
    abridged = abridge(text)
    return _block(read_xml(abridged.text), text, asked, [], abridged)


def _block(
    root: etree._Element,
    text: str,
    asked: str | None,
    faults: list[str],
    abridged: Abridged | None = None,
) -> Block:
    own_namespace, name = _split(root.tag)
    namespace = own_namespace or asked
    if not namespace:
        # A stripped block often still declares its namespace: Nova's set_metadata leaves it so.
        declared = (uri for uri in NAMESPACES if uri in root.nsmap.values())
        namespace = next(declared, NOVA_1_1)
    if "<!DOCTYPE" in text:
        faults.append("it has a document type; its entities are not read")
    if name != "instance":
        faults.append(f"the outermost element is {_quoted(name)}, not 'instance'")
        return Block(namespace, text, None, tuple(faults))
    if namespace not in NAMESPACES:
        faults.append(f"the namespace {_quoted(namespace, 100)} is none of Nova's")
        return Block(namespace, text, None, tuple(faults))
    reader = _BlockReader(f"{{{own_namespace}}}" if own_namespace else "", faults, abridged)
    return Block(namespace, text, reader.instance(root, namespace), tuple(faults))


def _split(tag: str) -> tuple[str, str]:
    """Namespace and local name. lxml's ``QName`` refuses what salvaging lets in: ``a:b``."""
    namespace, _, name = tag.rpartition("}")
    return namespace[1:], name


@cache
def _names_in_full(prefix: str) -> dict[object, str]:
    """Local names by tag as lxml gives it, of all elements that hold others apart."""
    names = (*elements_of(""), *_FLAVOR_ELEMENTS, *_IMAGE_ELEMENTS, *_OWNER_ELEMENTS)
    return {prefix + name: name for name in names}


class _BlockReader:
    """Reads the elements of one block; collects its faults and what it does not understand."""

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
            raise ValueError("a part that is known stands in another place")
        return instance

    def recurring(
        self, tag: str, element: etree._Element | None, read: Callable[[etree._Element], T]
    ) -> T | None:
        """Read a part that many guests of a host have alike, unless it is known already."""
        if element is None:
            return None
        if self.abridged is None or f"{element.prefix or ''}:" != (self.abridged.prefix or ":"):
            return read(element)
        if tag in self.abridged.known:
            self.taken += 1
            return self.abridged.known[tag]  # type: ignore[return-value]
        flaws = len(self.faults) + len(self.unknown)
        value = read(element)
        flawless = flaws == len(self.faults) + len(self.unknown)
        if flawless and tag in self.abridged.parts:
            remember(self.abridged.parts[tag], value)
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
        version = _integer(written)
        if written is not None and version is None:
            self.fault(f"{path}@ipVersion", f"{_quoted(written)} is no number")
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
                self.fault(path, f"two of the name {_quoted(key)}; the first counts")
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
        value = None if len(element) or element.keys() else _integer(element.text)
        if value is None:
            self.fault(f"{parent}/{name}", f"{_quoted(element.text)} is no number")
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
        self.fault(name, f"{_quoted(element.text)} is no date and time")
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
                inner.tag = self.local(inner)
            etree.cleanup_namespaces(element)
        xml = etree.tostring(element, encoding="unicode", with_tail=False)
        self.unknown.append(Unknown(path, name, xml))

    def fault(self, place: str, what: str) -> None:
        fault = f"{place}: {what}"
        if len(self.faults) > _MOST_FAULTS or fault in self.faults:
            return
        self.faults.append(fault if len(self.faults) < _MOST_FAULTS else "more faults than these")


def _quoted(text: str | None, limit: int = 40) -> str:
    text = text or ""
    return f"'{text if len(text) <= limit else text[:limit] + '…'}'"


# ---- the domain around it ---------------------------------------------------------------------


def _child_text(element: etree._Element, name: str) -> str | None:
    child = element.find(name)
    return None if child is None else child.text or ""


def _metadata_namespaces(domain: etree._Element) -> Iterator[str]:
    for child in domain.iterfind("metadata/*"):
        yield _split(child.tag)[0]


def _blocks(metadata: etree._Element | None) -> list[Block]:
    """The blocks under ``<metadata>``, newest namespace first."""
    if metadata is None:
        return []
    found = []
    for child in metadata.iterchildren("*"):
        namespace = _split(child.tag)[0]
        if namespace in NAMESPACES:
            xml = etree.tostring(child, encoding="unicode", with_tail=False)
            found.append(_block(child, xml, namespace, []))
    return sorted(found, key=lambda block: NAMESPACES.index(block.namespace))


def _hardware(domain: etree._Element) -> Hardware:
    return Hardware(
        vcpus=_vcpus(domain.find("vcpu")),
        memory_mib=_memory_mib(domain.find("memory")),
        disks=tuple(_disk(disk) for disk in domain.iterfind("devices/disk")),
        interfaces=tuple(_interface(nic) for nic in domain.iterfind("devices/interface")),
    )


def _vcpus(element: etree._Element | None) -> int | None:
    if element is None:
        return None
    current = _integer(element.get("current"))
    return _integer(element.text) if current is None else current


def _memory_mib(element: etree._Element | None) -> int | None:
    amount = None if element is None else _integer(element.text)
    if element is None or amount is None:
        return None
    factor = _KIB_PER_UNIT.get(element.get("unit", "KiB"))
    return None if factor is None else int(amount * factor) // 1024


def _disk(disk: etree._Element) -> Disk:
    target, source, serial = disk.find("target"), disk.find("source"), disk.find("serial")
    return Disk(
        target=None if target is None else target.get("dev"),
        bus=None if target is None else target.get("bus"),
        source=None if source is None else _disk_source(source),
        serial=None if serial is None else serial.text or "",
    )


def _disk_source(source: etree._Element) -> str | None:
    # What a network source needs to log in stands beside these and is left alone.
    pool, volume = source.get("pool"), source.get("volume")
    if pool and volume:
        return f"{pool}/{volume}"
    return next(
        (source.get(key) for key in ("file", "dev", "name", "dir") if source.get(key)), None
    )


def _interface(nic: etree._Element) -> Interface:
    mac, target = nic.find("mac"), nic.find("target")
    parameters = nic.find("virtualport/parameters")
    return Interface(
        mac=None if mac is None else mac.get("address"),
        target=None if target is None else target.get("dev"),
        port=None if parameters is None else parameters.get("interfaceid"),
    )
