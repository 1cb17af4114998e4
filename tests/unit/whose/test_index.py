"""Every kind of handle in every spelling finds its guest, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.embedded import uuid_of
from tests.support.guests import instance, nova_guest
from tests.support.handles import (
    BASE,
    DISK,
    HOST,
    IMAGE,
    MAC,
    OTHER_PORT,
    PORT,
    PROCESSES,
    PROJECT,
    RBD_VOLUME,
    VM,
    VOLUME,
    any_text,
    hardware,
    whole_guests,
)
from virsh_nova.handles.identifiers import identifiers
from virsh_nova.handles.kinds import HANDLE_KINDS
from virsh_nova.model import (
    Disk,
    Flavor,
    Guest,
    Identity,
    Owner,
)
from virsh_nova.whose.answer import Answer
from virsh_nova.whose.index import Index
from virsh_nova.whose.suggest import no_match


def found(handle: str, guests: tuple[Guest, ...] = HOST, **more: Any) -> list[tuple[str, str]]:
    return [(one.kind, one.guest.domain) for one in Index.of(guests, **more).answers(handle)]


def answer(handle: str, **more: Any) -> Answer:
    (only,) = Index.of(HOST, **more).answers(handle)
    return only


@pytest.mark.parametrize(
    ("kind", "handles"),
    [
        ("uuid", [uuid_of(1), uuid_of(1).upper(), uuid_of(1).replace("-", ""), "00000001-0",
                  "000000010000", f"uuid:{uuid_of(1)}", "uuid:00000001"]),
        ("domain", ["instance-00000001", "domain:instance-00000001"]),
        ("id", ["7", "id:7", " 7 "]),
        ("pid", ["4242", "pid:4242", "PID: 4242"]),
        ("name", ["vm-twonets", "name:vm-twonets"]),
        ("tap", ["tapd45a9119-51", "tap:tapd45a9119-51", "qvod45a9119-51", "qbrd45a9119-51",
                 "tap4bb8ce1b-d0"]),
        ("mac", ["fa:16:3e:6c:67:b4", "FA-16-3E-6C-67-B4", "fa16.3e6c.67b4", "FA163E6C67B4",
                 "mac:fa163e6c67b4"]),
        ("ip", ["10.0.0.5", "ip:10.0.0.5", "10.0.0.5/32", "::ffff:10.0.0.5",
                "2001:DB8:0:0:f816:3eff:fece:861e", "2001:db8::/64",
                "2001:db8::f816:3eff:fece:861e%e0",
                "10.0.1.0/24", "10.0.1.0/255.255.255.0"]),
        ("port", [PORT, PORT.upper(), "d45a9119-51", f"port:{PORT}", "port:d45a9119-51c6",
                  OTHER_PORT]),
        ("volume", [VOLUME, VOLUME.upper(), f"volume:{VOLUME}", f"volume-{VOLUME}", RBD_VOLUME]),
        ("disk", [DISK, f"disk:{DISK}", DISK.replace("/nova/", "//nova/./"), "/dev/sdb",
                  f"volumes/volume-{RBD_VOLUME}"]),
        ("image", [IMAGE, f"image:{IMAGE}", IMAGE.upper()]),
        ("flavor", ["m1.tiny", "42", "flavor:42", "flavor:m1.tiny"]),
        ("user", ["demo", "3ceaaf308142c8ea91d93080f9b439fc", "user:demo"]),
    ],
)  # fmt: skip
def test_every_spelling_of_every_handle_finds_its_guest(kind: str, handles: list[str]) -> None:
    for handle in handles:
        assert found(handle) == [(kind, "instance-00000001")], handle


@pytest.mark.parametrize("handle", ["demo-project", PROJECT, PROJECT.upper(), f"project:{PROJECT}"])
def test_a_project_gives_all_its_guests(handle: str) -> None:
    assert found(handle) == [("project", "instance-00000001"), ("project", "instance-00000002")]


def test_a_backing_file_gives_all_guests_built_on_it() -> None:
    assert found(BASE) == [("disk", "instance-00000001"), ("disk", "instance-00000002")]
    assert Index.of(HOST).answers(BASE)[0].detail == "backing file of vda"


def test_a_network_gives_every_address_in_it() -> None:
    answers = Index.of(HOST).answers("10.0.0.0/16")
    assert [one.value for one in answers] == ["10.0.0.5", "10.0.0.6", "10.0.1.7"]
    assert len(Index.of(HOST).answers("ip:0.0.0.0/0")) == 3
    assert found("10.9.0.0/16") == []


@pytest.mark.parametrize(
    "handle",
    ["", " ", "-", ":", "/", "nobody", "0000", "999", "10.0.0.9", "10.0.0.0/99", "fa:16:3e:00",
     "pid:x", "mac:", "ip:", "pid:99999999999999999999", "id:4242", "pid:7", "uuid:000",
     "tapd45a9119-5", "d45a9119", "N/A", "project:", "domain:vm-twonets", "٣", "\0", "x" * 10_000],
)  # fmt: skip
def test_what_no_guest_has_finds_none(handle: str) -> None:
    assert found(handle) == [] or handle == "0000"


def test_details_say_what_it_is_to_the_guest() -> None:
    assert answer("tapd45a9119-51").detail == f"port {PORT}"
    assert answer(PORT).detail == "port (tapd45a9119-51)"
    assert answer("fa163e6c67b4").detail == f"port {PORT} (tapd45a9119-51)"
    assert answer(VOLUME).detail == "volume at vdb"
    assert answer(DISK).detail == "disk vda"
    assert answer("10.0.0.5").detail == f"address on port {PORT}"


def test_the_uuid_within_a_path_comes_last() -> None:
    path = f"/var/lib/nova/instances/{uuid_of(2)}/console.log"
    assert found(path) == [("uuid", "instance-00000002")]


def test_a_handle_of_two_kinds_is_answered_for_both() -> None:
    twin = nova_guest(5, instance("instance-00000001"))
    assert found("instance-00000001", (VM, twin)) == [
        ("domain", "instance-00000001"),
        ("name", "instance-00000005"),
    ]
    named = nova_guest(6, instance("x"), id=4242)
    assert found("4242", (VM, named)) == [
        ("id", "instance-00000006"), ("pid", "instance-00000001")
    ][::-1]  # fmt: skip


def test_an_id_comes_before_a_name_that_is_a_number() -> None:
    twin = nova_guest(5, instance("7", flavor=Flavor("7", "7")), id=None)
    assert found("7", (VM, twin)) == [("id", "instance-00000001")]
    assert found("name:7", (VM, twin)) == [("name", "instance-00000005")]
    assert found("7", (twin,)) == [("name", "instance-00000005"), ("flavor", "instance-00000005")]


def test_a_display_name_that_looks_like_a_prefix_needs_a_prefix() -> None:
    liar = nova_guest(5, instance("pid:4242"))
    assert found("pid:4242", (VM, liar)) == [("pid", "instance-00000001")]
    assert found("name:pid:4242", (VM, liar)) == [("name", "instance-00000005")]


def test_the_placeholder_for_an_unknown_name_finds_none() -> None:
    na = nova_guest(5, instance("x", owner=Owner(Identity("u1", "N/A"), Identity("p1", ""))))
    assert found("N/A", (na,)) == []
    assert found("p1", (na,)) == [("project", "instance-00000005")]


# ---- processes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "domain", "detail"),
    [
        (4242, "instance-00000001", "QEMU"),
        (4301, "instance-00000001", "thread CPU 0/KVM of QEMU 4242"),
        (4310, "instance-00000002", "QEMU"),
        (4400, "instance-00000001", "process passt, child of QEMU 4242"),
        (4500, "instance-00000001", "thread worker of process x, below QEMU 4242"),
        (5000, "instance-00000003", "QEMU"),
        # Whatever a process below a QEMU says of itself.
        (4304, "instance-00000001", "process python3, child of QEMU 4242"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "pid:"])
def test_a_process_leads_to_its_guest(number: int, domain: str, detail: str, prefix: str) -> None:
    (only,) = Index.of(HOST, PROCESSES.get).answers(f"{prefix}{number}")
    assert (only.kind, only.guest.domain, only.detail) == ("pid", domain, detail)


@pytest.mark.parametrize(
    ("number", "detail"),
    [
        (4300, "process python3"),
        (4302, "thread worker of process python3 (4300)"),
        (4303, "process sh, child of process python3 (4300)"),
        (4311, "process qemu-system-x86"),
    ],
)
def test_a_process_with_a_guest_s_uuid_alone_is_called_that(number: int, detail: str) -> None:
    (only,) = Index.of(HOST, PROCESSES.get).answers(str(number))
    assert only.guest.domain == "instance-00000001"
    assert only.detail == f"{detail}, by its command line alone"


@pytest.mark.parametrize("number", [4600, 4700, 5100, 1])
def test_a_process_of_no_guest_finds_none(number: int) -> None:
    assert found(str(number), processes=PROCESSES.get) == []


# ---- links ------------------------------------------------------------------------------------


def test_links_are_followed_from_either_side() -> None:
    links = {"/srv/link": DISK, "/dev/dm-3": "/dev/dm-3", "/dev/disk/by-id/a": "/dev/dm-3"}

    def real_paths(paths: Any) -> dict[str, str]:
        return {path: links.get(path, path) for path in paths}

    mapped = nova_guest(5, hardware=hardware(Disk("vda", "scsi", "/dev/disk/by-id/a", None)))
    index = Index.of((VM, mapped), real_paths=real_paths)
    assert [one.value for one in index.answers("/srv/link")] == [DISK]
    assert [one.value for one in index.answers("/dev/dm-3")] == ["/dev/disk/by-id/a"]
    assert index.answers("/srv/nothing") == []
    assert Index.of((VM,)).answers("/srv/link") == []


# ---- whatever guests hold ---------------------------------------------------------------------


@given(st.lists(whole_guests(), max_size=4))
def test_every_identifier_of_every_guest_finds_that_guest(guests: list[Guest]) -> None:
    index = Index.of(guests)
    for guest in guests:
        for kind, value, _ in identifiers(guest):
            if value.strip() and (kind != "mac" or value == MAC):
                handle = f"{kind}:{value}"
                assert any(one.guest.uuid == guest.uuid for one in index.answers(handle)), handle


@given(st.lists(whole_guests(), max_size=2), st.data())
def test_any_text_can_be_looked_up(guests: list[Guest], data: st.DataObject) -> None:
    known = [text for guest in guests for _, text, _ in identifiers(guest)]
    piece = any_text | st.sampled_from(
        [f"{kind}:" for kind in HANDLE_KINDS] + known + ["/", ".", "10.0.0."]
    )
    handle = data.draw(st.lists(piece, max_size=4).map("".join))
    index = Index.of(guests, lambda _: None, lambda paths: {path: path for path in paths})
    for one in index.answers(handle):
        assert one.kind in HANDLE_KINDS
    no_match(handle, index, asks_proc=True)
