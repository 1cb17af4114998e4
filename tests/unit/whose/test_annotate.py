"""Free text: the guests that a line names, and words that name none."""

from __future__ import annotations

import pytest

from tests.support.embedded import uuid_of
from tests.support.guests import foreign_guest, instance, nova_guest
from tests.support.handles import (
    BASE,
    DISK,
    HOST,
    IMAGE,
    PORT,
    PROCESSES,
    RBD_VOLUME,
    VM,
    VOLUME,
)
from virsh_nova.model import Flavor, Identity, Owner
from virsh_nova.whose.annotate import Mention, Reader
from virsh_nova.whose.index import Index

INDEX = Index.of(HOST, PROCESSES.get)


def mentions(line: str, index: Index) -> list[Mention]:
    return Reader(index).mentions(line)


def named(line: str, index: Index = INDEX) -> list[str]:
    """The domains that a line names, each once."""
    answers = [one for mention in mentions(line, index) for one in mention.answers]
    return list(dict.fromkeys(one.guest.domain for one in answers))


@pytest.mark.parametrize(
    "line",
    [
        "        Port tapd45a9119-51",
        "        Interface tapd45a9119-51:",
        '            Interface "qvod45a9119-51"',
        "12:00:00.1 IP 10.0.0.5.22 > 192.168.1.1.44312: Flags [S]",
        "12:00:00.1 IP6 2001:db8::f816:3eff:fece:861e.443 > fe80::1.5: Flags [S]",
        "ARP, Request who-has 10.0.0.5 tell 10.0.0.1, length 28",
        "    inet 10.0.0.5/24 brd 10.0.0.255 scope global",
        "    inet6 2001:db8:0::f816:3eff:fece:861e/64 scope global",
        "tcp 0 0 10.0.0.5:443 [::]:* LISTEN",
        "tcp [2001:db8::f816:3eff:fece:861e]:443",
        "cookie=0x0,dl_src=fa:16:3e:6c:67:b4,nw_src=10.9.9.9 actions=NORMAL",
        "Vlan10  fa16.3e6c.67b4  DYNAMIC Gi1/0/1",
        "link/ether FA:16:3E:6C:67:B4 brd ff:ff:ff:ff:ff:ff",
        "12 FA-16-3E-6C-67-B4 port 3",
        f'external_ids: {{attached-mac="fa:16:3e:6c:67:b4", iface-id="{PORT}"}}',
        f"[instance: {uuid_of(1)}] Took 3 seconds",
        f"cinder: volume-{VOLUME} is slow",
        f"rbd: volumes/volume-{RBD_VOLUME}@snap",
        f"qemu-img: {DISK}: Permission denied",
        f"file={DISK},format=qcow2",
        f"/var/lib/nova/instances/{uuid_of(1)}/disk.config: lost",
        "rm: /var/log/libvirt/qemu/instance-00000001.log",
        "domain instance-00000001, state running.",
        "Out of memory: pid 4301, oom",
        "killed pid=4301 (x)",
        "PID: 4301.",
        "see pid:4301 there",
    ],
)
def test_a_handle_within_a_line_names_its_guest(line: str) -> None:
    assert named(line) == ["instance-00000001"]


@pytest.mark.parametrize(
    "line",
    ["", "   ", "Bridge br-int", "    fail_mode: secure", "the vm-twonets of demo", "demo demo",
     "  vm-twonets", "7 guests", "m1.tiny and 42", "0000 and more", "dead", "added", "}", "-",
     "12:00:01 up 7 days", "4301 is a number", "10.0.0.55", "110.0.0.5 and 10.0.0.5.6.7.8",
     "fa:16:3e:6c:67", "tapd45a9119-5", "port d45a9119", "::", "a::b", "///", "1.2.3", "pid x",
     "rapid 4301x", "pid 4301.5"],
)  # fmt: skip
def test_a_line_without_a_handle_names_no_guest(line: str) -> None:
    assert named(line) == []


@pytest.mark.parametrize(
    "line",
    [uuid_of(1), "00000001-0", "instance-00000001", "7", "4301", "vm-twonets", "m1.tiny",
     "fa163e6c67b4", "10.0.1.0/24", "pid:4301", "name:vm-twonets", f"  {PORT}  ", VOLUME, IMAGE],
)  # fmt: skip
def test_a_line_that_is_one_handle_is_read_whole(line: str) -> None:
    (mention,) = mentions(line, INDEX)
    assert mention.handle == line.strip()
    assert named(line) == ["instance-00000001"]


def test_a_line_can_name_several() -> None:
    assert named("10.0.0.5 > 10.0.0.6") == ["instance-00000001", "instance-00000002"]
    assert named(f"guestfs-x9d2kq7w1mzt4r8e reads {BASE}") == [
        "guestfs-x9d2kq7w1mzt4r8e", "instance-00000001", "instance-00000002",
    ]  # fmt: skip


def test_names_that_tenants_chose_do_not_match_within_text() -> None:
    chatty = nova_guest(
        8,
        instance("eth0", flavor=Flavor("error", "1"), owner=Owner(None, Identity("p", "Flags"))),
    )
    test = foreign_guest(9, domain="test")
    index = Index.of((chatty, test))
    assert named("test eth0 error Flags 1 p", index) == []
    assert named("test", index) == ["test"]


def test_a_long_line_is_read_in_a_moment() -> None:
    assert named(f"{'a:' * 50_000} {'1.' * 50_000} {':' * 50_000} {VM.domain}") == [VM.domain]
    assert named("f" * 500_000) == []
    assert named("/" * 500_000) == []
