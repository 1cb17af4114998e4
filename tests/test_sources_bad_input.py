"""Unusable files: the error is one line, with the file, the item and the field."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from virsh_nova.errors import EXIT_FAILED, NovaDomainsError
from virsh_nova.sources import text as sources_text
from virsh_nova.sources import yaml_text
from virsh_nova.sources.catalog_files import catalog_of
from virsh_nova.sources.items import Input
from virsh_nova.sources.records import read_records, records_in

API = Path(__file__).parent / "data" / "api"
SAMPLES = sorted(path for path in API.rglob("*") if path.is_file())
UUID = "8dabf68e-2eb7-4728-afea-875e75365e14"
OTHER = "ddda906b-56d9-43ca-bf25-26ff31a61e32"


def complaint(data: bytes | str | Any) -> str:
    if not isinstance(data, bytes | str):
        data = json.dumps(data)
    if isinstance(data, str):
        data = data.encode()
    with pytest.raises(NovaDomainsError) as caught:
        records_in(Input(data, "f"))
    assert type(caught.value) is NovaDomainsError
    assert caught.value.exit_code == EXIT_FAILED
    assert caught.value.message.isprintable()
    return caught.value.message


def read_complaint(path: Path | str) -> str:
    with pytest.raises(NovaDomainsError) as caught:
        read_records(str(path))
    return caught.value.message


# ---- the file ----


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "servers.json"
    assert read_complaint(path) == f"{path}: cannot read: No such file or directory"


def test_a_path_with_a_null_byte() -> None:
    assert read_complaint("a\0b") == "a\0b: cannot read: embedded null byte"


def test_a_directory_and_a_device(tmp_path: Path) -> None:
    assert read_complaint(tmp_path) == f"{tmp_path}: a directory, not a file"
    assert read_complaint("/dev/zero") == "/dev/zero: neither a file nor a pipe"


def test_a_file_that_cannot_be_read() -> None:
    # Root may read everything else.
    assert read_complaint("/proc/self/mem") == "/proc/self/mem: cannot read: Input/output error"


@pytest.mark.parametrize("content", [b"", b" \n\t\n"])
def test_an_empty_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    assert read_complaint(path) == f"{path}: empty"


def test_a_file_of_200_mb(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    assert read_complaint(path) == f"{path}: too large: 200 MiB, and the limit is 100 MiB"


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b'[{"id": "%s"}]' % UUID.encode()))
    (record,) = read_records("-")
    assert (record.uuid, record.source) == (UUID, "stdin")


def test_standard_input_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources_text, "LARGEST", 2**20)
    monkeypatch.setattr(sys, "stdin", Stdin(b"x" * (2**20 + 1)))
    assert read_complaint("-") == "stdin: too large: more than 1 MiB"


def test_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(f'[{{"id": "{UUID}"}}]',))
    writer.start()
    (record,) = read_records(str(path))
    writer.join()
    assert record.uuid == UUID


# ---- neither JSON nor YAML, or too much of it ----


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"id": "x"', "f: invalid JSON: truncated"),
        ('{"servers": [', "f: invalid JSON: truncated"),
        ('[{"id": "x",}]', "f: invalid JSON: trailing comma in object (byte 12)"),
        ("[] x", "f: invalid JSON: trailing characters (byte 4)"),
        ("[]\n[", "f: invalid JSON: truncated"),
        ("[" * 200_000, "f: invalid JSON: nested too deeply"),
        (b'[{"id": "\xff"}]', "f: item 1: not UTF-8"),
        (b"\xff\xfe[", "f: neither JSON nor YAML: truncated data"),
        (b"\x80\x81", "f: neither JSON nor YAML: invalid leading UTF-8 octet"),
        ("a: b: c", "f: invalid YAML: mapping values are not allowed in this context"),
        (
            "- 'x",
            "f: invalid YAML: while scanning a quoted scalar, found unexpected end of stream",
        ),
        ("\0", "f: neither JSON nor YAML: control characters are not allowed"),
        (
            "--- 1\n--- 2\n",
            "f: invalid YAML: expected a single document in the stream, "
            "but found another document (line 2, column 1)",
        ),
        (
            "- " * 101 + "x",
            "f: invalid YAML: nested deeper than 100 levels (line 1, column 199)",
        ),
        (
            "&a [*a]",
            "f: invalid YAML: an alias refers to a collection that contains it (line 1, column 1)",
        ),
        ("id: !!python/object:os.system x", "f: invalid YAML: the tag tag:yaml.org,2002:p"),
        ("!<a%0a> x", "f: invalid YAML: the tag a\\n is not supported"),
        ("id: !!set {a}", "f: invalid YAML: the tag tag:yaml.org,2002:set is not supported"),
        ("id: !!int x", "f: invalid YAML: could not convert string to float: 'x'"),
        ("id: !!float .nan", "f: invalid YAML: could not convert string to float: '.nan'"),
        ("id: !!float nan", "f: invalid YAML: the number is too large (line 1, column 5)"),
        ("id: !!bool yes", "f: invalid YAML: expected true or false (line 1, column 5)"),
        ("id: !!map [a]", "f: invalid YAML: expected a mapping (line 1, column 5)"),
        ("id: !!seq {a: b}", "f: invalid YAML: expected a list (line 1, column 5)"),
        ("id: !!str [a]", "f: invalid YAML: expected a scalar node, but found sequence"),
        ("id: !!int [a]", "f: invalid YAML: expected a scalar node, but found sequence"),
        ("{? [a] : b}: x", "f: invalid JSON"),
        ("x: {[a]: b}", "f: invalid YAML: a key is not plain text (line 1, column 5)"),
        (
            "x: &a {b: c}\ny: {<<: *a}",
            "f: invalid YAML: merge keys (<<) are not supported (line 2, column 5)",
        ),
        ("id: 1e999", "f: invalid YAML: the number is too large (line 1, column 5)"),
        ("id: " + "9" * 5000, "f: invalid YAML: the number is too long (line 1, column 5)"),
        ("&a a: *b", "f: invalid YAML: found undefined alias"),
        ("# only a remark", "f: unsupported format"),
    ],
)
def test_text_that_is_not_a_document(text: str | bytes, message: str) -> None:
    assert complaint(text).startswith(message)


def test_a_yaml_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    assert complaint("\n".join(lines)) == (
        "f: invalid YAML: aliases expand it to far more than the file holds (line 5, column 5)"
    )


def test_a_large_text_that_is_repeated_is_a_bomb_too() -> None:
    bomb = f"- &a {'x' * 500_000}\n" + "- *a\n" * 1000
    assert "aliases expand it to far more than the file holds" in complaint(bomb)


def test_a_chain_of_aliases_is_nesting_too() -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 1300))
    assert "nested deeper than 100 levels (line 99, " in complaint(chain)


def test_a_text_that_begins_as_a_number_takes_no_longer_than_others() -> None:
    begin = time.perf_counter()
    assert complaint(f"id: {'9' * 5_000_000}x").endswith("…'")
    # Going back over every digit would take hours.
    assert time.perf_counter() - begin < 10


class PythonLoader(yaml_text.BoundedRules, yaml.SafeLoader):
    pass


def test_a_cycle_of_aliases() -> None:
    assert "an alias refers to a collection that contains it" in complaint("a: &a {b: &b [*a]}")


def test_more_nodes_than_memory_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "MOST_NODES", 1000)
    assert yaml_text.json_of_yaml(b"- x\n" * 999, "f")
    with pytest.raises(NovaDomainsError, match="more than 1000 keys and values"):
        yaml_text.json_of_yaml(b"- x\n" * 1000, "f")


def test_keys_are_text_and_the_last_of_equal_ones_counts() -> None:
    text = b"{010: a, true: b, ~: c, '<<': d, &k key: e, *k : f, 2026-11-22: g, 010: h}"
    assert json.loads(yaml_text.json_of_yaml(text, "f")) == {
        "010": "h", "true": "b", "~": "c", "<<": "d", "key": "f", "2026-11-22": "g",
    }  # fmt: skip


def test_a_huge_text() -> None:
    text = "x" * 20_000_000
    assert json.loads(yaml_text.json_of_yaml(f"a: {text}".encode(), "f")) == {"a": text}


@pytest.mark.parametrize("deep", ["- " * 100_000, "{a: " * 50_000, "? " * 100_000])
@pytest.mark.parametrize("loader", [yaml_text._Loader, PythonLoader])
def test_deep_nesting(deep: str, loader: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "_Loader", loader)
    with pytest.raises(NovaDomainsError, match="nested deeper than 100 levels"):
        yaml_text.json_of_yaml(b"x: [" + deep.encode() if "{" in deep else deep.encode(), "f")


def test_yaml_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "_Loader", PythonLoader)
    path = API / "openstack" / "server_list_allprojects_long.yaml"
    assert len(read_records(str(path))) == 7
    assert complaint("a: b: c").startswith("f: invalid YAML: mapping values are not allowed")
    assert complaint("\0").startswith("f: neither JSON nor YAML: special characters")
    assert complaint(b"\x80").startswith("f: neither JSON nor YAML: invalid start byte")


def test_yaml_scalars_are_what_json_has() -> None:
    text = (
        "[yes, no, true, null, ~, 010, 0x1f, 1:30, 52:54:00:12:34:56, 2026-11-22T05:22:34Z, "
        "1.5, -3, '64', 10.2.0.59, .inf, !!str 12, !!int 12, !!timestamp 2026-11-22, \"\\e\"]"
    )
    assert json.loads(yaml_text.json_of_yaml(text.encode(), "f")) == [
        "yes", "no", True, None, None, 10, "0x1f", "1:30", "52:54:00:12:34:56",
        "2026-11-22T05:22:34Z", 1.5, -3, "64", "10.2.0.59", ".inf", "12", 12, "2026-11-22", "\x1b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("hello", "f: unsupported format"),
        ("<html><body>401</body></html>", "f: unsupported format"),
        ('{"itemNotFound": {"code": 404}}', "f: unsupported format"),
        ([1], "f: item 1: expected an object, got number 1"),
        (["x"], "f: item 1: expected an object, got text 'x'"),
        ([None], "f: item 1: expected an object, got null"),
        ([{"name": "x"}], "f: item 1: unsupported format"),
        ([{"uuid": UUID, "name": "x"}], "f: item 1: unsupported format"),
        ({"servers": {}}, "f: servers: expected a list, got an object"),
        ({"server": []}, "f: item 1: expected an object, got a list"),
    ],
)
def test_unknown_shapes(value: Any, message: str) -> None:
    assert complaint(value) == message


def test_the_hint_lists_the_supported_formats() -> None:
    with pytest.raises(NovaDomainsError) as caught:
        records_in(Input(b"{}", "f"))
    assert "GET /servers/detail" in caught.value.hint
    assert "\n" not in caught.value.hint


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
def test_an_invalid_uuid(record: Any, message: str) -> None:
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


def test_a_large_number_in_yaml() -> None:
    assert json.loads(yaml_text.json_of_yaml(b"- " + b"9" * 400, "f")) == [int("9" * 400)]
    found = complaint(f"id: {UUID}\nflavor: {{ram: {'9' * 400}}}")
    assert found.endswith("flavor.ram: too large: a number of more than 18 digits")


def test_a_duplicate_key() -> None:
    found = complaint(f'[{{"id": "{UUID}", "flavor": {{"ram": "x", "ram": 1}}}}]')
    assert found == f"f: item 1 ({UUID}): flavor.ram: expected a number, got number 1"


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e400"])
def test_numbers_out_of_range(number: str) -> None:
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
