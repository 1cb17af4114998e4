"""``collect`` and ``--files FILE`` as a user runs them, and files that are damaged or hostile."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import command, environment, failure, nova_domains, output
from tests.support.embedded import block, make_host, nova, uuid_of
from tests.support.moments import without_moments
from virsh_nova.hosts.collected.schema import VERSION


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("demo") / "fleet.db")
    done = nova_domains("--demo", "collect", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: 1 host read, 11 guests\n"
    return path


def both(path: str, *words: str) -> tuple[str, str]:
    """What a command prints of the example host, and of the file."""
    live, read = (nova_domains(*where, *words) for where in (("--demo",), ("-q", "--files", path)))
    assert (live.returncode, live.stderr) == (read.returncode, read.stderr)
    return without_moments(live.stdout), without_moments(read.stdout)


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("list", "--full", "-f", "jsonl"),
        ("list", "--project", "acme*", "--long", "-f", "csv"),
        ("list", "--ip", "10.20.0.0/24", "--sort-column", "name"),
        ("list", "--name", "nothing"),
        ("show", "web-1"),
        ("show", "9313", "-f", "json"),
        ("show", "instance-0000002a", "-f", "xml"),
        ("show", "wbe-1", "web-2", "nobody"),
        ("whose", "10.20.0.11", "web-2", "acme-shop"),
        ("whose", "10.20.0.0/16", "tap", "wbe-1", "-f", "json"),
        ("whose", "/var/lib/nova/instances"),
    ],
)
def test_every_command_answers_from_the_file(demo: str, words: tuple[str, ...]) -> None:
    live, read = both(demo, *words)
    assert live == read


def test_whose_reads_lines_beside_the_file(demo: str) -> None:
    line = "DHCPACK 10.20.0.11 web-1\n"
    done = subprocess.run(
        command("-q", "--files", demo, "whose", "-"),
        env=environment(), input=line, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert done.stdout.startswith("DHCPACK 10.20.0.11 web-1")
    assert "instance-0000002a" in done.stdout


def test_hosts_shows_how_each_was_read(tmp_path: Path) -> None:
    path = str(tmp_path / "fleet.db")
    uri = make_host(tmp_path, nova(1, block("web-1")))
    output("-c", uri, "collect", path)
    os.unlink(tmp_path / "host.xml")
    failed = nova_domains("-c", uri, "collect", path)
    assert failed.returncode == 3
    assert failed.stdout == f"{path}: 0 of 1 hosts read, 0 guests\n"
    done = nova_domains("--files", path, "hosts", "-f", "json")
    assert done.returncode == 1
    (host,) = json.loads(done.stdout)
    assert (host["source"], host["guests"]["nova"]) == (uri, 1)
    assert "host.xml" in host["error"]
    assert "warning: the host was not read at the last try: " in done.stderr
    listed = nova_domains("--files", path, "list", "-f", "value", "-c", "uuid")
    assert (listed.returncode, listed.stdout) == (1, f"{uuid_of(1)}\n")


def test_prune_is_a_duration(tmp_path: Path) -> None:
    done = nova_domains("--demo", "collect", str(tmp_path / "f"), "--prune", "soon")
    assert done.returncode == 2
    assert "'soon' is not a duration" in done.stderr
    assert not (tmp_path / "f").exists()


# ---- files that are not what they should be ------------------------------------------------------


def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary")
    said = failure("--demo", "collect", str(path), code=1)
    assert "is not a file that collect wrote" in said
    assert path.read_text() == "dear diary"
    assert "is not a regular file" in failure("--demo", "collect", "/dev/null", code=1)
    assert "cannot be opened" in failure("--demo", "collect", "/nowhere/f.db", code=1)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE hosts (name)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    for words, code in ((("--demo", "collect", str(path)), 1), (("--files", str(path), "list"), 3)):
        assert "is an SQLite file, but not one that collect wrote" in failure(*words, code=code)
    assert path.read_bytes()[100:] == before[100:]
    assert sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall() == [
        ("hosts",)
    ]


def changed(demo: str, path: Path, *statements: str) -> str:
    """A copy of the file in which somebody has changed something."""
    path.write_bytes(Path(demo).read_bytes())
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return str(path)


def test_a_newer_schema_is_refused(demo: str, tmp_path: Path) -> None:
    path = changed(demo, tmp_path / "f", f"PRAGMA user_version = {VERSION + 1}")
    for words, code in ((("--demo", "collect", path), 1), (("--files", path, "list"), 3)):
        assert f"its schema is {VERSION + 1}, and this one knows {VERSION}" in failure(
            *words, code=code
        )


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE guests_read RENAME TO elsewhere",
        "DROP VIEW handles",
        "ALTER TABLE hosts ADD COLUMN more",
    ],
)
def test_other_tables_are_refused(demo: str, tmp_path: Path, statement: str) -> None:
    path = changed(demo, tmp_path / "f", "DROP VIEW IF EXISTS guests", statement)
    for words, code in ((("--demo", "collect", path), 1), (("--files", path, "list"), 3)):
        assert "its tables are not those that collect makes" in failure(*words, code=code)


def test_a_trigger_does_not_run(demo: str, tmp_path: Path) -> None:
    trigger = "CREATE TRIGGER t AFTER UPDATE ON hosts BEGIN DELETE FROM guests_read; END"
    path = changed(demo, tmp_path / "f", trigger)
    assert "somebody added a trigger" in failure("--demo", "collect", path, code=1)
    assert output("-q", "--files", path, "list", "-f", "value") != ""


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_one_line(demo: str, tmp_path: Path, part: float) -> None:
    path = tmp_path / "f"
    data = Path(demo).read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    assert "damaged: " in failure("--files", str(path), "list", code=3)
    assert "damaged: " in failure("--demo", "collect", str(path), code=1)


@pytest.mark.parametrize(
    "document",
    [
        "'nonsense'", "NULL || 'x'", "''", "x'ff00'", "42", "'{}'", "'[' || hex(zeroblob(9999))",
        "replace(hex(zeroblob(100000)), '0', '[')", "json_set(document, '$.uuid', 'x')",
    ],
)  # fmt: skip
def test_a_hostile_document_costs_only_its_guest(demo: str, tmp_path: Path, document: str) -> None:
    changed(demo, tmp_path / "f")
    connection = sqlite3.connect(tmp_path / "f")
    connection.execute(
        f"UPDATE guests_read SET document = coalesce({document}, '') "
        "WHERE id = (SELECT min(id) FROM guests_read)"
    )
    connection.commit()
    connection.close()
    done = nova_domains("-q", "--files", str(tmp_path / "f"), "list", "-f", "value")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 10
    assert done.stderr.count("\n") == 1
    assert "; skipped" in done.stderr


@pytest.mark.parametrize(
    "change",
    [
        "name = x'00ff'", "read_at = 'yesterday'", "seconds = 'long'", "source = x'ff'",
        "tried_at = 5",
    ],
)  # fmt: skip
def test_a_damaged_host_is_one_line(demo: str, tmp_path: Path, change: str) -> None:
    path = changed(demo, tmp_path / "f", f"UPDATE hosts SET {change}")
    said = failure("--files", path, "list", code=3)
    assert "no host in it can be read: every row of its table hosts is damaged" in said
    assert "hint: collect the hosts into a new file, or use a copy of this one" in said
    said = nova_domains("--files", path, "hosts").stderr
    assert "no host in it can be read: every row of its table hosts is damaged" in said


# ---- where it cannot be written, or read ---------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.fail("mounting a small file system takes root")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def many(directory: Path, number: int) -> str:
    return make_host(directory, *(nova(one, block("x" * 3000)) for one in range(1, number)))


def test_a_full_disk_is_one_line_and_keeps_what_was_known(small_disk: Path, tmp_path: Path) -> None:
    path = small_disk / "f.db"
    uri = make_host(tmp_path, nova(1, block("web-1")))
    output("-c", uri, "collect", str(path))
    many(tmp_path, 200)
    said = failure("-c", uri, "collect", str(path), code=1)
    assert "cannot be written: " in said
    listed = ("-q", "--files", str(path), "list", "-f", "value", "-c", "uuid")
    assert output(*listed) == f"{uuid_of(1)}\n"
    make_host(tmp_path, nova(2, block("web-2")))
    output("-c", uri, "collect", str(path))
    assert output(*listed) == f"{uuid_of(2)}\n"


def test_a_medium_that_cannot_be_written_can_be_read(demo: str, small_disk: Path) -> None:
    path = small_disk / "f.db"
    path.write_bytes(Path(demo).read_bytes())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert "web-1" in output("-q", "--files", str(path), "whose", "10.20.0.11")
    assert "cannot be opened: " in failure("--demo", "collect", str(path), code=1)


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that every user can read; those of pytest are its user's alone."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_who_may_not_write_gets_one_line(demo: str, open_to_all: Path) -> None:
    path = open_to_all / "f.db"
    path.write_bytes(Path(demo).read_bytes())
    path.chmod(0o644)
    script = (
        # That user may not be able to read this checkout: load everything before.
        "import os, pkgutil, sys, importlib, virsh_nova\n"
        "for found in pkgutil.walk_packages(virsh_nova.__path__, 'virsh_nova.'):\n"
        "    if not found.name.endswith('__main__'): importlib.import_module(found.name)\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "from virsh_nova.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    for words, code in ((("--demo", "collect"), 1), (("-q", "--files"), 0)):
        words = (*words, str(path)) if code else (*words, str(path), "list", "-f", "value")
        done = subprocess.run(
            [sys.executable, "-c", script, *words],
            env=environment(), capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        if code:
            assert "cannot be opened: " in done.stderr
            assert done.stderr.count("error") == 1
        else:
            assert "web-1" in done.stdout
