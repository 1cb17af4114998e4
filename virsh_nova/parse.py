"""Reads XML into the model: any dialect, any prefix, with its namespace or without. No policy.

No content raises an error: what cannot be read becomes a fault, and an unknown part of a block is
kept as ``Unknown``, so that ``write`` can write it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from lxml import etree

from .block.known_parts import Abridged, abridge
from .block.namespaces import BACKFILL, NAMESPACES, NOVA_1_1
from .block.reader import BlockReader, in_quotes, integer
from .model import Block, Disk, Domain, FileSystem, Hardware, Head, HostDevice, Interface
from .safe_xml import read_xml, salvage_xml

_KIB_PER_UNIT = {
    "b": 1 / 1024, "bytes": 1 / 1024,
    "KB": 1000 / 1024, "k": 1, "KiB": 1,
    "MB": 1000**2 / 1024, "M": 1024, "MiB": 1024,
    "GB": 1000**3 / 1024, "G": 1024**2, "GiB": 1024**2,
    "TB": 1000**4 / 1024, "T": 1024**3, "TiB": 1024**3,
}  # fmt: skip


def parse_block(xml: str | bytes, namespace: str | None = None) -> Block:
    """Read a metadata block.

    ``namespace`` is the one that was asked for: ``virDomainGetMetadata`` strips it from the
    elements it returns.
    """
    text = xml.decode("utf-8", "replace") if isinstance(xml, bytes) else xml
    try:
        if isinstance(xml, str):
            return _abridged_block(xml, namespace)
    except (etree.XMLSyntaxError, ValueError):
        pass  # Read it in full, to report its faults.
    try:
        return _block(read_xml(xml), text, namespace, [])
    except (etree.XMLSyntaxError, ValueError) as error:
        faults = [_broken(error)]
        root = salvage_xml(xml)
        if root is None:
            return Block(namespace or "", text, None, tuple(faults))
        return _block(root, text, namespace, faults)


def parse_domain(xml: str | bytes) -> Domain:
    """Read a ``<domain>``, or the ``<domstatus>`` that libvirt keeps of a running one."""
    faults: list[str] = []
    root: etree._Element | None
    try:
        root = read_xml(xml)
    except (etree.XMLSyntaxError, ValueError) as error:
        faults.append(_broken(error))
        root = salvage_xml(xml)
    status = root if root is not None and root.tag == "domstatus" else None
    domain = root if status is None else status.find("domain")
    if domain is None or domain.tag != "domain":
        if not faults:
            faults.append("the XML holds no <domain>")
        domain = etree.Element("domain")
    parts = _parts(domain)
    metadata = parts.get("metadata")
    devices = _devices(domain)
    return Domain(
        uuid=_text(parts.get("uuid")),
        name=_text(parts.get("name")),
        id=integer(domain.get("id")),
        title=_text(parts.get("title")),
        description=_text(parts.get("description")),
        blocks=tuple(_blocks(metadata)),
        namespaces=tuple(_metadata_namespaces(metadata)),
        sysinfo={
            entry.get("name", ""): entry.text or ""
            for entry in domain.iterfind("sysinfo/system/entry")
        },
        channels=tuple(_channels(devices["channel"])),
        hardware=_hardware(parts, devices),
        state=None if status is None else status.get("state"),
        reason=None if status is None else status.get("reason"),
        pid=None if status is None else integer(status.get("pid")),
        backfill_xml=_backfill_xml(metadata),
        faults=tuple(faults),
        arch=_arch(parts.get("os")),
    )


def parse_head(xml: str, indent: str = "") -> Head:
    """Title, description and blocks alone, from libvirt's XML of a domain.

    libvirt writes them before all else, and each of them on lines of its own; the rest, most of
    it devices, is not even read. Where that does not lead to a block, the whole is.

    ``indent`` is in front of each of its lines but the first.
    """
    around = _around_metadata(xml, indent)
    if around is not None:
        before, metadata, _ = around
        try:
            block = _abridged_block(metadata.strip(), None)
            # Few guests have either of them.
            has_texts = "<title>" in before or "<description>" in before
            domain = read_xml(f"{before}</domain>") if has_texts else None
        except (etree.XMLSyntaxError, ValueError):
            pass  # Several elements, or a look-alike of libvirt's layout.
        else:
            if block.instance is not None:
                parts = {} if domain is None else _parts(domain)
                title, description = _text(parts.get("title")), _text(parts.get("description"))
                return Head(title, description, (block,))
    whole = parse_domain(xml)
    return Head(
        whole.title, whole.description, whole.blocks, whole.backfill_xml, faults=whole.faults
    )


def parse_hardware(xml: str, indent: str = "") -> Hardware | None:
    """The hardware alone, from libvirt's XML of a domain; None where that is broken.

    More than half of it are metadata, and they take most of the time. ``indent`` is as above.
    """
    around = _around_metadata(xml, indent)
    try:
        domain = read_xml(xml if around is None else f"{around[0]}\n{around[2]}")
    except (etree.XMLSyntaxError, ValueError):
        return None
    return _hardware(_parts(domain), _devices(domain)) if domain.tag == "domain" else None


def _around_metadata(xml: str, indent: str) -> tuple[str, str, str] | None:
    """What is in front of ``<metadata>``, in it, and behind it, in libvirt's layout."""
    before, _, rest = xml.partition(f"\n{indent}  <metadata>\n")
    metadata, end, rest = rest.partition(f"\n{indent}  </metadata>\n")
    return (before, metadata, rest) if end else None


