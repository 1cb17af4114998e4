"""A part that was read before is not read again, and the result is the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import DATA
from virsh_nova.block import known_parts as recurring
from virsh_nova.block.namespaces import NOVA_1_1
from virsh_nova.model import Instance
from virsh_nova.parse import parse_block

GOLDENS = sorted((DATA / "golden").glob("*/*.xml"))

KNOWN = (
    '<instance><package version="34.0.0"/><name>a</name>'
    '<flavor name="m1.small" id="1"><memory>512</memory></flavor>'
    '<owner><user uuid="u">joe</user><project uuid="p">acme</project></owner></instance>'
)


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    recurring._known.clear()
    yield
    recurring._known.clear()


def read(xml: str) -> Instance:
    instance = parse_block(xml, NOVA_1_1).instance
    assert instance is not None
    return instance


def read_afresh(xml: str) -> Instance:
    recurring._known.clear()
    return read(xml)


def test_the_second_block_with_a_flavor_and_an_owner_gets_the_very_same_ones() -> None:
    first, second = read(KNOWN), read(KNOWN.replace("<name>a<", "<name>b<"))
    assert second.name == "b"
    assert second.flavor is first.flavor
    assert second.owner is first.owner


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_golden_reads_the_same_whatever_was_read_before(path: Path) -> None:
    xml = path.read_text(encoding="utf-8")
    alone = parse_block(xml)
    for other in GOLDENS:
        parse_block(other.read_text(encoding="utf-8"))
    again = parse_block(xml)
    assert again == alone


@pytest.mark.parametrize(
    ("what", "xml"),
    [
        (
            "in a comment",
            '<instance><!-- <flavor name="m1.small" id="1"><memory>512</memory></flavor> -->'
            '<flavor name="other"/></instance>',
        ),
        (
            "in a CDATA section",
            '<instance><name><![CDATA[<flavor name="m1.small" id="1"><memory>512</memory>'
            "</flavor>]]></name></instance>",
        ),
        (
            "below an unknown element",
            '<instance><weird><flavor name="m1.small" id="1"><memory>512</memory></flavor></weird>'
            "</instance>",
        ),
        (
            "below a known one, and an empty one in its place",
            '<instance><flavor name="x"><owner><user uuid="u">joe</user>'
            '<project uuid="p">acme</project></owner></flavor><owner/></instance>',
        ),
        (
            "a second time",
            '<instance><flavor name="m1.small" id="1"><memory>512</memory></flavor>'
            '<flavor name="m1.small" id="1"><memory>512</memory></flavor></instance>',
        ),
        (
            "beside the real one of another prefix",
            f'<n:instance xmlns:n="{NOVA_1_1}" xmlns:m="{NOVA_1_1}"><n:weird>'
            '<n:flavor name="m1.small" id="1"><n:memory>512</n:memory></n:flavor></n:weird>'
            '<m:flavor name="real"/></n:instance>',
        ),
        (
            "beside an element whose name begins alike",
            '<instance><ownership/><owner><user uuid="u">joe</user>'
            '<project uuid="p">acme</project></owner></instance>',
        ),
        (
            "and again, below an unknown element, before the real one",
            '<instance><weird><flavor name="m1.small" id="1"><memory>512</memory></flavor></weird>'
            '<flavor name="other" id="2"><memory>64</memory></flavor></instance>',
        ),
        (
            "with its attributes on lines of their own",
            '<instance><flavor\nname="m1.small"\nid="1"><memory>512</memory></flavor></instance>',
        ),
        (
            "in a block of an unknown namespace",
            '<x:instance xmlns:x="urn:other"><flavor name="m1.small" id="1"><memory>512</memory>'
            "</flavor></x:instance>",
        ),
    ],
    ids=lambda value: value if " " in value and "<" not in value else "",
)
def test_a_look_alike_is_not_taken_for_a_known_part(what: str, xml: str) -> None:
    assert what
    recurring._known.clear()
    alone = parse_block(xml, NOVA_1_1)
    read_afresh(KNOWN)
    prefixed = KNOWN.replace("</", "</n:").replace("<", "<n:").replace("<n:/n:", "</n:")
    read(prefixed.replace("<n:instance>", f'<n:instance xmlns:n="{NOVA_1_1}">'))
    for _ in range(2):
        assert parse_block(xml, NOVA_1_1) == alone
    assert read(KNOWN) == read_afresh(KNOWN)


def test_a_part_with_a_fault_is_reported_each_time() -> None:
    damaged = KNOWN.replace("512", "much")
    first, second = (parse_block(damaged, NOVA_1_1) for _ in range(2))
    assert first == second
    assert second.faults == ("flavor/memory: 'much' is not a number",)


def test_what_is_known_stays_bounded() -> None:
    for number in range(3000):
        read(KNOWN.replace("m1.small", f"m1.{number}"))
    read(KNOWN.replace("joe", "j" * 20_000))
    assert len(recurring._known) <= 1024
    assert max(map(len, recurring._known)) <= 2**14
