"""What the tests of a fleet build on: hosts of their own, the ways to them, and their faults.

Times are bounds that separate what hangs from what answers, not measurements.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import libvirt
import pytest
from lxml import etree

from lab import domains
from lab.compute_host import HostFailed, alive
from lab.fleet import Fleet, FleetHost, routes
from tests.support.goldens import golden_block
from tests.support.paths import ROOT
from tests.support.real_host import uuid

SOON = 20
"""Seconds: an ssh, a handshake and an answer, on a machine that has other work."""

TOO_LONG = 3
"""Seconds after which a call that has no answer is taken to hang."""


def virsh(uri: str, *words: str, seconds: float = SOON) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["virsh", "-c", uri, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )


def names_on(uri: str) -> set[str]:
    done = virsh(uri, "list", "--all", "--name")
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def hangs(uri: str) -> bool:
    """Whether a host does not answer. With virsh goes the ssh that it started."""
    silent = subprocess.DEVNULL
    call = subprocess.Popen(
        ["virsh", "-c", uri, "list"],
        stdin=silent,
        stdout=silent,
        stderr=silent,
        start_new_session=True,
    )
    try:
        assert call.wait(TOO_LONG) == 0
    except subprocess.TimeoutExpired:
        os.killpg(call.pid, signal.SIGKILL)
        call.wait()
        return True
    return False


class TestTheHosts:
    def test_are_reached_over_ssh_and_have_names_of_their_own(self, fleet: Fleet) -> None:
        said = [virsh(host.ssh_uri(), "hostname").stdout.strip() for host in fleet.hosts]
        assert said == ["cmp-001", "cmp-002", "cmp-003", "cmp-004"]

    def test_have_the_uuid_of_their_machine_id(self, fleet: Fleet) -> None:
        for host in fleet.hosts:
            capabilities = etree.fromstring(virsh(host.ssh_uri(), "capabilities").stdout)
            assert str(capabilities.findtext("host/uuid")).replace("-", "") == host.machine_id
        assert len({host.machine_id for host in fleet.hosts}) == 4

    def test_are_known_by_name_to_the_fleet_s_user(self, fleet: Fleet) -> None:
        done = subprocess.run(
            ["virsh", "-c", "qemu+ssh://cmp-003/system?no_tty=1", "hostname"],
            env=fleet.environment(),
            capture_output=True,
            text=True,
            timeout=SOON,
        )
        assert done.stdout.strip() == "cmp-003"

    def test_run_guests_in_a_real_qemu_that_the_others_do_not_see(self, fleet: Fleet) -> None:
        for host in fleet.hosts[:2]:
            host.define(domains.plain_guest(f"web-on-{host.name}"))
            host.start(f"web-on-{host.name}")
        assert [names_on(host.ssh_uri()) for host in fleet.hosts] == [
            {"web-on-cmp-001"},
            {"web-on-cmp-002"},
            set(),
            set(),
        ]
        pids = [host.qemu_pid(f"web-on-{host.name}") for host in fleet.hosts[:2]]
        assert all("qemu-system" in Path(f"/proc/{pid}/cmdline").read_text() for pid in pids)

    def test_have_the_test_driver_too(self, fleet: Fleet) -> None:
        assert names_on(fleet[2].ssh_uri("/default", "test")) == {"test"}

    def test_are_on_a_network_that_the_machine_had_no_route_to(self, fleet: Fleet) -> None:
        ours = [route for route in routes() if route.overlaps(fleet.network)]
        shown = subprocess.run(
            ["ip", "-oneline", "address", "show", "dev", fleet.interface],
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"{fleet.machine_address}/24" in shown.stdout
        assert all(route.subnet_of(fleet.network) for route in ours)

    def test_read_no_files_of_those_who_run_the_tests(self, fleet: Fleet) -> None:
        ask = [fleet.ssh, fleet[0].address, "echo ~root $0"]
        assert subprocess.run(ask, capture_output=True, text=True).stdout == "/ sh\n"

    def test_reach_each_other(self, fleet: Fleet) -> None:
        ask = [fleet.ssh, fleet[0].address, f"virsh -c '{fleet[1].ssh_uri()}' hostname"]
        done = subprocess.run(ask, capture_output=True, text=True, timeout=SOON)
        assert done.stdout.strip() == "cmp-002", done.stderr


class TestTheFaults:
    def test_a_link_that_is_down_gives_no_answer_until_it_is_up_again(self, fleet: Fleet) -> None:
        with fleet[0].without_link():
            assert hangs(fleet[0].ssh_uri())
            assert not hangs(fleet[1].ssh_uri())
        assert not hangs(fleet[0].ssh_uri())

    def test_a_slow_link_delays_each_way(self, fleet: Fleet) -> None:
        with fleet[0].delayed(0.2):
            slow = seconds_to_connect(fleet[0])
            quick = seconds_to_connect(fleet[1])
        assert slow > 0.4 > quick
        assert seconds_to_connect(fleet[0]) < 0.4

    def test_a_slow_link_carries_every_byte(self, fleet: Fleet) -> None:
        sent = os.urandom(5_000_000)
        with fleet[0].delayed(0.005):
            back = subprocess.run(
                [fleet.ssh, fleet[0].address, "cat"], input=sent, capture_output=True, timeout=SOON
            ).stdout
        assert back == sent

    def test_a_stopped_daemon_lets_ssh_in_and_does_not_answer(self, fleet: Fleet) -> None:
        fleet[0].stop_daemon()
        try:
            assert fleet[0].reachable()
            assert hangs(fleet[0].ssh_uri())
        finally:
            fleet[0].continue_daemon()
        assert not hangs(fleet[0].ssh_uri())

    def test_a_stopped_sshd_takes_connections_and_says_nothing(self, fleet: Fleet) -> None:
        fleet[0].stop_sshd()
        try:
            assert seconds_to_connect(fleet[0]) < 1
            assert hangs(fleet[0].ssh_uri())
        finally:
            fleet[0].continue_sshd()
        assert not hangs(fleet[0].ssh_uri())

    def test_a_killed_daemon_refuses_and_can_be_started_again(self, fleet: Fleet) -> None:
        fleet[0].kill_daemon()
        try:
            done = virsh(fleet[0].ssh_uri(), "list")
            assert done.returncode != 0
            assert "virt-ssh-helper" in done.stderr or "Failed to connect" in done.stderr
        finally:
            fleet[0].restart_daemon()
        assert names_on(fleet[0].ssh_uri()) == set()

    def test_a_wrong_key_is_refused_without_a_question(self, fleet: Fleet) -> None:
        done = virsh(fleet[0].ssh_uri(command=str(fleet.stranger_ssh())), "list")
        assert "Permission denied (publickey)" in done.stderr

    def test_a_host_with_another_key_than_the_known_one_is_refused(self, fleet: Fleet) -> None:
        done = virsh(fleet[0].ssh_uri(command=str(fleet.suspicious_ssh())), "list")
        assert "Host key verification failed" in done.stderr

    def test_an_address_without_a_host_fails(self, fleet: Fleet) -> None:
        uri = fleet[0].ssh_uri().replace(fleet[0].address, fleet.nobody)
        done = virsh(uri, "list")
        assert "No route to host" in done.stderr

    def test_one_uuid_runs_on_two_hosts(self, fleet: Fleet) -> None:
        for host in fleet.hosts[:2]:
            host.define(domains.nova_guest("instance-00000001", uuid(1)))
            host.start("instance-00000001")
        states = [host.domain("instance-00000001").isActive() for host in fleet.hosts[:2]]
        assert states == [True, True]


class TestALiveMigration:
    def guest(self, fleet: Fleet) -> str:
        """Start a guest that takes long to migrate, on the first host; returns its name."""
        source, name = fleet[0], "instance-00000001"
        ballast = fleet.ballast()
        made = domains.nova_guest(
            name,
            uuid(1),
            golden_block("34.0.0", "image_plain", name="web"),
            disk=source.instance_disk(uuid(1)),
            ballast=ballast,
            memory_mib=64,
        )
        source.define(made)
        source.start(name)
        return name

    def test_is_caught_half_done_and_then_completes(self, fleet: Fleet) -> None:
        source, target = fleet.hosts[:2]
        name = self.guest(fleet)
        with fleet.migration(name, source, target):
            assert source.domain(name).state()[0] == libvirt.VIR_DOMAIN_RUNNING
            assert target.domain(name).state() == [
                libvirt.VIR_DOMAIN_PAUSED,
                libvirt.VIR_DOMAIN_PAUSED_MIGRATION,
            ]
        assert names_on(source.uri) == set()
        assert target.domain(name).isActive()

    def test_is_called_off_when_a_test_fails_in_it(self, fleet: Fleet) -> None:
        source, target = fleet.hosts[:2]
        name = self.guest(fleet)
        with pytest.raises(ZeroDivisionError), fleet.migration(name, source, target):
            raise ZeroDivisionError
        assert source.domain(name).isActive()
        assert names_on(target.uri) == set()


class TestNothingSurvives:
    def test_the_end_of_the_fleet(self) -> None:
        with Fleet(2) as fleet:
            fleet[0].stop_daemon()
            fleet[1].stop_sshd()
            pids = [pid for host in fleet.hosts for pid in (host.pid, host.sshd_pid)]
            left = [fleet.directory, *(host.directory for host in fleet.hosts)]
        assert [pid for pid in (*pids, fleet.switch_pid) if alive(pid)] == []
        assert [path for path in left if path.exists()] == []
        assert not Path("/sys/class/net", fleet.interface).exists()

    def test_the_death_of_the_tests(self) -> None:
        tests = """if True:
            from lab import domains
            from lab.fleet import Fleet
            with Fleet(2) as fleet, fleet[0].delayed(0.01):
                fleet[1].create(domains.plain_guest("web"))
                for host in fleet.hosts:
                    print(host.directory, f"/proc/{host.pid}", f"/proc/{host.sshd_pid}")
                print(f"/proc/{fleet[1].qemu_pid('web')}", f"/proc/{fleet.switch_pid}")
                print(f"/sys/class/net/{fleet.interface}", fleet.directory)
                print(flush=True)
                input()
        """
        run = [sys.executable, "-c", tests]
        pipe = subprocess.PIPE
        with subprocess.Popen(run, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as child:
            assert child.stdout is not None
            left = [
                Path(word) for line in iter(child.stdout.readline, "\n") for word in line.split()
            ]
            assert len(left) == 10
            assert all(path.exists() for path in left)
            child.kill()

        for _ in range(100):
            if not any(path.exists() for path in left):
                break
            time.sleep(0.1)
        assert [path for path in left if path.exists()] == []

    def test_a_host_that_cannot_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("lab.fleet.SSHD_CONFIG", "NoSuchThing yes\n")
        fleet = Fleet(2)
        with pytest.raises(HostFailed, match="NoSuchThing"), fleet:
            pass
        left = [fleet.directory, *(host.directory for host in fleet.hosts)]
        assert [path for path in left if path.exists()] == []
        assert not Path("/sys/class/net", fleet.interface).exists()


def seconds_to_connect(host: FleetHost) -> float:
    """A round trip of TCP: what the network takes, without ssh's own work."""
    began = time.monotonic()
    with socket.create_connection((host.address, 22), timeout=SOON):
        return time.monotonic() - began
