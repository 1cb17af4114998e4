"""A folder of documents, reports, host trees and dumps: what each entry is, and what it costs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.archives import archive, domain, make_tree
from tests.support.embedded import uuid_of
from virsh_nova.errors import HostError
from virsh_nova.hosts import fleet as fleets
from virsh_nova.hosts.files import folder as folders
from virsh_nova.hosts.files import open as opening
from virsh_nova.hosts.files import tree as trees
from virsh_nova.hosts.host import Host
from virsh_nova.hosts.in_memory import InMemory
from virsh_nova.hosts.open import fleet_of, open_host
from virsh_nova.inputs import objects
from virsh_nova.model import GuestKey

ETC = "etc/libvirt/qemu"
READ_AT = "2026-11-25T09:30:00Z"


def document(host: str | None, number: int, **more: object) -> dict[str, object]:
    return {
        "host": host, "uuid": uuid_of(number), "domain": f"d{number}", "state": "running", "id": 1,
        "kind": "foreign", "manager": "unknown", "evidence": [], "instance": None,
        "read_at": READ_AT, **more,
    }  # fmt: skip


def saved(host: str | None, *numbers: int) -> str:
    return json.dumps([document(host, number) for number in numbers])


def lines(*documents: Mapping[str, object]) -> str:
    return "".join(f"{json.dumps(one)}\n" for one in documents)


def report(host: str, number: int) -> dict[str, str]:
    return {"etc/hostname": host, f"{ETC}/x.xml": domain(f"d{number}", uuid_of(number))}


def below(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{path}": content for path, content in files.items()}


def opened(path: Path) -> Host:
    return open_host(files=[str(path)])


def keys(host: Host) -> list[GuestKey]:
    return sorted((guest.key for guest in host.guests("whole")), key=str)


def texts(host: Host, kind: str) -> list[str]:
    return [line.text for line in host.notes.lines if line.kind == kind]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Every kind of entry, and some that are none."""
    return make_tree(
        tmp_path / "mixed",
        {
            "a.json": saved("a", 1, 2),
            "b-and-c.jsonl": lines(document("b", 3), document("c", 4), document("b", 5)),
            "sosreport-d.tar.xz": archive(report("d", 6)),
            "E.TGZ": archive(report("e", 7), mode="w:gz"),
            **below("sosreport-f", report("f", 8)),
            **below("g", report("g", 9)),
            **below("dumps", {"x.xml": domain("d10", uuid_of(10))}),
            "README": "These are our hosts.",
            "notes.txt": domain("never", uuid_of(99)),
            ".a.json.swp": saved("never", 99),
            ".git/config": "",
            "empty/x": "",
        },
    )


# ---- what is read -----------------------------------------------------------------------------


def test_every_kind_of_entry_is_found_out(mixed: Path) -> None:
    host = opened(mixed)
    assert keys(host) == [
        ("a", uuid_of(1)), ("a", uuid_of(2)), ("b", uuid_of(3)), ("b", uuid_of(5)),
        ("c", uuid_of(4)), ("d", uuid_of(6)), ("dumps", uuid_of(10)), ("e", uuid_of(7)),
        ("f", uuid_of(8)), ("g", uuid_of(9)),
    ]  # fmt: skip
    assert not host.notes.incomplete
    assert texts(host, "warning") == [f"{mixed}: skipped 3 of 10 entries: README, empty, notes.txt"]
    (note,) = texts(host, "note")
    assert note.startswith(
        f"read from {mixed}, not from libvirt: 10 guests on 8 hosts, the oldest as of "
    )


def test_the_name_of_a_folder_of_dumps_is_a_guess(mixed: Path) -> None:
    guessed = {guest.host for guest in opened(mixed).guests("block") if guest.host_guessed}
    assert guessed == {"dumps"}


