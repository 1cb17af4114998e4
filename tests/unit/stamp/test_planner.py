"""Which guests are written and refused, and what is said about records, one case at a time.

test_planner_properties.py says what holds for all cases.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.embedded import (
    APPLIANCE,
    FOREIGN_METADATA,
    block,
    guest,
    nova,
    uuid_of,
)
from tests.support.memory_host import MemoryHost
from tests.support.paths import DATA
from tests.support.plans import BY, plan_of
from tests.support.records import WHOLE, record
from virsh_nova.block.namespaces import BACKFILL, DRAFT, NOVA_1_0, NOVA_1_1
from virsh_nova.block.releases import RELEASES
from virsh_nova.guests.build import unreadable_guest
from virsh_nova.model import Sighting
from virsh_nova.sources.record import Record
from virsh_nova.stamp.plan import Request, Step
from virsh_nova.stamp.planner import make_plan


def one_step(xml: str, *records: Record, **options: Any) -> Step:
    (step,) = plan_of(xml, records=records, **options).steps
    return step


NAMED = frozenset((uuid_of(1),))


# ---- refusals ---------------------------------------------------------------------------------


def test_another_managers_guest_is_refused_until_it_is_named_and_forced() -> None:
    foreign = nova(metadata=FOREIGN_METADATA)
    why = (
        "it belongs to KubeVirt: metadata of http://kubevirt.io; "
        "to stamp it anyway, name it and use --force"
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
    assert step.reason == ("it is a libguestfs appliance: virtio channel org.libguestfs.channel.0")


def test_a_mark_in_the_persistent_definition_alone_counts() -> None:
    host = MemoryHost()
    host.add(nova(), nova(rest=APPLIANCE))
    (step,) = make_plan("compute-1", host.guests(), [record(1)], Request(everyone=True)).steps
    assert step.action == "refused"


def test_a_guest_without_evidence_of_nova_needs_a_record_or_force() -> None:
    plain = guest(1, domain="plain")
    step = one_step(plain, named=NAMED, assignments={"name": "x"})
    assert step.reason == (
        "no evidence that this is a Nova guest; to stamp it anyway, name it and use --force"
    )
    assert one_step(plain, record(1), named=NAMED).action == "stamp"
    assert one_step(plain, named=NAMED, force=True, assignments={"name": "x"}).action == "stamp"
    # It was not asked for.
    assert plan_of(plain, assignments={"name": "x"}).steps == ()


def test_a_block_of_a_later_nova_is_left_alone() -> None:
    newer = "http://openstack.org/xmlns/libvirt/nova/1.2"
    step = one_step(nova(metadata=block("x", namespace=newer)), record(1), overwrite=True)
    assert step.reason == f'it has a block of a Nova newer than this program knows: "{newer}"'


def test_a_guest_that_cannot_be_read_is_refused() -> None:
    seen = Sighting("compute-1", uuid_of(1), "x", 1, "running")
    lost = unreadable_guest(seen, "cannot be read: no answer within 10 s")
    (step,) = make_plan("compute-1", [lost], [record(1)], Request(named=NAMED)).steps
    assert (step.action, step.reason) == ("refused", "it cannot be read: no answer within 10 s")


def test_a_guest_of_which_nothing_is_known_is_refused() -> None:
    assert one_step(nova()).reason == "no source knows anything about it"


def test_facts_that_make_no_block_are_refused() -> None:
    assert one_step(nova(), record(1, facts={"package": ""})).reason.startswith(
        "it does not fit the schema"
    )
    assert "XML cannot hold it" in one_step(nova(), record(1, facts={"name": "a\x1bb"})).reason


@pytest.mark.parametrize("key", ["owner.user.id", "owner.project.id", "flavor.name"])
def test_fill_refuses_a_block_that_aborts_ceilometers_discovery_already(key: str) -> None:
    held = {
        "owner.user.id": "<nova:owner><nova:user>joe</nova:user></nova:owner>",
        "owner.project.id": "<nova:owner><nova:project>acme</nova:project></nova:owner>",
        "flavor.name": "<nova:flavor><nova:vcpus>2</nova:vcpus></nova:flavor>",
    }[key]
    facts = {k: v for k, v in WHOLE.items() if k != key}
    step = one_step(nova(metadata=block("x", held)), record(1, facts=facts), fill=True)
    assert step.action == "refused"
    assert step.reason == (
        f"{key} is unknown, and such a block would abort Ceilometer's discovery for the "
        f"whole host; use --set {key}=…"
    )


# ---- who has a block --------------------------------------------------------------------------


def test_a_guest_with_a_block_is_left_alone() -> None:
    step = one_step(nova(metadata=block("web-1")), record(1))
    assert (step.action, step.reason, step.edits) == ("unchanged", "it already has a block", ())


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


def test_fill_adds_the_volume_uuid_that_nova_leaves_empty() -> None:
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
    assert step.reason == "its block cannot be read; use --overwrite to replace it"
    assert one_step(nova(metadata=broken), record(1), overwrite=True).action == "stamp"


def test_a_definition_without_block_gets_one_though_the_other_has_it() -> None:
    host = MemoryHost()
    host.add(nova(metadata=block("web-1")), nova())
    (step,) = make_plan("compute-1", host.guests(), [record(1)], Request(everyone=True)).steps
    assert {edit.definition for edit in step.edits} == {"persistent"}


# ---- where it goes ----------------------------------------------------------------------------


def test_a_guest_is_written_in_every_definition_that_it_has() -> None:
    for live, persistent in ((nova(), nova()), (nova(), None), (None, nova())):
        host = MemoryHost()
        host.add(live, persistent)
        (step,) = make_plan("compute-1", host.guests(), [record(1)], Request(everyone=True)).steps
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


# ---- what is said about records ---------------------------------------------------------------


def test_a_record_without_a_guest_is_reported_by_what_it_says_of_its_host() -> None:
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
        ("missing", "a.json: web-1 should run here, but there is no such guest"),
        ("elsewhere", "a.json: web-1 runs on compute-2"),
        ("unmatched", f"a.json: {uuid_of(4)} is not a guest of this host"),
    ]
    assert [step.action for step in plan.steps] == ["stamp"]


def test_a_record_that_names_another_host_is_reported_and_used() -> None:
    plan = plan_of(nova(1), records=(record(1, hosts=("compute-2", "vm")),))
    assert [(n.kind, n.text) for n in plan.notices] == [
        ("elsewhere", "a.json: record 1 says it runs on compute-2 or vm, not on this host")
    ]
    assert plan.steps[0].action == "stamp"


def test_a_guest_without_a_record_is_reported_and_does_not_stop_the_others() -> None:
    plan = plan_of(nova(1), nova(2), nova(3), records=(record(2),))
    assert [step.action for step in plan.steps] == ["refused", "stamp", "refused"]
    derived = plan_of(nova(1), nova(2), records=(record(2),), derive=True).steps[0]
    assert "no record mentions it" in derived.notes


def test_two_records_of_one_source_that_are_alike_are_reported() -> None:
    twins = (record(1, place="record 1"), record(1, place="record 7"))
    plan = plan_of(nova(1), records=twins)
    assert [(n.kind, n.text) for n in plan.notices] == [
        ("twice", "a.json: record 1 and record 7 have the same uuid; they say the same")
    ]
    assert plan.steps[0].action == "stamp"


def test_two_records_that_contradict_each_other_refuse_only_their_guest() -> None:
    twins = (record(1), record(1, facts={**WHOLE, "name": "other"}, place="record 9"))
    plan = plan_of(nova(1), nova(2), records=(*twins, record(2)))
    assert [step.action for step in plan.steps] == ["refused", "stamp"]
    assert plan.steps[0].reason == "a.json: record 1 and record 9 disagree on name"


def test_of_two_records_the_one_that_names_this_host_counts() -> None:
    twins = (
        record(1, facts={**WHOLE, "name": "there"}, hosts=("compute-2",), place="record 8"),
        record(1, facts={**WHOLE, "name": "here"}, hosts=("compute-1",)),
    )
    plan = plan_of(nova(1), records=twins)
    assert plan.steps[0].facts["name"] == "here"
    assert plan.notices[0].text.endswith("the one that names this host is used")


def test_of_several_records_those_that_name_this_host_count() -> None:
    there = record(1, facts={**WHOLE, "name": "there"}, hosts=("compute-2",), place="record 8")
    here = record(1, facts={**WHOLE, "name": "here"}, hosts=("compute-1",))
    plan = plan_of(nova(1), records=(there, here, here._replace(place="record 2")))
    assert plan.steps[0].facts["name"] == "here"
    # None of them is of kind "elsewhere": the record that counts names this host.
    assert [(n.kind, n.text) for n in plan.notices] == [
        (
            "twice",
            "a.json: record 8 and record 1 and record 2 have the same uuid; "
            "those that name this host are used, and say the same",
        )
    ]


def test_records_that_name_this_host_and_contradict_each_other_refuse_their_guest() -> None:
    there = record(1, hosts=("compute-2",), place="record 8")
    here = record(1, hosts=("compute-1",))
    other = record(1, facts={**WHOLE, "name": "other"}, hosts=("compute-1",), place="record 2")
    (step,) = plan_of(nova(1), records=(there, here, other)).steps
    assert step.reason == "a.json: record 1 and record 2 disagree on name"


def test_records_of_two_sources_do_not_contradict_each_other() -> None:
    plan = plan_of(nova(1), records=(record(1), record(1, "b.json", facts={"name": "later"})))
    assert plan.notices == ()
    step = plan.steps[0]
    assert (step.facts["name"], step.origins["name"]) == ("later", "b.json")
    assert step.origins["flavor.name"] == "a.json"


def test_steps_come_by_domain_name() -> None:
    plan = plan_of(*(nova(number, domain=name) for number, name in enumerate("cab", 1)),
                   assignments={"name": "x"})  # fmt: skip
    assert [step.guest.domain for step in plan.steps] == ["a", "b", "c"]
