"""A block against the schema, before it is sent."""

from __future__ import annotations

from lxml import etree

from .schema import grammar


def flaw(element: etree._Element, namespace: str) -> str | None:
    """What is wrong with the bare block that would be written in this namespace, or None."""
    schema = grammar("backfill.rng", namespace, bare=True)
    if schema is None:
        return f"no schema is known for {namespace}"
    if schema.validate(element):
        return None
    entry = schema.error_log.last_error
    return "it does not fit the schema" + (f": {entry.message}" if entry else "")
