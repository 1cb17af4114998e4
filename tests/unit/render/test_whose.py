"""Answers of whose on a line: what is shown of a guest, and no name that can imitate a line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.embedded import uuid_of
from tests.support.guests import instance, nova_guest
from tests.support.handles import (
    APPLIANCE,
    HOST,
    PORT,
    PROCESSES,
    whole_guests,
)
from tests.support.strategies import NASTY
from tests.support.terminals import SGR
from virsh_nova.model import Guest
from virsh_nova.render.answers import (
    ASCII,
    UNICODE,
    Lines,
    coloured,
    plain,
    quoted,
)
from virsh_nova.whose.index import Index
from virsh_nova.whose.mentions import Reader

INDEX = Index(HOST, PROCESSES.get)


def test_the_line_of_an_answer_says_what_the_handle_is_and_whose() -> None:
    (line,) = Lines(UNICODE).of_answers("tapd45a9119-51", INDEX.answers("tapd45a9119-51"))
    assert plain(line) == (
        f"tapd45a9119-51 → port {PORT} of vm-twonets ({uuid_of(1)}, instance-00000001, running)"
        " · project demo-project · user demo\n"
    )
    (line,) = Lines(ASCII).of_answers("tapd45a9119-51", INDEX.answers("tapd45a9119-51"))
    assert plain(line).isascii()


def test_a_guest_has_one_line_however_many_of_its_handles_match() -> None:
    twin = nova_guest(1, instance(uuid_of(1)))
    (line,) = Lines(UNICODE).of_answers(uuid_of(1), Index((twin,)).answers(uuid_of(1)))
    assert "→ uuid, display name of " in plain(line)


def test_a_foreign_guest_is_shown_with_its_manager_and_evidence() -> None:
    guest = APPLIANCE._replace(evidence=("virtio channel x", "more"))
    (line,) = Lines(UNICODE).of_answers("12", Index((guest,)).answers("12"))
    assert plain(line).endswith(
        f"of {guest.domain} ({guest.uuid}, running) · manager libguestfs · "
        "evidence: virtio channel x\n"
    )


def test_a_note_names_some_of_many() -> None:
    guests = [nova_guest(n, instance(f"vm-{n}")) for n in range(1, 8)]
    line = " ".join(guest.domain for guest in guests)
    text = plain(Lines(UNICODE).noted(line, Reader(Index(guests)).mentions(line)))
    assert text.startswith(f"{line}   ← vm-1 (")
    assert text.endswith("; and 4 more\n")


def test_a_line_without_a_match_passes_as_it_is() -> None:
    assert plain(Lines(UNICODE).noted("\ta  b\t", [])) == "\ta  b\t\n"


@pytest.mark.parametrize(
    "name", ["x (uuid, running) · project admin", "a, b", ' "x"', "a -> b", "x  y", "a - b"]
)
def test_a_name_cannot_imitate_the_line(name: str) -> None:
    assert quoted(name).startswith('"')
    assert quoted("Zoë's notebook") == "Zoë's notebook"


CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


texts = st.text(st.sampled_from(NASTY) | st.characters(), max_size=20)


@given(st.lists(whole_guests(), min_size=1, max_size=3), texts, st.data())
def test_no_control_character_is_printed(
    guests: list[Guest], text: str, data: st.DataObject
) -> None:
    guest = data.draw(st.sampled_from(guests))
    token = data.draw(st.sampled_from([guest.uuid, f"uuid:{guest.uuid}", guest.domain, ""]))
    line = data.draw(st.sampled_from([token, f"{text} {token} {text}", text]))
    index = Index(guests)
    shown = Lines(UNICODE).noted(line, Reader(index).mentions(line))
    for spans in (shown, *Lines(UNICODE).of_answers(line, index.answers(line))):
        assert not CONTROLS.search(plain(spans).removesuffix("\n").replace("\n", "\x00"))
        assert not CONTROLS.search(SGR.sub("", coloured(spans)).removesuffix("\n"))
