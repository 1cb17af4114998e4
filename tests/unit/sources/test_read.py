"""The records read from each sample, and from each form that a value can have."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
import yaml

from tests.support.answers import (
    BLANK_IMAGE,
    CLIENT,
    LINUX,
    NOVA,
    PROJECT,
    TWO_NETWORKS,
    USER,
    VOLUME_BOOT,
)
from virsh_nova.inputs.objects import Input
from virsh_nova.model import Address
from virsh_nova.sources.read import read_records, records_in

BIG = "52f64f5b-1a9c-43ba-bf17-8ec082e69a50"
LONG_NAME = "aabfae75-b1be-45d7-a54f-4c5f6c93c46c"
UUID = "8dabf68e-2eb7-4728-afea-875e75365e14"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def records(value: Any) -> tuple:
    return records_in(Input(json.dumps(value).encode(), "f.json"))


def server(**changes: Any) -> dict[str, Any]:
    return {"id": UUID, "name": "web-1", **changes}


def facts(**changes: Any) -> dict[str, Any]:
    (record,) = records({"server": server(**changes)})
    return dict(record.facts)


OWNER = {
    "owner.user.id": USER,
    "owner.project.id": PROJECT,
}
TINY = {
    "flavor.name": "lab.tiny",
    "flavor.memory_mib": 64,
    "flavor.disk_gib": 1,
    "flavor.swap_mib": 0,
    "flavor.ephemeral_gib": 0,
    "flavor.vcpus": 1,
    "flavor.extra_specs": {},
}
DEFAULTS = {
    "hw_cdrom_bus": "ide",
    "hw_disk_bus": "virtio",
    "hw_input_bus": "usb",
    "hw_machine_type": "pc",
    "hw_pointer_model": "usbtablet",
    "hw_video_model": "virtio",
    "hw_vif_model": "virtio",
}
IN_2_1 = {
    "name": "vm-twonets",
    "created": moment("2026-11-22T05:22:34"),
    "flavor.id": "1",
    "image.uuid": BLANK_IMAGE,
    "root.type": "image",
    "root.uuid": BLANK_IMAGE,
    **OWNER,
}
IN_2_47 = {key: fact for key, fact in IN_2_1.items() if key != "flavor.id"} | TINY


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.1", IN_2_1),
        ("2.46", IN_2_1),
        ("2.47", IN_2_47),
        ("2.100", IN_2_47 | {"image.properties": DEFAULTS}),
    ],
)
def test_a_server_is_read_in_each_microversion(version: str, expected: dict[str, Any]) -> None:
    path = str(NOVA / f"servers_detail_{version}.json")
    found = read_records(path)
    assert len(found) == 7
    record = next(record for record in found if record.uuid == TWO_NETWORKS)
    assert record.facts == expected
    assert record.hosts == ("labhost", "vm")
    assert (record.source, record.place, record.unnamed) == (path, "item 6", False)
    assert record.addresses == {
        "fa:16:3e:6c:67:b4": (
            Address("fixed", "2001:db8:1:0:f816:3eff:fe6c:67b4", 6),
            Address("fixed", "10.1.0.131", 4),
        ),
        "fa:16:3e:41:71:e9": (Address("fixed", "10.2.0.85", 4),),
    }


@pytest.mark.parametrize("version", ["2.1", "2.46", "2.47", "2.100"])
def test_a_boot_from_volume_has_no_root_uuid(version: str) -> None:
    found = read_records(str(NOVA / f"servers_detail_{version}.json"))
    (record,) = (record for record in found if record.uuid == VOLUME_BOOT)
    assert record.facts["root.type"] == "volume"
    assert record.facts["image.uuid"] == ""
    assert "root.uuid" not in record.facts
    assert "image.properties" not in record.facts


def test_hostile_names_and_all_sizes_come_through() -> None:
    found = {r.uuid: r for r in read_records(str(NOVA / "servers_detail_2.100.json"))}
    assert found[BIG].facts["name"] == "Ünïçødé <vm> & \"q\" 'a' 日本語"
    assert found[BIG].facts["flavor.swap_mib"] == 64
    assert found[BIG].facts["flavor.ephemeral_gib"] == 1
    assert found[BIG].facts["flavor.extra_specs"]["aggregate_note"] == "free form: <x> & y"
    properties = found[LONG_NAME].facts["image.properties"]
    assert properties["hw_architecture"] == "x86_64"
    assert "architecture" not in properties
    assert properties["hw_qemu_guest_agent"] == "yes"
    assert next(iter(properties)) == "hw_architecture"


def test_only_the_wanted_records_have_facts() -> None:
    found = read_records(str(NOVA / "servers_detail_2.100.json"), {LINUX})
    assert [record.uuid for record in found if record.facts] == [LINUX]
    assert [record.uuid for record in found if record.addresses] == [LINUX]
    assert len(found) == 7
    assert all(record.hosts == ("labhost", "vm") for record in found)
    rows = read_records(str(CLIENT / "server_list_allprojects.json"), {LINUX})
    assert [record.uuid for record in rows if record.facts] == [LINUX]


@pytest.mark.parametrize(
    ("uuid", "image"),
    [
        (TWO_NETWORKS, {"image.uuid": BLANK_IMAGE, "root.type": "image", "root.uuid": BLANK_IMAGE}),
        (VOLUME_BOOT, {"image.uuid": "", "root.type": "volume"}),
    ],
)
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_server_show_gives_every_fact(uuid: str, image: dict[str, str], form: str) -> None:
    text = (CLIENT / f"server_show_{uuid}.json").read_text()
    if form == "yaml":
        text = yaml.safe_dump(json.loads(text))
    (record,) = records_in(Input(text.encode(), "f"))
    assert record.uuid == uuid
    assert record.hosts == ("labhost", "vm")
    assert record.addresses == {}
    assert record.facts.keys() == {"name", "created", *TINY, *image, *OWNER}
    assert image.items() <= record.facts.items()
    # The flavor's "id" is its name there.
    assert TINY.items() <= record.facts.items()
    assert OWNER.items() <= record.facts.items()


def test_server_list_gives_what_its_rows_show() -> None:
    found = {r.uuid: r for r in read_records(str(CLIENT / "server_list_allprojects.json"))}
    assert len(found) == 7
    assert found[VOLUME_BOOT].facts == {
        "name": "vm-volboot",
        "flavor.name": "lab.tiny",
        "image.uuid": "",
        "root.type": "volume",
        "owner.project.id": OWNER["owner.project.id"],
    }
    assert found[TWO_NETWORKS].facts["root.type"] == "image"
    assert not {"image.uuid", "root.uuid"} & found[TWO_NETWORKS].facts.keys()
    assert found[TWO_NETWORKS].hosts == ()


def test_server_list_long_is_the_same_as_json_and_yaml() -> None:
    as_json, as_yaml = (
        read_records(str(CLIENT / f"server_list_allprojects_long.{form}"))
        for form in ("json", "yaml")
    )
    assert [r._replace(source="") for r in as_json] == [r._replace(source="") for r in as_yaml]
    (record,) = (record for record in as_json if record.uuid == TWO_NETWORKS)
    assert record.facts == {
        "name": "vm-twonets",
        "flavor.name": "lab.tiny",
        "image.uuid": BLANK_IMAGE,
        "root.type": "image",
        "root.uuid": BLANK_IMAGE,
        "owner.project.id": OWNER["owner.project.id"],
    }
    assert record.hosts == ("vm",)


def test_a_row_needs_only_its_id() -> None:
    (record,) = records([{"ID": UUID}])
    assert (record.uuid, record.facts, record.unnamed) == (UUID, {}, False)


def test_every_column_of_a_row_becomes_a_fact() -> None:
    (record,) = records(
        [
            {
                "ID": UUID.upper().replace("-", ""),
                "Name": "",
                "Flavor Name": "m1.small",
                "Flavor ID": "2",
                "Image ID": BLANK_IMAGE,
                "User ID": "u",
                "Project ID": "p",
                "Host": "h",
                "Created At": "2026-11-22T05:22:34Z",
            }
        ]
    )
    assert record.uuid == UUID
    assert record.unnamed
    assert record.hosts == ("h",)
    assert record.facts == {
        "name": "",
        "created": moment("2026-11-22T05:22:34"),
        "flavor.name": "m1.small",
        "flavor.id": "2",
        "image.uuid": BLANK_IMAGE,
        "root.type": "image",
        "root.uuid": BLANK_IMAGE,
        "owner.user.id": "u",
        "owner.project.id": "p",
    }


def test_rows_without_name_lookup_give_ids() -> None:
    (record,) = records([{"ID": UUID, "Image": BLANK_IMAGE, "Flavor": BLANK_IMAGE}])
    assert record.facts == {
        "flavor.id": BLANK_IMAGE,
        "image.uuid": BLANK_IMAGE,
        "root.type": "image",
        "root.uuid": BLANK_IMAGE,
    }


@pytest.mark.parametrize(
    ("flavor", "expected"),
    [
        ("m1 (old) (1)", {"flavor.name": "m1 (old)", "flavor.id": "1"}),
        ("1", {"flavor.id": "1"}),
        ("", {}),
        (None, {}),
        ({}, {}),
        ({"id": "1", "links": []}, {"flavor.id": "1"}),
        ({"id": "m1", "original_name": "m1", "ram": None}, {"flavor.name": "m1"}),
        (
            "disk='1', ephemeral='0', extra_specs.hw:x='y', original_name='m1', ram='64'",
            {
                "flavor.name": "m1",
                "flavor.disk_gib": 1,
                "flavor.ephemeral_gib": 0,
                "flavor.memory_mib": 64,
            },
        ),
    ],
)
def test_a_flavor_is_read_in_any_shape(flavor: Any, expected: dict[str, Any]) -> None:
    assert facts(flavor=flavor) == {"name": "web-1", **expected}


IMAGE = {"image.uuid": BLANK_IMAGE, "root.type": "image", "root.uuid": BLANK_IMAGE}
VOLUME = {"image.uuid": "", "root.type": "volume"}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (f"blank ({BLANK_IMAGE})", IMAGE),
        (f"a (b) ({BLANK_IMAGE})", IMAGE),
        (BLANK_IMAGE, IMAGE),
        ({"id": BLANK_IMAGE.upper()}, IMAGE),
        ({"id": BLANK_IMAGE, "properties": {}}, {**IMAGE, "image.properties": {}}),
        ("", VOLUME),
        ("N/A (booted from volume)", VOLUME),
        ({"id": None}, VOLUME),
        (None, {}),
    ],
)
def test_an_image_is_read_in_any_shape(image: Any, expected: dict[str, Any]) -> None:
    assert facts(image=image) == {"name": "web-1", **expected}


def test_the_current_name_of_a_property_counts_and_unknown_ones_go() -> None:
    properties = {
        "os_type": "linux",
        "hw_architecture": "x86_64",
        "architecture": "i686",
        "my_custom": "x",
        "block_device_mapping": "[]",
        "trait:CUSTOM_A": "required",
        "trait:CUSTOM_B": "forbidden",
        "os_command_line": "ä" * 200,
    }
    kept = facts(image={"id": BLANK_IMAGE, "properties": properties})["image.properties"]
    assert kept == {
        "hw_architecture": "x86_64",
        "os_command_line": "ä" * 127,
        "os_type": "linux",
        "traits_required": "['CUSTOM_A']",
    }


def test_the_creation_is_the_last_start_or_else_the_birth() -> None:
    assert facts(created="2026-11-22T05:22:30Z")["created"] == moment("2026-11-22T05:22:30")
    launched = {"OS-SRV-USG:launched_at": "2026-11-22T05:22:34.999999"}
    assert facts(created="nonsense", **launched)["created"] == moment("2026-11-22T05:22:34")
    launched = {"OS-SRV-USG:launched_at": None}
    assert facts(created="2026-11-22T06:22:30+01:00", **launched)["created"] == moment(
        "2026-11-22T05:22:30"
    )


@pytest.mark.parametrize(
    ("view", "unnamed", "expected"),
    [
        ({"id": UUID, "name": None}, True, {}),
        ({"id": UUID, "name": ""}, True, {"name": ""}),
        ({"id": UUID, "name": " x\t"}, False, {"name": " x\t"}),
        # The server's cell is down: nothing is known of the name.
        ({"id": UUID, "status": "UNKNOWN"}, False, {}),
    ],
)
def test_a_null_or_empty_name_is_unnamed_and_a_missing_one_is_unknown(
    view: dict[str, Any], unnamed: bool, expected: dict[str, Any]
) -> None:
    (record,) = records([view])
    assert (record.unnamed, record.facts) == (unnamed, expected)


@pytest.mark.parametrize(
    "addresses",
    [
        "net=10.0.0.3, 203.0.113.1; other=10.1.0.3",
        {"net": ["10.0.0.3", "203.0.113.1"]},
        {"net": [{"version": 4, "addr": "10.0.0.3"}]},
        {"net": [{"addr": "10.0.0.3", "OS-EXT-IPS:type": "fixed"}]},
        {},
        None,
    ],
)
def test_addresses_that_may_be_floating_ones_are_left_out(addresses: Any) -> None:
    (record,) = records([server(addresses=addresses)])
    assert record.addresses == {}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("[]", 0),
        ('{"servers": []}', 0),
        ('[{"id": "UUID"}]', 1),
        ('{"server": {"id": "UUID"}}', 1),
        ('\ufeff {"id": "UUID"}', 1),
        ('[\n{"id": "UUID"}\n]\n[]\n[\n{"ID": "UUID"}\n]\n', 2),
        ('{"id": "UUID"}\n{"id": "UUID"}\n', 2),
        ('{"servers": [{"id": "UUID"}]}\n{"servers": [{"id": "UUID"}]}', 2),
        ("- id: UUID\n- ID: UUID\n", 2),
        ("servers:\n- &a {id: UUID}\n- *a\n", 2),
        ("---\nid: UUID\n...\n", 1),
    ],
)
def test_a_list_an_object_and_several_documents_give_the_same_records(
    text: str, count: int
) -> None:
    text = text.replace("UUID", UUID)
    found = records_in(Input(text.encode(), "f"))
    assert records_in(Input(text.encode("utf-16"), "f")) == found
    assert [record.uuid for record in found] == [UUID] * count
    assert [record.place for record in found] == [f"item {n + 1}" for n in range(count)]
