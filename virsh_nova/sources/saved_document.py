"""Records from a document of our own: what ``list -f json`` or ``show -f yaml`` saved."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from ..document.decode import decoded_facts
from .record import Record


def own_record(
    raw: msgspec.Raw, source: str, place: str, wanted: Collection[str] | None = None
) -> Record | None:
    """The record of a guest in our document; None if its ``instance`` is null.

    It has no facts unless its guest is among the uuids ``wanted``; None wants all. Raises
    ``FieldError``.
    """
    recorded = decoded_facts(raw, wanted)
    if recorded is None:
        return None
    return Record(
        uuid=recorded.uuid,
        source=source,
        facts=recorded.facts,
        hosts=(recorded.host,) if recorded.host else (),
        unnamed=recorded.unnamed,
        namespace=recorded.namespace,
        place=place,
    )