def _broken(error: Exception) -> str:
    # lxml's message can quote the text; its first line is enough to find the place.
    said = str(error).splitlines()[0] if str(error) else "empty"
    return f"broken XML: {said if len(said) <= 200 else said[:200] + '…'}"


# ---- the block --------------------------------------------------------------------------------


def _abridged_block(text: str, asked: str | None) -> Block:
    """Read a block without what is known of it; raises ``ValueError`` if that misleads."""
    abridged = abridge(text)
    return _block(read_xml(abridged.text), text, asked, [], abridged)


def _block(
    root: etree._Element,
    text: str,
    asked: str | None,
    faults: list[str],
    abridged: Abridged | None = None,
) -> Block:
    own_namespace, name = _split(root.tag)
    namespace = own_namespace or asked
    if not namespace:
        # A stripped block often still declares its namespace: Nova's set_metadata leaves it so.
        declared = (uri for uri in NAMESPACES if uri in root.nsmap.values())
        namespace = next(declared, NOVA_1_1)
    if "<!DOCTYPE" in text:
        faults.append("it has a document type; its entities are not read")
    if name != "instance":
        faults.append(f"the outermost element is {in_quotes(name)}, not 'instance'")
        return Block(namespace, text, None, tuple(faults))
    if namespace not in NAMESPACES:
        faults.append(f"the namespace {in_quotes(namespace, 100)} is not one of Nova's")
        return Block(namespace, text, None, tuple(faults))
    reader = BlockReader(f"{{{own_namespace}}}" if own_namespace else "", faults, abridged)
    return Block(namespace, text, reader.instance(root, namespace), tuple(faults))


def _split(tag: str) -> tuple[str, str]:
    """Namespace and local name. lxml's ``QName`` refuses what salvaging lets in: ``a:b``."""
    namespace, _, name = tag.rpartition("}")
    return namespace[1:], name


# ---- the domain around it ---------------------------------------------------------------------


_Parts = Mapping[str, etree._Element]


def _parts(element: etree._Element) -> _Parts:
    """The first child of each tag. One pass takes a third of the time of a ``find`` for each."""
    parts: dict[str, etree._Element] = {}
    for child in element.iterchildren("*"):
        parts.setdefault(child.tag, child)
    return parts


def _devices(domain: etree._Element) -> Mapping[str, list[etree._Element]]:
    """The devices of each kind, in their order."""
    devices: dict[str, list[etree._Element]] = defaultdict(list)
    for each in domain.iterchildren("devices"):
        for device in each.iterchildren("*"):
            devices[device.tag].append(device)
    return devices


def _text(element: etree._Element | None) -> str | None:
    return None if element is None else element.text or ""


def _metadata_namespaces(metadata: etree._Element | None) -> Iterator[str]:
    for child in () if metadata is None else metadata.iterchildren("*"):
        yield _split(child.tag)[0]