def test_each_host_is_a_value_with_its_own_source(mixed: Path) -> None:
    reads = list(fleet_of(files=[str(mixed)], fanout=1).read_each("whole"))
    assert sorted((str(read.name), Path(read.source).name, len(read.guests)) for read in reads) == [
        ("a", "a.json", 2), ("b", "b-and-c.jsonl", 2), ("c", "b-and-c.jsonl", 1),
        ("d", "sosreport-d.tar.xz", 1), ("dumps", "dumps", 1), ("e", "E.TGZ", 1),
        ("f", "sosreport-f", 1), ("g", "g", 1),
    ]  # fmt: skip
    assert not [read for read in reads if read.error]


def test_documents_give_the_age_whenever_they_were_copied(tmp_path: Path) -> None:
    older = {**document("b", 2), "read_at": "2026-11-20T00:00:00Z"}
    make_tree(tmp_path, {"a.json": saved("a", 1), "b.json": json.dumps([older])})
    fleet = fleet_of(files=[str(tmp_path)], fanout=1)
    moments = {read.name: f"{read.read_at:%m-%d %H:%M}" for read in fleet.read_each("block")}
    assert moments == {"a": "11-25 09:30", "b": "11-20 00:00"}
    (note,) = (line.text for line in fleet.notes.lines)
    assert "2 guests on 2 hosts, the oldest as of 2026-11-20 00:00:00 UTC" in note


def test_loose_dumps_beside_documents_are_a_host_of_their_own(tmp_path: Path) -> None:
    make_tree(tmp_path / "all", {"a.json": saved("a", 1), "x.xml": domain("d2", uuid_of(2))})
    assert keys(opened(tmp_path / "all")) == [("a", uuid_of(1)), ("all", uuid_of(2))]


