"""One file at a time: what is read at a glance is what the parser reads, and nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.archives import domain, real_files, status
from tests.support.embedded import uuid_of
from tests.support.paths import DATA
from virsh_nova.guests.build import guest_from_domain, whole_guest
from virsh_nova.hosts.files import domain_file
from virsh_nova.hosts.files.domain_file import DomainFile, Snapshot, Unusable, read_document
from virsh_nova.hosts.files.dump import read_dump
from virsh_nova.hosts.files.virsh_list import Listed, read_listing
from virsh_nova.model import Sighting

FILES = {
    **real_files(),
    **{str(path): path.read_bytes() for path in (DATA / "real").glob("*/*.live.xml")},
    "small": domain("a b", uuid_of(1)).encode(),
    "small live": status(domain("a b", uuid_of(1), id=7)).encode(),
}
SEEN = Sighting("h", uuid_of(1), "d", None, "shutoff")


def read_domain_file(data: bytes) -> DomainFile:
    (file,) = read_document(data).domains
    return file


@pytest.mark.parametrize("name", FILES)
def test_a_quick_look_finds_what_the_parser_finds(name: str) -> None:
    glanced = domain_file._at_a_glance(FILES[name].decode())
    (parsed,) = domain_file._parsed(FILES[name]).domains
    assert glanced is not None
    assert glanced._replace(xml="") == parsed._replace(xml="")
    for read in (glanced, parsed):
        whole = whole_guest(SEEN, read.xml)
        head = guest_from_domain(SEEN, read.xml, read.indent)
        assert head.instance == whole.instance
        assert (head.title, head.description) == (whole.title, whole.description)
    assert whole_guest(SEEN, glanced.xml).hardware == whole_guest(SEEN, parsed.xml).hardware


def test_live_files_give_state_reason_and_pid() -> None:
    file = read_domain_file(
        status(domain("a", uuid_of(1), id=7), state="paused", reason="ioerror", pid=12).encode()
    )
    assert file[:3] == (uuid_of(1), "a", 7)
    assert (file.live, file.state, file.reason, file.pid) == (True, "paused", "ioerror", 12)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "broken XML"),
        (b"<domain>", "broken XML"),
        (domain("a", uuid_of(1)).encode()[:-12], "broken XML"),
        (status(domain("a", uuid_of(1), id=7)).encode()[:-3], "broken XML"),
        (b"<network><name>a</name></network>", "no <domain>"),
        (b"<domstatus/>", "no <domain>"),
        (b"<domainsnapshot/>", "it is a <domainsnapshot>, and holds no <domain>"),
        (
            status(domain("a", uuid_of(1)) + domain("b", uuid_of(2))).encode(),
            "holds several <domain>",
        ),
        # A network's element, and that of libvirt's capabilities, describe no guest.
        (b"<network><domain name='example.org'/></network>", "it is a <network>"),
        (b"<n:domain xmlns:n='urn:n'/>", "it is a <domain>, and holds no"),
        (domain("a", "nonsense").encode(), "its domain's uuid is not a uuid: 'nonsense'"),
        (domain("a", "").encode(), "has no uuid"),
        (b"<domain><uuid>" + uuid_of(1).encode() + b"</uuid></domain>", "no name"),
        (
            b"<!DOCTYPE domain [<!ENTITY e 'x'>]>" + domain("a", uuid_of(1)).encode(),
            "document type",
        ),
        (
            ("<!DOCTYPE domain>" + domain("a", uuid_of(1))).encode("utf-16"),
            "document type",
        ),
        (b"\0" * 1000, "broken XML"),
    ],
)  # fmt: skip
def test_a_file_without_a_domain_is_named(data: bytes, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        read_domain_file(data)


def test_other_layouts_are_read_too() -> None:
    uuid = uuid_of(1)
    for text in (
        f"<domain><uuid>{uuid.upper()}</uuid><name>a&amp;b</name></domain>",
        f"<?xml version='1.0'?><domain><name>a&amp;b</name><uuid>{uuid.replace('-', '')}</uuid>"
        "</domain>",
    ):
        assert read_domain_file(text.encode())[:3] == (uuid, "a&b", None)


def test_domains_in_an_element_of_somebody_are_all_read() -> None:
    inner = domain("a", uuid_of(1)) + domain("b", "x") + status(domain("c", uuid_of(3), id=7))
    inner = inner.replace("<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\n-->\n\n", "")
    document = read_document(f"<all><deeper>{inner}</deeper></all>".encode())
    assert [(file.name, file.live) for file in document.domains] == [("a", False), ("c", True)]
    assert document.faults == ("its domain's uuid is not a uuid: 'x'",)


@pytest.mark.parametrize("kind", ["snapshot", "checkpoint"])
def test_a_snapshot_s_domain_is_read_as_that(kind: str) -> None:
    xml = (
        f"<domain{kind}><name>before</name><creationTime>1714979289</creationTime>"
        f"{domain('a', uuid_of(1), id=4)}<inactiveDomain/></domain{kind}>"
    )
    file = read_domain_file(xml.encode())
    assert (file.name, file.id, file.live) == ("a", None, False)
    assert file.snapshot == Snapshot(kind, "before", 1714979289)


def test_absurd_numbers_and_states_read_as_unknown() -> None:
    xml = domain("a", uuid_of(1)).replace("'kvm'", "'kvm' id='99999999999'")
    file = read_domain_file(status(xml, state="dancing", pid=10**30).encode())
    assert (file.id, file.state, file.reason, file.pid) == (None, None, None, None)


def test_a_domain_in_a_comment_is_not_read() -> None:
    hidden = domain("b", uuid_of(2), id=3)
    text = status(domain("a", uuid_of(1), id=7)).replace(
        "  <qemuCaps>",
        "<!--\n" + "".join(f"  {x}\n" for x in hidden.splitlines()) + "-->  <qemuCaps>",
    )
    assert read_domain_file(text.encode()).name == "a"


@given(
    st.sampled_from(sorted(FILES)),
    st.lists(st.tuples(st.integers(0, 40_000), st.binary(max_size=30)), max_size=4),
    st.integers(0, 40_000),
)
def test_damage_anywhere_is_a_fault_at_most(
    name: str, wounds: list[tuple[int, bytes]], end: int
) -> None:
    data = FILES[name]
    for place, what in wounds:
        data = data[: place % len(data)] + what + data[place % len(data) + len(what) :]
    if end % 3 == 0:
        data = data[: end % len(data)]
    for file in read_dump(data).domains:
        seen = Sighting("h", file.uuid, file.name, file.id, "running")
        guest_from_domain(seen, file.xml, file.indent)
        whole_guest(seen, file.xml)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_fault_at_most(data: bytes) -> None:
    read_dump(data)
    read_listing(data)


def test_the_output_of_virsh_list_gives_id_and_state() -> None:
    text = """\
 Id   Name                State
------------------------------------
 1    instance-00000001   running
 12   two words           paused
 -    shut off            shut off
 -    broken crashed      crashed
 3    in                  in shutdown
 4    idle                idle
 x    nobody              running
error: something
 5    half
"""
    assert read_listing(text.encode()) == {
        "instance-00000001": Listed(1, "running"),
        "two words": Listed(12, "paused"),
        "shut off": Listed(None, "shutoff"),
        "broken crashed": Listed(None, "crashed"),
        "in": Listed(3, "shutdown"),
        "idle": Listed(4, "blocked"),
    }
    assert read_listing(b"9" * 100_000 + b" a running\n" + b" " * 100_000) == {}
