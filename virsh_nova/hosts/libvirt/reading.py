"""What is read of one guest: the one or two calls, and the guest that they make.

None of the calls enters the guest's monitor, so that a stuck QEMU costs nothing by itself. But
since libvirt 10 ``XMLDesc`` waits behind another client that is waiting in the monitor, up to 30
seconds. Metadata and the control state answer at once even then, so a guest whose XML does not
come is read by these. The XML is asked for first all the same: it takes one call, and block, title
and description take three, twice the time (1000 guests: 102 and 183 ms).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import libvirt

from ...block.namespaces import NAMESPACES
from ...errors import GuestError
from ...guests.states import REASONS, STATES
from ...model import Sighting
from ..calls import SLOW, traced
from . import failures

if TYPE_CHECKING:
    from datetime import datetime

    from ...model import Guest
    from ..host import Detail

NOT_UTF8 = "it holds bytes that are not UTF-8; they are shown as U+FFFD"
_LIBVIRTS_ERROR = "__init__"
"""The function in which libvirt's Python binding reads the message of an error."""


class Reading(NamedTuple):
    """What the calls on one domain returned."""

    xml: str | None
    """Of the domain, or of the block alone; None where nothing came."""
    namespace: str | None = None
    """The one asked for, where ``xml`` is a block alone."""
    persistent_xml: str | None = None
    pid: int | None = None
    detail: Detail = "domain"
    """How much of the XML is to be parsed."""
    faults: tuple[str, ...] = ()
    title: str | None = None
    """Only where ``xml`` is not the domain's, as is the next."""
    description: str | None = None

    def guest(self, sighting: Sighting) -> Guest | None:
        """None where the block alone does not suffice."""
        # Loaded by now, while the daemon was at work: see ``LibvirtHost.guests``.
        from ...guests.build import (
            guest_from_block,
            guest_from_domain,
            guest_with_hardware,
            unreadable_guest,
            whole_guest,
        )

        if self.xml is None:
            return self._labelled(unreadable_guest(sighting, *self.faults))
        if self.namespace is not None:
            known = guest_from_block(sighting, self.xml, self.namespace, *self.faults)
            return None if known is None else self._labelled(known)
        if self.detail == "hardware":
            guest = guest_with_hardware(sighting, self.xml)
        elif self.detail == "whole":
            guest = whole_guest(sighting, self.xml, self.persistent_xml, self.pid)
        else:
            guest = guest_from_domain(sighting, self.xml)
        return guest._replace(faults=(*self.faults, *guest.faults)) if self.faults else guest

    def _labelled(self, guest: Guest) -> Guest:
        if self.title is self.description is None:
            return guest
        return guest._replace(title=self.title, description=self.description)


Read = Callable[[libvirt.virDomain], Reading]


def list_domains(connection: libvirt.virConnect) -> list[tuple[libvirt.virDomain, int, int]]:
    """Every domain with the numbers of its state and reason. Raises ``libvirtError``.

    One call for all, ``virConnectGetAllDomainStats``, where the driver has it.
    """
    try:
        list_all = traced("virConnectGetAllDomainStats", connection.getAllDomainStats)
        stats = list_all(libvirt.VIR_DOMAIN_STATS_STATE)
    except libvirt.libvirtError as error:
        if not failures.is_unsupported(error):
            raise
    else:
        return [
            (domain, each.get("state.state", 0), each.get("state.reason", 0))
            for domain, each in stats
        ]
    listed = []
    for domain in traced("virConnectListAllDomains", connection.listAllDomains)():
        try:
            state, reason = domain.state()
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                continue
            state, reason = 0, 0
        listed.append((domain, state, reason))
    return listed


def read_block(domain: libvirt.virDomain) -> Reading:
    """The block; the XML of a guest that has none."""
    return _block(domain) or _domain(domain)


def read_domain(domain: libvirt.virDomain) -> Reading:
    """The XML; what there is of metadata where the XML cannot be had."""
    try:
        return _domain(domain)
    except libvirt.libvirtError as error:
        # Too long for libvirt's protocol, say: the block alone may still come through.
        reading = read_metadata(domain, f"cannot be read but for its metadata: {error}")
        if reading.xml is None:
            raise
        return reading


def read_hardware(domain: libvirt.virDomain) -> Reading:
    """The XML, to be parsed to its end."""
    return read_domain(domain)._replace(detail="hardware")


def read_whole(
    domain: libvirt.virDomain, pid_of: Callable[[libvirt.virDomain], int | None]
) -> Reading:
    """Both definitions, and the pid of a running guest."""
    live = read_domain(domain)._replace(detail="whole")
    if live.namespace is not None or domain.ID() < 0:
        return live
    return live._replace(persistent_xml=_persistent(domain), pid=pid_of(domain))


