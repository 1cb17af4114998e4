"""`nova-domains list` on a compute host where everybody has left guests, running and stopped."""

import re
from pathlib import Path
from typing import Any

import libvirt
import pytest

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.goldens import golden_block
from tests.support.real_host import (
    NOVA_1_1,
    documents_on,
    image_file,
    output_on,
    run_on,
    uuid,
    with_device,
)

NOVA_1_0 = "http://openstack.org/xmlns/libvirt/nova/1.0"
PROJECT_ID = "3505505d0ff0589c949b0ed7b7e44392"


@pytest.fixture(scope="module")
def host(module_host: ComputeHost) -> ComputeHost:
    def define(number: int, *blocks: str, disk: Path | None = None) -> str:
        name = f"instance-{number:08x}"
        module_host.define(domains.nova_guest(name, uuid(number), *blocks, disk=disk))
        return name

    # What Nova left: releases old and new, in every state.
    disk = module_host.instance_disk(uuid(1))
    module_host.start(define(1, golden_block("34.0.0", "image_plain"), disk=disk))
    module_host.start(define(2, golden_block("23.0.0", "ports_v4_v6_floating")), paused=True)
    define(3, golden_block("15.1.5", "many_extra_specs"))
    module_host.create(
        domains.nova_guest("instance-00000004", uuid(4), golden_block("34.0.0", "many_extra_specs"))
    )
    define(
        5,
        golden_block("15.1.5", "image_plain", name="before the upgrade"),
        golden_block("34.0.0", "image_plain", name="after the upgrade"),
    )
    prefixed = module_host.domain(define(6))
    bare = golden_block("34.0.0", "image_plain", name="of another prefix")
    bare = bare.replace("nova:", "").replace(f' xmlns:nova="{NOVA_1_1}"', "")
    prefixed.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, bare, "elsewhere", NOVA_1_1, 0)
    described = module_host.domain(define(7, golden_block("34.0.0", "owner_na")))
    described.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, "A title", None, None, 0)
    described.setMetadata(libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, "Two\nlines", None, None, 0)
    # Without the block: one known by its sysinfo, one by the path of its disk and nothing else.
    define(8)
    image = image_file(module_host.instance_disk(uuid(9)))
    module_host.define(with_device(domains.plain_guest("renamed", uuid(9)), image))
    # What others left.
    module_host.define(domains.plain_guest("web", uuid(10)))
    module_host.define(domains.ovirt_guest("vm", uuid(11)))
    return module_host


@pytest.fixture(scope="module")
def listed(host: ComputeHost) -> dict[str, dict[str, Any]]:
    return documents_on(host.uri)


NOVA = {f"instance-{number:08x}" for number in range(1, 8)}
UNSTAMPED = {"instance-00000008", "renamed"}
FOREIGN = {"web", "vm"}

Listed = dict[str, dict[str, Any]]


class TestEveryGuestIsListed:
    def test_by_the_kind_it_is_of(self, listed: Listed) -> None:
        kinds: dict[str, set[str]] = {"nova": set(), "nova-unstamped": set(), "foreign": set()}
        for name, record in listed.items():
            kinds[record["kind"]].add(name)
        assert kinds == {"nova": NOVA, "nova-unstamped": UNSTAMPED, "foreign": FOREIGN}

    def test_under_its_own_uuid(self, listed: Listed) -> None:
        numbers = {**{name: int(name[-8:], 16) for name in listed if "-" in name}}
        numbers |= {"renamed": 9, "web": 10, "vm": 11}
        assert {name: record["uuid"] for name, record in listed.items()} == {
            name: uuid(number) for name, number in numbers.items()
        }

    def test_in_the_state_it_is_in(self, listed: Listed) -> None:
        states = {name: record["state"] for name, record in listed.items()}
        assert states.pop("instance-00000001") == "running"
        assert states.pop("instance-00000002") == "paused"
        assert states.pop("instance-00000004") == "running"  # the transient one
        assert set(states.values()) == {"shutoff"}

    def test_with_the_id_that_virsh_has_for_it_and_none_when_it_is_off(
        self, host: ComputeHost, listed: Listed
    ) -> None:
        ids = {domain.name(): domain.ID() for domain in host.connection.listAllDomains()}
        assert {name: record["id"] for name, record in listed.items()} == {
            name: number if number > 0 else None for name, number in ids.items()
        }
        assert sum(number > 0 for number in ids.values()) == 3

    def test_on_the_host_that_libvirt_says_it_is(self, host: ComputeHost, listed: Listed) -> None:
        assert {record["host"] for record in listed.values()} == {host.connection.getHostname()}


