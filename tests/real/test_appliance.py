"""An appliance of libguestfs among Nova's guests: what virt-df leaves in `virsh list`."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.appliance import running_appliance
from tests.support.goldens import golden_block
from tests.support.real_host import documents_on, output_on, run_on, uuid


@pytest.fixture(scope="module")
def host(module_host: ComputeHost) -> ComputeHost:
    disk = module_host.instance_disk(uuid(1))
    plain = golden_block("34.0.0", "image_plain")
    module_host.define(domains.nova_guest("instance-00000001", uuid(1), plain, disk=disk))
    return module_host


@pytest.fixture(scope="module")
def appliance(host: ComputeHost) -> Iterator[str]:
    """A real one, with the disk of the Nova guest added to it as it runs."""
    with running_appliance(host) as name:
        disk = host.directory / "instances" / uuid(1) / "disk"
        copy = Path(shutil.copy(disk, disk.with_name("disk.snapshot")))
        host.domain(name).attachDevice(_scsi_disk(copy))
        yield name


def _scsi_disk(image: Path) -> str:
    return (
        f"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
        f"<source file='{image}'/><target dev='sdc' bus='scsi'/></disk>"
    )


def test_an_appliance_is_a_foreign_guest_of_libguestfs(host: ComputeHost, appliance: str) -> None:
    listed = documents_on(host.uri)
    assert listed[appliance]["kind"] == "foreign"
    assert listed[appliance]["manager"] == "libguestfs"
    assert listed[appliance]["state"] == "running"
    assert listed[appliance]["id"] == host.domain(appliance).ID()
    assert listed[appliance]["instance"] is None
    assert listed["instance-00000001"]["kind"] == "nova"


def test_an_appliance_is_not_nova_s_for_the_disk_it_works_on(
    host: ComputeHost, appliance: str
) -> None:
    xml = etree.fromstring(host.domain(appliance).XMLDesc())
    sources = [source.get("file") for source in xml.iterfind("devices/disk/source")]
    assert any(f"/instances/{uuid(1)}/" in source for source in sources)

    nova = output_on(host.uri, "list", "-f", "value", "-c", "domain", "--kind", "nova")
    unstamped = output_on(
        host.uri, "list", "-f", "value", "-c", "domain", "--kind", "nova-unstamped"
    )
    assert nova.split() == ["instance-00000001"]
    assert unstamped == ""


def test_the_table_has_it_under_foreign_guests(host: ComputeHost, appliance: str) -> None:
    nova, _, foreign = output_on(host.uri, "list").partition("1 foreign guest\n")
    assert appliance in foreign
    assert "libguestfs" in foreign
    assert appliance not in nova


def test_show_gives_its_channel_as_evidence(host: ComputeHost, appliance: str) -> None:
    (guest,) = json.loads(output_on(host.uri, "show", "-f", "json", appliance))
    assert any("org.libguestfs.channel.0" in evidence for evidence in guest["evidence"])
    targets = [disk["target"] for disk in guest["hardware"]["disks"]]
    assert targets[:2] == ["sda", "sdb"]
    assert "org.libguestfs.channel.0" in output_on(host.uri, "show", appliance)


def test_an_appliance_has_no_block_to_print(host: ComputeHost, appliance: str) -> None:
    _, out, err = run_on(host.uri, "show", "-f", "xml", appliance)
    assert out == ""
    assert appliance in err
