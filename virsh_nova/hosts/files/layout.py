"""Which files of a host matter, by their paths, and what a search for them finds."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Literal, NamedTuple

Role = Literal["live", "persistent", "xml", "listing", "hostname"]
"""``live`` is a ``<domstatus>`` of /run/libvirt/qemu, ``persistent`` a ``<domain>`` of
/etc/libvirt/qemu, ``xml`` either of them or the output of ``virsh dumpxml``: the content decides.
``listing`` is the output of ``virsh list --all``."""

LARGEST_XML = 4 * 2**20
"""Bytes: the longest text of libvirt's protocol, so no larger domain can be defined."""
LARGEST_DUMP = 32 * 2**20
"""Of a file that somebody made with virsh dumpxml: it may hold all the domains of a host."""
MOST_FILES = 50_000
LARGEST_TOTAL = 2**29

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

COMMAND_FOLDERS = ("sos_commands/virsh", "sos_commands/libvirt")
"""Where sos reports keep the output of virsh; older ones use the second."""

HOST_NAME_FILES = ("sos_commands/host/hostname_-f", "sos_commands/host/hostname", "etc/hostname")
"""Best first: libvirt uses the full name of a host, as the first does."""


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
    """What could not be read, and why; one line each."""
    complete: bool = True
    """False for an archive that is cut off, or a folder that could not be read."""
    runs_known: bool = False
    """Whether a guest without a ``live`` file is known to be off: the folder of these was read."""
    host: str | None = None
    """The name of the folder or archive, for a host that no file names."""
    notes: tuple[str, ...] = ()
    """Links that were not followed; one line each."""


def role_of(path: str) -> Role | None:
    """What a file is by its path in a host's file system or a sos report, without leading slash."""
    folder, _, name = path.rpartition("/")
    if name.endswith(".xml"):
        if folder in LIVE_FOLDERS:
            return "live"
        if folder in PERSISTENT_FOLDERS:
            return "persistent"
    if folder in COMMAND_FOLDERS and name.startswith("virsh_"):
        if "_dumpxml_" in name:
            return "xml"
        if name.endswith("_list_--all"):
            return "listing"
    return "hostname" if path in HOST_NAME_FILES else None


def newest(found: Iterable[Found]) -> float | None:
    """When the newest of the files was written; None if there are none."""
    return max((file.modified for file in found), default=None)


def written_moment(seconds: float) -> str | None:
    """``2024-05-06 07:08:09 UTC``; None for what no calendar has."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return None


def moment_of(seconds: float | None) -> datetime | None:
    """In UTC, to the second; None for what no calendar has."""
    try:
        return None if seconds is None else datetime.fromtimestamp(int(seconds), timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None


def too_large(path: str, limit: int) -> str:
    return f"{path}: is larger than {limit >> 20} MiB; not read"
