"""What two guests must not have in common: a uuid while both run, a disk, a MAC address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import nova_domains
from tests.support.embedded import guest, uuid_of
from virsh_nova.check.examine import examine
from virsh_nova.check.finding import Examination, Finding
from virsh_nova.guests.build import whole_guest
from virsh_nova.model import Guest, Sighting

FIELD = Path(__file__).parents[2] / "data" / "field"
UUID = "a1000000-0000-4000-8000-000000000001"
VOLUME = "d4000000-0000-4000-8000-00000000000a"
XML = (
    (FIELD / "f04a-one-instance-on-two-hosts/compute-1/run/libvirt/qemu/instance-0000000a.xml")
    .read_text()
    .partition("\n")[2]
    .replace("</domstatus>", "")
)


def on(host: str | None, state: str = "running", reason: str | None = None) -> Guest:
    number = None if state == "shutoff" else 1
    seen = Sighting(host, UUID, "instance-0000000a", number, state, reason)
    return whole_guest(seen, XML)


MAC = "fa:16:3e:11:22:33"


def with_mac(
    number: int, mac: str = MAC, *, host: str = "compute-1", state: str = "running", **kind: str
) -> Guest:
    target = "" if kind else f"<target dev='tap{number:08x}-00'/>"
    nic = f"<interface type='user'><mac address='{mac}'/>{target}</interface>"
    domain = "web (nova): ok" if number == 2 else f"d{number}"
    seen = Sighting(host, uuid_of(number), domain, None if state == "shutoff" else number, state)
    return whole_guest(seen, guest(number, rest=nic))


def macs(*guests: Guest) -> list[tuple[str, tuple[str, ...]]]:
    found = examine(Examination(guests))
    return [(each.uuid, each.evidence) for each in found if each.code == "mac-on-two-guests"]


def test_one_mac_on_two_running_guests_of_a_host_is_an_error_on_both() -> None:
    other = f'also of "web (nova): ok" ({uuid_of(2)})'
    assert macs(with_mac(1), with_mac(2, MAC.upper()), with_mac(3, "fa:16:3e:00:00:01")) == [
        (uuid_of(1), (MAC, other)),
        (uuid_of(2), (MAC, f"also of d1 ({uuid_of(1)})")),
    ]


def test_a_mac_of_a_guest_that_is_off_or_on_another_host_is_no_conflict() -> None:
    assert macs(with_mac(1), with_mac(2, state="shutoff")) == []
    assert macs(with_mac(1), with_mac(2, host="compute-2")) == []
    # Two reports of one host.
    assert macs(with_mac(1), with_mac(1)) == []


def test_qemus_user_mode_has_a_network_for_each_guest() -> None:
    assert macs(with_mac(1, net="user"), with_mac(2, net="user")) == []


def test_no_mac_at_all_is_not_one_mac() -> None:
    nothing = "00:00:00:00:00:00"
    assert macs(with_mac(1, nothing), with_mac(2, nothing)) == []
    assert macs(with_mac(1, ""), with_mac(2, "")) == []


PCI = (
    "<hostdev mode='subsystem' type='pci'><source>"
    "<address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/></source></hostdev>"
)
FUNCTION = (
    "<interface type='hostdev'><mac address='{}'/><source>"
    "<address type='pci' domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/>"
    "</source></interface>"
)
NVME = (
    "<disk type='nvme' device='disk'><source type='pci' namespace='1'>"
    "<address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/></source></disk>"
)
MDEV_UUID = "7d3c1a52-90ab-4c1d-b5e6-1f2e3d4c5b6a"
MDEV = (
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
    f"<address uuid='{MDEV_UUID}'/></source></hostdev>"
)
VDPA = "<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>"
SCSI = (
    "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/>"
    "<address bus='0' target='0' unit='0'/></source></hostdev>"
)
USB = (
    "<hostdev mode='subsystem' type='usb'><source><vendor id='0x0951'/><product id='0x1666'/>"
    "</source></hostdev>"
)


def with_device(
    number: int, device: str, *, host: str | None = "compute-1", state: str = "running"
) -> Guest:
    ident = None if state == "shutoff" else number
    seen = Sighting(host, uuid_of(number), f"d{number}", ident, state)
    return whole_guest(seen, guest(number, rest=device), guest(number, rest=device))


def devices(*guests: Guest) -> list[tuple[str, str, tuple[str, ...]]]:
    found = examine(Examination(guests))
    return [
        (each.uuid, each.severity, each.evidence)
        for each in found
        if each.code == "device-on-two-guests"
    ]


@pytest.mark.parametrize(
    ("one", "other", "device"),
    [
        (PCI, PCI, "0000:3b:00.0"),
        (PCI, FUNCTION.format(MAC), "0000:3b:00.0"),
        (NVME, FUNCTION.format(MAC), "0000:3b:00.0"),
        (MDEV, MDEV.replace(MDEV_UUID, MDEV_UUID.upper()), MDEV_UUID),
        (PCI + PCI, PCI, "0000:3b:00.0"),
    ],
)
def test_one_device_in_two_running_guests_is_an_error_on_both(
    one: str, other: str, device: str
) -> None:
    assert devices(with_device(1, one), with_device(2, other)) == [
        (uuid_of(1), "error", (device, f"also of d2 ({uuid_of(2)})")),
        (uuid_of(2), "error", (device, f"also of d1 ({uuid_of(1)})")),
    ]


@pytest.mark.parametrize("device", [VDPA, SCSI, USB])
def test_a_device_that_guests_may_share_is_no_conflict(device: str) -> None:
    assert devices(with_device(1, device), with_device(2, device)) == []


def test_a_device_of_a_guest_that_is_off_or_on_another_host_is_no_conflict() -> None:
    assert devices(with_device(1, PCI), with_device(2, PCI, state="shutoff")) == []
    assert devices(with_device(1, PCI), with_device(2, PCI, host="compute-2")) == []
    assert devices(with_device(1, PCI), with_device(2, MDEV)) == []
    # A guest's own function, as a device and as an interface; and two reports of one host.
    both = with_device(1, PCI + FUNCTION.format(MAC))
    assert devices(both, both) == []


def test_the_name_of_a_folder_does_not_put_two_guests_on_one_host() -> None:
    dumps = [with_device(n, PCI, host="dumps")._replace(host_guessed=True) for n in (1, 2)]
    assert devices(*dumps) == []
    assert devices(*(with_device(n, PCI, host=None) for n in (1, 2))) == []


def twins(*guests: Guest) -> list[Finding]:
    found = examine(Examination(guests))
    return [finding for finding in found if finding.code in ("runs-twice", "migrating")]


def test_an_instance_that_runs_on_two_hosts_is_an_error_on_both() -> None:
    folder = FIELD / "f04a-one-instance-on-two-hosts"
    hosts = ("--files", str(folder / "compute-1"), "--files", str(folder / "compute-2"))
    done = nova_domains(*hosts, "check", "-f", "json")
    assert done.returncode == 4
    found = [
        (each["host"], each["severity"], each["code"], each["evidence"])
        for each in json.loads(done.stdout)
    ]
    shared = f"both have the volume {VOLUME}"
    assert found == [
        ("compute-1", "error", "runs-twice", ["it also runs on compute-2", shared]),
        ("compute-2", "error", "runs-twice", ["it also runs on compute-1", shared]),
    ]


def test_an_instance_that_is_off_on_one_of_them_does_not_run_twice() -> None:
    assert twins(on("compute-1"), on("compute-2", "shutoff")) == []


@pytest.mark.parametrize("reason", ["migration", "starting up", "post-copy"])
def test_a_migration_is_noted(reason: str) -> None:
    found = twins(on("compute-1"), on("compute-2", "paused", reason))
    assert [(f.host, f.code, f.severity) for f in found] == [
        ("compute-1", "migrating", "note"),
        ("compute-2", "migrating", "note"),
    ]
    both = twins(on("compute-1"), on("compute-2", "paused", "user"))
    assert {finding.code for finding in both} == {"runs-twice"}


@pytest.mark.parametrize("other", [None, "compute-1", "COMPUTE-1", "compute-1.example.org"])
def test_two_names_of_one_host_are_one_host(other: str | None) -> None:
    assert twins(on("compute-1"), on(other)) == []


def test_hosts_are_told_apart_by_their_whole_names() -> None:
    for one, other in (("192.0.2.11", "192.0.2.12"), ("c1.a.example", "c1.b.example")):
        assert len(twins(on(one), on(other))) == 2


def test_the_name_of_a_folder_is_no_second_host() -> None:
    assert twins(on("compute-1"), on("dumps")._replace(host_guessed=True)) == []
    folder = on("compute-1")._replace(host_guessed=True)
    assert len(twins(on("compute-1"), on("compute-2"), folder)) == 2


def test_many_twins_are_not_all_named() -> None:
    found = twins(*(on(f"compute-{number}") for number in range(100)))
    assert len(found) == 100
    assert found[0].evidence[0] == "it also runs on compute-1, compute-10, compute-11 and others"
