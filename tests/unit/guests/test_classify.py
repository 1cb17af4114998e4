"""Whose a guest is, by each mark that a manager leaves, with the evidence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.embedded import block
from tests.support.paths import DATA
from virsh_nova.block.namespaces import NAMESPACES, NOVA_1_1
from virsh_nova.guests.classify import (
    CERTAIN,
    FOREIGN_MARKS,
    MANAGER_BY_NAMESPACE,
    MANAGER_BY_PRODUCT,
    NOVA_MARKS,
    NOVA_PRODUCTS,
    Mark,
    judge,
)
from virsh_nova.model import Domain, Judgement
from virsh_nova.parse import parse_domain

UUID = "8dabf68e-2eb7-4728-afea-875e75365e14"
PORT = "1c6bc659-9414-442c-9914-f2ec9c6a8a85"
VOLUME = "c2331ad9-afdb-4fc3-97c9-2e93e78d6249"


def domain(
    *,
    name: str = "guest",
    uuid: str = UUID,
    metadata: str = "",
    description: str = "",
    sysinfo: str = "",
    devices: str = "",
) -> Domain:
    return parse_domain(
        f"<domain><name>{name}</name><uuid>{uuid}</uuid><description>{description}</description>"
        f"<metadata>{metadata}</metadata>"
        f"<sysinfo type='smbios'><system>{sysinfo}</system></sysinfo>"
        f"<devices>{devices}</devices></domain>"
    )


def product(text: str) -> str:
    return f"<entry name='product'>{text}</entry>"


def nova_product(text: str) -> str:
    return product(text) + "<entry name='version'>34.0.0</entry>"


def disk(source: str = "", serial: str = "") -> str:
    return f"<disk>{source}<target dev='vda'/><serial>{serial}</serial></disk>"


def nic(target: str, port: str = "") -> str:
    parameters = f"<virtualport><parameters interfaceid='{port}'/></virtualport>" if port else ""
    return f"<interface><target dev='{target}'/>{parameters}</interface>"


GUESTFS_CHANNEL = (
    "<channel type='unix'><target type='virtio' name='org.libguestfs.channel.0'/></channel>"
)

# Of each mark: a guest that shows it and none of the others.
SHOWS_FOREIGN_MARK = {
    "libguestfs": domain(devices=GUESTFS_CHANNEL),
    "CloudStack": domain(sysinfo=product("CloudStack KVM Hypervisor")),
    "oVirt": domain(sysinfo=product("RHEV Hypervisor")),
    "vagrant-libvirt": domain(description="Source: /home/me/box/Vagrantfile"),
    "Eucalyptus": domain(description="Eucalyptus instance i-4A3F0742"),
    "NixOps": domain(name=f"nixops-{VOLUME}-webserver"),
}

SHOWS_NOVA_MARK: dict[str, Domain] = {
    "_unreadable_block": domain(metadata=f'<server xmlns="{NOVA_1_1}"/>'),
    "_nova_product": domain(sysinfo=nova_product("OpenStack Nova")),
    "_path_with_uuid": domain(
        devices=disk(f"<source file='/var/lib/nova/instances/{UUID}/disk'/>")
    ),
    "_port_behind_tap": domain(devices=nic(f"tap{PORT[:11]}", PORT)),
    "_tap_name": domain(devices=nic(f"tap{PORT[:11]}")),
    "_unknown_version": domain(
        metadata="<n:instance xmlns:n='http://openstack.org/xmlns/libvirt/nova/1.2'/>"
    ),
    "_uuid_in_sysinfo": domain(sysinfo=f"<entry name='uuid'>{UUID}</entry>"),
    "_serial_is_uuid": domain(sysinfo=f"<entry name='serial'>{UUID}</entry>"),
    "_volume_serial": domain(devices=disk(serial=VOLUME)),
    "_instance_name": domain(name="instance-0000002a"),
}


def name_of(mark: Mark) -> str:
    return mark.find.__name__


def test_every_mark_has_a_guest_here_that_shows_it() -> None:
    assert {mark.manager for mark in FOREIGN_MARKS} == set(SHOWS_FOREIGN_MARK)
    assert {name_of(mark) for mark in NOVA_MARKS} == set(SHOWS_NOVA_MARK)


@pytest.mark.parametrize("mark", FOREIGN_MARKS, ids=lambda mark: mark.manager)
def test_the_mark_of_another_manager_makes_a_foreign_guest(mark: Mark) -> None:
    guest = SHOWS_FOREIGN_MARK[mark.manager]
    found = mark.find(guest)
    assert found
    assert judge(guest) == Judgement("foreign", mark.manager, (found,))


@pytest.mark.parametrize("mark", FOREIGN_MARKS, ids=lambda mark: mark.manager)
def test_a_mark_shows_on_no_other_managers_guest(mark: Mark) -> None:
    others = [guest for who, guest in SHOWS_FOREIGN_MARK.items() if who != mark.manager]
    assert not any(mark.find(guest) for guest in [*others, *SHOWS_NOVA_MARK.values(), domain()])


@pytest.mark.parametrize("mark", NOVA_MARKS, ids=name_of)
def test_a_mark_of_nova_is_found_where_it_is_and_only_there(mark: Mark) -> None:
    shown_by = {name for name, guest in SHOWS_NOVA_MARK.items() if mark.find(guest)}
    # A tap that its port proves is named as Neutron names taps as well.
    expected = {name_of(mark)} | ({"_port_behind_tap"} if name_of(mark) == "_tap_name" else set())
    assert shown_by == expected
    assert not any(mark.find(guest) for guest in [*SHOWS_FOREIGN_MARK.values(), domain()])


@pytest.mark.parametrize("mark", NOVA_MARKS, ids=name_of)
def test_a_certain_mark_of_nova_suffices_and_a_lesser_one_does_not(mark: Mark) -> None:
    guest = SHOWS_NOVA_MARK[name_of(mark)]
    judgement = judge(guest)
    assert mark.find(guest) in judgement.evidence
    if mark.weight >= CERTAIN:
        assert (judgement.kind, judgement.manager) == ("nova-unstamped", "nova")
        assert not any("guess" in text for text in judgement.evidence)
    else:
        assert (judgement.kind, judgement.manager) == ("foreign", "unknown")


@pytest.mark.parametrize("text", NOVA_PRODUCTS)
def test_each_product_name_of_nova_is_known(text: str) -> None:
    assert judge(domain(sysinfo=nova_product(text))).kind == "nova-unstamped"


@pytest.mark.parametrize("text", NOVA_PRODUCTS)
def test_the_product_alone_is_set_for_cloud_init_and_says_nothing(text: str) -> None:
    assert judge(domain(sysinfo=product(text))) == Judgement("foreign", "unknown", ())


@pytest.mark.parametrize("entry", ["version", "serial", "uuid"])
def test_the_product_counts_with_any_of_what_nova_writes_beside_it(entry: str) -> None:
    text = product("OpenStack Nova") + f"<entry name='{entry}'>34.0.0</entry>"
    assert judge(domain(sysinfo=text)).kind == "nova-unstamped"


@pytest.mark.parametrize(
    "devices",
    [f"<filesystem type='mount'><source dir='/var/lib/nova/instances/{UUID}/rootfs'/></filesystem>",
     f"<console type='file'><source path='/var/lib/nova/instances/{UUID}/console.log'/></console>",
     f"<serial type='pty'><log file='/var/lib/nova/instances/{UUID}/console.log'/></serial>"],
    ids=["file system", "console", "log"],
)  # fmt: skip
def test_the_instances_folder_counts_wherever_it_is(devices: str) -> None:
    judgement = judge(domain(devices=devices))
    assert judgement.kind == "nova-unstamped"
    assert "carries the domain's uuid" in judgement.evidence[0]


@pytest.mark.parametrize(("text", "manager"), MANAGER_BY_PRODUCT.items())
def test_each_product_name_of_others_is_known(text: str, manager: str) -> None:
    assert judge(domain(sysinfo=product(text))).manager == manager


@pytest.mark.parametrize(("namespace", "manager"), MANAGER_BY_NAMESPACE.items())
def test_the_metadata_of_another_manager_makes_a_foreign_guest(
    namespace: str, manager: str
) -> None:
    judgement = judge(domain(metadata=f'<x xmlns="{namespace}"><secret>pw</secret></x>'))
    assert judgement == Judgement("foreign", manager, (f"metadata of {namespace}",))


def test_lesser_marks_together_are_a_guess_and_called_one() -> None:
    guest = domain(name="instance-0000002a", devices=disk(serial=VOLUME) + nic(f"tap{PORT[:11]}"))
    judgement = judge(guest)
    assert (judgement.kind, judgement.manager) == ("nova-unstamped", "nova")
    assert judgement.evidence[0] == "a guess from lesser marks together"
    assert len(judgement.evidence) == 4


def test_lesser_marks_that_do_not_suffice_are_shown_as_evidence() -> None:
    judgement = judge(domain(name="instance-0000002a", devices=disk(serial=VOLUME)))
    assert (judgement.kind, judgement.manager) == ("foreign", "unknown")
    assert len(judgement.evidence) == 2


def test_a_plain_guest_is_foreign_of_unknown_origin() -> None:
    assert judge(domain()) == Judgement("foreign", "unknown", ())


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_block_that_can_be_read_settles_it(namespace: str) -> None:
    judgement = judge(domain(metadata=block("x", namespace=namespace)))
    assert judgement == Judgement("nova", "nova", (f"metadata block {namespace}",))


def test_a_block_settles_it_and_contrary_marks_are_shown() -> None:
    judgement = judge(domain(metadata=block("x"), sysinfo=product("RHEV Hypervisor")))
    assert judgement.kind == "nova"
    assert judgement.evidence == (
        f"metadata block {NOVA_1_1}",
        "sysinfo product RHEV Hypervisor",
    )


def test_an_older_block_counts_where_the_newest_cannot_be_read() -> None:
    metadata = f'<server xmlns="{NAMESPACES[0]}"/>' + block("x", namespace=NAMESPACES[1])
    assert judge(domain(metadata=metadata)).evidence[0] == f"metadata block {NAMESPACES[1]}"


def test_another_managers_mark_outweighs_novas() -> None:
    judgement = judge(
        domain(
            devices=GUESTFS_CHANNEL + disk(f"<source file='/var/lib/nova/instances/{UUID}/disk'/>")
        )
    )
    assert (judgement.kind, judgement.manager) == ("foreign", "libguestfs")
    assert len(judgement.evidence) == 2


def test_sushy_tools_has_an_openstack_uri_and_is_not_nova() -> None:
    metadata = '<sushy:bios xmlns:sushy="http://openstack.org/xmlns/libvirt/sushy"/>'
    judgement = judge(domain(metadata=metadata))
    assert (judgement.kind, judgement.manager) == ("foreign", "sushy-tools")


def test_libosinfo_shows_the_guests_os_and_no_manager() -> None:
    metadata = '<os:libosinfo xmlns:os="http://libosinfo.org/xmlns/libvirt/domain/1.0"/>'
    assert judge(domain(metadata=metadata)) == Judgement("foreign", "unknown", ())


def test_metadata_alone_makes_no_nova_guest() -> None:
    assert judge(domain(metadata='<x xmlns="urn:mine"/><y/>')) == judge(domain())


@pytest.mark.parametrize(
    "look_alike",
    [
        pytest.param(lambda: domain(name="instance-2a"), id="name-too-short"),
        pytest.param(lambda: domain(name="instance-0000002a-old"), id="name-goes-on"),
        pytest.param(lambda: domain(devices=nic("tap0")), id="tap-of-another-tool"),
        pytest.param(lambda: domain(devices=nic("vnet3", PORT)), id="port-without-tap"),
        pytest.param(lambda: domain(devices=disk(serial="QM00001")), id="serial-of-qemu"),
        pytest.param(lambda: domain(sysinfo=product("OpenStack Novality")), id="product"),
        pytest.param(lambda: domain(description="Source: /x/Makefile"), id="makefile"),
        pytest.param(lambda: domain(description="an Eucalyptus instance "), id="description"),
        pytest.param(lambda: domain(name="nixops-webserver"), id="nixops-without-uuid"),
        pytest.param(lambda: domain(name=f"{VOLUME}-x"), id="uuid-without-nixops"),
        pytest.param(
            lambda: domain(devices=disk(f"<source file='/var/lib/nova/instances/{VOLUME}/disk'/>")),
            id="disk-of-another-guest",
        ),
        pytest.param(
            lambda: domain(uuid="", devices=disk("<source file='/instances//disk'/>")),
            id="no-uuid",
        ),
    ],
)
def test_what_only_looks_like_a_mark_is_not_one(look_alike: Callable[[], Domain]) -> None:
    assert judge(look_alike()) == Judgement("foreign", "unknown", ())


def test_a_ceph_image_with_the_domains_uuid_is_a_mark() -> None:
    source = f"<source protocol='rbd' name='vms/{UUID}_disk'/>"
    assert judge(domain(devices=disk(source))).kind == "nova-unstamped"


def test_a_uuid_in_capitals_is_the_same() -> None:
    guest = domain(
        uuid=UUID.upper(),
        sysinfo=f"<entry name='serial'>{UUID}</entry>",
        devices=disk(f"<source file='/var/lib/nova/instances/{UUID}/disk'/>"),
    )
    assert judge(guest).kind == "nova-unstamped"
    assert len(judge(guest).evidence) == 2


# ---- real guests ------------------------------------------------------------------------------

each_real_guest = pytest.mark.parametrize(
    "path",
    sorted((DATA / "real").rglob("*.xml")),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)


@each_real_guest
def test_a_real_guest_of_nova_is_novas(path: Path) -> None:
    judgement = judge(parse_domain(path.read_text(encoding="utf-8")))
    assert (judgement.kind, judgement.manager) == ("nova", "nova")
    assert "sysinfo product OpenStack Nova" in judgement.evidence


@each_real_guest
def test_a_real_guest_of_nova_is_known_without_its_block(path: Path) -> None:
    xml = path.read_text(encoding="utf-8")
    before, _, rest = xml.partition("<metadata>")
    _, _, after = rest.partition("</metadata>")
    judgement = judge(parse_domain(before + after))
    assert (judgement.kind, judgement.manager) == ("nova-unstamped", "nova")
    assert not any("guess" in text for text in judgement.evidence)


def test_a_real_libguestfs_appliance_is_foreign_though_it_mounts_a_disk_of_nova() -> None:
    xml = (DATA / "foreign/guestfs.xml").read_text(encoding="utf-8")
    assert "/var/lib/nova/instances/" in xml
    judgement = judge(parse_domain(xml))
    assert judgement == Judgement(
        "foreign", "libguestfs", ("virtio channel org.libguestfs.channel.0",)
    )
