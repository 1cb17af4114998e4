"""Metrics from guests: every label, in the format, whatever tenants typed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.guests import foreign_guest, full_instance, nova_guest, unstamped_guest
from tests.support.models import guests as any_guest
from tests.support.prometheus import labels_of, promtool, samples, value_of
from virsh_nova.model import Address, Disk, Guest, Hardware, Interface, Port, Root
from virsh_nova.render.prometheus import (
    HELP,
    NOTHING_BEFORE,
    Before,
    Snapshot,
    as_text,
    families,
    read_textfile,
)

PORT = "36116cce-64e7-5c02-9694-c89222938f49"
VOLUME = "e2b487e4-a6a2-4148-beda-649cbc36fc65"
NIC = Interface("fa:16:3e:00:00:01", "tap36116cce-64", PORT)
HARDWARE = Hardware(2, 2048, (Disk("vda", "virtio", "/dev/sdb", VOLUME),), (NIC,))


def text_of(
    *guests: Guest, before: Before = NOTHING_BEFORE, names: bool = True, **more: Any
) -> str:
    return as_text(families(Snapshot(guests, 0.25, 1700000000.0, **more), before, names=names))


def with_ports(*ports: Port, **changes: Any) -> Guest:
    return nova_guest(1, full_instance()._replace(ports=ports, **changes), hardware=HARDWARE)


def test_an_instance_has_every_label() -> None:
    guest = nova_guest(1, full_instance(), hardware=HARDWARE)
    assert labels_of(text_of(guest), "guest_info") == [
        {
            "host": "compute-1", "domain": "instance-00000001", "instance_id": guest.uuid,
            "instance_name": "web-1", "project_id": "project-id", "project_name": "acme",
            "user_id": "user-id", "user_name": "alice", "flavor_name": "m1.small", "kind": "nova",
            "manager": "nova", "nova_version": "34.0.0", "root_type": "image",
        }
    ]  # fmt: skip
    assert labels_of(text_of(guest), "guest_state") == [
        {"host": "compute-1", "domain": guest.domain, "instance_id": guest.uuid, "state": "running"}
    ]


def test_what_is_not_known_of_a_guest_is_empty() -> None:
    text = text_of(unstamped_guest(1), foreign_guest(2, "oVirt", host=None))
    foreign, unstamped = labels_of(text, "guest_info")
    assert (foreign["host"], foreign["manager"], foreign["kind"]) == ("", "oVirt", "foreign")
    assert (unstamped["kind"], unstamped["project_id"], unstamped["root_type"]) == (
        "nova-unstamped", "", "",
    )  # fmt: skip


@pytest.mark.parametrize(("root", "word"), [(Root("volume", ""), "volume"), (None, "volume")])
def test_a_boot_from_a_volume_is_one_in_every_release(root: Root | None, word: str) -> None:
    (labels,) = labels_of(text_of(with_ports(root=root)), "guest_info")
    assert labels["root_type"] == word


def test_a_port_is_there_once_for_each_address() -> None:
    addresses = (Address("fixed", "10.0.0.5", 4), Address("fixed", "2001:db8::5", 6))
    text = text_of(with_ports(Port(PORT.upper(), addresses)))
    one, other = labels_of(text, "port_info")
    assert one == {
        "instance_id": with_ports().uuid, "port_id": PORT, "device": "tap36116cce-64",
        "mac_address": "fa:16:3e:00:00:01", "address": "10.0.0.5",
    }  # fmt: skip
    assert other == {**one, "address": "2001:db8::5"}


def test_ports_and_interfaces_without_each_other_are_there_as_well() -> None:
    text = text_of(with_ports(Port("another-port", ())))
    interface, port = labels_of(text, "port_info")
    assert (interface["port_id"], interface["device"], interface["address"]) == (
        PORT, "tap36116cce-64", "",
    )  # fmt: skip
    assert (port["port_id"], port["device"], port["mac_address"]) == ("another-port", "", "")


def test_volumes_are_those_of_instances() -> None:
    guest, foreign = with_ports(), foreign_guest(2, hardware=HARDWARE)
    assert labels_of(text_of(guest, foreign), "volume_info") == [
        {"instance_id": guest.uuid, "volume_id": VOLUME, "device": "vda"}
    ]


def test_devices_can_be_left_out() -> None:
    text = text_of(with_ports(), devices=False)
    assert "port_info" not in text
    assert "volume_info" not in text
    assert labels_of(text, "guest_info")


def test_guests_are_counted_and_findings_given() -> None:
    findings = {("orphan", "error"): 2, ("crashed", "error"): 0}
    found = samples(text_of(nova_guest(1), nova_guest(2), foreign_guest(3), findings=findings))
    counts = {(s.labels["kind"], s.labels["state"]): s.value for s in found["nova_domains_guests"]}
    assert counts == {("nova", "running"): 2, ("foreign", "running"): 1}
    listed = {(s.labels["code"], s.labels["severity"]): s.value
              for s in found["nova_domains_findings"]}  # fmt: skip
    assert listed == findings


def test_what_tenants_typed_can_be_left_out() -> None:
    text = text_of(with_ports(), names=False)
    (labels,) = labels_of(text, "guest_info")
    assert not {"instance_name", "project_name", "user_name"} & {*labels}
    assert (labels["project_id"], labels["flavor_name"]) == ("project-id", "m1.small")
    assert not any(name in text for name in ("web-1", "acme", "alice"))


@pytest.mark.parametrize(
    "name",
    [
        'quote " and \\ and \\n', "line\nbreak", "tab\tand\rreturn", "\x9b31m\u202e\u2028", "}{,=",
        "Zoë's 語 😀", "\x00\x1b[31m", "x" * 2000, '\\"', "\\", "lone \ud800 half",
    ],
)  # fmt: skip
def test_any_name_is_escaped_as_the_format_wants(name: str) -> None:
    (labels,) = labels_of(text_of(nova_guest(1, full_instance(name))), "guest_info")
    if len(name) > 1024:
        assert labels["instance_name"] == "x" * 1023 + "…"
    else:
        assert labels["instance_name"] == name.replace("\ud800", "?")


def test_two_guests_of_one_uuid_are_told_apart_by_domain() -> None:
    guest = with_ports(Port(PORT, ()))
    text = text_of(guest, guest._replace(domain="copy"), guest)
    assert [labels["domain"] for labels in labels_of(text, "guest_info")] == [
        "copy", "instance-00000001",
    ]  # fmt: skip
    # These have no domain: what would be the same twice is there once.
    assert len(labels_of(text, "port_info")) == len(labels_of(text, "volume_info")) == 1


@settings(max_examples=25)
@given(st.lists(any_guest(), max_size=4), st.booleans(), st.booleans())
def test_whatever_guests_hold_promtool_has_nothing_to_say(
    guests: list[Guest], names: bool, devices: bool
) -> None:
    found = samples(text_of(*guests, names=names, devices=devices))
    different = {(guest.host or "", guest.domain, guest.uuid) for guest in guests}
    assert sum(sample.value for sample in found["nova_domains_guests"]) == len(different)


def test_every_metric_has_a_help_text() -> None:
    text = text_of(with_ports(), findings={("orphan", "error"): 1})
    assert sorted(HELP) == sorted(
        line.split()[2] for line in text.splitlines() if line.startswith("# HELP")
    )


# ---- what the last file said ------------------------------------------------------------------


def test_a_host_that_cannot_be_read_keeps_the_time_of_its_last_success() -> None:
    before = read_textfile(text_of(with_ports()))
    assert before.last_success == 1700000000.0
    text = as_text(families(Snapshot(seconds=10.0), before))
    assert value_of(text, "up") == 0
    assert value_of(text, "last_success_timestamp_seconds") == 1700000000.0
    assert value_of(text, "read_duration_seconds") == 10.0
    assert "guest" not in text


def test_a_host_that_never_could_be_read_has_no_such_time() -> None:
    text = as_text(families(Snapshot(seconds=10.0)))
    assert value_of(text, "up") == 0
    assert value_of(text, "last_success_timestamp_seconds") is None


def test_of_a_host_that_was_read_in_part_the_guests_are_shown_and_it_is_not_up() -> None:
    before = Before(last_success=5.0)
    text = as_text(families(Snapshot((with_ports(),), 1.0, None), before))
    assert value_of(text, "up") == 0
    assert value_of(text, "last_success_timestamp_seconds") == 5.0
    assert len(labels_of(text, "guest_info")) == 1


def stuck(guest: Guest) -> Guest:
    """As it is while libvirt lists it and returns nothing else."""
    return guest._replace(
        kind="unreadable", manager="unknown", block=None, hardware=None, state="running"
    )


def test_no_label_of_a_guest_disappears_while_it_cannot_be_read() -> None:
    guest = nova_guest(1, full_instance(), hardware=HARDWARE)
    usual = text_of(guest)
    text = text_of(stuck(guest), before=read_textfile(usual))
    for metric in ("guest_info", "guest_state", "port_info", "volume_info"):
        assert labels_of(text, metric) == labels_of(usual, metric), metric
    assert samples(text)["nova_domains_guests"][0].labels["kind"] == "unreadable"


def test_nor_does_one_of_its_devices_while_only_its_metadata_come() -> None:
    guest = nova_guest(1, full_instance(), hardware=HARDWARE)
    usual = text_of(guest)
    text = text_of(guest._replace(hardware=None), before=read_textfile(usual))
    for metric in ("guest_info", "guest_state", "port_info", "volume_info"):
        assert labels_of(text, metric) == labels_of(usual, metric), metric


def test_labels_are_kept_of_the_guest_itself_and_without_names_if_asked() -> None:
    guest, copy = nova_guest(1, full_instance()), nova_guest(1, full_instance("other"), domain="x")
    before = read_textfile(text_of(guest, copy))
    one, other = labels_of(text_of(stuck(copy), stuck(guest), before=before), "guest_info")
    assert (one["instance_name"], other["instance_name"]) == ("web-1", "other")
    assert "web-1" not in text_of(stuck(guest), before=before, names=False)


@pytest.mark.parametrize(
    "text",
    [
        "", "\x00\xff", "nova_domains_up{", "# TYPE nova_domains_up gauge\nnova_domains_up x",
        "nova_domains_last_success_timestamp_seconds{", '{"a": 1}', "node_load1 0.5\n",
    ],
)  # fmt: skip
def test_a_last_file_that_cannot_be_understood_says_nothing(text: str) -> None:
    assert read_textfile(text).last_success is None


def test_promtool_says_something_of_metrics_that_are_wrong() -> None:
    """Else the checks above would check nothing."""
    assert promtool("check", "metrics", stdin="nova_domains_up 1\n")[1] != ""
    assert promtool("check", "metrics", stdin='nova_domains_up{a="\\x"} 1\n')[0] != 0
