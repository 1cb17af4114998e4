"""A host in trouble: guests and daemons that hang, that go away, that refuse access.

Times are bounds that separate what hangs from what answers, not measurements.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from lab import domains
from lab.compute_host import ComputeHost, alive, frozen
from tests.support.command import the_error
from tests.support.goldens import golden_block
from tests.support.paths import ROOT
from tests.support.real_host import NOVA_1_1, as_nobody, documents_on, output_on, run_on, uuid
from virsh_nova.errors import DaemonNotRunning, HostLost, HostSilent
from virsh_nova.hosts.libvirt.connection import LibvirtHost

SOON = 8
"""Seconds: less than the 30 that a call into the monitor of a stuck QEMU waits."""

LIST_FORMATS = ["table", "json", "yaml", "csv", "value"]
SHOW_FORMATS = ["table", "json", "yaml", "xml", "value"]
COMMANDS = pytest.mark.parametrize(
    "command", [["list"], ["list", "-f", "json"], ["show", "web-1"]], ids=" ".join
)


@pytest.fixture
def host(empty_host: ComputeHost) -> ComputeHost:
    for number in range(1, 4):
        made = golden_block("34.0.0", "image_plain", name=f"web-{number}")
        empty_host.define(domains.nova_guest(f"instance-{number:08x}", uuid(number), made))
    return empty_host


class TestAStuckQemu:
    def test_holds_up_neither_list_nor_show(self, host: ComputeHost) -> None:
        host.start("instance-00000001")
        host.start("instance-00000002")
        patient = ["--timeout", "30"]
        with frozen(host.qemu_pid("instance-00000001")):
            for format_ in LIST_FORMATS:
                arguments = [*patient, "list", "--long", "-f", format_]
                out = output_on(host.uri, *arguments, seconds=SOON)
                assert "instance-00000001" in out
            for format_ in SHOW_FORMATS:
                arguments = [*patient, "show", "-f", format_, "instance-00000001"]
                assert "web-1" in output_on(host.uri, *arguments, seconds=SOON)
            assert documents_on(host.uri)["instance-00000001"]["state"] == "running"

    def test_whose_lock_somebody_waits_for_holds_up_nothing_either(self, host: ComputeHost) -> None:
        host.start("instance-00000001")
        into_the_monitor = ["virsh", "-c", host.uri, "qemu-monitor-command", "--hmp"]
        with (
            frozen(host.qemu_pid("instance-00000001")),
            subprocess.Popen(
                [*into_the_monitor, "instance-00000001", "info status"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as stuck,
        ):
            try:
                patient = (host.uri, "--timeout", "30")
                listed = run_on(*patient, "list", "-f", "json", seconds=SOON)
                shown = run_on(*patient, "show", "web-1", seconds=SOON)
                assert stuck.poll() is None
            finally:
                stuck.kill()
        assert [guest["instance"] is None for guest in json.loads(listed[1])] == [False] * 3
        for code, _, err in (listed, shown):
            assert code == 0
            # Since libvirt 10 the XML of such a guest does not come.
            assert not err or "another client is waiting for its QEMU" in err


class TestADaemonThatHangs:
    @COMMANDS
    def test_before_anybody_connects_is_reported_in_one_line(
        self, host: ComputeHost, command: list[str]
    ) -> None:
        with frozen(host.pid):
            code, out, err = run_on(host.uri, "--timeout", "1", *command, seconds=SOON)
        assert (code, out) == (3, "")
        line = the_error(err)
        assert "does not answer within 1 s" in line
        assert host.uri in line
        assert "--timeout" in line

    def test_is_given_the_time_that_was_asked_for(self, host: ComputeHost) -> None:
        uri = host.uri
        command = [sys.executable, "-m", "virsh_nova", "-c", uri, "--timeout", "60", "list"]
        with frozen(host.pid):
            waits = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            with pytest.raises(subprocess.TimeoutExpired):
                waits.communicate(timeout=1.5)
        # It goes on, and so does the answer.
        out, _ = waits.communicate(timeout=30)
        assert waits.returncode == 0
        assert out.startswith("3 Nova instances")

    @COMMANDS
    def test_halfway_is_reported_in_one_line_and_the_process_ends(
        self, host: ComputeHost, command: list[str]
    ) -> None:
        with halfway(host, "--timeout", "1", *command) as running:
            out, err = running.communicate(timeout=SOON)
        assert (running.returncode, out) == (3, "")
        line = the_error(err)
        assert "does not answer within 1 s" in line

    def test_halfway_is_host_silent_to_a_program(self, host: ComputeHost) -> None:
        opened = LibvirtHost.open(host.uri, timeout=1)
        try:
            with pytest.raises(HostSilent, match="3 guests"):
                opened.guests("block", chosen=lambda _: host.stop_daemon() or True)
            with pytest.raises(HostSilent):
                opened.sightings()
        finally:
            host.continue_daemon()
        assert len(opened.guests("block")) == 3

    def test_for_a_program_that_ends_does_not_keep_it_from_ending(self, host: ComputeHost) -> None:
        program = """if True:
            import os, signal, sys
            from virsh_nova.hosts.libvirt.connection import LibvirtHost
            host = LibvirtHost.open(sys.argv[1], timeout=1)
            print(len(host.guests("block")))
            os.kill(int(sys.argv[2]), signal.SIGSTOP)
        """
        run = [sys.executable, "-c", program, host.uri, str(host.pid)]
        try:
            done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=SOON)
        finally:
            host.continue_daemon()
        assert (done.returncode, done.stdout) == (0, "3\n")


class TestADaemonThatDies:
    @COMMANDS
    def test_halfway_is_reported_in_one_line(self, host: ComputeHost, command: list[str]) -> None:
        with halfway(host, "--timeout", "30", *command) as running:
            host.kill_daemon()
            out, err = running.communicate(timeout=SOON)
        assert (running.returncode, out) == (3, "")
        line = the_error(err)
        assert "the connection was lost" in line
        assert "try again" in line

    def test_halfway_is_host_lost_to_a_program(self, host: ComputeHost) -> None:
        opened = LibvirtHost.open(host.uri)

        def kill(_: object) -> bool:
            if alive(host.pid):
                host.kill_daemon()
            return True

        try:
            with pytest.raises(HostLost):
                opened.guests("block", chosen=kill)
            with pytest.raises(HostLost):
                opened.sightings()
        finally:
            host.restart_daemon()

    def test_leaves_a_socket_without_a_listener(self, host: ComputeHost) -> None:
        host.kill_daemon()
        try:
            code, out, err = run_on(host.uri, "list", seconds=SOON)
            with pytest.raises(DaemonNotRunning):
                LibvirtHost.open(host.uri)
        finally:
            host.restart_daemon()
        assert host.socket.exists()
        assert (code, out) == (3, "")
        line = the_error(err)
        assert "is not running" in line
        assert "systemctl start" in line

    def test_is_known_by_the_socket_that_is_not_there(self, host: ComputeHost) -> None:
        nowhere = f"qemu+unix:///system?socket={host.directory}/nowhere"
        code, out, err = run_on(nowhere, "show", "web-1", seconds=SOON)
        assert (code, out) == (3, "")
        line = the_error(err)
        assert "is not running" in line
        assert "socket=PATH" in line


class TestAGuestThatGoes:
    """Between the listing and the reading, where a callback of the listing comes in."""

    def test_from_its_definition_is_left_out(self, host: ComputeHost) -> None:
        def undefine(_: object) -> bool:
            with contextlib.suppress(libvirt.libvirtError):
                host.domain("instance-00000002").undefine()
            return True

        for detail in ("block", "domain", "whole"):
            guests = LibvirtHost.open(host.uri).guests(detail, chosen=undefine)
            assert {guest.domain for guest in guests} == {"instance-00000001", "instance-00000003"}
            assert [guest.faults for guest in guests] == [(), ()]
            made = golden_block("34.0.0", "image_plain", name="web-2")
            host.define(domains.nova_guest("instance-00000002", uuid(2), made))

    def test_off_the_host_as_a_transient_one_is_left_out(self, host: ComputeHost) -> None:
        host.create(domains.plain_guest("guestfs-once"))

        def destroy(_: object) -> bool:
            with contextlib.suppress(libvirt.libvirtError):
                host.domain("guestfs-once").destroy()
            return True

        guests = LibvirtHost.open(host.uri).guests("block", chosen=destroy)
        assert len(guests) == 3
        assert "guestfs-once" not in {guest.domain for guest in guests}

    def test_off_is_shown_as_it_is_then(self, host: ComputeHost) -> None:
        host.start("instance-00000001")

        def destroy(_: object) -> bool:
            with contextlib.suppress(libvirt.libvirtError):
                host.domain("instance-00000001").destroy()
            return True

        guests = LibvirtHost.open(host.uri).guests("whole", chosen=destroy)
        assert len(guests) == 3
        assert all(guest.instance is not None for guest in guests)

    def test_after_its_block_was_found_missing_is_left_out(self, host: ComputeHost) -> None:
        # This one needs a second call; by then it is gone for sure.
        host.define(domains.plain_guest("plain"))
        for name in ("instance-00000001", "instance-00000002", "instance-00000003"):
            host.domain(name).undefine()

        def undefine(_: object) -> bool:
            with contextlib.suppress(libvirt.libvirtError):
                host.domain("plain").undefine()
            return True

        assert LibvirtHost.open(host.uri).guests("domain", chosen=undefine) == []


class TestRights:
    """What an ordinary user may do, with the directory that keeps others out made open."""

    @pytest.fixture
    def open_to_all(self, host: ComputeHost) -> Iterator[ComputeHost]:
        ways = [host.directory, host.socket.parent]
        modes = [way.stat().st_mode for way in ways]
        for way in ways:
            way.chmod(0o711)
        yield host
        for way, mode in zip(ways, modes, strict=True):
            way.chmod(mode)

    def test_of_an_ordinary_user_suffice_on_the_read_only_socket(
        self, open_to_all: ComputeHost
    ) -> None:
        read_only = open_to_all.socket.with_name("libvirt-sock-ro")
        uri = f"qemu+unix:///system?socket={read_only}"
        code, out, err = as_nobody(uri, "list", "-f", "json")
        assert (code, err) == (0, "")
        assert len(json.loads(out)) == 3
        code, out, err = as_nobody(uri, "show", "web-2")
        assert (code, err) == (0, "")
        assert uuid(2) in out

    def test_that_do_not_suffice_are_reported_in_one_line(self, open_to_all: ComputeHost) -> None:
        mode = open_to_all.socket.stat().st_mode
        open_to_all.socket.chmod(0o600)
        try:
            code, out, err = as_nobody(open_to_all.uri, "list")
        finally:
            open_to_all.socket.chmod(mode)
        assert (code, out) == (3, "")
        line = the_error(err)
        assert "no permission" in line
        assert "root" in line

    def test_to_write_are_never_asked_for(self, host: ComputeHost) -> None:
        connection = LibvirtHost.open(host.uri)._connection
        domain = connection.lookupByName("instance-00000001")
        element = libvirt.VIR_DOMAIN_METADATA_ELEMENT
        with pytest.raises(libvirt.libvirtError, match="read only"):
            domain.setMetadata(element, "<instance/>", "nova", NOVA_1_1, 0)
        with pytest.raises(libvirt.libvirtError, match="read only"):
            domain.undefine()


class TestAHandHeldBadly:
    def test_by_an_unknown_uri_is_reported_with_libvirt_s_words_and_ours(self) -> None:
        code, out, err = run_on("quemu:///system", "list")
        assert (code, out) == (3, "")
        line = the_error(err)
        assert "quemu:///system" in line
        assert "qemu:///system" in line.replace("quemu", "")


# nova-domains as it is, but that it stops the daemon between the listing and the reading.
HALFWAY = """if True:
    import os, signal, sys
    from virsh_nova import __main__
    from virsh_nova.hosts.libvirt.connection import LibvirtHost

    daemon, *arguments = sys.argv[1:]
    guests = LibvirtHost.guests

    def stop(_):
        os.kill(int(daemon), signal.SIGSTOP)
        return True

    def guests_of_a_daemon_that_stops(self, detail, **options):
        return guests(self, detail, **options | {"chosen": stop})

    LibvirtHost.guests = guests_of_a_daemon_that_stops
    sys.argv[1:] = arguments
    __main__.main()
"""


@contextlib.contextmanager
def halfway(host: ComputeHost, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """nova-domains with the daemon stopped under it; afterwards there is a daemon as before."""
    command = [sys.executable, "-c", HALFWAY, str(host.pid), "-c", host.uri, *arguments]
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)
    status = Path(f"/proc/{host.pid}/status")
    try:
        host.wait(lambda: "State:\tT" in status.read_text(), "libvirtd was not stopped", SOON)
        yield running
    finally:
        running.kill()
        running.communicate()
        if alive(host.pid):
            host.continue_daemon()
        else:
            host.restart_daemon()


def test_a_host_without_guests_says_so(empty_host: ComputeHost) -> None:
    name = empty_host.connection.getHostname()
    assert output_on(empty_host.uri, "list") == f"{name} has no guests\n"
    assert output_on(empty_host.uri, "list", "-f", "json") == "[]\n"
    assert output_on(empty_host.uri, "list", "-f", "value") == ""
