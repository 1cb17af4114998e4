"""What concerns the very machine that this runs on: is it the host, its name, its processes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ..guests.host_names import is_loopback
from ..quoting import quoted
from .calls import Call

if TYPE_CHECKING:
    from urllib.parse import SplitResult

RUN_DIRECTORY = "/run/libvirt"
_DEFAULT_URI = "qemu:///system"
_PATIENCE = 1.0
"""Seconds for a name that only a DNS knows, and which may not answer."""

# Ubuntu calls it kvm, Red Hat qemu-kvm; NixOS wraps it and begins the name with a dot.
_QEMU = re.compile(r"\.?(?:qemu(?:-(?:system|kvm)[\w.-]*)?|kvm)", re.ASCII)
_QEMU_ACCOUNTS = ("qemu", "libvirt-qemu", "nova")
"""Red Hat's and SUSE's, Debian's and Ubuntu's, and what containers of Nova use."""
_KOLLA_USERS = (42427, 42436)
"""qemu and nova in the containers of Kolla, which the host's own accounts do not have."""
_FIRST_OF_PEOPLE = 1000
_REAL_USER = re.compile(rb"^Uid:\s+([0-9]{1,10})\s", re.MULTILINE)
_USER_SETTING = re.compile(r"""^[ \t]*user[ \t]*=[ \t]*["']([^"'\n]+)["']""", re.MULTILINE)
_LONGEST_STATUS = 2**16
_LONGEST_COMMAND_LINE = 2**21
_LARGEST_SETTINGS = 2**22


# ---- is it this machine? ----------------------------------------------------------------------


def default_uri() -> str:
    """The libvirt that is meant where none is named; virsh's variable comes first."""
    return os.environ.get("LIBVIRT_DEFAULT_URI") or _DEFAULT_URI


def split_uri(uri: str) -> SplitResult:
    """A libvirt URI in its parts."""
    # 2.3 ms that a plain list does without.
    from urllib.parse import urlsplit

    return urlsplit(uri)


def is_qemu_here(uri: str) -> bool:
    """Whether a libvirt URI leads to QEMU guests whose processes are those of this machine."""
    parts = split_uri(uri)
    return parts.scheme in ("qemu", "qemu+unix") and not parts.netloc


def is_system_daemon_here(uri: str) -> bool:
    """Whether it leads to this machine's own daemon, and not to a user's session."""
    return is_qemu_here(uri) and split_uri(uri).path == "/system"


# ---- processes --------------------------------------------------------------------------------


class Evidence(NamedTuple):
    """What /proc shows of a process whose command line says that it is some guest's QEMU.

    Anybody can start a process with ``-uuid UUID`` on its command line.
    """

    executable: str | None
    """The name of its file; None where this user may not see it."""
    user: int | None
    """Its real user, which the process itself cannot choose; None where it is gone."""

    @property
    def against(self) -> str:
        """What speaks against it, as a phrase; empty where nothing that can be seen does."""
        phrases = []
        if self.executable is not None and not _QEMU.fullmatch(self.executable):
            phrases.append(f"it runs {quoted(self.executable)}")
        if self.user is not None and _is_qemu_s(self.user) is False:
            phrases.append(f"its user is {quoted(_accounts().get(self.user, str(self.user)))}")
        return " and ".join(phrases)

    @property
    def proven(self) -> bool:
        """Whether it runs QEMU as a user that libvirt runs QEMU as."""
        seen = self.executable is not None and self.user is not None and _is_qemu_s(self.user)
        return bool(seen) and not self.against


def evidence_of(pid: int, proc: str = "/proc") -> Evidence:
    """Never raises."""
    executable = user = None
    with suppress(OSError):
        path = os.readlink(f"{proc}/{pid}/exe")
        # An update of the package replaces the file of a QEMU that runs.
        executable = os.path.basename(path.removesuffix(" (deleted)"))
    with suppress(OSError), open(f"{proc}/{pid}/status", "rb") as status:
        # Not the owner of the folder: a process can make that root.
        found = _REAL_USER.search(status.read(_LONGEST_STATUS))
        user = int(found[1]) if found else None
    return Evidence(executable, user)


def guest_on(command_line: Sequence[str]) -> str | None:
    """The uuid that libvirt starts each QEMU with; so does whoever starts one by hand."""
    for option, value in pairwise(command_line):
        if option in ("-uuid", "--uuid"):
            return value.lower()
    return None


