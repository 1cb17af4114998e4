"""One text for one meaning: metadata elements compared whatever their prefix and layout."""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from ..safe_xml import read_xml


def bare(xml: str, namespace: str) -> str:
    """The element without its namespace and prefix, as ``virDomainGetMetadata`` returns it.

    What cannot be parsed comes back as it is.
    """
    try:
        element = read_xml(xml)
    except (etree.XMLSyntaxError, ValueError):
        return xml
    _strip(element, namespace)
    # That of the XML around it. libvirt lays out anew what comes without any.
    _drop_layout(element)
    return etree.tostring(element, encoding="unicode", with_tail=False)


def canonical(xml: str, namespace: str) -> str:
    """The same text for the same element: stripped of its namespace and of its layout, in C14N.

    Texts keep their blanks; only those that stand between elements go.
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
    # Comments too: libvirt lays what stands after them out anew as well.
    for inner in element.iter():
        if len(inner) and not (inner.text or "").strip():
            inner.text = None
        if inner.tail and not inner.tail.strip() and _holds_elements_only(inner.getparent()):
            inner.tail = None
    element.tail = None


def same(one: str | None, other: str | None, namespace: str) -> bool:
    """Whether two elements, or their absence, say the same."""
    if one is None or other is None or one == other:
        return one == other
    return canonical(one, namespace) == canonical(other, namespace)


def digest(xml: str, namespace: str) -> str:
    """A short word for what the element says."""
    return _word(canonical(xml, namespace))


def digest_of(element: etree._Element) -> str:
    """The same for an element that is bare of its namespace already."""
    # Its own is made without layout. What an existing block held beyond it keeps the one it had.
    return _word(_canonical(deepcopy(element)))


def _word(text: str) -> str:
    # It takes longer to load than a hundred guests to read, and few hosts have what needs it.
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()[:16]


def prefix_of(xml: str) -> str:
    """The prefix of the outermost element; empty if it has none."""
    name = xml.lstrip().removeprefix("<").split(None, 1)[0].rstrip("/>")
    return name.partition(":")[0] if ":" in name else ""


def _strip(element: etree._Element, namespace: str) -> None:
    marked = f"{{{namespace}}}"
    for inner in element.iter(f"{marked}*"):
        inner.tag = inner.tag[len(marked) :]
    etree.cleanup_namespaces(element)


def _holds_elements_only(parent: etree._Element | None) -> bool:
    # An owner's name beside an element somebody put there: its blanks are text.
    return parent is None or not (parent.text or "").strip()
