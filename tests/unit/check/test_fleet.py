"""A fleet without twins has no finding of a twin, and each planted twin is found once by each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from virsh_nova.check.examine import examine
from virsh_nova.check.finding import Examination
from virsh_nova.check.twins import FirstLook
from virsh_nova.guests.naming import PORT_BEGINNING_LENGTH
from virsh_nova.model import (
    Block,
    Disk,
    Guest,
    Hardware,
    HostDevice,
    Identity,
    Instance,
    Interface,
    Owner,
)

TWINS = (
    "runs-twice", "defined-twice", "migrating", "shared-disk", "shared-volume",
    "port-on-two-guests", "mac-on-two-guests", "device-on-two-guests",
)  # fmt: skip


def uuid(kind: int, number: int) -> str:
    return f"{number:08x}-{kind:04x}-4000-8000-{number:012x}"


def nova_guest(number: int, host: str, *, running: bool = True) -> Guest:
    """A guest of Nova's with a disk of its own, a volume, a port and a PCI device."""
    port = uuid(2, number)
    instance = Instance("x", owner=Owner(project=Identity("p")))
    hardware = Hardware(
        1,
        512,
        (
            Disk("vda", "virtio", f"/var/lib/nova/instances/{uuid(1, number)}/disk", None),
            Disk("vdb", "virtio", f"volumes/volume-{uuid(3, number)}", uuid(3, number),
                 protocol="rbd"),
            # The same paths on every host.
            Disk("vdc", "virtio", f"/srv/{number}.iso", None),
            Disk("hda", "ide", "/srv/install.iso", None, device="cdrom", read_only=True),
        ),
        (Interface(f"fa:16:3e:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}",
                   f"tap{port[:PORT_BEGINNING_LENGTH]}", port),),
        (HostDevice("pci", f"0000:{number % 200:02x}:00.0"),),
    )  # fmt: skip
    return Guest(
        host,
        uuid(1, number),
        f"instance-{number:08x}",
        number if running else None,
        "running" if running else "shutoff",
        "nova",
        "nova",
        (),
        block=Block("x", "", instance),
        hardware=hardware,
    )


class Fleet(NamedTuple):
    guests: list[Guest]

    def codes(self) -> Counter[tuple[str, str | None, str]]:
        """How many findings there are of each code, by the guest."""
        return Counter(
            (found.code, found.host, found.uuid)
            for found in examine(Examination(self.guests))
            if found.code in TWINS
        )


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    hosts = draw(st.integers(2, 5))
    numbers = draw(st.sets(st.integers(1, 150), min_size=2, max_size=20))
    guests = [
        nova_guest(number, f"compute-{draw(st.integers(1, hosts))}", running=draw(st.booleans()))
        for number in sorted(numbers)
    ]
    return Fleet(draw(st.permutations(guests)))


@given(fleets())
def test_a_fleet_without_twins_has_none(fleet: Fleet) -> None:
    assert not fleet.codes()


def running(guest: Guest, **changes: object) -> Guest:
    return guest._replace(id=1, state="running", **changes)


def hardware(guest: Guest, **changes: object) -> Guest:
    assert guest.hardware is not None
    return guest._replace(hardware=guest.hardware._replace(**changes))


def _hardware_of(guest: Guest) -> Hardware:
    assert guest.hardware is not None
    return guest.hardware


def _same_uuid(one: Guest, other: Guest) -> Guest:
    return running(one, host=f"{one.host}-too")


def _same_uuid_off(one: Guest, other: Guest) -> Guest:
    return one._replace(host=f"{one.host}-too", id=None, state="shutoff")


def _migrating(one: Guest, other: Guest) -> Guest:
    return running(one, host=f"{one.host}-too")._replace(state="paused", reason="migration")


def _same_disk(one: Guest, other: Guest) -> Guest:
    disks = _hardware_of(one).disks[:1] + _hardware_of(other).disks[1:]
    return hardware(running(other), disks=disks)


def _same_volume(one: Guest, other: Guest) -> Guest:
    disks = _hardware_of(other).disks[:1] + _hardware_of(one).disks[1:2]
    return hardware(running(other), disks=disks)


def _same_port(one: Guest, other: Guest) -> Guest:
    return hardware(running(other), interfaces=_hardware_of(one).interfaces)


def _same_mac(one: Guest, other: Guest) -> Guest:
    mac = _hardware_of(one).interfaces[0].mac
    (nic,) = _hardware_of(other).interfaces
    return hardware(running(other), interfaces=(nic._replace(mac=mac),))


def _same_device(one: Guest, other: Guest) -> Guest:
    twin = hardware(running(other), host_devices=_hardware_of(one).host_devices)
    return twin._replace(host=one.host)


PLANTED: dict[str, Callable[[Guest, Guest], Guest]] = {
    "runs-twice": _same_uuid,
    "defined-twice": _same_uuid_off,
    "migrating": _migrating,
    "shared-disk": _same_disk,
    "shared-volume": _same_volume,
    "port-on-two-guests": _same_port,
    "mac-on-two-guests": _same_mac,
    "device-on-two-guests": _same_device,
}


def test_every_code_of_twins_is_planted() -> None:
    assert tuple(PLANTED) == tuple(sorted(TWINS, key=list(PLANTED).index))


@given(fleets(), st.sampled_from(sorted(PLANTED)), st.data())
def test_a_planted_twin_is_one_finding_of_each_of_the_two(
    fleet: Fleet, code: str, data: st.DataObject
) -> None:
    one, other = data.draw(st.permutations(fleet.guests))[:2]
    one = running(one)
    twin = PLANTED[code](one, other)
    rest = [each for each in fleet.guests if each.uuid not in (one.uuid, other.uuid)]
    guests = data.draw(st.permutations([*rest, one, twin]))
    # The one that is off is the one that is wrong.
    both = (twin,) if code == "defined-twice" else (one, twin)
    expected = Counter((code, each.host, each.uuid) for each in both)
    assert Fleet(guests).codes() == expected


# ---- how much it takes --------------------------------------------------------------------------


class Stream:
    """A fleet of which only one guest at a time is in memory."""

    def __init__(self, hosts: int, each: int) -> None:
        self._hosts, self._each = hosts, each
        self.alive = self.most = 0

    def __len__(self) -> int:
        return self._hosts * self._each

    def __contains__(self, guest: object) -> bool:
        return False

    def __iter__(self) -> Iterator[Guest]:
        for number in range(len(self)):
            yield nova_guest(number, f"compute-{number // self._each}")


def test_the_first_look_keeps_no_guest_and_finds_who_needs_a_second() -> None:
    look = FirstLook()
    for guest in Stream(50, 40):
        look.add(guest)
    assert look.suspects() == set()
    look.add(nova_guest(7, "compute-900"))
    assert look.suspects() == {("compute-0", uuid(1, 7)), ("compute-900", uuid(1, 7))}


def test_a_thousand_guests_that_claim_the_same_take_no_longer_than_their_number() -> None:
    one = nova_guest(1, "compute-1")
    guests = [one._replace(uuid=uuid(1, number)) for number in range(3000)]
    guests += [one._replace(host=f"compute-{number}") for number in range(3000)]
    began = time.process_time()
    found = examine(Examination(guests))
    assert len(found) > 20_000
    assert time.process_time() - began < 20  # Comparing each with each took minutes.
