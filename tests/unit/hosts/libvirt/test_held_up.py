"""A listing that does not answer while the daemon does: a guest holds it up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import libvirt
import pytest

from tests.support.archives import make_tree
from tests.support.embedded import block, guest, make_host, uuid_of
from virsh_nova.errors import HostError, HostSilent
from virsh_nova.hosts.files import open as files_module
from virsh_nova.hosts.files.tree import open_tree
from virsh_nova.hosts.libvirt import held_up
from virsh_nova.hosts.libvirt.connection import LibvirtHost

from .conftest import Change

Hang = Callable[[type, str, Callable[[Any], bool]], None]
STUCK = uuid_of(2)


@pytest.fixture
def host_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """This machine's libvirt, it seems, with three guests; its files are there too."""
    guests = {n: guest(n, domain=f"web-{n}", metadata=block(f"name-{n}")) for n in (1, 2, 3)}
    root = tmp_path / "root"
    make_tree(root, {f"etc/libvirt/qemu/web-{n}.xml": xml for n, xml in guests.items()})
    (root / "run/libvirt/qemu").mkdir(parents=True)
    monkeypatch.setattr(files_module, "open_tree", lambda _path: open_tree(str(root)))
    monkeypatch.setattr(held_up, "is_system_daemon_here", lambda _uri: True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return make_host(tmp_path, *guests.values())


@pytest.fixture
def uri(host_uri: str, hang: Hang, change: Change) -> Iterator[str]:
    """Its list does not come: the second guest holds it up."""
    hang(libvirt.virConnect, "getAllDomainStats", lambda _: True)
    over = threading.Event()

    def look_up(real: Callable[..., Any], connection: Any, uuid: str) -> Any:
        if uuid == STUCK:
            over.wait()
        return real(connection, uuid)

    change(libvirt.virConnect, "lookupByUUIDString", look_up)
    yield host_uri
    over.set()


def test_the_files_are_read_instead_and_a_note_names_the_guest(uri: str) -> None:
    host = LibvirtHost.open(uri, timeout=30)
    start = time.monotonic()
    guests = host.guests("domain")
    assert time.monotonic() - start < 8
    assert {guest.domain for guest in guests} == {"web-1", "web-2", "web-3"}
    assert {guest.kind for guest in guests} == {"nova"}
    (note,) = host.notes.lines
    assert note.kind == "note"
    assert f"held up by web-2 ({STUCK})" in note.text
    assert "web-1" not in note.text
    assert "not from libvirt: 3 guests" in note.text
    assert not host.notes.incomplete


def test_once_read_the_files_are_kept_for_all_that_follows(uri: str) -> None:
    host = LibvirtHost.open(uri, timeout=30)
    seen = host.sightings()
    start = time.monotonic()
    (guest,) = host.guests("whole", chosen=lambda one: one.uuid == STUCK)
    assert time.monotonic() - start < 0.5
    assert guest.key in {one.key for one in seen}
    assert guest.definitions


def test_to_write_takes_libvirt_itself(uri: str) -> None:
    with pytest.raises(HostError, match=rf"held up by web-2 \({STUCK}\)") as caught:
        LibvirtHost.open(uri, timeout=30, writable=True).guests("whole")
    assert caught.value.exit_code == 3
    assert "files" not in caught.value.hint


@pytest.mark.parametrize("elsewhere", [True, False], ids=["of another host", "not as root"])
def test_elsewhere_it_is_an_error_with_the_cause(
    uri: str, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    if elsewhere:
        monkeypatch.setattr(held_up, "is_system_daemon_here", lambda _uri: False)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HostError, match="answers, but does not list its guests") as caught:
        LibvirtHost.open(uri, timeout=1.5).guests("block")
    assert not isinstance(caught.value, HostSilent)
    assert "being destroyed" in caught.value.message
    assert "as root" in caught.value.hint


def test_a_listing_that_is_only_slow_is_waited_for(host_uri: str, change: Change) -> None:
    def slowly(real: Callable[..., Any], connection: Any, flags: int) -> Any:
        time.sleep(1.5)
        return real(connection, flags)

    change(libvirt.virConnect, "getAllDomainStats", slowly)
    host = LibvirtHost.open(host_uri, timeout=30)
    assert len(host.guests("block")) == 3
    assert host.notes.lines == ()


def test_a_daemon_that_does_not_answer_at_all_is_silent(uri: str, hang: Hang) -> None:
    hang(libvirt.virConnect, "getLibVersion", lambda _: True)
    with pytest.raises(HostSilent, match=r"does not answer within 1\.5 s"):
        LibvirtHost.open(uri, timeout=1.5).sightings()
