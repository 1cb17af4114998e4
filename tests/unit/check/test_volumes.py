"""One volume in two guests: by what identifies it, wherever it is attached."""

from __future__ import annotations

import pytest

from tests.support.embedded import APPLIANCE, guest, uuid_of
from virsh_nova.check.examine import examine
from virsh_nova.check.finding import Examination, Finding
from virsh_nova.check.volumes import volumes_of
from virsh_nova.guests.build import whole_guest
from virsh_nova.model import Disk, Guest, Sighting

VOLUME = "d4000000-0000-4000-8000-00000000000a"
ANOTHER = "d4000000-0000-4000-8000-00000000000b"
IQN = "iqn.2010-10.org.openstack"
WWN = "600a098038314c6f4f5d4f7a6b2f4e51"


def having(number: int, disk: str, *, on: str = "compute-1", state: str = "running") -> Guest:
    ident = None if state == "shutoff" else number
    seen = Sighting(on, uuid_of(number), f"d{number}", ident, state)
    return whole_guest(seen, guest(number, rest=disk))


def block(dev: str, serial: str = "", inner: str = "") -> str:
    tag = f"<serial>{serial}</serial>" if serial else ""
    return f"<disk type='block' device='disk'><source dev='{dev}'/>{tag}{inner}</disk>"


def network(protocol: str, name: str, serial: str = "", inner: str = "") -> str:
    tag = f"<serial>{serial}</serial>" if serial else ""
    source = f"<source protocol='{protocol}' name='{name}'/>"
    return f"<disk type='network' device='disk'>{source}{tag}{inner}</disk>"


def file(path: str, inner: str = "", device: str = "disk") -> str:
    return f"<disk type='file' device='{device}'><source file='{path}'/>{inner}</disk>"


def shared(*guests: Guest) -> list[Finding]:
    return [each for each in examine(Examination(guests)) if each.code == "shared-volume"]


ISCSI_PATH = f"/dev/disk/by-path/ip-192.0.2.1:3260-iscsi-{IQN}:volume-{VOLUME}-lun-1"


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        (block("/dev/sdb", VOLUME), block("/dev/dm-7", VOLUME.upper()), f"the volume {VOLUME}"),
        (network("rbd", f"volumes/volume-{VOLUME}"), network("rbd", f"volumes/volume-{VOLUME}"),
         f"the volume {VOLUME}"),
        (network("rbd", f"volumes/volume-{VOLUME}"), block("/dev/sdb", VOLUME),
         f"the volume {VOLUME}"),
        (network("rbd", "pool/data"), network("rbd", "pool/data"), "the RBD image pool/data"),
        (network("iscsi", "iqn.2013-07.com.example:pool/2"),
         block("/dev/disk/by-path/ip-192.0.2.1:3260-iscsi-iqn.2013-07.com.example:pool-lun-2"),
         "the iSCSI LUN iqn.2013-07.com.example:pool/2"),
        (network("iscsi", "iqn.2013-07.com.example:pool"),
         network("iscsi", "iqn.2013-07.com.example:pool/0"),
         "the iSCSI LUN iqn.2013-07.com.example:pool/0"),
        (block(ISCSI_PATH), block("/dev/sdc", VOLUME), f"the volume {VOLUME}"),
        (block(f"/dev/disk/by-id/wwn-0x{WWN}"), block(f"/dev/mapper/3{WWN}"), f"the LUN {WWN}"),
        (block(f"/dev/disk/by-id/dm-uuid-mpath-3{WWN}"),
         block(f"/dev/disk/by-id/scsi-3{WWN.upper()}"), f"the LUN {WWN}"),
        (block("/dev/disk/by-id/nvme-uuid.ce0a8ab4-8a4f-4f0e-a4a5-6e2a8d8f5f51"),
         block("/dev/disk/by-id/nvme-uuid.CE0A8AB4-8a4f-4f0e-a4a5-6e2a8d8f5f51"),
         "the NVMe namespace uuid.ce0a8ab4-8a4f-4f0e-a4a5-6e2a8d8f5f51"),
        (network("nvme", "nqn.2016-06.io.spdk:cnode1/1"),
         network("nvme", "nqn.2016-06.io.spdk:cnode1/1"),
         "the NVMe namespace nqn.2016-06.io.spdk:cnode1/1"),
        (file("/var/lib/nova/mnt/0123456789abcdef0123456789abcdef/data.img"),
         file("/srv/nova/mnt/0123456789abcdef0123456789abcdef/data.img"),
         "the file mnt/0123456789abcdef0123456789abcdef/data.img"),
    ],
)  # fmt: skip
def test_one_volume_in_two_guests_is_an_error_wherever_they_run(
    one: str, other: str, shown: str
) -> None:
    for host in ("compute-1", "compute-2"):
        where = " on {}" if host == "compute-2" else ""
        found = shared(having(1, one), having(2, other, on=host))
        assert [(f.uuid, f.severity) for f in found] == [
            (uuid_of(1), "error"),
            (uuid_of(2), "error"),
        ]
        assert found[0].evidence == (
            shown,
            f"also in d2 ({uuid_of(2)}){where.format('compute-2')}",
        )
        assert found[1].evidence[1] == f"also in d1 ({uuid_of(1)}){where.format('compute-1')}"
        assert found[0].others[0][:4] == (host, uuid_of(2), "d2", "running")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # What the array calls LUN 1 of each host.
        (block("/dev/disk/by-path/ip-192.0.2.1:3260-iscsi-iqn.1992-08.com.array:x-lun-1", VOLUME),
         block("/dev/disk/by-path/ip-192.0.2.1:3260-iscsi-iqn.1992-08.com.array:x-lun-1", ANOTHER)),
        (block("/dev/disk/by-path/ip-192.0.2.1:3260-iscsi-iqn.1992-08.com.array:x-lun-1"),
         block("/dev/disk/by-path/ip-192.0.2.1:3260-iscsi-iqn.1992-08.com.array:x-lun-2")),
        # Local to each host.
        (file("/var/lib/libvirt/images/web.qcow2"), file("/var/lib/libvirt/images/web.qcow2")),
        (block("/dev/sdb"), block("/dev/sdb")),
        (block("/dev/vg0/root"), block("/dev/vg0/root")),
        ("<disk type='volume'><source pool='default' volume='web'/></disk>",
         "<disk type='volume'><source pool='default' volume='web'/></disk>"),
        # A copy of the definition beside a copy of the image.
        (file("/var/lib/libvirt/images/web.qcow2", f"<serial>{VOLUME}</serial>"),
         file("/var/lib/libvirt/images/web.qcow2", f"<serial>{VOLUME}</serial>")),
        # Names that count for one server only.
        (network("nbd", "export"), network("nbd", "export")),
        (network("https", "images/live.iso"), network("https", "images/live.iso")),
        # A serial that is no volume's.
        (block("/dev/sdb", "WD-1"), block("/dev/sdc", "WD-1")),
        ("<disk type='file' device='cdrom'/>", "<disk type='file' device='cdrom'/>"),
    ],
)  # fmt: skip
def test_what_is_local_to_two_hosts_is_no_shared_volume(one: str, other: str) -> None:
    assert shared(having(1, one), having(2, other, on="compute-2")) == []


