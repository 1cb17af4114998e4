"""Guests of a typical compute host: real definitions of a real Nova 34, with other identities."""

from copy import deepcopy
from pathlib import Path
from random import Random
from uuid import UUID

from lxml import etree

REAL = Path(__file__).parents[1] / "tests" / "data" / "real"
NOVA = "{http://openstack.org/xmlns/libvirt/nova/1.1}"

# Half the guests boot from an image, a quarter has two ports, a quarter boots from a volume.
TEMPLATES = tuple(
    etree.parse(str(next((REAL / capture).glob("*.inactive.xml")))).getroot()
    for capture in ("spawned", "two-networks", "spawned", "volume-boot")
)

FLAVORS: tuple[tuple[str, int, int, int, dict[str, str]], ...] = (
    # name, memory in MiB, disk in GiB, vCPUs, extra specs
    ("m1.tiny", 512, 1, 1, {}),
    ("m1.small", 2048, 20, 1, {}),
    ("m1.medium", 4096, 40, 2, {}),
    ("m1.large", 8192, 80, 4, {"hw_rng:allowed": "True"}),
    ("c2.8xlarge", 16384, 40, 8, {"hw:cpu_policy": "dedicated", "hw:mem_page_size": "large"}),
    ("r2.4xlarge", 65536, 40, 4, {"hw:mem_page_size": "1GB", "hw:numa_nodes": "1"}),
    ("db.prod", 32768, 0, 8, {"quota:disk_total_iops_sec": "2000", "hw:cpu_threads": "2"}),
    (
        "gpu.a100",
        131072,
        200,
        16,
        {
            "pci_passthrough:alias": "a100:1",
            "trait:CUSTOM_GPU_A100": "required",
            "aggregate_instance_extra_specs:pool": "gpu",
        },
    ),
)

IMAGES: tuple[tuple[str, dict[str, str]], ...] = (
    # os_distro, other properties
    ("debian", {"os_version": "12", "hw_qemu_guest_agent": "True"}),
    ("ubuntu", {"os_version": "24.04", "hw_qemu_guest_agent": "True", "hw_rng_model": "virtio"}),
    ("rocky", {"os_version": "9.4"}),
    ("windows", {"os_version": "2022", "os_type": "windows", "hw_disk_bus": "virtio"}),
    ("cirros", {}),
    ("fedora", {"os_version": "41", "hw_firmware_type": "uefi"}),
)

# What Nova adds by itself after the first regeneration of the XML.
GROWN_PROPERTIES = {
    "hw_cdrom_bus": "ide",
    "hw_disk_bus": "virtio",
    "hw_input_bus": "usb",
    "hw_machine_type": "pc",
    "hw_pointer_model": "usbtablet",
    "hw_video_model": "virtio",
    "hw_vif_model": "virtio",
}

PROJECTS = (
    "web-shop",
    "billing",
    "data-platform",
    "ci",
    "kubernetes-prod",
    "kubernetes-stage",
    "research",
    "mail",
    "monitoring",
    "sandbox",
    "sap",
    "videoconference",
)
USERS = ("terraform", "anna.schmidt", "jenkins", "m.okafor", "heat-stack", "li.wei")
LOST_BLOCK, NOBODYS = 7, 57
ROLES = ("web", "db", "worker", "cache", "k8s-node", "build", "mx", "bastion")


def is_running(index: int) -> bool:
    """A tenth of a host's guests."""
    return index % 10 == 0


def has_block(index: int) -> bool:
    """All but two of a hundred: one is Nova's without its block, one is not Nova's."""
    return index % 100 not in (LOST_BLOCK, NOBODYS)


def guest_xml(index: int, driver: str = "qemu") -> str:
    """The guest number `index` of a host, always the same; `driver` is `qemu` or `test`."""
    random = Random(index)
    guest = deepcopy(TEMPLATES[index % len(TEMPLATES)])
    guest.set("type", driver)
    uuid = _uuid(random)
    _replace(guest, _text(guest, "uuid"), uuid)
    _set(guest, "name", f"instance-{index:08x}")
    _set(guest, "uuid", uuid)
    for name in ("serial", "uuid"):
        _set(guest, f"sysinfo/system/entry[@name='{name}']", uuid)
    # The machine's own QEMU, not the one of the captured host.
    _one(guest, "os/type").set("machine", "pc")
    _remove(guest, "devices/emulator")
    if index % 100 == LOST_BLOCK:
        _remove(guest, "metadata")
    elif index % 100 == NOBODYS:
        _remove(guest, "metadata", "sysinfo", "os/smbios")
    else:
        _fill_block(guest, index, random)
        _fit_flavor(guest)
    if driver == "qemu" and is_running(index):
        _make_startable(guest)
    return etree.tostring(guest, encoding="unicode")


