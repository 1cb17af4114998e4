"""The dialects of the block: their namespaces and the order of their elements."""

from __future__ import annotations

NOVA_1_1 = "http://openstack.org/xmlns/libvirt/nova/1.1"
"""Nova 23 and later."""
NOVA_1_0 = "http://openstack.org/xmlns/libvirt/nova/1.0"
"""Juno to Nova 22."""
DRAFT = "http://openstack.org/nova/instance/1"
"""The 2014 blueprint; no Nova ever wrote it."""

NAMESPACE_STEM = "http://openstack.org/xmlns/libvirt/nova/"
"""What all that Nova wrote begin with, and most likely what it will write."""

BACKFILL = "urn:nova-domains:backfill:1"
"""Ours: of the element that stands beside a block that Nova did not write."""

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
