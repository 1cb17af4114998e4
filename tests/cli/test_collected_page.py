"""The questions of docs/collected.md are asked of a file that collect wrote."""

from __future__ import annotations

import re
import sqlite3

import pytest

from tests.support.command import nova_domains
from tests.support.paths import ROOT

PAGE = (ROOT / "docs/collected.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
NONE_ON_THE_DEMO = ("status = 'failed'", "count(DISTINCT host_id) > 1")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    path = tmp_path_factory.mktemp("collected") / "fleet.db"
    assert nova_domains("--demo", "collect", str(path)).returncode == 0
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_has_an_answer(collected: sqlite3.Connection, question: str) -> None:
    rows = collected.execute(question).fetchall()
    assert bool(rows) != any(words in question for words in NONE_ON_THE_DEMO)


def test_the_page_has_questions() -> None:
    assert len(QUESTIONS) >= 5


def test_the_columns_of_the_page_are_those_of_the_file(collected: sqlite3.Connection) -> None:
    of_page: dict[str, set[str]] = {}
    table = ""
    for first, columns in re.findall(r"^\| (`\w+`)? ?\| ([`\w, ]+) \|", PAGE, re.MULTILINE):
        table = first.strip("`") or table
        of_page.setdefault(table, set()).update(re.findall(r"`(\w+)`", columns))
    for name in ("hosts", "guests", "handles"):
        in_file = {row[1] for row in collected.execute(f"PRAGMA table_info({name})")}
        assert of_page[name] == in_file
