"""``--set KEY=VALUE``."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virsh_nova.block.facts import SHAPES
from virsh_nova.errors import EXIT_USAGE
from virsh_nova.model import Address, Port
from virsh_nova.sources.set_option import BadAssignment, parse_assignments

NOON = datetime(2026, 11, 22, 5, 22, 34, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("assignments", "facts"),
    [
        ([], {}),
        (["name=web-1"], {"name": "web-1"}),
        (["name="], {"name": ""}),
        (["name= a=b "], {"name": " a=b "}),
        (["name=a", "name=b"], {"name": "b"}),
        (["flavor.vcpus=2", "flavor.disk_gib=0"], {"flavor.vcpus": 2, "flavor.disk_gib": 0}),
        (["owner.project.name=Prøjekt & <Co>"], {"owner.project.name": "Prøjekt & <Co>"}),
        (["created=2026-11-22T05:22:34Z"], {"created": NOON}),
        (["created=2026-11-22 05:22:34"], {"created": NOON}),
        (["created=2026-11-22T06:22:34+01:00"], {"created": NOON}),
        (
            ["flavor.extra_specs.hw:cpu_policy=dedicated", "flavor.extra_specs.a.b==c"],
            {"flavor.extra_specs": {"hw:cpu_policy": "dedicated", "a.b": "=c"}},
        ),
        (
            ['image.properties={"a": "1", "b": "2"}', "image.properties.b=3"],
            {"image.properties": {"a": "1", "b": "3"}},
        ),
        (["flavor.extra_specs={}"], {"flavor.extra_specs": {}}),
        (["ports=[]"], {"ports": ()}),
        (
            ['ports=[{"uuid": "p", "ips": [{"type": "fixed", "address": "::1", "version": 6}]}]'],
            {"ports": (Port("p", (Address("fixed", "::1", 6),)),)},
        ),
    ],
)
def test_each_assignment_becomes_a_fact_of_its_type(assignments: list[str], facts: dict) -> None:
    assert parse_assignments(assignments) == facts


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("name", "--set 'name': expected KEY=VALUE"),
        ("flavor.vcpus=two", "--set flavor.vcpus: expected a number, got text 'two'"),
        ("flavor.vcpus=", "--set flavor.vcpus: expected a number, got text ''"),
        ("flavor.vcpus=1.5", "--set flavor.vcpus: expected a number, got text '1.5'"),
        ("flavor.vcpus=٣", "--set flavor.vcpus: expected a number, got text '٣'"),
        ("flavor.vcpus=-1", "--set flavor.vcpus: must not be negative: number -1"),
        (
            "created=today",
            "--set created: expected a date and time such as 2026-11-22T05:22:34Z, "
            "got text 'today'",
        ),
        ("name=web\x1b", "--set name: XML cannot hold the character U+001B at position 4"),
        ("name=\udcff", "--set name: XML cannot hold the character U+DCFF at position 1"),
        (
            "flavor.extra_specs.a=\x01",
            "--set flavor.extra_specs.a: XML cannot hold the character U+0001 at position 1",
        ),
        ("flavor.extra_specs=x", "--set flavor.extra_specs: invalid character (byte 0)"),
        (
            'flavor.extra_specs={"a": 1}',
            "--set flavor.extra_specs.a: expected text, got number 1",
        ),
        ("ports=[", "--set ports: truncated"),
        ('ports=[{"uuid": 1}]', "--set ports[0].uuid: expected text, got number 1"),
        (
            'ports=[{"ips": [{"address": "x"}]}]',
            "--set ports[0].ips[0].address: expected an IP address, got text 'x'",
        ),
    ],
)
def test_a_value_that_cannot_be_a_fact_is_refused(assignment: str, message: str) -> None:
    with pytest.raises(BadAssignment) as caught:
        parse_assignments([assignment])
    assert caught.value.message == message
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("flavour.name", "Did you mean flavor.name?"),
        ("flavor.vcpu", "Did you mean flavor.vcpus?"),
        ("vcpus", "Did you mean flavor.vcpus?"),
        ("Name", "Did you mean name?"),
        ("owner.project", "Did you mean owner.project.id?"),
        ("flavor.extra_specs.", "Did you mean flavor.extra_specs?"),
        ("zzzzzz", f"Known keys: {', '.join(SHAPES)}."),
        ("", f"Known keys: {', '.join(SHAPES)}."),
    ],
)
def test_a_mistyped_key_gets_the_nearest_one(key: str, hint: str) -> None:
    with pytest.raises(BadAssignment) as caught:
        parse_assignments([f"{key}=x"])
    assert caught.value.message == f"--set {key!r}: unknown key"
    assert caught.value.hint == hint


def test_every_key_can_be_set() -> None:
    values = {"text": "x", "number": "1", "moment": "2026-11-22T05:22:34Z", "texts": "{}"}
    assignments = [f"{key}={values.get(shape, '[]')}" for key, shape in SHAPES.items()]
    assert list(parse_assignments(assignments)) == list(SHAPES)


@given(st.lists(st.tuples(st.sampled_from(list(SHAPES)) | st.text(), st.text()), max_size=3))
def test_any_assignment_is_a_fact_or_one_line(pairs: list[tuple[str, str]]) -> None:
    message = ""
    try:
        parse_assignments([f"{key}={value}" for key, value in pairs])
    except BadAssignment as error:
        message = error.message
    assert "\n" not in message