class TestWhatNovaRecorded:
    def test_is_read_from_blocks_of_the_first_namespace(self, listed: Listed) -> None:
        instance = listed["instance-00000003"]["instance"]
        assert instance["namespace"] == NOVA_1_0
        assert instance["package"] == "15.1.5"
        assert instance["flavor"]["name"] == "g1.large"
        assert instance["flavor"]["extra_specs"] is None
        assert instance["ports"] is None

    def test_is_read_from_the_newest_of_two_blocks(self, host: ComputeHost, listed: Listed) -> None:
        assert listed["instance-00000005"]["instance"]["name"] == "after the upgrade"
        _, _, err = run_on(host.uri, "list", "-f", "json")
        (warning,) = err.splitlines()
        assert "instance-00000005" in warning
        assert NOVA_1_0 in warning

    def test_is_read_whatever_the_prefix_it_was_set_with(
        self, host: ComputeHost, listed: Listed
    ) -> None:
        assert "<elsewhere:instance" in host.domain("instance-00000006").XMLDesc()
        instance = listed["instance-00000006"]["instance"]
        assert instance["name"] == "of another prefix"
        assert instance["namespace"] == NOVA_1_1

    def test_is_shown_beside_the_title_and_description_of_libvirt(self, listed: Listed) -> None:
        described = listed["instance-00000007"]
        assert described["title"] == "A title"
        assert described["description"] == "Two\nlines"
        assert described["instance"]["name"] == "vm-owner_na"
        assert listed["instance-00000001"]["title"] is None

    def test_is_there_for_a_transient_guest(self, listed: Listed) -> None:
        specs = listed["instance-00000004"]["instance"]["flavor"]["extra_specs"]
        assert specs["multi"] == "a\nb"

    def test_is_nothing_where_there_is_no_block(self, listed: Listed) -> None:
        assert [listed[name]["instance"] for name in UNSTAMPED | FOREIGN] == [None] * 4


class TestEvidence:
    def test_is_the_block_where_there_is_one(self, listed: Listed) -> None:
        for name in NOVA:
            assert listed[name]["evidence"][0].startswith("metadata block http://openstack.org/")

    def test_is_sysinfo_where_nova_wrote_no_block(self, listed: Listed) -> None:
        assert "sysinfo product OpenStack Nova" in listed["instance-00000008"]["evidence"]

    def test_is_the_path_of_a_disk_where_there_is_nothing_else(self, listed: Listed) -> None:
        (evidence,) = listed["renamed"]["evidence"]
        assert f"instances/{uuid(9)}/disk" in evidence

    def test_names_other_managers(self, listed: Listed) -> None:
        assert listed["vm"]["manager"] == "oVirt"
        assert "http://ovirt.org/vm/1.0" in listed["vm"]["evidence"][0]
        assert listed["web"]["manager"] == "unknown"
        assert listed["web"]["evidence"] == []


