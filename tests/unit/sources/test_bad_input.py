"""Unusable files: the error is one line, with the file, the item and the field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.paths import API
from tests.support.records import complaint
from virsh_nova.errors import NovaDomainsError
from virsh_nova.inputs import yaml as yaml_text
from virsh_nova.inputs.objects import Input
from virsh_nova.sources.catalog_files import catalog_of
from virsh_nova.sources.read import read_records, records_in

SAMPLES = sorted(path for path in API.rglob("*") if path.is_file())
UUID = "8dabf68e-2eb7-4728-afea-875e75365e14"
OTHER = "ddda906b-56d9-43ca-bf25-26ff31a61e32"


def read_complaint(path: Path | str) -> str:
    with pytest.raises(NovaDomainsError) as caught:
        read_records(str(path))
    return caught.value.message


# ---- an item ----


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"id": "vm-1"}, "(vm-1): id: expected a uuid, got text 'vm-1'"),
        ({"id": UUID + "0"}, f"({UUID}0): id: expected a uuid, got text '{UUID}0'"),
        ({"id": "\x1b[1m"}, "('\\x1b[1m'): id: expected a uuid, got text '\\x1b[1m'"),
        ({"id": 3}, "id: expected text, got number 3"),
        ({"id": None}, "id: expected text, got null"),
        ({"ID": "x"}, "(x): ID: expected a uuid, got text 'x'"),
        ({"uuid": "x", "instance": {"namespace": ""}}, "(x): uuid: expected a uuid, got text 'x'"),
    ],
)
def test_a_uuid_that_is_not_one_is_refused(record: Any, message: str) -> None:
    assert complaint([{"id": OTHER}, record]) == (
        f"f: item 2{'' if message.startswith('id') else ' '}{message}".replace(
            "item 2id", "item 2: id"
        )
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": 3}, "name: expected text, got number 3"),
        (
            {"name": "web\x1b[31m"},
            "name: XML cannot hold the character U+001B at position 4",
        ),
        ({"name": "\ud800"}, ""),
        ({"name": "a\uffff"}, "name: XML cannot hold the character U+FFFF at position 2"),
        ({"flavor": {"ram": "64"}}, "flavor.ram: expected a number, got text '64'"),
        ({"flavor": {"ram": 1.5}}, "flavor.ram: expected a number, got number 1.5"),
        ({"flavor": {"ram": True}}, "flavor.ram: expected a number, got true"),
        ({"flavor": {"ram": -1}}, "flavor.ram: must not be negative: number -1"),
        ({"flavor": {"ram": 10**18}}, "flavor.ram: too large: a number of more than 18 digits"),
        ({"flavor": []}, "flavor: expected text or an object, got a list"),
        ({"flavor": "ram='x', original_name='m1'"}, "flavor.ram: expected a number, got text 'x'"),
        (
            {"flavor": {"extra_specs": {"a": "x", "b": 1}}},
            "flavor.extra_specs.b: expected text, got number 1",
        ),
        (
            {"flavor": {"extra_specs": {"a": "x", "b": "y\0"}}},
            "flavor.extra_specs.b: XML cannot hold the character U+0000 at position 2",
        ),
        (
            {"flavor": {"extra_specs": {"b\b": ""}}},
            "flavor.extra_specs: key: XML cannot hold the character U+0008 at position 2",
        ),
        (
            {"flavor": {"original_name": "\x0b"}},
            "flavor.original_name: XML cannot hold the character U+000B at position 1",
        ),
        ({"image": {"id": "x"}}, "image.id: expected a uuid, got text 'x'"),
        ({"image": 1}, "image: expected text or an object, got number 1"),
        (
            {"image": "blank"},
            "image: expected a uuid, a name with its uuid, or nothing, got text 'blank'",
        ),
        (
            {"created": "yesterday"},
            "created: expected a date and time such as 2026-11-22T05:22:34Z, got text 'yesterday'",
        ),
        (
            {"created": "2026-11-22T24:00:00Z"},
            "created: expected a date and time such as 2026-11-22T05:22:34Z, "
            "got text '2026-11-22T24:00:00Z'",
        ),
        (
            {"OS-SRV-USG:launched_at": "2026-13-22T05:22:34"},
            "OS-SRV-USG:launched_at: expected a date and time such as 2026-11-22T05:22:34Z, "
            "got text '2026-13-22T05:22:34'",
        ),
        (
            {"created": "0001-01-01T00:00:00+02:00"},
            "created: expected a date and time such as 2026-11-22T05:22:34Z, "
            "got text '0001-01-01T00:00:00+02:00'",
        ),
        ({"user_id": 1}, "user_id: expected text, got number 1"),
        (
            {"tenant_id": "\x01"},
            "tenant_id: XML cannot hold the character U+0001 at position 1",
        ),
        (
            {
                "addresses": {
                    "net": [
                        "10.0.0.3",
                        {
                            "addr": "10.0.0.300",
                            "OS-EXT-IPS:type": "fixed",
                            "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01",
                        },
                    ]
                }
            },
            "addresses.net[1].addr: expected an IP address, got text '10.0.0.300'",
        ),
        ({"addresses": {"a": [], "b": [{}]}}, "addresses[...][0].addr: missing"),
        ({"addresses": {"b": 1}}, "addresses.b: expected a list, got number 1"),
        ({"image": "x" * 100}, ""),
        (
            {"flavor": {"extra_specs": {"a\n\x9b": 1}}},
            "flavor.extra_specs.a\\n\\x9b: expected text, got number 1",
        ),
        ({"flavor": {"extra_specs": {"a" * 1000: 1}}}, ""),
    ],
)
def test_a_field_that_cannot_be_a_fact(fields: dict[str, Any], message: str) -> None:
    found = complaint({"servers": [{"id": OTHER}, {"id": UUID, **fields}]})
    assert len(found) < 300
    if message:
        assert found == f"f: item 2 ({UUID}): {message}"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "\x1b"}, "instance.name: XML cannot hold the character U+001B at position 1"),
        ({"namespace": None}, "instance.namespace: expected text, got null"),
        ({"flavor": {"vcpus": "2"}}, "instance.flavor.vcpus: expected a number, got text '2'"),
        ({"flavor": {"vcpus": -2}}, "instance.flavor.vcpus: must not be negative: number -2"),
        (
            {"owner": {"user": {"name": "\x1b"}}},
            "instance.owner.user.name: XML cannot hold the character U+001B at position 1",
        ),
        ({"owner": {"user": "alice"}}, "instance.owner.user: expected an object, got text 'alice'"),
        (
            {"image": {"properties": {"a": True}}},
            "instance.image.properties.a: expected text, got true",
        ),
        ({"ports": {}}, "instance.ports: expected a list, got an object"),
        (
            {"ports": [{"uuid": "\x1b"}]},
            "instance.ports[0].uuid: XML cannot hold the character U+001B at position 1",
        ),
        (
            {"ports": [{"ips": [{"address": "fe80::1::2"}]}]},
            "instance.ports[0].ips[0].address: expected an IP address, got text 'fe80::1::2'",
        ),
        (
            {"ports": [{}, {"ips": [{}, {"version": "4"}]}]},
            "instance.ports[1].ips[1].version: expected a number, got text '4'",
        ),
        (
            {"created": "2026-11-22"},
            "instance.created: expected a date and time such as 2026-11-22T05:22:34Z, "
            "got text '2026-11-22'",
        ),
    ],
)
def test_a_field_of_our_document(fields: dict[str, Any], message: str) -> None:
    guest = {"uuid": UUID, "instance": {"namespace": "urn:x", **fields}}
    assert complaint([guest]) == f"f: item 1 ({UUID}): {message}"


def test_a_namespace_that_is_missing() -> None:
    assert complaint([{"uuid": UUID, "instance": {}}]) == (
        f"f: item 1 ({UUID}): instance.namespace: missing"
    )


def test_a_large_number_in_yaml_is_read_and_refused_as_a_size() -> None:
    assert json.loads(yaml_text.json_of_yaml(b"- " + b"9" * 400, "f")) == [int("9" * 400)]
    found = complaint(f"id: {UUID}\nflavor: {{ram: {'9' * 400}}}")
    assert found.endswith("flavor.ram: too large: a number of more than 18 digits")


def test_a_key_that_is_there_twice_is_one_line() -> None:
    found = complaint(f'[{{"id": "{UUID}", "flavor": {{"ram": "x", "ram": 1}}}}]')
    assert found == f"f: item 1 ({UUID}): flavor.ram: expected a number, got number 1"


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e400"])
def test_numbers_that_nothing_can_hold_are_one_short_line(number: str) -> None:
    found = complaint(f'[{{"id": "{UUID}", "flavor": {{"ram": {number}}}}}]')
    assert found.startswith("f: item 1")
    assert "flavor.ram: " in found
    assert len(found) < 150


# ---- anything at all ----

SAMPLE_TEXTS = [path.read_bytes() for path in SAMPLES]


def use(data: bytes) -> None:
    """May only raise our own error, and that in one line."""
    given = Input(data, "f")
    for read in (
        lambda: records_in(given),
        lambda: catalog_of(users=[given]),
        lambda: catalog_of(flavors=[given]),
        lambda: catalog_of(images=[given]),
        lambda: catalog_of(ports=[given]),
    ):
        message = None
        try:
            read()
        except NovaDomainsError as error:
            message = error.message
        if message is not None:
            assert message.startswith("f: ")
            assert "\n" not in message


@given(st.binary())
@example(b"{}")
@example(b"[[]]")
def test_any_bytes(data: bytes) -> None:
    use(data)


@given(st.text(alphabet=st.sampled_from("[]{}:,-&*!|>'\"\n \t#?ab1~\\")))
def test_any_yaml(text: str) -> None:
    use(text.encode())


@given(st.data())
def test_samples_with_bytes_changed(data: st.DataObject) -> None:
    sample = bytearray(data.draw(st.sampled_from(SAMPLE_TEXTS)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(sample) - 1))
        sample[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    use(bytes(sample))


@given(st.data())
def test_samples_cut_short(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(SAMPLE_TEXTS))
    use(sample[: data.draw(st.integers(0, len(sample)))])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


def mutate(value: Any, data: st.DataObject) -> Any:
    """The value, with one of its parts at any depth replaced by another."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 9)):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: mutate(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 9)):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], mutate(value[place], data), *value[place + 1 :]]
    return data.draw(values)


OBJECTS = [json.loads(path.read_text()) for path in SAMPLES if path.suffix == ".json"]


@given(st.data())
def test_samples_with_values_changed(data: st.DataObject) -> None:
    value = mutate(data.draw(st.sampled_from(OBJECTS)), data)
    use(json.dumps(value).encode())
    use(yaml.safe_dump(value).encode())


def test_a_file_of_nothing_but_commas_is_refused_before_it_becomes_gigabytes(
    tmp_path: Path,
) -> None:
    file = tmp_path / "commas.json"
    file.write_bytes(b"[" + b"1," * 4_000_001 + b"1]")
    with pytest.raises(NovaDomainsError, match="too many values for a list of servers"):
        read_records(str(file))
