"""What libvirt's errors mean, and what to do about them."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import libvirt

from ...errors import (
    DaemonNotRunning,
    HostError,
    HostLost,
    HostSilent,
    PermissionRefused,
    UnknownUri,
)
from ..this_machine import is_system_daemon_here

if TYPE_CHECKING:
    from ...model import Sighting

DRIVERS = (
    "bhyve", "ch", "esx", "gsx", "hyperv", "lxc", "openvz", "parallels", "qemu", "test", "vbox",
    "vmwarefusion", "vmwareplayer", "vmwarews", "vpx", "vz", "xen",
)  # fmt: skip

NOT_ALLOWED = (
    libvirt.VIR_ERR_OPERATION_DENIED,
    libvirt.VIR_ERR_ACCESS_DENIED,
    libvirt.VIR_ERR_AUTH_FAILED,
)
# A driver without virDomainGetMetadata has its metadata in the XML alone.
NO_METADATA = (libvirt.VIR_ERR_NO_DOMAIN_METADATA, libvirt.VIR_ERR_NO_SUPPORT)
_OF_ONE_GUEST = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_DOMAIN_METADATA)
_AUTHENTICATION = (libvirt.VIR_ERR_AUTH_FAILED, libvirt.VIR_ERR_AUTH_UNAVAILABLE)
_REFUSED = (errno.EACCES, errno.EPERM)
_NO_LISTENER = (errno.ENOENT, errno.ECONNREFUSED)

_AROUND_SSH = re.compile(
    r"(?:Cannot recv data|End of file while reading data): (.*\S)\s*"
    ": (?:Connection reset by peer|Input/output error)",
    re.DOTALL,
)
_FEW_LINES = 3
"""Where a jump host fails, each ssh on the way says a line."""
# Of libvirt's helper on the host, or of nc in its place.
_NO_LISTENER_THERE = re.compile(
    r"(?:virt-ssh-helper|nc): .*: (?:Connection refused|No such file or directory)$"
)
_NO_HELPER_THERE = re.compile(r"\bnc: (?:command )?not found$")

_EXAMPLES = "a URI looks like qemu:///system or qemu+ssh://root@HOST/system"


def cannot_connect(
    uri: str, error: libvirt.libvirtError, connect_to: str | None = None
) -> HostError:
    """For an error of ``virConnectOpen``; ``connect_to`` is the URI as libvirt got it."""
    code, number, said = error.get_error_code(), error.get_int1(), words_of_ssh(str(error))
    # The message begins with the URI, as the user has it.
    said = said.replace(f"Unable to parse URI {connect_to or uri}", "Unable to parse URI")
    driver = uri.partition(":")[0].partition("+")[0]
    if driver not in DRIVERS or code == libvirt.VIR_ERR_NO_CONNECT:
        return UnknownUri(f"{uri}: libvirt knows no such URI: {said}", _EXAMPLES)
    system = code == libvirt.VIR_ERR_SYSTEM_ERROR
    if code in _AUTHENTICATION or (system and number in _REFUSED):
        hint = "run it as root, or join the group libvirt"
        return PermissionRefused(f"{uri}: no permission: {said}", hint)
    if (system and number in _NO_LISTENER) or _NO_LISTENER_THERE.match(said):
        hint = (
            "start it (systemctl start libvirtd, or virtqemud); for a libvirt in a container give "
            "its socket: -c 'qemu+unix:///system?socket=PATH'"
        ) + _offline_hint(uri)
        return DaemonNotRunning(f"{uri}: the libvirt daemon is not running: {said}", hint)
    if _NO_HELPER_THERE.search(said):
        hint = "install libvirt there (its virt-ssh-helper), or netcat"
        return HostError(f"{uri}: cannot connect: no libvirt on that host: {said}", hint)
    return HostError(f"{uri}: cannot connect: {said}", "check the URI and the host it names")


def words_of_ssh(said: str) -> str:
    """What ssh said, or its helper on the host, without the words that libvirt puts around it.

    Of many lines only the last, which says what went wrong. Those before it are advice, with
    fingerprints that differ from host to host.
    """
    found = _AROUND_SSH.fullmatch(said)
    if not found:
        return said
    lines = found[1].splitlines()
    shown = lines if len(lines) <= _FEW_LINES else lines[-1:]
    return "; ".join(" ".join(line.split()).rstrip(".") for line in shown if line.strip())


def not_text(uri: str) -> UnknownUri:
    return UnknownUri(f"{uri}: libvirt knows no such URI: it is not UTF-8", _EXAMPLES)


def silent(uri: str, timeout: float, how_far: str = "") -> HostSilent:
    """For a daemon that has not answered within ``timeout`` seconds."""
    return HostSilent(
        f"{uri}: the libvirt daemon does not answer within {timeout:g} s{how_far}",
        "it may be stopped or overloaded: look at its process, or allow more with --timeout"
        + _offline_hint(uri),
    )


def held_up(uri: str, guests: Sequence[Sighting], *, writable: bool) -> HostError:
    """For a daemon that answers, but does not list its guests."""
    names = " and ".join(f"{guest.domain} ({guest.uuid})" for guest in guests)
    who = names or "a guest, it seems, that is being destroyed and whose QEMU does not end"
    there = "try again once it is gone"
    if not writable:
        there += "; as root on that host, nova-domains reads libvirt's files instead"
    return HostError(
        f"{uri}: the libvirt daemon answers, but does not list its guests, held up by {who}",
        there,
    )


def lost(uri: str, error: libvirt.libvirtError, how_far: str = "") -> HostLost:
    return HostLost(
        f"{uri}: the connection was lost{how_far}: {error}",
        "the daemon may have been restarted; try again",
    )


def read_only(uri: str, error: libvirt.libvirtError) -> PermissionRefused:
    return PermissionRefused(
        f"{uri}: this connection may only read: {error}; nothing was done",
        "run it as root, and on the daemon's own socket, not the read-only one",
    )


def is_lost(connection: libvirt.virConnect, error: libvirt.libvirtError) -> bool:
    """Whether the error means that the connection is gone."""
    return error.get_error_code() not in _OF_ONE_GUEST and not is_alive(connection)


def is_alive(connection: libvirt.virConnect) -> bool:
    try:
        return bool(connection.isAlive())
    except libvirt.libvirtError:
        return False


def is_unsupported(error: libvirt.libvirtError) -> bool:
    """Whether the driver does not have that call: LXC, cloud-hypervisor and old Xen lack some."""
    return bool(error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT)


def _offline_hint(uri: str) -> str:
    """Only the files of this machine's own daemon are here too."""
    if is_system_daemon_here(uri):
        return "; nova-domains --offline COMMAND reads its files without it"
    return ""
