"""``collect`` killed at any statement, twice at the same time, and read meanwhile."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.collecting import collect, read_of, silent
from tests.support.guests import instance, nova_guest
from virsh_nova.errors import HostError
from virsh_nova.hosts.collected import schema, writer
from virsh_nova.hosts.collected.host import CollectedFile
from virsh_nova.hosts.collected.writer import Writer
from virsh_nova.model import Guest
from virsh_nova.whose.index import Index
from virsh_nova.whose.indexed import IndexedTables

HOSTS = ("a", "b", "c")
GUESTS = 3


def guests(host: str, era: str, first: int) -> tuple[Guest, ...]:
    """Some of the same guests and some other ones, in another era."""
    made = (nova_guest(number, instance(f"{era}-{number}"), host=host)
            for number in range(first, first + GUESTS))  # fmt: skip
    return tuple(made)


OLD = {host: guests(host, "old", place * 10) for place, host in enumerate(HOSTS)}
NEW = {host: guests(host, "new", place * 10 + 1) for place, host in enumerate(HOSTS)}


def collect_new(path: Path) -> None:
    collect(path, *(read_of(host, *NEW[host]) for host in HOSTS), silent("d"))


def state_of(path: Path) -> dict[str | None, str]:
    """Of each host: whether the file holds the old of it, the new, nothing, or a mixture."""
    file = CollectedFile(str(path))
    index = Index(IndexedTables(file))
    states: dict[str | None, str] = {}
    for host in file.hosts:
        found = {(one.uuid, one.instance and one.instance.name) for one in host.guests("whole")}
        states[host.name] = "mixed"
        for era, known in (("old", OLD), ("new", NEW), ("nothing", {"d": ()})):
            expected = known.get(host.name or "", None)
            if expected is None or found != {(g.uuid, g.instance and g.instance.name)
                                             for g in expected}:  # fmt: skip
                continue
            states[host.name] = era
            for guest in expected:
                assert guest.instance is not None
                (answer,) = index.answers(f"name:{guest.instance.name}")
                assert answer.guest.key == guest.key
                assert guest.key in [one.guest.key for one in index.answers(guest.uuid)]
    file.close()
    return states


def killed_at(number: int, work: Callable[[], None], killed: Callable[[], None]) -> bool:
    """Run ``work`` in a process that ends itself at its n-th statement; whether it came so far."""
    pid = os.fork()
    if pid == 0:
        try:
            left = [number]

            def count(_statement: str) -> None:
                left[0] -= 1
                if left[0] == 0:
                    killed()

            opened = schema._connected

            def traced(*arguments: object) -> sqlite3.Connection:
                connection = opened(*arguments)  # type: ignore[arg-type]
                connection.set_trace_callback(count)
                return connection

            schema._connected = traced  # type: ignore[assignment]
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    return False


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("known", [False, True], ids=["a new file", "a known one"])
def test_a_host_is_the_old_one_or_the_new_one_wherever_collect_is_killed(
    known: bool, tmp_path: Path
) -> None:
    number, states = 0, []
    while True:
        number += 1
        path = tmp_path / f"{number}"
        if known:
            collect(path, *(read_of(host, *OLD[host]) for host in HOSTS))
        if not killed_at(number, lambda path=path: collect_new(path), kill):  # type: ignore[misc]
            break
        if not path.exists():
            continue
        if known or path.stat().st_size or path.with_name(f"{number}-wal").exists():
            try:
                state, refusal = state_of(path), ""
            except HostError as error:
                state, refusal = {}, error.message
            # Before the first host is in it.
            empty = refusal.endswith(("holds no host yet", "not one that collect wrote"))
            assert not refusal or (empty and not known)
            assert "mixed" not in state.values(), number
            states.append(tuple(state.get(host) for host in HOSTS))
        # Who collects next gets it all, and leaves a single file.
        collect_new(path)
        assert state_of(path) == {**dict.fromkeys(HOSTS, "new"), "d": "nothing"}
        assert sorted(tmp_path.glob(f"{number}*")) == [path]
        path.unlink()
    # It was killed before, between and after the hosts.
    before = ("old",) * 3 if known else (None,) * 3
    assert {before, ("new", *before[1:]), ("new", "new", before[2]), ("new",) * 3} <= set(states)
    assert number > 50


def test_two_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "f"
    faults: list[BaseException] = []

    def run(own: str) -> None:
        try:
            for _ in range(5):
                collect(path, *(read_of(f"{own}{n}", *guests(f"{own}{n}", own, n * 10))
                                for n in range(6)), read_of("both", *OLD["a"]))  # fmt: skip
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=(own,)) for own in ("x", "y")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    file = CollectedFile(str(path))
    assert sorted(str(host.name) for host in file.hosts) == sorted(
        ["both", *(f"{own}{n}" for own in ("x", "y") for n in range(6))]
    )
    assert file.number_of_guests == 13 * GUESTS
    file.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_a_reader_meanwhile_sees_whole_hosts(tmp_path: Path) -> None:
    path = tmp_path / "f"
    collect(path, *(read_of(host, *OLD[host]) for host in HOSTS))
    done = threading.Event()
    seen: set[str] = set()
    faults: list[BaseException] = []

    def read() -> None:
        try:
            while not done.is_set():
                file = CollectedFile(str(path))
                for host in file.hosts:
                    found = host.guests("whole")
                    eras = {one.instance.name.partition("-")[0] for one in found
                            if one.instance and one.instance.name}  # fmt: skip
                    assert (len(found), len(eras)) == (GUESTS, 1)
                    seen.update(eras)
                file.close()
        except BaseException as error:
            faults.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        for hosts in (NEW, OLD):
            collect(path, *(read_of(host, *hosts[host]) for host in HOSTS))
    done.set()
    reader.join()
    assert faults == []
    assert seen == {"old", "new"}


def test_another_that_writes_is_waited_for_and_then_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    collect(path, read_of("a", *OLD["a"]))
    monkeypatch.setattr(schema, "_WRITER_PATIENCE", 0.1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(writer.CollectedError, match="in use: database is locked"):
        Writer(str(path))
    other.execute("ROLLBACK")
    other.close()
    collect(path, read_of("a", *NEW["a"]))
    assert state_of(path)["a"] == "new"


def test_what_a_killed_run_left_undone_is_taken_back_by_a_reader(tmp_path: Path) -> None:
    """In rollback mode, as while the file is made and put at rest, a journal is left beside it."""
    path = tmp_path / "f"
    collect(path, read_of("a", *OLD["a"]))
    if (child := os.fork()) == 0:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE hosts SET name = 'half', source = hex(zeroblob(100000))")
        connection.execute("UPDATE guests_read SET document = hex(zeroblob(100000))")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert path.with_name("f-journal").exists()
    assert state_of(path) == {"a": "old"}
