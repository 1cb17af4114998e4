"""What is known of a guest, as plain values, wherever it was read from.

They are named tuples, not dataclasses: as frozen and as slotted, made in an eighth of the time
when the program starts, and in half of it for each guest.

``None`` means that the source does not have the fact; an empty string, mapping or tuple means
that it has it, and it is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

Kind = Literal["nova", "nova-unstamped", "foreign", "unreadable"]
KINDS: tuple[Kind, ...] = ("nova", "nova-unstamped", "foreign", "unreadable")
"""An unreadable guest is one that is there, and of which too little came to say whose it is."""


class Flavor(NamedTuple):
    """``<flavor>``: the size that the instance was started with."""

    name: str | None = None
    id: str | None = None
    """The flavor's id as the API shows it (Nova 32 and later)."""
    memory_mib: int | None = None
    disk_gib: int | None = None
    swap_mib: int | None = None
    ephemeral_gib: int | None = None
    vcpus: int | None = None
    extra_specs: Mapping[str, str] | None = None
    """Nova 32 and later; a value can be empty or span lines."""


class Image(NamedTuple):
    """``<image>``: the image that the root disk came from (Nova 32 and later)."""

    uuid: str | None = None
    """The base image's; empty for an instance that boots from a volume."""
    container_format: str | None = None
    disk_format: str | None = None
    min_disk_gib: int | None = None
    min_ram_mib: int | None = None
    properties: Mapping[str, str] | None = None
    """Values as Nova wrote them: Python's own notation (``True``, ``['a']``), kept as text."""


class Identity(NamedTuple):
    """A user or a project: its Keystone id and its name at the time."""

    id: str | None = None
    name: str | None = None


class Owner(NamedTuple):
    """``<owner>``: whose the instance is. Nova may write it empty; both are None then."""

    user: Identity | None = None
    project: Identity | None = None


class Root(NamedTuple):
    """``<root>``: what the instance boots from."""

    type: str | None = None
    """``image`` or ``volume``."""
    uuid: str | None = None
    """The image's. Nova leaves it empty for a volume; the boot disk's serial has it."""


class Address(NamedTuple):
    """``<ip>``: a fixed address of a port; Nova never lists floating ones."""

    type: str | None = None
    address: str | None = None
    version: int | None = None


class Port(NamedTuple):
    """``<port>``: a Neutron port (Nova 23 and later)."""

    uuid: str | None = None
    ips: tuple[Address, ...] = ()


class Unknown(NamedTuple):
    """A part of the block that no release of Nova is known to write, or that could not be read.

    It is kept so that writing the block again loses nothing.
    """

    parent: str
    """The element it is in, below ``instance``: ``""``, ``flavor``, ``ports/port[2]``."""
    name: str
    """``@name`` for an attribute; the tag of an element, ``#comment`` for a comment."""
    text: str
    """An attribute's value; for the others their XML."""


class Instance(NamedTuple):
    """The metadata block: what Nova recorded when it last generated the domain's XML."""

    namespace: str
    package: str | None = None
    """The version of the Nova that wrote the block."""
    name: str | None = None
    """The display name, exactly as the tenant typed it."""
    created: datetime | None = None
    """When Nova generated the XML (start, hard reboot, resize, …), in UTC; not the birth."""
    flavor: Flavor | None = None
    image: Image | None = None
    owner: Owner | None = None
    root: Root | None = None
    ports: tuple[Port, ...] | None = None
    unknown: tuple[Unknown, ...] = ()


class Block(NamedTuple):
    """A metadata block as a domain holds it, and what could be read of it."""

    namespace: str
    xml: str
    instance: Instance | None
    """None where not even the outermost element could be read."""
    faults: tuple[str, ...] = ()
    """What is wrong with it, a phrase each."""


class Disk(NamedTuple):
    target: str | None
    bus: str | None
    source: str | None
    """A path, a device, or ``pool/volume`` for a network disk; None for an empty drive."""
    serial: str | None
    """The volume's uuid, for a disk that Cinder gave."""
    device: str = "disk"
    """``disk``, ``cdrom``, ``floppy`` or ``lun``."""
    backing: tuple[str, ...] = ()
    """The files below it, its own backing file first, if libvirt lists them (running guests)."""
    boot: int | None = None
    """The place in the boot order, from 1; None if the order is not given disk by disk."""
    protocol: str | None = None
    """Of a network disk: ``rbd``, ``iscsi``, …"""
    shareable: bool = False
    """Whether several guests may write to it: a multi-attach volume of Cinder's, for one."""
    read_only: bool = False


class Interface(NamedTuple):
    mac: str | None
    target: str | None
    """The name of the device on the host: a tap, or ``vhu…`` of vhost-user."""
    port: str | None
    """The Neutron port: Open vSwitch's ``interfaceid``, or the block's port that the tap names."""
    type: str | None = None
    """libvirt's: ``bridge``, ``ethernet``, ``hostdev`` (SR-IOV), ``vhostuser``, ``vdpa``, …"""
    source: str | None = None
    """What is behind it, if not a network: the PCI address of a function
    (``0000:81:02.3``), the socket of vhost-user, a ``/dev/vhost-vdpa-0``."""
    vlan: int | None = None


class HostDevice(NamedTuple):
    """A device of the host that the guest has: ``<hostdev>``."""

    type: str | None
    """``pci``, ``mdev``, ``usb``, ``scsi``, …"""
    address: str | None
    """A PCI address (``0000:3b:00.0``), the uuid of a mediated device, ``1234:5678`` or
    ``bus 1 device 4`` of USB, the name of a SCSI adapter."""


