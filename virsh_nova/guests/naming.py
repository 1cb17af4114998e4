"""The names that Nova, Neutron and Cinder make from uuids: the patterns, each written once."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..model import Identity

UUID_PATTERN = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
"""A uuid as libvirt and OpenStack write it, in lower case."""

UUID = re.compile(UUID_PATTERN, re.IGNORECASE)

UUID_WITHIN = re.compile(rf"(?<![0-9a-f]){UUID_PATTERN}(?![0-9a-f])", re.IGNORECASE)
"""A uuid within a longer text, such as a path or a log line."""

UUID_ANY_SPELLING = re.compile(
    r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}", re.IGNORECASE
)
"""A uuid with all of its dashes or none, as Keystone writes its ids and people type them."""

_PORT_BEGINNING = "[0-9a-f]{8}-[0-9a-f]{2}"
PORT_BEGINNING_LENGTH = 11
"""Characters of a port's uuid that fit into the name of a network device (IFNAMSIZ is 16)."""

TAP = re.compile(f"tap({_PORT_BEGINNING})")
"""The tap device of a port: nova/network/model.py, ``NIC_NAME_LEN``."""

PORT_DEVICE = re.compile(f"(?:tap|qvo|qvb|qbr|vhu)({_PORT_BEGINNING})")
"""Every device that os-vif and Neutron's agents make for a port."""

PCI_ADDRESS = re.compile("[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f][.][0-7]")
"""A PCI address as ``parse`` writes it: ``0000:3b:00.0``."""

VOLUME_NAME = re.compile(f"volume-({UUID_PATTERN})", re.IGNORECASE)
"""Cinder's name for a volume (volume_name_template), as paths and images of RBD hold it."""

_DISK_OF_INSTANCE = re.compile(
    rf"/instances/({UUID_PATTERN})/|(?<![0-9a-f-])({UUID_PATTERN})_disk", re.IGNORECASE
)

DEFAULT_INSTANCE_NAME = re.compile(r"instance-[0-9a-f]{8}")
"""Nova's default instance_name_template, ``instance-%08x``."""

NO_NAME = ("", "N/A")
"""What Nova writes for the name of a user or project that it does not know."""


def uuid_digits(text: str) -> str | None:
    """The 32 digits of a uuid in any spelling, in lower case; None if it is not a uuid."""
    return text.replace("-", "").lower() if UUID_ANY_SPELLING.fullmatch(text) else None


def instances_in_path(path: str | None) -> list[str]:
    """The uuids, in lower case, of the instances that a disk's path or RBD name belongs to.

    Nova names its disks ``…/instances/UUID/disk`` and, in RBD and LVM, ``UUID_disk``.
    """
    if not path:
        return []
    # Most of a fleet's disks are no instance's own: this takes a tenth of the pattern's time.
    lowered = path.lower()
    if "/instances/" not in lowered and "_disk" not in lowered:
        return []
    return [(match[1] or match[2]).lower() for match in _DISK_OF_INSTANCE.finditer(path)]


def port_of_tap(target: str | None, ports: Collection[str]) -> str | None:
    """Which of the ports (uuids) a tap device belongs to; None unless exactly one matches."""
    tap = TAP.fullmatch(target or "")
    matches = [uuid for uuid in ports if uuid.startswith(tap[1])] if tap else []
    return matches[0] if len(matches) == 1 else None


def name_or_id(identity: Identity | None) -> str | None:
    """The name of a user or project; its id, which is always right, where Nova knew no name."""
    if identity is None:
        return None
    return identity.id if identity.name is None or identity.name in NO_NAME else identity.name
