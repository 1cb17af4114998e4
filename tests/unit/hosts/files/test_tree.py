"""Trees of files that may come from anybody: nothing leads out, nothing blocks, all is bounded."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.archives import domain, make_tree, real_files, status
from tests.support.embedded import uuid_of
from virsh_nova.hosts.files import folder as foldering
from virsh_nova.hosts.files import layout as limits
from virsh_nova.hosts.files import search as searching
from virsh_nova.hosts.files.assemble import Assembled, HostName, LivesOn, assemble, host_name
from virsh_nova.hosts.files.layout import Search
from virsh_nova.hosts.files.search import holds_host, search_folder, search_tree
from virsh_nova.hosts.files.tree import Entry, Folder, LeadsOut, NotRegular, Tree, open_tree
from virsh_nova.hosts.open import open_host
from virsh_nova.model import Sighting

ETC, RUN = "etc/libvirt/qemu", "run/libvirt/qemu"


def searched(root: Path) -> Search:
    with open_tree(str(root)) as tree:
        return search_tree(tree).search


def assembled(search: Search, lives_on: LivesOn | None = None) -> Assembled:
    return assemble(search, HostName("h"), lives_on)


def names(search: Search) -> list[str]:
    return [guest.sighting.domain for guest in assembled(search).guests]


def states(search: Search) -> dict[str, tuple[int | None, str]]:
    seen = (guest.sighting for guest in assembled(search).guests)
    return {one.domain: (one.id, one.state) for one in seen}


def test_a_real_host_is_read_whole(tmp_path: Path) -> None:
    search = searched(make_tree(tmp_path, real_files()))
    assert search.complete
    assert search.faults == ()
    assert search.place == f"{tmp_path}/{ETC} and {tmp_path}/{RUN}"
    told = assembled(search)
    assert sorted(states(search)) == [f"nova-lab-0000000{number}" for number in (2, 6, 7)]
    for files in told.guests:
        guest = files.guest("whole")
        assert guest.faults == ()
        assert guest.state == "running"
        assert guest.pid
        assert guest.id == files.sighting.id
        assert [one.name for one in guest.definitions] == ["live", "persistent"]
        assert guest.hardware
        assert guest.instance


def test_states_come_from_the_live_files(tmp_path: Path) -> None:
    on, off, transient = (uuid_of(number) for number in (1, 2, 3))
    files = {
        f"{ETC}/on.xml": domain("on", on),
        f"{ETC}/off.xml": domain("off", off),
        f"{RUN}/on.xml": status(domain("on", on, id=5), state="paused", reason="user"),
        f"{RUN}/trans.xml": status(domain("trans", transient, id=6)),
    }
    assert states(searched(make_tree(tmp_path, files))) == {
        "on": (5, "paused"),
        "trans": (6, "running"),
        "off": (None, "shutoff"),
    }


def test_without_the_live_folder_states_are_unknown(tmp_path: Path) -> None:
    make_tree(tmp_path, {f"{ETC}/a.xml": domain("a", uuid_of(1))})
    assert states(searched(tmp_path)) == {"a": (None, "unknown")}
    (tmp_path / RUN).mkdir(parents=True)
    assert states(searched(tmp_path)) == {"a": (None, "shutoff")}


def test_a_damaged_live_file_leaves_the_state_unknown(tmp_path: Path) -> None:
    make_tree(
        tmp_path, {f"{ETC}/a.xml": domain("a", uuid_of(1)), f"{RUN}/a.xml": "<domstatus state="}
    )
    search = searched(tmp_path)
    assert states(search) == {"a": (None, "unknown")}
    assert "a.xml: broken XML" in assembled(search).faults[0]


def test_a_guest_whose_qemu_is_gone_is_off_and_reported(tmp_path: Path) -> None:
    make_tree(tmp_path, {f"{RUN}/a.xml": status(domain("a", uuid_of(1), id=5))})
    (guest,) = assembled(searched(tmp_path), lambda _pid, _uuid: None).guests
    assert guest.sighting == Sighting("h", uuid_of(1), "a", None, "shutoff")
    assert guest.guest("domain").faults == (
        "its QEMU, process 4711, is gone; libvirt has not noticed yet",
    )
    (guest,) = assembled(searched(tmp_path), lambda _pid, _uuid: "").guests
    assert guest.sighting.state == "running"
    assert guest.pid == 4711
    # It may be anybody's process, and libvirt's file is all there is to say that it runs.
    (guest,) = assembled(searched(tmp_path), lambda _pid, _uuid: "it runs python3").guests
    assert (guest.sighting.state, guest.pid) == ("running", None)
    assert guest.guest("domain").faults == (
        "process 4711 is its QEMU by its command line alone: it runs python3",
    )


def test_the_output_of_virsh_list_gives_states(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {
            f"{ETC}/a.xml": domain("a", uuid_of(1)),
            "sos_commands/virsh/virsh_-r_dumpxml_b": domain("b", uuid_of(2), id=9),
            "sos_commands/virsh/virsh_-r_list_--all": " -  a  shut off\n 9  b  paused\n"
            " 8  c  idle\n",
        },
    )
    search = searched(tmp_path)
    assert states(search) == {"a": (None, "shutoff"), "b": (9, "paused")}
    assert "c: is in the list of virsh" in assembled(search).faults[0]


def test_a_dump_of_a_running_guest_is_its_live_definition(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {
            f"{ETC}/a.xml": domain("a", uuid_of(1)),
            "sos_commands/virsh/virsh_-r_dumpxml_a": domain("a", uuid_of(1), id=9),
        },
    )
    (files,) = assembled(searched(tmp_path)).guests
    guest = files.guest("whole")
    assert (guest.id, guest.state) == (9, "unknown")
    assert [one.name for one in guest.definitions] == ["live", "persistent"]


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"etc/hostname": "# mine\n\ncompute-1\n"}, "compute-1"),
        ({"sos_commands/host/hostname": "b\n", "etc/hostname": "a\n"}, "b"),
        ({"sos_commands/host/hostname_-f": "b.test\n", "etc/hostname": "b\n"}, "b.test"),
        ({"sos_commands/host/hostname_-f": "hostname: no such host\n", "etc/hostname": "b"}, "b"),
        ({"sos_commands/host/hostname_-f": "localhost\n", "etc/hostname": "b"}, "b"),
        ({"etc/hostname": "\n"}, None),
    ],
)  # fmt: skip
def test_the_name_of_the_host_is_found_in_its_files(
    tmp_path: Path, files: dict[str, str], name: str | None
) -> None:
    make_tree(tmp_path, files)
    found = host_name(searched(tmp_path))
    assert found == (HostName(name) if name else HostName(tmp_path.name, guessed=True))


@pytest.mark.parametrize(
    "folder",
    ["var/lib/docker/volumes/nova_libvirt_qemu/_data",
     "var/snap/openstack-hypervisor/common/etc/libvirt/qemu"],
)  # fmt: skip
def test_the_folders_of_container_deployments_are_found(tmp_path: Path, folder: str) -> None:
    (tmp_path / ETC).mkdir(parents=True)
    make_tree(tmp_path, {f"{folder}/a.xml": domain("a", uuid_of(1))})
    search = searched(tmp_path)
    assert names(search) == ["a"]
    assert search.place == f"{tmp_path}/{folder}"
    # Where the usual place holds any, the others are not looked into.
    make_tree(tmp_path, {f"{ETC}/b.xml": domain("b", uuid_of(2))})
    assert names(searched(tmp_path)) == ["b"]


def test_links_stay_inside(tmp_path: Path) -> None:
    outside = make_tree(tmp_path / "outside", {"a.xml": domain("secret", uuid_of(1))})
    root = make_tree(tmp_path / "root", {"real/in.xml": domain("in", uuid_of(2))})
    folder = root / ETC
    folder.mkdir(parents=True)
    (folder / "absolute.xml").symlink_to(outside / "a.xml")
    (folder / "up.xml").symlink_to("../../../../outside/a.xml")
    (folder / "self.xml").symlink_to("self.xml")
    (folder / "in.xml").symlink_to("../../../real/in.xml")
    (folder / "in-too.xml").symlink_to("/real/./in.xml")
    search = searched(root)
    told = assembled(search)
    assert [guest.sighting.domain for guest in told.guests] == ["in"]
    assert len([fault for fault in told.faults if "leads out" in fault]) == 2
    assert told.notes == (
        f"{folder}/absolute.xml: not followed: it is a link to nothing below {root}",
    )
    assert "secret" not in str(search)


def test_folders_that_are_links_stay_inside(tmp_path: Path) -> None:
    make_tree(tmp_path / "out/libvirt/qemu", {"a.xml": domain("secret", uuid_of(1))})
    root = tmp_path / "root"
    root.mkdir()
    (root / "etc").symlink_to("../out")
    assert not searched(root).found
    (root / "etc").unlink()
    (root / "etc").symlink_to(tmp_path / "out")
    assert not searched(root).found
    with open_tree(str(root)) as tree:
        assert not holds_host(tree)
    # As that system would: an absolute link begins at its own root.
    make_tree(root / "usr/etc/libvirt/qemu", {"b.xml": domain("b", uuid_of(2))})
    (root / "etc").unlink()
    (root / "etc").symlink_to("/usr/etc")
    assert names(searched(root)) == ["b"]


@pytest.mark.parametrize("link", ["run", "run/libvirt", "run/libvirt/qemu"])
def test_a_folder_that_is_a_link_out_of_the_tree_gets_a_note(tmp_path: Path, link: str) -> None:
    root = make_tree(tmp_path / "root", {f"{ETC}/a.xml": domain("a", uuid_of(1))})
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(tmp_path)
    (root / "var").mkdir()
    (root / "var/run").symlink_to("/run")
    told = assembled(searched(root))
    assert [guest.sighting.state for guest in told.guests] == ["unknown"]
    assert told.notes == (f"{root}/{link}: not followed: it is a link to nothing below {root}",)


# ---- what changes while it is read ------------------------------------------------------------


def two_reports(tmp_path: Path) -> Path:
    """A folder of the reports a and b; beside it what nobody asked for."""
    for place, name in (("reports/a", "in-a"), ("reports/b", "in-b"), ("outside", "secret")):
        make_tree(
            tmp_path / place,
            {f"{ETC}/x.xml": domain(name, uuid_of(len(name))), "etc/hostname": name},
        )
    return tmp_path / "reports"


def replace_by_link(folder: Path, target: Path) -> None:
    folder.rename(folder.with_name(f"{folder.name}.away"))
    folder.symlink_to(target)


def domains_in(path: Path) -> list[str]:
    return sorted(seen.domain for seen in open_host(files=[str(path)]).sightings())


def test_a_folder_that_becomes_a_link_after_it_was_listed_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = two_reports(tmp_path)
    listed = Folder.entries

    def entries_then_swap(folder: Folder) -> list[Entry]:
        entries = listed(folder)
        if not (reports / "a").is_symlink():
            replace_by_link(reports / "a", tmp_path / "outside")
        return entries

    monkeypatch.setattr(Folder, "entries", entries_then_swap)
    host = open_host(files=[str(reports)])
    assert [seen.domain for seen in host.sightings()] == ["in-b"]
    assert host.notes.incomplete
    said = f"1 of 2 hosts was not read: {reports}/a: not read: Not a directory"
    assert said in [line.text for line in host.notes.lines]


def test_a_report_that_becomes_a_link_while_it_is_read_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = two_reports(tmp_path)
    inner = Tree.inner
    openings: list[str] = []

    def open_then_swap(tree: Tree, name: str) -> Tree:
        opened = inner(tree, name)
        openings.append(name)
        # First it is only looked at.
        if name == "a" and openings.count(name) == 2:
            replace_by_link(reports / "a", tmp_path / "outside")
        return opened

    monkeypatch.setattr(Tree, "inner", open_then_swap)
    assert domains_in(reports) == ["in-a", "in-b"]


@pytest.mark.parametrize("step", ["etc", "etc/libvirt", ETC])
def test_a_step_that_becomes_a_link_after_it_was_looked_at_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    root = two_reports(tmp_path) / "a"
    outside = tmp_path / "outside" / step
    readlink = os.readlink

    def look_then_swap(name: str, *, dir_fd: int) -> str:
        try:
            return readlink(name, dir_fd=dir_fd)
        finally:
            if name == step.rpartition("/")[2] and not (root / step).is_symlink():
                replace_by_link(root / step, outside)

    monkeypatch.setattr(os, "readlink", look_then_swap)
    with open_tree(str(root)) as tree:
        found = search_tree(tree).search.found
    monkeypatch.undo()
    assert (root / step).is_symlink()
    assert b"secret" not in b"".join(file.data for file in found)


def test_a_file_that_becomes_a_link_after_it_was_looked_at_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = two_reports(tmp_path) / "a"
    stat = os.stat

    def look_then_swap(name: str, **more: Any) -> os.stat_result:
        status = stat(name, **more)
        if name == "x.xml" and not (root / ETC / name).is_symlink():
            replace_by_link(root / ETC / name, tmp_path / "outside" / ETC / name)
        return status

    monkeypatch.setattr(os, "stat", look_then_swap)
    assert "secret" not in names(searched(root))
    assert (root / ETC / "x.xml").is_symlink()


def test_the_folder_that_was_named_is_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = two_reports(tmp_path) / "a"
    holds = searching.holds_host

    def look_then_swap(tree: Tree) -> bool:
        held = holds(tree)
        replace_by_link(root, tmp_path / "outside")
        return held

    monkeypatch.setattr(foldering, "holds_host", look_then_swap)
    assert domains_in(root) == ["in-a"]


def test_a_report_without_a_guest_or_without_rights_does_not_cost_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = two_reports(tmp_path)
    (reports / "empty/etc/libvirt/qemu").mkdir(parents=True)
    (reports / "locked").mkdir()
    inner = Tree.inner

    def refuse(tree: Tree, name: str) -> Tree:
        if name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied")
        return inner(tree, name)

    monkeypatch.setattr(Tree, "inner", refuse)
    assert domains_in(reports) == ["in-a", "in-b"]
    host = open_host(files=[str(reports)])
    host.sightings()
    assert host.notes.incomplete
    assert [line.text for line in host.notes.lines if line.kind == "warning"] == [
        f"1 of 3 hosts was not read: {reports}/locked: not read: Permission denied",
        f"{reports}: skipped 1 of 4 entries: empty (no guest)",
    ]


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    reports = two_reports(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        domains_in(reports)
        with open_tree(str(reports)) as tree, pytest.raises(OSError):  # noqa: PT011
            tree.read("a/etc/nothing/here", 10)
    assert len(os.listdir("/proc/self/fd")) == before


def test_var_run_is_read_as_run(tmp_path: Path) -> None:
    make_tree(tmp_path, {f"{RUN}/a.xml": status(domain("a", uuid_of(1), id=1))})
    (tmp_path / "var").mkdir()
    (tmp_path / "var/run").symlink_to("/run")
    search = searched(tmp_path)
    assert names(search) == ["a"]
    assert not assembled(search).faults


def test_devices_pipes_and_sockets_are_not_opened(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / ETC
    folder.mkdir(parents=True)
    os.mkfifo(folder / "fifo.xml")
    (folder / "folder.xml").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(folder)
        listening.bind("socket.xml")
        if os.geteuid() == 0:
            os.mknod(folder / "zero.xml", 0o666 | 0o020000, os.makedev(1, 5))
        search = searched(tmp_path)
    assert not search.found
    assert all("not a regular file" in fault for fault in search.faults)
    assert len(search.faults) >= 3


def test_large_files_are_skipped_and_too_many_are_cut(tmp_path: Path, monkeypatch) -> None:
    make_tree(
        tmp_path,
        {f"{ETC}/{number}.xml": domain(str(number), uuid_of(number)) for number in range(9)},
    )
    with open(tmp_path / ETC / "0.xml", "r+b") as file:
        file.truncate(10 * limits.LARGEST_XML)
    search = searched(tmp_path)
    assert len(search.found) == 8
    assert "is larger than 4 MiB" in search.faults[0]
    assert search.complete
    monkeypatch.setattr(searching, "MOST_FILES", 3)
    search = searched(tmp_path)
    assert len(search.found) == 3
    assert not search.complete


def test_hostile_names_are_only_names(tmp_path: Path) -> None:
    folder = tmp_path / ETC
    folder.mkdir(parents=True)
    for number, name in enumerate((b"\xff\xfe.xml", b"a\nb\x1b[2J.xml", "\u202e.xml".encode())):
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(domain(f"d{number}", uuid_of(number)).encode())
    assert sorted(names(searched(tmp_path))) == ["d0", "d1", "d2"]


def test_a_folder_of_dumps_is_read(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {
            "a.xml": domain("a", uuid_of(1), id=3),
            "b.xml": domain("b", uuid_of(2)),
            "c.xml": status(domain("c", uuid_of(3), id=4), state="paused", reason="user"),
            "copy.xml": domain("b", uuid_of(2)),
            "network.xml": "<network/>",
            "notes.txt": "<domain/>",
        },
    )
    with open_tree(str(tmp_path)) as tree:
        search = search_folder(tree).search
    assert states(search) == {"c": (4, "paused"), "a": (3, "unknown"), "b": (None, "unknown")}
    faults = assembled(search).faults
    assert [fault.partition(": ")[0] for fault in faults] == [
        f"{tmp_path}/copy.xml", f"{tmp_path}/network.xml",
    ]  # fmt: skip


def test_paths_that_lead_nowhere_are_errors(tmp_path: Path) -> None:
    with open_tree(str(tmp_path)) as tree:
        for path in ("..", "a/../../b", "../" * 30 + "etc/passwd"):
            with pytest.raises(OSError, match=r"leads out|No such file"):
                tree.read(path, 100)
        (tmp_path / "out").symlink_to("..")
        with pytest.raises(LeadsOut), tree.folder("out"):
            pass
        with pytest.raises(NotRegular):
            tree.read(".", 100)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("a", "a/b", "a/b/c", "d", "d/e")),
            st.sampled_from(("/", "..", "../..", "a", "/a/b", "b", "../d", "/d/e", "/..", ".")),
        ),
        max_size=6,
    ),
    st.sampled_from(("a", "a/b/c", "d/e", "a/../d", "d/e/../..", "a/b/c/secret", "secret")),
)  # fmt: skip
def test_no_maze_of_links_leads_out(
    tmp_path_factory: pytest.TempPathFactory, links: list[tuple[str, str]], path: str
) -> None:
    base = tmp_path_factory.mktemp("maze")
    (base / "secret").write_text("secret")
    root = base / "root"
    root.mkdir()
    for name, target in links:
        place = root / name
        # A link made through an earlier one would lie anywhere on this machine.
        if not os.path.realpath(place.parent).startswith(str(root)):
            continue
        try:
            os.makedirs(place.parent, exist_ok=True)
            place.symlink_to(target)
        except OSError:
            continue
    with open_tree(str(root)) as tree:
        try:
            data, _ = tree.read(path, 100)
        except OSError:
            data = b""
        assert data != b"secret"
        try:
            with tree.folder(path) as folder:
                assert "root" not in folder.names()
        except OSError:
            pass
