"""Devices of a domain's XML: passed through, mediated, virtual functions, sockets, file systems."""

from __future__ import annotations

import pytest

from tests.support.paths import DATA
from virsh_nova.guests.build import whole_guest
from virsh_nova.model import FileSystem, Hardware, HostDevice, Interface, Sighting
from virsh_nova.parse import parse_domain
from virsh_nova.render.show import details
from virsh_nova.whose.index import Index


def hardware(devices: str = "", os: str = "") -> Hardware:
    xml = f"<domain><os>{os}</os><devices>{devices}</devices></domain>"
    return parse_domain(xml).hardware


@pytest.mark.parametrize(
    ("xml", "device"),
    [
        ("<hostdev type='pci'><source><address domain='0x0000' bus='0x3b' slot='0x00' "
         "function='0x0'/></source></hostdev>", HostDevice("pci", "0000:3b:00.0")),
        ("<hostdev type='pci'><source><address bus='59' slot='31' function='7'/></source>"
         "</hostdev>", HostDevice("pci", "0000:3b:1f.7")),
        ("<hostdev type='pci'><source><address bus='x'/></source></hostdev>",
         HostDevice("pci", None)),
        ("<hostdev type='pci'><source><address bus='0x3b' slot='0x00' function='9'/></source>"
         "</hostdev>", HostDevice("pci", None)),
        ("<hostdev type='mdev'><source><address uuid='7d3c1a52-90ab-4c1d-b5e6-1f2e3d4c5b6a'/>"
         "</source></hostdev>", HostDevice("mdev", "7d3c1a52-90ab-4c1d-b5e6-1f2e3d4c5b6a")),
        ("<hostdev type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source>"
         "</hostdev>", HostDevice("usb", "1234:beef")),
        ("<hostdev type='usb'><source><address bus='1' device='4'/></source></hostdev>",
         HostDevice("usb", "bus 1 device 4")),
        ("<hostdev type='scsi'><source><adapter name='scsi_host0'/></source></hostdev>",
         HostDevice("scsi", "scsi_host0")),
        ("<hostdev type='storage'><source><block>/dev/sdf1</block></source></hostdev>",
         HostDevice("storage", "/dev/sdf1")),
        ("<hostdev/>", HostDevice(None, None)),
    ],
)  # fmt: skip
def test_a_host_device_has_its_address(xml: str, device: HostDevice) -> None:
    assert hardware(xml).host_devices == (device,)


@pytest.mark.parametrize(
    ("xml", "interface"),
    [
        ("<interface type='hostdev'><mac address='fa:16:3e:0d:0e:0f'/><source><address type='pci' "
         "bus='0x81' slot='0x02' function='0x3'/></source><vlan><tag id='114'/></vlan></interface>",
         Interface("fa:16:3e:0d:0e:0f", None, None, "hostdev", "0000:81:02.3", 114)),
        ("<interface type='network'><mac address='fa:16:3e:0d:0e:0f'/><actual type='hostdev'>"
         "<source><address type='pci' bus='0x81' slot='0x02' function='0x3'/></source>"
         "<vlan><tag id='7'/></vlan></actual></interface>",
         Interface("fa:16:3e:0d:0e:0f", None, None, "hostdev", "0000:81:02.3", 7)),
        ("<interface type='vhostuser'><source type='unix' "
         "path='/var/run/openvswitch/vhu4be1c6d2-7a' mode='server'/></interface>",
         Interface(None, "vhu4be1c6d2-7a", None, "vhostuser",
                   "/var/run/openvswitch/vhu4be1c6d2-7a", None)),
        ("<interface type='vhostuser'><source type='unix' path='/run/x'/><target dev='vhu1'/>"
         "</interface>", Interface(None, "vhu1", None, "vhostuser", "/run/x", None)),
        ("<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>",
         Interface(None, None, None, "vdpa", "/dev/vhost-vdpa-0", None)),
        ("<interface type='bridge'><source bridge='br-int'/><target dev='tap1'/></interface>",
         Interface(None, "tap1", None, "bridge", None, None)),
    ],
)  # fmt: skip
def test_an_interface_has_what_it_is_made_of(xml: str, interface: Interface) -> None:
    assert hardware(xml).interfaces == (interface,)


