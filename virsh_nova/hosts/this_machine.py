"""What concerns the very machine that this runs on: is it the host, its name, its processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..guests.host_names import is_loopback
from .calls import Call

if TYPE_CHECKING:
    from urllib.parse import SplitResult

RUN_DIRECTORY = "/run/libvirt"
_PATIENCE = 1.0
"""Seconds for a name that only a DNS knows, and which may not answer."""


# ---- is it this machine? ----------------------------------------------------------------------


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


def is_qemu_of(pid: int, uuid: str) -> bool:
    """Whether the process lives and its command line names the guest."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as command_line:
            return uuid.encode() in command_line.read()
    except OSError:
        return False


def qemu_pid(uri: str, domain: str, uuid: str) -> int | None:
    """The pid of a guest's QEMU, from the file in which libvirt's QEMU driver keeps it.

    None for a guest of another machine, and where it is not certain: a pid counts only while
    that process's command line names the guest's uuid.
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
