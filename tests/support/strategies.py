"""Hypothesis strategies for everything that a metadata block can hold."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from lxml import etree

from tests.support.embedded import (
    APPLIANCE,
    FOREIGN_METADATA,
    NOVA_SYSINFO,
    OTHER_METADATA,
    guest,
    uuid_of,
)
from tests.support.memory_host import MemoryHost
from virsh_nova.block.facts import SHAPES, instance_of
from virsh_nova.block.namespaces import BACKFILL, NAMESPACES, NOVA_1_1
from virsh_nova.block.releases import DRAFT_RELEASE, RELEASES
from virsh_nova.guests.build import Sighting
from virsh_nova.guests.states import STATES
from virsh_nova.inputs.values import fixed_address
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
from virsh_nova.sources.record import Record
from virsh_nova.write import write_block

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


# ---- for stamp --------------------------------------------------------------------------------

# A plan is made of many facts: each comes from a few values that are as odd as any.
NAMES = (
    "web-1", "", "N/A", " two  blanks ", "a\tb\nc\rd", "<b>&amp;\"'", "日本語 😀", "\u202egnp.exe",
    "\x9b31m", "x" * 300, "[bold]:smile:[/x]", "=1+1",
)  # fmt: skip
_WORDS = tuple(name for name in NAMES if name)
_ADDRESSES = ("10.0.0.5", "2001:db8::5", "255.255.255.255", "fe80::1%eth0")
_PORTS = tuple(
    Port(uuid_of(number), tuple(map(fixed_address, _ADDRESSES[:number]))) for number in range(4)
)
_BY_SHAPE: dict[str, SearchStrategy[Any]] = {
    "text": st.sampled_from(NAMES),
    "number": st.sampled_from((0, 1, 512, 10**18 - 1)),
    "moment": st.sampled_from(
        (datetime(2026, 11, 3, 8, 14, 22, tzinfo=timezone.utc),
         datetime(1000, 1, 1, tzinfo=timezone.utc))
    ),
    "texts": st.sampled_from(({}, {"hw:a": "1"}, {"": "", "b<": "\n&"})),
    "ports": st.sampled_from(((), _PORTS[:1], _PORTS[2:], (_PORTS[3], _PORTS[0]))),
}  # fmt: skip
_BY_KEY = {
    "package": st.sampled_from(_WORDS),
    "flavor.name": st.sampled_from(_WORDS),
    "flavor.id": st.sampled_from(_WORDS),
    "root.type": st.sampled_from(("image", "volume")),
}
_each_fact = {key: _BY_KEY.get(key, _BY_SHAPE[shape]) for key, shape in SHAPES.items()}
NEEDED = ("owner.user.id", "owner.project.id", "flavor.name", "root.uuid")
"""What Ceilometer cannot bear to miss in a block that has the part around it."""
_optional = {key: fact for key, fact in _each_fact.items() if key not in NEEDED}
_any_facts = st.fixed_dictionaries({}, optional=_each_fact)
_whole_facts = st.fixed_dictionaries({key: _each_fact[key] for key in NEEDED}, optional=_optional)


def facts(*, whole: bool = False) -> SearchStrategy[dict[str, Any]]:
    """What a source can know of an instance; whole where it must harm no reader.

    Without ``whole`` anything can be unknown: an owner's id, a flavor's name.
    """
    return _whole_facts if whole else st.one_of(_any_facts, _whole_facts)


def releases() -> SearchStrategy[Any]:
    return st.sampled_from((None, DRAFT_RELEASE, *RELEASES.values()))


_UNKNOWN = (
    Unknown("", "later", "<later>\n  <a/>\n</later>"),
    Unknown("", "#comment", "<!-- by hand -->"),
    Unknown("", "@by", "hand"),
)


@st.composite
def blocks(draw: st.DrawFn) -> list[str]:
    """What Nova, or we, or an editor may have left in one definition."""
    found = []
    for namespace in draw(st.sets(st.sampled_from(NAMESPACES), max_size=2)):
        instance = instance_of(draw(facts()), namespace)
        unknown = draw(st.sampled_from(((), _UNKNOWN)))
        found.append(write_block(instance._replace(unknown=unknown)))
    if draw(st.integers(0, 9)) == 0:
        found = [f'<n:instance xmlns:n="{NOVA_1_1}"><n:flavor><n:memory>x</n:memory></n:flavor>'
                 "</n:instance>"]  # fmt: skip
    if draw(st.integers(0, 4)) == 0:
        found.append(f'<x:backfill xmlns:x="{BACKFILL}" at="2026-01-01T00:00:00Z"/>')
    return found


_DEVICES = (
    "<disk type='file' device='disk'><source file='/var/lib/nova/instances/{uuid}/disk'/>"
    "<target dev='vda' bus='virtio'/></disk>",
    "<disk type='block' device='disk'><source dev='/dev/sdb'/><target dev='vdb' bus='virtio'/>"
    "<serial>{uuid}</serial></disk>",
    "<interface type='ethernet'><mac address='fa:16:3e:00:00:01'/>"
    "<target dev='tap36116cce-64'/></interface>",
)


@st.composite
def memory_hosts(draw: st.DrawFn) -> tuple[MemoryHost, list[str]]:
    """A host of guests of every kind, and the uuids of those that must never be written to.

    These bear the mark of another manager; Nova's own block may be beside it.
    """
    host = MemoryHost()
    foreign = []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        uuid = uuid_of(number)
        kind = draw(st.sampled_from(("nova", "nova", "nova", "plain", "kubevirt", "appliance")))
        rest = "".join(device.format(uuid=uuid) for device in draw(st.sets(
            st.sampled_from(_DEVICES))))  # fmt: skip
        others = OTHER_METADATA if draw(st.booleans()) else ""
        others += FOREIGN_METADATA if kind == "kubevirt" else ""
        rest += APPLIANCE if kind == "appliance" else ""
        texts_of = [
            guest(
                number,
                domain=f"guest-{number}",
                metadata=others + "".join(draw(blocks())) if draw(st.booleans()) else others,
                rest=rest,
                before=NOVA_SYSINFO if kind == "nova" else "",
            )
            for _ in range(2)
        ]
        live, persistent = draw(st.sampled_from(((0, 0), (0, 1), (0, None), (None, 0))))
        host.add(
            None if live is None else texts_of[live],
            None if persistent is None else texts_of[persistent],
        )
        if kind in ("kubevirt", "appliance"):
            foreign.append(uuid)
    return host, foreign


@st.composite
def records(draw: st.DrawFn, known: list[str], *, whole: bool = False) -> list[Record]:
    """What up to three sources say of guests of the host, and of others."""
    any_uuid = st.sampled_from((*known, *known, uuid_of(99)))
    places = ((), ("compute-1",), ("compute-2.example.org", "elsewhere"))
    return [
        Record(
            uuid=draw(any_uuid),
            source=draw(st.sampled_from(("a.json", "b.yaml", "cloud prod"))),
            facts=draw(facts(whole=whole)),
            hosts=draw(st.sampled_from(places)),
            unnamed=draw(st.booleans()),
            namespace=draw(maybe(st.sampled_from(NAMESPACES))),
            place=f"record {number}",
        )
        for number in range(1, draw(st.integers(0, 6)) + 1)
    ]
