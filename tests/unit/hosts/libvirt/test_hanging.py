"""Calls that hang: the others go on, and a guest is shown with all that came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libvirt
import pytest

from tests.support.embedded import block, guest, make_host
from virsh_nova.hosts.host import Detail
from virsh_nova.hosts.libvirt.connection import LibvirtHost

from .conftest import Change

Hang = Callable[[type, str, Callable[[Any], bool]], None]
GUESTS = 100


@pytest.fixture
def crowd(tmp_path: Path) -> str:
    return make_host(
        tmp_path,
        *(
            guest(number, domain=f"web-{number}", metadata=block(f"name-{number}"))
            for number in range(GUESTS)
        ),
    )


@pytest.mark.parametrize(
    ("detail", "hanging"), [("block", 8), ("block", 30), ("domain", 1), ("whole", 8)]
)
def test_guests_that_hang_keep_no_healthy_one_from_being_read(
    crowd: str, hang: Hang, detail: Detail, hanging: int
) -> None:
    stuck = {f"web-{number}" for number in range(0, hanging * 3, 3)}
    for call in ("metadata", "XMLDesc"):
        hang(libvirt.virDomain, call, lambda domain: domain.name() in stuck)
    host = LibvirtHost.open(crowd, timeout=1)
    guests = host.guests(detail)
    assert len(guests) == GUESTS
    unread = {guest.domain for guest in guests if guest.kind == "unreadable"}
    assert unread == stuck
    assert {guest.faults for guest in guests if guest.domain in stuck} == {
        ("cannot be read: no answer within 1 s",)
    }


@pytest.mark.parametrize("detail", ["domain", "whole"])
def test_a_guest_whose_xml_does_not_come_is_read_by_its_metadata(
    crowd: str, hang: Hang, change: Change, detail: Detail
) -> None:
    """As since libvirt 10, where another client waits in the monitor of a stuck QEMU."""
    hang(libvirt.virDomain, "XMLDesc", lambda domain: domain.name() == "web-7")
    occupied(change, "web-7")
    start = time.monotonic()
    guests = {guest.domain: guest for guest in LibvirtHost.open(crowd, timeout=30).guests(detail)}
    assert time.monotonic() - start < 5
    seven = guests.pop("web-7")
    assert (seven.kind, seven.state) == ("nova", "running")
    assert seven.instance is not None
    assert seven.instance.name == "name-7"
    assert seven.faults == (
        "cannot be read but for its metadata: another client is waiting for its QEMU",
    )
    assert not [guest.faults for guest in guests.values() if guest.faults]


def test_its_title_and_description_come_too(tmp_path: Path, hang: Hang, change: Change) -> None:
    labels = "<title>the one</title><description>and only</description>"
    one = guest(1, domain="one").replace("<memory", f"{labels}<memory", 1)
    uri = make_host(tmp_path, one, guest(2, domain="two"))
    hang(libvirt.virDomain, "XMLDesc", lambda domain: domain.name() == "one")
    occupied(change, "one")
    guests = {guest.domain: guest for guest in LibvirtHost.open(uri, timeout=30).guests("domain")}
    assert (guests["one"].title, guests["one"].description) == ("the one", "and only")
    # Nothing of it says that it is nobody's.
    assert guests["one"].kind == "unreadable"
    assert guests["two"].kind == "foreign"


def test_many_stuck_guests_cost_no_more_calls_that_hang_than_there_are_readers(
    crowd: str, hang: Hang, change: Change
) -> None:
    """Each of them takes one of the daemon's threads for half a minute."""
    stuck = [f"web-{number}" for number in range(60)]
    asked = []

    def hangs(domain: libvirt.virDomain) -> bool:
        if domain.name() in stuck:
            asked.append(domain.name())
        return domain.name() in stuck

    hang(libvirt.virDomain, "XMLDesc", hangs)
    occupied(change, *stuck)
    guests = LibvirtHost.open(crowd, timeout=30).guests("domain")
    assert {guest.kind for guest in guests} == {"nova"}
    assert len([guest for guest in guests if guest.faults]) == len(stuck)
    assert len(asked) <= 8


def test_a_daemon_that_is_only_slow_costs_nothing(crowd: str, change: Change) -> None:
    def slowly(real: Callable[..., str], domain: libvirt.virDomain, *words: Any) -> str:
        if domain.name() == "web-3":
            time.sleep(1)
        return real(domain, *words)

    change(libvirt.virDomain, "XMLDesc", slowly)
    guests = LibvirtHost.open(crowd, timeout=10).guests("domain")
    assert len(guests) == GUESTS
    assert not [guest.faults for guest in guests if guest.faults]


def occupied(change: Change, *names: str) -> None:
    def control(
        real: Callable[[libvirt.virDomain], list[int]], domain: libvirt.virDomain
    ) -> list[int]:
        if domain.name() in names:
            return [libvirt.VIR_DOMAIN_CONTROL_OCCUPIED, 0, 20_000]
        return real(domain)

    change(libvirt.virDomain, "controlInfo", control)
