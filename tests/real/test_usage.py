"""Who uses a real host: guests with real QEMUs, healthy, busy and stuck."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lab import domains
from lab.compute_host import ComputeHost, frozen, stuck
from tests.support.goldens import golden_block
from tests.support.offline import inside
from tests.support.real_host import output_on, run_on, uuid

SOON = 8
"""Seconds: libvirt waits 30 for a monitor."""
ONE, TWO = "instance-00000001", "instance-00000002"


@pytest.fixture
def host(empty_host: ComputeHost) -> ComputeHost:
    """Three instances of one project, two of them running; and a plain guest, which runs too."""
    for number in range(1, 4):
        made = golden_block("34.0.0", "image_plain", name=f"web-{number}")
        guest = domains.nova_guest(f"instance-{number:08x}", uuid(number), made, memory_mib=32)
        empty_host.define(guest.replace("</memory>", "</memory><vcpu>2</vcpu>"))
    empty_host.define(domains.plain_guest("plain"))
    for name in (ONE, TWO, "plain"):
        empty_host.start(name)
    return empty_host


def rows_of(text: str) -> dict[str, dict[str, Any]]:
    """By project; guests without one by why."""
    return {
        row["project"]["name"] if row["project"] else row["missing"]["project"]: row
        for row in json.loads(text)["usage"]
    }


def on_the_host(host: ComputeHost, *arguments: str) -> subprocess.CompletedProcess[str]:
    """nova-domains as root on the host itself, where libvirt's pid files are."""
    program = [sys.executable, "-m", "virsh_nova", "-c", "qemu:///system", *arguments]
    return inside(host, "timeout", str(SOON), *program)


def test_what_was_given_is_what_the_guests_are(host: ComputeHost) -> None:
    rows = rows_of(output_on(host.uri, "usage", "-f", "json"))
    assert list(rows) == ["demo-project", "foreign"]
    ours = rows["demo-project"]
    assert [ours[key] for key in ("guests", "running", "vcpus", "memory_mib")] == [3, 2, 6, 96]
    assert ours["cpu_percent"] is ours["rss_mib"] is None
    foreign = rows["foreign"]
    assert [foreign[key] for key in ("guests", "vcpus", "memory_mib", "disk_gib")] == [
        1,
        1,
        8,
        None,
    ]


def test_what_they_use_on_this_machine_is_what_their_processes_use(host: ComputeHost) -> None:
    done = on_the_host(host, "usage", "--interval", "1", "-f", "json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = rows_of(done.stdout)
    rss = {name: resident(host.qemu_pid(name)) for name in (ONE, TWO, "plain")}
    # A BIOS without a disk computes, or waits for one: as emulated here, both show.
    assert rows["demo-project"]["rss_mib"] == pytest.approx(rss[ONE] + rss[TWO], rel=0.2)
    assert rows["foreign"]["rss_mib"] == pytest.approx(rss["plain"], rel=0.2)
    for row in rows.values():
        assert row["cpu_percent"] is not None
        assert row["steal_percent"] is not None
        assert row["balloon_mib"] is None


@pytest.fixture
def without_pids(host: ComputeHost, tmp_path: Path) -> str:
    """A URI of the host by which no pid file is found: they are sought beside the socket."""
    link = tmp_path / "libvirt-sock"
    link.symlink_to(host.socket)
    return f"qemu+unix:///system?socket={link}"


def test_where_there_are_no_pids_libvirt_says_what_they_use(without_pids: str) -> None:
    code, out, err = run_on(without_pids, "usage", "--interval", "0.5", "-f", "json")
    assert (code, err) == (0, "")
    row = rows_of(out)["demo-project"]
    assert (row["balloon_mib"], row["rss_mib"], row["steal_percent"]) == (64, None, None)
    assert row["cpu_percent"] >= 0


@pytest.mark.parametrize("here", [True, False])
def test_a_stuck_qemu_changes_nothing(host: ComputeHost, without_pids: str, here: bool) -> None:
    with stuck(host, ONE):
        begin = time.monotonic()
        if here:
            done = on_the_host(host, "usage", "--interval", "0.5", "-f", "json")
            code, out, err = done.returncode, done.stdout, done.stderr
        else:
            code, out, err = run_on(without_pids, "usage", "--interval", "0.5", "-f", "json")
        assert time.monotonic() - begin < SOON
    assert (code, err) == (0, "")
    row = rows_of(out)["demo-project"]
    assert [row[key] for key in ("guests", "running", "vcpus", "memory_mib")] == [3, 2, 6, 96]
    assert row["cpu_percent"] is not None


def test_no_call_takes_a_job_on_a_guest_or_enters_its_monitor(host: ComputeHost) -> None:
    """A stopped QEMU, whose monitor is free: whoever enters it occupies it from then on."""
    with frozen(host.qemu_pid(ONE)):
        for words in (("usage",), ("usage", "--interval", "0.2")):
            done = on_the_host(host, *words)
            assert (done.returncode, done.stderr) == (0, "")
            assert host.domain(ONE).controlInfo()[0] == 0


class TestAGuestThatIsBeingDestroyed:
    """libvirt lists nothing then: guests and processes are read from this machine's files."""

    @pytest.fixture
    def destroying(self, host: ComputeHost) -> Iterator[ComputeHost]:
        pid = host.qemu_pid(ONE)
        os.kill(pid, signal.SIGSTOP)
        silent = subprocess.DEVNULL
        destroy = ["virsh", "-c", host.uri, "destroy", ONE]
        with subprocess.Popen(destroy, stdout=silent, stderr=silent) as process:
            try:
                host.wait(lambda: not lists(host), "the listing is not held up")
                yield host
            finally:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                process.wait(timeout=60)

    def test_costs_a_note(self, destroying: ComputeHost) -> None:
        done = on_the_host(destroying, "usage", "--interval", "0.2", "-f", "json")
        assert done.returncode == 0
        assert f"held up by {ONE}" in done.stderr
        row = rows_of(done.stdout)["demo-project"]
        assert (row["guests"], row["vcpus"]) == (3, 6)
        assert row["rss_mib"] > 0


def lists(host: ComputeHost) -> bool:
    virsh = ["timeout", "0.5", "virsh", "-r", "-c", host.uri, "list", "--all"]
    return subprocess.run(virsh, capture_output=True).returncode == 0


def resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024
