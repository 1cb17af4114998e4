"""`-f jsonl` and `list --full`: what they print, and who reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import command, environment, nova_domains, output
from tests.support.embedded import block, make_host, nova, uuid_of

HOSTILE = "two\nlines \u2028 \x85 \u202e end"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_host(
        tmp_path_factory.mktemp("host"), *(nova(1 + n, block(f"web-{n}")) for n in range(3)),
        nova(9, block(HOSTILE)),
    )  # fmt: skip


def without_moments(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two runs read at two moments, and a host counts how long it took."""
    moving = ("read_at", "age_seconds", "seconds")
    return [{key: one[key] for key in one if key not in moving} for one in documents]


def lines(text: str) -> list[dict[str, Any]]:
    """An object each, and a line break after each."""
    assert text == "" or text.endswith("\n")
    return without_moments([json.loads(line) for line in text.split("\n")[:-1]])


def array(text: str) -> list[dict[str, Any]]:
    return without_moments(json.loads(text))


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("list", "--full"),
        ("list", "-c", "name", "-c", "uuid"),
        ("show", uuid_of(1), uuid_of(9)),
        ("show", "-c", "name", uuid_of(9)),
        ("hosts",),
    ],
)
def test_jsonl_is_the_same_an_object_a_line(host: str, arguments: tuple[str, ...]) -> None:
    as_lines = output("-c", host, *arguments, "-f", "jsonl")
    assert lines(as_lines) == array(output("-c", host, *arguments, "-f", "json"))
    # Whatever a name holds, splitlines() of Python and of others finds the same lines.
    assert as_lines.splitlines() == as_lines.split("\n")[:-1]


def test_no_guest_is_no_line(host: str) -> None:
    assert output("-c", host, "list", "--name", "none", "-f", "jsonl") == ""


def test_jsonl_on_a_terminal_that_is_not_utf8_is_ascii(host: str) -> None:
    text = output("-c", host, "list", "-f", "jsonl", PYTHONIOENCODING="ascii")
    assert text.isascii()
    assert HOSTILE in [one["instance"]["name"] for one in lines(text)]


def test_a_reader_of_jsonl_may_stop_early(host: str) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" | head -1', "sh", *command("-c", host, "list", "--full", "-f", "jsonl")],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("format_", ["json", "jsonl", "yaml"])
def test_full_has_for_every_guest_what_show_has(host: str, format_: str) -> None:
    import yaml

    def read(text: str) -> list[dict[str, Any]]:
        return without_moments(yaml.safe_load(text)) if format_ == "yaml" else (
            lines(text) if format_ == "jsonl" else array(text)
        )  # fmt: skip

    listed = read(output("-c", host, "list", "--full", "-f", format_))
    uuids = [one["uuid"] for one in listed]
    assert sorted(uuids) == sorted(map(uuid_of, (1, 2, 3, 9)))
    assert listed == read(output("-c", host, "show", "-f", format_, *uuids))
    assert all(one["hardware"] and one["definitions"] for one in listed)


def test_full_takes_the_filters_and_the_order(host: str) -> None:
    text = output(
        "-c", host, "list", "--full", "--name", "web-*", "--sort-column", "name",
        "--sort-descending", "-f", "jsonl",
    )  # fmt: skip
    assert [one["instance"]["name"] for one in lines(text)] == ["web-2", "web-1", "web-0"]


@pytest.mark.parametrize("format_", ["table", "csv", "value"])
def test_full_does_not_fit_into_columns(host: str, format_: str) -> None:
    done = nova_domains("-c", host, "list", "--full", "-f", format_)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--full goes with -f json, jsonl or yaml, not with -f {format_}" in done.stderr
    done = nova_domains("-c", host, "list", "--full", "-f", "json", "-c", "name")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--full prints everything and -c a few columns: give one of them" in done.stderr


def test_a_saved_jsonl_answers_like_the_host(host: str, tmp_path: Path) -> None:
    saved = tmp_path / "saved.jsonl"
    saved.write_text(output("-c", host, "list", "--full", "-f", "jsonl"), encoding="utf-8")
    for arguments in (("list", "-f", "csv"), ("show", "-f", "xml", "web-1"), ("whose", "web-2")):
        done = nova_domains("--files", str(saved), *arguments)
        assert (done.returncode, done.stdout) == (0, output("-c", host, *arguments))


def test_stamp_takes_facts_from_jsonl(host: str, tmp_path: Path) -> None:
    saved = tmp_path / "saved.jsonl"
    saved.write_text(output("-c", host, "list", "-f", "jsonl"), encoding="utf-8")
    bare = make_host(tmp_path, nova(1), nova(2))
    done = nova_domains("-c", bare, "stamp", "--all", "--from", str(saved), "-n", "-f", "json")
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("web-0", "web-1"))


def test_full_reads_a_live_host_without_the_decoder(host: str) -> None:
    words = command("-c", host, "list", "--full", "-f", "jsonl")[1:]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "virsh_nova.hosts.libvirt.connection" in imported
    assert not {name for name in imported if name.startswith(("msgspec", "yaml"))}
