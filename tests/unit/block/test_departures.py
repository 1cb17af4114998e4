"""What departs from the schema is said in words, for whatever the schema refuses."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from virsh_nova.block.departures import departures
from virsh_nova.block.namespaces import NOVA_1_0, NOVA_1_1
from virsh_nova.block.schema import flaw, misfit
from virsh_nova.model import Block
from virsh_nova.parse import parse_block

DATA = Path(__file__).parents[2] / "data"
GOLDENS = [*sorted((DATA / "golden").glob("*/*.xml")), DATA / "blueprint.xml"]
PLAIN = (DATA / "golden/34.0.0/image_plain.xml").read_text()
PORTS = (DATA / "golden/34.0.0/ports_v4_v6_floating.xml").read_text()
SPECS = (DATA / "golden/34.0.0/many_extra_specs.xml").read_text()
ISO = "the type of <root> is neither image nor volume: iso"
MISFIT = "it does not fit the schema"
OLD = (DATA / "golden/15.1.5/image_plain.xml").read_text()


def name(path: Path) -> str:
    return path.relative_to(DATA).as_posix()


def said(xml: str, **options: bool) -> tuple[str, ...]:
    return misfit(parse_block(xml), **options)


def changed(xml: str, old: str, new: str) -> str:
    assert old in xml
    return xml.replace(old, new, 1)


@pytest.mark.parametrize(
    ("xml", "old", "new", "phrase"),
    [
        (PLAIN, "<nova:ports>", "<nova:x>", "no <ports>"),
        (PLAIN, "<nova:swap>0</nova:swap>", "", "<flavor> has no <swap>"),
        (PLAIN, "<nova:vcpus>1</nova:vcpus>", "", "<flavor> has no <vcpus>"),
        (PLAIN, '<nova:package version="34.0.0"/>', "", "no <package>"),
        (PLAIN, ' id="1"', "", "<flavor> has no id"),
        (PLAIN, "<nova:extraSpecs/>", "", "<flavor> has no <extraSpecs>"),
        (PLAIN, ' version="34.0.0"', "", "<package> has no version"),
        (PLAIN, ' version="34.0.0"', ' version=""', "the version of <package> is empty"),
        (PLAIN, "<nova:owner>", '<nova:owner by="me">', 'unknown attribute by of <owner>'),
        (PLAIN, "</nova:instance>", "<nova:x/></nova:instance>", "unknown element <x>"),
        (PLAIN, "</nova:instance>", "text</nova:instance>", "text in <instance>: text"),
        (PLAIN, "<nova:vcpus>1<", "<nova:vcpus>-1<", "<vcpus> is not a number: -1"),
        (PLAIN, 'type="image"', 'type="iso"', ISO),
        (PORTS, 'ipVersion="4"', 'ipVersion="5"', "the ipVersion of <ip> is neither 4 nor 6: 5"),
        (PORTS, ' address="10.0.0.9"', "", "<ip> has no address"),
        (SPECS, ' name="empty"', "", "<extraSpec> has no name"),
        (PLAIN, NOVA_1_1, NOVA_1_0, "unknown element <extraSpecs> in <flavor>"),
        (OLD, NOVA_1_0, NOVA_1_1, "no <ports>"),
        (PLAIN, "<nova:memory>512</nova:memory>\n    <nova:disk>1</nova:disk>",
         "<nova:disk>1</nova:disk><nova:memory>512</nova:memory>",
         "<memory> after <disk> in <flavor>"),
    ],
)  # fmt: skip
def test_it_says_what_departs(xml: str, old: str, new: str, phrase: str) -> None:
    if old == "<nova:ports>":
        start, end = xml.index("<nova:ports>"), xml.index("</nova:ports>") + len("</nova:ports>")
        text = xml[:start] + xml[end:]
    elif old == ' address="10.0.0.9"':
        before, _, rest = xml.partition(' address="')
        text = before + rest[rest.index('"') + 1 :]
    else:
        text = changed(xml, old, new)
    assert phrase in departures_of(text)


def departures_of(xml: str) -> list[str]:
    """Of a block the parser finds fault with too, which misfit is not asked about."""
    element = etree.fromstring(xml)
    return departures(element, str(element.tag)[1:].partition("}")[0])


def test_a_block_is_judged_with_or_without_its_namespace() -> None:
    lacking = changed(PLAIN, "<nova:swap>0</nova:swap>", "")
    bare = lacking.replace("nova:", "").replace(f' xmlns:nova="{NOVA_1_1}"', "")
    assert said(lacking) == misfit(parse_block(bare, NOVA_1_1)) == ("<flavor> has no <swap>",)


def test_what_stamp_wrote_may_lack_parts_and_nothing_else() -> None:
    lacking = changed(PLAIN, "<nova:swap>0</nova:swap>", "")
    assert said(lacking, backfilled=True) == ()
    assert said(changed(lacking, 'type="image"', 'type="iso"'), backfilled=True) == (ISO,)


def test_many_departures_are_not_all_named() -> None:
    spec = "<nova:extraSpec>x</nova:extraSpec>"
    several = changed(PLAIN, "<nova:extraSpecs/>", f"<nova:extraSpecs>{spec * 9}</nova:extraSpecs>")
    several = several.replace("<nova:minRam>0</nova:minRam>", "<nova:minRam>-1</nova:minRam>")
    several = changed(several, ' version="34.0.0"', ' x="1"')
    several = changed(several, "<nova:owner>", '<nova:owner by="me">')
    assert len(said(several)) == 4
    assert said(several)[3] == "and 2 more"


def test_a_block_that_is_about_to_be_written_is_judged_in_the_same_words() -> None:
    element = etree.fromstring("<instance><root type='iso'/></instance>")
    assert flaw(element, NOVA_1_1) == f"{MISFIT}: {ISO}"
    assert flaw(etree.fromstring("<instance/>"), NOVA_1_1) is None


def test_a_hostile_name_is_quoted_and_cut() -> None:
    xml = changed(PLAIN, "<nova:owner>", f'<nova:owner x="1" {"y" * 500}="1">')
    xml = changed(xml, 'type="image"', f'type="ok): {"z" * 500}"')
    for phrase in said(xml):
        assert len(phrase) < 120
    assert any('"ok): zzz' in phrase for phrase in said(xml))


# ---- nothing that the schema refuses is without words ------------------------------------------


def mutants(root: etree._Element) -> Iterator[etree._Element]:
    """The block with each of its elements and attributes gone, twice, renamed or last."""
    for place, original in enumerate(root.iter("*")):
        if original is root:
            continue
        for change in CHANGES:
            mutant = deepcopy(root)
            change(_at(mutant, place))
            yield mutant
        for key in original.keys():  # noqa: SIM118 - an element iterates over its children
            for value in (None, "", "é?"):
                mutant = deepcopy(root)
                if value is None:
                    del _at(mutant, place).attrib[key]
                else:
                    _at(mutant, place).set(key, value)
                yield mutant


def _at(root: etree._Element, place: int) -> etree._Element:
    return next(islice(root.iter("*"), place, None))


def _remove(element: etree._Element) -> None:
    _parent(element).remove(element)


def _double(element: etree._Element) -> None:
    element.addnext(deepcopy(element))


def _rename(element: etree._Element) -> None:
    element.tag = f"{element.tag}s"


def _put_last(element: etree._Element) -> None:
    _parent(element).append(element)


def _empty(element: etree._Element) -> None:
    element.text = "x"


CHANGES = (_remove, _double, _rename, _put_last, _empty)


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    return parent


@pytest.mark.parametrize("path", GOLDENS, ids=name)
def test_every_mutant_that_the_schema_refuses_has_words_and_no_other(path: Path) -> None:
    root = etree.parse(str(path)).getroot()
    namespace = str(root.tag)[1:].partition("}")[0]
    refused = 0
    for mutant in mutants(root):
        block = Block(namespace, etree.tostring(mutant, encoding="unicode"), None)
        phrases = departures(mutant, namespace)
        assert bool(misfit(block)) == bool(phrases), etree.tostring(mutant)
        assert not any("schema" in phrase for phrase in misfit(block))
        refused += bool(phrases)
    assert refused > 50


@given(st.sampled_from(GOLDENS), st.data())
def test_several_departures_at_once_have_words_too(path: Path, data: st.DataObject) -> None:
    root = etree.parse(str(path)).getroot()
    namespace = str(root.tag)[1:].partition("}")[0]
    for _ in range(data.draw(st.integers(1, 4))):
        elements = list(root.iter("*"))[1:]
        if not elements:
            break
        element = data.draw(st.sampled_from(elements))
        data.draw(st.sampled_from(CHANGES))(element)
    block = Block(namespace, etree.tostring(root, encoding="unicode"), None)
    assert bool(misfit(block)) == bool(departures(root, namespace))
