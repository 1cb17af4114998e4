"""The RELAX NG schema accepts what every release of Nova writes, and little else."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from lxml import etree

from tests.support.paths import DATA, name_of

DRAFT = "http://openstack.org/nova/instance/1"
NOVA_1_0 = "http://openstack.org/xmlns/libvirt/nova/1.0"
NOVA_1_1 = "http://openstack.org/xmlns/libvirt/nova/1.1"

GOLDENS = sorted((DATA / "golden").glob("*/*.xml"))
REAL = sorted((DATA / "real").rglob("*.xml"))


@pytest.fixture(scope="module")
def schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(str(files("virsh_nova") / "block" / "rng" / "instance.rng")))


def text_of(path: str) -> str:
    return (DATA / path).read_text(encoding="utf-8")


def blocks(path: Path) -> Iterator[etree._Element]:
    """Every block in a domain, each cut out into a document of its own."""
    for element in etree.parse(str(path)).iter("{*}instance"):
        if etree.QName(element).namespace in (DRAFT, NOVA_1_0, NOVA_1_1):
            yield etree.fromstring(etree.tostring(element, with_tail=False))


def test_there_are_goldens_and_real_blocks_to_check() -> None:
    assert len({path.parent.name for path in GOLDENS}) >= 6
    assert REAL


@pytest.mark.parametrize("path", GOLDENS, ids=name_of)
def test_a_golden_is_valid(schema: etree.RelaxNG, path: Path) -> None:
    schema.assertValid(etree.parse(str(path)))


@pytest.mark.parametrize("path", REAL, ids=name_of)
def test_a_real_block_is_valid(schema: etree.RelaxNG, path: Path) -> None:
    found = list(blocks(path))
    assert found
    for block in found:
        schema.assertValid(block)


def test_the_blueprint_is_valid(schema: etree.RelaxNG) -> None:
    schema.assertValid(etree.fromstring(text_of("blueprint.xml")))


PLAIN = "golden/34.0.0/image_plain.xml"
VOLUME = "golden/34.0.0/volume_boot.xml"
NO_PORTS = "golden/34.0.0/no_ports.xml"
SPECS = "golden/34.0.0/many_extra_specs.xml"
IN_1_1 = "golden/31.3.1/no_ports.xml"
IN_1_0 = "golden/15.1.5/image_plain.xml"
BLUEPRINT = "blueprint.xml"

USER = '<nova:user uuid="79f47d31744b5500a6452cc6987041c9">demo</nova:user>'
PROJECT = '<nova:project uuid="3505505d0ff0589c949b0ed7b7e44392">demo-project</nova:project>'
OWNER = f"<nova:owner>\n    {USER}\n    {PROJECT}\n  </nova:owner>"
CREATED = "<nova:creationTime>2024-12-31 23:59:59</nova:creationTime>"


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        pytest.param(PLAIN, USER, "", id="owner-without-user"),
        pytest.param(PLAIN, OWNER, "<nova:owner/>", id="owner-empty"),
        pytest.param(IN_1_0, OWNER, "", id="1.0-without-owner"),
        pytest.param(PLAIN, ">demo<", "><", id="user-without-text"),
        pytest.param(PLAIN, "79f47d31744b5500a6452cc6987041c9", "ldap:joe", id="user-not-a-uuid"),
        pytest.param(PLAIN, ">vm-image_plain<", ">  \u202e\u009b\t <", id="name-of-odd-characters"),
        pytest.param(IN_1_1, ">vm-no_ports<", "><", id="name-empty"),
        pytest.param(PLAIN, '"34.0.0"', '"34.0.0-1.el9"', id="package-of-a-distribution"),
        pytest.param(VOLUME, 'volume" uuid=""', 'volume" uuid="x"', id="volume-with-uuid"),
        pytest.param(VOLUME, '<nova:root type="volume" uuid=""/>', "", id="no-root"),
        pytest.param(PLAIN, ">bare<", "><", id="container-format-empty"),
        pytest.param(
            PLAIN,
            f'xmlns:nova="{NOVA_1_1}"',
            f'xmlns:nova="{NOVA_1_1}" xmlns:instance="{NOVA_1_1}"',
            id="declared-twice",
        ),
    ],
)
def test_a_variant_is_valid(schema: etree.RelaxNG, path: str, old: str, new: str) -> None:
    text = text_of(path)
    assert old in text
    schema.assertValid(etree.fromstring(text.replace(old, new)))


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        # The elements and their order
        pytest.param(PLAIN, '<nova:package version="34.0.0"/>', "", id="no-package"),
        pytest.param(PLAIN, CREATED, "", id="no-creation-time"),
        pytest.param(PLAIN, OWNER, "", id="no-owner"),
        pytest.param(NO_PORTS, "<nova:ports/>", "", id="no-ports"),
        pytest.param(NO_PORTS, "<nova:ports/>", "<nova:ports/><nova:ports/>", id="ports-twice"),
        pytest.param(NO_PORTS, "<nova:ports/>", "<nova:ports/><nova:x/>", id="unknown-element"),
        pytest.param(NO_PORTS, "<nova:ports/>", "<nova:ports/>text", id="stray-text"),
        pytest.param(PLAIN, "<nova:instance ", '<nova:instance x="1" ', id="unknown-attribute"),
        pytest.param(PLAIN, f"{USER}\n    {PROJECT}", f"{PROJECT}{USER}", id="project-before-user"),
        pytest.param(
            NO_PORTS,
            f"<nova:name>vm-no_ports</nova:name>\n  {CREATED}",
            f"{CREATED}<nova:name>vm-no_ports</nova:name>",
            id="time-before-name",
        ),
        pytest.param(
            PLAIN,
            "<nova:memory>512</nova:memory>\n    <nova:disk>1</nova:disk>",
            "<nova:disk>1</nova:disk><nova:memory>512</nova:memory>",
            id="disk-before-memory",
        ),
        # One dialect's ways in another
        pytest.param(PLAIN, NOVA_1_1, "urn:other", id="other-namespace"),
        pytest.param(PLAIN, NOVA_1_1, NOVA_1_0, id="shape-of-32-in-1.0"),
        pytest.param(IN_1_1, NOVA_1_1, NOVA_1_0, id="ports-in-1.0"),
        pytest.param(IN_1_0, NOVA_1_0, NOVA_1_1, id="1.1-without-ports"),
        pytest.param(IN_1_0, NOVA_1_0, DRAFT, id="draft-in-nova-order"),
        pytest.param(BLUEPRINT, DRAFT, NOVA_1_0, id="1.0-in-draft-order"),
        pytest.param(
            IN_1_1,
            '<nova:flavor name="m1.tiny"',
            '<nova:flavor name="m" id="1"',
            id="flavor-id-without-image",
        ),
        pytest.param(PLAIN, ' id="1"', "", id="image-without-flavor-id"),
        pytest.param(PLAIN, "<nova:extraSpecs/>", "", id="image-without-extra-specs"),
        pytest.param(PLAIN, "<nova:name>vm-image_plain</nova:name>", "", id="32-without-name"),
        # Values
        pytest.param(PLAIN, ' version="34.0.0"', "", id="package-without-version"),
        pytest.param(PLAIN, '"34.0.0"', '""', id="package-version-empty"),
        pytest.param(PLAIN, ' name="m1.tiny"', "", id="flavor-without-name"),
        pytest.param(PLAIN, ">512<", ">512 MB<", id="memory-not-a-number"),
        pytest.param(PLAIN, ">512<", "><", id="memory-empty"),
        pytest.param(PLAIN, ">512<", ">-1<", id="memory-negative"),
        pytest.param(PLAIN, "<nova:vcpus>1</nova:vcpus>", "", id="no-vcpus"),
        pytest.param(PLAIN, "<nova:minRam>0<", "<nova:minRam>none<", id="min-ram-not-a-number"),
        pytest.param(PLAIN, "2024-12-31 23:59:59", "2024-12-31T23:59:59Z", id="time-in-iso-8601"),
        pytest.param(PLAIN, "2024-12-31", "2024-13-31", id="time-of-month-13"),
        pytest.param(PLAIN, ' uuid="79f47d31744b5500a6452cc6987041c9"', "", id="user-without-uuid"),
        pytest.param(PLAIN, 'type="image"', 'type="iso"', id="root-type-unknown"),
        pytest.param(VOLUME, 'volume" uuid=""', 'volume"', id="root-without-uuid"),
        pytest.param(SPECS, ' name="empty"', "", id="extra-spec-without-name"),
        pytest.param(PLAIN, 'ipVersion="4"', 'ipVersion="5"', id="ip-version-5"),
        pytest.param(PLAIN, ' address="10.0.0.3"', "", id="ip-without-address"),
        pytest.param(BLUEPRINT, "image", "image|volume", id="blueprint-taken-literally"),
    ],
)
def test_a_mutant_is_rejected(schema: etree.RelaxNG, path: str, old: str, new: str) -> None:
    text = text_of(path)
    assert old in text
    assert not schema.validate(etree.fromstring(text.replace(old, new)))


def test_a_stripped_block_is_valid_only_with_its_namespace(schema: etree.RelaxNG) -> None:
    stripped = etree.fromstring(text_of("real/spawned/nova-lab-00000006.metadata.live"))
    assert not schema.validate(stripped)
    for element in stripped.iter():
        element.tag = f"{{{NOVA_1_1}}}{element.tag}"
    schema.assertValid(stripped)
