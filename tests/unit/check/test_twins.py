"""What two guests must not have in common: a uuid while both run, a disk, a MAC address."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.support.command import nova_domains
from tests.support.embedded import NOVA_SYSINFO, block, guest, uuid_of
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
    number: int,
    mac: str = MAC,
    *,
    host: str = "compute-1",
    state: str = "running",
    device: str = "tap{:08x}-00",
    vlan: int | None = None,
    project: str | None = None,
) -> Guest:
    """One of Nova's guests, by its tap, unless it has another ``device``."""
    target = f"<target dev='{device.format(number)}'/>" if device else ""
    tag = "" if vlan is None else f"<vlan><tag id='{vlan}'/></vlan>"
    nic = f"<interface type='user'><mac address='{mac}'/>{target}{tag}</interface>"
    domain = "web (nova): ok" if number == 2 else f"d{number}"
    seen = Sighting(host, uuid_of(number), domain, None if state == "shutoff" else number, state)
    owner = f"<nova:owner><nova:project uuid='{project}'>p</nova:project></nova:owner>"
    metadata = "" if project is None else block("web", owner)
    return whole_guest(seen, guest(number, rest=nic, metadata=metadata))


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
    vnet = [with_mac(n, host=f"compute-{n}", device="vnet{}") for n in (1, 2)]
    assert macs(*vnet) == []
    assert macs(with_mac(1), vnet[1]) == []
    # Two reports of one host.
    assert macs(with_mac(1), with_mac(1)) == []


def test_qemus_user_mode_has_a_network_for_each_guest() -> None:
    assert macs(with_mac(1, device=""), with_mac(2, device="")) == []


def test_one_mac_on_two_of_novas_guests_is_an_error_wherever_they_run() -> None:
    assert macs(with_mac(1), with_mac(3, host="compute-2"), with_mac(4, "fa:16:3e:00:00:01")) == [
        (uuid_of(1), (MAC, f"also of d3 ({uuid_of(3)}) on compute-2")),
        (uuid_of(3), (MAC, f"also of d1 ({uuid_of(1)}) on compute-1")),
    ]


def severities(*guests: Guest) -> list[str]:
    found = examine(Examination(guests))
    return [each.severity for each in found if each.code == "mac-on-two-guests"]


def test_neutron_keeps_a_mac_unique_within_a_network_only() -> None:
    # The networks of two projects, most likely.
    one, other = with_mac(1, project="p"), with_mac(2, host="compute-2", project="q")
    assert severities(one, other) == ["note", "note"]
    assert severities(one, other._replace(host="compute-1")) == ["note", "note"]
    assert severities(one, with_mac(2, host="compute-2", project="p")) == ["error", "error"]
    assert severities(one, with_mac(2, host="compute-2")) == ["error", "error"]
    # Of three, two are of one project.
    assert severities(one, with_mac(3, project="p"), other) == ["error", "error", "note"]
    # Two VLANs are two networks; a guest without one can be in either.
    tagged = [with_mac(n, host=f"compute-{n}", vlan=n) for n in (1, 2)]
    assert severities(*tagged) == []
    assert severities(tagged[0], with_mac(2, vlan=1)) == ["error", "error"]
    assert severities(*tagged, with_mac(3)) == ["error"] * 3


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
        (each["host"], each["severity"], each["code"], each["evidence"][:2])
        for each in json.loads(done.stdout)
    ]
    shared = f"both have the volume {VOLUME}"
    assert found == [
        ("compute-1", "error", "runs-twice", ["it also runs on compute-2", shared]),
        ("compute-2", "error", "runs-twice", ["it also runs on compute-1", shared]),
    ]
    one, other = json.loads(done.stdout)
    assert one["hosts"] == other["hosts"][::-1] == ["compute-1", "compute-2"]
    assert [each["host"] for each in one["others"]] == ["compute-2"]
    assert one["others"][0]["read_at"] == other["read_at"] is not None


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


