"""Who is written to and who is refused, and what is told of records, one case at a time.

test_plan_properties.py says what holds for all cases.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.hosts import DATA, MemoryHost, block, guest, uuid_of
from tests.strategies import APPLIANCE, FOREIGN_METADATA, NOVA_SYSINFO
from tests.test_plan_properties import BY
from virsh_nova.dialect import BACKFILL, DRAFT, NOVA_1_0, NOVA_1_1
from virsh_nova.guests import unreadable_guest
from virsh_nova.listing import Sighting
from virsh_nova.model import Record
from virsh_nova.release import RELEASES
from virsh_nova.stamp.merge import merge
from virsh_nova.stamp.plan import Options, Plan, Step, make_plan

WHOLE = {
    "package": "34.0.0", "name": "web-1", "flavor.name": "m1.small",
    "owner.user.id": "u", "owner.project.id": "p",
}  # fmt: skip


def record(number: int, source: str = "a.json", **changes: Any) -> Record:
    facts = changes.pop("facts", WHOLE)
    return Record(uuid_of(number), source, facts, **{"place": f"record {number}", **changes})


def plan_of(*guests: str, records: tuple[Record, ...] = (), **options: Any) -> Plan:
    host = MemoryHost()
    for each in guests:
        host.add(both=each)
    chosen = Options(**{"everyone": not options.get("named"), **options})
    return make_plan(host.name, host.guests(), records, chosen)


def one_step(xml: str, *records: Record, **options: Any) -> Step:
    (step,) = plan_of(xml, records=records, **options).steps
    return step


def nova(number: int = 1, metadata: str = "", **more: Any) -> str:
    return guest(number, metadata=metadata, before=NOVA_SYSINFO, **more)


NAMED = frozenset((uuid_of(1),))


# ---- refusals ---------------------------------------------------------------------------------


def test_another_managers_guest_is_refused_until_it_is_named_and_forced() -> None:
    foreign = nova(metadata=FOREIGN_METADATA)
    why = (
        "it is KubeVirt's: metadata of http://kubevirt.io; "
        "to stamp it anyway name it and give --force"
    )
    for options in ({}, {"named": NAMED}, {"force": True, "everyone": True}):
        step = one_step(foreign, record(1), **options)
        assert (step.action, step.reason, step.edits) == ("refused", why, ())
    assert one_step(foreign, record(1), named=NAMED, force=True).action == "stamp"


def test_a_foreign_mark_counts_beside_novas_own_block_too() -> None:
    both = nova(metadata=block("web-1") + FOREIGN_METADATA)
    assert one_step(both, record(1), overwrite=True).action == "refused"


def test_an_appliance_is_refused_whoever_asks() -> None:
    appliance = nova(rest=APPLIANCE)
    step = one_step(appliance, record(1), named=NAMED, force=True, overwrite=True)
    assert step.action == "refused"
    assert step.reason == (
        "it is an appliance of libguestfs: virtio channel org.libguestfs.channel.0"
    )


def test_a_mark_in_the_persistent_definition_alone_counts() -> None:
    host = MemoryHost()
    host.add(nova(), nova(rest=APPLIANCE))
    (step,) = make_plan("compute-1", host.guests(), [record(1)], Options(everyone=True)).steps
    assert step.action == "refused"


def test_a_guest_that_nothing_shows_to_be_novas_needs_a_record_or_force() -> None:
    plain = guest(1, domain="plain")
    step = one_step(plain, named=NAMED, assignments={"name": "x"})
    assert step.reason == (
        "nothing shows that it is Nova's; to stamp it anyway name it and give --force"
    )
    assert one_step(plain, record(1), named=NAMED).action == "stamp"
    assert one_step(plain, named=NAMED, force=True, assignments={"name": "x"}).action == "stamp"
    # Nobody asked for it.
    assert plan_of(plain, assignments={"name": "x"}).steps == ()


def test_a_block_of_a_nova_to_come_is_left_alone() -> None:
    newer = "http://openstack.org/xmlns/libvirt/nova/1.2"
    step = one_step(nova(metadata=block("x", namespace=newer)), record(1), overwrite=True)
    assert step.reason == f"it has a block of a Nova newer than is known here: {newer}"


def test_a_guest_that_cannot_be_read_is_refused() -> None:
    seen = Sighting("compute-1", uuid_of(1), "x", 1, "running")
    lost = unreadable_guest(seen, "cannot be read: no answer within 10 s")
    (step,) = make_plan("compute-1", [lost], [record(1)], Options(named=NAMED)).steps
    assert (step.action, step.reason) == ("refused", "it cannot be read: no answer within 10 s")


def test_a_guest_of_which_nothing_is_known_is_refused() -> None:
    assert one_step(nova()).reason == "no source knows anything of it"


def test_facts_that_make_no_block_are_refused() -> None:
    assert one_step(nova(), record(1, facts={"package": ""})).reason.startswith(
        "it does not fit the schema"
    )
    assert "no XML can hold it" in one_step(nova(), record(1, facts={"name": "a\x1bb"})).reason


@pytest.mark.parametrize("key", ["owner.user.id", "owner.project.id", "flavor.name"])
def test_a_block_that_would_end_ceilometers_discovery_is_refused(key: str) -> None:
    name = {"flavor.name": "flavor.vcpus"}.get(key, key.replace("id", "name"))
    facts = {**{k: v for k, v in WHOLE.items() if k != key}, name: 2 if "vcpus" in name else "x"}
    step = one_step(nova(), record(1, facts=facts))
    assert step.action == "refused"
    assert step.reason.startswith(f"{key} is not known, and Ceilometer's discovery would end")
    assert step.reason.endswith(f"give --set {key}=…")


# ---- who has a block --------------------------------------------------------------------------


def test_a_guest_with_a_block_is_left_alone() -> None:
    step = one_step(nova(metadata=block("web-1")), record(1))
    assert (step.action, step.reason, step.edits) == ("unchanged", "it has a block", ())


def test_overwrite_replaces_it_and_removes_those_of_other_namespaces() -> None:
    both = nova(metadata=block("older", namespace=NOVA_1_0) + block("newer", "<nova:x/>"))
    step = one_step(both, record(1), overwrite=True)
    live = {e.namespace: e for e in step.edits if e.definition == "live"}
    assert set(live) == {NOVA_1_0, NOVA_1_1}
    assert live[NOVA_1_0].after is None
    assert live[NOVA_1_0].before == "<instance><name>older</name></instance>"
    assert "<x/>" not in (live[NOVA_1_1].after or "")


def test_without_overwrite_the_block_of_another_namespace_stays() -> None:
    old = nova(metadata=block("older", namespace=NOVA_1_0))
    assert one_step(old, record(1)).action == "unchanged"
    step = one_step(old, record(1), fill=True)
    assert {edit.namespace for edit in step.edits} == {NOVA_1_0}
    assert all(edit.after is not None for edit in step.edits)


def test_fill_adds_what_is_missing_and_leaves_the_rest() -> None:
    step = one_step(nova(metadata=block("as it was", "<nova:later/>")), record(1), fill=True)
    (live, _) = step.edits
    assert live.after == (
        '<instance><package version="34.0.0"/><name>as it was</name>'
        '<flavor name="m1.small"/><owner><user uuid="u"/><project uuid="p"/></owner>'
        "<later/></instance>"
    )


def test_fill_says_the_uuid_that_nova_leaves_empty() -> None:
    volume = '<nova:root type="volume" uuid=""/>'
    facts = {"root.type": "volume", "root.uuid": "e2b487e4-a6a2-4148-beda-649cbc36fc65"}
    step = one_step(nova(metadata=block("x", volume)), record(1, facts=facts), fill=True)
    assert step.facts["root.uuid"] == "e2b487e4-a6a2-4148-beda-649cbc36fc65"


def test_fill_for_an_older_release_takes_nothing_away() -> None:
    """--release says what may be added; a block that has more keeps it."""
    whole = (DATA / "golden/34.0.0/volume_boot.xml").read_text(encoding="utf-8")
    step = one_step(
        nova(metadata=whole.replace("<nova:name>vm-volume_boot</nova:name>", "")),
        record(1),
        fill=True,
        release=RELEASES[23],
    )
    lost = {key for key in step.held if key not in step.facts}
    assert (step.action, lost) == ("stamp", set())


@pytest.mark.parametrize("release", [None, RELEASES[12], RELEASES[34]])
def test_fill_keeps_to_the_block_that_counts(release: Any) -> None:
    """Of two blocks the newer is the one that is read; the other is none of our business."""
    both = nova(metadata=block("older", namespace=NOVA_1_0) + block("newer"))
    step = one_step(both, record(1), fill=True, release=release)
    assert {edit.namespace for edit in step.edits} == {NOVA_1_1}


def test_fill_does_not_take_an_images_uuid_for_a_volumes() -> None:
    volume = '<nova:root type="volume"/>'
    facts = {"root.type": "image", "root.uuid": "an-image"}
    step = one_step(nova(metadata=block("x", volume)), record(1, facts=facts), fill=True)
    assert (step.facts or {}).get("root.uuid") != "an-image"


def test_fill_leaves_a_block_alone_that_cannot_be_read() -> None:
    broken = f'<nova:instanz xmlns:nova="{NOVA_1_1}"/>'
    step = one_step(nova(metadata=broken), record(1), fill=True)
    assert step.reason == "its block cannot be read; --overwrite replaces it"
    assert one_step(nova(metadata=broken), record(1), overwrite=True).action == "stamp"


def test_a_definition_without_block_gets_one_though_the_other_has_it() -> None:
    host = MemoryHost()
    host.add(nova(metadata=block("web-1")), nova())
    (step,) = make_plan("compute-1", host.guests(), [record(1)], Options(everyone=True)).steps
    assert {edit.definition for edit in step.edits} == {"persistent"}


# ---- where it goes ----------------------------------------------------------------------------


def test_a_guest_is_written_in_every_definition_that_it_has() -> None:
    for live, persistent in ((nova(), nova()), (nova(), None), (None, nova())):
        host = MemoryHost()
        host.add(live, persistent)
        (step,) = make_plan("compute-1", host.guests(), [record(1)], Options(everyone=True)).steps
        expected = {"live"} if live else set()
        assert {e.definition for e in step.edits} == expected | (
            {"persistent"} if persistent else set()
        )


def test_the_mark_goes_first_and_says_where_the_facts_are_from() -> None:
    step = one_step(nova(), record(1), derive=True, signature=BY, assignments={"name": "x"})
    mark, written, *_ = step.edits
    assert (mark.namespace, mark.prefix) == (BACKFILL, "backfill")
    assert (written.namespace, written.prefix) == (NOVA_1_1, "nova")
    assert mark.after is not None
    for source in ("the guest", "a.json", "--set"):
        assert f"<source>{source}</source>" in mark.after
    assert 'at="2026-11-22T12:00:00Z" by="root@compute-1"' in mark.after


def test_without_signature_no_mark_is_left() -> None:
    assert {edit.namespace for edit in one_step(nova(), record(1)).edits} == {NOVA_1_1}


@pytest.mark.parametrize(("number", "namespace"), [(12, NOVA_1_0), (22, NOVA_1_0), (23, NOVA_1_1)])
def test_the_release_says_the_namespace(number: int, namespace: str) -> None:
    step = one_step(nova(), record(1), release=RELEASES[number])
    assert {edit.namespace for edit in step.edits} == {namespace}


def test_a_saved_listing_says_its_own_namespace() -> None:
    for namespace in (DRAFT, NOVA_1_0, NOVA_1_1):
        step = one_step(nova(), record(1, namespace=namespace))
        assert {edit.namespace for edit in step.edits} == {namespace}


# ---- what is told of records ------------------------------------------------------------------


def test_a_record_without_guest_is_told_by_what_it_says_of_its_host() -> None:
    plan = plan_of(
        nova(1),
        records=(
            record(1),
            record(2, hosts=("compute-1.example.org", "vm")),
            record(3, hosts=("compute-2",)),
            record(4, facts={}),
        ),
    )
    assert [(notice.kind, notice.text) for notice in plan.notices] == [
        ("missing", "a.json: 'web-1' is said to run here, and there is no such guest"),
        ("elsewhere", "a.json: 'web-1' runs on compute-2"),
        ("unmatched", f"a.json: {uuid_of(4)} is no guest of this host"),
    ]
    assert [step.action for step in plan.steps] == ["stamp"]


def test_a_record_that_names_another_host_is_told_and_used() -> None:
    plan = plan_of(nova(1), records=(record(1, hosts=("compute-2", "vm")),))
    assert [(n.kind, n.text) for n in plan.notices] == [
        ("elsewhere", "a.json: record 1 says that it runs on compute-2 or vm, not here")
    ]
    assert plan.steps[0].action == "stamp"


def test_a_guest_without_record_is_told_and_does_not_stop_the_others() -> None:
    plan = plan_of(nova(1), nova(2), nova(3), records=(record(2),))
    assert [step.action for step in plan.steps] == ["refused", "stamp", "refused"]
    derived = plan_of(nova(1), nova(2), records=(record(2),), derive=True).steps[0]
    assert "no record tells of it" in derived.notes


def test_two_records_of_one_source_that_are_alike_are_told() -> None:
    twins = (record(1, place="record 1"), record(1, place="record 7"))
    plan = plan_of(nova(1), records=twins)
    assert [(n.kind, n.text) for n in plan.notices] == [
        ("twice", "a.json: record 1 and record 7 are of one uuid; they are alike")
    ]
    assert plan.steps[0].action == "stamp"


def test_two_records_that_contradict_each_other_refuse_only_their_guest() -> None:
    twins = (record(1), record(1, facts={**WHOLE, "name": "other"}, place="record 9"))
    plan = plan_of(nova(1), nova(2), records=(*twins, record(2)))
    assert [step.action for step in plan.steps] == ["refused", "stamp"]
    assert plan.steps[0].reason == "a.json: record 1 and record 9 contradict each other: name"


def test_of_two_records_the_one_that_names_this_host_counts() -> None:
    twins = (
        record(1, facts={**WHOLE, "name": "there"}, hosts=("compute-2",), place="record 8"),
        record(1, facts={**WHOLE, "name": "here"}, hosts=("compute-1",)),
    )
    plan = plan_of(nova(1), records=twins)
    assert plan.steps[0].facts["name"] == "here"
    assert plan.notices[0].text.endswith("the one that names this host counts")


def test_of_several_records_those_that_name_this_host_count() -> None:
    there = record(1, facts={**WHOLE, "name": "there"}, hosts=("compute-2",), place="record 8")
    here = record(1, facts={**WHOLE, "name": "here"}, hosts=("compute-1",))
    plan = plan_of(nova(1), records=(there, here, here._replace(place="record 2")))
    assert plan.steps[0].facts["name"] == "here"
    # None of them is of kind "elsewhere": the record that counts names this host.
    assert [(n.kind, n.text) for n in plan.notices] == [
        (
            "twice",
            "a.json: record 8 and record 1 and record 2 are of one uuid; "
            "those that name this host count, and are alike",
        )
    ]


def test_records_that_name_this_host_and_contradict_each_other_refuse_their_guest() -> None:
    there = record(1, hosts=("compute-2",), place="record 8")
    here = record(1, hosts=("compute-1",))
    other = record(1, facts={**WHOLE, "name": "other"}, hosts=("compute-1",), place="record 2")
    (step,) = plan_of(nova(1), records=(there, here, other)).steps
    assert step.reason == "a.json: record 1 and record 2 contradict each other: name"


def test_records_of_two_sources_are_no_twins() -> None:
    plan = plan_of(nova(1), records=(record(1), record(1, "b.json", facts={"name": "later"})))
    assert plan.notices == ()
    step = plan.steps[0]
    assert (step.facts["name"], step.origins["name"]) == ("later", "b.json")
    assert step.origins["flavor.name"] == "a.json"


def test_steps_come_by_domain_name() -> None:
    plan = plan_of(*(nova(number, domain=name) for number, name in enumerate("cab", 1)),
                   assignments={"name": "x"})  # fmt: skip
    assert [step.guest.domain for step in plan.steps] == ["a", "b", "c"]


# ---- merging ----------------------------------------------------------------------------------

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


def test_the_guest_then_the_records_then_set() -> None:
    told = record(1, facts={"flavor.vcpus": 4, "name": "a"})
    result = merged(nova(), told, assignments={"name": "b"})
    assert (result.facts["flavor.memory_mib"], result.facts["flavor.vcpus"]) == (512, 4)
    assert result.facts["name"] == "b"
    assert [result.origins[key] for key in ("flavor.memory_mib", "flavor.vcpus", "name")] == [
        "the guest", "a.json", "--set",
    ]  # fmt: skip


def test_the_origin_within_a_record_is_kept() -> None:
    told = record(1, facts={"owner.user.name": "joe"}, origins={"owner.user.name": "users.json"})
    assert merged(nova(), told).origins["owner.user.name"] == "users.json"


def test_a_boot_volume_is_named_by_the_guest_even_without_derive() -> None:
    told = record(1, facts={"root.type": "volume"})
    result = merged(nova(rest=BOOTS_FROM_VOLUME), told, deriving=False)
    assert (result.facts["root.uuid"], result.origins["root.uuid"]) == (VOLUME, "the guest")
    # A saved listing is to come back as it was: an empty uuid is one, unless --derive is given.
    saved = record(1, facts={"root.type": "volume", "root.uuid": ""})
    assert merged(nova(rest=BOOTS_FROM_VOLUME), saved, deriving=False).facts["root.uuid"] == ""
    assert merged(nova(rest=BOOTS_FROM_VOLUME), saved).facts["root.uuid"] == VOLUME


def test_a_later_source_that_knows_another_root_takes_the_uuid_with_it() -> None:
    told = record(1, facts={"root.type": "image"})
    result = merged(nova(rest=BOOTS_FROM_VOLUME), told)
    assert "root.uuid" not in result.facts
    assert "root.uuid" not in result.origins


def test_extra_specs_that_are_set_join_those_there_are() -> None:
    told = record(1, facts={"flavor.extra_specs": {"a": "1", "b": "1"}})
    result = merged(nova(), told, assignments={"flavor.extra_specs": {"b": "2"}})
    assert result.facts["flavor.extra_specs"] == {"a": "1", "b": "2"}


def test_addresses_known_by_mac_only_go_to_the_ports_of_the_guest() -> None:
    from virsh_nova.facts import fixed_address

    told = record(1, facts={}, addresses={"fa:16:3e:00:00:02": (fixed_address("10.0.0.5"),)})
    result = merged(nova(rest=TWO_NICS), told, known_ports=PORTS)
    assert [(port.uuid, len(port.ips)) for port in result.facts["ports"]] == [
        (PORTS[0], 0), (PORTS[1], 1),
    ]  # fmt: skip
    assert result.origins["ports"] == "the guest, a.json"


def test_ports_stand_in_the_order_of_the_interfaces_unless_a_block_had_another() -> None:
    from virsh_nova.model import Port

    turned = tuple(Port(uuid, ()) for uuid in reversed(PORTS))
    told = record(1, facts={"ports": turned})
    assert merged(nova(rest=TWO_NICS), told).facts["ports"] == turned[::-1]
    saved = told._replace(namespace=NOVA_1_1)
    assert merged(nova(rest=TWO_NICS), saved).facts["ports"] == turned


def test_the_unnamed_are_only_those_that_no_source_names() -> None:
    unnamed = record(1, facts={}, unnamed=True)
    assert merged(nova(), unnamed).unnamed
    assert not merged(nova(), unnamed, assignments={"name": "x"}).unnamed
