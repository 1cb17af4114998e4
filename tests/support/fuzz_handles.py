"""Fuzz handles: whatever is typed gets answers or an error, and is shown as one safe line.

python -m tests.support.fuzz_handles --seconds 60
"""

from __future__ import annotations

from random import Random

from tests.support.embedded import uuid_of
from tests.support.handles import (
    BASE,
    DISK,
    HOST,
    IMAGE,
    MAC,
    PORT,
    PROCESSES,
    PROJECT,
    RBD_VOLUME,
    VOLUME,
)
from tests.support.searching import damaged, main
from tests.support.searching import run as run_search
from tests.support.strategies import NASTY
from virsh_nova.errors import NovaDomainsError
from virsh_nova.handles.kinds import HANDLE_KINDS
from virsh_nova.hosts.lookup import find_by_display_name, find_by_identity, unknown
from virsh_nova.model import Sighting
from virsh_nova.render.safe import is_safe
from virsh_nova.render.style import plain
from virsh_nova.render.whose import UNICODE, Json, Rows, Text
from virsh_nova.whose.index import Index
from virsh_nova.whose.narrow import chosen_by
from virsh_nova.whose.suggest import no_match

MODULE = "tests.support.fuzz_handles"
HANDLES = (
    uuid_of(1), uuid_of(1)[:9], "instance-00000001", "7", "4242", "4300", "pid:4301", "vm-twonets",
    "m1.tiny", MAC, "fe" + MAC[2:], "10.0.0.5", "2001:db8::f816:3eff:fece:861e", "10.0.1.0/24",
    "2001:db8::/32", PORT, f"tap{PORT[:11]}", f"qvo{PORT[:11]}", VOLUME, VOLUME[:8],
    f"virtio-{VOLUME[:20]}", RBD_VOLUME, IMAGE, PROJECT, BASE, DISK, "/var/lib/nova/instances",
    "0000:3b:00.0", "3b:00.0", "domain-7-instance-0000000", "qemu-7-instance-00000001",
    r"machine-qemu\x2d7\x2dinstance\x2d00000001.scope", "vhost-4242",
    "/run/libvirt/qemu/instance-00000001.pid", "guestfs-x9d2kq7w1mzt4r8e", "demo-project",
)  # fmt: skip
WORDS = (
    *NASTY, *(f"{kind}:" for kind in HANDLE_KINDS), "/", "//", "..", "-", "::", ":", ".", "%",
    "\\x2d", "\\", "0x", "-1", "9" * 40, "0" * 40, "/33", "/-1", "/129", "\x00", "\x1b[2J", "\n",
    "٣", "tap", "vhu", "qemu-", ".scope",
)  # fmt: skip
INDEX = Index.of(HOST, PROCESSES.get)
_SIGHTINGS = [Sighting(*(getattr(guest, field) for field in Sighting._fields)) for guest in HOST]


def handle_of(random: Random) -> str:
    return damaged(random, random.choice(HANDLES), WORDS)


def case(random: Random) -> None:
    handle = handle_of(random)
    answers = INDEX.answers(handle)
    faces = (
        Text(plain, UNICODE),
        Text(plain, UNICODE, width=60),
        Json(ascii_only=False),
        Rows(("handle", "is", "value", "detail"), as_csv=random.random() < 0.5),
    )
    for face in faces:
        shown = face.begin() + face.answers(handle, answers) + face.end()
        assert is_safe(shown.replace("\n", "").replace("\t", "")), f"an unsafe character: {shown!r}"
    assert all(answer.guest in HOST for answer in answers)
    line = Text(plain, UNICODE).answers(handle, answers)
    assert line.count("\n") == len({answer.guest.uuid for answer in answers}), repr(line)
    for kind in HANDLE_KINDS:
        assert all(answer.kind for answer in INDEX.of_kind(kind, handle))
    error: NovaDomainsError = no_match(handle, INDEX, asks_proc=True)
    assert error.message
    chosen = chosen_by([handle], PROCESSES.get)
    found = find_by_identity(handle, _SIGHTINGS) or find_by_display_name(handle, HOST)
    if chosen is not None and not find_by_display_name(handle, HOST):
        # What is left out of the reading must not be what the handle means.
        reached = {answer.guest.uuid for answer in answers if answer.kind in ("pid", "id")}
        assert reached <= {seen.uuid for seen in _SIGHTINGS if chosen(seen)} | _by_record(handle)
    assert found or unknown(handle, HOST).message


def _by_record(handle: str) -> set[str]:
    """Guests whose own record has the pid: only the reading of all of them finds these."""
    return {one.guest.uuid for one in INDEX.of_kind("pid", handle.partition(":")[2] or handle)}


def search(seconds: float, seed: int) -> None:
    run_search(MODULE, case, seconds, seed)


if __name__ == "__main__":
    main(MODULE, case)