def test_an_address_and_a_name_can_be_one_host() -> None:
    assert twins(on("192.0.2.11"), on("compute-1")) == []


def test_hosts_without_a_name_yet_are_not_told_apart() -> None:
    assert twins(on("localhost"), on("compute-1")) == []
    assert devices(*(with_device(n, PCI, host="localhost.localdomain") for n in (1, 2))) == []


NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)


def test_the_evidence_says_when_each_host_was_read() -> None:
    here = on("compute-1")._replace(read_at=NOON)
    there = on("compute-2")._replace(read_at=NOON + timedelta(minutes=5))
    (found, _) = twins(here, there)
    assert found.code == "runs-twice"
    assert found.evidence == (
        "it also runs on compute-2",
        f"both have the volume {VOLUME}",
        "read 2026-11-25T12:00:00Z here, 2026-11-25T12:05:00Z on compute-2",
    )
    assert found.hosts == ("compute-1", "compute-2")
    assert [(each.host, each.read_at) for each in found.others] == [("compute-2", there.read_at)]
    # Of one of them it is not known.
    (found, _) = twins(here, there._replace(read_at=None))
    assert len(found.evidence) == 2


def test_a_guest_that_moved_while_the_hosts_were_read_is_noted() -> None:
    before = on("compute-1")._replace(read_at=NOON)
    after = on("compute-2", reason="migrated")._replace(read_at=NOON + timedelta(seconds=1))
    found = twins(before, after)
    assert [(f.host, f.code, f.severity) for f in found] == [
        ("compute-1", "migrating", "note"),
        ("compute-2", "migrating", "note"),
    ]
    assert found[0].evidence[1] == "it may have moved after the first of the hosts was read"
    # The host that it had left was read again, and still runs it.
    later = before._replace(read_at=NOON + timedelta(minutes=1))
    for other in (later, before._replace(read_at=after.read_at), before._replace(read_at=None)):
        assert {f.code for f in twins(other, after)} == {"runs-twice"}
    third = on("compute-3")._replace(read_at=NOON)
    assert {f.code for f in twins(before, after, third)} == {"runs-twice"}


def test_a_definition_that_is_left_on_another_host_is_a_warning_there() -> None:
    guests = [on("compute-1"), on("compute-2", "shutoff"), on("compute-3", "shutoff")]
    found = [f for f in examine(Examination(guests)) if f.code == "defined-twice"]
    assert [(f.host, f.severity, f.evidence) for f in found] == [
        (
            host,
            "warning",
            ("it is off here and runs on compute-1", f"both have the volume {VOLUME}"),
        )
        for host in ("compute-2", "compute-3")
    ]
    assert [f.hosts for f in found] == [("compute-2", "compute-1"), ("compute-3", "compute-1")]
    # Nothing of it runs; and one host under two names.
    off = [on("compute-2", "shutoff"), on("compute-3", "shutoff")]
    assert examine(Examination(off)) == examine(Examination(off[:1])) + examine(
        Examination(off[1:])
    )
    same = [on("compute-1"), on("compute-1.example.org", "shutoff")]
    assert "defined-twice" not in {f.code for f in examine(Examination(same))}


def test_a_path_of_each_host_is_nothing_that_two_guests_have_in_common() -> None:
    def local(host: str, path: str) -> Guest:
        disk = f"<disk><source file='{path}'/></disk>"
        return whole_guest(Sighting(host, uuid_of(1), "d", 1, "running"), guest(1, rest=disk))

    (found, _) = twins(*(local(f"compute-{n}", "/srv/web.qcow2") for n in (1, 2)))
    assert found.evidence == ("it also runs on compute-2",)
    own = f"/var/lib/nova/instances/{uuid_of(1)}/disk"
    (found, _) = twins(*(local(f"compute-{n}", own) for n in (1, 2)))
    assert found.evidence[1] == f"both name the disk {own}"
    share = "/var/lib/nova/mnt/0123456789abcdef0123456789abcdef/data"
    (found, _) = twins(*(local(f"compute-{n}", share) for n in (1, 2)))
    assert found.evidence[1] == "both have the file mnt/0123456789abcdef0123456789abcdef/data"


