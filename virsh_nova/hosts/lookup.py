"""Which guests does a handle mean? From what was typed to the keys of guests, or an error.

A display name counts last: a tenant chooses it, and must not be able to shadow a uuid,
a domain name or an id that an administrator types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ..errors import HandleError, NovaDomainsError
from ..model import Guest, GuestKey, Sighting

if TYPE_CHECKING:
    from .host import Host

SHORTEST_PREFIX = 4
MOST_CANDIDATES = 10
_MOST_COMPARED = 5_000

_UUID_PREFIX = re.compile(rf"[0-9a-f-]{{{SHORTEST_PREFIX},36}}")


def resolve(host: Host, handles: Sequence[str]) -> tuple[list[GuestKey], list[NovaDomainsError]]:
    """The keys of the guests that the handles mean, in their order.

    An error for each handle that means no guest or several. One uuid on several hosts is not
    ambiguous: the guest moved between them, and each of the places counts.
    """
    sightings = host.sightings()
    read: list[Guest] | None = None
    keys: dict[GuestKey, None] = {}
    errors: list[NovaDomainsError] = []
    for handle in handles:
        found: Sequence[Sighting | Guest] = find_by_identity(handle, sightings)
        if not found:
            if read is None:
                read = host.guests("block")
            found = find_by_display_name(handle, read)
        uuids = {one.uuid for one in found}
        if len(uuids) == 1:
            # Elsewhere it may have another id, or another name.
            everywhere = [seen.key for seen in sightings if seen.uuid in uuids]
            keys.update(dict.fromkeys(everywhere or [one.key for one in found]))
        else:
            errors.append(ambiguous(handle, found) if found else unknown(handle, read or ()))
    return list(keys), errors


def find_by_identity(handle: str, sightings: Sequence[Sighting]) -> list[Sighting]:
    """The guests of that uuid, domain name or libvirt id; failing that, of that uuid prefix."""
    uuid = handle.lower()
    # A whole uuid settles it: no other guest can take it away by being named like it.
    exact = [seen for seen in sightings if seen.uuid == uuid] or [
        seen
        for seen in sightings
        if seen.domain == handle or (seen.id is not None and str(seen.id) == handle)
    ]
    if exact or not _UUID_PREFIX.fullmatch(uuid):
        return exact
    return [seen for seen in sightings if seen.uuid.startswith(uuid)]


def find_by_display_name(handle: str, guests: Iterable[Guest]) -> list[Guest]:
    return [guest for guest in guests if guest.instance and guest.instance.name == handle]


def ambiguous(handle: str, candidates: Iterable[Sighting | Guest]) -> HandleError:
    # libvirt lists in no order.
    listed = sorted(candidates, key=lambda one: (one.domain, one.uuid, one.host or ""))
    several = len({one.host for one in listed}) > 1
    named = [
        f"{one.uuid} ({one.domain}{f' on {one.host}' if several and one.host else ''})"
        for one in listed
    ]
    names = ", ".join(named[:MOST_CANDIDATES])
    if len(named) > MOST_CANDIDATES:
        names += f" and {len(named) - MOST_CANDIDATES} more"
    return HandleError(f"{handle!r} matches more than one guest: {names}", "give more of the uuid")


def unknown(handle: str, guests: Iterable[Guest]) -> HandleError:
    names: dict[str, str] = {}
    for guest in guests:
        display_name = guest.instance.name if guest.instance else None
        for name in (guest.uuid, guest.domain, display_name):
            if name:
                names.setdefault(name[:256].lower(), name[:256])
    hint = did_you_mean(handle[:256], names, cutoff=0.6)
    return HandleError(f"no guest here matches {handle!r}", hint)


def did_you_mean(text: str, names: Mapping[str, str], *, cutoff: float) -> str:
    """A hint with at most three names like the text, as they are spelled.

    The keys of ``names`` are in lower case.
    """
    text = text.lower()
    candidates = list(names)
    if len(candidates) > _MOST_COMPARED:
        # Each comparison takes 10 microseconds: compare only names with the same beginning.
        candidates = [name for name in candidates if name[:2] == text[:2]][:_MOST_COMPARED]
    close = get_close_matches(text, candidates, n=3, cutoff=cutoff)
    if not close:
        return "nova-domains list shows the guests"
    return "did you mean " + " or ".join(repr(names[name]) for name in close) + "?"
