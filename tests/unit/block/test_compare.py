"""Blocks that mean the same are the same, whatever their prefix and layout."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import strategies
from tests.support.embedded import block
from virsh_nova.block.compare import bare, canonical, digest, prefix_of, same
from virsh_nova.block.namespaces import NOVA_1_0, NOVA_1_1
from virsh_nova.model import Instance
from virsh_nova.parse import parse_block
from virsh_nova.write import bare_block, write_block

ONE = block("a", "<nova:owner/>")


@pytest.mark.parametrize(
    "other",
    [
        "<instance><name>a</name><owner/></instance>",
        "<instance>\n  <name>a</name>\n  <owner></owner>\n</instance>",
        f'<instance xmlns="{NOVA_1_1}"><name>a</name><owner/></instance>',
        f'<x:instance xmlns:x="{NOVA_1_1}"><x:name>a</x:name><x:owner/></x:instance>',
        f'<instance xmlns:instance="{NOVA_1_1}"><name>&#97;</name><owner/></instance>',
    ],
)
def test_prefix_declarations_and_layout_make_no_difference(other: str) -> None:
    assert same(ONE, other, NOVA_1_1)
    assert digest(ONE, NOVA_1_1) == digest(other, NOVA_1_1)


@pytest.mark.parametrize(
    "other",
    [
        None,
        "<instance><name> a</name><owner/></instance>",
        "<instance><owner/><name>a</name></instance>",
        "<instance><name>a</name><owner>x</owner></instance>",
        "<instance by='me'><name>a</name><owner/></instance>",
        "<instance><name>a</name><owner/><!-- seen --></instance>",
        f'<instance xmlns="{NOVA_1_0}"><name>a</name><owner/></instance>',
        "<instance><name>a</name><owner/>",
        "",
    ],
)
def test_everything_else_makes_a_difference(other: str | None) -> None:
    assert not same(ONE, other, NOVA_1_1)
    assert not same(other, ONE, NOVA_1_1)


@pytest.mark.parametrize("inner", ['<k:x xmlns:k="kvirt"/>', '<x xmlns="unraid"> y </x>'])
def test_a_namespace_that_is_a_relative_uri_can_be_compared(inner: str) -> None:
    one = f"<instance><name>a</name>{inner}</instance>"
    other = f'<n:instance xmlns:n="{NOVA_1_1}">\n<n:name>a</n:name>\n{inner}</n:instance>'
    assert same(one, other, NOVA_1_1)
    assert digest(one, NOVA_1_1) == digest(other, NOVA_1_1)
    assert not same(one, other.replace(">a<", ">b<"), NOVA_1_1)
    assert not same(one, "<instance><name>a</name></instance>", NOVA_1_1)
    assert not same(one, one.replace("kvirt", "k").replace("unraid", "u"), NOVA_1_1)


def test_an_entity_can_be_compared() -> None:
    one = '<!DOCTYPE instance [<!ENTITY e "x">]><instance><name>&e;</name></instance>'
    assert same(one, one.replace("><name>", ">\n<name>"), NOVA_1_1)
    assert not same(one, "<instance><name>x</name></instance>", NOVA_1_1)


def test_blanks_in_texts_count() -> None:
    padded = "<instance><name> a </name></instance>"
    assert not same(padded, "<instance><name>a</name></instance>", NOVA_1_1)
    assert same(padded, "<instance>\n <name> a </name>\n</instance>", NOVA_1_1)


def test_nothing_is_the_same_as_nothing_only() -> None:
    assert same(None, None, NOVA_1_1)
    assert not same(None, "<instance/>", NOVA_1_1)


@given(strategies.instances)
def test_a_block_is_the_same_bare_and_in_its_namespace(instance: Instance) -> None:
    written = write_block(instance)
    assert same(written, bare_block(instance), instance.namespace)
    assert same(written, bare(written, instance.namespace), instance.namespace)
    read = parse_block(bare(written, instance.namespace), instance.namespace).instance
    # Of what no Nova writes, too, the blanks that only lay it out are gone.
    assert read is not None
    assert same(write_block(read), written, instance.namespace)
    assert read._replace(unknown=()) == instance._replace(unknown=())


@given(st.text(max_size=60))
def test_what_is_not_xml_is_compared_as_it_is(text: str) -> None:
    broken = "<instance>" + text.replace(">", "")
    assert canonical(broken, NOVA_1_1) == bare(broken, NOVA_1_1) == broken
    assert same(broken, broken, NOVA_1_1)


@pytest.mark.parametrize(
    ("xml", "prefix"),
    [
        (ONE, "nova"), ("<instance/>", ""), (" <a:b>", "a"), ("<a:b/>", "a"), ("<b c='x:y'/>", ""),
    ],
)  # fmt: skip
def test_the_prefix_of_an_element_is_found(xml: str, prefix: str) -> None:
    assert prefix_of(xml) == prefix


def test_a_relative_uri_as_a_namespace_is_compared_all_the_same() -> None:
    """libvirt lets it in; C14N refuses it."""
    one = '<instance><x xmlns="relative/uri"> a </x></instance>'
    assert same(one, one.replace("><x", ">\n  <x"), NOVA_1_1)
    assert not same(one, one.replace("a", "b"), NOVA_1_1)
    assert digest(one, NOVA_1_1) != digest(one.replace("a", "b"), NOVA_1_1)


@pytest.mark.parametrize(
    ("xml", "prefix"),
    [
        ("", ""), (" ", ""), ("<", ""), ("<a/>", ""), ("<a:b/>", "a"),
        ("\n<a-b.c:d e='f'>", "a-b.c"), ("<a href='x:y'/>", ""), ("<!-- a:b -->", ""),
        ("text a:b", ""),
    ],
)  # fmt: skip
def test_the_prefix_is_that_of_the_first_tag(xml: str, prefix: str) -> None:
    assert prefix_of(xml) == prefix
