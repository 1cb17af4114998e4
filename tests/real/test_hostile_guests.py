"""Guests that tenants named with malice, and blocks that somebody damaged, on a real host."""

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import libvirt
import pytest
from lxml import etree

from tests.real import domains
from tests.real.compute_host import ComputeHost
from tests.real.test_harness import NOVA_1_1
from tests.real.test_list_real import block, nova_domains, records, said, uuid

RPC_STRING_MAX = 4 * 1024 * 1024
"""What libvirt sends as one string: the XML of a domain, or its block."""

NAMES = {
    "bidi": "web\u202egpj.exe\u2066\u200f",
    "c1": "web\u009b31mred\u0085",
    "markup": "web[bold]x[/bold][/y][link=http://e.invalid]z :smile:",
    "emoji": "\N{GRINNING FACE} \N{FAMILY}",
    "blanks": "  \t leading and trailing \t ",
    "formula": '=HYPERLINK("http://e.invalid","x")',
    "number": "1e5",
    "comma": 'a,"b";c\\',
    "zwsp": "ad\u200bmin\ufeff",
}
SPEC = ("line\none", "two\nlines\tand a tab \u009b")

WRONG_ROOT = f'<nova:server xmlns:nova="{NOVA_1_1}"><nova:name>x</nova:name></nova:server>'


@pytest.fixture(scope="module")
def host(module_host: ComputeHost) -> Iterator[ComputeHost]:
    def define(number: int, name: str, made: str) -> None:
        module_host.define(domains.nova_guest(name, uuid(number), made))

    plain = block("34.0.0", "image_plain")
    for number, (case, name) in enumerate(NAMES.items(), 1):
        define(number, f"name-{case}", block("34.0.0", "image_plain", name=name))
    define(20, "name-of-a-spec", with_spec(plain))
    define(30, "damaged-number", plain.replace(">512<", ">plenty<"))
    define(31, "damaged-date", plain.replace("2024-12-31 ", "2024-13-32 "))
    define(32, "damaged-root", WRONG_ROOT)
    define(33, "damaged-twice", plain.replace("<nova:root ", '<nova:root type="volume"/><nova:root '))
    define(34, "damaged-depth", plain.replace("<nova:ports>", "<nova:a>" * 200 + "</nova:a>" * 200 + "<nova:ports>"))
    define(40, "healthy", plain)
    yield module_host


def with_spec(plain: str) -> str:
    root = etree.fromstring(plain)
    specs = root.find(".//{*}extraSpecs")
    spec = etree.SubElement(specs, f"{{{NOVA_1_1}}}extraSpec", name=SPEC[0])
    spec.text = SPEC[1]
    return str(etree.tostring(root, encoding="unicode"))


