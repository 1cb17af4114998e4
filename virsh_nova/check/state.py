"""Findings about the state of any guest, Nova's or not."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Guest
from .finding import Examination, Finding, found

_ENDED = ("shutoff", "crashed")
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def examine_state(guest: Guest, examination: Examination) -> Iterator[Finding]:
    yield from _unreadable(guest)
    if why := _crash(guest):
        yield found("crashed", guest, why)
    elif (guest.state, guest.reason) == ("paused", "ioerror"):
        yield found("io-error", guest, "QEMU could not read or write one of its disks")
    age = examination.ages.get(guest.key)
    if age is not None and age > examination.leftover and (helper := helper_of(guest)):
        yield found("leftover", guest, f"{helper}, running for {spoken(age)}")


def _crash(guest: Guest) -> str | None:
    if guest.reason == "panicked" and guest.state in ("paused", "crashed"):
        return "its kernel panicked"
    if guest.state == "crashed":
        return "libvirt does not say why"
    return "its QEMU ended by itself" if (guest.state, guest.reason) == _ENDED else None


def _unreadable(guest: Guest) -> Iterator[Finding]:
    if guest.definitions:
        faults = [fault for each in guest.definitions for fault in each.domain.faults]
    else:
        of_block = guest.block.faults if guest.block else ()
        faults = [fault for fault in guest.faults if fault not in of_block]
    if faults:
        yield found("unreadable", guest, *dict.fromkeys(faults))


def helper_of(guest: Guest) -> str | None:
    """What kind of temporary helper a guest is; None for a guest that is none."""
    if guest.kind != "foreign" or guest.id is None:
        return None
    if guest.manager == "libguestfs":
        return "a libguestfs appliance"
    persistent = any(definition.name == "persistent" for definition in guest.definitions)
    if guest.manager == "unknown" and guest.definitions and not persistent:
        return "a transient guest of unknown origin"
    return None


def spoken(seconds: float) -> str:
    """``90 min``, ``26 h``, ``3 d``: in the largest unit of which there are at least two."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{seconds:.1f} s"
