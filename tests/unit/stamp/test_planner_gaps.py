"""A record that lacks what Ceilometer needs costs only that element, and the plan says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.embedded import NOVA_SYSINFO, block, guest, uuid_of
from tests.support.memory_host import MemoryHost
from virsh_nova.block.namespaces import NOVA_1_0, NOVA_1_1
from virsh_nova.model import Flavor, Identity, Instance, Owner, Root
from virsh_nova.sources.record import Record
from virsh_nova.stamp.ceilometer import bearable, breaks_ceilometer
from virsh_nova.stamp.plan import Request, Step
from virsh_nova.stamp.planner import make_plan

WHOLE: dict[str, Any] = {
    "package": "34.0.0", "name": "web-1", "flavor.name": "m1.small", "flavor.vcpus": 2,
    "owner.user.id": "u", "owner.user.name": "joe",
    "owner.project.id": "p", "owner.project.name": "acme",
    "root.type": "image", "root.uuid": "i",
}  # fmt: skip


def step_for(facts: dict[str, Any], held: str = "", **options: Any) -> Step:
    host = MemoryHost()
    host.add(both=guest(1, metadata=held, before=NOVA_SYSINFO))
    namespace = options.pop("namespace", None)
    records = [Record(uuid_of(1), "a.json", facts, namespace=namespace)]
    request = Request(everyone=True)._replace(**options)
    (step,) = make_plan(host.name, host.guests(), records, request).steps
    return step


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in WHOLE.items() if key not in keys}


@pytest.mark.parametrize(
    ("key", "element"),
    [
        ("flavor.name", "flavor"),
        ("owner.user.id", "owner.user"),
        ("owner.project.id", "owner.project"),
        ("root.uuid", "root"),
    ],
)
@pytest.mark.parametrize("namespace", [None, NOVA_1_0, NOVA_1_1])
def test_an_element_that_lacks_its_key_is_left_out_with_a_note(
    key: str, element: str, namespace: str | None
) -> None:
    step = step_for(without(key), namespace=namespace)
    assert step.action == "stamp"
    assert {k for k in WHOLE if k not in step.facts} == {
        k for k in WHOLE if k.startswith(f"{element}.")
    }
    attribute = key.rpartition(".")[2]
    assert (
        f"no {element}: without {attribute} it would abort Ceilometer's discovery; "
        f"use --set {key}=…"
    ) in step.notes


def test_a_flavor_known_by_its_id_alone_is_left_out() -> None:
    """As in Nova's responses up to microversion 2.46, without --flavors."""
    facts = {**without("flavor.name", "flavor.vcpus"), "flavor.id": "7"}
    step = step_for(facts)
    assert step.action == "stamp"
    assert not any(key.startswith("flavor") for key in step.facts)
    assert "Ceilometer will skip this guest: no flavor" in step.notes
    assert step_for(facts, assignments={"flavor.name": "m1"}).facts["flavor.id"] == "7"


def test_what_aborts_nothing_is_written_as_it_is_known() -> None:
    """Discovery skips a guest without name before it looks at the flavor."""
    step = step_for({"flavor.vcpus": 2, "flavor.memory_mib": 64})
    assert step.facts == {"flavor.vcpus": 2, "flavor.memory_mib": 64}


def test_a_guest_of_which_nothing_else_is_known_is_refused() -> None:
    step = step_for({"owner.user.name": "joe"})
    assert (step.action, step.reason) == (
        "refused",
        "owner.user.id is unknown, and such a block would abort Ceilometer's discovery for the "
        "whole host; use --set owner.user.id=…",
    )


def test_fill_adds_all_but_that_element() -> None:
    step = step_for(without("flavor.name"), held=block("as it was"), fill=True)
    assert step.action == "stamp"
    assert step.facts["name"] == "as it was"
    assert step.facts["owner.user.id"] == "u"
    assert "flavor.vcpus" not in step.facts
    assert any(note.startswith("no flavor") for note in step.notes)


def test_fill_that_has_nothing_else_to_add_says_why() -> None:
    held = block("x", '<nova:owner><nova:user uuid="u"/><nova:project uuid="p"/></nova:owner>')
    step = step_for({"flavor.vcpus": 2}, held=held, fill=True)
    assert step.action == "unchanged"
    assert "no flavor" in step.reason


def test_a_second_run_has_nothing_to_add() -> None:
    host = MemoryHost()
    host.add(both=guest(1, before=NOVA_SYSINFO))
    records = [Record(uuid_of(1), "a.json", without("flavor.name", "root.uuid"))]
    for fill in (False, True):
        (step,) = make_plan(
            host.name, host.guests(), records, Request(everyone=True, fill=fill)
        ).steps
        assert step.action == ("unchanged" if fill else "stamp")
        for edit in step.edits:
            host.set_metadata(
                uuid_of(1), edit.namespace, edit.prefix, edit.after, [edit.definition]
            )


def test_bearable_leaves_what_is_bearable_as_it_is() -> None:
    instance = Instance(
        NOVA_1_1, name="x", flavor=Flavor("m1"), owner=Owner(Identity("u"), Identity("p")),
        root=Root("volume", None), ports=(),
    )  # fmt: skip
    assert bearable(instance) == (instance, ())
    worse = instance._replace(owner=Owner(Identity(None, "joe"), Identity(None, "acme")))
    found, lacking = bearable(worse)
    assert lacking == ("owner.user.id",)
    assert breaks_ceilometer(found) is None
