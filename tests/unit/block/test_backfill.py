"""The mark beside a block says who wrote it, and holds only for the block it was written for."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.support import strategies
from tests.support.embedded import block
from virsh_nova.block.backfill import PREFIX, backfill_of, read_backfill, write_backfill
from virsh_nova.block.compare import digest
from virsh_nova.block.namespaces import BACKFILL, NOVA_1_1
from virsh_nova.model import Backfill
from virsh_nova.parse import parse_block

ONE = block("a", "<nova:owner/>")
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
def test_what_is_no_mark_of_ours_reads_as_none(xml: str) -> None:
    assert read_backfill(xml) is None


def test_a_block_that_nova_rewrote_counts_as_novas_again() -> None:
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
