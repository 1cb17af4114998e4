"""Whose a guest is: a table of marks, and the judgement from the marks a domain has.

The marks come from the source of the managers named and from hosts they run. A mark weighs
``CERTAIN`` where no other program leaves it; lesser ones have to come together before a guest
without the block is called Nova's, and the evidence then says that it is a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..block.namespaces import NAMESPACE_STEM, NAMESPACES
from ..model import Block, Domain, Judgement
from .naming import DEFAULT_INSTANCE_NAME, TAP, UUID, instances_in_path

CERTAIN = 3

MANAGER_BY_NAMESPACE = {
    # vdsm, lib/vdsm/virt/xmlconstants.py
    "http://ovirt.org/vm/1.0": "oVirt",
    "http://ovirt.org/vm/tune/1.0": "oVirt",
    # kubevirt, pkg/virt-launcher/virtwrap/api/schema.go; Harvester and OpenShift Virtualization too
    "http://kubevirt.io": "KubeVirt",
    # one, src/vmm/LibVirtDriverKVM.cc
    "http://opennebula.org/xmlns/libvirt/1.0": "OpenNebula",
    # gnome-boxes, src/vm-configurator.vala
    "https://wiki.gnome.org/Apps/Boxes": "GNOME Boxes",
    "http://live.gnome.org/Boxes/": "GNOME Boxes",
    # cockpit-machines, src/libvirtApi/domain.js
    "https://github.com/cockpit-project/cockpit-machines": "cockpit-machines",
    "https://github.com/cockpit-project/cockpit/tree/master/pkg/machines": "cockpit-machines",
    # An OpenStack URI, and yet not Nova: the virtual BMC of Ironic's test beds.
    # sushy-tools, sushy_tools/emulator/resources/systems/libvirtdriver.py
    "http://openstack.org/xmlns/libvirt/sushy": "sushy-tools",
    "https://github.com/ironcore-dev/libvirt-provider": "ironcore",
    # kimchi, src/kimchi/model/utils.py; featuretests.py with a slash
    "https://github.com/kimchi-project/kimchi": "Kimchi",
    "https://github.com/kimchi-project/kimchi/": "Kimchi",
    # Unraid's dynamix.vm.manager, include/libvirt.php: no URI at all until 7.1
    "unraid": "Unraid",
    "http://unraid": "Unraid",
    # kcli, kvirt/providers/kvm/__init__.py
    "kvirt": "kcli",
    # vmango, libvirt/machines.go
    "http://vmango.org/schema/md": "Vmango",
}
"""The element that a manager leaves under ``<metadata>``, with where it writes it. libosinfo's is
missing on purpose: it names the guest's operating system, not its manager."""

MANAGER_BY_PRODUCT = {
    # cloudstack, LibvirtVMDef.java
    "CloudStack KVM Hypervisor": "CloudStack",
    # vdsm, lib/vdsm/virt/libvirtxml.py: the product is the host's own
    "RHEV Hypervisor": "oVirt",
    "oVirt Node": "oVirt",
}

NOVA_PRODUCTS = ("OpenStack Nova", "OpenStack Compute")


class Mark(NamedTuple):
    """One way to recognise a manager's guests."""

    manager: str
    weight: int
    find: Callable[[Domain], str | None]
    """What of the domain shows the mark, as a phrase; None where it does not."""


def judge(domain: Domain) -> Judgement:
    """What kind of guest a domain is, from its whole XML."""
    foreign = list(foreign_evidence(domain))
    nova = [(mark, found) for mark in NOVA_MARKS if (found := mark.find(domain))]
    weight = sum(mark.weight for mark, _ in nova)
    nova_evidence = tuple(found for _, found in nova)
    for block in domain.blocks:
        if block.instance is not None:
            settled = judge_block(block)
            contrary = (found for _, found in foreign)
            return settled._replace(evidence=(*settled.evidence, *nova_evidence, *contrary))
    if foreign:
        manager = foreign[0][0]
        return Judgement("foreign", manager, (*(found for _, found in foreign), *nova_evidence))
    if weight < CERTAIN:
        return Judgement("foreign", "unknown", nova_evidence)
    if not any(mark.weight >= CERTAIN for mark, _ in nova):
        nova_evidence = ("a guess from lesser marks together", *nova_evidence)
    return Judgement("nova-unstamped", "nova", nova_evidence)


def judge_block(block: Block) -> Judgement:
    """The judgement for a guest whose block could be read: the block settles it."""
    return Judgement("nova", "nova", (f"metadata block {block.namespace}",))


def foreign_evidence(domain: Domain) -> Iterator[tuple[str, str]]:
    """Each manager other than Nova that left a mark on the domain, with what shows it."""
    for mark in FOREIGN_MARKS:
        if found := mark.find(domain):
            yield mark.manager, found
    for namespace in domain.namespaces:
        if manager := MANAGER_BY_NAMESPACE.get(namespace):
            yield manager, f"metadata of {namespace}"


# ---- marks of others --------------------------------------------------------------------------


def guestfs_channel(domain: Domain) -> str | None:
    """What shows that a domain is an appliance of libguestfs."""
    name = "org.libguestfs.channel.0"
    return f"virtio channel {name}" if name in domain.channels else None


