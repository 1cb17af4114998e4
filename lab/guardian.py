"""The init process of a compute host: nothing outlives it, even if its user is killed.

`ComputeHost` runs it in a mount and a network namespace of its own. There it lays the directories
of the host over those of the machine, so that a libvirtd with its usual paths neither sees nor
touches the machine's own. For every line it reads it starts the daemon of that name and prints its
PID.

QEMU detaches itself from the libvirtd that started it. This process is their *subreaper*: it
inherits them, and can therefore end them all without searching by name. It does so when its stdin
closes, which happens however its user ends: by itself, by Ctrl-C or by SIGKILL.

A host of a fleet has a name, and then also a UTS namespace, a machine-id, an sshd and a /run.

Run as: unshare --mount --net [--uts] python guardian.py DIRECTORY [NAME]
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import FrameType

PR_SET_CHILD_SUBREAPER = 36

LAID_OVER = {
    "etc": "/etc/libvirt",
    "run": "/run/libvirt",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
}

LAID_OVER_BY_NAMED = {
    "named/ssh": "/etc/ssh",
    "named/hosts": "/etc/hosts",
    "named/passwd": "/etc/passwd",
    "named/machine-id": "/etc/machine-id",
    # Where root's password is locked with "!", sshd refuses keys too.
    "named/shadow": "/etc/shadow",
}

DAEMONS = {
    "libvirtd": ["libvirtd", "--pid-file", "{directory}/libvirtd.pid"],
    # It starts itself again for each connection, and wants an absolute path for that.
    "sshd": ["/usr/sbin/sshd", "-D", "-e"],
}


def isolate(directory: Path, name: str | None) -> None:
    """Mount the host's directories over the machine's, in this mount namespace only."""
    if name is not None:
        socket.sethostname(name)
        # Not a directory of ours: what other directories are laid over cannot be removed from here.
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        Path("/run/sshd").mkdir(mode=0o755)
    for ours, theirs in {**(LAID_OVER_BY_NAMED if name else {}), **LAID_OVER}.items():
        if (directory / ours).is_dir():
            Path(theirs).mkdir(parents=True, exist_ok=True)
        elif not Path(theirs).exists():
            Path(theirs).touch()
        subprocess.run(["mount", "--bind", directory / ours, theirs], check=True)
    # Two libvirtd on one machine would share the cgroup of guests with the same id and name, and
    # each would kill the other's. Without cgroups libvirt does not make any, nor asks systemd to.
    subprocess.run(
        ["umount", "--recursive", "--lazy", "/sys/fs/cgroup"],
        check=False,
        stderr=subprocess.DEVNULL,
    )
    # The /sys of this network namespace: the machine's names interfaces that are not in it.
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)


def adopt_orphans() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def reap(_signal: int, _frame: FrameType | None) -> None:
    """Reap dead children at once: libvirt waits until the pid of an ended QEMU is gone."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit


def start_daemon(directory: Path, name: str) -> int:
    log = str(directory / "log" / f"{name}.out")
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    words = [word.format(directory=directory) for word in DAEMONS[name]]
    if name == "libvirtd" and (directory / "named").exists():
        words.append("--listen")
    return os.posix_spawnp(
        words[0],
        words,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )


def end_everything() -> None:
    """Kill our children until there are none: those of a killed child become ours."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    while True:
        for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def main() -> None:
    directory = Path(sys.argv[1])
    name = sys.argv[2] if len(sys.argv) > 2 else None
    signal.signal(signal.SIGTERM, leave)
    try:
        isolate(directory, name)
        adopt_orphans()
        signal.signal(signal.SIGCHLD, reap)
        for request in sys.stdin:
            print(start_daemon(directory, request.strip()), flush=True)
    finally:
        end_everything()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
