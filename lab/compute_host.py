"""A compute host for experiments: a real libvirtd, isolated from the rest of the machine."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

import libvirt

GUARDIAN = Path(__file__).with_name("guardian.py")

UNIX_PATH_MAX = 107
"""In bytes: the kernel's limit for the path of a socket."""

QEMU_CONF = """\
stdio_handler = "file"      # no virtlogd
security_driver = "none"
user = "root"
group = "root"
namespaces = []
"""

LIBVIRTD_CONF = """\
auth_unix_ro = "none"       # no polkit; the directory above is closed to others
auth_unix_rw = "none"
"""

AFFECT = {
    "live": libvirt.VIR_DOMAIN_AFFECT_LIVE,
    "persistent": libvirt.VIR_DOMAIN_AFFECT_CONFIG,
}


class HostFailed(Exception):
    """The compute host failed. Never a reason to skip a test."""


class ComputeHost:
    """A context manager: libvirtd answers at `uri` inside, and nothing remains afterwards.

    It needs root, and reads no configuration of the machine. With a `name` it is a machine of its
    own to others (see `lab.fleet`), else it has the name of the machine.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        # Right below TMPDIR: longer names are too long for the path of a socket.
        self.directory = Path(tempfile.mkdtemp(prefix="nd-"))
        self.socket = self.directory / "run" / "libvirt-sock"
        self.uri = f"qemu+unix:///system?socket={self.socket}"
        self.pid = 0
        self._guardian: subprocess.Popen[str] | None = None
        self._connection: libvirt.virConnect | None = None

    def __enter__(self) -> "ComputeHost":
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        try:
            self._furnish()
            self._guardian = self._start_guardian()
            self.start_daemon()
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
        if self._guardian is not None:
            self._guardian.communicate()
        # After the daemon has ended: closing a connection to a stopped one would hang.
        self._connection = None
        shutil.rmtree(self.directory, ignore_errors=True)

    # The daemon.

    def start_daemon(self) -> None:
        self.pid = self._start("libvirtd")
        self.wait(self._answers, "libvirtd does not answer")

    def stop_daemon(self) -> None:
        """SIGSTOP: it keeps its socket and stops answering, as a daemon that hangs."""
        os.kill(self.pid, signal.SIGSTOP)

    def continue_daemon(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill_daemon(self) -> None:
        """SIGKILL: connections break, the socket file remains, the guests keep running."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait(lambda: not alive(self.pid), "libvirtd does not end")
        self._connection = None

    def restart_daemon(self) -> None:
        if alive(self.pid):
            self.continue_daemon()
            os.kill(self.pid, signal.SIGTERM)
            self.wait(lambda: not alive(self.pid), "libvirtd does not end")
        self._connection = None
        self.start_daemon()

    def log(self) -> str:
        """The output of the guardian and the daemon."""
        logs = sorted((self.directory / "log").glob("*.out"))
        return "".join(log.read_text(errors="replace") for log in logs)

    def wait(self, happened: Callable[[], bool], complaint: str, seconds: float = 60) -> None:
        """Wait for something to happen on this host; fail with its log if it does not."""
        end = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > end:
                raise HostFailed(f"{complaint} within {seconds:g} s:\n{self.log()}")
            time.sleep(0.05)

    # The guests.

    @property
    def connection(self) -> libvirt.virConnect:
        if self._connection is None:
            self._connection = libvirt.open(self.uri)
        return self._connection

    def define(self, xml: str) -> str:
        """Make a persistent guest, switched off; returns its uuid."""
        return str(self.connection.defineXML(xml).UUIDString())

    def start(self, name: str, *, paused: bool = False) -> None:
        flags = libvirt.VIR_DOMAIN_START_PAUSED if paused else 0
        self.domain(name).createWithFlags(flags)

    def create(self, xml: str, *, paused: bool = False) -> str:
        """Start a transient guest, as libguestfs does; returns its uuid."""
        flags = libvirt.VIR_DOMAIN_START_PAUSED if paused else 0
        return str(self.connection.createXML(xml, flags).UUIDString())

    def domain(self, name: str) -> libvirt.virDomain:
        return self.connection.lookupByName(name)

    def qemu_pid(self, name: str) -> int:
        return int((self.directory / "run" / "qemu" / f"{name}.pid").read_text())

    def instance_disk(self, uuid: str, size: str = "1M") -> Path:
        """A real image file where Nova has it: `…/instances/<uuid>/disk`."""
        disk = self.directory / "instances" / uuid / "disk"
        disk.parent.mkdir(parents=True)
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, size], check=True)
        return disk

    # Their metadata, as libvirt holds it.

    def metadata(self, name: str, namespace: str, definition: str = "persistent") -> str | None:
        """The element of that namespace, ``live`` or ``persistent``; None if there is none."""
        try:
            element = libvirt.VIR_DOMAIN_METADATA_ELEMENT
            return str(self.domain(name).metadata(element, namespace, AFFECT[definition]))
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN_METADATA:
                raise
            return None

    def set_metadata(
        self,
        name: str,
        namespace: str,
        xml: str | None,
        *definitions: str,
        prefix: str = "instance",
    ) -> None:
        """Write an element as Nova does, with its key; or remove it (None)."""
        flags = sum(AFFECT[definition] for definition in definitions)
        element = libvirt.VIR_DOMAIN_METADATA_ELEMENT
        key = prefix if xml is not None else None
        self.domain(name).setMetadata(element, xml, key, namespace, flags)

    def definitions(self, name: str) -> list[str]:
        """Those that the guest has: ``live``, ``persistent``, or both."""
        domain = self.domain(name)
        has = {"live": domain.isActive(), "persistent": domain.isPersistent()}
        return [definition for definition in has if has[definition]]

    def clear(self) -> None:
        """Remove every guest, so that the host is empty for the next test."""
        self.continue_daemon()
        for domain in self.connection.listAllDomains():
            # A guest that is transient is gone as soon as it is off, others may go by themselves.
            with contextlib.suppress(libvirt.libvirtError):
                if domain.isActive():
                    with contextlib.suppress(OSError):
                        os.kill(self.qemu_pid(domain.name()), signal.SIGCONT)
                    domain.destroy()
            with contextlib.suppress(libvirt.libvirtError):
                domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE)
        left = [domain.name() for domain in self.connection.listAllDomains()]
        if left:
            raise HostFailed(f"guests that will not go: {', '.join(left)}")
        shutil.rmtree(self.directory / "instances", ignore_errors=True)

    # How it is done.

    def _furnish(self) -> None:
        longest = self.directory / "run" / "libvirt-admin-sock"
        if len(str(longest)) > UNIX_PATH_MAX:
            raise HostFailed(f"TMPDIR is too long for the path of a socket: {longest}")
        for name in ("etc/qemu", "run", "lib", "log", "cache"):
            (self.directory / name).mkdir(parents=True)
        (self.directory / "etc" / "qemu.conf").write_text(QEMU_CONF)
        (self.directory / "etc" / "libvirtd.conf").write_text(LIBVIRTD_CONF)

    def _start(self, daemon: str) -> int:
        """Have the guardian start a daemon; returns its PID."""
        guardian = self._guardian
        assert guardian is not None
        assert guardian.stdin is not None
        assert guardian.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            print(daemon, file=guardian.stdin, flush=True)
        answer = guardian.stdout.readline()
        if not answer:
            raise HostFailed(f"a compute host could not be set up (root?):\n{self.log()}")
        return int(answer)

    def _start_guardian(self) -> subprocess.Popen[str]:
        named = [] if self.name is None else [self.name]
        unshare = ["unshare", "--mount", "--net", "--propagation", "private"]
        if named:
            unshare.append("--uts")
        with (self.directory / "log" / "guardian.out").open("w") as said:
            return subprocess.Popen(
                [*unshare, "--", sys.executable, "-IS", GUARDIAN, self.directory, *named],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                # Ctrl-C in the terminal is for us; the guardian ends when we close its stdin.
                start_new_session=True,
            )

    def _answers(self) -> bool:
        if not alive(self.pid):
            raise HostFailed(f"libvirtd ended at once:\n{self.log()}")
        # In a separate process: nothing else can end an open() that hangs.
        ask = ["virsh", "--connect", self.uri, "list"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            return subprocess.run(ask, capture_output=True, timeout=30).returncode == 0
        return False


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a daemon or a QEMU with SIGSTOP, and continue it afterwards in any case."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def stuck(host: ComputeHost, name: str) -> Iterator[None]:
    """A QEMU that has stopped, and a call that waits for it: no other can change the guest."""
    into_the_monitor = ["virsh", "-c", host.uri, "qemu-monitor-command", "--hmp", name]
    silent = subprocess.DEVNULL
    with (
        frozen(host.qemu_pid(name)),
        subprocess.Popen([*into_the_monitor, "info status"], stdout=silent, stderr=silent) as call,
    ):
        try:
            domain = host.domain(name)
            free = libvirt.VIR_DOMAIN_CONTROL_OK
            host.wait(lambda: domain.controlInfo()[0] != free, f"{name} does not get stuck")
            yield
        finally:
            call.kill()
