"""The schema of what stamp writes: every block of Nova's without some parts, and little else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from lxml import etree

from tests.support import strategies
from tests.support.paths import DATA, name_of
from tests.support.plans import Case, cases, to_write
from virsh_nova.block import schema as schemas
from virsh_nova.block.facts import SHAPES, facts_of, instance_of
from virsh_nova.block.namespaces import NOVA_1_0, NOVA_1_1
from virsh_nova.block.releases import DRAFT_RELEASE, RELEASES
from virsh_nova.block.schema import SCHEMAS
from virsh_nova.model import Address, Instance, Port
from virsh_nova.parse import parse_block
from virsh_nova.write import bare_element

GOLDENS = [*sorted((DATA / "golden").glob("*/*.xml")), DATA / "blueprint.xml"]


@pytest.fixture(scope="module")
def schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(os.path.join(SCHEMAS, "backfill.rng")))


def flaw(instance: Instance) -> str | None:
    return schemas.flaw(bare_element(instance), instance.namespace)


def instance_in(path: Path) -> Instance:
    instance = parse_block(path.read_text(encoding="utf-8")).instance
    assert instance is not None
    return instance


@pytest.mark.parametrize("path", GOLDENS, ids=name_of)
def test_every_golden_is_accepted(schema: etree.RelaxNG, path: Path) -> None:
    schema.assertValid(etree.fromstring(path.read_bytes()))
    assert flaw(instance_in(path)) is None


@pytest.mark.parametrize("path", GOLDENS, ids=name_of)
def test_every_golden_is_accepted_with_any_one_fact_left_out(path: Path) -> None:
    instance = instance_in(path)
    facts = facts_of(instance)
    for key in facts:
        left = {other: value for other, value in facts.items() if other != key}
        assert flaw(instance_of(left, instance.namespace)) is None, key


@pytest.mark.parametrize("key", SHAPES)
def test_every_single_fact_is_accepted(key: str) -> None:
    facts = facts_of(instance_in(DATA / "golden/34.0.0/ports_v4_v6_floating.xml"))
    assert flaw(instance_of({key: facts[key]}, NOVA_1_1)) is None


@given(strategies.facts())
def test_any_facts_are_accepted_in_the_shape_of_any_release(facts: dict[str, Any]) -> None:
    for release in (*RELEASES.values(), DRAFT_RELEASE):
        assert flaw(release.shape(instance_of(facts, release.namespace))) is None


@given(case=cases())
def test_whatever_a_plan_writes_is_accepted(schema: etree.RelaxNG, case: Case) -> None:
    """Beyond what an existing block held beside Nova's own elements, which fill keeps."""
    for step in to_write(case.plan()):
        for edit in step.edits:
            if edit.after and edit.after.startswith("<instance") and not case.asked.fill:
                block = etree.fromstring(edit.after)
                for element in block.iter("{}*"):
                    element.tag = f"{{{edit.namespace}}}{element.tag}"
                schema.assertValid(block)


GOLDEN = (DATA / "golden/34.0.0/image_plain.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<nova:vcpus>1</nova:vcpus>", "<nova:vcpus>two</nova:vcpus>"),
        ("<nova:vcpus>1</nova:vcpus>", "<nova:vcpus>-1</nova:vcpus>"),
        ("<nova:vcpus>1</nova:vcpus>", "<nova:cpus>1</nova:cpus>"),
        (
            "<nova:memory>512</nova:memory>",
            "<nova:disk>1</nova:disk><nova:memory>512</nova:memory>",
        ),
        ('<nova:package version="34.0.0"/>', '<nova:package version=""/>'),
        ('<nova:package version="34.0.0"/>', "<nova:package/>"),
        ("2024-12-31 23:59:59", "2024-12-31T23:59:59Z"),
        ("2024-12-31 23:59:59", "2024-12-32 23:59:59"),
        ('type="image"', 'type="iso"'),
        ('ipVersion="4"', 'ipVersion="5"'),
        ('address="10.0.0.3"', 'address=""'),
        ("<nova:owner>", '<nova:owner by="me">'),
        ("</nova:instance>", "<nova:later/></nova:instance>"),
        ("</nova:instance>", "text</nova:instance>"),
        (NOVA_1_1, NOVA_1_0),
        (NOVA_1_1, "urn:other"),
        (NOVA_1_1, "http://openstack.org/nova/instance/1"),
    ],
)
def test_another_order_or_type_is_rejected(schema: etree.RelaxNG, old: str, new: str) -> None:
    assert old in GOLDEN
    assert not schema.validate(etree.fromstring(GOLDEN.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"package": ""}, "the version of <package> is empty"),
        ({"flavor.vcpus": -1}, "<vcpus> is not a number: -1"),
        ({"root.type": "iso"}, "the type of <root> is neither image nor volume: iso"),
        ({"ports": (Port(None, ()),)}, "<port> has no uuid"),
        (
            {"ports": (Port("x", (Address("fixed", "10.0.0.1", 5),)),)},
            "the ipVersion of <ip> is neither 4 nor 6: 5",
        ),
    ],
)
def test_what_is_wrong_is_said(facts: dict[str, Any], said: str) -> None:
    assert flaw(instance_of(facts, NOVA_1_1)) == f"it does not fit the schema: {said}"


def test_what_has_no_place_in_a_namespace_is_rejected() -> None:
    facts = facts_of(instance_in(DATA / "golden/34.0.0/image_plain.xml"))
    assert flaw(instance_of(facts, NOVA_1_0)) is not None
    assert flaw(instance_of({"ports": ()}, NOVA_1_0)) is not None
