"""A guest that holds up the listing: which one, and the host's files to read instead.

While a guest is destroyed, libvirtd holds the guest's own lock until its QEMU is gone: 10 seconds
if that is stuck, minutes with PCI devices, for ever in state D. Whatever walks over all guests
waits with it, ``virsh list`` too. Other guests can still be looked up, and so can the files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import libvirt

from ...errors import HostError
from ...model import Sighting
from ..calls import Calls
from ..files.host import FilesHost
from ..files.open import open_offline
from ..host import Note, Notes, no_progress
from ..this_machine import is_system_daemon_here

_PATIENCE = 1.0
"""Seconds without any answer. To look up a guest takes less than a millisecond."""
_AT_ONCE = 4


class HeldUp(NamedTuple):
    guests: tuple[Sighting, ...]
    """Those that do not answer when they are looked up by uuid: one, as a rule."""
    files: FilesHost
    notes: Notes


def look(connection: libvirt.virConnect, uri: str) -> HeldUp | None:
    """Who holds up the listing of this machine's libvirt; None where that cannot be found out.

    It takes root to read libvirt's files, which name the guests to ask for. That one of them does
    not answer also shows that they are this daemon's files: a uuid that it does not know is
    answered at once.
    """
    if os.geteuid() != 0 or not is_system_daemon_here(uri):
        return None
    try:
        files = open_offline()
    except HostError:
        return None
    sightings = files.sightings()

    def find_over(one: libvirt.virConnect) -> Callable[[Sighting], object]:
        return lambda seen: one.lookupByUUIDString(seen.uuid)

    calls = Calls(
        find_over(connection),
        sightings,
        at_once=_AT_ONCE,
        open_another=lambda: find_over(libvirt.openReadOnly(uri)),
    )
    with suppress(TimeoutError):
        calls.wait(_PATIENCE, no_progress, for_slow=False)
    held = tuple(sightings[index] for index in calls.slow())
    if not held:
        return None
    return HeldUp(held, files, _notes(held, files.notes))


def _notes(held: Sequence[Sighting], notes: Notes) -> Notes:
    """As the files' own, with the cause in the note on what was read."""
    names = " and ".join(f"{seen.domain} ({seen.uuid})" for seen in held)
    cause = f"libvirt does not list its guests, held up by {names}, whose QEMU does not end"
    warnings = tuple(line for line in notes.lines if line.kind == "warning")
    read = "; ".join(line.text for line in notes.lines if line.kind == "note")
    return notes._replace(lines=(*warnings, Note("note", f"{cause}; {read}")))