def _foreign_product(manager: str) -> Callable[[Domain], str | None]:
    def find(domain: Domain) -> str | None:
        product = domain.sysinfo.get("product", "")
        return f"sysinfo product {product}" if MANAGER_BY_PRODUCT.get(product) == manager else None

    return find


def _vagrant_description(domain: Domain) -> str | None:
    text = domain.description or ""
    if text.startswith("Source: ") and text.rstrip().endswith("/Vagrantfile"):
        return "description of vagrant-libvirt"
    return None


def _eucalyptus_description(domain: Domain) -> str | None:
    if (domain.description or "").startswith("Eucalyptus instance "):
        return "description of Eucalyptus"
    return None


def _nixops_name(domain: Domain) -> str | None:
    rest = (domain.name or "").removeprefix("nixops-")
    return "name nixops-UUID-…" if rest != domain.name and UUID.match(rest) else None


FOREIGN_MARKS = (
    Mark("libguestfs", CERTAIN, guestfs_channel),
    *(
        Mark(manager, CERTAIN, _foreign_product(manager))
        for manager in dict.fromkeys(MANAGER_BY_PRODUCT.values())
    ),
    Mark("vagrant-libvirt", CERTAIN, _vagrant_description),
    Mark("Eucalyptus", CERTAIN, _eucalyptus_description),
    Mark("NixOps", CERTAIN, _nixops_name),
)
"""Only marks that need no second one; a bare name prefix is left to libvirt's administrator."""


# ---- Nova's marks -----------------------------------------------------------------------------


def _unreadable_block(domain: Domain) -> str | None:
    if domain.blocks and not any(block.instance for block in domain.blocks):
        return f"an element of {domain.blocks[0].namespace} that is not a readable block"
    return None


def _unknown_version(domain: Domain) -> str | None:
    for namespace in domain.namespaces:
        if namespace.startswith(NAMESPACE_STEM) and namespace not in NAMESPACES:
            return f"metadata of {namespace}, a version that is not known here"
    return None


def _nova_product(domain: Domain) -> str | None:
    product = domain.sysinfo.get("product")
    # Nova writes them together. The product alone is what people set by hand so that cloud-init
    # picks its OpenStack data source.
    others = any(domain.sysinfo.get(entry) for entry in ("version", "serial", "uuid"))
    return f"sysinfo product {product}" if product in NOVA_PRODUCTS and others else None


def _path_with_uuid(domain: Domain) -> str | None:
    uuid = (domain.uuid or "").lower()
    if not uuid:
        return None
    hardware = domain.hardware
    for what, path in (
        *(("disk", disk.source) for disk in hardware.disks),
        *(("file system", each.source) for each in hardware.file_systems),
        *(("file", path) for path in hardware.paths),
    ):
        # LXC's root file system is the folder itself.
        if uuid in instances_in_path(f"{path or ''}/"):
            return f"{what} {path} carries the domain's uuid"
    return None


def _port_behind_tap(domain: Domain) -> str | None:
    for interface in domain.hardware.interfaces:
        tap = TAP.fullmatch(interface.target or "")
        if tap and interface.port and interface.port.startswith(tap[1]):
            return f"tap device {interface.target} of the port {interface.port}"
    return None


def _tap_name(domain: Domain) -> str | None:
    for interface in domain.hardware.interfaces:
        if TAP.fullmatch(interface.target or ""):
            return f"tap device {interface.target} is named as Neutron names them"
    return None


def _serial_is_uuid(domain: Domain) -> str | None:
    if domain.uuid and domain.sysinfo.get("serial", "").lower() == domain.uuid.lower():
        return "sysinfo serial is the domain's uuid"
    return None


def _uuid_in_sysinfo(domain: Domain) -> str | None:
    if domain.uuid and domain.sysinfo.get("uuid", "").lower() == domain.uuid.lower():
        return "sysinfo holds the domain's uuid"
    return None


def _volume_serial(domain: Domain) -> str | None:
    for disk in domain.hardware.disks:
        if UUID.fullmatch(disk.serial or ""):
            return f"disk {disk.target} has a uuid as its serial, as Cinder's volumes do"
    return None


def _instance_name(domain: Domain) -> str | None:
    if DEFAULT_INSTANCE_NAME.fullmatch(domain.name or ""):
        return f"name {domain.name} is of Nova's default template"
    return None


NOVA_MARKS = (
    Mark("nova", CERTAIN, _unreadable_block),
    Mark("nova", CERTAIN, _unknown_version),
    Mark("nova", CERTAIN, _nova_product),
    Mark("nova", CERTAIN, _path_with_uuid),
    Mark("nova", CERTAIN, _port_behind_tap),
    Mark("nova", 2, _tap_name),
    # libvirt-using tools other than Nova copy the uuid there too, though few do.
    Mark("nova", 2, _serial_is_uuid),
    # libvirt accepts no other uuid in sysinfo, from any tool.
    Mark("nova", 1, _uuid_in_sysinfo),
    # oVirt and others also give disks a uuid as serial.
    Mark("nova", 1, _volume_serial),
    # Configurable in Nova, and anyone can give a domain such a name.
    Mark("nova", 1, _instance_name),
)