# ---- one port -----------------------------------------------------------------------------------

PORT = "1c6bc659-9414-442c-9914-f2ec9c6a8a85"


def with_port(number: int, nic: str, *, host: str = "compute-1", state: str = "running") -> Guest:
    seen = Sighting(host, uuid_of(number), f"d{number}", number, state)
    xml = guest(number, rest=f"<interface type='bridge'>{nic}</interface>", before=NOVA_SYSINFO)
    return whole_guest(seen._replace(id=None if state == "shutoff" else number), xml)


def ovs(port: str) -> str:
    return (
        "<virtualport type='openvswitch'>"
        f"<parameters interfaceid='{port}'/></virtualport><target dev='vnet0'/>"
    )


def ports(*guests: Guest) -> list[tuple[str, str, tuple[str, ...]]]:
    found = examine(Examination(guests))
    return [(f.uuid, f.severity, f.evidence) for f in found if f.code == "port-on-two-guests"]


TAPPED = f"<target dev='tap{PORT[:11]}'/>"


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        (ovs(PORT), ovs(PORT.upper()), f"port {PORT}"),
        (ovs(PORT), TAPPED, f"port {PORT}"),
        (TAPPED, TAPPED, f"port {PORT[:11]}"),
    ],
)
def test_one_port_on_two_running_guests_is_an_error_on_both(
    one: str, other: str, shown: str
) -> None:
    for host in ("compute-1", "compute-2"):
        found = ports(with_port(1, one), with_port(2, other, host=host))
        assert [each[:2] for each in found] == [(uuid_of(1), "error"), (uuid_of(2), "error")]
        where = " on compute-2" if host == "compute-2" else ""
        assert found[0][2] == (shown, f"also of d2 ({uuid_of(2)}){where}")


def test_two_ports_that_begin_alike_are_two_ports() -> None:
    other = f"{PORT[:11]}00-0000-4000-8000-000000000000"
    assert ports(with_port(1, ovs(PORT)), with_port(2, ovs(other), host="compute-2")) == []


def test_a_port_of_a_guest_that_is_off_is_no_conflict() -> None:
    assert ports(with_port(1, ovs(PORT)), with_port(2, ovs(PORT), state="shutoff")) == []


def test_a_port_brings_its_mac_address_along() -> None:
    nic = f"<mac address='{MAC}'/>{ovs(PORT)}"
    found = examine(Examination([with_port(1, nic), with_port(2, nic, host="compute-2")]))
    assert [f.code for f in found if "two-guests" in f.code] == ["port-on-two-guests"] * 2
    # A third with the address alone.
    third = with_port(3, f"<mac address='{MAC}'/><target dev='vnet1'/>")
    found = examine(Examination([with_port(1, nic), with_port(2, nic), third]))
    macs_of = [(f.uuid, len(f.others)) for f in found if f.code == "mac-on-two-guests"]
    assert macs_of == [(uuid_of(1), 1), (uuid_of(2), 1), (uuid_of(3), 2)]


def test_the_interface_ids_of_other_managers_are_no_ports_of_neutron() -> None:
    def foreign(number: int, host: str) -> Guest:
        return with_port(number, ovs(PORT), host=host)._replace(kind="foreign", manager="oVirt")

    assert ports(foreign(1, "compute-1"), foreign(2, "compute-2")) == []


def test_many_twins_are_not_all_named() -> None:
    found = twins(*(on(f"compute-{number}") for number in range(100)))
    assert len(found) == 100
    assert found[0].evidence[0] == "it also runs on compute-1, compute-10, compute-11 and others"
