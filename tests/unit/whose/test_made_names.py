"""A guest is found by the names that libvirt, systemd, Neutron and the kernel make of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from virsh_nova.guests.build import whole_guest
from virsh_nova.model import Sighting
from virsh_nova.whose.annotate import Reader
from virsh_nova.whose.index import Index
from virsh_nova.whose.made_names import MadeName, made_names

FIELD = Path(__file__).parents[2] / "data" / "field"
UUID = "a1000000-0000-4000-8000-000000000001"
NAME = "instance-0000000a"
LONG = "instance-with-a-name-of-more-than-twenty"
VOLUME = "d4000000-1111-4000-8222-00000000000a"


def index(*, ports: str = "", domain: str = NAME, disk: str = "") -> Index:
    xml = (FIELD / "f01-sibling-devices" / "guest.xml").read_text()
    xml = xml.replace(f"<name>{NAME}</name>", f"<name>{domain}</name>")
    xml = xml.replace("</nova:instance>", f"{ports}</nova:instance>")
    xml = xml.replace("<interface", f"{disk}<interface", 1)
    return Index.of([whole_guest(Sighting("compute-1", UUID, domain, 1, "running"), xml, pid=4242)])


PLAIN = index()


@pytest.mark.parametrize(
    "handle",
    [
        "tap4be1c6d2-7a", "qbr4be1c6d2-7a", "qvo4be1c6d2-7a", "qvb4be1c6d2-7a", "vhu4be1c6d2-7a",
        "/run/openvswitch/vhu4be1c6d2-7a",
        "neutron-openvswi-i4be1c6d2-7", "neutron-openvswi-o4be1c6d2-7",
        "neutron-openvswi-s4be1c6d2-7", "neutron-linuxbri-i4be1c6d2-7",
        "4be1c6d2-7a11-4c22-9d33-5e44f5a6b7c8", "port:4be1c6d2-7a11-4c22-9d33-5e44f5a6b7c8",
        "fa:16:3e:01:02:03", "fe:16:3e:01:02:03", "mac:fe16.3e01.0203",
        "domain-1-instance-0000000a", "/var/lib/libvirt/qemu/domain-1-instance-0000000a",
        "/var/lib/libvirt/qemu/domain-1-instance-0000000a/monitor.sock",
        "/var/lib/libvirt/qemu/channel/target/domain-1-instance-0000000a/org.qemu.guest_agent.0",
        "/dev/hugepages/libvirt/qemu/1-instance-0000000a",
        "/var/log/libvirt/qemu/instance-0000000a.log", "instance-0000000a.log.1",
        "instance-0000000a_VARS.fd", "/var/lib/libvirt/qemu/nvram/instance-0000000a_VARS.fd",
        "/var/log/swtpm/libvirt/qemu/instance-0000000a-swtpm.log",
        "/run/libvirt/qemu/instance-0000000a.pid", "instance-0000000a.xml",
        "qemu-1-instance-0000000a", r"machine-qemu\x2d1\x2dinstance\x2d0000000a.scope",
        r"/sys/fs/cgroup/machine.slice/machine-qemu\x2d1\x2dinstance\x2d0000000a.scope/libvirt",
        "vhost-4242", "kvm-nx-lpage-recovery-4242",
        "/var/lib/nova/instances", f"/var/lib/nova/instances/{UUID}", "/var/lib/nova/instances/",
        f"/var/lib/nova/instances/{UUID}/console.log",
    ],
)  # fmt: skip
def test_every_name_leads_to_the_guest(handle: str) -> None:
    assert [answer.guest.uuid for answer in PLAIN.answers(handle)] == [UUID]


@pytest.mark.parametrize(
    "handle",
    [
        "tap4be1c6d2-7b", "neutron-openvswi-i4be1c6d2-8", "neutron-openvswi-x4be1c6d2-7",
        "4be1c6d2-7b11-4c22-9d33-5e44f5a6b7c8", "fe:16:3e:01:02:04", "fd:16:3e:01:02:03",
        "domain-1-instance-0000000b", "qemu-1-instance-0000000b", "vhost-4243", "/", "/var/lib/nov",
        "/var/lib/nova/instances2", "instance-0000000a.log.gz.log", "1-", "-1-instance-0000000a",
    ],
)  # fmt: skip
def test_a_name_of_another_guest_leads_nowhere(handle: str) -> None:
    assert PLAIN.answers(handle) == []


def test_a_short_name_holds_twenty_characters_of_the_domain_name() -> None:
    found = index(domain=LONG).answers(f"domain-1-{LONG[:20]}")
    assert [answer.guest.domain for answer in found] == [LONG]
    assert index(domain=LONG).answers(f"domain-2-{LONG[:20]}") == []


def test_the_id_of_a_short_name_may_be_of_an_earlier_start() -> None:
    assert len(PLAIN.answers("qemu-7-instance-0000000a")) == 1


def test_a_port_that_the_block_names_is_not_another_with_the_same_beginning() -> None:
    port = "4be1c6d2-7a99-4c22-9d33-5e44f5a6b7c8"
    known = index(ports=f'<nova:ports><nova:port uuid="{port}"/></nova:ports>')
    assert len(known.answers(port)) == 1
    assert known.answers("4be1c6d2-7a11-4c22-9d33-5e44f5a6b7c8") == []


@pytest.mark.parametrize(
    "handle",
    [VOLUME, VOLUME[:8], VOLUME[:14], f"virtio-{VOLUME[:20]}",
     f"/dev/disk/by-id/virtio-{VOLUME[:20]}-part1", f"volume-{VOLUME}"],
)  # fmt: skip
def test_a_volume_is_found_by_a_beginning_and_by_its_name_in_the_guest(handle: str) -> None:
    disk = (
        f"<disk type='block' device='disk'><source dev='/dev/sdx'/><target dev='vdb'/>"
        f"<serial>{VOLUME}</serial></disk>"
    )
    assert [answer.kind for answer in index(disk=disk).answers(handle)] == ["volume"]


def test_seven_characters_are_no_beginning_of_a_volume() -> None:
    disk = f"<disk type='block'><target dev='vdb'/><serial>{VOLUME}</serial></disk>"
    assert index(disk=disk).answers(VOLUME[:7]) == []


def test_lines_of_logs_are_annotated() -> None:
    lines = (FIELD / "f18-libvirt-files" / "lines.txt").read_text().splitlines()
    reader = Reader(PLAIN)
    for line in lines:
        found = {one.guest.uuid for mention in reader.mentions(line) for one in mention.answers}
        assert found == {UUID}, line


def test_a_folder_named_by_the_domain_is_its_instance_as_before_grizzly() -> None:
    found = PLAIN.answers(f"/var/lib/nova/instances/{NAME}/console.log")
    assert [answer.guest.uuid for answer in found] == [UUID]


def test_what_a_name_is_made_from() -> None:
    assert made_names("qemu-12-a-b") == [MadeName("short name", "a-b", "12")]
    assert made_names("neutron-openvswi-s58294a90-c") == [MadeName("port", "58294a90-c")]
    assert made_names("web-1") == []
