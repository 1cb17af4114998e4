"""A block that a domain holds against the schema of its namespace."""

from __future__ import annotations

from lxml import etree

from ..model import Block
from ..safe_xml import read_xml
from .schema import grammar


def misfit(block: Block, *, backfilled: bool = False) -> str | None:
    """What Nova would not have written so, or None. What ``stamp`` wrote may lack parts."""
    if not block.xml:
        return None  # From a saved list, which does not hold it.
    try:
        element = read_xml(block.xml)
    except (etree.XMLSyntaxError, ValueError):
        return "it is no XML"
    bare = not str(element.tag).startswith("{")
    name = "backfill.rng" if backfilled else "instance.rng"
    schema = grammar(name, block.namespace, bare=bare)
    if schema is None or schema.validate(element):
        return None
    entries = schema.error_log
    return str(entries[0].message) if len(entries) else "it does not fit"
