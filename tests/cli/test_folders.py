"""`--files FOLDER` on the command line: answers, exit codes, and what is said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import libvirt
import pytest

from tests.support.command import nova_domains, output, the_error
from tests.support.embedded import block, make_host, nova, uuid_of
from tests.support.moments import without_moments

ADDRESS = (
    "<nova:owner><nova:project uuid='p1'>acme</nova:project></nova:owner>"
    "<nova:ports><nova:port uuid='58294a90-c1b8-4f1a-b323-691b19f9cbef'>"
    "<nova:ip type='fixed' address='10.20.0.{}' ipVersion='4'/></nova:port></nova:ports>"
)


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str]:
    """URIs of two embedded hosts."""
    uris = []
    for number, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        guest = nova(number, block(f"web-{number}", ADDRESS.format(number)))
        uris.append(make_host(tmp_path / name, guest, nova(5 + number)))
    return uris[0], uris[1]


@pytest.fixture
def full(two: tuple[str, str], tmp_path: Path) -> Path:
    """What list --full prints of each of them, in a folder. Both have the name of this machine."""
    folder = tmp_path / "saved"
    folder.mkdir()
    for number, format_ in enumerate(("json", "jsonl")):
        text = output("-c", two[number], "list", "--full", "-f", format_)
        (folder / f"cmp-{number}.{format_}").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def saved(full: Path) -> Path:
    """The same, each host with a name of its own."""
    for path in full.iterdir():
        text = re.sub('"host": "[^"]*"', f'"host": "{path.stem}"', path.read_text())
        path.write_text(text, encoding="utf-8")
    return full


MACHINE = libvirt.open("test:///default").getHostname()


def without_hosts(text: str, command: str) -> object:
    """What is told apart by hosts alone: of two libvirts of one name the second gets a label, two
    documents of one name are of one host, and no stamp reaches what is in files."""
    if command == "check":
        return sorted((finding["uuid"], finding["code"]) for finding in json.loads(text))
    text = re.sub(r' \(test:[^"]*\)"', '"', without_moments(text))
    text = re.sub(r',\s*"host_guessed": true', "", text)
    return re.sub(rf'(?m)^"(host|{re.escape(MACHINE)})",', "", text)


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--long", "-f", "csv"),
        ("list", "--full", "-f", "jsonl", "--project", "acme"),
        ("show", "-f", "json", "web-0", "web-1", uuid_of(5)),
        ("whose", "-f", "json", "10.20.0.1", "web-0", uuid_of(6)),
        ("check", "--severity", "note", "-f", "json"),
    ],
)
def test_a_folder_of_full_lists_answers_as_the_hosts(
    two: tuple[str, str], full: Path, arguments: tuple[str, ...]
) -> None:
    live = nova_domains("-c", two[0], "-c", two[1], *arguments)
    read = nova_domains("--files", str(full), *arguments)
    assert read.returncode == live.returncode
    answers = [without_hosts(text, arguments[0]) for text in (live.stdout, read.stdout)]
    assert answers[0]
    assert answers[1] == answers[0]
    warning, note = read.stderr.splitlines()
    assert "is in several entries (cmp-0.json, cmp-1.jsonl)" in warning
    assert note.startswith(
        f"nova-domains: note: read from {full}, not from libvirt: 4 guests on 2 "
    )


def test_hosts_shows_each_host_with_its_file(saved: Path) -> None:
    rows = output("-q", "--files", str(saved), "hosts", "-f", "value", "-c", "host", "-c", "source")
    assert rows == f"cmp-0\t{saved}/cmp-0.json\ncmp-1\t{saved}/cmp-1.jsonl\n"


def test_a_bad_entry_makes_the_run_fail_and_the_others_are_shown(saved: Path) -> None:
    (saved / "cut.json").write_text((saved / "cmp-0.json").read_text()[:200])
    (saved / "README").write_text("x")
    done = nova_domains("--files", str(saved), "list", "-f", "value", "-c", "host", "-c", "name")
    assert done.returncode == 1
    assert done.stdout == "cmp-0\tweb-0\ncmp-1\tweb-1\ncmp-0\t-\ncmp-1\t-\n"
    assert done.stderr.splitlines()[:2] == [
        f"nova-domains: warning: 1 of 3 hosts was not read: {saved}/cut.json: invalid JSON: "
        "truncated",
        f"nova-domains: warning: {saved}: skipped 1 of 4 entries: README",
    ]
    done = nova_domains("--files", str(saved), "hosts", "-f", "json")
    assert done.returncode == 1
    assert [host["error"] for host in json.loads(done.stdout)] == [
        None, None, "invalid JSON: truncated",
    ]  # fmt: skip
    done = nova_domains("--files", str(saved), "check", "-f", "nagios", "--severity", "error")
    assert done.stdout.startswith("NOVA-DOMAINS UNKNOWN - nothing found; 1 of 3 hosts was not read")


def test_a_folder_without_a_host_exits_with_3(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("x")
    for command in ("list", "check", "hosts"):
        done = nova_domains("--files", str(tmp_path), command)
        assert done.returncode == 3
        assert "looked for" in done.stderr
    assert "README" in the_error(nova_domains("--files", str(tmp_path), "list").stderr)


def test_a_folder_that_holds_only_what_fails_exits_with_3(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text("[")
    done = nova_domains("--files", str(tmp_path), "list")
    assert (done.returncode, done.stdout) == (3, "")
    assert f"none of 2 hosts was read: {tmp_path}/a.json" in the_error(done.stderr)
