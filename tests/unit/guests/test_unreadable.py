"""A guest of which too little could be read: a kind of its own, and nobody's until it is known."""

from __future__ import annotations

import re

from tests.support.embedded import block, guest, uuid_of
from virsh_nova.check.examine import examine
from virsh_nova.check.finding import Examination
from virsh_nova.document.decode import decoded_guest
from virsh_nova.document.encode import whole_document
from virsh_nova.guests.build import guarded, unreadable_guest, whole_guest
from virsh_nova.guests.select import Selection
from virsh_nova.model import KINDS, Guest, Sighting
from virsh_nova.render.list import plain_table, sections
from virsh_nova.render.serial import as_json
from virsh_nova.render.show import details
from virsh_nova.render.style import plain
from virsh_nova.render.terminal import terminal_table
from virsh_nova.render.whose import words_of
from virsh_nova.sources.record import Record

SEEN = Sighting("compute-1", uuid_of(1), "web", 1, "running")
WHY = "cannot be read: no answer within 10 s"
LOST = unreadable_guest(SEEN, WHY)


def test_is_a_kind_of_its_own_with_the_reason_as_evidence() -> None:
    assert (LOST.kind, LOST.manager) == ("unreadable", "unknown")
    assert LOST.evidence == LOST.faults == (WHY,)
    assert not LOST.is_novas
    assert KINDS[-1] == "unreadable"


def test_has_a_section_of_its_own_at_the_end() -> None:
    foreign = whole_guest(SEEN._replace(uuid=uuid_of(2)), guest(2))
    (others, lost) = sections([LOST, foreign])
    assert (others.kind, lost.kind) == ("foreign", "unreadable")
    assert lost.title == "1 guest that could not be read"
    for table in (
        plain_table([others, lost]),
        terminal_table([others, lost], width=160, paint=plain),
    ):
        assert "1 foreign guest\n" in table
        (row,) = [line for line in table.splitlines() if uuid_of(1) in line]
        assert re.split(r" {2,}", row.strip()) == ["web", "running", WHY, uuid_of(1)]


def test_is_shown_without_a_manager() -> None:
    text = details([LOST])
    assert re.search(r"kind +guest that could not be read\n", text)
    assert "manager" not in text
    assert WHY in text


def test_is_not_called_nova_s_by_whose() -> None:
    words = [text for text, _ in words_of(LOST).who]
    assert words == ["web", "running", "could not be read"]


def test_can_be_selected() -> None:
    assert Selection(kinds=("unreadable",)).takes(LOST)
    assert not Selection(kinds=("foreign", "nova", "nova-unstamped")).takes(LOST)


def test_survives_a_saved_document() -> None:
    document = as_json([whole_document(LOST)], one_a_line=True, ascii_only=False)
    assert '"kind": "unreadable"' in document
    assert decoded_guest(document.strip()[1:-1].strip().encode()) == LOST


def test_is_checked_for_nothing_but_that() -> None:
    elsewhere = Record(uuid_of(1), "servers.json", {}, hosts=("compute-2",))
    for records in (None, [], [elsewhere]):
        findings = examine(Examination([LOST], frozenset(), records))
        assert [finding.code for finding in findings] == ["unreadable"], records


def test_is_one_whose_xml_is_broken_and_shows_nothing() -> None:
    for broken in ("", "<domain", "no XML", guest(1)[:-300]):
        lost = whole_guest(SEEN, broken)
        assert lost.kind == "unreadable"
        assert lost.evidence[0].startswith("broken XML")


def test_is_not_one_whose_broken_xml_shows_whose_it_is() -> None:
    xml = guest(1, metadata=block("x"))
    assert whole_guest(SEEN, xml[:-20]).kind == "nova"


def test_is_what_becomes_of_a_guest_that_nothing_foresaw() -> None:
    def fail(_: Sighting) -> Guest:
        raise ZeroDivisionError("by zero")

    lost = guarded(SEEN, fail)
    assert lost is not None
    assert (lost.kind, lost.key) == ("unreadable", SEEN.key)
    assert lost.faults == ("cannot be read: ZeroDivisionError('by zero')",)
