"""`nova-domains whose` on real guests: real taps, backing chains, serials, and their processes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.goldens import golden_block
from tests.support.paths import ROOT
from tests.support.real_host import ENDLESS, output_on, run_on, uuid, with_device

PORT = "36116cce-64e7-5c02-9694-c89222938f49"
"""The port of the golden's block."""
ADDRESSES = "ports_v4_v6_floating"
VOLUME = "9a1b5f0e-3c62-4d0f-8a5b-2f6c1d7e4b90"
MAC = "fa:16:3e:00:00:01"
NAME = "instance-00000001"
DEV = f"tap{PORT[:11]}"
UNMANAGED = "tap0123abcd-ef"


def tap(device: str, mac: str, managed: str) -> str:
    return (
        f"<interface type='ethernet'><mac address='{mac}'/>"
        f"<target dev='{device}' managed='{managed}'/><model type='virtio'/></interface>"
    )


def in_its_network(host: ComputeHost, *words: str) -> str:
    enter = ["nsenter", "--target", str(host.pid), "--net", "--", *words]
    return subprocess.run(enter, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def base(module_host: ComputeHost) -> Path:
    made = module_host.instance_disk("_base")
    return made.rename(made.with_name("e800707f"))


@pytest.fixture(scope="module")
def host(module_host: ComputeHost, base: Path) -> ComputeHost:
    """A running instance on a backing chain with a volume and a tap; one that is off; others."""
    middle = overlay(module_host, "middle", base)
    disk = overlay(module_host, uuid(1), middle)
    made = domains.nova_guest(NAME, uuid(1), golden_block("34.0.0", ADDRESSES), disk=disk)
    volume = module_host.instance_disk("volumes")
    attached = (
        f"<disk type='file'><driver name='qemu' type='qcow2'/><source file='{volume}'/>"
        f"<target dev='vdb' bus='virtio'/><serial>{VOLUME}</serial></disk>"
    )
    module_host.define(with_device(with_device(made, attached), tap(DEV, MAC, "yes")))
    module_host.start(NAME, paused=True)
    # As Nova has it: the tap is there before the guest, and libvirt leaves it alone.
    in_its_network(module_host, "ip", "tuntap", "add", UNMANAGED, "mode", "tap")
    lost = domains.nova_guest(
        "instance-00000002", uuid(2), disk=overlay(module_host, uuid(2), base)
    )
    module_host.define(with_device(lost, tap(UNMANAGED, "fa:16:3e:00:00:02", "no")))
    module_host.start("instance-00000002", paused=True)
    off = domains.nova_guest("instance-00000003", uuid(3), golden_block("29.4.0", "volume_boot"))
    module_host.define(off)
    module_host.create(domains.appliance("guestfs-x9d2kq7w1mzt4r8e"))
    return module_host


def overlay(host: ComputeHost, name: str, below: Path) -> Path:
    disk = host.directory / "instances" / name / "disk"
    disk.parent.mkdir(parents=True)
    words = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(below), str(disk)]
    subprocess.run(words, check=True)
    return disk


def answers(host: ComputeHost, *handles: str) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = json.loads(
        output_on(host.uri, "whose", "-f", "json", *handles)
    )
    return documents


def found(host: ComputeHost, handle: str) -> list[tuple[str, str]]:
    return [(one["kind"], one["guest"]["domain"]) for one in answers(host, handle)]


