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
from virsh_nova.guests.columns import COLUMNS, LONG, Column
from virsh_nova.model import Guest
from virsh_nova.render.flat import text_of
from virsh_nova.render.list import plain_table, sections
from virsh_nova.render.safe import cell
from virsh_nova.render.show import details
from virsh_nova.render.style import coloured, plain
from virsh_nova.render.terminal import terminal_table

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
    divided = sections(guests, chosen, long=long)
    text = terminal_table(divided, width=width, paint=coloured, unicode=unicode)
    assert text.endswith("\n")
    lines = SGR.sub("", text).splitlines()
    assert lines == terminal_table(divided, width=width, paint=plain, unicode=unicode).splitlines()
    return lines


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
def test_a_uuid_is_whole_or_a_beginning_that_show_takes(
    guests: list[Guest], width: int, long: bool
) -> None:
    lines = drawn(guests, width, long=long)
    beginnings = {guest.uuid[:8] for guest in guests}
    for guest in guests:
        shown = guest.uuid if long or len(beginnings) < len(guests) else guest.uuid[:8]
        assert any(shown in line for line in lines)


@given(st.integers(100, 250), st.lists(st.text("abc-09", min_size=1, max_size=30), max_size=6))
def test_from_100_columns_on_a_guest_has_one_line_with_its_whole_domain(
    width: int, names: list[str]
) -> None:
    guests = [nova_guest(n, full_instance(name)) for n, name in enumerate(names, 1)]
    lines = drawn([*guests, nova_guest(99, full_instance())], width)
    for guest in guests:
        (line,) = [line for line in lines if guest.domain in line]
        assert guest.uuid[:8] in line


@given(st.lists(nova_guests(), min_size=1, max_size=2))
def test_a_wide_terminal_shows_every_cell_whole(guests: list[Guest]) -> None:
    lines = drawn(guests, 2000)
    for guest in guests:
        (line,) = [line for line in lines if guest.uuid in line]
        for name in ("name", "domain", "project", "user", "flavor"):
            text = cell(text_of(COLUMNS[name].value(guest)))
            assert text.rstrip() in line


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200, 250])
def test_every_columns_header_and_content_is_there_at_any_width(width: int) -> None:
    lines = drawn([FULL], width, long=True)
    for name in LONG:
        value = text_of(COLUMNS[name].value(FULL))
        for whole in (COLUMNS[name].title, value):
            # At least the beginning; all of it where one line of the width can hold it alone.
            assert any(whole[:8] in line for line in lines), whole
    for name in ("uuid", "domain", "state", "created"):
        value = text_of(COLUMNS[name].value(FULL))
        if len(value) <= width - 4:
            assert any(value in line for line in lines), value


def test_at_120_columns_a_full_guest_has_one_line_uncut() -> None:
    lines = drawn([FULL], 120)
    assert len(lines) == 3
    for value in ("web-1", "instance-00000001", "running", "acme", "alice", "m1.small", FULL.uuid):
        assert value in lines[2]
    assert "…" not in "".join(lines)


LONGER = nova_guest(9, full_instance("a-name-of-some-length"))


@pytest.mark.parametrize(
    ("width", "headers"),
    [
        (130, ["NAME", "STATE", "PROJECT", "USER", "FLAVOR", "DOMAIN", "UUID"]),
        (104, ["NAME", "STATE", "PROJECT", "USER", "DOMAIN", "UUID"]),
        (100, ["NAME", "STATE", "PROJECT", "DOMAIN", "UUID"]),
        (88, ["NAME", "STATE", "PROJECT", "USER", "FLAVOR", "DOMAIN", "UUID"]),
        (76, ["NAME", "STATE", "PROJECT", "USER", "DOMAIN", "UUID"]),
        (60, ["NAME", "STATE", "PROJECT", "USER", "UUID"]),
        (52, ["NAME", "STATE", "PROJECT", "UUID"]),
    ],
)
def test_columns_give_way_before_a_row_wraps(width: int, headers: list[str]) -> None:
    lines = drawn([FULL, LONGER], width)
    assert lines[1].split() == headers
    assert lines[2].startswith("web-1")
    assert lines[3].startswith("a-name-of-some-length  running  acme")


