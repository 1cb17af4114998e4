"""Several real hosts in one call, some of which fail, over ssh on a network of their own.

Times are bounds that separate what hangs from what answers, not measurements.
"""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lab import domains
from lab.compute_host import frozen
from lab.fleet import Fleet, FleetHost
from tests.support.command import command
from tests.support.findings import NAME, fitting
from tests.support.paths import ROOT
from tests.support.real_host import uuid

PATIENCE = 6
"""Seconds that a host is given to answer: time for ten logins on a machine with other work."""

WORK = 10
"""Seconds that all else takes at most."""

NAMES = ["cmp-001", "cmp-002", "cmp-003", "cmp-004"]


class Run(NamedTuple):
    code: int
    out: str
    err: str
    seconds: float

    @property
    def documents(self) -> list[dict[str, Any]]:
        documents: list[dict[str, Any]] = json.loads(self.out)
        return documents

    @property
    def hosts(self) -> list[str]:
        return sorted(document["host"] for document in self.documents)


def nova_domains(fleet: Fleet, *arguments: str, program: Sequence[str] = ()) -> Run:
    """Run the command line as the fleet's user, whose ssh knows the hosts by name."""
    began = time.monotonic()
    done = subprocess.run(
        [*(program or command()), "--timeout", str(PATIENCE), *arguments],
        cwd=ROOT,
        env=fleet.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Run(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def uris(*hosts: FleetHost) -> list[str]:
    return [word for host in hosts for word in ("-c", host.ssh_uri())]


def instance(number: int, **changes: str) -> str:
    block = fitting(name=f"web-{number}", **changes)
    return domains.nova_guest(NAME(number), uuid(number), block)


@pytest.fixture
def guests(fleet: Fleet) -> Fleet:
    """On each host one guest, numbered as the host; those of the first two run."""
    for number, host in enumerate(fleet.hosts, 1):
        host.define(instance(number))
    for number, host in enumerate(fleet.hosts[:2], 1):
        host.start(NAME(number))
    return fleet


class TestAllHosts:
    def test_are_named_by_a_node_set(self, guests: Fleet) -> None:
        run = nova_domains(guests, "--hosts", "cmp-[001-004]", "list", "-f", "json")
        assert (run.code, run.err) == (0, "")
        assert run.hosts == NAMES

    def test_are_named_by_a_node_set_in_a_uri(self, guests: Fleet) -> None:
        template = f"qemu+ssh://root@%h/system?command={guests.ssh}&no_tty=1"
        run = nova_domains(
            guests, "-c", template, "--hosts", "cmp-[001-002],cmp-004", "list", "-f", "json"
        )
        assert (run.code, run.err) == (0, "")
        assert run.hosts == ["cmp-001", "cmp-002", "cmp-004"]

    def test_are_named_by_a_file(self, guests: Fleet, tmp_path: Path) -> None:
        listing = tmp_path / "hosts"
        listing.write_text("".join(f"{name}\n" for name in NAMES))
        run = nova_domains(guests, "--hostfile", str(listing), "list", "-f", "json")
        assert (run.code, run.err) == (0, "")
        assert run.hosts == NAMES

    def test_are_named_by_their_uris(self, guests: Fleet) -> None:
        run = nova_domains(guests, *uris(*guests.hosts), "list", "-f", "json")
        assert (run.code, run.err) == (0, "")
        assert run.hosts == NAMES

    def test_are_read_one_after_the_other_where_asked(self, guests: Fleet) -> None:
        run = nova_domains(guests, "--fanout", "1", *uris(*guests.hosts[:2]), "list", "-f", "json")
        assert (run.code, run.err) == (0, "")
        assert run.hosts == NAMES[:2]

    def test_can_have_other_drivers(self, guests: Fleet) -> None:
        other = guests[2].ssh_uri("/default", "test")
        run = nova_domains(guests, *uris(*guests.hosts[:2]), "-c", other, "list", "-f", "json")
        assert (run.code, run.err) == (0, "")
        assert run.hosts == NAMES[:3]
        assert {document["domain"] for document in run.documents} == {NAME(1), NAME(2), "test"}

    def test_are_shown_in_a_column(self, guests: Fleet) -> None:
        run = nova_domains(guests, *uris(*guests.hosts), "list")
        assert (run.code, run.err) == (0, "")
        assert "HOST" in run.out
        assert all(name in run.out for name in NAMES)

    def test_are_searched_for_a_handle(self, guests: Fleet) -> None:
        run = nova_domains(guests, *uris(*guests.hosts), "whose", uuid(2))
        assert (run.code, run.err) == (0, "")
        assert "cmp-002" in run.out

    def test_are_searched_for_a_guest_to_show(self, guests: Fleet) -> None:
        run = nova_domains(guests, *uris(*guests.hosts), "show", "web-3", "-f", "json")
        assert (run.code, run.err) == (0, "")
        assert run.hosts == ["cmp-003"]

    def test_are_all_checked(self, guests: Fleet) -> None:
        guests[3].define(instance(9, **{"flavor/vcpus": "4"}))
        run = nova_domains(guests, *uris(*guests.hosts), "check", "-f", "json")
        assert (run.code, run.err) == (4, "")
        assert [(found["host"], found["code"]) for found in run.documents] == [
            ("cmp-004", "vcpus-differ")
        ]

    def test_are_listed_with_what_they_run(self, guests: Fleet) -> None:
        run = nova_domains(guests, *uris(*guests.hosts), "hosts", "-f", "json")
        assert (run.code, run.err) == (0, "")
        assert run.hosts == NAMES


class TestSomeFail:
    """In one call, each in its own way, and the others are shown."""

    def test_before_any_guest_is_read(self, guests: Fleet) -> None:
        one, two, three, four = guests.hosts
        address = one.address
        failing = [
            one.ssh_uri().replace(address, guests.nobody),
            one.ssh_uri().replace(address, "cmp-9.invalid"),
            one.ssh_uri().replace(address, f"{address}:23"),
            one.ssh_uri(command=str(guests.stranger_ssh())),
            one.ssh_uri(command=str(guests.suspicious_ssh())),
        ]
        hosts = [*uris(*guests.hosts), *(word for uri in failing for word in ("-c", uri))]
        with two.without_link(), frozen(three.sshd_pid), frozen(four.pid):
            run = nova_domains(guests, *hosts, "list", "-f", "json")
            left = left_behind(guests)
        assert run.code == 1
        assert run.hosts == [one.name]
        network = three.address.rpartition(".")[0]
        silent = f"{network}.[12-14]: the libvirt daemon does not answer within 6 s"
        assert warnings(run) == {
            f"3 of 9 hosts were not read: {silent}",
            f"1 of 9 hosts was not read: {guests.nobody}: cannot connect: ssh: connect to host "
            f"{guests.nobody} port 22: No route to host",
            "1 of 9 hosts was not read: cmp-9.invalid: cannot connect: ssh: Could not resolve "
            "hostname cmp-9.invalid: Name or service not known",
            f"1 of 9 hosts was not read: {address}: cannot connect: ssh: connect to host "
            f"{address} port 23: Connection refused",
            f"1 of 9 hosts was not read: {address}: cannot connect: root@{address}: Permission "
            "denied (publickey)",
            f"1 of 9 hosts was not read: {address}: cannot connect: Host key verification failed",
        }
        assert PATIENCE < run.seconds < PATIENCE + WORK
        assert left == []

    @pytest.mark.parametrize(
        ("signal_", "words"),
        [
            (signal.SIGSTOP, "the libvirt daemon does not answer within 6 s"),
            (signal.SIGKILL, "the connection was lost: "),
        ],
    )
    def test_half_way(self, guests: Fleet, signal_: signal.Signals, words: str) -> None:
        one, two, *_ = guests.hosts
        program = [sys.executable, "-c", HALFWAY, two.ssh_uri(), str(two.pid), str(signal_.value)]
        with restarted(two):
            run = nova_domains(guests, *uris(one, two), "list", "-f", "json", program=program)
        assert run.code == 1
        assert run.hosts == [one.name]
        (warning,) = warnings(run)
        assert warning.startswith(f"1 of 2 hosts was not read: {two.address}: {words}")
        assert run.seconds < PATIENCE + WORK

    def test_and_every_command_says_so(self, guests: Fleet) -> None:
        *hosts, four = guests.hosts
        every = uris(*guests.hosts)
        with killed(four):
            shown = nova_domains(guests, *every, "show", "web-2", "-f", "json")
            missing = nova_domains(guests, *every, "whose", uuid(4))
            monitored = nova_domains(guests, *every, "check", "-f", "nagios")
            listed = nova_domains(guests, *every, "hosts", "-f", "json")
        socket = "/var/run/libvirt/libvirt-sock-ro"
        not_read = (
            f"1 of 4 hosts was not read: {four.address}: the libvirt daemon is not running: "
            f"virt-ssh-helper: cannot connect to '{socket}': Failed to connect socket to "
            f"'{socket}': Connection refused"
        )
        for run in (shown, missing, listed):
            assert run.code == 1, run
            assert not_read in run.err
        assert shown.hosts == ["cmp-002"]
        assert monitored.code == 3
        assert monitored.out.startswith(f"NOVA-DOMAINS UNKNOWN - nothing found; {not_read}")
        failed = [document["host"] for document in listed.documents if document["error"]]
        assert failed == [four.address]
        assert len(listed.documents) == len(hosts) + 1

    def test_all_of_them_is_exit_code_3(self, guests: Fleet) -> None:
        stranger = str(guests.stranger_ssh())
        hosts = [word for host in guests.hosts for word in ("-c", host.ssh_uri(command=stranger))]
        run = nova_domains(guests, *hosts, "list", "-f", "json")
        assert (run.code, run.out) == (3, "")
        assert "none of 4 hosts was read" in run.err
        assert run.err.count("Permission denied (publickey)") == 1, run.err


class TestAHostNamedTwice:
    def test_is_read_once(self, guests: Fleet) -> None:
        one, two, *_ = guests.hosts
        by_name = f"qemu+ssh://root@{two.name}/system?command={guests.ssh}"
        by_tcp = one.tcp_uri
        hosts = [*uris(one, two), "-c", by_name, "-c", by_tcp]
        run = nova_domains(guests, *hosts, "list", "-f", "json")
        assert run.code == 0, run
        assert run.hosts == [one.name, two.name]
        assert len(warnings(run)) == 2, run.err
        assert all("read once" in warning for warning in warnings(run))

    def test_is_two_hosts_where_two_have_one_name(self, guests: Fleet) -> None:
        one, two, *_ = guests.hosts
        with one.called(two.name):
            run = nova_domains(guests, *uris(one, two), "list", "-f", "json")
        assert run.code == 0, run
        assert {document["domain"] for document in run.documents} == {NAME(1), NAME(2)}
        (warning,) = warnings(run)
        assert f"another host is called {two.name} already" in warning


class TestOneGuestOnTwoHosts:
    def instance(self, disk: Path, **options: Any) -> str:
        block = fitting(name="web-1", **{"flavor/memory": "64"})
        return domains.nova_guest(NAME(1), uuid(1), block, disk=disk, memory_mib=64, **options)

    def found(self, fleet: Fleet, *options: str) -> tuple[int, dict[str, set[str]]]:
        """The exit code, and the findings of each host."""
        run = nova_domains(fleet, *uris(*fleet.hosts[:2]), "check", "-f", "json", *options)
        assert run.err == ""
        codes: dict[str, set[str]] = {}
        for finding in run.documents:
            codes.setdefault(finding["host"], set()).add(finding["code"])
        return run.code, codes

    def test_after_an_evacuation_from_a_host_that_was_not_dead(self, fleet: Fleet) -> None:
        # Each host has a /run of its own, as each has its own /var/lib/nova.
        disk = Path("/run/instances", uuid(1), "disk")
        make = f"mkdir -p {disk.parent} && qemu-img create -q -f qcow2 {disk} 1M"
        for host in fleet.hosts[:2]:
            subprocess.run([fleet.ssh, host.address, make], check=True)
            host.define(self.instance(disk))
            host.start(NAME(1), paused=True)
        code, found = self.found(fleet)
        assert code == 4
        assert "runs-twice" in found["cmp-001"]
        assert "runs-twice" in found["cmp-002"]

    def test_only_one_of_them_running(self, fleet: Fleet) -> None:
        for host in fleet.hosts[:2]:
            host.define(instance(1))
        fleet[0].start(NAME(1), paused=True)
        code, found = self.found(fleet)
        assert code == 4
        assert set().union(*found.values()) == {"defined-twice"}

    def test_while_it_migrates(self, fleet: Fleet) -> None:
        disk = fleet[0].instance_disk(uuid(1))
        fleet[0].define(self.instance(disk, ballast=fleet.ballast()))
        fleet[0].start(NAME(1))
        with fleet.migration(NAME(1), *fleet.hosts[:2]):
            during = self.found(fleet)
            noted = self.found(fleet, "--severity", "note")
            listed = nova_domains(fleet, *uris(*fleet.hosts[:2]), "list", "-f", "json")
        after = self.found(fleet)
        assert [
            (document["host"], document["state"], document["uuid"]) for document in listed.documents
        ] == [("cmp-001", "running", uuid(1)), ("cmp-002", "paused", uuid(1))]
        assert during == (0, {})
        assert all("migrating" in noted[1][host.name] for host in fleet.hosts[:2])
        assert after == (0, {})


class TestAHostThatHangs:
    def test_alone_leaves_no_ssh_behind(self, fleet: Fleet) -> None:
        with frozen(fleet[2].sshd_pid):
            run = nova_domains(fleet, *uris(fleet[2]), "--timeout", "1", "list")
            left = left_behind(fleet)
        assert run.code == 3
        assert "does not answer within 1 s" in run.err
        assert left == []

    def test_leaves_no_ssh_behind_after_ctrl_c(self, fleet: Fleet) -> None:
        with fleet[2].without_link():
            process = subprocess.Popen(
                command(*uris(*fleet.hosts), "list"),
                cwd=ROOT,
                env=fleet.environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            fleet[2].wait(lambda: len(fleet.clients()) > 0, "no ssh was started")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=WORK)
            left = left_behind(fleet)
        assert process.returncode == 130
        assert left == []


# nova-domains as it is, but that it sends a signal to a daemon when it has its listing.
HALFWAY = """if True:
    import os, sys
    from virsh_nova import __main__
    from virsh_nova.hosts.libvirt.connection import LibvirtHost

    uri, daemon, signal, *arguments = sys.argv[1:]
    guests = LibvirtHost.guests

    def strike(_):
        os.kill(int(daemon), int(signal))
        return True

    def struck(self, detail, **options):
        chosen = {"chosen": strike} if self.uri.startswith(uri) else {}
        return guests(self, detail, **options | chosen)

    LibvirtHost.guests = struck
    sys.argv[1:] = arguments
    __main__.main()
"""


def left_behind(fleet: Fleet) -> list[int]:
    """The ssh processes that are there a moment after the program has ended."""
    end = time.monotonic() + 2
    while (left := fleet.clients()) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def warnings(run: Run) -> set[str]:
    """What stderr holds: one warning a line, and nothing else."""
    lines = run.err.splitlines()
    start = "nova-domains: warning: "
    assert all(line.startswith(start) for line in lines), run.err
    found = {line.removeprefix(start) for line in lines}
    assert len(found) == len(lines), run.err
    return found


@contextlib.contextmanager
def killed(host: FleetHost) -> Iterator[None]:
    with restarted(host):
        host.kill_daemon()
        yield


@contextlib.contextmanager
def restarted(host: FleetHost) -> Iterator[None]:
    """Whatever becomes of the daemon inside, there is one afterwards."""
    try:
        yield
    finally:
        host.restart_daemon()
