"""What the XML of a guest still shows when its block is gone."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from tests.support.embedded import guest, uuid_of
from tests.support.paths import DATA
from virsh_nova.guests.derive import boot_volume, derive, port_of
from virsh_nova.model import Domain, Port
from virsh_nova.parse import parse_domain

VOLUME = "e2b487e4-a6a2-4148-beda-649cbc36fc65"
PORT = "d45a9119-51ab-4167-9a28-45423db6ad61"
OTHER_PORT = "d45a9119-5100-4167-9a28-45423db6ad61"


def domain(*devices: str, before: str = "") -> Domain:
    return parse_domain(guest(1, rest="".join(devices), before=before))


def derived(*devices: str, known: tuple[str, ...] = (), before: str = "") -> dict[str, Any]:
    return derive(domain(*devices, before=before), known).facts


def disk(source: str, serial: str = "", *, target: str = "vda", boot: int | None = None,
         device: str = "disk") -> str:  # fmt: skip
    order = "" if boot is None else f"<boot order='{boot}'/>"
    named = f"<serial>{serial}</serial>" if serial else ""
    return (
        f"<disk type='file' device='{device}'><source file='{source}'/>"
        f"<target dev='{target}' bus='virtio'/>{named}{order}</disk>"
    )


def nic(target: str = "", port: str = "") -> str:
    ovs = f"<virtualport type='openvswitch'><parameters interfaceid='{port}'/></virtualport>"
    return (
        "<interface type='bridge'><mac address='fa:16:3e:00:00:01'/><source bridge='br-int'/>"
        f"{ovs if port else ''}<target dev='{target}'/></interface>"
    )


OWN = disk(f"/var/lib/nova/instances/{uuid_of(1)}/disk")
RBD = (
    f"<disk type='network' device='disk'><source protocol='rbd' name='vms/{uuid_of(1)}_disk'/>"
    "<target dev='vda' bus='virtio'/></disk>"
)


# ---- the version and the size -----------------------------------------------------------------


def sysinfo(product: str, version: str) -> str:
    return (
        f"<sysinfo type='smbios'><system><entry name='product'>{product}</entry>"
        f"<entry name='version'>{version}</entry></system></sysinfo>"
    )


def test_the_version_is_that_of_sysinfo() -> None:
    assert derived(before=sysinfo("OpenStack Nova", "34.0.0"))["package"] == "34.0.0"
    assert derived(before=sysinfo("OpenStack Compute", "17.0.1-1.el7"))["package"] == "17.0.1-1.el7"
    assert "package" not in derived(before=sysinfo("RHEV Hypervisor", "4.4"))
    assert "package" not in derived(before=sysinfo("OpenStack Nova", ""))
    assert "package" not in derived()


def test_the_size_is_what_the_guest_has() -> None:
    facts = derived()
    assert (facts["flavor.vcpus"], facts["flavor.memory_mib"]) == (2, 512)
    assert not {"flavor.name", "name", "created", "owner.user.id"} & set(facts)


# ---- the root ---------------------------------------------------------------------------------


@pytest.mark.parametrize("disks", [[OWN], [RBD], [OWN, disk("/x", VOLUME, target="vdb")]])
def test_a_disk_of_novas_own_is_an_image_and_which_one_is_not_known(disks: list[str]) -> None:
    facts = derived(*disks)
    assert facts["root.type"] == "image"
    assert "root.uuid" not in facts


@pytest.mark.parametrize(
    "disks",
    [
        [disk("/dev/sda", VOLUME)],
        [disk("/dev/sda", VOLUME.upper())],
        [disk("/dev/sda", VOLUME, device="lun")],
        # A config drive and a data volume beside it.
        [disk("/cd", device="cdrom"), disk("/a", VOLUME), disk("/b", PORT, target="vdb")],
        # The boot order counts before the place.
        [disk("/b", PORT, target="vdb", boot=2), disk("/a", VOLUME, boot=1)],
    ],
)
def test_a_boot_volume_has_its_uuid_from_the_serial_of_the_boot_disk(disks: list[str]) -> None:
    facts = derived(*disks)
    assert (facts["root.type"], facts["root.uuid"]) == ("volume", VOLUME)


@pytest.mark.parametrize(
    ("disks", "note"),
    [
        ([], "no root: the boot disk is not a volume, and its path does not contain the uuid"),
        (
            [disk("/srv/x.img", "WD-1234")],
            "no root: the boot disk is not a volume, and its path does not contain the uuid",
        ),
        (
            [disk(f"/i/{uuid_of(1)}/disk.rescue"), disk("/dev/sda", VOLUME, target="vdb")],
            "no root: the guest is in rescue and boots from another disk",
        ),
    ],
)
def test_a_root_that_is_not_known_is_left_out(disks: list[str], note: str) -> None:
    facts, notes = derive(domain(*disks), ())
    assert not {"root.type", "root.uuid"} & set(facts)
    assert note in notes
    assert boot_volume(domain(*disks)) is None


# ---- ports ------------------------------------------------------------------------------------


def test_open_vswitch_names_the_port() -> None:
    assert derived(nic("tapd45a9119-51", PORT.upper()))["ports"] == (Port(PORT, ()),)


def test_a_tap_names_a_port_only_where_its_whole_uuid_is_known() -> None:
    assert derived(nic("tapd45a9119-51"), known=(PORT, VOLUME))["ports"] == (Port(PORT, ()),)


@pytest.mark.parametrize(
    ("target", "known"),
    [
        ("tapd45a9119-51", ()),
        ("tapd45a9119-51", (VOLUME,)),
        ("tapd45a9119-51", (PORT, "d45a9119-5199-4167-9a28-45423db6ad61")),
        ("vnet0", (PORT,)),
        ("tapd45a9119-5", (PORT,)),
    ],
)
def test_one_unknown_port_leaves_out_all_ports(target: str, known: tuple[str, ...]) -> None:
    facts, notes = derive(domain(nic("", OTHER_PORT), nic(target)), known)
    assert "ports" not in facts
    assert notes[-1] == (f"no ports: the full uuid of the port behind {target} is unknown")


def test_ports_come_in_the_order_of_the_interfaces() -> None:
    ports = derived(nic("", PORT), nic("", OTHER_PORT))["ports"]
    assert [port.uuid for port in ports] == [PORT, OTHER_PORT]


def test_a_guest_without_interfaces_has_no_ports() -> None:
    assert derived()["ports"] == ()


def test_the_port_of_an_interface_needs_no_tap() -> None:
    (interface,) = domain(nic("vnet0", PORT)).hardware.interfaces
    assert port_of(interface, ()) == PORT


# ---- real guests ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nova-lab-00000002", "nova-lab-00000006", "nova-lab-00000007"])
def test_real_guests_yield_the_facts_of_their_block(name: str) -> None:
    root = etree.parse(str(DATA / f"real/files/run/libvirt/qemu/{name}.xml"))
    read = parse_domain(etree.tostring(root, encoding="unicode"))
    block = read.blocks[0].instance
    assert block is not None
    assert block.flavor is not None
    known = [port.uuid or "" for port in block.ports or ()]
    facts, notes = derive(read, known)
    assert notes == ()
    assert facts["package"] == block.package
    assert facts["flavor.memory_mib"] == block.flavor.memory_mib
    assert facts["flavor.vcpus"] == block.flavor.vcpus
    assert block.root is not None
    assert facts["root.type"] == block.root.type
    assert [port.uuid for port in facts["ports"]] == known  # type: ignore[union-attr]


def test_what_the_xml_does_not_say_is_not_derived() -> None:
    facts, _ = derive(parse_domain("<domain><name>x</name></domain>"), ())
    assert not any(key.startswith("flavor.") for key in facts)
