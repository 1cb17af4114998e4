"""How ``hosts`` looks, for people and for programs."""

from __future__ import annotations

import csv
import re
from datetime import datetime, timedelta, timezone
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.guests import foreign_guest, nova_guest, unstamped_guest
from tests.support.terminals import SGR
from virsh_nova.errors import HostError
from virsh_nova.hosts.fleet import HostRead
from virsh_nova.hosts.host import Versions
from virsh_nova.hosts.summary import COLUMNS, HostSummary, find_column, ordered, summary_of
from virsh_nova.render.hosts import age_in_words, as_csv, as_values, documents, hosts_table
from virsh_nova.render.style import cells, coloured, plain

ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
NOW = datetime(2026, 11, 25, 14, 0, 0, tzinfo=timezone.utc)


def host(
    name: str | None, error: str | None = None, *, age: float = 3, took: float = 0.25
) -> HostSummary:
    source = f"qemu+ssh://{name}/system"
    guests = () if error else (nova_guest(1), nova_guest(2), unstamped_guest(3), foreign_guest(4))
    failure = HostError(f"{source}: {error}") if error else None
    versions = Versions() if error else Versions("9.0.0", "7.2.0")
    read_at = NOW - timedelta(seconds=age)
    read = HostRead(name, name, source, guests, failure, read_at, took, versions=versions)
    return summary_of(read, NOW)


GOOD = host("cmp-1")
BAD = host("cmp-2", "the libvirt daemon does not answer within 10 s", took=10)


def test_a_pipe_gets_everything_in_a_plain_table() -> None:
    assert hosts_table([GOOD, BAD], width=None, paint=plain) == (
        "HOST   SOURCE                   NOVA  UNSTAMPED  FOREIGN  LIBVIRT  QEMU   AGE     TOOK  "
        "ERROR\n"
        "cmp-1  qemu+ssh://cmp-1/system     2          1        1  9.0.0    7.2.0  3 s   0.25 s  "
        "-\n"
        "cmp-2  qemu+ssh://cmp-2/system     -          -        -  -        -        -  10.00 s  "
        "the libvirt daemon does not answer within 10 s\n"
    )


def test_columns_in_which_there_would_be_nothing_are_left_out() -> None:
    assert "ERROR" not in hosts_table([GOOD], width=None, paint=plain)
    assert "UNREADABLE" not in hosts_table([GOOD], width=None, paint=plain)
    assert "LIBVIRT" not in hosts_table([BAD], width=None, paint=plain)


@pytest.mark.parametrize("width", [200, 120, 100, 80, 60, 50])
def test_a_terminal_gets_lines_that_fit(width: int) -> None:
    lines = hosts_table([GOOD, BAD], width=width, paint=coloured).splitlines()
    assert all(cells(SGR.sub("", line)) <= width for line in lines)
    assert "cmp-2" in lines[2]
    assert "the libvirt daemon" in lines[2]


@pytest.mark.parametrize("width", [100, 80])
@pytest.mark.parametrize("names", [("cmp-1", None), ("cmp-1", "cmp-1")])
def test_the_source_stays_where_names_do_not_tell_hosts_apart(
    names: tuple[str | None, ...], width: int
) -> None:
    uris = [f"test:///tmp/n{number}.xml" for number in range(2)]
    hosts = [
        each._replace(name=name, source=uri)
        for each, name, uri in zip((GOOD, BAD), names, uris, strict=True)
    ]
    heading, *lines = hosts_table(hosts, width=width, paint=plain).splitlines()
    assert "SOURCE" in heading
    assert all(uri in line for uri, line in zip(uris, lines, strict=True))
    assert "the libvirt daemon" in lines[1]
    assert all(cells(line) <= width for line in lines)


def test_versions_and_time_give_way_before_the_source() -> None:
    kept = []
    for width in range(140, 60, -1):
        heading = hosts_table([GOOD, BAD], width=width, paint=plain).partition("\n")[0].split()
        kept.append([name for name in ("SOURCE", "TOOK", "LIBVIRT", "QEMU") if name in heading])
    order = ["SOURCE", "TOOK", "LIBVIRT", "QEMU"]
    assert all(names == order[: len(names)] for names in kept)
    assert [] in kept
    assert order in kept


