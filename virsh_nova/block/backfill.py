"""The small element that ``stamp`` leaves beside a block: who wrote it, when, and from what.

It has its own namespace, so that readers of Nova's block never see it. A digest ties it to the
block: once Nova writes the block again, it counts as Nova's, even if the element is still there.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone

from lxml import etree

from ..model import Backfill, Block
from .compare import bare_element, digest
from .namespaces import BACKFILL

PREFIX = "backfill"
"""libvirt needs one for each namespace it sets."""

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\dZ", re.ASCII)


def write_backfill(backfill: Backfill) -> str:
    """The element without its namespace, which libvirt adds."""
    element = etree.Element(
        "backfill",
        at=backfill.at.strftime(_FORMAT),
        by=backfill.by,
        tool=backfill.tool,
        digest=backfill.digest,
    )
    for source in backfill.sources:
        etree.SubElement(element, "source").text = source
    return etree.tostring(element, encoding="unicode")


def read_backfill(xml: str) -> Backfill | None:
    """What the element says, with or without its namespace; None if it is not ours."""
    try:
        element = bare_element(xml, BACKFILL)
        at = _moment(element.get("at", ""))
    except (etree.XMLSyntaxError, ValueError):
        return None
    if element.tag != "backfill":
        return None
    return Backfill(
        at=at,
        by=element.get("by", ""),
        sources=tuple(source.text or "" for source in element.iterfind("source")),
        tool=element.get("tool", ""),
        digest=element.get("digest", ""),
    )


def _moment(text: str) -> datetime:
    """What ``strptime`` gives for ``_FORMAT``, which takes ten times as long; raises alike."""
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=timezone.utc)


def backfill_of(block: Block | None, xml: str | None) -> Backfill | None:
    """What the element beside a block says of it; None if the block has changed since."""
    backfill = None if block is None or xml is None else read_backfill(xml)
    if backfill is None or block is None or digest(block.xml, block.namespace) != backfill.digest:
        return None
    return backfill