def _fill_block(guest: etree._Element, index: int, random: Random) -> None:
    block = _one(guest, f"metadata/{NOVA}instance")
    _set(block, f"{NOVA}name", f"{random.choice(ROLES)}-{index:03}")
    day, hour, minute = random.randint(1, 28), random.randint(0, 23), random.randint(0, 59)
    _set(
        block,
        f"{NOVA}creationTime",
        f"2026-{random.randint(1, 12):02}-{day:02} {hour:02}:{minute:02}:17",
    )
    _fill_flavor(_one(block, f"{NOVA}flavor"), random.randrange(len(FLAVORS)))
    _fill_image(block, random.randrange(len(IMAGES)), random)
    user, project = random.randrange(len(USERS)), random.randrange(len(PROJECTS))
    for tag, names, number in (("user", USERS, user), ("project", PROJECTS, project)):
        element = _one(block, f"{NOVA}owner/{NOVA}{tag}")
        element.text = names[number]
        element.set("uuid", UUID(int=Random(f"{tag} {number}").getrandbits(128)).hex)
    _fill_ports(guest, block, random)


def _fit_flavor(guest: etree._Element) -> None:
    """As large as its flavor; a guest that is not started uses none of it."""
    flavor = _one(guest, f"metadata/{NOVA}instance/{NOVA}flavor")
    for tag in ("memory", "currentMemory"):
        _one(guest, tag).set("unit", "MiB")
        _set(guest, tag, _text(flavor, f"{NOVA}memory"))
    vcpus = _text(flavor, f"{NOVA}vcpus")
    _set(guest, "vcpu", vcpus)
    topology = guest.find("cpu/topology")
    if topology is not None:
        topology.attrib.update({"sockets": vcpus, "cores": "1", "threads": "1"})


def _fill_flavor(flavor: etree._Element, number: int) -> None:
    name, memory, disk, vcpus, extra_specs = FLAVORS[number]
    flavor.set("name", name)
    flavor.set("id", _uuid(Random(f"flavor {number}")))
    for tag, amount in (("memory", memory), ("disk", disk), ("vcpus", vcpus)):
        _set(flavor, NOVA + tag, str(amount))
    holder = _one(flavor, f"{NOVA}extraSpecs")
    for key, value in extra_specs.items():
        etree.SubElement(holder, f"{NOVA}extraSpec", name=key).text = value


def _fill_image(block: etree._Element, number: int, random: Random) -> None:
    image, root = _one(block, f"{NOVA}image"), _one(block, f"{NOVA}root")
    if root.get("type") == "image":
        uuid = _uuid(Random(f"image {number}"))
        image.set("uuid", uuid)
        root.set("uuid", uuid)
    distro, properties = IMAGES[number]
    properties = {"os_distro": distro, **properties}
    if random.random() < 0.5:
        properties = {**GROWN_PROPERTIES, **properties}
    holder = _one(image, f"{NOVA}properties")
    holder[:] = []
    for key, value in sorted(properties.items()):
        etree.SubElement(holder, f"{NOVA}property", name=key).text = value


def _fill_ports(guest: etree._Element, block: etree._Element, random: Random) -> None:
    taps = guest.findall("devices/interface/target")
    for place, port in enumerate(block.iterfind(f"{NOVA}ports/{NOVA}port")):
        uuid = _uuid(random)
        port.set("uuid", uuid)
        if place < len(taps):
            taps[place].set("dev", f"tap{uuid[:11]}")
        for ip in port:
            if ip.get("ipVersion") == "4":
                ip.set("address", f"10.{place}.{random.randrange(256)}.{random.randint(1, 254)}")
            else:
                ip.set("address", f"2001:db8::f816:3eff:fe{random.randrange(256):02x}:1")
    for nic in guest.iterfind("devices/interface/mac"):
        nic.set("address", "fa:16:3e:" + ":".join(f"{random.randrange(256):02x}" for _ in range(3)))


def _make_startable(guest: etree._Element) -> None:
    """Remove what this machine does not have; what ``list`` reads of a guest stays."""
    _remove(guest, "os/kernel", "os/initrd", "os/cmdline", "cpu")
    _remove(guest, "devices/disk", "devices/interface", "devices/serial", "devices/console")
    _one(guest, "devices/memballoon").attrib.clear()
    _one(guest, "devices/memballoon").set("model", "none")
    _one(guest, "devices/memballoon")[:] = []
    for tag in ("memory", "currentMemory"):
        _one(guest, tag).set("unit", "MiB")
        _set(guest, tag, "8")
    _set(guest, "vcpu", "1")


def _replace(guest: etree._Element, old: str, new: str) -> None:
    """In every path that holds the instance's uuid."""
    for element in _one(guest, "devices").iter():
        for key, value in element.items():
            element.set(key, str(value).replace(old, new))
    for tag in ("os/kernel", "os/initrd"):
        if guest.find(tag) is not None:
            _set(guest, tag, _text(guest, tag).replace(old, new))


def _uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def _one(element: etree._Element, path: str) -> etree._Element:
    found = element.find(path)
    assert found is not None, path
    return found


def _text(element: etree._Element, path: str) -> str:
    return _one(element, path).text or ""


def _set(element: etree._Element, path: str, text: str) -> None:
    _one(element, path).text = text


def _remove(element: etree._Element, *paths: str) -> None:
    for path in paths:
        for found in element.findall(path):
            parent = found.getparent()
            assert parent is not None
            parent.remove(found)
