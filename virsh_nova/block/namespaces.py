"""The dialects of the block: their namespaces and the order of their elements."""

from __future__ import annotations

NOVA_1_1 = "http://openstack.org/xmlns/libvirt/nova/1.1"
"""Nova 23 and later."""
NOVA_1_0 = "http://openstack.org/xmlns/libvirt/nova/1.0"
"""Juno to Nova 22."""
DRAFT = "http://openstack.org/nova/instance/1"
"""The 2014 blueprint; no Nova ever wrote it."""

NAMESPACE_STEM = "http://openstack.org/xmlns/libvirt/nova/"
"""How all that Nova wrote begin, and future ones most likely will."""

BACKFILL = "urn:nova-domains:backfill:1"
"""Ours: of the element beside a block that stamp wrote."""

NAMESPACES = (NOVA_1_1, NOVA_1_0, DRAFT)
"""Newest first: if a domain has several blocks, the first of these counts."""

ELEMENTS = ("package", "name", "creationTime", "flavor", "image", "owner", "root", "ports")
"""The children of ``<instance>`` in the order that every release of Nova keeps."""
DRAFT_ELEMENTS = ("package", "flavor", "name", "creationTime", "owner", "root")
"""The blueprint's order."""


def elements_of(namespace: str) -> tuple[str, ...]:
    """The children of ``<instance>`` in the order in which the dialect writes them."""
    if namespace != DRAFT:
        return ELEMENTS
    return DRAFT_ELEMENTS + tuple(name for name in ELEMENTS if name not in DRAFT_ELEMENTS)
