"""Free text: what a line names, what it does not, and how that is shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.guests import foreign_guest, instance, nova_guest
from tests.support.hosts import uuid_of
from tests.support.strategies import NASTY
from tests.unit.whose.test_index import (
    APPLIANCE,
    BASE,
    DISK,
    HOST,
    IMAGE,
    PORT,
    PROCESSES,
    RBD_VOLUME,
    VM,
    VOLUME,
    whole_guests,
)
from virsh_nova.model import Flavor, Guest, Identity, Owner
from virsh_nova.render.answers import (
    ASCII,
    UNICODE,
    Lines,
    coloured,
    plain,
    quoted,
)
from virsh_nova.whose.index import Index
from virsh_nova.whose.mentions import Mention, Reader

INDEX = Index(HOST, PROCESSES.get)


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
def test_a_line_that_names_a_guest(line: str) -> None:
    assert named(line) == ["instance-00000001"]


@pytest.mark.parametrize(
    "line",
    ["", "   ", "Bridge br-int", "    fail_mode: secure", "the vm-twonets of demo", "demo demo",
     "  vm-twonets", "7 guests", "m1.tiny and 42", "0000 and more", "dead", "added", "}", "-",
     "12:00:01 up 7 days", "4301 is a number", "10.0.0.55", "110.0.0.5 and 10.0.0.5.6.7.8",
     "fa:16:3e:6c:67", "tapd45a9119-5", "port d45a9119", "::", "a::b", "///", "1.2.3", "pid x",
     "rapid 4301x", "pid 4301.5"],
)  # fmt: skip
def test_a_line_that_names_nobody(line: str) -> None:
    assert named(line) == []


@pytest.mark.parametrize(
    "line",
    [uuid_of(1), "00000001-0", "instance-00000001", "7", "4301", "vm-twonets", "m1.tiny",
     "fa163e6c67b4", "10.0.1.0/24", "pid:4301", "name:vm-twonets", f"  {PORT}  ", VOLUME, IMAGE],
)  # fmt: skip
def test_a_line_that_is_one_handle(line: str) -> None:
    (mention,) = mentions(line, INDEX)
    assert mention.handle == line.strip()
    assert named(line) == ["instance-00000001"]


def test_a_line_can_name_several() -> None:
    assert named("10.0.0.5 > 10.0.0.6") == ["instance-00000001", "instance-00000002"]
    assert named(f"guestfs-x9d2kq7w1mzt4r8e reads {BASE}") == [
        "guestfs-x9d2kq7w1mzt4r8e", "instance-00000001", "instance-00000002",
    ]  # fmt: skip


def test_words_that_tenants_and_administrators_chose_are_words() -> None:
    chatty = nova_guest(
        8,
        instance("eth0", flavor=Flavor("error", "1"), owner=Owner(None, Identity("p", "Flags"))),
    )
    test = foreign_guest(9, domain="test")
    index = Index((chatty, test))
    assert named("test eth0 error Flags 1 p", index) == []
    assert named("test", index) == ["test"]


# ---- as it is printed -------------------------------------------------------------------------


def test_the_line_of_an_answer() -> None:
    (line,) = Lines(UNICODE).of_answers("tapd45a9119-51", INDEX.answers("tapd45a9119-51"))
    assert plain(line) == (
        f"tapd45a9119-51 → port {PORT} of vm-twonets ({uuid_of(1)}, instance-00000001, running)"
        " · project demo-project · user demo\n"
    )
    (line,) = Lines(ASCII).of_answers("tapd45a9119-51", INDEX.answers("tapd45a9119-51"))
    assert plain(line).isascii()


def test_a_guest_has_one_line_whatever_fits_it() -> None:
    twin = nova_guest(1, instance(uuid_of(1)))
    (line,) = Lines(UNICODE).of_answers(uuid_of(1), Index((twin,)).answers(uuid_of(1)))
    assert "→ uuid, display name of " in plain(line)


def test_a_foreign_guest_is_told_by_its_manager_and_evidence() -> None:
    guest = APPLIANCE._replace(evidence=("virtio channel x", "more"))
    (line,) = Lines(UNICODE).of_answers("12", Index((guest,)).answers("12"))
    assert plain(line).endswith(
        f"of {guest.domain} ({guest.uuid}, running) · manager libguestfs · "
        "evidence: virtio channel x\n"
    )


def test_a_note_names_some_of_many() -> None:
    guests = [nova_guest(n, instance(f"vm-{n}")) for n in range(1, 8)]
    line = " ".join(guest.domain for guest in guests)
    text = plain(Lines(UNICODE).noted(line, mentions(line, Index(guests))))
    assert text.startswith(f"{line}   ← vm-1 (")
    assert text.endswith("; and 4 more\n")


def test_a_line_that_names_nobody_passes_as_it_is() -> None:
    assert plain(Lines(UNICODE).noted("\ta  b\t", [])) == "\ta  b\t\n"


@pytest.mark.parametrize(
    "name", ["x (uuid, running) · project admin", "a, b", ' "x"', "a -> b", "x  y", "a - b"]
)
def test_a_name_cannot_imitate_the_line(name: str) -> None:
    assert quoted(name).startswith('"')
    assert quoted("Zoë's notebook") == "Zoë's notebook"


CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
SGR = re.compile(r"\x1b\[[0-9;]*m")
texts = st.text(st.sampled_from(NASTY) | st.characters(), max_size=20)


@given(st.lists(whole_guests(), min_size=1, max_size=3), texts, st.data())
def test_no_control_character_comes_through(
    guests: list[Guest], text: str, data: st.DataObject
) -> None:
    guest = data.draw(st.sampled_from(guests))
    token = data.draw(st.sampled_from([guest.uuid, f"uuid:{guest.uuid}", guest.domain, ""]))
    line = data.draw(st.sampled_from([token, f"{text} {token} {text}", text]))
    index = Index(guests)
    shown = Lines(UNICODE).noted(line, mentions(line, index))
    for spans in (shown, *Lines(UNICODE).of_answers(line, index.answers(line))):
        assert not CONTROLS.search(plain(spans).removesuffix("\n").replace("\n", "\x00"))
        assert not CONTROLS.search(SGR.sub("", coloured(spans)).removesuffix("\n"))


def test_a_long_line_is_read_in_a_moment() -> None:
    assert named(f"{'a:' * 50_000} {'1.' * 50_000} {':' * 50_000} {VM.domain}") == [VM.domain]
    assert named("f" * 500_000) == []
    assert named("/" * 500_000) == []
