"""Untrusted JSON and YAML: one line for what is neither, and bounds for bombs."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import yaml

from tests.support.paths import API
from tests.support.records import ENDLESS, complaint
from virsh_nova.errors import NovaDomainsError
from virsh_nova.inputs import yaml as yaml_text
from virsh_nova.inputs.objects import Input
from virsh_nova.sources.read import read_records, records_in

SAMPLES = sorted(path for path in API.rglob("*") if path.is_file())
UUID = "8dabf68e-2eb7-4728-afea-875e75365e14"
OTHER = "ddda906b-56d9-43ca-bf25-26ff31a61e32"

# ---- neither JSON nor YAML, or too much of it ----


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"id": "x"', "f: invalid JSON: truncated"),
        ('{"servers": [', "f: invalid JSON: truncated"),
        ('[{"id": "x",}]', "f: invalid JSON: trailing comma in object (byte 12)"),
        ("[] x", "f: invalid JSON: trailing characters (byte 4)"),
        ("[]\n[", "f: invalid JSON: truncated"),
        ("[" * ENDLESS, "f: invalid JSON: nested too deeply"),
        (b'[{"id": "\xff"}]', "f: item 1: not UTF-8"),
        (b"\xff\xfe[", "f: neither JSON nor YAML: not UTF-16"),
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
        ("id: !!int x", "f: invalid YAML: expected a number, got text 'x' (line 1, column 5)"),
        ("id: !!float .nan", "f: invalid YAML: expected a number, got text '.nan' (line 1, "),
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
def test_text_that_is_not_a_document_is_one_line(text: str | bytes, message: str) -> None:
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


def test_a_cycle_of_aliases_is_refused() -> None:
    assert "an alias refers to a collection that contains it" in complaint("a: &a {b: &b [*a]}")


def test_more_nodes_than_memory_is_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "MOST_NODES", 1000)
    assert yaml_text.json_of_yaml(b"- x\n" * 999, "f")
    with pytest.raises(NovaDomainsError, match="more than 1000 keys and values"):
        yaml_text.json_of_yaml(b"- x\n" * 1000, "f")


def test_keys_are_text_and_the_last_of_equal_ones_counts() -> None:
    text = b"{010: a, true: b, ~: c, '<<': d, &k key: e, *k : f, 2026-11-22: g, 010: h}"
    assert json.loads(yaml_text.json_of_yaml(text, "f")) == {
        "010": "h", "true": "b", "~": "c", "<<": "d", "key": "f", "2026-11-22": "g",
    }  # fmt: skip


def test_a_huge_text_is_read() -> None:
    text = "x" * 20_000_000
    assert json.loads(yaml_text.json_of_yaml(f"a: {text}".encode(), "f")) == {"a": text}


@pytest.mark.parametrize("deep", ["- " * 100_000, "{a: " * 50_000, "? " * 100_000])
@pytest.mark.parametrize("loader", [yaml_text._Loader, PythonLoader])
def test_deep_nesting_is_refused(deep: str, loader: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "_Loader", loader)
    with pytest.raises(NovaDomainsError, match="nested deeper than 100 levels"):
        yaml_text.json_of_yaml(b"x: [" + deep.encode() if "{" in deep else deep.encode(), "f")


def test_yaml_is_read_without_libyaml_too(monkeypatch: pytest.MonkeyPatch) -> None:
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
