"""What the other tests build on: a real host, a real appliance, and the neighbours' own code."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import libvirt
import pytest
from lxml import etree

from lab import domains
from lab.compute_host import ComputeHost, HostFailed, alive, frozen
from tests.support.appliance import running_appliance
from tests.support.goldens import INPUTS
from tests.support.neighbours.calls import discover_as_ceilometer, write_as_nova
from tests.support.paths import GOLDEN, ROOT
from tests.support.real_host import NOVA_1_1

UUID = "774434f5-5673-5151-a6ec-a16de0f4a27b"


def golden(name: str) -> str:
    return (GOLDEN / "34.0.0" / f"{name}.xml").read_text()


def block_of(host: ComputeHost, name: str, flags: int = 0) -> str:
    kind = libvirt.VIR_DOMAIN_METADATA_ELEMENT
    return str(host.domain(name).metadata(kind, NOVA_1_1, flags))


class TestAHost:
    def test_has_no_guests_of_the_machine(self, empty_host: ComputeHost) -> None:
        assert empty_host.connection.listAllDomains() == []

    def test_runs_a_guest_in_a_real_qemu(self, empty_host: ComputeHost) -> None:
        empty_host.define(domains.plain_guest("web"))
        empty_host.start("web")

        pid = empty_host.qemu_pid("web")
        assert "qemu-system" in Path(f"/proc/{pid}/cmdline").read_text()
        assert empty_host.domain("web").state()[0] == libvirt.VIR_DOMAIN_RUNNING

    def test_pauses_a_guest(self, empty_host: ComputeHost) -> None:
        empty_host.define(domains.plain_guest("web"))
        empty_host.start("web", paused=True)
        assert empty_host.domain("web").state()[0] == libvirt.VIR_DOMAIN_PAUSED

    def test_runs_a_transient_guest(self, empty_host: ComputeHost) -> None:
        empty_host.create(domains.plain_guest("once"))
        assert not empty_host.domain("once").isPersistent()

    def test_takes_every_kind_of_guest(self, empty_host: ComputeHost) -> None:
        block = golden("image_plain")
        disk = empty_host.instance_disk(UUID)
        nova = domains.nova_guest("instance-00000001", UUID, block, disk=disk, volume=UUID)
        assert empty_host.define(nova) == UUID
        empty_host.define(domains.nova_guest("instance-00000002", UUID.replace("7", "8")))
        empty_host.define(domains.ovirt_guest("vm"))
        empty_host.start("instance-00000001")
        empty_host.start("vm")

        xml = empty_host.domain("instance-00000001").XMLDesc()
        assert f"instances/{UUID}/disk" in xml
        assert f"<serial>{UUID}</serial>" in xml
        assert "vm-image_plain" in block_of(empty_host, "instance-00000001")
        assert "http://ovirt.org/vm/1.0" in empty_host.domain("vm").XMLDesc()

    def test_keeps_its_guests_when_the_daemon_is_killed(self, empty_host: ComputeHost) -> None:
        empty_host.define(domains.plain_guest("web"))
        empty_host.start("web")
        pid = empty_host.qemu_pid("web")

        empty_host.kill_daemon()
        with pytest.raises(libvirt.libvirtError):
            libvirt.open(empty_host.uri)
        assert alive(pid)

        empty_host.restart_daemon()
        assert empty_host.qemu_pid("web") == pid
        assert empty_host.domain("web").isActive()

    def test_has_a_daemon_that_can_hang(self, empty_host: ComputeHost) -> None:
        ask = ["virsh", "--connect", empty_host.uri, "list"]
        with frozen(empty_host.pid), pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(ask, timeout=1, capture_output=True)
        subprocess.run(ask, timeout=10, capture_output=True, check=True)

    def test_clears_guests_whose_qemu_is_stuck(self, empty_host: ComputeHost) -> None:
        empty_host.create(domains.plain_guest("stuck"))
        os.kill(empty_host.qemu_pid("stuck"), signal.SIGSTOP)
        empty_host.clear()
        assert empty_host.connection.listAllDomains() == []


class TestNothingSurvives:
    def test_the_end_of_the_host(self) -> None:
        with ComputeHost() as host:
            host.create(domains.plain_guest("web"))
            os.kill(host.qemu_pid("web"), signal.SIGSTOP)
            pids = [host.pid, host.qemu_pid("web")]
            host.stop_daemon()
        assert [pid for pid in pids if alive(pid)] == []
        assert not host.directory.exists()

    def test_the_death_of_the_tests(self) -> None:
        tests = """if True:
            from lab import compute_host, domains
            with compute_host.ComputeHost() as host:
                host.create(domains.plain_guest("web"))
                print(host.directory, host.pid, host.qemu_pid("web"), flush=True)
                input()
        """
        run = [sys.executable, "-c", tests]
        pipe = subprocess.PIPE
        with subprocess.Popen(run, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as child:
            assert child.stdout is not None
            directory, *pids = child.stdout.readline().split()
            child.kill()

        left = [Path(directory), *(Path("/proc", pid) for pid in pids)]
        for _ in range(100):
            if not any(path.exists() for path in left):
                break
            time.sleep(0.1)
        assert [path for path in left if path.exists()] == []

    def test_a_daemon_that_cannot_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("lab.compute_host.LIBVIRTD_CONF", "no such thing\n")
        host = ComputeHost()
        with pytest.raises(HostFailed, match=r"libvirtd\.conf"), host:
            pass
        assert not host.directory.exists()


def test_an_appliance_of_libguestfs_is_caught_while_it_runs(empty_host: ComputeHost) -> None:
    with running_appliance(empty_host) as name:
        xml = etree.fromstring(empty_host.domain(name).XMLDesc())
        assert xml.findall(".//channel/target[@name='org.libguestfs.channel.0']")
        assert not empty_host.domain(name).isPersistent()
        assert alive(empty_host.qemu_pid(name))
    assert empty_host.connection.listAllDomains() == []


class TestTheNeighbours:
    def test_nova_writes_the_blocks_it_is_known_to_write(self, empty_host: ComputeHost) -> None:
        jobs = []
        for name, instance in INPUTS.items():
            empty_host.define(domains.nova_guest(name, instance["uuid"]))
            jobs.append({"domain": name, "instance": instance, "persistent": True})

        written = write_as_nova(empty_host.uri, jobs)

        assert set(written) == set(INPUTS)
        for name, block in written.items():
            assert lines(block) == lines(golden(name))
            assert block_of(empty_host, name).startswith("<instance")

    def test_nova_leaves_the_persistent_block_at_a_port_attach(
        self, empty_host: ComputeHost
    ) -> None:
        before, after = golden("no_ports"), INPUTS["ports_v4_v6_floating"]
        empty_host.define(domains.nova_guest("web", after["uuid"], before))
        empty_host.start("web")

        write_as_nova(empty_host.uri, [{"domain": "web", "instance": after}])

        assert "vm-ports_v4_v6_floating" in block_of(empty_host, "web")
        assert "vm-no_ports" in block_of(empty_host, "web", libvirt.VIR_DOMAIN_AFFECT_CONFIG)

    def test_ceilometer_discovers_an_instance_and_no_other_guest(
        self, empty_host: ComputeHost
    ) -> None:
        empty_host.define(domains.nova_guest("instance-00000001", UUID, golden("image_plain")))
        empty_host.define(domains.plain_guest("web"))
        empty_host.start("instance-00000001")

        servers = discover_as_ceilometer(empty_host.uri)

        assert list(servers) == [UUID]
        assert servers[UUID]["name"] == "vm-image_plain"
        assert servers[UUID]["OS-EXT-SRV-ATTR:instance_name"] == "instance-00000001"
        assert servers[UUID]["status"] == "active"


def lines(block: str) -> list[str]:
    """A block without the order of its parts: that of extra specs is the order of the input."""
    return sorted(etree.canonicalize(block).split("\n"))
