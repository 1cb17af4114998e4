"""The RELAX NG grammars of ``rng/``, one dialect at a time: libxml2 then says what is wrong."""

from __future__ import annotations

import os
from functools import cache

from lxml import etree

SCHEMAS = os.path.join(os.path.dirname(__file__), "rng")
_GRAMMAR = "{http://relaxng.org/ns/structure/1.0}grammar"


@cache
def grammar(name: str, namespace: str, *, bare: bool) -> etree.RelaxNG | None:
    """The dialect of ``namespace`` in the schema ``name``; None if that does not know it.

    ``bare`` is for elements without their namespace, as libvirt takes and returns them.
    """
    tree = etree.parse(os.path.join(SCHEMAS, name))
    choices = tree.getroot()[0][0]
    found = False
    for dialect in choices.findall(_GRAMMAR):
        if dialect.get("ns") != namespace:
            choices.remove(dialect)
            continue
        found = True
        if bare:
            dialect.set("ns", "")
    return etree.RelaxNG(tree) if found else None
