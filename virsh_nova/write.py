"""Model in, the ``<instance>`` element out, laid out as Nova lays it out. No policy."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from .dialect import elements_of
from .model import Flavor, Identity, Image, Instance, Owner, Port, Root, Unknown
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
    parts = {
        "package": writer.package(instance.package),
        "name": writer.text("name", instance.name),
        "creationTime": writer.text(
            "creationTime",
            None
            if instance.created is None
            else instance.created.replace(tzinfo=None).isoformat(" ", "seconds"),
        ),
        "flavor": writer.flavor(instance.flavor),
        "image": writer.image(instance.image),
        "owner": writer.owner(instance.owner),
        "root": writer.root(instance.root),
        "ports": writer.ports(instance.ports),
    }
    element = writer.element("instance")
    writer.fill(element, *(parts[name] for name in elements_of(instance.namespace)))
    if indent:
        etree.indent(element, indent)
    for unknown in instance.unknown:
        writer.restore(element, unknown)
    return element


class _BlockWriter:
    """Makes the elements of one block, in its namespace; or bare ones, where that is empty."""

    def __init__(self, namespace: str) -> None:
        self.prefix = f"{{{namespace}}}" if namespace else ""
        self.nsmap = {"nova": namespace} if namespace else None

    def element(self, tag: str, /, **attributes: str | None) -> etree._Element:
        element = etree.Element(self.prefix + tag, nsmap=self.nsmap)
        for key, value in attributes.items():
            if value is not None:
                element.set(key, value)
        return element

    def fill(self, element: etree._Element, *children: etree._Element | None) -> etree._Element:
        element.extend([child for child in children if child is not None])
        return element

    def text(self, name: str, value: str | int | None) -> etree._Element | None:
        if value is None:
            return None
        element = self.element(name)
        element.text = str(value)
        return element

    def package(self, version: str | None) -> etree._Element | None:
        return None if version is None else self.element("package", version=version)

    def flavor(self, flavor: Flavor | None) -> etree._Element | None:
        if flavor is None:
            return None
        return self.fill(
            self.element("flavor", name=flavor.name, id=flavor.id),
            self.text("memory", flavor.memory_mib),
            self.text("disk", flavor.disk_gib),
            self.text("swap", flavor.swap_mib),
            self.text("ephemeral", flavor.ephemeral_gib),
            self.text("vcpus", flavor.vcpus),
            self.named_texts("extraSpecs", "extraSpec", flavor.extra_specs),
        )

    def image(self, image: Image | None) -> etree._Element | None:
        if image is None:
            return None
        return self.fill(
            self.element("image", uuid=image.uuid),
            self.text("containerFormat", image.container_format),
            self.text("diskFormat", image.disk_format),
            self.text("minDisk", image.min_disk_gib),
            self.text("minRam", image.min_ram_mib),
            self.named_texts("properties", "property", image.properties),
        )

    def owner(self, owner: Owner | None) -> etree._Element | None:
        if owner is None:
            return None
        return self.fill(
            self.element("owner"),
            self.identity("user", owner.user),
            self.identity("project", owner.project),
        )

    def identity(self, name: str, identity: Identity | None) -> etree._Element | None:
        if identity is None:
            return None
        element = self.element(name, uuid=identity.id)
        element.text = identity.name
        return element

    def root(self, root: Root | None) -> etree._Element | None:
        return None if root is None else self.element("root", type=root.type, uuid=root.uuid)

    def ports(self, ports: tuple[Port, ...] | None) -> etree._Element | None:
        if ports is None:
            return None
        return self.fill(self.element("ports"), *(self.port(port) for port in ports))

    def port(self, port: Port) -> etree._Element:
        return self.fill(
            self.element("port", uuid=port.uuid),
            *(
                self.element(
                    "ip",
                    type=ip.type,
                    address=ip.address,
                    ipVersion=None if ip.version is None else str(ip.version),
                )
                for ip in port.ips
            ),
        )

    def named_texts(
        self, name: str, tag: str, values: Mapping[str, str] | None
    ) -> etree._Element | None:
        if values is None:
            return None
        container = self.element(name)
        for key, value in values.items():
            child = self.element(tag, name=key)
            child.text = value
            container.append(child)
        return container

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
                raise ValueError(f"this is no XML: {xml!r}") from None
            element = salvaged
        for inner in element.iter("{}*"):
            if ":" not in inner.tag:
                inner.tag = self.prefix + inner.tag
        return element

    def append(self, parent: etree._Element, child: etree._Element) -> None:
        """Add a child on a line of its own, where the parent's children stand so."""
        if len(parent) and parent.text and not parent.text.strip():
            parent[-1].tail, child.tail = parent.text, parent[-1].tail
        parent.append(child)

    def find(self, instance: etree._Element, path: str) -> etree._Element:
        if not path:
            return instance
        steps = re.sub(r"([^/]+)", rf"{self.prefix}\1", path)
        found = instance.find(steps)
        # The place is gone when the model was changed since; the block itself takes it then.
        return instance if found is None else found
