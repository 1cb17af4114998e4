"""A fleet for experiments: compute hosts on one network, reached over ssh as in a data centre.

Each host is a `ComputeHost` with a name, an address, a machine-id and an sshd of its own. They are
plugged into a bridge. Nothing of this is in the machine's network but one interface, through which
the machine reaches the hosts:

    machine                 the switch's namespace            a host's namespace
    nd-18-17, 198.18.17.1 = uplink -- bridge -- port11 ====== eth0, 198.18.17.11

The bridge, its ports and the machine's interface belong to the switch's namespace, and the kernel
removes them with it: when its last process ends, which happens as soon as the user of this module
ends, in whatever way.
"""

import contextlib
import ipaddress
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from urllib.parse import urlencode

from lab import compute_host
from lab.compute_host import ComputeHost, HostFailed, alive

SLOW_WIRE = Path(__file__).with_name("slow_wire.py")

BENCHMARK_NETWORK = ipaddress.IPv4Network("198.18.0.0/15")
"""Reserved for labs (RFC 2544): nothing that matters has an address in it."""

FIRST_HOST = 11
"""The last number of the first host's address. The machine's is 1."""

LIBVIRTD_CONF = """\
host_uuid_source = "machine-id"
listen_tls = 0
listen_tcp = 1              # nothing but the fleet is on this network
auth_tcp = "none"
"""

SSHD_CONFIG = """\
HostKey /etc/ssh/host_key
AuthorizedKeysFile /etc/ssh/authorized_keys
StrictModes no              # the files are below TMPDIR, where others may write
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 200
PidFile none
"""

SSH_CONFIG = """\
{hosts}Host *
    User root
    IdentityFile {key}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    UpdateHostKeys no
"""


