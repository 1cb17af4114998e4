"""The one parser that all XML goes through: no XML is trusted.

No entity is resolved, nothing is fetched, depth and size are bounded.
"""

from __future__ import annotations

from lxml import etree


def _parser(recover: bool) -> etree.XMLParser:
    # huge_tree stays off: libxml2 then bounds depth (256) and the size of a text node (10 MB).
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        collect_ids=False,
        recover=recover,
        remove_pis=True,
        strip_cdata=False,
    )


_STRICT = _parser(recover=False)


def read_xml(text: str | bytes) -> etree._Element:
    """Parse one document; raises ``lxml.etree.XMLSyntaxError`` and ``ValueError``."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return etree.fromstring(data, _STRICT)


def salvage_xml(text: str | bytes) -> etree._Element | None:
    """What libxml2 can still read of a broken document, or None."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    try:
        return etree.fromstring(data, _parser(recover=True))
    except (etree.XMLSyntaxError, ValueError):
        return None