def test_a_long_source_that_must_stay_is_cut() -> None:
    long = [GOOD._replace(name=None, source=f"test:///{'x' * 90}")]
    for width in (120, 80, 60):
        lines = hosts_table(long, width=width, paint=plain).splitlines()
        assert all(cells(line) <= width for line in lines)
        assert "test:///xxxx" in lines[1]


def test_the_columns_that_were_asked_for_are_printed() -> None:
    table = hosts_table([GOOD], [COLUMNS["guests"], COLUMNS["host"]], width=None, paint=plain)
    assert table == "GUESTS  HOST\n     4  cmp-1\n"


def test_value_has_a_host_a_line() -> None:
    assert as_values(
        [GOOD, BAD], [COLUMNS[n] for n in ("host", "nova", "age", "took", "error")]
    ) == ("cmp-1\t2\t3\t0.25\t-\ncmp-2\t-\t-\t10\tthe libvirt daemon does not answer within 10 s\n")
    assert as_values([GOOD]).count("\t") == len(COLUMNS) - 1


def test_csv_has_numbers_and_texts() -> None:
    rows = list(csv.reader(StringIO(as_csv([GOOD, BAD]))))
    assert rows[0] == list(COLUMNS)
    assert dict(zip(rows[0], rows[1], strict=True))["read at"] == "2026-11-25T13:59:57Z"
    assert dict(zip(rows[0], rows[2], strict=True))["nova"] == ""


def test_documents_have_null_for_what_is_not_known() -> None:
    good, bad = documents([GOOD, BAD])
    assert good == {
        "host": "cmp-1",
        "source": "qemu+ssh://cmp-1/system",
        "guests": {"nova": 2, "nova-unstamped": 1, "foreign": 1, "unreadable": 0},
        "libvirt": "9.0.0",
        "qemu": "7.2.0",
        "read_at": "2026-11-25T13:59:57Z",
        "age_seconds": 3,
        "seconds": 0.25,
        "error": None,
    }
    assert [key for key, value in bad.items() if value is None] == [
        "guests", "libvirt", "qemu", "read_at", "age_seconds",
    ]  # fmt: skip
    assert documents([GOOD], [COLUMNS["guests"]]) == [{"guests": 4}]


@given(st.text(max_size=30))
def test_what_a_host_says_stays_text(text: str) -> None:
    """A host chooses its name, and what its ssh prints."""
    summary = host(text, text or "x")
    for printed in (as_values([summary]), hosts_table([summary], width=None, paint=plain)):
        assert len(printed.splitlines()) == (1 if "\t" in printed else 2)
        assert not ACTS.search(printed.replace("\t", ""))
    assert len(hosts_table([summary], width=80, paint=plain).split("\n")) == 3


def test_they_are_sorted_as_asked_and_unknown_ones_are_last() -> None:
    slow, other = host("cmp-3", took=5), host("cmp-0", took=1)
    assert [each.name for each in ordered([slow, other])] == ["cmp-0", "cmp-3"]
    by_took = ordered([GOOD, slow, other], [COLUMNS["took"]], descending=True)
    assert [each.name for each in by_took] == ["cmp-3", "cmp-0", "cmp-1"]
    by_nova = ordered([BAD, GOOD], [COLUMNS["nova"]], descending=True)
    assert by_nova == ordered([BAD, GOOD], [COLUMNS["nova"]]) == [GOOD, BAD]


def test_columns_are_found_in_any_spelling() -> None:
    assert find_column("Read_At") == find_column("read at") == COLUMNS["read at"]
    assert find_column("nonsense") is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.7, "60 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (3e5, "3 d")],
)
def test_ages_in_words(seconds: float, words: str) -> None:
    assert age_in_words(seconds) == words