def read_metadata(domain: libvirt.virDomain, fault: str) -> Reading:
    """Block, title and description without the XML around them."""
    block = _block(domain)
    return Reading(
        None if block is None else block.xml,
        None if block is None else block.namespace,
        faults=(fault,),
        title=_label(domain, libvirt.VIR_DOMAIN_METADATA_TITLE),
        description=_label(domain, libvirt.VIR_DOMAIN_METADATA_DESCRIPTION),
    )


def careful(read: Read, *, was_slow: bool = False) -> Read:
    """As ``read``, but without the XML of a guest in whose monitor somebody is waiting.

    ``was_slow`` is for a guest whose XML did not come before.
    """

    def read_carefully(domain: libvirt.virDomain) -> Reading:
        occupied = _occupied(domain)
        if occupied is not None and (was_slow or occupied >= SLOW):
            why = "cannot be read but for its metadata: another client is waiting for its QEMU"
            return read_metadata(domain, why)
        return read(domain)

    return read_carefully


def sighting_of(
    domain: libvirt.virDomain,
    host: str | None,
    host_guessed: bool,
    state: int,
    reason: int,
    read_at: datetime,
) -> Sighting:
    """From libvirt's numbers for the state and its reason."""
    number = domain.ID()
    word = STATES[state] if 0 <= state < len(STATES) else "nostate"
    reasons = REASONS.get(word, ())
    return Sighting(
        host=host,
        host_guessed=host_guessed,
        uuid=domain.UUIDString(),
        domain=name_of(domain),
        id=number if number >= 0 else None,
        state=word,
        # The first is "unknown".
        reason=reasons[reason] if 0 < reason < len(reasons) else None,
        read_at=read_at,
    )


def name_of(domain: libvirt.virDomain) -> str:
    try:
        return str(domain.name())
    except UnicodeDecodeError as error:
        return what_came(error)


def what_came(error: UnicodeDecodeError) -> str:
    """The text that a call of libvirt returned, with U+FFFD for what is not UTF-8.

    libvirt hands on whatever a client once wrote, in a description say, and its Python binding
    raises for what it cannot decode. Raises ``GuestError`` where the text is no answer, but the
    message of an error, in which libvirt quotes names.
    """
    from traceback import walk_tb  # rare

    text = error.object.decode("utf-8", "replace")
    frames = walk_tb(error.__traceback__)
    if any(frame.f_code.co_name == _LIBVIRTS_ERROR for frame, _ in frames):
        raise GuestError(text) from None
    return text


# ---- single calls -----------------------------------------------------------------------------


def _domain(domain: libvirt.virDomain) -> Reading:
    try:
        return Reading(domain.XMLDesc(0))
    except UnicodeDecodeError as error:
        return Reading(what_came(error), faults=(NOT_UTF8,))


def _persistent(domain: libvirt.virDomain) -> str | None:
    """The definition that outlives a running guest's shutdown; None for a transient guest."""
    try:
        if not domain.isPersistent():
            return None
    except libvirt.libvirtError as error:
        if not failures.is_unsupported(error):
            raise
        return None
    try:
        return str(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    except UnicodeDecodeError as error:
        return what_came(error)


def _block(domain: libvirt.virDomain) -> Reading | None:
    for namespace in NAMESPACES:
        xml = _metadata(domain, libvirt.VIR_DOMAIN_METADATA_ELEMENT, namespace)
        if xml is not None:
            return Reading(xml, namespace)
    return None


def _label(domain: libvirt.virDomain, kind: int) -> str | None:
    """Title or description; None where it has none, or it cannot be read either."""
    try:
        return _metadata(domain, kind, None)
    except (libvirt.libvirtError, GuestError):
        return None


def _metadata(domain: libvirt.virDomain, kind: int, namespace: str | None) -> str | None:
    try:
        return str(domain.metadata(kind, namespace, 0))
    except UnicodeDecodeError as error:
        return what_came(error)
    except libvirt.libvirtError as error:
        if error.get_error_code() in failures.NO_METADATA:
            return None
        raise


def _occupied(domain: libvirt.virDomain) -> float | None:
    """For how many seconds somebody has been waiting in the guest's monitor; None if nobody is.

    ``virDomainGetControlInfo`` only looks: it neither waits for a job nor enters the monitor.
    """
    if domain.ID() < 0:
        return None
    try:
        state, _details, milliseconds = domain.controlInfo()
    except libvirt.libvirtError:
        return None
    if state == libvirt.VIR_DOMAIN_CONTROL_OCCUPIED:
        return float(milliseconds) / 1000
    if state == libvirt.VIR_DOMAIN_CONTROL_ERROR:
        return SLOW
    # A migration is a job that can go on for hours, and keeps nobody from the XML.
    return 0.0 if state == libvirt.VIR_DOMAIN_CONTROL_JOB else None
