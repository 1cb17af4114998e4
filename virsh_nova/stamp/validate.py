"""A block against the schema, before it is sent."""

from __future__ import annotations

import os
from functools import cache

from lxml import etree

from ..model import Instance
from ..write import instance_element

SCHEMA = os.path.join(os.path.dirname(__file__), os.pardir, "schema", "backfill.rng")


@cache
def _schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(SCHEMA))


def flaw(instance: Instance) -> str | None:
    """What is wrong with the block that would be written, or None.

    What an existing block held beyond Nova's own elements is kept and not judged.
    """
    try:
        element = instance_element(instance._replace(unknown=()))
    except ValueError as error:
        return f"no XML can hold it: {error}"
    schema = _schema()
    if schema.validate(element):
        return None
    entry = schema.error_log.last_error
    return "it does not fit the schema" + (f": {entry.message}" if entry else "")
