"""What identifies a disk's volume, whichever host it is attached to."""

from __future__ import annotations

import re

from ..guests.naming import UUID, VOLUME_NAME, instances_in_path
from ..model import Disk

_ISCSI_PATH = re.compile(r"-iscsi-((?:iqn|eui|naa)\.[^/]+?)-lun-([0-9]{1,9})(-part[0-9]+)?", re.I)
_ISCSI_NAME = re.compile(r"((?:iqn|eui|naa)\.[^/]+)(?:/([0-9]{1,9}))?", re.I)
_NVME = re.compile(r"(?:/nvme-((?:uuid|eui|nguid)\.[0-9a-f-]+)|(nqn\.[^/\s]+(?:/[0-9]+)?))", re.I)
_WWID = re.compile(
    r"/dev/(?:disk/by-id/(?:wwn-0x|scsi-3|dm-uuid-mpath-3)|mapper/3)([0-9a-f]{16,32})(-part[0-9]+)?",
    re.I,
)
_NOVA_MOUNT = re.compile(r"/nova/(mnt/.+)")
"""Nova mounts a share at the digest of its address, the same on every host."""
_LONGEST_SOURCE = 4096
"""PATH_MAX of Linux."""


def volumes_of(disk: Disk) -> list[str]:
    """The names of its volume, the most telling first; none for a disk of one host only.

    Two disks that have one of these names are one volume, unless both have a Cinder volume's
    serial, and not the same: a storage array may number its LUNs for each host.
    """
    source = disk.source
    if not source or len(source) > _LONGEST_SOURCE or instances_in_path(source):
        return []  # An empty drive, or a disk of an instance and no volume.
    local = source.startswith("/") and not source.startswith("/dev/")
    mount = _NOVA_MOUNT.search(source) if local else None
    serial = cinder_serial(disk)
    names = []
    if serial and (mount or not local):
        # A file of the host that has such a serial is a copy of a definition.
        names.append(f"the volume {serial}")
    for uuid in VOLUME_NAME.findall(source):
        if uuid.lower() != serial:
            names.append(f"the volume {uuid.lower()}")
    if mount:
        names.append(f"the file {mount[1]}")
    elif not local and (name := _in_the_network(source, disk.protocol)):
        names.append(name)
    return names


def _in_the_network(source: str, protocol: str | None) -> str | None:
    if protocol == "rbd":
        return f"the RBD image {source}"
    if wwid := _WWID.fullmatch(source):
        return f"the LUN {wwid[1].lower()}{wwid[2] or ''}"
    if nvme := _NVME.search(source):
        return f"the NVMe namespace {(nvme[1] or nvme[2]).lower()}"
    if target := _ISCSI_PATH.search(source):
        return f"the iSCSI LUN {target[1].lower()}/{int(target[2])}{target[3] or ''}"
    if protocol == "iscsi" and (target := _ISCSI_NAME.fullmatch(source)):
        return f"the iSCSI LUN {target[1].lower()}/{int(target[2] or 0)}"
    # The names of NBD, HTTP and others count for one server only.
    return None


def cinder_serial(disk: Disk) -> str | None:
    """The uuid that Nova gives as serial to a volume's disk, in lower case."""
    return disk.serial.lower() if disk.serial and UUID.fullmatch(disk.serial) else None


def may_be_shared(disk: Disk) -> bool:
    """Whether another guest does no harm that has it in the same way."""
    return disk.shareable or disk.read_only or disk.device == "cdrom"
