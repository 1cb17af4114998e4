"""Whatever a tenant typed, no output acts on a terminal or a spreadsheet, and none lies."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from io import StringIO

import pyte
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.guests import full_instance, instance, nova_guest
from tests.support.strategies import NASTY, instances, nova_guests, texts
from tests.support.terminals import SGR
from virsh_nova.block.namespaces import NOVA_1_1
from virsh_nova.document.encode import guest_document, whole_document
from virsh_nova.guests.columns import COLUMNS, FLAT_LONG
from virsh_nova.model import (
    Difference,
    Disk,
    Flavor,
    Guest,
    Hardware,
    Identity,
    Image,
    Instance,
    Interface,
    Owner,
)
from virsh_nova.parse import parse_block
from virsh_nova.render.flat import as_csv, as_values
from virsh_nova.render.list import plain_table, sections
from virsh_nova.render.safe import LONGEST_CELL, cell, escape_in_xml, spreadsheet_cell, visible
from virsh_nova.render.serial import as_json, as_yaml
from virsh_nova.render.show import details
from virsh_nova.render.style import coloured
from virsh_nova.render.terminal import terminal_table
from virsh_nova.write import write_block

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ACTS = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{BIDI}]")
COLUMNS_OF_TEXT = [COLUMNS[name] for name in (*FLAT_LONG, "title", "description", "evidence")]


def whole(guest: Guest, text: str) -> Guest:
    """The guest as ``show`` gets it, with a hostile text wherever there can be one."""
    return guest._replace(
        faults=(text,),
        hardware=Hardware(1, 1, (Disk(text, text, text, text),), (Interface(text, text, text),)),
        differences=(
            Difference(f"image.properties.{text}", text, None),
            Difference("name", None, text),
        ),
    )


def on_terminal(guest: Guest) -> str:
    return terminal_table(sections([guest], long=True), width=200, paint=coloured)


def in_pipe(guest: Guest) -> str:
    return plain_table(sections([guest], COLUMNS_OF_TEXT))


def as_json_list(guest: Guest) -> str:
    return as_json([guest_document(guest)], one_a_line=True, ascii_only=False)


def as_json_whole(guest: Guest) -> str:
    return as_json([whole_document(guest)], one_a_line=False, ascii_only=False)


def xml_of(guest: Guest) -> str:
    assert guest.instance is not None
    return escape_in_xml(write_block(guest.instance))


# What each way of printing may hold of the characters that act: its own layout.
OUTPUTS: dict[Callable[[Guest], str], str] = {
    on_terminal: "\n",
    in_pipe: "\n",
    lambda guest: details([guest], width=100, paint=coloured): "\n",
    lambda guest: details([guest]): "\n",
    lambda guest: as_values([guest], COLUMNS_OF_TEXT): "\n\t",
    lambda guest: as_csv([guest], COLUMNS_OF_TEXT): "\n",
    as_json_list: "\n",
    as_json_whole: "\n",
    lambda guest: as_yaml([whole_document(guest)]): "\n",
    xml_of: "\n\t",
}
NAMES = (
    "table on a terminal", "table in a pipe", "details on a terminal", "details in a pipe",
    "value", "csv", "json of list", "json of show", "yaml", "xml",
)  # fmt: skip
each_output = pytest.mark.parametrize(("output", "layout"), OUTPUTS.items(), ids=NAMES)


@each_output
@given(nova_guests(), texts())
def test_nothing_that_acts_on_a_terminal_comes_out(
    output: Callable[[Guest], str], layout: str, guest: Guest, text: str
) -> None:
    printed = SGR.sub("", output(whole(guest, text)))
    assert ACTS.findall(printed.translate(dict.fromkeys(map(ord, layout)))) == []


def everywhere(text: str) -> Guest:
    """The same text in every place that a tenant or an operator can fill."""
    block = full_instance(text)._replace(
        package=text,
        flavor=Flavor(text, text, 1, 1, 1, 1, 1, {text: text}),
        image=Image(text, text, text, 1, 1, {text: text}),
        owner=Owner(Identity(text, text), Identity(text, text)),
    )
    guest = nova_guest(1, block, domain=text, title=text, description=text, evidence=(text,))
    return whole(guest, text)


@each_output
@pytest.mark.parametrize("character", sorted(set(NASTY)), ids=lambda one: f"U+{ord(one):04X}")
def test_each_nasty_character_is_harmless_in_every_field(
    output: Callable[[Guest], str], layout: str, character: str
) -> None:
    printed = SGR.sub("", output(everywhere(f"a{character}b")))
    assert ACTS.findall(printed.translate(dict.fromkeys(map(ord, layout)))) == []


# ---- on a terminal ----------------------------------------------------------------------------


def screen_of(text: str, width: int = 200) -> list[str]:
    """What a terminal shows after it was sent the text."""
    screen = pyte.Screen(width, 60)
    pyte.Stream(screen).feed(text.replace("\n", "\r\n"))
    return [line.rstrip() for line in screen.display]


HOSTILE = "a\x9b2J\x9d0;owned\x9c\r\nroot\t\u202egpj"


def names_on_terminal(*names: str) -> str:
    guests = [nova_guest(n, instance(name)) for n, name in enumerate(names, 1)]
    columns = [COLUMNS["name"], COLUMNS["domain"]]
    return terminal_table(sections(guests, columns), width=120, paint=coloured)


def test_a_hostile_name_is_shown_escaped() -> None:
    shown = screen_of(names_on_terminal(HOSTILE))
    (row,) = [line for line in shown if "instance-00000001" in line]
    assert r"a\x9b2J\x9d0;owned\x9c\r\nroot\t\u202egpj" in row
    assert shown[0] == "1 Nova instance"


def test_a_hostile_name_leaves_the_details_in_their_lines() -> None:
    printed = details([nova_guest(1, instance(HOSTILE))], width=200, paint=coloured)
    shown = screen_of(printed)
    assert [line.rstrip() for line in SGR.sub("", printed).splitlines()] == shown[
        : len(printed.splitlines())
    ]
    assert sum(r"a\x9b2J" in line for line in shown) == 2


def test_one_guest_is_one_line_whatever_it_is_called() -> None:
    guests = [nova_guest(n, instance(f"x{c}y")) for n, c in enumerate("\n\r\x85\u2028\u2029\x0b")]
    for text in (
        as_values(guests, COLUMNS_OF_TEXT),
        as_csv(guests, COLUMNS_OF_TEXT).partition("\n")[2],
    ):
        assert len(text.splitlines()) == len(guests)
    table = plain_table(sections(guests)).splitlines()
    assert len(table) == len(guests) + 4


@pytest.mark.parametrize(
    "name",
    [
        "web[bold]x[/bold]", "x[/y]", ":smile:", "[link=https://evil.example]click[/link]",
        "[red]", "\\[red]", "[/]", "[@click=app.bell]x[/]", "{x}", "%s", "1e5", "0x10", "-", "~",
        "  blanks  ",
    ],
)  # fmt: skip
def test_markup_is_printed_as_it_was_typed(name: str) -> None:
    guest = nova_guest(1, instance(name))
    assert name in SGR.sub("", names_on_terminal(name))
    assert name in SGR.sub("", details([guest], width=200, paint=coloured))
    assert name in plain_table(sections([guest]))
    assert name in details([guest])
    assert name in as_values([guest], [COLUMNS["name"]])


@given(nova_guests(), texts())
def test_the_only_escape_sequences_are_colours(guest: Guest, text: str) -> None:
    for printed in (
        on_terminal(guest),
        details([whole(guest, text)], width=100, paint=coloured),
    ):
        assert "\x1b" not in SGR.sub("", printed)


# ---- true strings for machines ----------------------------------------------------------------


@given(nova_guests(), texts())
def test_json_loads_back_to_the_true_strings(guest: Guest, text: str) -> None:
    guest = whole(guest, text)
    assert json.loads(as_json_list(guest)) == [guest_document(guest)]
    assert json.loads(as_json_whole(guest)) == [whole_document(guest)]
    ascii_only = as_json([guest_document(guest)], one_a_line=True, ascii_only=True)
    assert ascii_only.isascii()
    assert json.loads(ascii_only) == [guest_document(guest)]


@given(nova_guests(), texts())
def test_yaml_loads_back_to_the_true_strings(guest: Guest, text: str) -> None:
    guest = whole(guest, text)
    assert yaml.safe_load(as_yaml([whole_document(guest)])) == [whole_document(guest)]


@pytest.mark.parametrize(
    "text",
    ["no", "on", "null", "~", "1e5", "0x10", "1_000", "2024-12-31", "12:30:45", "- a", "a: b",
     "&a", "*a", "!!python/object:os.system", "{", "#", "'", '"', " a ", "=", "<<", "?", "|", "%"],
)  # fmt: skip
def test_yaml_keeps_a_string_that_looks_like_something_else(text: str) -> None:
    loaded = yaml.safe_load(as_yaml([guest_document(nova_guest(1, instance(text)))]))
    assert loaded[0]["instance"]["name"] == text


@given(instances)
def test_the_xml_that_show_prints_reads_as_the_block_it_was(block: Instance) -> None:
    assert parse_block(escape_in_xml(write_block(block))).instance == block


@given(st.text())
def test_xml_of_any_kind_is_fit_for_a_terminal(xml: str) -> None:
    assert not ACTS.search(escape_in_xml(xml).replace("\n", "").replace("\t", ""))


@given(st.lists(nova_guests(), max_size=3))
def test_csv_reads_back_as_a_row_a_guest(guests: list[Guest]) -> None:
    rows = list(csv.reader(StringIO(as_csv(guests, COLUMNS_OF_TEXT))))
    assert rows[0] == [column.name for column in COLUMNS_OF_TEXT]
    assert [row[0] for row in rows[1:]] == [guest.uuid for guest in guests]
    assert {len(row) for row in rows} == {len(COLUMNS_OF_TEXT)}


@given(st.lists(nova_guests(), min_size=1, max_size=3))
def test_value_is_a_row_a_guest_with_a_tab_between_cells(guests: list[Guest]) -> None:
    rows = [line.split("\t") for line in as_values(guests, COLUMNS_OF_TEXT).split("\n")]
    assert rows.pop() == [""]
    assert [row[0] for row in rows] == [guest.uuid for guest in guests]
    assert {len(row) for row in rows} == {len(COLUMNS_OF_TEXT)}


# ---- spreadsheets -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|'/C calc'!A0", " =1", "\u00a0=1", "\u3000=1",
        "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff201", '=HYPERLINK("x")',
    ],
)  # fmt: skip
def test_a_cell_that_a_spreadsheet_would_run_is_led_by_an_apostrophe(name: str) -> None:
    printed = as_csv([nova_guest(1, instance(name))], [COLUMNS["name"]])
    assert list(csv.reader(StringIO(printed)))[1] == [f"'{name}"]


@pytest.mark.parametrize("name", ["\t=1", "\r=1", "\n=1", "\x7f=1", "\u200b=1"])
def test_a_control_before_a_formula_is_escaped(name: str) -> None:
    assert spreadsheet_cell(name).startswith(("'", "\\"))


@given(texts())
def test_no_cell_begins_a_formula(text: str) -> None:
    assert spreadsheet_cell(text).lstrip()[:1] not in {*"=+-@\uff1d\uff0b\uff0d\uff20"}


def test_a_harmless_cell_is_left_alone_and_a_number_is_one() -> None:
    guest = nova_guest(1, full_instance("a=b"))
    printed = as_csv([guest], [COLUMNS["name"], COLUMNS["memory"], COLUMNS["title"]])
    assert printed.splitlines()[1] == '"a=b",2048,""'


# ---- how much of it ---------------------------------------------------------------------------


def test_a_table_cuts_a_cell_longer_than_can_be_read() -> None:
    guest = nova_guest(1, instance("x" * 100_000))
    for printed in (on_terminal(guest), in_pipe(guest), details([guest])):
        assert "xxx" in printed
        assert len(printed) < 20_000
    assert len(details([guest], width=100, paint=coloured)) < 20_000


def test_a_cell_cut_short_says_so() -> None:
    assert cell("x" * LONGEST_CELL) == "x" * LONGEST_CELL
    assert cell("x" * (LONGEST_CELL + 1)) == "x" * (LONGEST_CELL - 1) + "…"


def test_machines_get_a_long_text_whole() -> None:
    guest = nova_guest(1, instance("x" * 100_000))
    for printed in (as_json_list(guest), as_values([guest], [COLUMNS["name"]])):
        assert "x" * 100_000 in printed


@given(st.text())
def test_visible_text_holds_nothing_that_acts(text: str) -> None:
    assert not ACTS.search(visible(text))
    assert visible(visible(text)) == visible(text)


@given(st.text(st.characters(categories=["Lu", "Ll", "Nd", "Sm", "Pd"])))
def test_letters_and_numbers_of_any_script_are_left_alone(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("text", ["Ünïçødé", "日本語", "😀", "👩\u200d🔧", "❤\ufe0f", "e\u0301"])
def test_what_people_write_is_left_alone(text: str) -> None:
    assert visible(text) == text


def test_a_name_of_another_script_is_printed_as_it_is_in_every_output() -> None:
    guest = nova_guest(1, Instance(NOVA_1_1, name="日本語-Ünï"))
    for output in OUTPUTS:
        assert "日本語-Ünï" in output(guest)
