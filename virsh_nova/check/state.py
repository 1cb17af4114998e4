"""The state of any guest, Nova's or not."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Guest
from .finding import Examination, Finding, found

_CRASHED = (("shutoff", "crashed"), ("paused", "panicked"))
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def examine_state(guest: Guest, examination: Examination) -> Iterator[Finding]:
    yield from _unreadable(guest)
    if guest.state == "crashed" or (guest.state, guest.reason) in _CRASHED:
        told = guest.reason not in (None, guest.state, "unknown")
        why = f": {guest.reason}" if told else ""
        yield found("crashed", guest, f"{guest.state}{why}")
    elif (guest.state, guest.reason) == ("paused", "ioerror"):
        yield found("io-error", guest, f"{guest.state}: {guest.reason}")
    age = examination.ages.get(guest.key)
    if age is not None and age > examination.leftover and (helper := helper_of(guest)):
        yield found("leftover", guest, f"{helper}, running for {spoken(age)}")


def _unreadable(guest: Guest) -> Iterator[Finding]:
    if guest.definitions:
        faults = [fault for each in guest.definitions for fault in each.domain.faults]
    else:
        of_block = guest.block.faults if guest.block else ()
        faults = [fault for fault in guest.faults if fault not in of_block]
    if faults:
        yield found("unreadable", guest, *dict.fromkeys(faults))


def helper_of(guest: Guest) -> str | None:
    """What kind of helper a guest is, made for a while and not for somebody; None for no helper."""
    if guest.kind != "foreign" or guest.id is None:
        return None
    if guest.manager == "libguestfs":
        return "an appliance of libguestfs"
    persistent = any(definition.name == "persistent" for definition in guest.definitions)
    if guest.manager == "unknown" and guest.definitions and not persistent:
        return "a transient guest of nobody known"
    return None


def spoken(seconds: float) -> str:
    """``90 min``, ``26 h``, ``3 d``: in the largest unit of which there are two."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{seconds:.1f} s"