class FleetHost(ComputeHost):
    """A compute host with a name, on an address of its fleet's network."""

    name: str

    def __init__(self, fleet: "Fleet", number: int) -> None:
        super().__init__(f"cmp-{number:03d}")
        self.address = str(fleet.network[FIRST_HOST - 1 + number])
        self.machine_id = random.Random(self.address).randbytes(16).hex()
        self._fleet = fleet
        self._port = f"port{number}"

    def __enter__(self) -> "FleetHost":
        super().__enter__()
        try:
            self._plug_in()
            self.sshd_pid = self._start("sshd")
            self.wait(self._lets_in, "sshd does not answer")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    # The ways to it.

    def ssh_uri(self, path: str = "/system", driver: str = "qemu", **parameters: str) -> str:
        """The way that others take, with the keys of the fleet's user.

        libvirt reads known_hosts= for its libssh transports only, so the fleet's ssh brings it.
        """
        settings = {"command": str(self._fleet.ssh), "no_tty": "1", **parameters}
        return f"{driver}+ssh://root@{self.address}{path}?{urlencode(settings, safe='/')}"

    @property
    def tcp_uri(self) -> str:
        """The way without keys and ciphers, which cost more than all else does."""
        return f"qemu+tcp://{self.address}/system"

    def reachable(self) -> bool:
        """Whether sshd lets the fleet's user in."""
        ask = [str(self._fleet.ssh), "-o", "ConnectTimeout=5", self.address, "true"]
        return subprocess.run(ask, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0

    # Its faults.

    def link_down(self) -> None:
        """Pull the cable: connections get no answer, and no error either."""
        self._fleet.switch(f"link set {self._port} down")

    def link_up(self) -> None:
        self._fleet.switch(f"link set {self._port} up")

    @contextlib.contextmanager
    def without_link(self) -> Iterator[None]:
        self.link_down()
        try:
            yield
        finally:
            self.link_up()

    @contextlib.contextmanager
    def delayed(self, seconds: float) -> Iterator[None]:
        """Every frame from and to the host arrives so much later.

        As with ``tc qdisc add … netem delay``, which not every kernel has.
        """
        near, far = f"{self._port}a", f"{self._port}b"
        switch = self._fleet.switch
        switch(
            f"link add {near} type veth peer name {far}",
            f"link set {self._port} nomaster",
            f"link set {far} master bridge",
            f"link set {near} up",
            f"link set {far} up",
        )
        command = [sys.executable, "-IS", str(SLOW_WIRE), self._port, near, str(seconds)]
        pipe = subprocess.PIPE
        wire = subprocess.Popen(
            in_network_of(self._fleet.switch_pid, *command), stdin=pipe, stdout=pipe, text=True
        )
        try:
            assert wire.stdout is not None
            if wire.stdout.readline() != "ready\n":
                raise HostFailed(f"no slow wire to {self.name}")
            yield
        finally:
            wire.communicate()
            switch(f"link del {near}", f"link set {self._port} master bridge")

    @contextlib.contextmanager
    def called(self, name: str) -> Iterator[None]:
        """The host has another name for its daemon, which reads it once, when it starts."""
        try:
            self._rename(name)
            yield
        finally:
            self._rename(self.name)

    def stop_sshd(self) -> None:
        """SIGSTOP: connections are taken by the kernel, and nothing is said on them."""
        os.kill(self.sshd_pid, signal.SIGSTOP)

    def continue_sshd(self) -> None:
        os.kill(self.sshd_pid, signal.SIGCONT)

    # How it is done.

    def _furnish(self) -> None:
        super()._furnish()
        with (self.directory / "etc" / "libvirtd.conf").open("w") as settings:
            settings.write(compute_host.LIBVIRTD_CONF + LIBVIRTD_CONF)
        named = self.directory / "named"
        (named / "ssh").mkdir(parents=True)
        (named / "hosts").write_text(self._fleet.hosts_file())
        (named / "machine-id").write_text(f"{self.machine_id}\n")
        (named / "passwd").write_text(users())
        (named / "shadow").write_text("root:*:20000:0:99999:7:::\nsshd:!:20000::::::\n")
        (named / "ssh" / "sshd_config").write_text(SSHD_CONFIG)
        shutil.copy(self._fleet.key.with_suffix(".pub"), named / "ssh" / "authorized_keys")
        public = make_key(named / "ssh" / "host_key")
        self._fleet.trust(self.address, public)

    def _rename(self, name: str) -> None:
        guardian = self._guardian
        assert guardian is not None
        there = ["nsenter", f"--uts=/proc/{guardian.pid}/ns/uts", "hostname", name]
        subprocess.run(there, check=True)
        self.restart_daemon()

    def _lets_in(self) -> bool:
        if not alive(self.sshd_pid):
            raise HostFailed(f"sshd ended at once:\n{self.log()}")
        return self.reachable()

    def _plug_in(self) -> None:
        guardian = self._guardian
        assert guardian is not None
        self._fleet.switch(
            f"link add {self._port} type veth peer name eth0 netns {guardian.pid}",
            f"link set {self._port} master bridge",
            f"link set {self._port} up",
        )
        ip(
            in_network_of(guardian.pid),
            "link set lo up",
            f"address add {self.address}/{self._fleet.network.prefixlen} dev eth0",
            "link set eth0 up",
        )


class Fleet:
    """A context manager: the hosts are there inside, and nothing remains afterwards.

    It needs root and openssh-server, and neither starts nor reads the machine's own sshd. A user of
    the fleet is someone with `ssh` first in the PATH, who knows the hosts by name.
    """

    def __init__(self, size: int = 4) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="nd-"))
        self.key = self.directory / "key"
        self.ssh = self.directory / "bin" / "ssh"
        self.network = BENCHMARK_NETWORK
        self.switch_pid = 0
        self.hosts: list[FleetHost] = []
        self._size = size
        self._known_hosts = self.directory / "known_hosts"
        self._switch: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Fleet":
        try:
            self._start_switch()
            self._furnish_user()
            self.hosts = [FleetHost(self, number) for number in range(1, self._size + 1)]
            self._write_ssh("bin/ssh", self.key, self._known_hosts)
            with ThreadPoolExecutor() as pool:
                list(pool.map(FleetHost.__enter__, self.hosts))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda host: host.__exit__(None, None, None), self.hosts))
        if self._switch is not None:
            self._switch.communicate()
            self._wait_for_the_end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __getitem__(self, number: int) -> FleetHost:
        return self.hosts[number]

    def clear(self) -> None:
        """Remove every guest of every host."""
        for host in self.hosts:
            host.clear()

    # The network.

    @property
    def machine_address(self) -> str:
        return str(self.network[1])

    @property
    def nobody(self) -> str:
        """An address of the network that no host has."""
        return str(self.network[250])

    @property
    def interface(self) -> str:
        """The machine's, to the fleet."""
        _, second, third, _ = self.network.network_address.packed
        return f"nd-{second}-{third}"

    def switch(self, *commands: str) -> None:
        """Have ``ip`` carry out these commands where the bridge is."""
        ip(in_network_of(self.switch_pid), *commands)

    def hosts_file(self) -> str:
        names = "".join(f"{host.address} {host.name}\n" for host in self.hosts)
        return f"127.0.0.1 localhost\n{names}"

    # Its user.

    def environment(self) -> dict[str, str]:
        """What the user's shell has: the PATH, in which ssh knows the hosts and the key."""
        return {**os.environ, "PATH": f"{self.ssh.parent}:{os.environ['PATH']}"}

    def clients(self) -> list[int]:
        """The PIDs of the ssh processes that the fleet's users have started and not ended."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = path.read_bytes().split(b"\0")
                if words[0] == b"/usr/bin/ssh" and os.fsencode(self.directory) in words[2]:
                    found.append(int(path.parent.name))
        return found

    def trust(self, address: str, public_key: str) -> None:
        with self._known_hosts.open("a") as known:
            known.write(f"{address} {public_key}\n")

    def stranger_ssh(self) -> Path:
        """The ssh of somebody whose key no host knows."""
        key = self.directory / "stranger"
        if not key.exists():
            make_key(key)
        return self._write_ssh("stranger-ssh", key, self._known_hosts)

    def suspicious_ssh(self) -> Path:
        """The ssh of somebody who knows the hosts by other keys than they have."""
        known_hosts = self.directory / "other-known-hosts"
        public = self.key.with_suffix(".pub").read_text()
        known_hosts.write_text("".join(f"{host.address} {public}" for host in self.hosts))
        return self._write_ssh("suspicious-ssh", self.key, known_hosts)

    def ballast(self) -> Path:
        """A file for a guest's memory that takes 24 s to migrate at 1 MiB a second."""
        path = self.directory / "ballast"
        path.write_bytes(os.urandom(24 << 20))
        return path

    # What moves between hosts.

    @contextlib.contextmanager
    def migration(self, name: str, source: FleetHost, target: FleetHost) -> Iterator[None]:
        """A live migration that is half done inside, and completed afterwards.

        The guest needs a `ballast` of 8 MiB and more, of which 1 MiB is sent each second.
        """
        words = ["--live", "--p2p", "--persistent", "--undefinesource", "--unsafe"]
        migrate = ["virsh", "-c", source.uri, "migrate", *words, "--bandwidth", "1"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [*migrate, name, target.ssh_uri()], stdout=pipe, stderr=pipe, text=True
        )

        def half_done() -> bool:
            if process.poll() is not None:
                raise HostFailed(f"the migration ended: {process.communicate()}")
            return int(source.domain(name).jobStats().get("memory_processed", 0)) > 1 << 20

        try:
            source.wait(half_done, f"{name} does not migrate")
            yield
            source.domain(name).migrateSetMaxSpeed(1000)
            said = process.communicate(timeout=60)
            if process.returncode != 0:
                raise HostFailed(f"the migration failed: {said}")
        finally:
            if process.poll() is None:
                # It is the source's daemon that migrates: without virsh it would go on.
                source.domain(name).abortJob()
                process.communicate()

    # How it is done.

    def _start_switch(self) -> None:
        until_the_end = 'echo ready; cat; rm -rf "$1"'
        self._switch = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", until_the_end, "sh", self.directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C in the terminal is for us; it ends when we close its stdin.
            start_new_session=True,
        )
        self.switch_pid = self._switch.pid
        self._wait_for_switch()
        self._claim_network()
        self.switch(
            # A frame may go through at once, not after the seconds in which bridges learn.
            "link add bridge type bridge forward_delay 0 mcast_snooping 0",
            "link set uplink master bridge",
            "link set uplink up",
            "link set bridge up",
        )

    def _wait_for_switch(self) -> None:
        """Its first words come when it is in its namespace."""
        assert self._switch is not None
        assert self._switch.stdout is not None
        if self._switch.stdout.readline() != b"ready\n":
            raise HostFailed("the switch of a fleet could not be set up (root?)")

    def _wait_for_the_end(self) -> None:
        """The kernel takes a namespace down a moment after its last process has ended."""
        end = time.monotonic() + 10
        while Path("/sys/class/net", self.interface).exists():
            if time.monotonic() > end:
                raise HostFailed(f"{self.interface} does not go")
            time.sleep(0.02)

    def _claim_network(self) -> None:
        """Find a network that the machine has no route to; the interface's name is the claim."""
        taken = routes()
        candidates = list(BENCHMARK_NETWORK.subnets(new_prefix=24))
        for self.network in random.sample(candidates, len(candidates)):
            if any(self.network.overlaps(other) for other in taken):
                continue
            add = f"link add {self.interface} type veth peer name uplink netns {self.switch_pid}"
            with contextlib.suppress(HostFailed):
                ip([], add)
                break
        else:
            raise HostFailed(f"no free network in {BENCHMARK_NETWORK}")
        ip(
            [],
            f"address add {self.machine_address}/{self.network.prefixlen} dev {self.interface}",
            f"link set {self.interface} up",
        )
        # That nobody has an address is found out in 0.3 s, and not in 3.
        Path(f"/proc/sys/net/ipv4/neigh/{self.interface}/retrans_time_ms").write_text("100")

    def _furnish_user(self) -> None:
        make_key(self.key)
        self._known_hosts.touch()
        self.ssh.parent.mkdir()

    def _write_ssh(self, name: str, key: Path, known_hosts: Path) -> Path:
        """Make an ssh that reads its own settings, and none of those who run the tests."""
        names = "".join(f"Host {host.name}\n    HostName {host.address}\n" for host in self.hosts)
        path = self.directory / name
        settings = path.with_suffix(".config")
        settings.write_text(SSH_CONFIG.format(hosts=names, key=key, known_hosts=known_hosts))
        path.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {settings} "$@"\n')
        path.chmod(0o755)
        return path


