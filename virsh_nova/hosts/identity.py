"""Which libvirt this is, by what stays: the host's name depends on a name server."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, urlsplit

from lxml import etree

from ..safe_xml import read_xml

_MACHINE_ID = "/etc/machine-id"
_SYSTEM_FOLDER = "/run/libvirt"


class HostIdentity(NamedTuple):
    """One libvirt on one machine."""

    name: str | None
    """The host's name, to be shown; compared only if there is nothing else to compare."""
    driver: str
    """``qemu``, ``lxc``, ``test``."""
    path: str
    """That of the URI: ``/system``, ``/session``; for the test driver its file."""
    daemon: str
    """The folder of the daemon's sockets, or what else distinguishes the machine's daemons."""
    machine_id: str | None = None
    """/etc/machine-id, for a libvirt of the machine this runs on."""
    uuid: str | None = None
    """libvirt's own for the host. Where the firmware has none it changes with each daemon."""

    def __str__(self) -> str:
        where = f", {self.daemon}" if self.daemon else ""
        return f"{self.name or 'a host without name'} ({self.driver}://{self.path}{where})"

    def is_same(self, other: HostIdentity) -> bool:
        """Whether both are the same libvirt."""
        ours = (self.driver, self.path, self.daemon)
        return ours == (other.driver, other.path, other.daemon) and self.is_same_machine(other)

    def is_same_machine(self, other: HostIdentity) -> bool:
        """Whether both are of one machine, where there can be several libvirts."""
        if self.machine_id and other.machine_id:
            return self.machine_id == other.machine_id
        if self.uuid and other.uuid:
            return self.uuid == other.uuid
        return self.name == other.name


def identify(uri: str, name: str | None, capabilities: str | None = None) -> HostIdentity:
    """The identity of the libvirt behind a URI; ``capabilities`` is its XML, if it came."""
    parts = urlsplit(uri)
    driver, _, transport = parts.scheme.partition("+")
    is_local = not parts.netloc
    return HostIdentity(
        name=name,
        driver=driver,
        path=parts.path or "/",
        daemon="" if driver == "test" else _daemon(parts, transport, is_local=is_local),
        machine_id=machine_id() if is_local else None,
        uuid=_host_uuid(capabilities) if capabilities else None,
    )


def _daemon(parts: SplitResult, transport: str, *, is_local: bool) -> str:
    # The daemon's sockets, to write and only to read, lie side by side.
    socket = parse_qs(parts.query).get("socket", [""])[0]
    if socket:
        folder = os.path.dirname(socket)
        return os.path.realpath(folder) if is_local else re.sub("^/var/run/", "/run/", folder)
    if parts.path == "/session":
        return f"the session of {os.getuid() if is_local else parts.username or 'its user'}"
    try:
        port = parts.port if transport in ("", "tcp", "tls") else None
    except ValueError:
        port = None
    return f"port {port}" if port else _SYSTEM_FOLDER


def machine_id() -> str | None:
    """What systemd gave this machine when it was installed; None where there is none."""
    try:
        text = Path(_MACHINE_ID).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if re.fullmatch("[0-9a-f]{32}", text) else None


def _host_uuid(capabilities: str) -> str | None:
    try:
        return read_xml(capabilities).findtext("host/uuid")
    except (etree.XMLSyntaxError, ValueError):
        return None
