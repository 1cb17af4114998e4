"""The journal: on the disk before the first write, and readable whatever became of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.embedded import guest, uuid_of
from tests.support.memory_host import MemoryHost
from tests.support.plans import BY
from virsh_nova.errors import NovaDomainsError
from virsh_nova.stamp import journals as module
from virsh_nova.stamp.journal import Journal
from virsh_nova.stamp.journal_format import Origin, Outcome, Run
from virsh_nova.stamp.journals import journals, make_folder, read_journal, state_folder
from virsh_nova.stamp.plan import Request, Step
from virsh_nova.stamp.planner import make_plan

ORIGIN = Origin("stamp", host=MemoryHost().identity, by="root@h", tool="1.1")


def steps_of(number: int, name: str = "web-1") -> list[Step]:
    host = MemoryHost()
    for each in range(1, number + 1):
        host.add(both=guest(each))
    uuids = frozenset(uuid_of(each) for each in range(1, number + 1))
    options = Request(named=uuids, force=True, assignments={"name": name}, signature=BY)
    return list(make_plan(host.name, host.guests(), (), options).steps)


def begun(path: Path | None, steps: list[Step], **changes: Any) -> Journal:
    return Journal.begin(state_folder(), steps, ORIGIN._replace(**changes), path=path)


def written(path: Path, number: int = 3) -> list[bytes]:
    """The lines of a journal of a run that went well."""
    steps = steps_of(number)
    journal = begun(path, steps)
    for step in steps:
        journal.outcomes([Outcome(step.guest.uuid, "done")])
    journal.end("complete")
    return path.read_bytes().splitlines(keepends=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


# ---- writing ----------------------------------------------------------------------------------


def test_all_guests_are_on_the_disk_before_the_first_is_touched(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, int]] = []
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        synced.append((name, len(path.read_bytes().splitlines())))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    journal = begun(path, steps_of(5))
    # The file with its six lines, then the folder that names it.
    assert synced == [(str(path), 6), (str(path.parent), 6)]
    journal.end("complete")
    assert synced[2:] == [(str(path), 7)]


def test_what_is_written_is_what_is_read(path: Path) -> None:
    steps = steps_of(3)
    journal = begun(path, steps, command="undo", undoes="earlier")
    journal.outcomes([Outcome(uuid_of(1), "done")])
    journal.outcomes([Outcome(uuid_of(2), "failed", "it is busy")])
    journal.end("interrupted")
    run = read_journal(path)
    assert run.origin == ORIGIN._replace(command="undo", undoes="earlier")
    assert (run.end, run.faults, run.path) == ("interrupted", (), path)
    assert [entry.edits for entry in run.guests] == [step.edits for step in steps]
    assert [entry.outcome for entry in run.guests] == [
        Outcome(uuid_of(1), "done"),
        Outcome(uuid_of(2), "failed", "it is busy"),
        None,
    ]
    assert run.state == "interrupted, 1 done"


@pytest.mark.parametrize(
    ("results", "end", "state"),
    [
        (["done", "done"], "complete", "complete"),
        (["done", "failed"], "complete", "complete, 1 done"),
        (["done", "left"], "lost", "lost, 1 done"),
        (["done"], None, "cut short"),
    ],
)
def test_the_state_of_a_run_in_words(path: Path, results: list[Any], end: Any, state: str) -> None:
    steps = steps_of(2)
    journal = begun(path, steps)
    for step, result in zip(steps, results, strict=False):
        journal.outcomes([Outcome(step.guest.uuid, result)])
    if end:
        journal.end(end)
    assert read_journal(path).state == state


def test_a_journal_is_for_its_owner_only_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        begun(path, steps_of(1)).end("complete")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_hostile_names_are_written_in_ascii(path: Path) -> None:
    steps = steps_of(1, name="\u202e\x9b31m\n{")
    begun(path, steps).end("complete")
    assert path.read_bytes().isascii()
    assert len(path.read_bytes().splitlines()) == 3
    assert read_journal(path).guests[0].edits == steps[0].edits


def refusal(path: Path | None) -> NovaDomainsError:
    with pytest.raises(NovaDomainsError) as raised:
        begun(path, steps_of(1))
    assert raised.value.exit_code == 1
    assert "nothing was done" in raised.value.message
    return raised.value


def test_a_file_that_is_there_is_not_touched(path: Path) -> None:
    path.write_text("precious")
    assert refusal(path).message == f"{path}: the file already exists; nothing was done"
    assert path.read_text() == "precious"


def test_a_symlink_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")
    refusal(path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    missing = tmp_path / "no" / "run.jsonl"
    assert refusal(missing).message == (
        f"{missing}: the journal cannot be written: No such file or directory; nothing was done"
    )


def test_a_full_disk_is_reported_and_leaves_no_half_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    error = refusal(path)
    assert "the journal cannot be written: No space left on device" in error.message
    assert not path.exists()


def test_a_disk_that_cannot_be_synced_is_reported(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    assert "Input/output error" in refusal(path).message
    assert not path.exists()


def test_a_disk_that_is_full_later_is_remembered(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = begun(path, steps_of(1))

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        journal.outcomes([Outcome(uuid_of(1), "done")])
    assert journal.broken == "No space left on device"
    journal.end("complete")
    run = read_journal(path)
    assert len(run.guests) == 1
    assert run.end is None


def test_a_partial_write_is_continued(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: some(descriptor, data[:7]))
    begun(path, steps_of(2)).end("complete")
    monkeypatch.undo()
    assert read_journal(path).faults == ()


# ---- where ------------------------------------------------------------------------------------


def test_journals_go_to_the_state_folder_of_root_or_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NOVA_DOMAINS_STATE", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state_folder() == Path("/var/lib/nova-domains")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/joe/state")
    assert state_folder() == Path("/home/joe/state/nova-domains")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/joe")
    assert state_folder() == Path("/home/joe/.local/state/nova-domains")
    monkeypatch.setenv("NOVA_DOMAINS_STATE", str(tmp_path / "state"))
    assert state_folder() == tmp_path / "state"
    assert make_folder(state_folder()).stat().st_mode & 0o777 == 0o700


def test_journals_come_oldest_first_and_each_has_a_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NOVA_DOMAINS_STATE", str(tmp_path))
    paths = []
    for _ in range(3):
        journal = begun(None, steps_of(1))
        journal.end("complete")
        paths.append(journal.path)
    (tmp_path / "lock").write_text("1\n")
    assert list(journals(tmp_path)) == paths
    assert [read_journal(found).id + module.SUFFIX for found in paths] == [p.name for p in paths]
    assert list(journals(tmp_path / "nowhere")) == []


# ---- damage -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"hello\n",
        b"{}\n",
        b"\xff\n",
        b'{"line": "run"}',
        b'{"line": "end", "version": 1}',
    ],
)
def test_a_file_that_is_not_a_journal_is_reported(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(NovaDomainsError, match="line 1: not a nova-domains journal"):
        read_journal(path)


def test_a_missing_file_is_reported(path: Path) -> None:
    with pytest.raises(NovaDomainsError, match=r"cannot be read: No such file or directory$"):
        read_journal(path)


def test_the_journal_of_a_newer_version_is_refused(path: Path) -> None:
    head, *rest = written(path)
    newer = json.dumps({**json.loads(head), "version": 2}).encode() + b"\n"
    path.write_bytes(newer + b"".join(rest))
    with pytest.raises(
        NovaDomainsError, match=r"written by another nova-domains \(journal version 2, not 1\)"
    ):
        read_journal(path)


def test_a_line_that_is_damaged_costs_only_its_guest(path: Path) -> None:
    lines = written(path)
    lines[2] = b'{"line": "guest", "uuid": "x", "domain": 3}\n'
    path.write_bytes(b"".join(lines))
    run = read_journal(path)
    assert [entry.uuid for entry in run.guests] == [uuid_of(1), uuid_of(3)]
    assert run.faults == (
        f"{path}: line 3: Expected `str`, got `int` - at `$.domain`",
        f"{path}: 1 of 3 guests cannot be read",
    )
    assert run.end == "complete"


def test_a_truncated_journal_reports_how_many_guests_it_lost(path: Path) -> None:
    lines = written(path)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:-20])
    run = read_journal(path)
    assert [entry.uuid for entry in run.guests] == [uuid_of(1)]
    assert f"{path}: 2 of 3 guests cannot be read" in run.faults
    assert run.state == "cut short"


def test_a_line_nested_too_deep_is_a_fault(path: Path) -> None:
    lines = written(path)
    lines[2] = b'{"line"' + b":[" * 100_000 + b"\n"
    path.write_bytes(b"".join(lines))
    assert len(read_journal(path).guests) == 2


def readable(path: Path) -> Run | None:
    """The run, or None where one line says why not."""
    try:
        return read_journal(path)
    except NovaDomainsError as error:
        if not error.message.startswith(f"{path}: "):
            raise
        return None


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes], Run]:
    path = tmp_path_factory.mktemp("journal") / "run.jsonl"
    return path, written(path), read_journal(path)


@given(st.data())
def test_any_damage_to_lines_costs_no_other_line(
    sound: tuple[Path, list[bytes], Run], data: st.DataObject
) -> None:
    path, lines, run = sound
    damaged = list(lines)
    for _ in range(data.draw(st.integers(1, 4))):
        number = data.draw(st.integers(0, len(lines) - 1))
        line = bytearray(damaged[number])
        start = data.draw(st.integers(0, len(line)))
        end = min(len(line), start + data.draw(st.integers(0, 9)))
        line[start:end] = data.draw(st.binary(max_size=6).filter(lambda new: b"\n" not in new))
        damaged[number] = bytes(line)
    path.write_bytes(b"".join(damaged))
    found = readable(path)
    if found is None:
        assert damaged[0] != lines[0]
        return
    whole = {
        entry.uuid: entry
        for entry, before, after in zip(run.guests, lines[1:4], damaged[1:4], strict=True)
        if before == after and damaged[0] == lines[0]
    }
    # A line whose end is gone takes the next with it.
    broken = any(not line.endswith(b"\n") for line in damaged)
    edits = {entry.uuid: entry.edits for entry in found.guests}
    if not broken:
        for uuid, entry in whole.items():
            assert edits[uuid] == entry.edits


@given(st.data())
def test_a_journal_cut_anywhere_holds_all_lines_before_the_cut(
    sound: tuple[Path, list[bytes], Run], data: st.DataObject
) -> None:
    path, lines, run = sound
    cut = data.draw(st.integers(0, sum(map(len, lines))))
    path.write_bytes(b"".join(lines)[:cut])
    found = readable(path)
    whole = 0
    while whole < len(lines) and sum(map(len, lines[: whole + 1])) - 1 <= cut:
        whole += 1
    assert (found is not None) == (whole >= 1)
    if found is not None:
        kept = found.guests[: max(0, min(whole - 1, 3))]
        assert [entry.edits for entry in kept] == [entry.edits for entry in run.guests[: len(kept)]]
        assert len(found.guests) == min(max(whole - 1, 0), 3)


@given(st.binary(max_size=300))
def test_any_bytes_end_in_one_line_or_a_run(
    sound: tuple[Path, list[bytes], Run], content: bytes
) -> None:
    path, lines, _ = sound
    for text in (content, lines[0] + content, b"".join(lines) + content):
        path.write_bytes(text)
        readable(path)