def make_key(path: Path) -> str:
    """Make a pair of ssh keys; returns the public one."""
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
    return path.with_suffix(".pub").read_text().strip()


def users() -> str:
    """The machine's, but root's shell reads none of the files in the machine's /root."""
    lines = Path("/etc/passwd").read_text().splitlines()
    others = [line for line in lines if not line.startswith("root:")]
    return "\n".join(["root:x:0:0:root:/:/bin/sh", *others, ""])


def in_network_of(pid: int, *command: str) -> list[str]:
    return ["nsenter", f"--net=/proc/{pid}/ns/net", *command]


def ip(where: Sequence[str], *commands: str) -> None:
    """Have ``ip`` carry out these commands in a namespace, or in the machine's."""
    batch = [*where, "ip", "-batch", "-"]
    done = subprocess.run(batch, input="\n".join(commands), capture_output=True, text=True)
    if done.returncode != 0:
        raise HostFailed(f"{'; '.join(commands)}: {done.stderr.strip()}")


def routes() -> list[ipaddress.IPv4Network]:
    """The networks that the machine has an address in or a route to, by all its tables."""
    ask = ["ip", "-json", "-4", "route", "show", "table", "all"]
    done = subprocess.run(ask, capture_output=True, check=True)
    found = [route["dst"] for route in json.loads(done.stdout)]
    return [ipaddress.IPv4Network(dst) for dst in found if dst != "default"]