def test_a_shortened_uuid_is_long_enough_to_tell_guests_apart_and_says_so() -> None:
    guests = [FULL, FULL._replace(uuid=f"{FULL.uuid[:8]}-1111{FULL.uuid[13:]}")]
    lines = drawn(guests, 75)
    assert [line.split()[-1] for line in lines[2:4]] == [guest.uuid[:13] for guest in guests]
    assert lines[-1].startswith("uuids are shortened")


@pytest.mark.parametrize("width", [70, 80])
def test_uuids_that_only_their_last_digits_tell_apart_are_whole(width: int) -> None:
    guests = [FULL, FULL._replace(uuid=f"{FULL.uuid[:35]}9")]
    lines = drawn(guests, width)
    assert [line.split()[-1] for line in lines[2:]] == [guest.uuid for guest in guests]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_state_and_uuid_have_the_same_place_in_all_sections(width: int) -> None:
    heads = [line for line in drawn(HOST, width) if "STATE" in line]
    assert len(heads) == 3
    assert len({(head.index("STATE"), head.index("UUID")) for head in heads}) == 1


def test_guests_of_several_hosts_begin_with_their_host() -> None:
    lines = drawn([FULL, FULL._replace(host="compute-2")], 140)
    assert lines[1].split()[0] == "HOST"
    assert [line.split()[0] for line in lines[2:]] == ["compute-1", "compute-2"]


def test_numbers_are_aligned_to_the_right() -> None:
    lines = drawn([FULL], 100, columns=["memory", "vcpus"])
    assert lines[1] == "MEMORY MiB  VCPUS"
    assert lines[2] == "      2048      2"
    piped = plain_table(sections([FULL], [COLUMNS[name] for name in ("id", "memory", "vcpus")]))
    assert piped.splitlines()[-1] == "   1          2048        2"


def test_a_terminal_of_80_columns_goes_on_in_an_indented_line_for_long() -> None:
    lines = drawn([FULL], 80, long=True)
    assert lines[0] == "1 Nova instance"
    first = next(n for n, line in enumerate(lines) if line.startswith("web-1"))
    assert lines[first + 1].startswith("    ")
    assert "…" not in "".join(lines)


def test_addresses_are_never_cut() -> None:
    ips = "10.0.0.5, 2001:db8::5"
    for width in range(30, 200):
        assert any(ips in line for line in drawn([FULL], width, long=True))


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
    assert "2 Nova instances\n" in text
    assert "1 Nova instance without metadata  stamp can write it\n" in text
    assert "1 foreign guest\n" in text
    only = "\n".join(drawn(HOST[:2], 200))
    assert "oreign" not in only
    assert "without" not in only


def test_states_have_different_colours() -> None:
    def colour_of(state: str) -> str:
        text = terminal_table(sections([nova_guest(1, state=state)]), width=200, paint=coloured)
        found = re.search(rf"((?:\x1b\[[0-9;]+m)+){state}", text)
        assert found, state
        return found[1]

    assert len({colour_of(state) for state in ("running", "paused", "shutoff", "crashed")}) == 4


# ---- details ----------------------------------------------------------------------------------


@given(nova_guests(), st.integers(60, 250))
def test_details_wrap_and_lose_nothing(guest: Guest, width: int) -> None:
    lines = SGR.sub("", details([guest], width=width, paint=coloured)).splitlines()
    # The first line is the title, which the terminal itself wraps.
    assert all(cell_len(line) <= width for line in lines[1:])
    assert guest.uuid in "".join(lines)


def test_details_of_several_guests_stand_apart() -> None:
    lines = SGR.sub("", details(HOST[:2], width=100, paint=coloured)).splitlines()
    assert "" in lines
    assert any("web-1  (instance-00000001)" in line for line in lines)
    assert any("vm-2  (instance-00000002)" in line for line in lines)


def test_a_long_text_in_details_is_folded_and_whole() -> None:
    keep: Callable[[str], str] = lambda text: re.sub(r"\s", "", text)  # noqa: E731
    guest = nova_guest(1, instance("x"), description="word" * 200)
    text = SGR.sub("", details([guest], width=80, paint=coloured))
    assert "word" * 200 in keep(text)
