"""Writes the model as an ``<instance>`` element, laid out as Nova does. No policy."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from .block.namespaces import elements_of
from .model import Instance, Unknown
from .safe_xml import read_xml, salvage_xml


def write_block(instance: Instance) -> str:
    """The block's XML: elements in the order of its dialect, two blanks a level, prefix ``nova``.

    Raises ``ValueError`` for what XML cannot hold: a control character, or an attribute whose
    prefix nothing declares (libvirt lets it in).
    """
    return etree.tostring(instance_element(instance), encoding="unicode")


def bare_block(instance: Instance) -> str:
    """The block without namespace, prefix or blanks: what ``virDomainSetMetadata`` takes.

    libvirt adds the namespace and the prefix it is given beside it, and lays the block out as it
    does Nova's own. Raises ``ValueError`` as ``write_block`` does.
    """
    return etree.tostring(bare_element(instance), encoding="unicode")


def bare_element(instance: Instance) -> etree._Element:
    """The ``<instance>`` element of ``bare_block``."""
    return _element(instance, _BlockWriter(""))


def instance_element(instance: Instance) -> etree._Element:
    """The ``<nova:instance>`` element, with what was kept as unknown put back in its place."""
    # Laid out before the unknown parts join: their blanks, and those of texts, are not ours.
    return _element(instance, _BlockWriter(instance.namespace), indent="  ")


def _element(instance: Instance, writer: _BlockWriter, indent: str = "") -> etree._Element:
    element = writer.root()
    write = {
        "package": writer.package,
        "name": writer.name,
        "creationTime": writer.created,
        "flavor": writer.flavor,
        "image": writer.image,
        "owner": writer.owner,
        "root": writer.boot,
        "ports": writer.ports,
    }
    for name in elements_of(instance.namespace):
        write[name](element, instance)
    if indent:
        etree.indent(element, indent)
    for unknown in instance.unknown:
        writer.restore(element, unknown)
    return element


class _BlockWriter:
    """Makes the elements of one block, in its namespace; or bare ones, where that is empty.

    Each method adds what is known below the element it is given.
    """

    def __init__(self, namespace: str) -> None:
        self.prefix = f"{{{namespace}}}" if namespace else ""
        self.nsmap = {"nova": namespace} if namespace else None

    def root(self) -> etree._Element:
        return etree.Element(f"{self.prefix}instance", nsmap=self.nsmap)

    def element(
        self, parent: etree._Element, tag: str, /, **attributes: str | None
    ) -> etree._Element:
        element = etree.SubElement(parent, self.prefix + tag)
        for key, value in attributes.items():
            if value is not None:
                element.set(key, value)
        return element

    def text(self, parent: etree._Element, tag: str, value: str | int | None) -> None:
        if value is not None:
            self.element(parent, tag).text = str(value)

    def package(self, parent: etree._Element, instance: Instance) -> None:
        if instance.package is not None:
            self.element(parent, "package", version=instance.package)

    def name(self, parent: etree._Element, instance: Instance) -> None:
        self.text(parent, "name", instance.name)

    def created(self, parent: etree._Element, instance: Instance) -> None:
        if instance.created is not None:
            moment = instance.created.replace(tzinfo=None)
            self.text(parent, "creationTime", moment.isoformat(" ", "seconds"))

    def flavor(self, parent: etree._Element, instance: Instance) -> None:
        flavor = instance.flavor
        if flavor is None:
            return
        element = self.element(parent, "flavor", name=flavor.name, id=flavor.id)
        self.text(element, "memory", flavor.memory_mib)
        self.text(element, "disk", flavor.disk_gib)
        self.text(element, "swap", flavor.swap_mib)
        self.text(element, "ephemeral", flavor.ephemeral_gib)
        self.text(element, "vcpus", flavor.vcpus)
        self.named_texts(element, "extraSpecs", "extraSpec", flavor.extra_specs)

    def image(self, parent: etree._Element, instance: Instance) -> None:
        image = instance.image
        if image is None:
            return
        element = self.element(parent, "image", uuid=image.uuid)
        self.text(element, "containerFormat", image.container_format)
        self.text(element, "diskFormat", image.disk_format)
        self.text(element, "minDisk", image.min_disk_gib)
        self.text(element, "minRam", image.min_ram_mib)
        self.named_texts(element, "properties", "property", image.properties)

    def owner(self, parent: etree._Element, instance: Instance) -> None:
        owner = instance.owner
        if owner is None:
            return
        element = self.element(parent, "owner")
        for tag, identity in (("user", owner.user), ("project", owner.project)):
            if identity is not None:
                self.element(element, tag, uuid=identity.id).text = identity.name

    def boot(self, parent: etree._Element, instance: Instance) -> None:
        root = instance.root
        if root is not None:
            self.element(parent, "root", type=root.type, uuid=root.uuid)

    def ports(self, parent: etree._Element, instance: Instance) -> None:
        if instance.ports is None:
            return
        ports = self.element(parent, "ports")
        for port in instance.ports:
            element = self.element(ports, "port", uuid=port.uuid)
            for ip in port.ips:
                version = None if ip.version is None else str(ip.version)
                self.element(element, "ip", type=ip.type, address=ip.address, ipVersion=version)

    def named_texts(
        self, parent: etree._Element, name: str, tag: str, values: Mapping[str, str] | None
    ) -> None:
        if values is None:
            return
        container = self.element(parent, name)
        for key, value in values.items():
            self.element(container, tag, name=key).text = value

    def restore(self, instance: etree._Element, unknown: Unknown) -> None:
        """Put back an attribute, an element or a comment that ``parse`` kept."""
        parent = self.find(instance, unknown.parent)
        if unknown.name.startswith("@"):
            parent.set(unknown.name[1:], unknown.text)
        elif unknown.name == "#comment":
            comment = unknown.text.removeprefix("<!--").removesuffix("-->")
            self.append(parent, etree.Comment(comment))
        else:
            self.append(parent, self.element_of(unknown.text))

    def element_of(self, xml: str) -> etree._Element:
        try:
            element = read_xml(xml)
        except etree.XMLSyntaxError:
            # A prefix that nothing declares: libvirt lets it in, and gets it back as it was.
            salvaged = salvage_xml(xml)
            if salvaged is None:
                raise ValueError(f"this is not XML: {xml!r}") from None
            element = salvaged
        for inner in element.iter("{}*"):
            if ":" not in inner.tag:
                inner.tag = self.prefix + inner.tag
        return element

    def append(self, parent: etree._Element, child: etree._Element) -> None:
        """Add a child, on its own line if the parent's children have theirs.

        A text of blanks alone is not layout: children that were restored into it have no tails.
        """
        laid_out = len(parent) and parent[-1].tail is not None
        if laid_out and parent.text and not parent.text.strip():
            parent[-1].tail, child.tail = parent.text, parent[-1].tail
        parent.append(child)

    def find(self, instance: etree._Element, path: str) -> etree._Element:
        if not path:
            return instance
        steps = re.sub(r"([^/]+)", rf"{self.prefix}\1", path)
        found = instance.find(steps)
        # The place is gone when the model was changed since; the block itself takes it then.
        return instance if found is None else found