class TestEveryKind:
    def test_finds_its_guest(self, host: ComputeHost) -> None:
        (shown,) = json.loads(output_on(host.uri, "show", "-f", "json", NAME))
        instance = shown["instance"]
        addresses = [ip["address"] for port in instance["ports"] for ip in port["ips"]]
        assert addresses
        handles = {
            "uuid": [uuid(1), uuid(1).upper(), uuid(1).replace("-", ""), uuid(1)[:12]],
            "domain": [NAME],
            "id": [str(host.domain(NAME).ID()), f"id:{host.domain(NAME).ID()}"],
            "name": [instance["name"]],
            "tap": [DEV, f"tap:{DEV}", DEV.replace("tap", "qvo")],
            "mac": [MAC, MAC.upper().replace(":", "-"), "fa16.3e00.0001", "fa163e000001"],
            "ip": [*addresses, *(f"ip:{address.upper()}" for address in addresses)],
            "port": [PORT, PORT[:11], f"port:{PORT}"],
            "volume": [VOLUME, f"volume:{VOLUME}", f"volume-{VOLUME}"],
            "disk": [disk["source"] for disk in shown["hardware"]["disks"]],
            "pid": [str(host.qemu_pid(NAME)), f"pid:{host.qemu_pid(NAME)}"],
        }
        for kind, spellings in handles.items():
            for handle in spellings:
                assert (kind, NAME) in found(host, handle), handle

    def test_names_what_many_share(self, host: ComputeHost) -> None:
        owner = json.loads(output_on(host.uri, "show", "-f", "json", NAME))[0]["instance"]["owner"]
        shared = {"instance-00000001", "instance-00000003"}
        for kind in ("project", "user"):
            for handle in (owner[kind]["id"], f"{kind}:{owner[kind]['name']}"):
                names = {domain for its, domain in found(host, handle) if its == kind}
                assert names == shared, handle

    def test_finds_the_guest_of_a_real_tap(self, host: ComputeHost) -> None:
        links = in_its_network(host, "ip", "-o", "link")
        assert DEV in links
        assert UNMANAGED in links
        assert found(host, UNMANAGED) == [("tap", "instance-00000002")]

    def test_finds_every_guest_on_a_backing_file(self, host: ComputeHost, base: Path) -> None:
        assert found(host, str(base)) == [("disk", NAME), ("disk", "instance-00000002")]
        middle = host.directory / "instances" / "middle" / "disk"
        assert found(host, str(middle)) == [("disk", NAME)]

    def test_follows_a_link_to_the_disk(self, host: ComputeHost, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(host.directory / "instances")
        assert found(host, str(tmp_path / "link" / uuid(1) / "disk")) == [("disk", NAME)]
        assert found(host, str(tmp_path / "link" / "_base" / "e800707f"))[0] == ("disk", NAME)

    def test_the_line_says_whose(self, host: ComputeHost) -> None:
        line = output_on(host.uri, "whose", DEV)
        assert line == (
            f"{DEV} → vm-{ADDRESSES} (paused) · project demo-project · user demo"
            f" · {NAME} · {uuid(1)} · port {PORT}\n"
        )
        assert "Nova's, no metadata" in output_on(host.uri, "whose", UNMANAGED)
        # Its channel waits for a peer; libguestfs's own waits for QEMU (test_appliance.py).
        assert "manager unknown" in output_on(host.uri, "whose", "guestfs-x9d2kq7w1mzt4r8e")


class TestAProcess:
    def test_that_is_any_thread_of_qemu_leads_to_its_guest(self, host: ComputeHost) -> None:
        qemu = host.qemu_pid(NAME)
        threads = [int(name) for name in os.listdir(f"/proc/{qemu}/task")]
        assert len(threads) > 1
        for number in threads:
            (one,) = answers(host, f"pid:{number}")
            assert (one["kind"], one["guest"]["domain"]) == ("pid", NAME)
            assert one["detail"].endswith("QEMU" if number == qemu else f"of QEMU {qemu}")

    def test_that_only_says_it_is_a_guest_s_is_called_that(self, host: ComputeHost) -> None:
        """Anybody's process can have the uuid on its command line, and children of its own."""
        with Descendants(uuid(1)) as (child, grandchild):
            for number, near in ((child, "child of"), (grandchild, "below")):
                (one,) = answers(host, f"pid:{number}")
                assert one["guest"]["domain"] == NAME
                assert f", {near} process python" in one["detail"]
                assert one["detail"].endswith(", by its command line alone")

    def test_of_no_guest_is_an_error(self, host: ComputeHost) -> None:
        code, out, err = run_on(host.uri, "whose", f"pid:{os.getpid()}", f"pid:{host.pid}")
        assert (code, out) == (1, "")
        assert err.count(", not of any guest\n") == 2
        code, _, err = run_on(host.uri, "whose", "pid:4194305")
        assert code == 1
        assert "there is no process 4194305" in err

    def test_that_proc_hides_is_reported_and_the_rest_is_answered(self, host: ComputeHost) -> None:
        """As with hidepid=2: a /proc with nothing of others in it."""
        words = (
            f"{sys.executable} -m virsh_nova -c '{host.uri}' whose pid:{host.qemu_pid(NAME)} {DEV}"
        )
        script = f"mount -t tmpfs none /proc/{host.qemu_pid(NAME)} && {words}"
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", script],
            cwd=ROOT, capture_output=True, text=True, timeout=ENDLESS,
        )  # fmt: skip
        assert done.returncode == 1
        assert f"/proc hides process {host.qemu_pid(NAME)}" in done.stderr
        assert done.stdout.startswith(f"{DEV} → vm-{ADDRESSES} (paused)")


class Descendants:
    """A process with a guest's uuid on its command line, its child and its child's child."""

    def __init__(self, uuid: str) -> None:
        child = "echo $$; sleep 600 & echo $!; wait"
        qemu = f"import subprocess; subprocess.run(['sh', '-c', {child!r}])"
        self._process = subprocess.Popen(
            [sys.executable, "-c", qemu, "-uuid", uuid],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> tuple[int, int]:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline()), int(self._process.stdout.readline())

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


class TestText:
    def test_ip_link_is_annotated(self, host: ComputeHost) -> None:
        text = in_its_network(host, "ip", "-o", "link")
        done = subprocess.run(
            [sys.executable, "-m", "virsh_nova", "-c", host.uri, "whose", "-"],
            cwd=ROOT, input=text, capture_output=True, text=True, timeout=ENDLESS,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert [line.partition("   ← ")[0] for line in lines] == text.splitlines()
        noted = [line for line in lines if "   ← " in line]
        assert len(noted) == 2
        assert any(DEV in line and f"← vm-{ADDRESSES} (" in line for line in noted)
