"""The table on a terminal fits any width, and loses nothing that the width can hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.support.guests import foreign_guest, full_instance, instance, nova_guest, unstamped_guest
from tests.support.strategies import nova_guests
from tests.support.terminals import SGR
from virsh_nova.columns import COLUMNS, LONG, Column
from virsh_nova.model import Guest
from virsh_nova.render.flat import text_of
from virsh_nova.render.safe import cell
from virsh_nova.render.sections import sections
from virsh_nova.render.terminal import terminal_details, terminal_table

SELECTABLE = st.lists(st.sampled_from(list(COLUMNS.values())), min_size=1, max_size=8, unique=True)


def drawn(
    guests: Sequence[Guest],
    width: int,
    *,
    columns: Sequence[str] = (),
    long: bool = False,
    unicode: bool = True,
) -> list[str]:
    """The lines as one reads them, without their colours."""
    chosen = [COLUMNS[name] for name in columns]
    text = terminal_table(sections(guests, chosen, long=long), width=width, unicode=unicode)
    assert text.endswith("\n")
    return SGR.sub("", text).splitlines()


FULL = nova_guest(1, full_instance())
HOST = [FULL, nova_guest(2), unstamped_guest(3, evidence=("a mark",)), foreign_guest(4, "oVirt")]


@given(st.lists(nova_guests(), min_size=1, max_size=3), st.integers(20, 250), st.booleans())
def test_no_line_is_wider_than_the_terminal(guests: list[Guest], width: int, long: bool) -> None:
    for line in drawn(guests, width, long=long):
        assert cell_len(line) <= width, line


@given(st.lists(nova_guests(), min_size=1, max_size=3), SELECTABLE, st.integers(20, 250))
def test_no_line_is_wider_than_the_terminal_whatever_columns_are_chosen(
    guests: list[Guest], columns: list[Column], width: int
) -> None:
    for line in drawn(guests, width, columns=[column.name for column in columns]):
        assert cell_len(line) <= width, line


@given(st.lists(nova_guests(), min_size=1, max_size=3), st.integers(40, 250), st.booleans())
def test_a_uuid_is_never_cut_where_the_width_can_hold_one(
    guests: list[Guest], width: int, long: bool
) -> None:
    lines = drawn(guests, width, long=long)
    for guest in guests:
        assert any(guest.uuid in line for line in lines)


@given(
    st.text("abcdefghijk-0123456789", min_size=1, max_size=60), st.integers(64, 250), st.booleans()
)
def test_a_domain_name_is_never_cut_where_the_width_can_hold_it(
    name: str, width: int, long: bool
) -> None:
    lines = drawn([nova_guest(1, full_instance(), domain=name), FULL], width, long=long)
    assert any(name in line for line in lines)


@given(st.lists(nova_guests(), min_size=1, max_size=2))
def test_a_wide_terminal_shows_every_cell_whole(guests: list[Guest]) -> None:
    lines = drawn(guests, 2000)
    for guest in guests:
        (line,) = [line for line in lines if guest.uuid in line]
        for name in ("name", "domain", "project", "user", "flavor", "created"):
            text = cell(text_of(COLUMNS[name].value(guest)))
            assert text.rstrip() in line


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200, 250])
def test_every_columns_header_and_content_is_there_at_any_width(width: int) -> None:
    lines = drawn([FULL], width, long=True)
    for name in LONG:
        value = text_of(COLUMNS[name].value(FULL))
        for whole in (name.upper(), value):
            # At least the beginning; all of it where one line of the width can hold it alone.
            assert any(whole[:8] in line for line in lines), whole
    for name in ("uuid", "domain", "state", "created"):
        value = text_of(COLUMNS[name].value(FULL))
        if len(value) <= width - 4:
            assert any(value in line for line in lines), value


def test_at_250_columns_a_full_guest_is_one_uncut_line() -> None:
    lines = drawn([FULL], 250)
    assert len(lines) == 4
    for value in ("web-1", "instance-00000001", "running", "acme", "alice", "m1.small"):
        assert value in lines[3]
    assert "…" not in "".join(lines)


def test_at_80_columns_a_row_goes_on_in_an_indented_line() -> None:
    lines = drawn([FULL], 80)
    assert lines[0] == "Nova instances  1"
    first = next(n for n, line in enumerate(lines) if line.startswith(FULL.uuid))
    assert lines[first + 1].startswith("    ")
    assert "…" not in "".join(lines)


def test_a_cut_text_ends_in_an_ellipsis() -> None:
    guest = nova_guest(1, instance("n" * 100))
    assert any(re.search(r"n…(\s|$)", line) for line in drawn([guest], 80))


def test_a_wide_character_is_not_cut_in_half() -> None:
    for name in ("日本語" * 20, "👩🏽‍🔧" * 30, "e\u0301" * 80):
        for width in range(20, 90):
            for line in drawn([nova_guest(1, instance(name))], width):
                assert cell_len(line) <= width


@pytest.mark.parametrize("width", [20, 47, 80, 200])
def test_a_terminal_without_unicode_gets_rules_and_cuts_in_ascii(width: int) -> None:
    text = "\n".join(drawn([nova_guest(1, instance("n" * 300))], width, unicode=False))
    assert text.isascii()
    assert "n~" in text


def test_sections_come_with_their_counts_and_empty_ones_are_left_out() -> None:
    text = "\n".join(drawn(HOST, 200))
    assert "Nova instances  2" in text
    assert "Nova instances without metadata  1" in text
    assert "Foreign guests  1" in text
    only = "\n".join(drawn(HOST[:2], 200))
    assert "Foreign" not in only
    assert "without" not in only


def test_states_have_different_colours() -> None:
    def colour_of(state: str) -> str:
        text = terminal_table(sections([nova_guest(1, state=state)]), width=200, unicode=True)
        found = re.search(rf"\x1b\[([0-9;]+)m{state}", text)
        assert found, state
        return found[1]

    assert len({colour_of(state) for state in ("running", "paused", "shutoff", "crashed")}) == 4


# ---- details ----------------------------------------------------------------------------------


@given(nova_guests(), st.integers(60, 250))
def test_details_wrap_and_lose_nothing(guest: Guest, width: int) -> None:
    lines = SGR.sub("", terminal_details([guest], width=width)).splitlines()
    # The first line is the title, which the terminal itself wraps.
    assert all(cell_len(line) <= width for line in lines[1:])
    assert guest.uuid in "".join(lines)


def test_details_of_several_guests_are_separated() -> None:
    lines = SGR.sub("", terminal_details(HOST[:2], width=100)).splitlines()
    assert "" in lines
    assert any("web-1  (instance-00000001)" in line for line in lines)
    assert any("vm-2  (instance-00000002)" in line for line in lines)


def test_a_long_text_in_details_is_folded_and_whole() -> None:
    keep: Callable[[str], str] = lambda text: re.sub(r"\s", "", text)  # noqa: E731
    guest = nova_guest(1, instance("x"), description="word" * 200)
    text = SGR.sub("", terminal_details([guest], width=80))
    assert "word" * 200 in keep(text)