class FileSystem(NamedTuple):
    """A folder of the host that the guest has: ``<filesystem>``, virtiofs, 9p, or LXC's root."""

    type: str | None
    """The driver where there is one (``virtiofs``), else libvirt's type (``mount``)."""
    source: str | None
    target: str | None
    """A mount tag, or a path in a container."""


class Hardware(NamedTuple):
    """What the guest really is, as libvirt runs it."""

    vcpus: int | None
    memory_mib: int | None
    """Without memory devices (NVDIMM, virtio-mem), as a flavor counts it."""
    disks: tuple[Disk, ...]
    interfaces: tuple[Interface, ...]
    host_devices: tuple[HostDevice, ...] = ()
    file_systems: tuple[FileSystem, ...] = ()
    paths: tuple[str, ...] = ()
    """Other files of the host: kernel, initrd, and what consoles are connected to or log to."""


class Backfill(NamedTuple):
    """The element that ``stamp`` leaves beside a block it wrote: that, when, by whom, from what."""

    at: datetime
    by: str
    """``user@host`` of the user who ran it."""
    sources: tuple[str, ...]
    tool: str
    """The version of nova-domains."""
    digest: str
    """Of the block that was written: a block that Nova has replaced since is Nova's again."""


class Domain(NamedTuple):
    """A domain's XML, read: what identifies it, what it is made of, and its blocks."""

    uuid: str | None
    name: str | None
    id: int | None
    title: str | None
    description: str | None
    blocks: tuple[Block, ...]
    """Newest namespace first."""
    namespaces: tuple[str, ...]
    """Of all elements under ``<metadata>``, in their order."""
    sysinfo: Mapping[str, str]
    """The SMBIOS system entries: ``manufacturer``, ``product``, ``serial``, …"""
    channels: tuple[str, ...]
    """Names of the virtio channels, but for those that QEMU itself listens on (mode ``bind``):
    any program may connect to such a channel."""
    hardware: Hardware
    state: str | None = None
    """From ``<domstatus>``, as are the next two."""
    reason: str | None = None
    pid: int | None = None
    backfill_xml: str | None = None
    """The element that ``stamp`` left beside the block it wrote."""
    faults: tuple[str, ...] = ()
    arch: str | None = None
    """``x86_64``, ``ppc64le``."""


DefinitionName = Literal["live", "persistent"]
"""A running guest has a live definition, one that outlives its shutdown a persistent one."""


class Definition(NamedTuple):
    name: DefinitionName
    domain: Domain


class Head(NamedTuple):
    """The beginning of a domain's XML: all that a list needs of a guest with a block."""

    title: str | None
    description: str | None
    blocks: tuple[Block, ...]
    """Newest namespace first."""
    backfill_xml: str | None = None
    faults: tuple[str, ...] = ()


class Difference(NamedTuple):
    """A fact that the running guest and its persistent definition record differently."""

    field: str
    """A dotted key of the JSON document: ``flavor.name``."""
    live: object
    persistent: object


class Judgement(NamedTuple):
    """Whose a guest is, and what says so."""

    kind: Kind
    manager: str
    evidence: tuple[str, ...]


GuestKey = tuple[str | None, str]
"""A guest's host and uuid."""


class Sighting(NamedTuple):
    """A guest before any of its XML is read."""

    host: str | None
    uuid: str
    domain: str
    id: int | None
    """None for a guest that is off."""
    state: str
    reason: str | None = None
    """Why it is in that state, in libvirt's words: ``booted``, ``ioerror``, ``crashed``."""
    host_guessed: bool = False
    """Whether ``host`` is only the name of the folder or archive that was read: such a name is
    shown, never compared."""
    read_at: datetime | None = None
    """UTC, to the second: when libvirt was asked, or when the files of the host were written. None
    for a document that does not say."""

    @property
    def key(self) -> GuestKey:
        """As ``Guest.key``."""
        return self.host, self.uuid


class Guest(NamedTuple):
    """One guest of a host: the record that is listed, shown and, later, looked up and checked."""

    host: str | None
    uuid: str
    domain: str
    id: int | None
    """None for a guest that is off."""
    state: str
    kind: Kind
    manager: str
    evidence: tuple[str, ...]
    title: str | None = None
    description: str | None = None
    block: Block | None = None
    backfill: Backfill | None = None
    """Set if ``stamp`` wrote the block, and it has not changed since."""
    hardware: Hardware | None = None
    pid: int | None = None
    reason: str | None = None
    """Why it is in its state, in libvirt's words: ``booted``, ``ioerror``."""
    differences: tuple[Difference, ...] = ()
    definitions: tuple[Definition, ...] = ()
    """Live first; where the whole XML was read. A stopped guest has a persistent one only, a
    transient guest a live one only."""
    faults: tuple[str, ...] = ()
    host_guessed: bool = False
    """As in ``Sighting``, as is the next."""
    read_at: datetime | None = None

    @property
    def key(self) -> GuestKey:
        """What identifies a guest: one uuid can be on several hosts, while it migrates say."""
        return self.host, self.uuid

    @property
    def is_novas(self) -> bool:
        """Whether Nova made it, as far as can be seen."""
        return self.kind in ("nova", "nova-unstamped")

    @property
    def certain_host(self) -> str | None:
        """The host's name where it can be compared with others; None where it is a guess."""
        return None if self.host_guessed else self.host

    @property
    def instance(self) -> Instance | None:
        return self.block.instance if self.block else None
