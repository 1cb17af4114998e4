"""Guests that their tenants named with malice: safe where people look, exact where programs do."""

import unicodedata

import pytest
from lxml import etree

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.goldens import golden_block
from tests.support.real_host import NOVA_1_1, documents_on, output_on, uuid

NAMES = {
    "bidi": "web\u202egpj.exe\u2066\u200f",
    "blanks": "  \t leading and trailing \t ",
    "c1": "web\u009b31mred\u0085",
    "comma": 'a,"b";c\\',
    "emoji": "\N{GRINNING FACE} \N{FAMILY}",
    "formula": '=HYPERLINK("http://e.invalid","x")',
    "markup": "web[bold]x[/bold][/y][link=http://e.invalid]z :smile:",
    "number": "1e5",
    "zero-width": "ad\u200bmin\ufeff",
}
SPEC = {"hw:\u009b31m": "two\nlines\tand a tab"}


@pytest.fixture(scope="module")
def host(module_host: ComputeHost) -> ComputeHost:
    for number, (case, name) in enumerate(NAMES.items(), 1):
        made = golden_block("34.0.0", "image_plain", name=name)
        module_host.define(domains.nova_guest(case, uuid(number), made))
    root = etree.fromstring(golden_block("34.0.0", "image_plain"))
    for name, value in SPEC.items():
        specs = root.find(".//{*}extraSpecs")
        etree.SubElement(specs, f"{{{NOVA_1_1}}}extraSpec", name=name).text = value
    made = etree.tostring(root, encoding="unicode")
    module_host.define(domains.nova_guest("spec", uuid(20), made))
    return module_host


def what_acts(text: str) -> set[str]:
    """Characters that a terminal could obey: controls, and those that format or reorder text."""
    acting = ("Cc", "Cf", "Zl", "Zp")
    return {each for each in text if unicodedata.category(each) in acting} - {"\n"}


@pytest.mark.parametrize("format_", ["table", "json", "yaml", "csv", "value"])
def test_a_list_holds_no_character_that_acts(host: ComputeHost, format_: str) -> None:
    out = output_on(host.uri, "list", "--long", "-f", format_)
    # Cells of `value` are separated by a tab: nine names add none.
    assert what_acts(out) <= ({"\t"} if format_ == "value" else set())
    assert "31m" in out


@pytest.mark.parametrize("format_", ["table", "json", "yaml", "xml", "value"])
def test_details_hold_no_character_that_acts(host: ComputeHost, format_: str) -> None:
    out = output_on(host.uri, "show", "-f", format_, *NAMES, "spec")
    # Tabs part the cells of `value`, and XML is printed as it is stored.
    assert what_acts(out) <= ({"\t"} if format_ in ("value", "xml") else set())
    assert "31m" in out


def test_the_document_holds_names_exactly(host: ComputeHost) -> None:
    listed = documents_on(host.uri)
    assert {case: listed[case]["instance"]["name"] for case in NAMES} == NAMES
    assert listed["spec"]["instance"]["flavor"]["extra_specs"] == SPEC


def test_a_guest_is_one_row_of_values_whatever_its_name(host: ComputeHost) -> None:
    rows = output_on(host.uri, "list", "-f", "value", "-c", "domain", "-c", "name").splitlines()
    names = dict(row.split("\t") for row in rows)
    assert set(names) == {*NAMES, "spec"}
    # What does no harm is left as it is: markup is no markup, a number no number.
    for case in ("comma", "emoji", "formula", "markup", "number"):
        assert names[case] == NAMES[case]
    assert names["blanks"] == NAMES["blanks"].replace("\t", "\\t")


def test_a_spreadsheet_runs_no_name(host: ComputeHost) -> None:
    csv = output_on(host.uri, "list", "--domain", "formula", "-f", "csv", "-c", "name")
    assert csv.splitlines()[1].startswith("\"'=HYPERLINK(")


def test_the_table_takes_no_name_for_markup(host: ComputeHost) -> None:
    table = output_on(host.uri, "list")
    assert NAMES["markup"] in table
    assert NAMES["emoji"] in table
    assert "  \\t leading and trailing \\t " in table
    assert "web\\u202egpj.exe" in table


def test_a_filter_takes_the_name_as_it_is(host: ComputeHost) -> None:
    assert set(documents_on(host.uri, "--name", NAMES["bidi"])) == {"bidi"}
    assert set(documents_on(host.uri, "--name", "* \t ")) == {"blanks"}


def test_a_handle_can_be_such_a_name(host: ComputeHost) -> None:
    assert uuid(1) in output_on(host.uri, "show", NAMES["bidi"])
