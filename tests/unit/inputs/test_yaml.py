"""YAML means what JSON can say, and its aliases cannot fill the memory."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.support.paths import API
from tests.support.records import complaint
from virsh_nova.inputs import yaml as yaml_text
from virsh_nova.sources.read import read_records

UUID = "8dabf68e-2eb7-4728-afea-875e75365e14"


def test_a_yaml_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    assert complaint("\n".join(lines)) == (
        "f: is not valid YAML: its aliases stand for far more than it holds (line 6, column 25)"
    )


def test_a_large_text_that_is_repeated_is_a_bomb_too() -> None:
    bomb = f"- &a {'x' * 500_000}\n" + "- *a\n" * 1000
    assert "its aliases stand for far more than it holds" in complaint(bomb)


def test_yaml_is_read_without_libyaml_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "_LOADER", yaml.SafeLoader)
    path = API / "openstack" / "server_list_allprojects_long.yaml"
    assert len(read_records(str(path))) == 7
    assert complaint("a: b: c").startswith("f: is not valid YAML: mapping values are not allowed")
    assert complaint("\0").startswith("f: is neither JSON nor YAML: special characters")
    assert complaint(b"\x80").startswith("f: is neither JSON nor YAML: invalid start byte")


def test_yaml_scalars_are_what_json_has() -> None:
    text = (
        "[yes, no, true, null, ~, 010, 0x1f, 1:30, 52:54:00:12:34:56, 2026-11-22T05:22:34Z, "
        "1.5, -3, '64', 10.2.0.59, .inf, !!str 12, !!int 12, !!timestamp 2026-11-22, \"\\e\"]"
    )
    assert json.loads(yaml_text.json_of_yaml(text.encode(), "f")) == [
        "yes", "no", True, None, None, 10, "0x1f", "1:30", "52:54:00:12:34:56",
        "2026-11-22T05:22:34Z", 1.5, -3, "64", "10.2.0.59", ".inf", "12", 12, "2026-11-22", "\x1b",
    ]  # fmt: skip


def test_a_large_number_in_yaml_is_read_and_refused_as_a_size() -> None:
    assert json.loads(yaml_text.json_of_yaml(b"- " + b"9" * 400, "f")) == [int("9" * 400)]
    found = complaint(f"id: {UUID}\nflavor: {{ram: {'9' * 400}}}")
    assert found.endswith("flavor.ram: is too large: a number of more than 18 digits")