def objection(pid: int, uuid: str) -> str | None:
    """What speaks against a process being a guest's QEMU; empty where nothing does.

    None where it is gone, or its command line does not even name the guest.
    """
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(_LONGEST_COMMAND_LINE).decode("utf-8", "replace").split("\0")
    except OSError:
        return None
    return evidence_of(pid).against if guest_on(words) == uuid else None


def is_qemu_of(pid: int, uuid: str) -> bool:
    """Whether the process lives, names the guest, and can be a QEMU that libvirt started."""
    return objection(pid, uuid) == ""


def qemu_pid(uri: str, domain: str, uuid: str) -> int | None:
    """The pid of a guest's QEMU, from the file in which libvirt's QEMU driver keeps it.

    None for a guest of another machine, and where it is not certain: a pid counts only while that
    process's command line names the guest's uuid, and neither its executable nor its user speak
    against it.
    """
    if not is_system_daemon_here(uri) or "/" in domain:
        return None
    # The daemon's files are beside its socket, where that is not the usual one.
    from urllib.parse import parse_qs  # loaded with split_uri

    socket = parse_qs(split_uri(uri).query).get("socket", [None])[0]
    directory = os.path.dirname(socket) if socket else RUN_DIRECTORY
    # libvirt names the file by the name as its XML has it.
    name = domain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    try:
        with open(os.path.join(directory, "qemu", f"{name}.pid"), "rb") as pid_file:
            pid = int(pid_file.read(32))
    except (OSError, ValueError):
        return None
    return pid if is_qemu_of(pid, uuid) else None


def end_with_children(code: int) -> None:
    """End this process with that exit code, and those that it started; returns if there are none.

    An ssh that waits for its host would wait on, for minutes or for ever: libvirt starts one for
    each connection and does not say which. A shell takes our place, so that no thread is left
    whose connection breaks when its ssh ends.
    """
    children: list[str] = []
    for task in os.listdir("/proc/self/task"):
        # Threads end meanwhile, and not every kernel has the file.
        with suppress(OSError), open(f"/proc/self/task/{task}/children") as file:
            children += file.read().split()
    if children:
        with suppress(OSError):
            end = f"kill {' '.join(children)} 2>/dev/null; exit {code}"
            os.execv("/bin/sh", ["sh", "-c", end])


def _is_qemu_s(user: int) -> bool | None:
    """Whether libvirt runs QEMU as that user; None where that cannot be known."""
    name = _accounts().get(user, "")
    if user in (0, os.geteuid(), *_KOLLA_USERS) or name in _QEMU_ACCOUNTS:
        return True
    if _configured_user() in (name, str(user), f"+{user}"):
        return True
    # Some other service's account, of a distribution that names it in its own way.
    return None if user < _FIRST_OF_PEOPLE else False


@cache
def _accounts() -> Mapping[int, str]:
    """The accounts of this machine itself: a directory service may not answer."""
    names: dict[int, str] = {}
    with suppress(OSError), open("/etc/passwd", encoding="utf-8", errors="replace") as file:
        for line in file.read(_LARGEST_SETTINGS).splitlines():
            name, _, rest = line.partition(":")
            number = rest.split(":")[1] if rest.count(":") > 1 else ""
            if number.isascii() and number.isdigit():
                names.setdefault(int(number[:10]), name)
    return names


@cache
def _configured_user() -> str | None:
    """``user`` in libvirt's qemu.conf, which only root may read."""
    with suppress(OSError), open("/etc/libvirt/qemu.conf", encoding="utf-8", errors="replace") as f:
        found = _USER_SETTING.findall(f.read(_LARGEST_SETTINGS))
        return found[-1] if found else None
    return None


# ---- its name ---------------------------------------------------------------------------------


def short_name() -> str:
    return os.uname().nodename


def look_up_name() -> Callable[[], str]:
    """Begin to look the machine's name up as libvirt does (``virGetHostname``); call it to wait."""
    short = short_name()
    if "." in short or is_loopback(short):
        return lambda: short
    call = Call(lambda: _full_name(short))

    def name() -> str:
        try:
            return call.result(_PATIENCE)
        except (OSError, TimeoutError, UnicodeError):
            return short

    return name


def _full_name(short: str) -> str:
    # The module around it takes 2.8 ms to load, longer than a hundred guests to read.
    from _socket import AI_CANONNAME, getaddrinfo

    for _, _, _, full, _ in getaddrinfo(short, None, flags=AI_CANONNAME):
        if full and not is_loopback(full):
            return full
        break
    return short
