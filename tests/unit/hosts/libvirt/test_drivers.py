"""Drivers that lack a call: LXC, cloud-hypervisor and Xen are read with the calls they have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import libvirt
import pytest

from virsh_nova.hosts.host import Detail
from virsh_nova.hosts.libvirt.connection import LibvirtHost
from virsh_nova.model import Guest

from .conftest import Change, failure

BULK_STATS = (libvirt.virConnect, "getAllDomainStats")
METADATA = (libvirt.virDomain, "metadata")
DETAILS = pytest.mark.parametrize("detail", ["block", "domain", "whole"])


def timeless(guests: Iterable[Guest]) -> Iterator[Guest]:
    """As if all had been read at the same moment."""
    return (guest._replace(read_at=None) for guest in guests)


@DETAILS
@pytest.mark.parametrize("lacking", [[BULK_STATS], [METADATA], [BULK_STATS, METADATA]])
def test_what_a_driver_lacks_changes_nothing_of_the_guests(
    unsupported: Callable[[type, str], None], detail: Detail, lacking: list[tuple[type, str]]
) -> None:
    usual = sorted(timeless(LibvirtHost.open_demo().guests(detail)))
    for owner, name in lacking:
        unsupported(owner, name)
    read = sorted(timeless(LibvirtHost.open_demo().guests(detail)))
    assert [guest.key for guest in read] == [guest.key for guest in usual]
    assert [guest.kind for guest in read] == [guest.kind for guest in usual]
    assert [guest.faults for guest in read] == [guest.faults for guest in usual]
    assert [guest.state for guest in read] == [guest.state for guest in usual]
    assert [guest.reason for guest in read] == [guest.reason for guest in usual]
    assert [guest.instance for guest in read] == [guest.instance for guest in usual]
    if detail == "whole":
        assert read == usual


def test_a_driver_without_persistent_guests_has_live_ones(
    unsupported: Callable[[type, str], None],
) -> None:
    unsupported(libvirt.virDomain, "isPersistent")
    guests = LibvirtHost.open_demo().guests("whole")
    assert {len(guest.definitions) for guest in guests} == {1}
    assert not [guest.faults for guest in guests if guest.kind == "unreadable"]


def test_a_guest_that_goes_before_its_state_is_asked_for_is_skipped(
    unsupported: Callable[[type, str], None], change: Change
) -> None:
    unsupported(*BULK_STATS)

    def state(
        real: Callable[[libvirt.virDomain], list[int]], domain: libvirt.virDomain
    ) -> list[int]:
        if domain.name() == "jumphost":
            raise failure(libvirt.VIR_ERR_NO_DOMAIN)
        if domain.name() == "mail-relay":
            raise failure(libvirt.VIR_ERR_INTERNAL_ERROR)
        return real(domain)

    change(libvirt.virDomain, "state", state)
    states = {seen.domain: seen.state for seen in LibvirtHost.open_demo().sightings()}
    assert "jumphost" not in states
    assert states["mail-relay"] == "nostate"
    assert states["instance-0000001b"] == "crashed"
