"""A block that a domain holds against the schema of its namespace."""

from __future__ import annotations

import os
from functools import cache

from lxml import etree

from ..model import Block
from ..safe_xml import read_xml

_SCHEMAS = os.path.join(os.path.dirname(__file__), os.pardir, "schema")
_GRAMMAR = "{http://relaxng.org/ns/structure/1.0}grammar"


def misfit(block: Block, *, backfilled: bool = False) -> str | None:
    """What Nova would not have written so, or None. What ``stamp`` wrote may lack parts."""
    if not block.xml:
        return None  # From a saved list, which does not hold it.
    try:
        element = read_xml(block.xml)
    except (etree.XMLSyntaxError, ValueError):
        return "it is no XML"
    stripped = not str(element.tag).startswith("{")
    name = "backfill.rng" if backfilled else "instance.rng"
    schema = _schema(name, block.namespace, stripped)
    if schema is None or schema.validate(element):
        return None
    entries = schema.error_log
    return str(entries[0].message) if len(entries) else "it does not fit"


@cache
def _schema(name: str, namespace: str, stripped: bool) -> etree.RelaxNG | None:
    """The schema of one dialect alone: libxml2 can say what is wrong then.

    ``stripped`` is for elements without their namespace, as ``virDomainGetMetadata`` returns them.
    """
    tree = etree.parse(os.path.join(_SCHEMAS, name))
    choices = tree.getroot()[0][0]
    found = False
    for grammar in choices.findall(_GRAMMAR):
        if grammar.get("ns") != namespace:
            choices.remove(grammar)
            continue
        found = True
        if stripped:
            grammar.set("ns", "")
    return etree.RelaxNG(tree) if found else None