def _blocks(metadata: etree._Element | None) -> list[Block]:
    """The blocks under ``<metadata>``, newest namespace first."""
    if metadata is None:
        return []
    found = []
    for child in metadata.iterchildren("*"):
        namespace = _split(child.tag)[0]
        if namespace in NAMESPACES:
            xml = etree.tostring(child, encoding="unicode", with_tail=False)
            try:
                found.append(_abridged_block(xml, None))
            except (etree.XMLSyntaxError, ValueError):
                found.append(_block(child, xml, namespace, []))
    return sorted(found, key=lambda block: NAMESPACES.index(block.namespace))


def _backfill_xml(metadata: etree._Element | None) -> str | None:
    element = None if metadata is None else metadata.find(f"{{{BACKFILL}}}backfill")
    if element is None:
        return None
    return etree.tostring(element, encoding="unicode", with_tail=False)


def _channels(channels: Iterable[etree._Element]) -> Iterator[str]:
    for channel in channels:
        parts = _parts(channel)
        source, target = parts.get("source"), parts.get("target")
        if target is not None and (source is None or source.get("mode") != "bind"):
            yield target.get("name", "")


def _hardware(parts: _Parts, devices: Mapping[str, list[etree._Element]]) -> Hardware:
    return Hardware(
        vcpus=_vcpus(parts.get("vcpu")),
        memory_mib=_memory_mib(parts.get("memory"), devices["memory"]),
        disks=tuple(map(_disk, devices["disk"])),
        interfaces=tuple(map(_interface, devices["interface"])),
        host_devices=tuple(map(_host_device, devices["hostdev"])),
        file_systems=tuple(map(_file_system, devices["filesystem"])),
        paths=tuple(dict.fromkeys(_paths(parts.get("os"), devices))),
    )


def _host_device(device: etree._Element) -> HostDevice:
    kind, source = device.get("type"), device.find("source")
    if source is None:
        return HostDevice(kind, None)
    address, vendor, product = (source.find(tag) for tag in ("address", "vendor", "product"))
    adapter = source.find("adapter")
    if kind == "pci" and address is not None:
        return HostDevice(kind, pci_address(address))
    if kind == "mdev" and address is not None:
        return HostDevice(kind, address.get("uuid"))
    if kind == "usb" and address is not None:
        bus, number = (address.get(part, "?") for part in ("bus", "device"))
        return HostDevice(kind, f"bus {bus} device {number}")
    if kind == "usb" and vendor is not None and product is not None:
        ids = (one.get("id", "?").removeprefix("0x") for one in (vendor, product))
        return HostDevice(kind, ":".join(ids))
    if adapter is not None:
        return HostDevice(kind, adapter.get("name"))
    # LXC's block and character devices; a wwpn of SCSI.
    named = (child.text or "" for child in source.iterchildren("block", "char", "interface"))
    return HostDevice(kind, next(named, source.get("wwpn")))


def pci_address(address: etree._Element) -> str | None:
    """``0000:3b:00.0`` of ``<address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/>``."""
    try:
        domain, bus, slot, function = (
            int(address.get(part, "0"), 0) for part in ("domain", "bus", "slot", "function")
        )
    except ValueError:
        return None
    if not (0 <= domain <= 0xFFFFFFFF and 0 <= bus <= 0xFF and 0 <= slot <= 0x1F):
        return None
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}" if 0 <= function <= 7 else None


def _file_system(file_system: etree._Element) -> FileSystem:
    driver, source, target = (file_system.find(tag) for tag in ("driver", "source", "target"))
    return FileSystem(
        type=(None if driver is None else driver.get("type")) or file_system.get("type"),
        source=None
        if source is None
        else next((source.get(key) for key in _FILE_SYSTEM_SOURCES if source.get(key)), None),
        target=None if target is None else target.get("dir"),
    )


_FILE_SYSTEM_SOURCES = ("dir", "file", "dev", "name", "socket", "usage")


def _paths(
    system: etree._Element | None, devices: Mapping[str, list[etree._Element]]
) -> Iterator[str]:
    if system is not None:
        for tag in ("kernel", "initrd"):
            if path := (system.findtext(tag) or "").strip():
                yield path
    for tag in ("serial", "console", "parallel"):
        for device in devices[tag]:
            parts = _parts(device)
            for place, key in (("source", "path"), ("log", "file")):
                element = parts.get(place)
                path = "" if element is None else element.get(key, "")
                if path.startswith("/") and not path.startswith("/dev/pts/"):
                    yield path


