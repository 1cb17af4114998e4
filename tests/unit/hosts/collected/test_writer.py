"""What a run of ``collect`` makes of what the file knew."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.collecting import NOON, collect, read_of, silent
from tests.support.guests import full_instance, instance, nova_guest
from virsh_nova.hosts.collected.host import CollectedFile
from virsh_nova.hosts.collected.schema import CollectedError
from virsh_nova.hosts.collected.writer import Writer
from virsh_nova.hosts.fleet import HostRead
from virsh_nova.model import Guest

LATER = NOON + timedelta(hours=1)


def on(host: str, number: int, name: str = "web") -> Guest:
    return nova_guest(number, instance(name), host=host)


def names(path: Path) -> dict[str | None, list[str]]:
    """The display names of each host's guests."""
    file = CollectedFile(str(path))
    found: dict[str | None, list[str]] = {}
    for host in file.hosts:
        guests = host.guests("whole")
        found[host.name] = sorted(one.instance.name or "" for one in guests if one.instance)
    file.close()
    return found


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_a_host_takes_the_place_of_what_was_known_of_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    collect(path, read_of("a", on("a", 1), on("a", 2)), read_of("b", on("b", 3)))
    collect(path, read_of("a", on("a", 2, "new")))
    assert names(path) == {"a": ["new"], "b": ["web"]}
    assert rows(path, "SELECT count(*) FROM handles WHERE kind = 'uuid'") == [(2,)]
    assert rows(path, "SELECT count(*) FROM all_handles WHERE kind = 'uuid'") == [(2,)]


def test_a_host_that_fails_keeps_what_was_known(tmp_path: Path) -> None:
    path = tmp_path / "f"
    collect(path, read_of("a", on("a", 1)), read_of("b", on("b", 2)))
    collect(path, silent("a"), read_of("b"))
    assert names(path) == {"a": ["web"], "b": []}
    file = CollectedFile(str(path))
    assert file.notes.incomplete
    assert [line.text for line in file.notes.lines if line.kind == "warning"] == [
        "1 of 2 hosts was not read at the last try: a: does not answer"
    ]
    file.close()
    collect(path, read_of("a", on("a", 1, "back")))
    assert names(path) == {"a": ["back"], "b": []}
    assert rows(path, "SELECT DISTINCT status, error FROM hosts") == [("read", None)]


def test_a_host_that_was_given_by_name_fails_in_its_own_place(tmp_path: Path) -> None:
    """Even if its URI names no host, and it calls itself something else."""
    path = tmp_path / "f"
    source = "qemu+unix:///system?socket=/run/n1/sock"
    named = {"given_name": "n1"}
    collect(path, silent("n1", source)._replace(**named))
    assert names(path) == {"n1": []}
    read = read_of("cmp-1", on("cmp-1", 1), source=source)
    collect(path, read._replace(**named))
    collect(path, silent("n1", source)._replace(**named))
    assert names(path) == {"cmp-1": ["web"]}
    file = CollectedFile(str(path))
    assert file.notes.lines[0].text == (
        "the host was not read at the last try: cmp-1: does not answer"
    )
    file.close()


def test_a_host_that_was_never_read_gets_its_own_name_once_it_is(tmp_path: Path) -> None:
    path = tmp_path / "f"
    source = "qemu+ssh://10.0.0.1/system"
    collect(path, silent("10.0.0.1", source))
    assert names(path) == {"10.0.0.1": []}
    collect(path, read_of("cmp-1", on("cmp-1", 1), source=source))
    assert names(path) == {"cmp-1": ["web"]}
    collect(path, silent("10.0.0.1", source))
    assert names(path) == {"cmp-1": ["web"]}


def test_a_host_from_another_source_is_the_same_host(tmp_path: Path) -> None:
    path = tmp_path / "f"
    collect(path, read_of("a", on("a", 1), source="qemu+ssh://a/system"))
    collect(path, read_of("a", on("a", 1, "tls"), source="qemu+tls://a/system", read_at=LATER))
    assert names(path) == {"a": ["tls"]}
    old = read_of("a", on("a", 1, "old"), source="/report.tar.xz", read_at=NOON)
    with Writer(str(path)) as writer:
        writer.store(old)
        assert writer.older == 1
    assert names(path) == {"a": ["tls"]}


def test_two_machines_of_one_name_stay_two(tmp_path: Path) -> None:
    path = tmp_path / "f"
    both = (
        read_of("a", on("a", 1, "one"), source="qemu+ssh://1/system"),
        read_of("a", on("a", 2, "two"), source="qemu+ssh://2/system"),
    )
    for reads in (both, both[::-1], both):
        collect(path, *reads)
        file = CollectedFile(str(path))
        assert sorted(one.uuid for one in file.guests("whole")) == sorted(
            guest.uuid for read in both for guest in read.guests
        )
        file.close()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("qemu:///system", "lxc:///system"),
        ("test:///one.xml", "test:///two.xml"),
    ],
)
def test_another_libvirt_of_one_machine_is_another_host(
    tmp_path: Path, first: str, second: str
) -> None:
    path = tmp_path / "f"
    here, there = read_of("a", on("a", 1), source=first), read_of("a", on("a", 1), source=second)
    for read in (here, there, there, here):
        collect(path, read)
    assert names(path) == {"a": ["web"], f"a ({second})": ["web"]}
    keys = {guest.key for guest in CollectedFile(str(path)).guests("whole")}
    assert {host for host, _ in keys} == {"a", f"a ({second})"}


