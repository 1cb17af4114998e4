"""What ``--offline`` may ask this very machine, beside its files."""

from __future__ import annotations

import os
from collections.abc import Callable

_PATIENCE = 1.0
"""Seconds for a name that only a DNS would know, and which may not answer."""


def is_qemu_of(pid: int, uuid: str) -> bool:
    """Whether that process lives, and its command line names the guest."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as command_line:
            return uuid.encode() in command_line.read()
    except OSError:
        return False


def name_of_this_machine() -> Callable[[], str]:
    """The host's name as libvirt would have it (``virGetHostname``), looked up meanwhile."""
    short = os.uname().nodename
    if "." in short or short.startswith("localhost"):
        return lambda: short
    from .calls import Call

    call = Call(lambda: _full_name(short))

    def name() -> str:
        try:
            return call.result(_PATIENCE)
        except (OSError, TimeoutError, UnicodeError):
            return short

    return name


def _full_name(short: str) -> str:
    # The module around it takes longer to load than a hundred guests to read.
    from _socket import AI_CANONNAME, getaddrinfo

    for _, _, _, full, _ in getaddrinfo(short, None, flags=AI_CANONNAME):
        if full and not full.startswith("localhost"):
            return full
        break
    return short
