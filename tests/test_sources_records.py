"""The records read from each sample, and from each form that a value can have."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests import strategies
from virsh_nova.facts import facts_of
from virsh_nova.model import Address, Block, Guest, Instance
from virsh_nova.render.document import as_json, as_yaml, guest_document
from virsh_nova.sources.items import Input
from virsh_nova.sources.records import read_records, records_in

API = Path(__file__).parent / "data" / "api"
NOVA = API / "nova"
CLIENT = API / "openstack"

TWONETS = "be7be897-985a-4c19-82be-8b4b6f724c3f"
LINUX = "958db557-081e-4e39-9eda-eca7b3b7bb97"
VOLBOOT = "70d245ce-f0a7-47a9-a58e-cf1c0e719f85"
BIG = "52f64f5b-1a9c-43ba-bf17-8ec082e69a50"
LONG_NAME = "aabfae75-b1be-45d7-a54f-4c5f6c93c46c"
UUID = "8dabf68e-2eb7-4728-afea-875e75365e14"
BLANK = "ddda906b-56d9-43ca-bf25-26ff31a61e32"


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
    "owner.user.id": "1082a8a6dab742f580ff92dbbd2bb479",
    "owner.project.id": "03edb9b2d97144b3ba1926701905d2cf",
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
    "image.uuid": BLANK,
    "root.type": "image",
    "root.uuid": BLANK,
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
def test_a_server_in_each_microversion(version: str, expected: dict[str, Any]) -> None:
    path = str(NOVA / f"servers_detail_{version}.json")
    found = read_records(path)
    assert len(found) == 7
    record = next(record for record in found if record.uuid == TWONETS)
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
    (record,) = (record for record in found if record.uuid == VOLBOOT)
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


def test_only_the_wanted_have_facts() -> None:
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
        (TWONETS, {"image.uuid": BLANK, "root.type": "image", "root.uuid": BLANK}),
        (VOLBOOT, {"image.uuid": "", "root.type": "volume"}),
    ],
)
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_server_show(uuid: str, image: dict[str, str], form: str) -> None:
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


def test_server_list() -> None:
    found = {r.uuid: r for r in read_records(str(CLIENT / "server_list_allprojects.json"))}
    assert len(found) == 7
    assert found[VOLBOOT].facts == {
        "name": "vm-volboot",
        "flavor.name": "lab.tiny",
        "image.uuid": "",
        "root.type": "volume",
        "owner.project.id": OWNER["owner.project.id"],
    }
    assert found[TWONETS].facts["root.type"] == "image"
    assert not {"image.uuid", "root.uuid"} & found[TWONETS].facts.keys()
    assert found[TWONETS].hosts == ()


def test_server_list_long_is_the_same_as_json_and_yaml() -> None:
    as_json, as_yaml = (
        read_records(str(CLIENT / f"server_list_allprojects_long.{form}"))
        for form in ("json", "yaml")
    )
    assert [r._replace(source="") for r in as_json] == [r._replace(source="") for r in as_yaml]
    (record,) = (record for record in as_json if record.uuid == TWONETS)
    assert record.facts == {
        "name": "vm-twonets",
        "flavor.name": "lab.tiny",
        "image.uuid": BLANK,
        "root.type": "image",
        "root.uuid": BLANK,
        "owner.project.id": OWNER["owner.project.id"],
    }
    assert record.hosts == ("vm",)


def test_the_id_alone_makes_a_row() -> None:
    (record,) = records([{"ID": UUID}])
    assert (record.uuid, record.facts, record.unnamed) == (UUID, {}, False)


def test_every_column_of_a_row() -> None:
    (record,) = records(
        [
            {
                "ID": UUID.upper().replace("-", ""),
                "Name": "",
                "Flavor Name": "m1.small",
                "Flavor ID": "2",
                "Image ID": BLANK,
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
        "image.uuid": BLANK,
        "root.type": "image",
        "root.uuid": BLANK,
        "owner.user.id": "u",
        "owner.project.id": "p",
    }


def test_rows_without_name_lookup() -> None:
    (record,) = records([{"ID": UUID, "Image": BLANK, "Flavor": BLANK}])
    assert record.facts == {
        "flavor.id": BLANK,
        "image.uuid": BLANK,
        "root.type": "image",
        "root.uuid": BLANK,
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
def test_a_flavor_in_any_shape(flavor: Any, expected: dict[str, Any]) -> None:
    assert facts(flavor=flavor) == {"name": "web-1", **expected}


IMAGE = {"image.uuid": BLANK, "root.type": "image", "root.uuid": BLANK}
VOLUME = {"image.uuid": "", "root.type": "volume"}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (f"blank ({BLANK})", IMAGE),
        (f"a (b) ({BLANK})", IMAGE),
        (BLANK, IMAGE),
        ({"id": BLANK.upper()}, IMAGE),
        ({"id": BLANK, "properties": {}}, {**IMAGE, "image.properties": {}}),
        ("", VOLUME),
        ("N/A (booted from volume)", VOLUME),
        ({"id": None}, VOLUME),
        (None, {}),
    ],
)
def test_an_image_in_any_shape(image: Any, expected: dict[str, Any]) -> None:
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
    kept = facts(image={"id": BLANK, "properties": properties})["image.properties"]
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
def test_names(view: dict[str, Any], unnamed: bool, expected: dict[str, Any]) -> None:
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
def test_wrappings(text: str, count: int) -> None:
    text = text.replace("UUID", UUID)
    found = records_in(Input(text.encode(), "f"))
    assert records_in(Input(text.encode("utf-16"), "f")) == found
    assert [record.uuid for record in found] == [UUID] * count
    assert [record.place for record in found] == [f"item {n + 1}" for n in range(count)]


def guest_of(instance: Instance | None, host: str | None = "h") -> Guest:
    return Guest(
        host, UUID, "d", None, "shutoff", "nova", "nova", (),
        block=None if instance is None else Block(instance.namespace, "", instance),
    )  # fmt: skip


def test_guests_without_a_block_give_no_record() -> None:
    instance = Instance("urn:x")
    documents = [guest_document(guest_of(None)), guest_document(guest_of(instance))]
    (record,) = records(documents)
    assert (record.place, record.namespace, record.facts) == ("item 2", "urn:x", {})
    assert record.unnamed
    assert record.hosts == ("h",)
    assert records([guest_document(guest_of(Instance("urn:x", name="")))])[0].unnamed
    assert not records([guest_document(guest_of(Instance("urn:x", name="x")))])[0].unnamed
    assert records(documents[1])[0].hosts == ("h",)


sizes = st.none() | st.integers(min_value=0, max_value=10**18 - 1)
addresses = st.builds(
    Address,
    type=strategies.maybe(strategies.texts()),
    address=st.none() | st.ip_addresses().map(str),
    version=st.none() | st.sampled_from((4, 6)),
)


@st.composite
def sane_instances(draw: st.DrawFn) -> Instance:
    """Any instance but those with negative sizes and with addresses that are none."""
    instance = draw(strategies.instances)
    if instance.flavor is not None:
        numbers = ("memory_mib", "disk_gib", "swap_mib", "ephemeral_gib", "vcpus")
        flavor = instance.flavor._replace(**{name: draw(sizes) for name in numbers})
        instance = instance._replace(flavor=flavor)
    if instance.image is not None:
        numbers = ("min_disk_gib", "min_ram_mib")
        image = instance.image._replace(**{name: draw(sizes) for name in numbers})
        instance = instance._replace(image=image)
    if instance.ports is not None:
        instance = instance._replace(
            ports=tuple(
                port._replace(ips=tuple(draw(addresses) for _ in port.ips))
                for port in instance.ports
            )
        )
    return instance


@given(instance=sane_instances(), ascii_only=st.booleans(), one_a_line=st.booleans())
def test_our_document_gives_back_the_facts(
    instance: Instance, ascii_only: bool, one_a_line: bool
) -> None:
    document = [guest_document(guest_of(instance))]
    for text in (
        as_json(document, one_a_line=one_a_line, ascii_only=ascii_only),
        as_yaml(document, ascii_only=ascii_only),
    ):
        (record,) = records_in(Input(text.encode(), "f"))
        assert record.facts == facts_of(instance)
        assert record.namespace == instance.namespace
        assert record.uuid == UUID
