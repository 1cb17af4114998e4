"""What a search for a host's files finds, whatever it searched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Role = Literal["live", "persistent", "dump", "listing", "hostname"]
"""``live`` is a ``<domstatus>`` of /run/libvirt/qemu, ``persistent`` a ``<domain>`` of
/etc/libvirt/qemu, ``dump`` the output of ``virsh dumpxml``, ``listing`` that of ``virsh list``."""

LARGEST_FILE = 16 * 2**20
"""Bytes. libvirt's own XML is never as large: its protocol could not carry it."""
MOST_FILES = 50_000
LARGEST_TOTAL = 2**30


class Found(NamedTuple):
    role: Role
    path: str
    """As a message names it."""
    data: bytes
    modified: float
    """Seconds since 1970."""


class Search(NamedTuple):
    """The files of one host."""

    place: str
    """What was searched, as a message names it: ``/etc/libvirt/qemu and /run/libvirt/qemu``."""
    found: tuple[Found, ...]
    faults: tuple[str, ...] = ()
    """What could not be read, and why, a line each."""
    complete: bool = True
    """False for an archive that is cut off."""
    runs_known: bool = False
    """Whether a guest without a ``live`` file is known to be off: its folder was there to look."""


def role_of(path: str) -> Role | None:
    """What a file is by its path in a host's file system or a sos report, without leading slash."""
    folder, _, name = path.rpartition("/")
    if name.endswith(".xml"):
        if folder in LIVE_FOLDERS:
            return "live"
        if folder in PERSISTENT_FOLDERS:
            return "persistent"
    if folder == "sos_commands/virsh":
        if name.startswith(("virsh_-r_dumpxml_", "virsh_dumpxml_")):
            return "dump"
        if name in ("virsh_-r_list_--all", "virsh_list_--all"):
            return "listing"
    if path in ("etc/hostname", "sos_commands/host/hostname", "sos_commands/host/hostname_-f"):
        return "hostname"
    return None


PERSISTENT_FOLDERS = (
    "etc/libvirt/qemu",
    "var/lib/docker/volumes/nova_libvirt_qemu/_data",
    "var/lib/containers/storage/volumes/nova_libvirt_qemu/_data",
    "var/snap/openstack-hypervisor/common/etc/libvirt/qemu",
)
"""The distribution's and openstack-helm's; Kolla's with Docker and Podman; Sunbeam's."""

LIVE_FOLDERS = (
    "run/libvirt/qemu",
    "var/run/libvirt/qemu",
    "var/snap/openstack-hypervisor/common/run/libvirt/qemu",
)


def newest(found: Iterable[Found]) -> float | None:
    """When the youngest of the files was written; None if there are none."""
    return max((file.modified for file in found), default=None)
