"""Compare metadata elements by meaning: prefix and layout do not matter."""

from __future__ import annotations

import re
from copy import deepcopy

from lxml import etree

from ..safe_xml import read_xml

_PREFIX = re.compile(r"\s*<([^\s<>/:!?]+):")


def bare(xml: str, namespace: str) -> str:
    """The element without its namespace and prefix, as ``virDomainGetMetadata`` returns it.

    Returns the text unchanged if it cannot be parsed.
    """
    try:
        element = bare_element(xml, namespace)
    except (etree.XMLSyntaxError, ValueError):
        return xml
    return etree.tostring(element, encoding="unicode", with_tail=False)


def bare_element(xml: str, namespace: str) -> etree._Element:
    """As ``bare``, read; raises as ``read_xml`` does."""
    element = read_xml(xml)
    _strip(element, namespace)
    # The layout is that of the XML around it. libvirt lays out an element that has none.
    _drop_layout(element)
    return element


def canonical(xml: str, namespace: str) -> str:
    """The canonical text of an element: without its namespace and layout, in C14N.

    Texts keep their blanks; only the blanks between elements go.
    """
    try:
        element = read_xml(xml)
    except (etree.XMLSyntaxError, ValueError):
        return xml
    _strip(element, namespace)
    return _canonical(element)


def _canonical(element: etree._Element) -> str:
    _drop_layout(element)
    try:
        return etree.tostring(element, method="c14n", with_comments=True).decode()
    except etree.C14NError:
        # It knows no namespace that is a relative URI, as kcli's "kvirt" is, and no entity that is
        # left in the text; libvirt accepts both. Plain XML differs where C14N would not only in
        # the order of attributes and in CDATA sections, and libvirt keeps these.
        return etree.tostring(element, encoding="unicode", with_tail=False)


def _drop_layout(element: etree._Element) -> None:
    # Comments too: libvirt also changes the layout after them.
    for inner in element.iter():
        if len(inner) and not (inner.text or "").strip():
            inner.text = None
        if inner.tail and not inner.tail.strip() and _holds_elements_only(inner.getparent()):
            inner.tail = None
    element.tail = None


def same(one: str | None, other: str | None, namespace: str) -> bool:
    """Whether two elements are equal, or both are missing."""
    if one is None or other is None or one == other:
        return one == other
    return canonical(one, namespace) == canonical(other, namespace)


def digest(xml: str, namespace: str) -> str:
    """A short digest of what the element says."""
    return _word(canonical(xml, namespace))


def digest_of(element: etree._Element) -> str:
    """The same for an element that is already without its namespace."""
    # Our own elements have no layout; those kept from an existing block have theirs.
    return _word(_canonical(deepcopy(element)))


def _word(text: str) -> str:
    from hashlib import sha256  # 1.4 ms, and only a guest with a mark needs it

    return sha256(text.encode()).hexdigest()[:16]


def prefix_of(xml: str) -> str:
    """The prefix of the outermost element; empty if it has none."""
    found = _PREFIX.match(xml)
    return found[1] if found else ""


def _strip(element: etree._Element, namespace: str) -> None:
    marked = f"{{{namespace}}}"
    for inner in element.iter(f"{marked}*"):
        inner.tag = inner.tag[len(marked) :]
    etree.cleanup_namespaces(element)


def _holds_elements_only(parent: etree._Element | None) -> bool:
    # In an owner's name with a stray element in it, blanks are text.
    return parent is None or not (parent.text or "").strip()