class TestTheTable:
    def test_has_a_section_a_kind_each_with_its_count(self, host: ComputeHost) -> None:
        lines = output_on(host.uri, "list").splitlines()
        titles = [line for line in lines if re.match(r"\d+ (Nova|foreign)", line)]
        assert titles == [
            "7 Nova instances",
            "2 Nova instances without metadata",
            "2 foreign guests",
        ]

    def test_is_never_cut_in_a_pipe(self, host: ComputeHost, listed: Listed) -> None:
        _, out, warnings = run_on(host.uri, "list", "--long")
        # It separates backfilled blocks from Nova's own, and reads the whole XML.
        assert all("two blocks" in line for line in warnings.splitlines())
        words = out.split()
        for name, record in listed.items():
            assert name in words
            assert record["uuid"] in words

    def test_is_sorted_by_domain_name(self, host: ComputeHost) -> None:
        table = output_on(host.uri, "list", "--kind", "nova")
        assert [word for word in table.split() if word in NOVA] == sorted(NOVA)

    def test_leaves_out_sections_without_guests(self, host: ComputeHost) -> None:
        table = output_on(host.uri, "list", "--kind", "foreign")
        assert table.startswith("2 foreign guests\n")
        assert "Nova" not in table

    def test_says_so_when_no_guest_matches(self, host: ComputeHost) -> None:
        assert output_on(host.uri, "list", "--name", "nobody") == "no guest matches\n"

    def test_shows_an_owner_without_a_name_by_its_id(self, host: ComputeHost) -> None:
        row = output_on(host.uri, "list", "--domain", "instance-00000007")
        assert PROJECT_ID in row
        assert "N/A" not in row


@pytest.mark.parametrize(
    ("filters", "fitting"),
    [
        ("--kind nova", NOVA),
        ("--kind foreign --kind nova-unstamped", FOREIGN | UNSTAMPED),
        ("--manager ovirt", {"vm"}),
        ("--manager unknown --manager nova --kind foreign", {"web"}),
        ("--state running", {"instance-00000001", "instance-00000004"}),
        ("--state paused --state running --flavor g1.*", {"instance-00000004"}),
        ("--name vm-image*", {"instance-00000001"}),
        ("--domain *[34] --domain w?b", {"instance-00000003", "instance-00000004", "web"}),
        ("--project demo-project", NOVA - {"instance-00000007"}),
        (f"--project {PROJECT_ID}", NOVA),
        ("--user demo", NOVA - {"instance-00000007"}),
        ("--user 79f47d31744b5500a6452cc6987041c9", NOVA),
        ("--flavor g1.large", {"instance-00000003", "instance-00000004"}),
        ("--flavor 641b5384-e660-51d2-a09b-e633543a446d", {"instance-00000004"}),
        ("--ip 2001:db8::/32", {"instance-00000002"}),
        ("--ip 10.0.0.5", {"instance-00000002"}),
        ("--ip 10.0.0.0/30", NOVA - {"instance-00000002", "instance-00000003"}),
    ],
)
def test_filters_take_the_guests_that_fit(
    host: ComputeHost, filters: str, fitting: set[str]
) -> None:
    assert set(documents_on(host.uri, *filters.split())) == fitting
    # The formats that read only the blocks come to the same answer.
    assert set(
        output_on(host.uri, "list", "-f", "value", "-c", "domain", *filters.split()).split()
    ) == (fitting)


class TestTheFlatFormats:
    def test_are_one_list_of_all_kinds(self, host: ComputeHost, listed: Listed) -> None:
        assert output_on(host.uri, "list", "-f", "value", "-c", "uuid").splitlines() == [
            listed[name]["uuid"] for name in sorted(listed)
        ]

    def test_agree_with_the_document(self, host: ComputeHost, listed: Listed) -> None:
        columns = ["-c", "domain", "-c", "uuid", "-c", "id", "-c", "state", "-c", "kind"]
        rows = output_on(host.uri, "list", "-f", "value", *columns).splitlines()
        for row in rows:
            name, *cells = row.split("\t")
            record = listed[name]
            number = "-" if record["id"] is None else str(record["id"])
            assert cells == [record["uuid"], number, record["state"], record["kind"]]

    def test_have_the_strongest_evidence_where_it_is_asked_for(
        self, host: ComputeHost, listed: Listed
    ) -> None:
        _, out, _ = run_on(host.uri, "list", "-f", "value", "-c", "domain", "-c", "evidence")
        for row in out.splitlines():
            name, evidence = row.split("\t")
            assert evidence.startswith(
                listed[name]["evidence"][0] if listed[name]["evidence"] else "-"
            )
