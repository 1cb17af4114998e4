"""A block against the RELAX NG grammars of ``rng/``: before it is written, and as it was found."""

from __future__ import annotations

import os
from functools import cache

from lxml import etree

from ..model import Block
from ..safe_xml import read_xml
from .departures import departures

SCHEMAS = os.path.join(os.path.dirname(__file__), "rng")
_WRITTEN_BY_NOVA = "instance.rng"
_WRITTEN_BY_STAMP = "backfill.rng"
"""The same, with any part optional that a source may not know."""
_MISFIT = "it does not fit the schema"
_MOST = 3
"""Departures that are named; a block of another format has dozens."""
_GRAMMAR = "{http://relaxng.org/ns/structure/1.0}grammar"


def flaw(element: etree._Element, namespace: str) -> str | None:
    """What is wrong with a bare block that is about to be written in this namespace, or None."""
    schema = _grammar(_WRITTEN_BY_STAMP, namespace, bare=True)
    if schema is None:
        return f"no schema is known for {namespace}"
    if schema.validate(element):
        return None
    phrases = _few(departures(element, namespace, partial=True))
    return f"{_MISFIT}: {'; '.join(phrases)}" if phrases else _MISFIT


def misfit(block: Block, *, backfilled: bool = False) -> tuple[str, ...]:
    """How a block that a domain holds departs from what Nova writes, a phrase each.

    A ``backfilled`` block, which ``stamp`` wrote, may lack parts.
    """
    if not block.xml:
        return ()  # A saved list does not hold it.
    try:
        element = read_xml(block.xml)
    except (etree.XMLSyntaxError, ValueError):
        return ("it is not XML",)
    bare = not str(element.tag).startswith("{")
    schema = _grammar(
        _WRITTEN_BY_STAMP if backfilled else _WRITTEN_BY_NOVA, block.namespace, bare=bare
    )
    if schema is None or schema.validate(element):
        return ()
    phrases = _few(departures(element, block.namespace, partial=backfilled))
    return phrases or (_MISFIT,)


def _few(phrases: list[str]) -> tuple[str, ...]:
    more = (f"and {len(phrases) - _MOST} more",) if len(phrases) > _MOST else ()
    return (*phrases[:_MOST], *more)


@cache
def _grammar(name: str, namespace: str, *, bare: bool) -> etree.RelaxNG | None:
    """One namespace's part of the schema ``name``; None if the schema does not have it.

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
