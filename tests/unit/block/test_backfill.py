"""One text for one meaning, and the mark beside a block that says who wrote it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.support import strategies
from tests.support.hosts import block
from virsh_nova.backfill import PREFIX, backfill_of, read_backfill, write_backfill
from virsh_nova.canonical import bare, canonical, digest, prefix_of, same
from virsh_nova.dialect import BACKFILL, NOVA_1_0, NOVA_1_1
from virsh_nova.model import Backfill, Instance
from virsh_nova.parse import parse_block
from virsh_nova.write import bare_block, write_block

ONE = (
    f'<nova:instance xmlns:nova="{NOVA_1_1}"><nova:name>a</nova:name><nova:owner/></nova:instance>'
)


# ---- canonical --------------------------------------------------------------------------------


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
def test_everything_else_does(other: str | None) -> None:
    assert not same(ONE, other, NOVA_1_1)
    assert not same(other, ONE, NOVA_1_1)


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
    assert parse_block(bare(written, instance.namespace), instance.namespace).instance == instance


@given(st.text(max_size=60))
def test_what_is_no_xml_is_compared_as_it_is(text: str) -> None:
    broken = "<instance>" + text.replace(">", "")
    assert canonical(broken, NOVA_1_1) == bare(broken, NOVA_1_1) == broken
    assert same(broken, broken, NOVA_1_1)


@pytest.mark.parametrize(
    ("xml", "prefix"),
    [
        (ONE, "nova"), ("<instance/>", ""), (" <a:b>", "a"), ("<a:b/>", "a"), ("<b c='x:y'/>", ""),
    ],
)  # fmt: skip
def test_the_prefix_that_an_element_had(xml: str, prefix: str) -> None:
    assert prefix_of(xml) == prefix


# ---- the mark ---------------------------------------------------------------------------------

MARK = Backfill(
    at=datetime(2026, 11, 22, 12, 34, 56, tzinfo=timezone.utc),
    by="root@compute-1",
    sources=("the guest", "servers.json"),
    tool="1.1.0",
    digest=digest(ONE, NOVA_1_1),
)


def test_the_mark_says_when_by_whom_and_from_what() -> None:
    assert write_backfill(MARK) == (
        '<backfill at="2026-11-22T12:34:56Z" by="root@compute-1" tool="1.1.0" '
        f'digest="{MARK.digest}"><source>the guest</source><source>servers.json</source>'
        "</backfill>"
    )


@given(
    st.builds(
        Backfill,
        at=strategies.moments,
        by=strategies.texts(),
        sources=st.lists(strategies.texts(), max_size=3).map(tuple),
        tool=strategies.texts(),
        digest=strategies.texts(),
    )
)
def test_what_is_written_is_what_is_read_with_any_prefix(mark: Backfill) -> None:
    written = write_backfill(mark)
    assert read_backfill(written) == mark
    element = etree.fromstring(written.encode())
    for inner in element.iter("*"):
        inner.tag = f"{{{BACKFILL}}}{inner.tag}"
    assert read_backfill(etree.tostring(element, encoding="unicode")) == mark


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<backfill",
        "<backfill/>",
        "<backfill at='yesterday'/>",
        "<other at='2026-11-22T12:34:56Z'/>",
    ],
)
def test_what_is_none_of_ours_is_none(xml: str) -> None:
    assert read_backfill(xml) is None


def test_a_block_that_nova_has_written_anew_is_novas_again() -> None:
    written, mark = parse_block(ONE), write_backfill(MARK)
    assert backfill_of(written, mark) == MARK
    assert backfill_of(parse_block(block("by Nova")), mark) is None
    assert backfill_of(written, None) is None
    assert backfill_of(None, mark) is None
    # A mere change of layout or prefix is no new block.
    assert backfill_of(parse_block(ONE.replace("nova:", "x:").replace(":nova", ":x")), mark) == MARK


def test_the_mark_has_a_namespace_and_prefix_of_its_own() -> None:
    assert "nova/" not in BACKFILL
    assert PREFIX not in ("nova", "instance")
