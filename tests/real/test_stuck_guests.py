"""Guests that hang in a real libvirt: one that is being destroyed, and one that is waited for.

Times are bounds that separate what hangs from what answers, not measurements.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from lab import domains
from lab.compute_host import ComputeHost, stuck
from tests.support.command import the_error
from tests.support.goldens import golden_block
from tests.support.offline import inside
from tests.support.paths import ROOT
from tests.support.real_host import output_on, run_on, uuid

SOON = 8
"""Seconds: libvirt gives a QEMU 15 to end before it kills it, and waits 30 for a monitor."""
ONE = "instance-00000001"


@pytest.fixture
def host(empty_host: ComputeHost) -> ComputeHost:
    for number in range(1, 4):
        made = golden_block("34.0.0", "image_plain", name=f"web-{number}")
        empty_host.define(domains.nova_guest(f"instance-{number:08x}", uuid(number), made))
    empty_host.start(ONE)
    empty_host.start("instance-00000002")
    return empty_host


class TestAGuestThatIsBeingDestroyed:
    @pytest.fixture
    def host(self, host: ComputeHost) -> Iterator[ComputeHost]:
        pid = host.qemu_pid(ONE)
        os.kill(pid, signal.SIGSTOP)
        destroy = ["virsh", "-c", host.uri, "destroy", ONE]
        silent = subprocess.DEVNULL
        with subprocess.Popen(destroy, stdout=silent, stderr=silent) as destroying:
            try:
                host.wait(lambda: not lists(host), "the listing is not held up")
                yield host
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                destroying.wait(timeout=60)

    def test_is_listed_from_the_files_with_a_note(self, host: ComputeHost) -> None:
        done = ours(host, "list", "-f", "json")
        assert done.returncode == 0
        (note,) = done.stderr.splitlines()
        assert f"held up by {ONE} ({uuid(1)})" in note
        assert "instance-00000002" not in note
        assert "not from libvirt: 3 guests" in note
        listed = {guest["domain"]: guest for guest in json.loads(done.stdout)}
        assert len(listed) == 3
        assert {guest["kind"] for guest in listed.values()} == {"nova"}
        assert listed["instance-00000002"]["state"] == "running"
        assert not lists(host)

    def test_keeps_no_other_guest_from_being_shown_checked_or_found(
        self, host: ComputeHost
    ) -> None:
        shown = ours(host, "show", "web-3")
        assert shown.returncode == 0
        assert uuid(3) in shown.stdout
        found = ours(host, "whose", "instance-00000002")
        assert found.returncode == 0
        assert uuid(2) in found.stdout
        for done in (shown, found):
            assert f"held up by {ONE}" in done.stderr

    def test_is_an_error_with_the_cause_where_the_files_are_not(self, host: ComputeHost) -> None:
        code, out, err = run_on(host.uri, "--timeout", "2", "list", seconds=SOON)
        assert (code, out) == (3, "")
        line = the_error(err)
        assert "answers, but does not list its guests" in line
        assert "being destroyed" in line
        assert not lists(host)

    def test_is_not_written_around(self, host: ComputeHost) -> None:
        done = ours(host, "--timeout", "2", "stamp", "--all", "--derive", "--yes")
        assert (done.returncode, done.stdout) == (3, "")
        assert f"held up by {ONE} ({uuid(1)})" in done.stderr


def ours(host: ComputeHost, *arguments: str) -> subprocess.CompletedProcess[str]:
    """nova-domains as root on the host itself."""
    program = [sys.executable, "-m", "virsh_nova", "-c", "qemu:///system", *arguments]
    return inside(host, "timeout", str(SOON), *program)


def lists(host: ComputeHost) -> bool:
    """Whether libvirt lists its guests soon."""
    virsh = ["timeout", "0.5", "virsh", "-r", "-c", host.uri, "list", "--all"]
    return subprocess.run(virsh, capture_output=True).returncode == 0


# nova-domains with a libvirt of release 11: XMLDesc waits while somebody is in the monitor.
AS_RELEASE_11 = """if True:
    import sys, time
    import libvirt
    from virsh_nova import __main__

    xml_of = libvirt.virDomain.XMLDesc

    def wait_for_the_monitor(domain, flags=0):
        while domain.ID() >= 0 and domain.controlInfo()[0] != libvirt.VIR_DOMAIN_CONTROL_OK:
            time.sleep(0.1)
        return xml_of(domain, flags)

    libvirt.virDomain.XMLDesc = wait_for_the_monitor
    __main__.main()
