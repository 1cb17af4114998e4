"""Domain XML: the smallest guests that QEMU starts, in the form of each manager."""

from pathlib import Path

from lxml import etree
from lxml.builder import E, ElementMaker  # type: ignore[import-not-found]

OVIRT = ElementMaker(
    namespace="http://ovirt.org/vm/1.0", nsmap={"ovirt-vm": "http://ovirt.org/vm/1.0"}
)

QEMU = ElementMaker(
    namespace="http://libvirt.org/schemas/domain/qemu/1.0",
    nsmap={"qemu": "http://libvirt.org/schemas/domain/qemu/1.0"},
)


def plain_guest(name: str, uuid: str | None = None, *, memory_mib: int = 8) -> str:
    """A guest made with virsh, without any mark."""
    return _text(_guest(name, uuid, memory_mib))


def nova_guest(
    name: str,
    uuid: str,
    *blocks: str,
    disk: Path | None = None,
    volume: str | None = None,
    ballast: Path | None = None,
    memory_mib: int = 8,
) -> str:
    """An instance as nova-compute defines it.

    `blocks` go into <metadata>, goldens for instance; without any it is a guest older than Juno.
    `disk` is the image of the boot disk (see `ComputeHost.instance_disk`), `volume` the Cinder
    uuid that Nova would give as its serial. The file `ballast` lies in the guest's memory from
    16 MiB on, and makes it take long to migrate: pages that are all zero cost nothing.
    """
    guest = _guest(name, uuid, memory_mib)
    if blocks:
        _add_metadata(guest, *map(etree.fromstring, blocks))
    system = {
        "manufacturer": "OpenStack Foundation",
        "product": "OpenStack Nova",
        "version": "34.0.0",
        "serial": uuid,
        "uuid": uuid,
        "family": "Virtual Machine",
    }
    entries = (E.entry(value, name=key) for key, value in system.items())
    guest.append(E.sysinfo(E.system(*entries), type="smbios"))
    _part(guest, "os").append(E.smbios(mode="sysinfo"))
    if disk is not None:
        drive = E.disk(
            E.driver(name="qemu", type="qcow2"),
            E.source(file=str(disk)),
            E.target(dev="vda", bus="virtio"),
            type="file",
            device="disk",
        )
        if volume is not None:
            drive.append(E.serial(volume))
        _part(guest, "devices").append(drive)
    if ballast is not None:
        loader = f"loader,file={ballast},addr={16 << 20:#x},force-raw=on"
        guest.append(QEMU.commandline(QEMU.arg(value="-device"), QEMU.arg(value=loader)))
    return _text(guest)


def ovirt_guest(name: str, uuid: str | None = None, *, memory_mib: int = 8) -> str:
    """A guest of another manager, recognised by the namespace of its metadata."""
    guest = _guest(name, uuid, memory_mib)
    vm = OVIRT.vm(OVIRT.clusterVersion("4.7"), OVIRT.launchPaused("false"))
    _add_metadata(guest, vm)
    return _text(guest)


def appliance(name: str) -> str:
    """A guest that looks like an appliance of libguestfs, by the channel to its daemon."""
    guest = _guest(name, None, 8)
    channel = E.channel(E.target(type="virtio", name="org.libguestfs.channel.0"), type="unix")
    _part(guest, "devices").append(channel)
    return _text(guest)


def _guest(name: str, uuid: str | None, memory_mib: int) -> etree._Element:
    guest: etree._Element = E.domain(
        E.name(name),
        E.memory(str(memory_mib), unit="MiB"),
        E.os(E.type("hvm", arch="x86_64", machine="pc")),
        E.devices(E.controller(type="usb", model="none"), E.memballoon(model="none")),
        type="qemu",
    )
    if uuid is not None:
        guest.insert(1, E.uuid(uuid))
    return guest


def _add_metadata(guest: etree._Element, *blocks: etree._Element) -> None:
    _part(guest, "memory").addprevious(E.metadata(*blocks))


def _part(guest: etree._Element, tag: str) -> etree._Element:
    part = guest.find(tag)
    assert part is not None
    return part


def _text(guest: etree._Element) -> str:
    return etree.tostring(guest, encoding="unicode")
