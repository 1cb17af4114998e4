"""The process that runs a guest, from the file in which libvirt's QEMU driver keeps its pid."""

from __future__ import annotations

import os

RUN_DIRECTORY = "/run/libvirt"


def qemu_pid(socket: str | None, domain: str, uuid: str) -> int | None:
    """The pid of a guest's QEMU on this very host; None where it cannot be told for sure.

    ``socket`` is the daemon's where it is not the usual one: its files lie beside it. A pid
    counts only while that process's command line names the guest's uuid.
    """
    directory = os.path.dirname(socket) if socket else RUN_DIRECTORY
    if "/" in domain:
        return None
    try:
        # libvirt writes the name as it stands in its XML.
        name = domain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        with open(os.path.join(directory, "qemu", f"{name}.pid"), "rb") as pid_file:
            pid = int(pid_file.read(32))
        with open(f"/proc/{pid}/cmdline", "rb") as command_line:
            return pid if uuid.encode() in command_line.read() else None
    except (OSError, ValueError):
        return None