"""


class TestAGuestInWhoseMonitorAClientWaits:
    @pytest.fixture
    def host(self, host: ComputeHost) -> Iterator[ComputeHost]:
        with stuck(host, ONE):
            yield host

    @pytest.mark.parametrize("format_", ["json", "table", "value"])
    def test_is_listed_with_its_block(self, host: ComputeHost, format_: str) -> None:
        done = on_release_11(host, "list", "-f", format_)
        assert done.returncode == 0
        assert "web-1" in done.stdout
        assert "web-2" in done.stdout
        if format_ == "json":
            (warning,) = done.stderr.splitlines()
            assert ONE in warning
            assert "cannot be read but for its metadata" in warning
        else:
            assert done.stderr == ""

    def test_is_shown_as_far_as_it_answers(self, host: ComputeHost) -> None:
        done = on_release_11(host, "show", "web-1")
        assert done.returncode == 0
        assert uuid(1) in done.stdout
        assert "demo-project" in done.stdout

    def test_keeps_no_other_from_being_found_or_written(
        self, host: ComputeHost, tmp_path: Path
    ) -> None:
        done = on_release_11(host, "whose", "instance-00000002")
        assert done.returncode == 0
        assert uuid(2) in done.stdout
        host.define(domains.nova_guest("instance-00000009", uuid(9)))
        done = on_release_11(host, "stamp", uuid(9), "--derive", "--yes")
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("1 stamped, 0 unchanged, 0 refused, 0 failed\n")


def on_release_11(host: ComputeHost, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", AS_RELEASE_11, "-c", host.uri, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SOON)


class TestBytesThatAreNotUtf8:
    """virsh hands on what it is given, and libvirt keeps it."""

    @pytest.fixture
    def host(self, host: ComputeHost) -> ComputeHost:
        for option in ("--title", "--config"):
            words = [b"virsh", b"-c", host.uri.encode(), b"desc", ONE.encode(), b"--config"]
            title = [b"--title"] if option == "--title" else []
            subprocess.run([*words, *title, b"caf\xe9"], check=True, capture_output=True)
            live = [b"--live", *title, b"caf\xe9"]
            subprocess.run([*words[:-1], *live], check=True, capture_output=True)
        with pytest.raises(UnicodeDecodeError):
            host.domain(ONE).XMLDesc()
        return host

    def test_cost_their_guest_a_warning_and_nothing_else(self, host: ComputeHost) -> None:
        code, out, err = run_on(host.uri, "list", "-f", "json")
        assert code == 0
        listed = {guest["domain"]: guest for guest in json.loads(out)}
        assert {guest["kind"] for guest in listed.values()} == {"nova"}
        assert listed[ONE]["title"] == listed[ONE]["description"] == "caf\ufffd"
        (warning,) = err.splitlines()
        assert ONE in warning
        assert "not UTF-8" in warning

    def test_end_no_command_about_another_guest(self, host: ComputeHost) -> None:
        assert uuid(2) in output_on(host.uri, "show", "web-2")
        assert uuid(2) in output_on(host.uri, "whose", "instance-00000002")
        host.define(domains.nova_guest("instance-00000009", uuid(9)))
        code, out, err = run_on(host.uri, "stamp", "--all", "--derive", "--yes")
        assert code == 0, err
        assert out.endswith("1 stamped, 3 unchanged, 0 refused, 0 failed\n")
        assert "Traceback" not in run_on(host.uri, "check")[2]


def test_a_relative_namespace_in_a_block_costs_nothing(host: ComputeHost) -> None:
    made = golden_block("34.0.0", "image_plain", name="odd")
    made = made.replace("</nova:instance>", '<k:x xmlns:k="kvirt"/></nova:instance>')
    host.define(domains.nova_guest("odd", uuid(8), made))
    assert "kvirt" in host.domain("odd").XMLDesc()
    (odd,) = json.loads(output_on(host.uri, "show", "-f", "json", "odd"))
    assert (odd["kind"], odd["instance"]["name"]) == ("nova", "odd")
    code, out, _ = run_on(host.uri, "check", "-f", "json")
    assert code in (0, 4)
    codes = {found["code"] for found in json.loads(out) if found["uuid"] == uuid(8)}
    assert "block-unfit" in codes
    assert "block-damaged" not in codes
    host.define(domains.nova_guest("instance-00000009", uuid(9)))
    code, out, err = run_on(host.uri, "stamp", "--all", "--derive", "--yes")
    assert code == 0, err
    assert out.endswith("1 stamped, 4 unchanged, 0 refused, 0 failed\n")
    for option in (("--overwrite",), ()):
        assert run_on(host.uri, "stamp", uuid(8), "--derive", "--yes", *option)[0] == 0


def test_guests_that_hang_keep_no_healthy_one_from_being_read(host: ComputeHost) -> None:
    """Eight stuck ones used to take all readers."""
    for number in range(10, 20):
        made = golden_block("34.0.0", "image_plain", name=f"web-{number}")
        host.define(domains.nova_guest(f"instance-{number:08x}", uuid(number), made))
        host.start(f"instance-{number:08x}")
    with contextlib.ExitStack() as stack:
        for number in range(10, 20):
            stack.enter_context(stuck(host, f"instance-{number:08x}"))
        done = on_release_11(host, "list", "-f", "json")
    assert done.returncode == 0
    listed = json.loads(done.stdout)
    assert len(listed) == 13
    assert {guest["kind"] for guest in listed} == {"nova"}
    assert len(done.stderr.splitlines()) == 10


def test_the_right_to_write_is_asked_for_without_a_guest(host: ComputeHost) -> None:
    """On both sockets, by root and by an ordinary user: see also test_stamp_trouble."""
    for option in ("libvirt-sock", "libvirt-sock-ro"):
        connection = libvirt.open(f"qemu+unix:///system?socket={host.socket.parent}/{option}")
        with pytest.raises(libvirt.libvirtError) as caught:
            connection.domainXMLToNative("none", "<domain/>", 0)
        refused = caught.value.get_error_code() == libvirt.VIR_ERR_OPERATION_DENIED
        assert refused == option.endswith("-ro")
        connection.close()