@pytest.mark.parametrize(
    ("xml", "source"),
    [
        ("<disk type='vhostuser'><source type='unix' path='/run/blk.sock'/></disk>",
         "/run/blk.sock"),
        ("<disk type='vhostvdpa'><source dev='/dev/vhost-vdpa-1'/></disk>", "/dev/vhost-vdpa-1"),
        ("<disk type='nvme'><source type='pci' namespace='1'><address domain='0x0000' bus='0x01' "
         "slot='0x00' function='0x0'/></source></disk>", "0000:01:00.0"),
    ],
)  # fmt: skip
def test_a_disk_behind_a_socket_or_a_device_has_it_as_source(xml: str, source: str) -> None:
    assert hardware(xml).disks[0].source == source


@pytest.mark.parametrize(
    ("xml", "protocol", "shareable", "read_only"),
    [
        ("<disk type='network'><source protocol='rbd' name='volumes/v'/><shareable/></disk>",
         "rbd", True, False),
        ("<disk type='file' device='cdrom'><source file='/x.iso'/><readonly/></disk>",
         None, False, True),
    ],
)  # fmt: skip
def test_a_disk_says_how_it_may_be_shared(
    xml: str, protocol: str | None, shareable: bool, read_only: bool
) -> None:
    (disk,) = hardware(xml).disks
    assert (disk.protocol, disk.shareable, disk.read_only) == (protocol, shareable, read_only)


def test_file_systems_and_other_paths_of_the_host() -> None:
    found = hardware(
        "<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv/share'/>"
        "<target dir='share'/></filesystem>"
        "<filesystem type='mount'><source dir='/var/lib/nova/instances/u/rootfs'/>"
        "<target dir='/'/></filesystem>"
        "<console type='file'><source path='/i/console.log'/></console>"
        "<console type='pty' tty='/dev/pts/3'><source path='/dev/pts/3'/></console>"
        "<serial type='pty'><log file='/i/serial.log'/></serial>",
        os="<kernel>/i/kernel</kernel><initrd>/i/ramdisk</initrd>",
    )
    assert found.file_systems == (
        FileSystem("virtiofs", "/srv/share", "share"),
        FileSystem("mount", "/var/lib/nova/instances/u/rootfs", "/"),
    )
    assert found.paths == ("/i/kernel", "/i/ramdisk", "/i/serial.log", "/i/console.log")


@pytest.mark.parametrize(
    ("source", "names"),
    [("<source mode='connect' path='/s'/>", ("org.libguestfs.channel.0",)),
     ("", ("org.libguestfs.channel.0",)),
     ("<source mode='bind' path='/s'/>", ())],
)  # fmt: skip
def test_a_channel_that_qemu_listens_on_is_no_mark(source: str, names: tuple[str, ...]) -> None:
    xml = (
        f"<domain><devices><channel type='unix'>{source}"
        "<target type='virtio' name='org.libguestfs.channel.0'/></channel></devices></domain>"
    )
    assert parse_domain(xml).channels == names


# ---- on the guest of a published report --------------------------------------------------------

GUEST = whole_guest(
    Sighting(
        "compute-1", "a1000000-0000-4000-8000-000000000001", "instance-0000000a", 1, "running"
    ),
    (DATA / "field" / "f17-pci-and-mdev" / "guest.xml").read_text(),
)


@pytest.mark.parametrize(
    "handle",
    ["0000:3b:00.0", "3b:00.0", "3B:00.0", "0000:81:02.3", "device:81:02.3",
     "7d3c1a52-90ab-4c1d-b5e6-1f2e3d4c5b6a"],
)  # fmt: skip
def test_whose_finds_a_guest_by_its_devices(handle: str) -> None:
    assert [answer.guest for answer in Index([GUEST]).answers(handle)] == [GUEST]


def test_another_pci_domain_is_another_device() -> None:
    assert Index([GUEST]).answers("0001:3b:00.0") == []


def test_show_says_that_a_disk_may_be_shared() -> None:
    disk = "<disk><source dev='/dev/sdb'/><target dev='vdb' bus='virtio'/><shareable/></disk>"
    shown = details([GUEST._replace(hardware=hardware(disk))])
    assert "vdb  virtio  /dev/sdb  shareable\n" in shown


def test_show_lists_the_devices() -> None:
    text = details([GUEST])
    assert "host devices  pci  0000:3b:00.0\n" in text
    assert "mdev  7d3c1a52-90ab-4c1d-b5e6-1f2e3d4c5b6a\n" in text
    assert "fa:16:3e:0d:0e:0f  function 0000:81:02.3  vlan 114\n" in text
