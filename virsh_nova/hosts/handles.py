"""From what was typed to guests of the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import NovaDomainsError

if TYPE_CHECKING:
    from ..model import Guest
    from .files.host import RecordedHost
    from .libvirt.connection import Host


def resolve(
    host: Host | RecordedHost, handles: Sequence[str]
) -> tuple[list[str], list[NovaDomainsError]]:
    """The uuids that the handles mean, in their order, and an error for each that means none."""
    from .lookup import ambiguous, find_by_display_name, find_by_identity, unknown

    sightings = host.sightings()
    read: list[Guest] | None = None
    uuids: dict[str, None] = {}
    errors: list[NovaDomainsError] = []
    for handle in handles:
        found: Sequence[Any] = find_by_identity(handle, sightings)
        if not found:
            if read is None:
                read = host.guests("block")
            found = find_by_display_name(handle, read)
        # Files of several hosts can hold one guest twice: it moved between them.
        if len({one.uuid for one in found}) == 1:
            uuids[found[0].uuid] = None
        else:
            errors.append(ambiguous(handle, found) if found else unknown(handle, read or ()))
    return list(uuids), errors