def _vcpus(element: etree._Element | None) -> int | None:
    if element is None:
        return None
    current = integer(element.get("current"))
    return integer(element.text) if current is None else current


def _memory_mib(memory: etree._Element | None, devices: Iterable[etree._Element]) -> int | None:
    """The guest's memory without its memory devices, which ``<memory>`` includes."""
    left = _kib(memory)
    for size in (size for device in devices for size in device.iterfind("target/size")):
        device_size = _kib(size)
        if left is None or device_size is None or device_size < 0:
            return None
        left -= device_size
    return None if left is None or left < 0 else int(left) // 1024


def _kib(element: etree._Element | None) -> float | None:
    amount = None if element is None else integer(element.text)
    if element is None or amount is None:
        return None
    factor = _KIB_PER_UNIT.get(element.get("unit", "KiB"))
    return None if factor is None else amount * factor


def _arch(system: etree._Element | None) -> str | None:
    kind = None if system is None else system.find("type")
    return None if kind is None else kind.get("arch")


def _disk(disk: etree._Element) -> Disk:
    parts = _parts(disk)
    target, source, boot = parts.get("target"), parts.get("source"), parts.get("boot")
    return Disk(
        target=None if target is None else target.get("dev"),
        bus=None if target is None else target.get("bus"),
        source=None if source is None else _disk_source(source),
        serial=_text(parts.get("serial")),
        device=disk.get("device", "disk"),
        backing=tuple(_backing(disk)) if "backingStore" in parts or "mirror" in parts else (),
        boot=None if boot is None else integer(boot.get("order")),
        protocol=None if source is None else source.get("protocol"),
        shareable=disk.find("shareable") is not None,
        read_only=disk.find("readonly") is not None,
    )


def _backing(disk: etree._Element) -> Iterator[str]:
    for source in disk.iterfind(".//backingStore/source"):
        if (path := _disk_source(source)) is not None:
            yield path


def _disk_source(source: etree._Element) -> str | None:
    # The credentials of a network source are beside these and are not read.
    pool, volume = source.get("pool"), source.get("volume")
    if pool and volume:
        return f"{pool}/{volume}"
    address = source.find("address")
    if source.get("type") == "pci" and address is not None:
        return pci_address(address)  # NVMe passed through as a disk
    keys = ("file", "dev", "name", "dir", "path")
    return next((source.get(key) for key in keys if source.get(key)), None)


def _interface(nic: etree._Element) -> Interface:
    parts = _parts(nic)
    mac, target = parts.get("mac"), parts.get("target")
    # libvirt's own file has what came of a network in <actual>.
    actual = parts.get("actual")
    real, real_parts = (nic, parts) if actual is None else (actual, _parts(actual))
    kind, source = real.get("type"), _interface_source(real, real_parts.get("source"))
    device = None if target is None else target.get("dev")
    if device is None and kind == "vhostuser" and source:
        # The socket of Open vSwitch is named as the device would be.
        device = source.rpartition("/")[2]
    return Interface(
        mac=None if mac is None else mac.get("address"),
        target=device,
        port=_port(parts) or _port(real_parts),
        type=kind,
        source=source,
        vlan=_vlan(parts) if "vlan" in parts else _vlan(real_parts),
    )


def _port(parts: _Parts) -> str | None:
    port = parts.get("virtualport")
    parameters = None if port is None else port.find("parameters")
    return None if parameters is None else parameters.get("interfaceid")


def _vlan(parts: _Parts) -> int | None:
    vlan = parts.get("vlan")
    tag = None if vlan is None else vlan.find("tag")
    return None if tag is None else integer(tag.get("id"))


def _interface_source(nic: etree._Element, source: etree._Element | None) -> str | None:
    kind = nic.get("type")
    if source is None:
        return None
    address = source.find("address")
    if kind == "hostdev" and address is not None:
        return pci_address(address)
    if kind in ("vhostuser", "vdpa"):
        return source.get("path") or source.get("dev")
    return None
