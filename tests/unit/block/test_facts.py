"""Facts are the leaves of the JSON document: the two hold the same, key for key."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from tests.support import strategies
from tests.support.paths import DATA
from virsh_nova.block.facts import PARTS, SHAPES, Fact, facts_of, instance_of
from virsh_nova.block.namespaces import NOVA_1_1
from virsh_nova.document.encode import guest_document
from virsh_nova.model import Block, Guest, Instance
from virsh_nova.parse import parse_block


def leaves(prefix: str, value: Any) -> set[str]:
    """The dotted keys of a JSON object; a mapping of texts and a list are one leaf each."""
    if isinstance(value, dict) and prefix.split(".")[-1] not in ("extra_specs", "properties"):
        return {leaf for key, inner in value.items()
                for leaf in leaves(f"{prefix}.{key}".lstrip("."), inner)}  # fmt: skip
    return {prefix}


def whole_instance() -> Instance:
    text = (DATA / "golden/34.0.0/image_plain.xml").read_text(encoding="utf-8")
    instance = parse_block(text).instance
    assert instance is not None
    return instance


def test_there_is_a_shape_for_every_key_of_the_document_and_no_other() -> None:
    guest = Guest(
        None, "", "", None, "", "nova", "nova", (), block=Block(NOVA_1_1, "", whole_instance())
    )
    document = guest_document(guest)["instance"]
    assert leaves("", document) - {"namespace"} == set(SHAPES)


def test_a_whole_block_has_every_fact_and_each_is_of_its_shape() -> None:
    types: dict[str, Any] = {"text": str, "number": int, "texts": dict, "ports": tuple}
    facts = facts_of(whole_instance())
    assert list(facts) == list(SHAPES)
    for key, value in facts.items():
        if SHAPES[key] != "moment":
            assert isinstance(value, types[SHAPES[key]]), key


def test_the_strategies_exercise_every_key() -> None:
    """So that no property test passes a key over."""
    assert set(strategies._each_fact) == set(SHAPES)


@given(strategies.facts())
def test_an_instance_holds_the_facts_it_was_made_of(facts: dict[str, Fact]) -> None:
    made = instance_of(facts, NOVA_1_1)
    assert made.namespace == NOVA_1_1
    assert facts_of(made) == facts


@given(strategies.instances)
def test_facts_make_the_instance_again(instance: Instance) -> None:
    again = instance_of(facts_of(instance), instance.namespace)
    assert again == instance._replace(unknown=(), owner=again.owner)
    if instance.owner is not None:
        assert again.owner is not None


def test_an_empty_part_is_a_fact() -> None:
    for part in PARTS:
        instance = instance_of({part: {}}, NOVA_1_1)
        assert getattr(instance, part) is not None
        assert facts_of(instance) == {part: {}}


def test_what_is_empty_is_known_and_what_is_missing_is_not() -> None:
    facts: dict[str, Fact] = {"name": "", "flavor.extra_specs": {}, "ports": (), "root.uuid": ""}
    assert facts_of(instance_of(facts, NOVA_1_1)) == {
        "name": "", "flavor.extra_specs": {}, "root.uuid": "", "ports": (),
    }  # fmt: skip
    assert facts_of(instance_of({}, NOVA_1_1)) == {}
