"""What is read of one guest: the one or two calls, and the guest that they make.

None of the calls enters the guest's monitor, so that a stuck QEMU costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import libvirt

from ...block.namespaces import NAMESPACES
from ...guests.states import REASONS, STATES
from ...model import Sighting

if TYPE_CHECKING:
    from ...model import Guest


class Reading(NamedTuple):
    """What the calls on one domain returned."""

    xml: str
    namespace: str | None = None
    """The one asked for, where ``xml`` is a block alone."""
    persistent_xml: str | None = None
    pid: int | None = None
    whole: bool = False
    fault: str = ""

    def guest(self, sighting: Sighting) -> Guest | None:
        """None where the block alone does not suffice."""
        # Loaded by now, while the daemon was at work: see ``LibvirtHost.guests``.
        from ...guests.build import guest_from_block, guest_from_domain, whole_guest

        if self.namespace is not None:
            return guest_from_block(sighting, self.xml, self.namespace, self.fault)
        if self.whole:
            return whole_guest(sighting, self.xml, self.persistent_xml, self.pid)
        return guest_from_domain(sighting, self.xml)


def read_block(domain: libvirt.virDomain) -> Reading:
    """The block; the XML of a guest that has none."""
    return _metadata(domain) or Reading(domain.XMLDesc(0))


def read_domain(domain: libvirt.virDomain) -> Reading:
    """The XML; the block alone where the XML cannot be had."""
    try:
        return Reading(domain.XMLDesc(0))
    except libvirt.libvirtError as error:
        # Too long for libvirt's protocol, say: the block alone may still come through.
        block = _metadata(domain)
        if block is None:
            raise
        return block._replace(fault=f"only its metadata can be read: {error}")


def read_whole(
    domain: libvirt.virDomain, pid_of: Callable[[libvirt.virDomain], int | None]
) -> Reading:
    """Both definitions, and the pid of a running guest."""
    live = read_domain(domain)
    if live.fault or domain.ID() < 0:
        return live._replace(whole=True)
    inactive = libvirt.VIR_DOMAIN_XML_INACTIVE
    return live._replace(
        persistent_xml=domain.XMLDesc(inactive) if domain.isPersistent() else None,
        pid=pid_of(domain),
        whole=True,
    )


def sighting_of(
    domain: libvirt.virDomain, host: str | None, host_guessed: bool, state: int, reason: int
) -> Sighting:
    """From libvirt's numbers for the state and its reason."""
    number = domain.ID()
    word = STATES[state] if 0 <= state < len(STATES) else "nostate"
    reasons = REASONS.get(word, ())
    return Sighting(
        host=host,
        host_guessed=host_guessed,
        uuid=domain.UUIDString(),
        domain=domain.name(),
        id=number if number >= 0 else None,
        state=word,
        # The first is "unknown".
        reason=reasons[reason] if 0 < reason < len(reasons) else None,
    )


def _metadata(domain: libvirt.virDomain) -> Reading | None:
    for namespace in NAMESPACES:
        try:
            xml = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, namespace, 0)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN_METADATA:
                raise
            continue
        return Reading(xml, namespace)
    return None
