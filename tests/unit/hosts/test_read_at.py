"""The moment at which guests were read: in every guest, and in every document."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.support import embedded
from tests.support.archives import domain, make_tree
from tests.support.embedded import uuid_of
from virsh_nova.document.encode import guest_document, whole_document
from virsh_nova.errors import HostError
from virsh_nova.hosts.host import Detail, Host, this_moment
from virsh_nova.hosts.open import open_host
from virsh_nova.model import Guest
from virsh_nova.render.serial import as_json

WRITTEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
DETAILS: tuple[Detail, ...] = ("block", "domain", "whole")


def moments(host: Host) -> set[datetime | None]:
    """Of all guests and sightings of a host."""
    guests = [guest for detail in DETAILS for guest in host.guests(detail)]
    assert guests
    return {one.read_at for one in (*guests, *host.sightings())}


def saved(path: Path, *guests: Guest, lacking: str = "") -> Host:
    documents = [whole_document(guest) for guest in guests]
    for document in documents:
        document.pop(lacking, None)
    path.write_text(as_json(documents, one_a_line=False, ascii_only=False))
    os.utime(path, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    return open_host(files=[str(path)])


def note_of(host: Host) -> str:
    (note,) = host.notes.lines
    return note.text


def test_guests_of_libvirt_have_the_moment_it_was_asked(tmp_path: Path) -> None:
    before = this_moment()
    host = open_host(embedded.make_host(tmp_path, embedded.nova(1, embedded.block("a"))))
    found = moments(host)
    for moment in found:
        assert moment is not None
        assert before <= moment <= this_moment()
        assert moment.microsecond == 0


def test_guests_in_files_have_the_moment_the_newest_of_them_was_written(tmp_path: Path) -> None:
    tree = make_tree(
        tmp_path,
        {
            "etc/hostname": "one",
            "etc/libvirt/qemu/a.xml": domain("a", uuid_of(1)),
            "etc/libvirt/qemu/b.xml": domain("b", uuid_of(2)),
        },
    )
    for name, days in (("a", 5), ("b", 0)):
        seconds = (WRITTEN - timedelta(days)).timestamp()
        os.utime(tree / f"etc/libvirt/qemu/{name}.xml", (seconds, seconds + 0.75))
    host = open_host(files=[str(tree)])
    assert moments(host) == {WRITTEN}
    assert host.read_at == WRITTEN


def test_this_machines_own_files_are_true_now(monkeypatch: pytest.MonkeyPatch) -> None:
    before = this_moment()
    try:
        host = open_host(offline=True)
    except HostError:
        return  # It has no guests, or this user may not read them.
    assert host.read_at is not None
    assert host.read_at >= before


def test_a_saved_document_says_when_its_guests_were_read_whenever_it_was_written(
    tmp_path: Path,
) -> None:
    read_at = this_moment() - timedelta(hours=5)
    (guest, *_) = open_host(demo=True).guests("whole")
    host = saved(tmp_path / "saved.json", guest._replace(read_at=read_at))
    assert moments(host) == {read_at}
    assert host.read_at == read_at
    assert note_of(host).endswith(f"1 guest, as of {read_at:%Y-%m-%d %H:%M:%S} UTC, 5 hours ago")


def test_of_guests_read_at_several_moments_the_oldest_counts(tmp_path: Path) -> None:
    now = this_moment()
    (guest, *_) = open_host(demo=True).guests("whole")
    host = saved(
        tmp_path / "saved.json",
        guest._replace(read_at=now - timedelta(hours=4)),
        guest._replace(read_at=now - timedelta(days=3)),
    )
    assert host.read_at == now - timedelta(days=3)
    assert re.search(r"2 guests, the oldest as of [-\d]+ [:\d]+ UTC, 3 days ago$", note_of(host))


def test_a_document_that_does_not_say_when_is_as_old_as_its_file(tmp_path: Path) -> None:
    (guest, *_) = open_host(demo=True).guests("whole")
    host = saved(tmp_path / "saved.json", guest, lacking="read_at")
    assert moments(host) == {None}
    assert host.read_at == WRITTEN
    assert "1 guest, last written 2026-01-02 03:04:05 UTC" in note_of(host)


def test_every_document_has_the_moment() -> None:
    (guest, *_) = open_host(demo=True).guests("whole")
    for document in (guest_document, whole_document):
        assert document(guest._replace(read_at=WRITTEN))["read_at"] == "2026-01-02T03:04:05Z"
        assert document(guest._replace(read_at=None))["read_at"] is None
