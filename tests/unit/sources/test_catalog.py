"""The files that give names, sizes and ports for ids, and what they add to a record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import paths
from tests.support.paths import API
from virsh_nova.errors import NovaDomainsError
from virsh_nova.inputs.objects import Input
from virsh_nova.model import Address, Port
from virsh_nova.parse import parse_domain
from virsh_nova.sources.catalog import Catalog, Name, complete
from virsh_nova.sources.catalog_files import catalog_of, read_catalog
from virsh_nova.sources.read import read_records
from virsh_nova.sources.record import Record

NOVA = API / "nova"
CLIENT = API / "openstack"

TWONETS = "be7be897-985a-4c19-82be-8b4b6f724c3f"
LINUX = "958db557-081e-4e39-9eda-eca7b3b7bb97"
VOLBOOT = "70d245ce-f0a7-47a9-a58e-cf1c0e719f85"
UUID = "8dabf68e-2eb7-4728-afea-875e75365e14"
IMAGE = "ddda906b-56d9-43ca-bf25-26ff31a61e32"
RICH = "888b6825-42a3-4891-844b-56023eae7d5e"
DEMO = "03edb9b2d97144b3ba1926701905d2cf"


def catalog_input(value: Any, source: str = "f") -> list[Input]:
    return [Input(json.dumps(value).encode(), source)]


def whole() -> Catalog:
    return read_catalog(
        users=[str(NOVA / "users.json")],
        projects=[str(NOVA / "projects.json")],
        flavors=[str(NOVA / "flavors.json")],
        images=[str(NOVA / "images.json")],
        ports=[str(NOVA / "ports.json")],
    )


def record(**facts: Any) -> Record:
    return Record(UUID, "s", {key.replace("__", "."): fact for key, fact in facts.items()})


# ---- the files ----


@pytest.mark.parametrize("kind", ["user", "project"])
def test_names_are_the_same_in_the_raw_answer_and_the_clients_list(kind: str) -> None:
    def names(path: Path) -> dict[str, str]:
        catalog = read_catalog(**{f"{kind}s": [str(path)]})
        return {id_: entry.name for id_, entry in getattr(catalog, f"{kind}s").items()}

    listed = CLIENT / f"{kind}_list.json"
    raw = names(NOVA / f"{kind}s.json")
    assert len(raw) >= 4
    assert names(listed) == raw
    as_yaml = [Input(yaml.safe_dump(json.loads(listed.read_text())).encode(), "y")]
    assert getattr(catalog_of(**{f"{kind}s": as_yaml}), f"{kind}s") == {
        id_: Name(name, "y") for id_, name in raw.items()
    }


def test_flavors_are_the_same_in_the_raw_answer_and_the_clients_list() -> None:
    raw = read_catalog(flavors=[str(NOVA / "flavors.json")])
    listed = read_catalog(flavors=[str(CLIENT / "flavor_list_all_long.json")])
    assert raw.flavors["dc5b0af2-fd23-42db-af1c-89696368572e"].facts == {
        "flavor.id": "dc5b0af2-fd23-42db-af1c-89696368572e",
        "flavor.name": "lab.big x",
        "flavor.memory_mib": 128,
        "flavor.disk_gib": 2,
        "flavor.swap_mib": 64,
        "flavor.ephemeral_gib": 1,
        "flavor.vcpus": 1,
        "flavor.extra_specs": {
            "hw_rng:allowed": "True",
            "quota:disk_total_iops_sec": "1000",
            "hw:watchdog_action": "disabled",
            "quota:cpu_shares": "512",
            "aggregate_note": "free form: <x> & y",
        },
    }
    assert raw.flavors["1"].facts["flavor.swap_mib"] == 0
    assert {id_: entry.facts for id_, entry in raw.flavors.items()} == {
        id_: entry.facts for id_, entry in listed.flavors.items()
    }
    assert raw.flavors_by_name["lab.tiny"].facts == raw.flavors["1"].facts


def test_a_flavor_that_is_shown_and_lists_of_little() -> None:
    shown = {
        "id": "1", "name": "m1", "ram": 64, "swap": 0, "OS-FLV-EXT-DATA:ephemeral": 0,
        "properties": {"a": "b"},
    }  # fmt: skip
    assert catalog_of(flavors=catalog_input(shown)).flavors["1"].facts == {
        "flavor.id": "1",
        "flavor.name": "m1",
        "flavor.memory_mib": 64,
        "flavor.swap_mib": 0,
        "flavor.ephemeral_gib": 0,
        "flavor.extra_specs": {"a": "b"},
    }
    old = {"ID": "1", "Name": "m1", "RAM": 64, "Swap": "", "Properties": "a='b'"}
    assert catalog_of(flavors=catalog_input([old])).flavors["1"].facts == {
        "flavor.id": "1",
        "flavor.name": "m1",
        "flavor.memory_mib": 64,
        "flavor.swap_mib": 0,
    }


def test_a_flavors_name_that_is_not_unique_gives_nothing() -> None:
    flavors = [{"id": "1", "name": "a"}, {"id": "2", "name": "a"}, {"id": "3", "name": "b"}]
    catalog = catalog_of(flavors=catalog_input(flavors))
    assert list(catalog.flavors_by_name) == ["b"]
    # The same flavor in two files is one flavor; the later file counts.
    twice = catalog_of(
        flavors=[*catalog_input([flavors[2]]), *catalog_input([flavors[2] | {"ram": 1}], "later")]
    )
    assert twice.flavors_by_name["b"].source == "later"
    assert twice.flavors["3"].facts["flavor.memory_mib"] == 1


def test_images() -> None:
    images = read_catalog(images=[str(NOVA / "images.json")]).images
    assert images[IMAGE].facts == {
        "image.container_format": "bare",
        "image.disk_format": "qcow2",
        "image.min_disk_gib": 0,
        "image.min_ram_mib": 0,
        "image.properties": {},
    }
    assert images[RICH].facts["image.min_ram_mib"] == 32
    assert images[RICH].facts["image.properties"] == {
        "hw_architecture": "x86_64",
        "hw_disk_bus": "virtio",
        "hw_qemu_guest_agent": "yes",
        "hw_rng_model": "virtio",
        "hw_vif_model": "virtio",
        "hw_video_ram": "16",
        "os_admin_user": "root",
        "os_distro": "ubuntu",
        "os_require_quiesce": "true",
        "os_type": "linux",
    }


def test_images_of_the_client() -> None:
    row = {"ID": IMAGE, "Name": "blank", "Disk Format": "qcow2", "Container Format": "bare"}
    assert catalog_of(images=catalog_input([row])).images[IMAGE].facts == {
        "image.container_format": "bare",
        "image.disk_format": "qcow2",
    }
    shown = {"id": IMAGE, "disk_format": None, "min_ram": 5, "properties": {"hw_video_ram": 16}}
    assert catalog_of(images=catalog_input(shown)).images[IMAGE].facts == {
        "image.min_ram_mib": 5,
        "image.properties": {"hw_video_ram": "16"},
    }


def test_ports_are_those_of_servers() -> None:
    catalog = read_catalog(ports=[str(NOVA / "ports.json")])
    assert {server: len(ports) for server, ports in catalog.ports.items()} == {
        "52f64f5b-1a9c-43ba-bf17-8ec082e69a50": 1,
        LINUX: 1,
        VOLBOOT: 1,
        TWONETS: 2,
        "ae175593-e6d0-4e66-ae11-32165b579335": 2,
    }
    assert len(catalog.port_uuids) == 11
    older, newer = catalog.ports["ae175593-e6d0-4e66-ae11-32165b579335"]
    assert older.created < newer.created
    assert older.ips == (Address("fixed", "10.2.0.88", 4),)


# ---- what cannot be used ----


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("users", {"projects": []}, "f: unsupported format"),
        ("users", [{"id": "1"}], "f: item 1 (1): name: missing"),
        ("users", [{"ID": "1", "Name": 2}], "f: item 1 (1): Name: expected text, got number 2"),
        (
            "projects",
            {"projects": [{"id": "1", "name": "a\x1b"}]},
            "f: item 1 (1): name: XML cannot hold the character U+001B at position 2",
        ),
        (
            "flavors",
            {"flavors": [{"id": "1"}, {"id": "2", "ram": "64"}]},
            "f: item 2 (2): ram: expected a number, got text '64'",
        ),
        (
            "flavors",
            {"flavors": [{"id": "1", "swap": "64"}]},
            "f: item 1 (1): swap: expected a number, got text '64'",
        ),
        (
            "flavors",
            {"flavors": [{"id": "1", "disk": -1}]},
            "f: item 1 (1): disk: must not be negative: number -1",
        ),
        ("images", [{"id": "x"}], "f: item 1 (x): id: expected a uuid, got text 'x'"),
        (
            "images",
            [{"id": IMAGE, "os_type": ["x"]}],
            f"f: item 1 ({IMAGE}): properties.os_type: expected text, got a list",
        ),
        (
            "ports",
            [{"id": IMAGE, "device_id": UUID, "fixed_ips": [{"ip_address": "x"}]}],
            f"f: item 1 ({IMAGE}): fixed_ips[0].ip_address: expected an IP address, got text 'x'",
        ),
        ("ports", [{"id": IMAGE}], f"f: item 1 ({IMAGE}): device_id: missing"),
        (
            "ports",
            [{"ID": IMAGE, "Name": "", "MAC Address": "fa:16:3e:00:00:01", "Status": "ACTIVE"}],
            "f: openstack port list does not show which server a port belongs to",
        ),
    ],
)
def test_one_line_says_what_is_wrong(kind: str, value: Any, message: str) -> None:
    with pytest.raises(NovaDomainsError) as caught:
        catalog_of(**{kind: catalog_input(value)})
    assert caught.value.message == message


def test_the_hint_says_how_to_list_ports() -> None:
    with pytest.raises(NovaDomainsError) as caught:
        catalog_of(ports=catalog_input([{"ID": IMAGE}]))
    assert "/v2.0/ports" in caught.value.hint


def test_interfaces_of_a_server_do_not_name_the_server() -> None:
    with pytest.raises(NovaDomainsError, match="unsupported format"):
        read_catalog(ports=[str(NOVA / f"os-interface_{TWONETS}.json")])


# ---- filling in ----


def test_an_empty_catalog_changes_nothing() -> None:
    first = record(name="x", flavor__id="1", owner__user__id="2", root__uuid=IMAGE)
    assert complete(first, Catalog()) is first


def test_the_records_own_facts_are_kept() -> None:
    given = record(
        owner__user__id="b94b1d6aedf6410d84fd4c759d37aade",
        owner__user__name="",
        flavor__id="1",
        flavor__extra_specs={"a": "b"},
        ports=(),
    )
    done = complete(given, whole())
    assert given.facts.items() <= done.facts.items()
    assert done.origins.keys() == done.facts.keys() - given.facts.keys()


def test_a_flavor_of_other_sizes_is_another_flavor() -> None:
    catalog = whole()
    by_name = record(flavor__name="lab.tiny", flavor__memory_mib=64, flavor__vcpus=1)
    assert complete(by_name, catalog).facts["flavor.id"] == "1"
    other = record(flavor__name="lab.tiny", flavor__memory_mib=65)
    assert complete(other, catalog) is other
    renamed = record(flavor__id="1", flavor__name="lab.small")
    assert complete(renamed, catalog) is renamed


def test_the_disk_that_an_image_needs_is_at_least_the_flavors() -> None:
    catalog = whole()
    by_root = record(root__type="image", root__uuid=RICH, flavor__disk_gib=20)
    done = complete(by_root, catalog)
    assert done.facts["image.min_disk_gib"] == 20
    assert done.facts["image.uuid"] == RICH
    small = record(image__uuid=RICH, flavor__disk_gib=0)
    assert complete(small, catalog).facts["image.min_disk_gib"] == 1
    # Nova writes the larger of two; one alone may be the smaller.
    assert "image.min_disk_gib" not in complete(record(image__uuid=RICH), catalog).facts
    volume = record(image__uuid="", root__type="volume")
    assert complete(volume, catalog) is volume


REAL = paths.REAL / "files" / "etc" / "libvirt" / "qemu"


@pytest.mark.parametrize("version", ["2.1", "2.46", "2.47", "2.100"])
@pytest.mark.parametrize(
    ("uuid", "domain"), [(TWONETS, "nova-lab-00000002"), (LINUX, "nova-lab-00000006")]
)
def test_the_whole_is_what_nova_wrote(version: str, uuid: str, domain: str) -> None:
    path = REAL / f"{domain}.xml"
    instance = parse_domain(path.read_text()).blocks[0].instance
    assert instance is not None
    from virsh_nova.block.facts import facts_of

    wrote = facts_of(instance)
    (found,) = (
        record
        for record in read_records(str(NOVA / f"servers_detail_{version}.json"))
        if record.uuid == uuid
    )
    done = complete(found, whole())
    # The API has no release; the time is of another event; Nova adds properties of its own.
    aside = {"package", "created", "image.properties"}
    facts = {key: fact for key, fact in done.facts.items() if key not in aside}
    expected = {key: fact for key, fact in wrote.items() if key not in aside}
    assert facts == expected
    if version == "2.100":
        # The block of the second guest is older than the properties that Nova added.
        assert done.facts["image.properties"].items() >= wrote["image.properties"].items()
    assert done.origins["owner.user.name"] == str(NOVA / "users.json")
    assert done.origins["owner.project.name"] == str(NOVA / "projects.json")
    assert done.origins["ports"] == str(NOVA / "ports.json")
    assert done.origins["image.min_disk_gib"] == str(NOVA / "images.json")
    from_flavors = {key for key, file in done.origins.items() if file.endswith("flavors.json")}
    assert ("flavor.vcpus" in from_flavors) == (version in ("2.1", "2.46"))
    assert ("flavor.id" in from_flavors) == (version in ("2.47", "2.100"))


def test_ports_without_the_servers_view_are_oldest_first() -> None:
    bare = Record(TWONETS, "s", {})
    ports = complete(bare, whole()).facts["ports"]
    assert ports == (
        Port("4bb8ce1b-d083-40d2-99db-dfddf8f0dc38", (Address("fixed", "10.2.0.85", 4),)),
        Port(
            "d45a9119-51ab-4167-9a28-45423db6ad61",
            (
                Address("fixed", "10.1.0.131", 4),
                Address("fixed", "2001:db8:1:0:f816:3eff:fe6c:67b4", 6),
            ),
        ),
    )
    assert "ports" not in complete(Record(UUID, "s", {}), whole()).facts


def test_rows_of_the_client_get_ids_and_sizes_by_the_flavors_name() -> None:
    catalog = read_catalog(
        projects=[str(CLIENT / "project_list.json")],
        flavors=[str(CLIENT / "flavor_list_all_long.json")],
    )
    found = read_records(str(CLIENT / "server_list_allprojects_long.json"))
    (row,) = (record for record in found if record.uuid == TWONETS)
    facts = complete(row, catalog).facts
    assert facts["flavor.id"] == "1"
    assert facts["flavor.memory_mib"] == 64
    assert facts["owner.project.name"] == "demo-project"
    assert facts["owner.project.id"] == DEMO
