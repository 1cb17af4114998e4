"""Which libvirt a run was on: recognised by what stays, not by the host's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.embedded import guest, make_host
from virsh_nova.hosts.identity import HostIdentity, identify, machine_id
from virsh_nova.hosts.libvirt.connection import LibvirtHost

HERE = "0" * 31 + "1"
UUID = "4c473ce6-4b8a-4c24-a771-92dad5708a1d"
CAPABILITIES = f"<capabilities><host><uuid>{UUID}</uuid></host></capabilities>"


@pytest.fixture(autouse=True)
def this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "machine-id"
    path.write_text(f"{HERE}\n")
    monkeypatch.setattr("virsh_nova.hosts.identity._MACHINE_ID", str(path))
    return path


def test_a_host_is_the_same_under_another_name() -> None:
    """The name server is away: what was vm.dc1.example.org is vm."""
    for uri in ("qemu:///system", "qemu+ssh://root@vm/system"):
        one = identify(uri, "vm.dc1.example.org", CAPABILITIES)
        assert one.is_same(identify(uri, "vm", CAPABILITIES))


def test_two_machines_of_one_name_are_two(this_machine: Path) -> None:
    one = identify("qemu:///system", "compute-1")
    this_machine.write_text("f" * 32)
    assert not one.is_same(identify("qemu:///system", "compute-1"))
    far = identify("qemu+tls://a/system", "compute-1", CAPABILITIES)
    other = CAPABILITIES.replace("4c47", "ffff")
    assert not far.is_same(identify("qemu+tls://a/system", "compute-1", other))


def test_this_machine_is_itself_although_its_libvirt_has_another_uuid_since() -> None:
    """Where the firmware has no uuid, libvirt makes one up whenever it starts."""
    other = CAPABILITIES.replace("4c47", "ffff")
    assert identify("qemu:///system", "a", CAPABILITIES).is_same(
        identify("qemu:///system", "a", other)
    )


def test_a_host_reached_over_the_network_is_the_one_reached_on_itself() -> None:
    here = identify("qemu:///system", "vm", CAPABILITIES)
    assert here.is_same(identify("qemu+ssh://root@vm/system", "vm.example.org", CAPABILITIES))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("qemu:///system", "qemu:///session"),
        ("qemu:///system", "lxc:///system"),
        ("qemu:///system", "qemu+unix:///system?socket=/srv/kolla/libvirt-sock"),
        ("test:///default", "test:///tmp/host.xml"),
        ("qemu+tcp://vm:16509/system", "qemu+tcp://vm:16510/system"),
    ],
)
def test_two_libvirts_of_one_machine_are_two(one: str, other: str) -> None:
    assert not identify(one, "vm", CAPABILITIES).is_same(identify(other, "vm", CAPABILITIES))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("qemu:///system", "qemu+unix:///system?socket=/run/libvirt/libvirt-sock-ro"),
        ("qemu:///system", "qemu:///system?socket=/run/libvirt/virtqemud-sock"),
        (
            "qemu+ssh://a/system",
            "qemu+ssh://root@a:2222/system?socket=/var/run/libvirt/libvirt-sock",
        ),
        ("qemu+unix:///system?socket=/srv/a/s", "qemu+unix:///system?socket=/srv/b/../a/s-ro"),
    ],
)
def test_sockets_of_one_daemon_lead_to_one_host(one: str, other: str) -> None:
    assert identify(one, "vm", CAPABILITIES).is_same(identify(other, "vm", CAPABILITIES))


@pytest.mark.parametrize("text", ["", "uninitialized\n", "\xff", "0" * 31])
def test_a_machine_without_an_id_has_none(this_machine: Path, text: str) -> None:
    this_machine.write_text(text, encoding="latin-1")
    assert machine_id() is None
    this_machine.unlink()
    assert machine_id() is None


def test_without_anything_that_stays_the_name_has_to_do(this_machine: Path) -> None:
    this_machine.unlink()
    one = identify("qemu:///system", "a")
    assert one.is_same(identify("qemu:///system", "a"))
    assert not one.is_same(identify("qemu:///system", "b"))


@pytest.mark.parametrize("capabilities", ["", "<a", "<capabilities/>", "<!DOCTYPE a><a/>"])
def test_capabilities_that_cannot_be_read_are_none(capabilities: str) -> None:
    assert identify("qemu:///system", "a", capabilities).uuid is None


@pytest.mark.parametrize("uri", ["", "qemu+tcp://a:99999/system", "qemu://[::1]/session", "x"])
def test_any_uri_has_an_identity(uri: str) -> None:
    assert identify(uri, None).is_same(identify(uri, None))


def test_it_is_said_in_words() -> None:
    there = HostIdentity("vm", "qemu", "/system", "/run/libvirt")
    assert str(there) == "vm (qemu:///system, /run/libvirt)"


def test_a_connection_knows_its_identity(tmp_path: Path) -> None:
    uri = make_host(tmp_path, guest(1))
    one, again = (LibvirtHost.open(uri).identity for _ in range(2))
    assert one.is_same(again)
    assert (one.driver, one.path, one.machine_id) == ("test", uri.removeprefix("test://"), HERE)
    assert not one.is_same(LibvirtHost.open("test:///default").identity)
