"""Ceilometer reads the same metadata for its meters: its view of a host and ours are one.

Where the two differ on purpose, the test says so: Ceilometer reads no ports and no names of users
and projects, has 0 or None where the block says nothing, and counts every instance as Nova does.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.goldens import golden_block
from tests.support.neighbours.calls import discover_as_ceilometer
from tests.support.real_host import documents_on, uuid

BLOCKS = {
    "plain": ("34.0.0", "image_plain"),
    "specs": ("34.0.0", "many_extra_specs"),
    "props": ("34.0.0", "image_props"),
    "volume": ("34.0.0", "volume_boot"),
    "unnamed": ("31.3.1", "none_name"),
    "volume-31": ("31.3.1", "volume_boot"),
    "ports": ("29.4.0", "ports_v4_v6_floating"),
    "unicode": ("23.0.0", "unicode_xml_name"),
    "old": ("15.1.5", "many_extra_specs"),
    "old-volume": ("15.1.5", "volume_boot"),
}
VM_STATES = {"running": "running", "paused": "paused", "shutoff": "shutdown"}
STATUSES = {"running": "active", "paused": "paused", "shutoff": "stopped"}

View = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def host() -> Iterator[ComputeHost]:
    with ComputeHost() as host:
        for number, (name, golden) in enumerate(BLOCKS.items(), 1):
            host.define(domains.nova_guest(name, uuid(number), golden_block(*golden)))
        both = [
            golden_block("15.1.5", "image_plain", name="before"),
            golden_block("34.0.0", "image_plain"),
        ]
        host.define(domains.nova_guest("both", uuid(20), *both))
        host.start("specs")
        host.start("old", paused=True)
        # Guests that are no instances.
        host.define(domains.nova_guest("unstamped", uuid(30)))
        host.define(domains.ovirt_guest("vm", uuid(31)))
        host.define(domains.plain_guest("web", uuid(32)))
        yield host


@pytest.fixture(scope="module")
def theirs(host: ComputeHost) -> View:
    return discover_as_ceilometer(host.uri)


@pytest.fixture(scope="module")
def ours(host: ComputeHost) -> View:
    everyone = documents_on(host.uri)
    return {record["uuid"]: record for record in everyone.values() if record["kind"] == "nova"}


def test_both_find_the_same_instances(ours: View, theirs: View) -> None:
    assert set(ours) == set(theirs)
    assert len(ours) == len(BLOCKS) + 1


def test_both_know_them_by_the_same_names(ours: View, theirs: View) -> None:
    for key, server in theirs.items():
        # An empty name is None to Ceilometer.
        assert server["name"] == (ours[key]["instance"]["name"] or None)
        assert server["OS-EXT-SRV-ATTR:instance_name"] == ours[key]["domain"]


def test_both_see_the_same_state(ours: View, theirs: View) -> None:
    assert {record["state"] for record in ours.values()} == set(STATUSES)
    for key, server in theirs.items():
        assert server["OS-EXT-STS:vm_state"] == VM_STATES[ours[key]["state"]]
        assert server["status"] == STATUSES[ours[key]["state"]]


def test_both_give_them_the_same_owner(ours: View, theirs: View) -> None:
    for key, server in theirs.items():
        owner = ours[key]["instance"]["owner"]
        assert server["user_id"] == owner["user"]["id"]
        assert server["tenant_id"] == owner["project"]["id"]


def test_both_read_the_same_flavor(ours: View, theirs: View) -> None:
    for key, server in theirs.items():
        flavor = ours[key]["instance"]["flavor"]
        expected = {
            # Before Nova 32 the block has no id, and Ceilometer asks Nova; here the name is left.
            "id": flavor["id"] or flavor["name"],
            "name": flavor["name"],
            "vcpus": flavor["vcpus"],
            "ram": flavor["memory_mib"],
            "disk": flavor["disk_gib"],
            "ephemeral": flavor["ephemeral_gib"],
            "swap": flavor["swap_mib"],
        }
        if flavor["extra_specs"] is not None:
            specs = flavor["extra_specs"].items()
            expected["extra_specs"] = {name: value or None for name, value in specs}
        assert server["flavor"] == expected


def test_both_read_the_same_image(ours: View, theirs: View) -> None:
    for key, server in theirs.items():
        root = ours[key]["instance"]["root"]
        image = {"id": root["uuid"]} if root and root["type"] == "image" else None
        assert server["image"] == image


def test_both_read_the_same_about_the_image(ours: View, theirs: View) -> None:
    compared = 0
    for key, server in theirs.items():
        image = ours[key]["instance"]["image"]
        if image is None:
            assert "image_meta" not in server
            continue
        compared += 1
        expected = {
            "base_image_ref": image["uuid"],
            "container_format": image["container_format"],
            "disk_format": image["disk_format"],
            "min_disk": image["min_disk_gib"],
            "min_ram": image["min_ram_mib"],
            **image["properties"],
        }
        # Ceilometer keeps numbers as text, and leaves out what the block does not hold.
        assert server["image_meta"] == {
            name: str(value) for name, value in expected.items() if value is not None
        }
    assert compared == 5
