"""docs/collected.md says what is in the file, and its questions have answers."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

import pytest

from tests.support.command import nova_domains
from tests.support.pages import text_of
from virsh_nova.handles.kinds import HANDLE_KINDS
from virsh_nova.hosts.collected.schema import APPLICATION_ID, TABLES, VERSION

PAGE = text_of("collected.md")
QUESTIONS = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("page") / "fleet.db"
    assert nova_domains("--demo", "collect", str(path)).returncode == 0
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def columns(connection: sqlite3.Connection, name: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]


@pytest.mark.parametrize("name", ["hosts", "guests", "handles"])
def test_every_column_is_documented(demo: sqlite3.Connection, name: str) -> None:
    row = re.search(rf"^\| `{name}` \| a row.*|^\| `{name}` \| everything.*", PAGE, re.M)
    assert row is not None
    described = re.sub(r"\([^()]*\)", "", row[0])
    assert re.findall(r"`(\w+)`", described)[1:] == columns(demo, name)


def test_the_numbers_are_those_of_the_file(demo: sqlite3.Connection) -> None:
    assert f"`application_id` 0x{APPLICATION_ID:X}" in PAGE
    assert f"`user_version` {VERSION}" in PAGE
    assert demo.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert demo.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert all(f"`{kind}`" in PAGE for kind in HANDLE_KINDS)
    # At rest it is a single file, in the mode that needs no others.
    assert demo.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert {name for name, sql in TABLES.items() if sql.startswith("CREATE VIEW")} == {
        "guests", "handles",
    }  # fmt: skip


def test_every_question_has_an_answer(demo: sqlite3.Connection) -> None:
    assert len(QUESTIONS) == 5
    if sqlite3.sqlite_version_info < (3, 38):
        questions = [re.sub(r"(\w+(?:\.\w+)?) ->> ('[^']*')", r"json_extract(\1, \2)", each)
                     for each in QUESTIONS]  # fmt: skip
    else:
        questions = QUESTIONS
    twins, mac, projects, disks, outdated = (demo.execute(each).fetchall() for each in questions)
    assert twins == []
    assert len(mac) <= 1
    assert [row[:2] for row in projects if row[0] == "acme-shop"] == [("acme-shop", 3)]
    assert ("instance-0000002a") in {row[1] for row in disks}
    assert outdated == []


def test_the_view_goes_through_the_index(demo: sqlite3.Connection) -> None:
    plan = demo.execute(
        "EXPLAIN QUERY PLAN SELECT host, uuid FROM handles WHERE kind = 'mac' AND value = 'x'"
    ).fetchall()
    steps = " / ".join(str(row[3]) for row in plan)
    assert "SEARCH all_handles USING PRIMARY KEY (kind=? AND value=?)" in steps
