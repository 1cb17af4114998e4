"""The dialects of the block: their namespaces; and the one parser for all XML, hostile as it is."""

from __future__ import annotations

from lxml import etree

NOVA_1_1 = "http://openstack.org/xmlns/libvirt/nova/1.1"
"""Nova 23 and later."""
NOVA_1_0 = "http://openstack.org/xmlns/libvirt/nova/1.0"
"""Juno to Nova 22."""
DRAFT = "http://openstack.org/nova/instance/1"
"""The 2014 blueprint; no Nova ever wrote it."""

NAMESPACES = (NOVA_1_1, NOVA_1_0, DRAFT)
"""Newest first: where a domain holds several blocks, the first of these is the one that counts."""

ELEMENTS = ("package", "name", "creationTime", "flavor", "image", "owner", "root", "ports")
"""The children of ``<instance>`` in the order that every release of Nova keeps."""
DRAFT_ELEMENTS = ("package", "flavor", "name", "creationTime", "owner", "root")
"""The blueprint's order."""


def elements_of(namespace: str) -> tuple[str, ...]:
    """The children of ``<instance>`` in the order in which the dialect writes them."""
    if namespace != DRAFT:
        return ELEMENTS
    return DRAFT_ELEMENTS + tuple(name for name in ELEMENTS if name not in DRAFT_ELEMENTS)


def _parser(recover: bool) -> etree.XMLParser:
    # huge_tree stays off: libxml2 then bounds depth (256) and the size of a text node (10 MB).
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=recover,
        remove_pis=True,
    )


_STRICT = _parser(recover=False)


def read_xml(text: str | bytes) -> etree._Element:
    """Parse one document; raises ``lxml.etree.XMLSyntaxError`` and ``ValueError``."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return etree.fromstring(data, _STRICT)


def salvage_xml(text: str | bytes) -> etree._Element | None:
    """What libxml2 can still make of a broken document, or None."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    try:
        return etree.fromstring(data, _parser(recover=True))
    except (etree.XMLSyntaxError, ValueError):
        return None
