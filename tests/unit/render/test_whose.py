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
from virsh_nova.render.safe import quoted
from virsh_nova.render.style import coloured, plain
from virsh_nova.render.whose import ASCII, UNICODE, Text
from virsh_nova.whose.annotate import Reader
from virsh_nova.whose.index import Index

INDEX = Index.of(HOST, PROCESSES.get)


def in_a_pipe() -> Text:
    return Text(plain, UNICODE)


def test_an_answer_in_a_pipe_is_one_line_with_the_guest_and_its_owner_before_ids() -> None:
    answers = INDEX.answers("tapd45a9119-51")
    assert in_a_pipe().answers("tapd45a9119-51", answers) == (
        "tapd45a9119-51 → vm-twonets (running) · project demo-project · user demo"
        f" · instance-00000001 · {uuid_of(1)} · port {PORT}\n"
    )
    assert Text(plain, ASCII).answers("tapd45a9119-51", answers).isascii()


def test_an_answer_on_a_terminal_breaks_no_uuid() -> None:
    answers = INDEX.answers("tapd45a9119-51")
    for width in (40, 60, 80, 200):
        text = Text(plain, UNICODE, width=width).answers("tapd45a9119-51", answers)
        assert uuid_of(1) in text
        assert PORT in text
        assert "\n  vm-twonets  running" in text


def test_a_guest_has_one_line_whatever_matches_it() -> None:
    twin = nova_guest(1, instance(uuid_of(1)))
    text = in_a_pipe().answers(uuid_of(1), Index.of((twin,)).answers(uuid_of(1)))
    assert text.endswith(" · uuid, display name\n")
    assert text.count("\n") == 1


def test_a_foreign_guest_shows_its_manager_and_evidence() -> None:
    guest = APPLIANCE._replace(evidence=("virtio channel x", "more"))
    text = in_a_pipe().answers("12", Index.of((guest,)).answers("12"))
    assert f"→ {guest.domain} (running) · manager libguestfs · {guest.uuid} · " in text
    assert text.endswith(" · evidence: virtio channel x\n")


def test_a_note_names_three_of_many() -> None:
    guests = [nova_guest(n, instance(f"vm-{n}")) for n in range(1, 8)]
    line = " ".join(guest.domain for guest in guests)
    text = in_a_pipe().line(line, Reader(Index.of(guests)).mentions(line))
    assert text.startswith(f"{line}   ← vm-1 (")
    assert text.endswith("; and 4 more\n")


def test_a_line_that_names_no_guest_passes_as_it_is() -> None:
    assert in_a_pipe().line("\ta  b\t", []) == "\ta  b\t\n"


@pytest.mark.parametrize(
    "name",
    ["x (uuid, running) · project admin", "a, b", ' "x"', "a -> b", "x  y", "x:y", "a\u00a0b", ""],
)
def test_a_name_that_could_imitate_the_line_is_quoted(name: str) -> None:
    assert quoted(name).startswith('"')
    assert '"' not in quoted(name)[1:-1]


@pytest.mark.parametrize("name", ["web-1", "Zoë", "old wiki", "a_b.c@d+e", "名前"])
def test_a_usual_name_is_not_quoted(name: str) -> None:
    assert quoted(name) == name


CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
texts = st.text(st.sampled_from(NASTY) | st.characters(), max_size=20)


@given(st.lists(whole_guests(), min_size=1, max_size=3), texts, st.data())
def test_no_control_character_comes_through(
    guests: list[Guest], text: str, data: st.DataObject
) -> None:
    guest = data.draw(st.sampled_from(guests))
    token = data.draw(st.sampled_from([guest.uuid, f"uuid:{guest.uuid}", guest.domain, ""]))
    line = data.draw(st.sampled_from([token, f"{text} {token} {text}", text]))
    index = Index.of(guests)
    for paint in (plain, coloured):
        for width in (None, 80):
            face = Text(paint, UNICODE, width=width)
            noted = face.line(line, Reader(index).mentions(line)).removesuffix("\n")
            assert not CONTROLS.search(SGR.sub("", noted).replace("\n", "\x00"))
            assert not CONTROLS.search(SGR.sub("", face.answers(line, index.answers(line))))
