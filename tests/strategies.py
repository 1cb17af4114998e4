"""Hypothesis strategies for everything that a metadata block can hold."""

from __future__ import annotations

from datetime import datetime, timezone

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from lxml import etree

from virsh_nova.dialect import NAMESPACES
from virsh_nova.guests import Sighting
from virsh_nova.listing import STATES
from virsh_nova.model import (
    Address,
    Block,
    Flavor,
    Guest,
    Identity,
    Image,
    Instance,
    Owner,
    Port,
    Root,
    Unknown,
)

# What acts on terminals, spreadsheets and markup, so that examples meet it often.
NASTY = (
    "\t\n\r\x7f\x80\x85\x9b\x9d\xa0\xad\u061c\u200b\u200d\u200e\u200f\u2028\u2029\u202a\u202e"
    "\u2066\u2069\ufe0f\ufeff\U000e0041\u0301日本😀👩🏽<>&\"'[]/\\=+-@|;,:#{}%`~ 1e5"
)
XML_TEXT = "\t\n\r"


def is_xml_character(character: str) -> bool:
    """Char of XML 1.0."""
    code = ord(character)
    return (
        character in XML_TEXT
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )


_xml_characters = st.sampled_from(NASTY) | st.characters(exclude_categories=["Cs"]).filter(
    is_xml_character
)


def texts(max_size: int = 12) -> SearchStrategy[str]:
    """Any text that XML can hold."""
    return st.text(_xml_characters, max_size=max_size)


def maybe(strategy: SearchStrategy) -> SearchStrategy:
    return st.none() | strategy


numbers = st.integers(min_value=-(10**18) + 1, max_value=10**18 - 1)
moments = st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(timezone.utc)).map(
    lambda moment: moment.replace(microsecond=0)
)
mappings = st.dictionaries(texts(), texts(), max_size=3)

flavors = st.builds(
    Flavor,
    name=maybe(texts()),
    id=maybe(texts()),
    memory_mib=maybe(numbers),
    disk_gib=maybe(numbers),
    swap_mib=maybe(numbers),
    ephemeral_gib=maybe(numbers),
    vcpus=maybe(numbers),
    extra_specs=maybe(mappings),
)
images = st.builds(
    Image,
    uuid=maybe(texts()),
    container_format=maybe(texts()),
    disk_format=maybe(texts()),
    min_disk_gib=maybe(numbers),
    min_ram_mib=maybe(numbers),
    properties=maybe(mappings),
)
# Where the element is there, so is its text.
identities = st.builds(Identity, id=maybe(texts()), name=texts())
owners = st.builds(Owner, user=maybe(identities), project=maybe(identities))
roots = st.builds(Root, type=maybe(texts()), uuid=maybe(texts()))
addresses = st.builds(Address, type=maybe(texts()), address=maybe(texts()), version=maybe(numbers))
ports = st.builds(Port, uuid=maybe(texts()), ips=st.lists(addresses, max_size=2).map(tuple))

_names = st.from_regex(r"[a-z][a-z0-9]{0,5}_x", fullmatch=True)


def _element(name: str, text: str, child: str | None) -> str:
    element = etree.Element(name)
    element.text = text or None
    if child is not None:
        etree.SubElement(element, child).set("key", text)
    return etree.tostring(element, encoding="unicode")


@st.composite
def unknowns(draw: st.DrawFn) -> Unknown:
    """A part directly under ``<instance>`` that no Nova writes."""
    name = draw(_names)
    shape = draw(st.sampled_from(("attribute", "element", "comment", "foreign")))
    if shape == "attribute":
        return Unknown("", f"@{name}", draw(texts()))
    if shape == "comment":
        comment = draw(st.from_regex("[a-z ]{0,9}", fullmatch=True))
        return Unknown("", "#comment", f"<!--{comment}-->")
    if shape == "foreign":
        name = f"{{urn:other}}{name}"
    return Unknown("", name, _element(name, draw(texts()), draw(maybe(_names))))


def _distinct(parts: list[Unknown]) -> tuple[Unknown, ...]:
    # An element has one attribute of a name; parse meets children before attributes.
    attributes = {part.name: part for part in parts if part.name.startswith("@")}
    return (*(part for part in parts if not part.name.startswith("@")), *attributes.values())


instances = st.builds(
    Instance,
    namespace=st.sampled_from(NAMESPACES),
    package=maybe(texts()),
    name=maybe(texts()),
    created=maybe(moments),
    flavor=maybe(flavors),
    image=maybe(images),
    owner=maybe(owners),
    root=maybe(roots),
    ports=maybe(st.lists(ports, max_size=3).map(tuple)),
    unknown=st.lists(unknowns(), max_size=3).map(_distinct),
)

uuids = st.uuids().map(str)
sightings = st.builds(
    Sighting,
    host=maybe(texts()),
    uuid=uuids,
    domain=texts(),
    id=maybe(st.integers(min_value=0, max_value=10**6)),
    state=st.sampled_from(STATES),
)


@st.composite
def nova_guests(draw: st.DrawFn) -> Guest:
    """A guest with a block in which every text is as hostile as XML allows."""
    seen = draw(sightings)
    instance = draw(instances)
    return Guest(
        host=seen.host,
        uuid=seen.uuid,
        domain=seen.domain,
        id=seen.id,
        state=seen.state,
        kind="nova",
        manager="nova",
        evidence=(draw(texts()),),
        title=draw(maybe(texts())),
        description=draw(maybe(texts())),
        block=Block(instance.namespace, "", instance),
    )