def test_guessed_names_and_none_are_told_apart_by_their_source(tmp_path: Path) -> None:
    path = tmp_path / "f"
    reads = (
        read_of("report", on("report", 1), source="/a/report", certain=False),
        read_of("report", on("report", 2), source="/b/report", certain=False),
        read_of(None, nova_guest(3, host=None), source="/c.xml", certain=False),
    )
    for _ in range(2):
        collect(path, *reads)
        assert rows(path, "SELECT count(*) FROM hosts") == [(3,)]
        assert rows(path, "SELECT count(*) FROM guests") == [(3,)]


def test_machines_that_collect_themselves_share_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    local = "qemu:///system"
    collect(path, read_of("a", on("a", 1), source=local))
    collect(path, read_of("b", on("b", 2), source=local))
    monkeypatch.setattr("virsh_nova.hosts.collected.writer._own_name", lambda: "b.example")
    failed = silent("x", local)._replace(name=None)
    collect(path, failed)
    assert names(path) == {"a": ["web"], "b": ["web"]}
    assert rows(path, "SELECT name, status FROM hosts ORDER BY name") == [
        ("a", "read"),
        ("b", "failed"),
    ]


def test_nothing_is_written_for_guests_whose_handles_are_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "f"
    collect(path, read_of("a", on("a", 1), on("a", 2)))
    before = rows(path, "SELECT * FROM all_handles"), rows(path, "SELECT id FROM guests_read")
    paused = on("a", 1)._replace(state="paused")
    collect(path, read_of("a", paused, on("a", 2)), indexed=False)
    assert rows(path, "SELECT * FROM new_handles") == []
    assert before == (
        rows(path, "SELECT * FROM all_handles"),
        rows(path, "SELECT id FROM guests_read"),
    )
    assert rows(path, "SELECT state FROM guests WHERE uuid LIKE '00000001%'") == [("paused",)]


def test_prune_drops_what_was_not_seen_for_so_long(tmp_path: Path) -> None:
    path = tmp_path / "f"
    collect(path, read_of("old", on("old", 1)), read_of("bad", on("bad", 2)))
    with Writer(str(path)) as writer:
        writer.store(read_of("new", on("new", 3), read_at=LATER))
        writer.store(silent("bad"))
        assert writer.prune(LATER) == 2
    assert names(path) == {"bad": [], "new": ["web"]}
    assert rows(path, "SELECT name, status, read_at IS NULL FROM hosts ORDER BY name") == [
        ("bad", "failed", 1),
        ("new", "read", 0),
    ]
    assert rows(path, "SELECT DISTINCT host FROM handles") == [("new",)]


def test_what_was_collected_can_be_collected_again(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    collect(first, read_of("a", on("a", 1)), read_of("b", on("b", 2)))
    collect(first, silent("b"), silent("c"))
    file = CollectedFile(str(first))
    reads = []
    for host in file.hosts:
        guests = tuple(host.guests("whole"))
        assert host.reading is not None
        read = HostRead(host.name, host.certain_name, "", guests, None, NOON, 0.0)
        reads.append(read._replace(**host.reading._asdict()))
    collect(second, *reads)
    file.close()
    known = "SELECT name, source, status, error, read_at FROM hosts ORDER BY name"
    assert rows(first, known) == rows(second, known)
    assert names(first) == names(second)


def test_odd_text_is_kept_as_far_as_a_database_can(tmp_path: Path) -> None:
    path = tmp_path / "f"
    odd = nova_guest(1, full_instance("a\x00b\ud800\U0001f600"), domain="x\udcffy", host="h\ud800")
    collect(path, read_of("h\ud800", odd))
    file = CollectedFile(str(path))
    (guest,) = file.guests("whole")
    assert (guest.host, guest.domain) == ("h\ufffd", "x\ufffdy")
    assert guest.instance is not None
    assert guest.instance.name == "a\x00b\ufffd\U0001f600"
    file.close()


def test_an_error_ends_the_run_and_keeps_the_hosts_before(tmp_path: Path) -> None:
    path = tmp_path / "f"

    def interrupted() -> None:
        with Writer(str(path)) as writer:
            writer.store(read_of("a", on("a", 1)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(path) == {"a": ["web"]}
    with pytest.raises(CollectedError, match="is not a regular file"):
        Writer("/dev/null")
