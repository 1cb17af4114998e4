"""Sixty hosts in one call, through a fake ssh to one real libvirtd."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.compute_host import ComputeHost
from tests.support.command import command, environment, nova_domains
from tests.support.played_fleet import PlayedFleet
from tests.support.terminals import on_terminal

HOSTS = 60
ALL = f"cmp-[001-{HOSTS:03d}]"


@pytest.fixture
def fleet(compute_host: ComputeHost, tmp_path: Path) -> Iterator[PlayedFleet]:
    # Short: it goes into the path of a socket.
    with PlayedFleet(tmp_path, compute_host.socket) as played:
        played.add_many(HOSTS)
        yield played


def run(
    fleet: PlayedFleet, *arguments: str, hosts: str = ALL, timeout: float = 10
) -> subprocess.CompletedProcess[str]:
    return nova_domains("--timeout", f"{timeout:g}", "-c", fleet.uri, "--hosts", hosts, *arguments)


def test_all_hosts_are_read(fleet: PlayedFleet) -> None:
    done = run(fleet, "list", "-f", "json")
    assert (done.returncode, done.stderr) == (0, "")
    guests = json.loads(done.stdout)
    assert len(guests) == 2 * HOSTS
    assert all(guest["instance"]["name"].startswith(f"web-{guest['host']}-") for guest in guests)
    assert {guest["host"] for guest in guests} == {f"cmp-{n:03d}" for n in range(1, HOSTS + 1)}


def test_ssh_never_asks(fleet: PlayedFleet) -> None:
    run(fleet, "list", hosts="cmp-[001-003]")
    assert len(fleet.asked()) == 3
    assert all("BatchMode=yes" in line for line in fleet.asked())
    run(fleet, "list", hosts="cmp-004")
    assert "BatchMode=yes" in fleet.asked()[-1]


def test_no_more_hosts_at_once_than_fanout(fleet: PlayedFleet) -> None:
    fleet.behaviour.update({f"cmp-{n:03d}": "slow" for n in range(1, 20)})
    done = run(fleet, "--fanout", "4", "list", "-f", "value", "-c", "host", hosts="cmp-[001-019]")
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 38
    assert fleet.most_at_once == 4


def test_hosts_are_read_at_the_same_time(fleet: PlayedFleet) -> None:
    """Each takes 0.3 s to connect; one after the other they would take 18."""
    fleet.behaviour.update({f"cmp-{n:03d}": "slow" for n in range(1, HOSTS + 1)})
    begin = time.monotonic()
    assert run(fleet, "list").returncode == 0
    assert time.monotonic() - begin < 9
    assert fleet.most_at_once > HOSTS / 2


def test_failures_are_folded_a_line_for_each_reason(fleet: PlayedFleet) -> None:
    fleet.behaviour.update({"cmp-017": "silent", "cmp-018": "silent"})
    fleet.behaviour.update({"cmp-031": "refused", "cmp-030": "refused", "cmp-033": "refused"})
    fleet.behaviour["cmp-040"] = "unknown key"
    done = run(fleet, "list", "-f", "value", "-c", "host", timeout=3)
    assert done.returncode == 1
    assert len(set(done.stdout.splitlines())) == HOSTS - 6
    lines = sorted(done.stderr.splitlines())
    begin = "nova-domains: warning:"
    assert lines == [
        f"{begin} 1 of 60 hosts was not read: cmp-040: cannot connect: Host key verification "
        "failed",
        f"{begin} 2 of 60 hosts were not read: cmp-[017-018]: the libvirt daemon does not answer "
        "within 3 s",
        f"{begin} 3 of 60 hosts were not read: cmp-[030-031,033]: cannot connect: ssh: connect to "
        "host %h port 22: Connection refused",
    ]


def test_a_silent_host_costs_its_own_time_out_once(fleet: PlayedFleet) -> None:
    fleet.behaviour["cmp-017"] = "silent"
    for arguments in (["show", "web-cmp-009-901"], ["whose", "999999"], ["check", "-f", "value"]):
        begin = time.monotonic()
        done = run(fleet, *arguments, timeout=3)
        # Three questions are asked of the others meanwhile, or after it.
        assert time.monotonic() - begin < 2 * 3
        assert "cmp-017: the libvirt daemon does not answer within 3 s" in done.stderr


def test_no_ssh_is_left_waiting(fleet: PlayedFleet) -> None:
    fleet.behaviour["cmp-001"] = "silent"
    done = run(fleet, "list", hosts="cmp-[001-002]", timeout=1)
    assert done.returncode == 1
    end = time.monotonic() + 10
    while any(_runs(pid, str(fleet.directory)) for pid in os.listdir("/proc")):
        assert time.monotonic() < end
        time.sleep(0.05)


def _runs(pid: str, words: str) -> bool:
    try:
        # Of a zombie nothing is left to read.
        return words in Path("/proc", pid, "cmdline").read_text()
    except OSError:
        return False


def test_a_host_that_breaks_off_half_way_shows_none_of_its_guests(fleet: PlayedFleet) -> None:
    fleet.behaviour["cmp-002"] = "cut off"
    done = run(fleet, "list", "-f", "value", "-c", "host", hosts="cmp-[001-003]")
    assert done.returncode == 1
    assert done.stdout.split() == ["cmp-001", "cmp-001", "cmp-003", "cmp-003"]
    assert "1 of 3 hosts was not read: cmp-002: the connection was lost" in done.stderr


def test_none_of_them_is_exit_code_3(fleet: PlayedFleet) -> None:
    fleet.behaviour.update({"cmp-001": "refused", "cmp-002": "refused"})
    done = run(fleet, "list", hosts="cmp-[001-002]")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines()[0] == (
        "nova-domains: error: none of 2 hosts was read: cmp-[001-002]: cannot connect: ssh: "
        "connect to host %h port 22: Connection refused"
    )
    done = run(fleet, "hosts", "-f", "value", "-c", "host", "-c", "error", hosts="cmp-[001-002]")
    assert done.returncode == 3
    assert done.stdout.splitlines()[0] == (
        "cmp-001\tcannot connect: ssh: connect to host cmp-001 port 22: Connection refused"
    )


def test_a_missing_host_leaves_a_monitor_in_doubt(fleet: PlayedFleet) -> None:
    fleet.add("cmp-001")
    fleet.behaviour["cmp-002"] = "refused"
    done = run(fleet, "check", "-f", "nagios", hosts="cmp-[001-002]")
    assert done.returncode == 3
    assert done.stdout.startswith(
        "NOVA-DOMAINS UNKNOWN - nothing found; 1 of 2 hosts was not read: cmp-002: cannot connect:"
    )
    # A warning is graver than a doubt.
    done = run(fleet, "check", "-f", "nagios", hosts="cmp-[002-003]")
    assert done.returncode == 1
    assert done.stdout.startswith("NOVA-DOMAINS WARNING - ")
    assert "; 1 of 2 hosts was not read: cmp-002" in done.stdout


def test_one_host_by_two_uris_is_read_once(fleet: PlayedFleet) -> None:
    fleet.called["alias"] = "cmp-001"
    uris = [
        fleet.uri.replace("%h/", f"{name}/").replace("%h", "cmp-001")
        for name in ("cmp-001", "alias")
    ]
    done = nova_domains("-c", uris[0], "-c", uris[1], "list", "-f", "value", "-c", "domain")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2
    assert re.fullmatch(
        r"nova-domains: warning: (\S+) and (\S+) are one host, cmp-001: read once\n", done.stderr
    )
    assert all(uri in done.stderr for uri in uris)


def test_two_machines_of_one_name_are_reported(fleet: PlayedFleet) -> None:
    """Their guests cannot be told apart by the host that is shown."""
    fleet.called_uuid["cmp-002"] = "another machine"
    fleet.called["cmp-002"] = "cmp-001"
    done = run(fleet, "list", "-f", "value", "-c", "domain", hosts="cmp-[001-002]")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 4
    assert "another host is called cmp-001 already: cmp-001 (cmp-002)" in done.stderr


def test_a_look_up_over_hosts_says_on_which(fleet: PlayedFleet) -> None:
    fleet.add("cmp-001", fleet.guest(1, "x"))
    fleet.add("cmp-002", fleet.guest(1, "x"))
    fleet.add("cmp-003", fleet.guest(2, "x").replace("instance-00000002", "instance-00000001"))
    three = "cmp-[001-003]"
    one = run(fleet, "whose", "instance-00000001", "-f", "csv", "-c", "host", hosts=three)
    assert one.stdout.split()[1:] == ['"cmp-001"', '"cmp-002"', '"cmp-003"']
    done = run(fleet, "show", "instance-00000001", hosts=three)
    assert done.returncode == 1
    assert "matches more than one guest: " in done.stderr
    for number in (1, 2, 3):
        assert f"on cmp-00{number}" in done.stderr


def test_a_remedy_names_the_uri_of_its_host(fleet: PlayedFleet) -> None:
    bare = (
        fleet.guest(7, "x").replace("<metadata>", "<metadata/><!--").replace("</metadata>", "-->")
    )
    marked = bare.replace(
        "<os>",
        "<sysinfo type='smbios'><system><entry name='product'>OpenStack Nova</entry>"
        "<entry name='version'>34.0.0</entry></system></sysinfo><os>",
    )
    fleet.add("cmp-002", marked)
    done = run(fleet, "check", "-f", "json", hosts="cmp-[001-002]")
    (command,) = {each["command"] for each in json.loads(done.stdout) if each["code"] == "no-block"}
    uri = fleet.uri.replace("%h", "cmp-002")
    assert command.startswith(f"nova-domains -c '{uri}' stamp 00000007-")


def test_a_bar_counts_hosts_on_a_terminal(fleet: PlayedFleet) -> None:
    fleet.behaviour["cmp-002"] = "silent"
    arguments = ("--timeout", "3", "-c", fleet.uri, "--hosts", "cmp-[001-003]", "list")
    code, output = on_terminal(*arguments)
    assert code == 1
    assert "Reading hosts" in output
    assert "2/3" in output


def test_ctrl_c_ends_it_at_once(fleet: PlayedFleet) -> None:
    fleet.behaviour["cmp-001"] = "silent"
    words = command("--timeout", "60", "-c", fleet.uri, "--hosts", "cmp-[001-002]", "list")
    with subprocess.Popen(
        words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        end = time.monotonic() + 30
        while len(fleet.asked()) < 2:
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(2)
        begin = time.monotonic()
        assert process.wait(timeout=30) == 130
        assert time.monotonic() - begin < 2


def test_the_hosts_share_a_bound_of_threads(fleet: PlayedFleet) -> None:
    """Over a slow link one host gets forty threads; sixty of them would be 2,400."""
    many = [fleet.guest(5000 + number, "x") for number in range(40)]
    names = [f"cmp-{n:03d}" for n in range(1, HOSTS + 1)]
    for name in names:
        fleet.add(name, *many)
        fleet.behaviour[name] = "slow"
    words = command("-c", fleet.uri, "--hosts", ALL, "list", "-f", "value", "-c", "title")
    with subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        output: list[str] = []
        assert process.stdout is not None
        stdout = process.stdout
        reading = threading.Thread(target=lambda: output.append(stdout.read()))
        reading.start()
        most = 0
        while process.poll() is None:
            most = max(most, _threads_of(process.pid))
            time.sleep(0.002)
        reading.join()
    assert len(output[0].splitlines()) == 40 * HOSTS
    # For each host: the one that reads it, those it waits for, and its share for the guests, once
    # more for guests that are slow. Spare ones are shared.
    assert HOSTS < most <= HOSTS * (1 + 3 + 2 * (256 // HOSTS)) + 128


def _threads_of(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


@pytest.mark.parametrize("fanout", ["2", "64"])
def test_hosts_that_are_asked_twice_answer_alike(fleet: PlayedFleet, fanout: str) -> None:
    """With more hosts than the fan-out they are opened again for the next question."""
    done = run(
        fleet, "--fanout", fanout, "show", "web-cmp-003-301", "-f", "json", hosts="cmp-[001-005]"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [guest["host"] for guest in json.loads(done.stdout)] == ["cmp-003"]
    # Kept open, each host was connected to once; else twice, for the listing and for the names,
    # and that of the guest a third time.
    assert len(fleet.asked()) == (5 if fanout == "64" else 11)
