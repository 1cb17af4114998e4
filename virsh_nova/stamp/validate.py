"""A block against the schema, before it is sent."""

from __future__ import annotations

import os
from functools import cache

from lxml import etree

SCHEMA = os.path.join(os.path.dirname(__file__), os.pardir, "schema", "backfill.rng")

_GRAMMAR = "{http://relaxng.org/ns/structure/1.0}grammar"


@cache
def _schema(namespace: str) -> etree.RelaxNG:
    """The schema of one dialect, for elements without their namespace: so they are sent."""
    tree = etree.parse(SCHEMA)
    choices = tree.getroot()[0][0]
    for grammar in choices.findall(_GRAMMAR):
        if grammar.get("ns") == namespace:
            grammar.set("ns", "")
        else:
            choices.remove(grammar)
    return etree.RelaxNG(tree)


def flaw(element: etree._Element, namespace: str) -> str | None:
    """What is wrong with the block that would be written in this namespace, or None."""
    schema = _schema(namespace)
    if schema.validate(element):
        return None
    entry = schema.error_log.last_error
    return "it does not fit the schema" + (f": {entry.message}" if entry else "")