def test_one_document_alone_is_that_host(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a.json": saved("a", 1), "README": "x"})
    host = opened(tmp_path)
    assert isinstance(host, InMemory)
    assert (host.name, host.certain_name) == ("a", "a")
    assert texts(host, "warning") == [f"{tmp_path}: skipped 1 of 2 entries: README"]
    (note,) = texts(host, "note")
    assert note.startswith(f"read from {tmp_path}/a.json, not from libvirt: 1 guest, as of 2026-")


def test_a_copy_of_libvirts_folder_has_nothing_to_skip(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {
            "a.xml": domain("a", uuid_of(1)),
            "a.pid": "12",
            "networks/default.xml": "<network/>",
            "autostart/x": "",
        },
    )
    (tmp_path / "autostart/a.xml").symlink_to("../a.xml")
    host = opened(tmp_path)
    assert [key[1] for key in keys(host)] == [uuid_of(1)]
    assert texts(host, "warning") == []


def test_the_root_of_a_host_is_that_host_whatever_lies_beside_it(tmp_path: Path) -> None:
    make_tree(tmp_path, {**report("a", 1), "b.json": saved("b", 2), "README": ""})
    host = opened(tmp_path)
    assert keys(host) == [("a", uuid_of(1))]
    assert texts(host, "warning") == []


def test_several_folders_and_files_are_read_together(tmp_path: Path) -> None:
    make_tree(tmp_path, {"x/a.json": saved("a", 1), "x/b.json": saved("b", 2)})
    make_tree(tmp_path, {"y/c.json": saved("c", 3), "y/d.json": saved("d", 4)})
    (tmp_path / "e.json").write_text(saved("e", 5))
    host = open_host(files=[str(tmp_path / name) for name in ("x", "y", "e.json")])
    assert [name for name, _ in keys(host)] == ["a", "b", "c", "d", "e"]
    assert len(texts(host, "note")) == 3


# ---- what is bad ------------------------------------------------------------------------------


def test_a_bad_entry_costs_itself_and_is_named(tmp_path: Path) -> None:
    good = {f"good-{number}.json": saved(f"h{number}", number) for number in range(1, 4)}
    cut = archive(report("cut", 9))
    make_tree(
        tmp_path,
        {
            **good,
            "cut.json": saved("cut", 9)[:-5],
            "cut.tar.xz": cut[: len(cut) // 4],
            "binary.json": b"\0\1\2",
            "wrong.json": json.dumps([{"uuid": "x"}]),
            **below("broken", {f"{ETC}/x.xml": "<domain>"}),
        },
    )
    host = opened(tmp_path)
    assert [name for name, _ in keys(host)] == ["h1", "h2", "h3"]
    assert host.notes.incomplete
    said = texts(host, "warning")
    assert len(said) == 5
    for name, why in (
        ("cut.json", "invalid JSON: truncated"),
        ("cut.tar.xz", "holds no domain"),
        ("binary.json", "holds no domain: it is not text"),
        ("wrong.json", "holds no guest"),
        ("broken", "holds no domain"),
    ):
        assert [
            one for one in said if f"1 of 8 hosts was not read: {tmp_path}/{name}: {why}" in one
        ]


def test_what_describes_no_guest_is_skipped_in_one_line(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {
            "a.json": saved("a", 1),
            "b.json": saved("b", 2),
            "none.json": "[]",
            "none.jsonl": "",
            "servers.json": json.dumps({"servers": [{"id": uuid_of(1), "tenant_id": "x"}]}),
            "package.json": json.dumps({"name": "x"}),
            "logs.tar.gz": archive({"var/log/messages": "x"}, mode="w:gz"),
            **below("off", {f"{ETC}/networks/x": ""}),
            **below("nets", {"default.xml": "<network/>"}),
            **{f"z{number}": "" for number in range(50)},
        },
    )
    host = opened(tmp_path)
    assert len(keys(host)) == 2
    assert not host.notes.incomplete
    (said,) = texts(host, "warning")
    assert said.startswith(f"{tmp_path}: skipped 57 of 59 entries: z0, z1, z10, z11, z12 and 52 ")
    assert len(said) < 300
    # However often it is read.
    host.guests("block")
    assert texts(host, "warning") == [said]


@pytest.mark.parametrize("files", [{}, {"README": ""}, {"deep/er/a.json": "[]"}])
def test_a_folder_without_any_host_says_what_was_looked_for(
    tmp_path: Path, files: dict[str, str]
) -> None:
    (tmp_path / "f").mkdir()
    make_tree(tmp_path / "f", files)
    with pytest.raises(HostError) as caught:
        opened(tmp_path / "f")
    assert caught.value.exit_code == 3
    assert f"{tmp_path}/f: holds no domain: looked for" in caught.value.message
    for kind in ("*.json", "*.jsonl", "*.xml", "sos reports"):
        assert kind in caught.value.message
    assert ("README" in caught.value.message) == ("README" in files)


def test_a_folder_of_nothing_but_empty_documents_says_so_too(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a.json": "[]", "b.json": "[]"})
    with pytest.raises(HostError, match=r"looked for .*skipped 2 of 2 entries: a.json \(no guest"):
        opened(tmp_path).guests("block")


def test_where_all_fail_there_is_no_answer(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a.json": "[", "b.json": "[", "c.json": "[]"})
    with pytest.raises(HostError, match="none of 2 hosts was read") as caught:
        opened(tmp_path).guests("block")
    assert caught.value.exit_code == 3


def test_a_record_that_is_bad_costs_itself(tmp_path: Path) -> None:
    bad = {**document("a", 2), "kind": "?"}
    make_tree(tmp_path, {"a.jsonl": lines(document("a", 1), bad), "b.json": saved("b", 3)})
    host = opened(tmp_path)
    assert [key[1] for key in keys(host)] == [uuid_of(1), uuid_of(3)]
    (said,) = texts(host, "warning")
    assert "a.jsonl: item 2: kind: expected nova" in said


def test_lines_after_a_broken_one_are_read(tmp_path: Path) -> None:
    text = lines(document("a", 1)) + '{"host": \n' + lines(document("a", 2), document("a", 3))
    path = tmp_path / "a.jsonl"
    path.write_text(text[:-20])
    host = opened(path)
    assert [key[1] for key in keys(host)] == [uuid_of(1)]
    assert host.notes.incomplete
    assert "invalid JSON" in texts(host, "warning")[0]


def test_many_broken_lines_are_a_few_warnings(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(lines(document("a", 1)) + "{]}\n" * 500)
    said = texts(opened(path), "warning")
    assert len(said) == 21
    assert "document 2 of 501" in said[0]
    assert said[-1] == "and 480 more like these"


def test_a_host_in_two_entries_is_reported(tmp_path: Path) -> None:
    make_tree(tmp_path, {"new.json": saved("a", 1), "old.json": saved("a", 1), "b.json": "[]"})
    host = opened(tmp_path)
    assert len(keys(host)) == 2
    assert (
        f"{tmp_path}: a is in several entries (new.json, old.json): a guest that is in two of "
        in (texts(host, "warning")[1])
    )


# ---- what is hostile, and what is large ---------------------------------------------------------


def test_links_devices_and_pipes_are_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path / "outside", {"secret.json": saved("secret", 9), **report("secret", 9)})
    folder = make_tree(tmp_path / "f", {"a.json": saved("a", 1), "b.json": saved("b", 2)})
    (folder / "link.json").symlink_to("../outside/secret.json")
    (folder / "inside.json").symlink_to("a.json")
    (folder / "tree").symlink_to(tmp_path / "outside")
    (folder / "zero.json").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.json")
    host = opened(folder)
    assert keys(host) == [("a", uuid_of(1)), ("b", uuid_of(2))]
    assert texts(host, "warning") == [
        f"{folder}: skipped 5 of 7 entries: inside.json (a link), link.json (a link), pipe.json, "
        "tree (a link), zero.json (a link)"
    ]


@pytest.mark.parametrize("becomes", ["link", "pipe", "folder"])
def test_an_entry_that_changes_after_it_was_listed_is_not_followed(
    tmp_path: Path, becomes: str
) -> None:
    (tmp_path / "secret.json").write_text(saved("secret", 9))
    folder = make_tree(tmp_path / "f", {"a.json": saved("a", 1), "b.json": saved("b", 2)})
    host = opened(folder)
    (folder / "a.json").unlink()
    if becomes == "link":
        (folder / "a.json").symlink_to("../secret.json")
    elif becomes == "pipe":
        os.mkfifo(folder / "a.json")
    else:
        (folder / "a.json").mkdir()
    assert keys(host) == [("b", uuid_of(2))]
    assert host.notes.incomplete
    (said,) = texts(host, "warning")
    assert said.startswith(f"1 of 2 hosts was not read: {folder}/a.json: not read: ")


def test_the_folder_that_was_listed_is_the_one_that_is_read(tmp_path: Path) -> None:
    folder = make_tree(tmp_path / "f", {"a.json": saved("a", 1), "b.json": saved("b", 2)})
    make_tree(tmp_path / "other", {"a.json": saved("x", 8), "b.json": saved("y", 9)})
    host = opened(folder)
    folder.rename(tmp_path / "away")
    folder.symlink_to("other")
    assert keys(host) == [("a", uuid_of(1)), ("b", uuid_of(2))]


def test_a_document_that_is_too_large_costs_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "LARGEST_JSON", 2**20)
    make_tree(tmp_path, {"a.json": saved("a", 1), "large.json": "[" + " " * 2**20 + "]"})
    host = opened(tmp_path)
    assert keys(host) == [("a", uuid_of(1))]
    assert "large.json: is larger than 1 MiB; not read" in texts(host, "warning")[0]


def test_hostile_names_are_only_names(tmp_path: Path) -> None:
    for number, name in enumerate((b"\xff.json", b"a\nb\x1b[2J.json", "\u202e.json".encode())):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(saved(f"h{number}", number).encode())
    assert len(keys(opened(tmp_path))) == 3


def test_many_folders_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_MOST_FOLDERS", 2)
    for number in range(4):
        make_tree(tmp_path / f"h{number}", report(f"h{number}", number))
    host = opened(tmp_path)
    assert [name for name, _ in keys(host)] == ["h0", "h1"]
    assert "skipped 2 of 4 entries: h2, h3" in texts(host, "warning")[0]


class _Counting:
    """How many hosts and files there are at the same time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most_files = self.most_hosts = self.hosts = self.opened = 0
        of_saved = folders.host_in_file
        opened = trees._opened

        def counted(name: str, folder: int) -> int:
            self.opened += 1
            self.most_files = max(self.most_files, len(os.listdir("/proc/self/fd")))
            return opened(name, folder)

        def made(*arguments: object) -> Host:
            import weakref

            host = of_saved(*arguments)  # type: ignore[arg-type]
            self.hosts += 1
            self.most_hosts = max(self.most_hosts, self.hosts)
            weakref.finalize(host, self._gone)
            return host

        monkeypatch.setattr(trees, "_opened", counted)
        monkeypatch.setattr(folders, "host_in_file", made)

    def _gone(self) -> None:
        self.hosts -= 1


def test_of_many_documents_a_handful_is_open_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(
        tmp_path, {f"h{number:03}.json": saved(f"h{number}", number) for number in range(200)}
    )
    before = len(os.listdir("/proc/self/fd"))
    counting = _Counting(monkeypatch)
    fleet = fleet_of(files=[str(tmp_path)], fanout=1)
    assert counting.opened == 0  # Listing them opens none.
    read = 0
    for host_read in fleet.read_each("whole"):
        read += len(host_read.guests)
    assert (read, counting.opened) == (200, 200)
    assert counting.most_hosts <= 5
    assert counting.most_files <= before + 5


def test_a_few_hosts_are_kept_for_the_next_question_and_many_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path, {f"h{number}.json": saved(f"h{number}", number) for number in range(20)})
    counting = _Counting(monkeypatch)
    host = opened(tmp_path)
    host.sightings()
    first = keys(host)
    assert counting.opened == 20
    monkeypatch.setattr(fleets, "MOST_HELD", 5)
    host = opened(tmp_path)
    host.sightings()
    assert keys(host) == first
    assert counting.opened == 20 + 20 + 15
    # Only those that have one of the guests are asked again.
    wanted = uuid_of(19)
    assert len(host.guests("whole", chosen=lambda seen: seen.uuid == wanted)) == 1
    assert counting.opened == 20 + 20 + 15 + 1
    assert len(texts(host, "note")) == 1


def test_nothing_is_left_open(tmp_path: Path) -> None:
    make_tree(tmp_path, {f"h{number}.json": saved(f"h{number}", number) for number in range(5)})
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        assert len(keys(opened(tmp_path))) == 5
    assert len(os.listdir("/proc/self/fd")) == before


def test_json_lines_are_split_as_other_documents_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast way and the general one find the same."""
    for data in (
        b'{"a": "}{"}\n{"b": [1]}\n',
        b'\n\n{"a": 1}  \n\n \t\n{"b": 2}\r\n{"c": 3}',
        b'[{"a": 1}]\n[{"b": 2}]\n',
        b'{\n"a": {}\n}\n{"b": 2}\n',
        b'{"a": 1}\n[2]\n{"b": 3}',
    ):
        found = [
            [json.loads(part) for part in parts]
            for parts in (objects._in_a_row(data), objects._BETWEEN.split(data))
        ]
        assert found[0] == found[1]
        monkeypatch.setattr(objects, "_MOST_LINES", 0)
        assert [json.loads(part) for part in objects._in_a_row(data)] == found[0]
        monkeypatch.undo()


def test_what_collect_wrote_is_not_opened_by_its_path(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a.json": saved("a", 1), "b.json": "SQLite format 3\0", "c.db": "x"})
    host = opened(tmp_path)
    assert keys(host) == [("a", uuid_of(1))]
    first, second = texts(host, "warning")
    assert first == f"1 of 2 hosts was not read: {tmp_path}/b.json: is what collect wrote"
    assert second == f"{tmp_path}: skipped 1 of 3 entries: c.db"


def test_a_skipped_file_of_collect_is_to_be_named_itself(tmp_path: Path) -> None:
    header = b"SQLite format 3\0".ljust(68, b"x")
    (tmp_path / "other.db").write_bytes(header + b"xxxx")
    (tmp_path / "z.db").write_bytes(header + b"novD")
    skipped = r"skipped 2 of 2 entries: other.db, z.db \(what collect wrote: name it itself\)"
    with pytest.raises(HostError, match=skipped):
        opened(tmp_path)
