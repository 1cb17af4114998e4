"""Facts of several sources become one block: the later source wins, and its origin is kept."""

from __future__ import annotations

from typing import Any

from tests.support.embedded import (
    nova,
)
from tests.support.memory_host import MemoryHost
from tests.support.records import record
from virsh_nova.block.namespaces import NOVA_1_1
from virsh_nova.inputs.values import fixed_address
from virsh_nova.sources.record import Record
from virsh_nova.stamp.merge import merge

VOLUME = "e2b487e4-a6a2-4148-beda-649cbc36fc65"


PORTS = ("d45a9119-51ab-4167-9a28-45423db6ad61", "4bb8ce1b-d083-40d2-99db-dfddf8f0dc38")


BOOTS_FROM_VOLUME = (
    "<disk type='block' device='disk'><source dev='/dev/sda'/><target dev='vda' bus='virtio'/>"
    f"<serial>{VOLUME}</serial></disk>"
)


TWO_NICS = "".join(
    f"<interface type='ethernet'><mac address='fa:16:3e:00:00:0{number}'/>"
    f"<target dev='tap{port[:11]}'/></interface>"
    for number, port in enumerate(PORTS, 1)
)


def merged(xml: str, *records: Record, deriving: bool = True, **rest: Any) -> Any:
    host = MemoryHost()
    host.add(both=xml)
    domain = host.guests()[0].definitions[0].domain
    return merge(domain, records, rest.pop("assignments", {}), deriving=deriving, **rest)


def test_facts_come_from_the_guest_then_the_records_then_set() -> None:
    known = record(1, facts={"flavor.vcpus": 4, "name": "a"})
    result = merged(nova(), known, assignments={"name": "b"})
    assert (result.facts["flavor.memory_mib"], result.facts["flavor.vcpus"]) == (512, 4)
    assert result.facts["name"] == "b"
    assert [result.origins[key] for key in ("flavor.memory_mib", "flavor.vcpus", "name")] == [
        "the guest", "a.json", "--set",
    ]  # fmt: skip


def test_the_origin_within_a_record_is_kept() -> None:
    known = record(1, facts={"owner.user.name": "joe"}, origins={"owner.user.name": "users.json"})
    assert merged(nova(), known).origins["owner.user.name"] == "users.json"


def test_a_boot_volume_is_named_by_the_guest_even_without_derive() -> None:
    known = record(1, facts={"root.type": "volume"})
    result = merged(nova(rest=BOOTS_FROM_VOLUME), known, deriving=False)
    assert (result.facts["root.uuid"], result.origins["root.uuid"]) == (VOLUME, "the guest")
    # A saved listing is to come back as it was: an empty uuid is one, unless --derive is given.
    saved = record(1, facts={"root.type": "volume", "root.uuid": ""})
    assert merged(nova(rest=BOOTS_FROM_VOLUME), saved, deriving=False).facts["root.uuid"] == ""
    assert merged(nova(rest=BOOTS_FROM_VOLUME), saved).facts["root.uuid"] == VOLUME


def test_a_later_source_that_knows_another_root_takes_the_uuid_with_it() -> None:
    known = record(1, facts={"root.type": "image"})
    result = merged(nova(rest=BOOTS_FROM_VOLUME), known)
    assert "root.uuid" not in result.facts
    assert "root.uuid" not in result.origins


def test_extra_specs_that_are_set_join_those_there_are() -> None:
    known = record(1, facts={"flavor.extra_specs": {"a": "1", "b": "1"}})
    result = merged(nova(), known, assignments={"flavor.extra_specs": {"b": "2"}})
    assert result.facts["flavor.extra_specs"] == {"a": "1", "b": "2"}


def test_addresses_known_by_mac_only_go_to_the_ports_of_the_guest() -> None:
    known = record(1, facts={}, addresses={"fa:16:3e:00:00:02": (fixed_address("10.0.0.5"),)})
    result = merged(nova(rest=TWO_NICS), known, known_ports=PORTS)
    assert [(port.uuid, len(port.ips)) for port in result.facts["ports"]] == [
        (PORTS[0], 0), (PORTS[1], 1),
    ]  # fmt: skip
    assert result.origins["ports"] == "the guest, a.json"


def test_ports_are_in_the_order_of_the_interfaces_unless_a_block_had_another() -> None:
    from virsh_nova.model import Port

    turned = tuple(Port(uuid, ()) for uuid in reversed(PORTS))
    known = record(1, facts={"ports": turned})
    assert merged(nova(rest=TWO_NICS), known).facts["ports"] == turned[::-1]
    saved = known._replace(namespace=NOVA_1_1)
    assert merged(nova(rest=TWO_NICS), saved).facts["ports"] == turned


def test_an_instance_is_unnamed_only_where_no_source_names_it() -> None:
    unnamed = record(1, facts={}, unnamed=True)
    assert merged(nova(), unnamed).unnamed
    assert not merged(nova(), unnamed, assignments={"name": "x"}).unnamed