def dangers(text: str) -> set[str]:
    """Characters that a terminal could obey: controls, and those that format or reorder text."""
    found = {each for each in text if unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp")}
    return found - {"\n"}


class TestNames:
    @pytest.mark.parametrize("format_", ["table", "json", "yaml", "csv", "value"])
    def test_reach_a_pipe_without_a_character_that_acts(
        self, host: ComputeHost, format_: str
    ) -> None:
        out = said(host.uri, "list", "--domain", "name-*", "-f", format_, "--long")
        # Cells of `value` stand apart by a tab of ours.
        assert dangers(out) <= ({"\t"} if format_ == "value" else set())

    @pytest.mark.parametrize("format_", ["table", "json", "yaml", "xml", "value"])
    def test_are_shown_without_a_character_that_acts(
        self, host: ComputeHost, format_: str
    ) -> None:
        handles = [f"name-{case}" for case in NAMES] + ["name-of-a-spec"]
        _, out, err = nova_domains(host.uri, "show", "-f", format_, *handles)
        assert dangers(out) <= ({"\t"} if format_ in ("value", "xml") else set())
        assert dangers(err) == set()

    def test_are_exact_in_the_document(self, host: ComputeHost) -> None:
        listed = records(host.uri, "--domain", "name-*")
        assert {case: listed[f"name-{case}"]["instance"]["name"] for case in NAMES} == NAMES

    def test_of_extra_specs_are_exact_in_the_document(self, host: ComputeHost) -> None:
        listed = records(host.uri, "--domain", "name-of-a-spec")
        name, value = SPEC
        # An attribute's line break is a blank to XML, unless it was written as a reference.
        assert listed["name-of-a-spec"]["instance"]["flavor"]["extra_specs"] in (
            {name: value},
            {name.replace("\n", " "): value},
        )

    def test_are_one_row_each(self, host: ComputeHost) -> None:
        rows = said(host.uri, "list", "--kind", "nova", "-f", "value", "-c", "domain", "-c", "name")
        names = [row.split("\t") for row in rows.splitlines()]
        assert all(len(cells) == 2 for cells in names)
        assert ["name-markup", NAMES["markup"]] in names
        assert ["name-number", "1e5"] in names

    def test_run_no_formula_in_a_spreadsheet(self, host: ComputeHost) -> None:
        csv = said(host.uri, "list", "--domain", "name-formula", "-f", "csv", "-c", "name")
        assert csv.splitlines()[1].startswith("\"'=HYPERLINK(")

    def test_keep_their_leading_blanks_in_the_table(self, host: ComputeHost) -> None:
        table = said(host.uri, "list", "--domain", "name-blanks", "-c", "name", "-c", "domain")
        assert "\n  \\t leading and trailing \\t  " in table

    def test_are_matched_as_they_are(self, host: ComputeHost) -> None:
        assert set(records(host.uri, "--name", NAMES["bidi"])) == {"name-bidi"}


class TestDamage:
    @pytest.mark.parametrize("format_", ["table", "json", "yaml", "csv", "value"])
    def test_costs_a_warning_each_and_nothing_else(self, host: ComputeHost, format_: str) -> None:
        code, out, err = nova_domains(host.uri, "list", "-f", format_)
        assert code == 0
        assert "healthy" in out
        for guest, fault in [
            ("damaged-number", "'plenty' is no number"),
            ("damaged-date", "'2024-13-32 23:59:59' is no date"),
            ("damaged-root", "<server>, not <instance>"),
            ("damaged-twice", "two <root>"),
        ]:
            assert guest in out
            (warning,) = [line for line in err.splitlines() if guest in line]
            assert "warning" in warning
            assert fault in warning

    def test_leaves_what_could_be_read(self, host: ComputeHost) -> None:
        listed = records(host.uri, "--domain", "damaged-*")
        number, date = listed["damaged-number"]["instance"], listed["damaged-date"]["instance"]
        assert number["flavor"]["memory_mib"] is None
        assert number["flavor"]["vcpus"] == 1
        assert number["name"] == "vm-image_plain"
        assert date["created"] is None
        assert date["owner"]["project"]["name"] == "demo-project"
        assert listed["damaged-depth"]["instance"]["name"] == "vm-image_plain"

    def test_of_the_outermost_element_leaves_a_nova_instance_without_metadata(
        self, host: ComputeHost
    ) -> None:
        damaged = records(host.uri, "--domain", "damaged-root")["damaged-root"]
        assert damaged["kind"] == "nova-unstamped"
        assert damaged["instance"] is None

    def test_is_shown_as_well(self, host: ComputeHost) -> None:
        code, out, err = nova_domains(host.uri, "show", "damaged-number", "damaged-root")
        assert code == 0
        assert "'plenty' is no number" in out
        assert "damaged-number" in err
        assert "damaged-root" in err


class TestSize:
    """libvirt takes a block of any size from a file, and sends none of more than 4 MiB."""

    LONG = "x" * (RPC_STRING_MAX - 100_000)
    TOO_LONG = "x" * 5_000_000

    @pytest.fixture(scope="class")
    def big_host(self, host: ComputeHost) -> Iterator[ComputeHost]:
        plain = block("34.0.0", "image_plain")
        host.define(
            domains.nova_guest("big", uuid(50), plain.replace("vm-image_plain", self.LONG))
        )
        name = plain.replace("vm-image_plain", self.TOO_LONG)
        specs = "".join(
            f'<nova:extraSpec name="key{number}">{"v" * 40}</nova:extraSpec>'
            for number in range(60_000)
        )
        many = plain.replace(
            "<nova:extraSpecs/>", f"<nova:extraSpecs>{specs}</nova:extraSpecs>"
        )
        qemu = host.directory / "etc" / "qemu"
        for number, (guest, made) in enumerate({"huge": name, "many": many}.items(), 51):
            with pytest.raises(libvirt.libvirtError, match="encode"):
                host.define(domains.nova_guest(guest, uuid(number), made))
            (qemu / f"{guest}.xml").write_text(domains.nova_guest(guest, uuid(number), made))
        host.restart_daemon()
        assert {"big", "huge", "many"} <= {
            domain.name() for domain in host.connection.listAllDomains()
        }
        yield host
        for guest in ("big", "huge", "many"):
            host.domain(guest).undefine()

    def test_just_within_the_limit_is_no_matter(self, big_host: ComputeHost) -> None:
        out = said(big_host.uri, "list", "-f", "json", "--domain", "healthy", "--domain", "big")
        assert [record["instance"]["name"] for record in json.loads(out)] == [
            self.LONG,
            "vm-image_plain",
        ]

    def test_is_cut_in_the_table(self, big_host: ComputeHost) -> None:
        _, table, _ = nova_domains(big_host.uri, "list", "--domain", "big")
        assert f"{'x' * 1000}" in table
        assert len(table) < 20_000

    @pytest.mark.parametrize("format_", ["table", "json", "value"])
    def test_beyond_the_limit_costs_a_warning_each_and_nothing_else(
        self, big_host: ComputeHost, format_: str
    ) -> None:
        code, out, err = nova_domains(big_host.uri, "list", "-f", format_)
        assert code == 0
        for guest, number in (("huge", 51), ("many", 52)):
            assert uuid(number) in out
            (warning,) = [line for line in err.splitlines() if guest in line]
            assert "warning" in warning
            assert "cannot be read" in warning
        healthy = records(big_host.uri, "--domain", "healthy")["healthy"]
        assert healthy["instance"]["name"] == "vm-image_plain"

    def test_beyond_the_limit_leaves_what_the_listing_tells(self, big_host: ComputeHost) -> None:
        listed: dict[str, Any] = records(big_host.uri, "--domain", "huge", "--domain", "many")
        for guest in ("huge", "many"):
            assert listed[guest]["state"] == "shutoff"
            assert listed[guest]["instance"] is None

    def test_beyond_the_limit_can_be_shown(self, big_host: ComputeHost) -> None:
        code, out, err = nova_domains(big_host.uri, "show", "huge")
        assert code == 0
        assert uuid(51) in out
        assert "cannot be read" in err