@pytest.mark.parametrize("disk", [file("/srv/web.qcow2"), block("/dev/sdb")])
def test_a_local_path_is_one_disk_for_the_guests_that_run_on_one_host(disk: str) -> None:
    assert len(shared(having(1, disk), having(2, disk))) == 2
    assert shared(having(1, disk), having(2, disk, state="shutoff")) == []
    unnamed = [having(n, disk, on="localhost") for n in (1, 2)]
    assert shared(*unnamed) == []
    folder = [each._replace(host_guessed=True) for each in (having(1, disk), having(2, disk))]
    assert shared(*folder) == []


RBD = f"volumes/volume-{VOLUME}"


@pytest.mark.parametrize("harmless", ["<shareable/>", "<readonly/>"])
def test_a_volume_that_both_may_share_is_no_conflict(harmless: str) -> None:
    both = network("rbd", RBD, VOLUME, harmless)
    alone = network("rbd", RBD, VOLUME)
    assert shared(having(1, both), having(2, both, on="compute-2")) == []
    found = shared(having(1, both), having(2, both), having(3, alone, on="compute-2"))
    assert [(each.uuid, [other.uuid for other in each.others]) for each in found] == [
        (uuid_of(1), [uuid_of(3)]),
        (uuid_of(2), [uuid_of(3)]),
        (uuid_of(3), [uuid_of(1), uuid_of(2)]),
    ]


def test_an_installation_medium_is_no_volume() -> None:
    iso = file("/srv/install.iso", device="cdrom")
    assert shared(having(1, iso), having(2, iso)) == []


def test_a_volume_of_a_guest_that_is_off_is_a_warning() -> None:
    disk = network("rbd", RBD, VOLUME)
    found = shared(having(1, disk), having(2, disk, on="compute-2", state="shutoff"))
    assert [each.severity for each in found] == ["warning", "warning"]
    off = [having(n, disk, state="shutoff") for n in (1, 2)]
    assert shared(*off) == []
    # The one that runs counts.
    found = shared(having(1, disk), having(2, disk, state="shutoff"), having(3, disk))
    assert [each.severity for each in found] == ["error", "warning", "error"]


def test_an_appliance_and_the_instance_itself_share_nothing() -> None:
    disk = network("rbd", RBD, VOLUME)
    assert shared(having(1, disk), having(2, disk + APPLIANCE)) == []
    assert shared(having(1, disk), having(1, disk, on="compute-2")) == []


def test_the_disk_of_an_instance_is_a_shared_disk_alone() -> None:
    disk = network("rbd", f"vms/{uuid_of(1)}_disk")
    found = examine(Examination([having(1, disk), having(2, disk, on="compute-2")]))
    assert [each.code for each in found if each.severity == "error"] == ["shared-disk"] * 2


def test_each_volume_is_a_finding_of_its_own() -> None:
    two = network("rbd", RBD, VOLUME) + network("rbd", f"volumes/volume-{ANOTHER}", ANOTHER)
    found = shared(having(1, two), having(2, two))
    assert [each.evidence[0] for each in found if each.uuid == uuid_of(1)] == [
        f"the volume {VOLUME}",
        f"the volume {ANOTHER}",
    ]


def test_a_source_of_any_length_costs_no_time() -> None:
    hostile = "-iscsi-iqn." * 100_000
    assert list(volumes_of(Disk("vda", "virtio", hostile, None, protocol="iscsi"))) == []
    most = ("-iscsi-iqn." * 1000)[:4096]
    assert len(list(volumes_of(Disk("vda", "virtio", most, None, protocol="rbd")))) == 1
