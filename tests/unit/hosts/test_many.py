"""Several hosts read as one: each guest stays on its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.archives import domain, make_tree
from tests.support.embedded import uuid_of
from tests.support.paths import DATA
from virsh_nova.errors import HostError
from virsh_nova.hosts.host import Host
from virsh_nova.hosts.lookup import resolve
from virsh_nova.hosts.open import open_host

A, B = uuid_of(1), uuid_of(2)


def tree(root: Path, name: str, *uuids: str) -> Path:
    files = {f"etc/libvirt/qemu/{uuid}.xml": domain(f"d-{uuid[:8]}", uuid) for uuid in uuids}
    return make_tree(root, {"etc/hostname": name, **files})


def opened(*paths: Path) -> Host:
    return open_host(files=tuple(map(str, paths)))


@pytest.fixture
def two(tmp_path: Path) -> Host:
    """One guest is on both hosts, another on the second alone."""
    return opened(tree(tmp_path / "x", "one", A), tree(tmp_path / "y", "two", A, B))


def document(uuid: str, host: str | None, **more: object) -> dict[str, object]:
    return {
        "host": host, "uuid": uuid, "domain": f"d-{uuid[:8]}", "state": "running", "id": 1,
        "kind": "foreign", "manager": "unknown", "evidence": [], "instance": None, **more,
    }  # fmt: skip


def saved(path: Path, *documents: dict[str, object]) -> Path:
    path.write_text(json.dumps(documents))
    return path


def test_each_guest_keeps_the_name_of_its_host(two: Host) -> None:
    assert [seen.key for seen in two.sightings()] == [("one", A), ("two", A), ("two", B)]
    for detail in ("block", "domain", "whole"):
        assert [guest.key for guest in two.guests(detail)] == [("one", A), ("two", A), ("two", B)]


def test_several_hosts_have_no_common_name(two: Host) -> None:
    assert two.name is None
    assert two.certain_name is None
    assert not two.is_this_machine


def test_two_sources_of_one_host_have_its_name(tmp_path: Path) -> None:
    both = opened(tree(tmp_path / "x", "one", A), tree(tmp_path / "y", "one", B))
    both.sightings()
    assert (both.name, both.certain_name) == ("one", "one")


def test_a_source_that_names_no_host_leaves_the_name_open(tmp_path: Path) -> None:
    (tmp_path / "b.xml").write_text(domain("b", B))
    both = opened(tree(tmp_path / "x", "one", A), tmp_path / "b.xml")
    assert both.name is None
    assert [seen.host for seen in both.sightings()] == ["one", None]


def test_chosen_guests_are_read_from_each_host(two: Host) -> None:
    chosen = two.guests("whole", chosen=lambda seen: seen.key == ("two", A))
    assert [guest.key for guest in chosen] == [("two", A)]


def test_progress_counts_the_hosts(two: Host) -> None:
    steps: list[tuple[int, int]] = []
    two.guests("block", progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (2, 2)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_the_notes_of_all_hosts_are_reported_warnings_first(tmp_path: Path) -> None:
    x = tree(tmp_path / "x", "one", A)
    y = tree(tmp_path / "y", "two", B)
    (y / "etc/libvirt/qemu/broken.xml").write_text("<domain>")
    both = opened(x, y)
    both.sightings()
    notes = both.notes
    assert [line.kind for line in notes.lines] == ["warning", "note", "note"]
    assert "broken XML" in notes.lines[0].text
    assert f"read from {x}/etc/libvirt/qemu" in notes.lines[1].text
    assert f"read from {y}/etc/libvirt/qemu" in notes.lines[2].text
    assert not notes.incomplete


def test_one_incomplete_host_makes_all_incomplete(tmp_path: Path) -> None:
    x = tree(tmp_path / "x", "one", A)
    y = tree(tmp_path / "y", "two", B)
    # A file where a folder belongs: it is there, and cannot be looked into.
    (y / "run/libvirt").mkdir(parents=True)
    (y / "run/libvirt/qemu").symlink_to("/../../..")
    assert not opened(x).notes.incomplete
    both = opened(x, y)
    both.guests("block")
    assert both.notes.incomplete


def test_a_handle_means_a_guest_on_each_host_that_has_it(two: Host) -> None:
    assert resolve(two, [A]) == ([("one", A), ("two", A)], [])
    assert resolve(two, ["d-00000001", B, A]) == ([("one", A), ("two", A), ("two", B)], [])


def test_a_handle_that_fits_two_guests_says_on_which_hosts(tmp_path: Path) -> None:
    for name, uuid in (("one", A), ("two", B)):
        make_tree(
            tmp_path / name,
            {"etc/hostname": name, "etc/libvirt/qemu/x.xml": domain("web", uuid)},
        )
    keys, (error,) = resolve(opened(tmp_path / "one", tmp_path / "two"), ["web"])
    assert keys == []
    assert f"{A} (web on one), {B} (web on two)" in error.message


def test_a_document_of_several_hosts_is_several_hosts(tmp_path: Path) -> None:
    host = opened(saved(tmp_path / "l.json", document(A, "one"), document(A, "two")))
    assert [guest.key for guest in host.guests("whole")] == [("one", A), ("two", A)]
    assert (host.name, host.certain_name) == (None, None)
    (note,) = host.notes.lines
    assert note.kind == "note"
    assert note.text.startswith(f"read from {tmp_path}/l.json, not from libvirt: 2 guests")


def test_a_document_of_one_host_has_its_name(tmp_path: Path) -> None:
    host = opened(saved(tmp_path / "l.json", document(A, "one"), document(B, "one")))
    assert (host.name, host.certain_name) == ("one", "one")
    assert len(host.notes.lines) == 1


def test_a_document_without_a_host_has_no_name(tmp_path: Path) -> None:
    host = opened(saved(tmp_path / "l.json", document(A, None)))
    assert (host.name, host.certain_name) == (None, None)


def test_one_instance_on_two_real_hosts_is_two_guests() -> None:
    field = DATA / "field" / "f04a-one-instance-on-two-hosts"
    host = opened(field / "compute-1", field / "compute-2")
    uuid = "a1000000-0000-4000-8000-000000000001"
    assert [guest.key for guest in host.guests("whole")] == [
        ("compute-1", uuid), ("compute-2", uuid),
    ]  # fmt: skip
    assert resolve(host, ["instance-0000000a"]) == (
        [("compute-1", uuid), ("compute-2", uuid)], [],
    )  # fmt: skip


def test_a_path_that_holds_nothing_fails_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(HostError, match="holds no domain"):
        opened(tmp_path / "empty")
    host = opened(tree(tmp_path / "x", "one", A), tmp_path / "empty", tmp_path / "nowhere")
    assert [guest.key for guest in host.guests("whole")] == [("one", A)]
    assert host.notes.incomplete
    first, second, _ = (line.text for line in host.notes.lines)
    assert first.startswith(f"1 of 3 hosts was not read: {tmp_path}/empty: holds no domain: looked")
    assert second == (
        f"1 of 3 hosts was not read: {tmp_path}/nowhere: cannot be read: No such file or directory"
    )
    with pytest.raises(HostError, match="none of 2 hosts was read"):
        opened(tmp_path / "empty", tmp_path / "nowhere").guests("block")
