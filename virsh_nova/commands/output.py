"""What several commands print alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..console import complain, speaks_unicode, write

if TYPE_CHECKING:
    from ..model import Guest


def write_documents(documents: list[dict[str, Any]], format_: str, *, one_a_line: bool) -> None:
    from ..render.serial import as_json, as_yaml

    if format_ == "yaml":
        write(as_yaml(documents, ascii_only=not speaks_unicode()))
    else:
        write(as_json(documents, one_a_line=one_a_line, ascii_only=not speaks_unicode()))


def warn_of_faults(guests: Sequence[Guest]) -> None:
    for guest in sorted(guests, key=lambda guest: guest.domain):
        for fault in guest.faults:
            complain(f"{guest.domain} ({guest.uuid}): {fault}", kind="warning")
