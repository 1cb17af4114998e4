"""Blocks that were damaged, or that are too big to be sent: one guest never costs the others.

libvirt keeps metadata as XML, so that it cannot be broken on a real host, and it neither takes in
one call nor sends more than 4 MiB of it. From its own files it reads more.
"""

import json

import libvirt
import pytest

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.goldens import golden_block
from tests.support.real_host import NOVA_1_1, documents_on, output_on, run_on, uuid

LONGEST_STRING = 4 * 1024 * 1024
"""Bytes of XML that libvirt's protocol carries (REMOTE_STRING_MAX)."""

PLAIN = golden_block("34.0.0", "image_plain")
DAMAGED = {
    "bad-number": (PLAIN.replace(">512<", ">plenty<"), "'plenty'"),
    "bad-date": (PLAIN.replace("2024-12-31 ", "2024-13-32 "), "'2024-13-32 23:59:59'"),
    "bad-root": (
        f'<nova:server xmlns:nova="{NOVA_1_1}"><nova:name>x</nova:name></nova:server>',
        "server",
    ),
    "two-roots": (
        PLAIN.replace("<nova:root", '<nova:root type="volume"/><nova:root'),
        "root",
    ),
}
NESTED = PLAIN.replace("<nova:ports>", "<nova:a>" * 200 + "</nova:a>" * 200 + "<nova:ports>")

LONG_NAME = "x" * (LONGEST_STRING - 100_000)
# The block alone can still be sent, the XML around it is too much.
ALMOST_TOO_LONG_NAME = "x" * (LONGEST_STRING - 1800)
TOO_LONG_NAME = "x" * 5_000_000
MANY_SPECS = "".join(
    f'<nova:extraSpec name="key{number}">{"v" * 40}</nova:extraSpec>' for number in range(60_000)
).join(["<nova:extraSpecs>", "</nova:extraSpecs>"])
TOO_BIG = {
    "long-name": PLAIN.replace("vm-image_plain", TOO_LONG_NAME),
    "many-specs": PLAIN.replace("<nova:extraSpecs/>", MANY_SPECS),
}


@pytest.fixture(scope="module")
def host(module_host: ComputeHost) -> ComputeHost:
    guests = {"healthy": PLAIN, "nested": NESTED}
    guests |= {name: made for name, (made, _) in DAMAGED.items()}
    guests["big"] = PLAIN.replace("vm-image_plain", LONG_NAME)
    for number, (name, made) in enumerate(guests.items(), 1):
        module_host.define(domains.nova_guest(name, uuid(number), made))
    in_files = TOO_BIG | {"brink": PLAIN.replace("vm-image_plain", ALMOST_TOO_LONG_NAME)}
    for number, (name, made) in enumerate(in_files.items(), 51):
        too_big = domains.nova_guest(name, uuid(number), made)
        with pytest.raises(libvirt.libvirtError, match="encode"):
            module_host.define(too_big)
        (module_host.directory / "etc" / "qemu" / f"{name}.xml").write_text(too_big)
    module_host.restart_daemon()
    return module_host


class TestDamage:
    @pytest.mark.parametrize("format_", ["table", "json", "yaml", "csv", "value"])
    def test_costs_the_guest_a_warning_and_the_others_nothing(
        self, host: ComputeHost, format_: str
    ) -> None:
        code, out, err = run_on(host.uri, "list", "-f", format_)
        assert code == 0
        assert "healthy" in out
        assert "healthy" not in err
        for guest, (_, fault) in DAMAGED.items():
            assert guest in out
            (warning,) = [line for line in err.splitlines() if guest in line]
            assert "warning" in warning
            assert fault in warning

    def test_leaves_what_could_be_read(self, host: ComputeHost) -> None:
        listed = documents_on(host.uri, "--domain", "bad-*", "--domain", "nested")
        number, date = listed["bad-number"]["instance"], listed["bad-date"]["instance"]
        assert number["flavor"]["memory_mib"] is None
        assert number["flavor"]["vcpus"] == 1
        assert number["name"] == "vm-image_plain"
        assert date["created"] is None
        assert date["owner"]["project"]["name"] == "demo-project"
        assert listed["nested"]["instance"]["name"] == "vm-image_plain"

    def test_of_the_outermost_element_leaves_a_nova_instance_without_metadata(
        self, host: ComputeHost
    ) -> None:
        damaged = documents_on(host.uri, "--domain", "bad-root")["bad-root"]
        assert damaged["kind"] == "nova-unstamped"
        assert damaged["instance"] is None

    def test_is_shown_too(self, host: ComputeHost) -> None:
        code, out, err = run_on(host.uri, "show", *DAMAGED)
        assert code == 0
        for guest, (_, fault) in DAMAGED.items():
            assert fault in out
            assert guest in err


class TestSize:
    def test_is_no_matter_as_long_as_libvirt_sends_it(self, host: ComputeHost) -> None:
        _, out, err = run_on(host.uri, "list", "-f", "json", "--domain", "big")
        assert [record["instance"]["name"] for record in json.loads(out)] == [LONG_NAME]
        assert "big" not in err

    def test_never_floods_a_table(self, host: ComputeHost) -> None:
        assert len(output_on(host.uri, "show", "big")) < 10_000
        _, table, _ = run_on(host.uri, "list", "--domain", "big")
        assert len(table) < 20_000

    @pytest.mark.parametrize("format_", ["table", "json", "value"])
    def test_that_libvirt_does_not_send_costs_the_guest_a_warning_and_the_others_nothing(
        self, host: ComputeHost, format_: str
    ) -> None:
        code, out, err = run_on(host.uri, "list", "-f", format_)
        assert code == 0
        assert "healthy" in out
        for guest in TOO_BIG:
            assert guest in out
            (warning,) = [line for line in err.splitlines() if guest in line]
            assert "cannot be read" in warning

    def test_that_libvirt_does_not_send_leaves_what_the_listing_says(
        self, host: ComputeHost
    ) -> None:
        listed = documents_on(host.uri)
        for number, guest in enumerate(TOO_BIG, 51):
            assert listed[guest]["uuid"] == uuid(number)
            assert listed[guest]["state"] == "shutoff"
            assert listed[guest]["instance"] is None

    @pytest.mark.parametrize("format_", ["table", "json", "yaml", "xml", "value"])
    def test_that_libvirt_does_not_send_can_be_shown_all_the_same(
        self, host: ComputeHost, format_: str
    ) -> None:
        code, out, err = run_on(host.uri, "show", "-f", format_, "long-name", "healthy")
        # Its block was asked for, and cannot be had.
        assert code == (1 if format_ == "xml" else 0)
        assert "cannot be read" in err
        assert "no metadata" not in err
        assert "vm-image_plain" in out

    def test_of_the_xml_around_a_block_costs_nothing_of_the_block(self, host: ComputeHost) -> None:
        with pytest.raises(libvirt.libvirtError, match="encode"):
            host.domain("brink").XMLDesc()
        rows = said_of_brink(host, "list", "-f", "value", "-c", "kind")
        assert rows == "nova\n"
        (record,) = json.loads(said_of_brink(host, "list", "-f", "json"))
        assert record["instance"]["name"] == ALMOST_TOO_LONG_NAME


def said_of_brink(host: ComputeHost, *arguments: str) -> str:
    code, out, _ = run_on(host.uri, *arguments, "--domain", "brink")
    assert code == 0
    return out
