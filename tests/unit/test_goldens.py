"""Every golden block, of every release, is read in full and written back as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from lxml import etree

from tests.support.goldens import INPUTS
from tests.support.paths import DATA, name_of
from virsh_nova.block.namespaces import DRAFT, NOVA_1_0, NOVA_1_1
from virsh_nova.model import (
    Address,
    Flavor,
    Identity,
    Image,
    Instance,
    Owner,
    Port,
    Root,
    Unknown,
)
from virsh_nova.parse import parse_block, parse_domain
from virsh_nova.write import write_block

GOLDENS = sorted((DATA / "golden").glob("*/*.xml"))
BLUEPRINT = DATA / "blueprint.xml"
REAL = sorted((DATA / "real").rglob("*.metadata.live"))


each_golden = pytest.mark.parametrize("path", GOLDENS, ids=name_of)
each_block = pytest.mark.parametrize("path", [*GOLDENS, BLUEPRINT], ids=name_of)


def release(path: Path) -> int:
    return int(path.parent.name.partition(".")[0])


def read(path: Path) -> Instance:
    block = parse_block(path.read_text(encoding="utf-8"))
    assert block.faults == ()
    assert block.instance is not None
    return block.instance


def c14n(xml: str) -> bytes:
    return etree.tostring(etree.fromstring(xml.encode()), method="c14n")


@each_block
def test_every_part_of_a_golden_is_understood(path: Path) -> None:
    assert read(path).unknown == ()


@each_block
def test_writing_gives_canonically_the_same_xml(path: Path) -> None:
    assert c14n(write_block(read(path))) == c14n(path.read_text(encoding="utf-8"))


@each_golden
def test_what_nova_was_given_is_what_is_read(path: Path) -> None:
    instance, given = read(path), INPUTS[path.stem]
    nova = release(path)
    assert instance.namespace == (NOVA_1_0 if nova < 23 else NOVA_1_1)
    assert instance.package == path.parent.name
    unnamed = given["uuid"] if nova >= 30 else None
    assert (instance.name or None) == (given["display_name"] or unnamed)
    assert instance.created == datetime.fromtimestamp(int(given["time"]), timezone.utc)


@each_golden
def test_the_flavor_is_the_one_nova_was_given(path: Path) -> None:
    flavor, given = read(path).flavor, INPUTS[path.stem]["flavor"]
    assert flavor is not None
    assert flavor == Flavor(
        name=given["name"],
        id=given["flavorid"] if release(path) >= 32 else None,
        memory_mib=given["memory_mb"],
        disk_gib=given["root_gb"],
        swap_mib=given["swap"],
        ephemeral_gib=given["ephemeral_gb"],
        vcpus=given["vcpus"],
        extra_specs=given["extra_specs"] if release(path) >= 32 else None,
    )


@each_golden
def test_the_owner_is_the_one_nova_was_given(path: Path) -> None:
    given = INPUTS[path.stem]
    names = given["system_metadata"]
    assert read(path).owner == Owner(
        Identity(given["user_id"], names.get("owner_user_name", "N/A")),
        Identity(given["project_id"], names.get("owner_project_name", "N/A")),
    )


@each_golden
def test_the_root_is_the_image_or_the_volume(path: Path) -> None:
    given, root = INPUTS[path.stem], read(path).root
    if not given["image_ref"]:
        assert root == (Root("volume", "") if release(path) >= 30 else None)
    elif release(path) >= 32:
        assert root == Root("image", given["system_metadata"]["image_base_image_ref"])
    else:
        assert root == Root("image", given["image_ref"])


@each_golden
def test_the_image_is_there_since_nova_32(path: Path) -> None:
    image, given = read(path).image, INPUTS[path.stem]["system_metadata"]
    if release(path) < 32:
        assert image is None
        return
    assert image is not None
    assert image.uuid == given.get("image_base_image_ref", "")
    assert image.disk_format == given.get("image_disk_format")
    assert image.container_format == given.get("image_container_format")
    assert image.properties is not None
    if path.stem == "image_props":
        assert image.properties["hw_qemu_guest_agent"] == "True"
        assert image.properties["traits_required"] == "['HW_CPU_X86_AVX2']"
        assert image.properties["os_admin_user"] == given["image_os_admin_user"]


@each_golden
def test_the_ports_hold_their_fixed_addresses_since_nova_23(path: Path) -> None:
    expected = tuple(
        Port(
            vif["id"],
            tuple(
                Address("fixed", ip["address"], ip["version"])
                for subnet in vif["network"]["subnets"]
                for ip in subnet["ips"]
            ),
        )
        for vif in INPUTS[path.stem]["network_info"]
    )
    assert read(path).ports == (expected if release(path) >= 23 else None)


def test_the_blueprints_example_is_read() -> None:
    assert read(BLUEPRINT) == Instance(
        namespace=DRAFT,
        package="2014.2.3",
        name="demo1vm",
        created=datetime(2014, 12, 25, 12, 3, 20, tzinfo=timezone.utc),
        flavor=Flavor("m1.small", None, 512, 10, 0, 0, 1),
        owner=Owner(
            Identity("85bd45c0...213684", "joe"), Identity("d33b8c0e...342d69", "acmecorp")
        ),
        root=Root("image", "69f2991b...f29a8bc"),
    )


# ---- other forms of the same block ------------------------------------------------------------


def stripped(xml: str) -> str:
    """As ``virDomainGetMetadata`` gives it: the namespace taken from every element."""
    root = etree.fromstring(xml.encode())
    for element in root.iter("*"):
        element.tag = etree.QName(element).localname
    etree.cleanup_namespaces(root)
    return etree.tostring(root, encoding="unicode")


def with_prefix(xml: str, prefix: str) -> str:
    return re.sub(r"(</?)nova:", rf"\g<1>{prefix}:", xml).replace("xmlns:nova", f"xmlns:{prefix}")


def in_default_namespace(xml: str) -> str:
    return re.sub(r"(</?)nova:", r"\g<1>", xml).replace("xmlns:nova", "xmlns")


@each_block
def test_the_stripped_form_reads_the_same(path: Path) -> None:
    xml = path.read_text(encoding="utf-8")
    block = parse_block(stripped(xml), read(path).namespace)
    assert block.instance == read(path)
    assert block.faults == ()


@each_block
@pytest.mark.parametrize("prefix", ["instance", "_1", "ns0"])
def test_any_prefix_reads_the_same(path: Path, prefix: str) -> None:
    xml = path.read_text(encoding="utf-8")
    assert f"<{prefix}:instance" in with_prefix(xml, prefix)
    assert parse_block(with_prefix(xml, prefix)).instance == read(path)


@each_block
def test_no_prefix_reads_the_same(path: Path) -> None:
    assert parse_block(in_default_namespace(path.read_text("utf-8"))).instance == read(path)


@each_block
def test_a_block_reads_the_same_inside_a_domain(path: Path) -> None:
    xml = path.read_text(encoding="utf-8")
    domain = parse_domain(f"<domain><metadata>{xml}</metadata></domain>")
    (block,) = domain.blocks
    assert block.instance == read(path)
    assert domain.namespaces == (block.namespace,)


@pytest.mark.parametrize("path", REAL, ids=name_of)
def test_a_real_guests_metadata_and_its_live_xml_read_the_same(path: Path) -> None:
    whole = path.with_name(path.name.replace(".metadata.live", ".live.xml"))
    (block,) = parse_domain(whole.read_text(encoding="utf-8")).blocks
    assert block.faults == ()
    assert parse_block(path.read_text(encoding="utf-8"), NOVA_1_1).instance == block.instance


# ---- completeness -----------------------------------------------------------------------------


def parts(value: object) -> Iterator[tuple[type, str]]:
    """Every field that holds something, in the instance and all below it."""
    if hasattr(value, "_fields"):
        for field in value._fields:
            inner = getattr(value, field)
            if inner is not None and inner != () and inner != {}:
                yield type(value), field
                yield from parts(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from parts(inner)


def test_every_field_of_the_model_is_held_by_a_golden() -> None:
    model = (Instance, Flavor, Image, Owner, Identity, Root, Port, Address)
    declared = {(kind, field) for kind in model for field in kind._fields}
    held = {part for path in GOLDENS for part in parts(read(path))}
    # Only what no Nova writes is not in what Nova wrote.
    assert declared - held == {(Instance, "unknown")}
    assert not any(kind is Unknown for kind, _ in held)


def test_every_release_with_a_shape_of_its_own_is_there() -> None:
    assert {release(path) for path in GOLDENS} >= {15, 23, 29, 31, 33, 34}
    assert len(GOLDENS) == len(INPUTS) * len({path.parent for path in GOLDENS})
