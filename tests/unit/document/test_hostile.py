"""No document is trusted: a bad record is reported, and the others are read."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.models import UUID, filled_guest
from tests.support.records import ENDLESS
from virsh_nova.check.examine import examine
from virsh_nova.check.finding import Examination
from virsh_nova.document.encode import whole_document
from virsh_nova.errors import NovaDomainsError
from virsh_nova.guests.columns import COLUMNS
from virsh_nova.hosts.saved import read_saved
from virsh_nova.inputs.objects import Input
from virsh_nova.model import Guest
from virsh_nova.render.flat import as_csv, as_values
from virsh_nova.render.serial import as_json
from virsh_nova.render.show import details
from virsh_nova.sources.read import records_in
from virsh_nova.whose.index import Index

MINIMAL = {
    "uuid": "00000001-0000-4000-8000-000000000001",
    "domain": "good",
    "state": "running",
    "kind": "foreign",
    "manager": "unknown",
}
FILLED = whole_document(filled_guest())


def changed(path: str, value: Any) -> dict[str, Any]:
    """The document of the guest with everything, with something else at a dotted path."""
    document = deepcopy(FILLED)
    *steps, last = path.split(".")
    place: Any = document
    for step in steps:
        place = place[int(step) if step.isdigit() else step]
    place[int(last) if last.isdigit() else last] = value
    return document


def read(text: str | bytes) -> tuple[list[Guest], list[str]]:
    data = text.encode() if isinstance(text, str) else text
    guests, faults = read_saved(data, "saved.json")
    return [one.guest("whole") for one in guests], faults


LARGE = 10**18
DEEP: Any = "x"
for _ in range(200):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("uuid", "x", "uuid: expected a uuid, got text 'x'"),
        ("uuid", None, "uuid: expected text, got null"),
        (
            "kind",
            "ours",
            "kind: expected nova or nova-unstamped or foreign or unreadable, got text 'ours'",
        ),
        ("id", "3", "id: expected a number, got text '3'"),
        ("id", LARGE, "id: too large: a number of more than 18 digits"),
        ("id", -LARGE, "id: too large: a number of more than 18 digits"),
        ("pid", 10**30, "pid: too large: a number of more than 18 digits"),
        ("pid", True, "pid: expected a number, got true"),
        ("evidence", None, "evidence: expected a list, got null"),
        ("host_guessed", "no", "host_guessed: expected true or false, got text 'no'"),
        ("instance.flavor.vcpus", LARGE, "instance.flavor.vcpus: too large: "),
        ("instance.flavor.vcpus", 2.5, "instance.flavor.vcpus: expected a number, got number 2.5"),
        (
            "instance.flavor.extra_specs",
            {"a": DEEP},
            "instance.flavor.extra_specs.a: expected text",
        ),
        ("instance.created", "soon", "instance.created: expected a date and time such as "),
        ("instance.ports.0.ips.1.version", LARGE, "instance.ports[0].ips[1].version: too large"),
        ("block", [], "block: expected an object, got a list"),
        ("block.unknown.0.text", 1, "block.unknown[0].text: expected text, got number 1"),
        ("backfilled.at", "", "backfilled.at: expected a date and time such as "),
        ("hardware.vcpus", LARGE, "hardware.vcpus: too large: "),
        ("hardware.disks.1.boot", LARGE, "hardware.disks[1].boot: too large: "),
        ("hardware.disks.1.backing", ["x", 1], "hardware.disks[1].backing[1]: expected text"),
        ("differences.0.live", {}, "differences[0].live: expected "),
        ("differences.1.persistent", LARGE, "differences[1].persistent: too large: "),
        ("definitions", [], "definitions: expected an object, got a list"),
        ("definitions.live.blocks", "x", "definitions.live.blocks: expected a list, got text 'x'"),
        ("definitions.live.sysinfo", {"a": 1}, "definitions.live.sysinfo.a: expected text"),
        ("definitions.live.id", LARGE, "definitions.live.id: too large: "),
        ("definitions.live.pid", LARGE, "definitions.live.pid: too large: "),
        (
            "definitions.persistent.blocks.0.instance.image.min_ram_mib",
            LARGE,
            "definitions.persistent.blocks[0].instance.image.min_ram_mib: too large: ",
        ),
        (
            "definitions.persistent.hardware.disks.0.boot",
            "one",
            "definitions.persistent.hardware.disks[0].boot: expected a number, got text 'one'",
        ),
    ],
)
def test_a_wrong_value_is_named_and_the_others_are_read(path: str, value: Any, fault: str) -> None:
    guests, faults = read(json.dumps([MINIMAL, changed(path, value), MINIMAL]))
    assert [guest.domain for guest in guests] == ["good", "good"]
    (line,) = faults
    assert line.startswith(f"saved.json: item 2: {fault}")
    assert line.endswith("; skipped")
    assert line.isprintable()
    assert len(line) < 300


@pytest.mark.parametrize("key", MINIMAL)
def test_a_missing_key_is_named(key: str) -> None:
    without = {name: value for name, value in MINIMAL.items() if name != key}
    guests, faults = read(json.dumps([without, MINIMAL]))
    assert len(guests) == 1
    assert faults == [f"saved.json: item 1: {key}: missing; skipped"]


@pytest.mark.parametrize("record", ["null", "3", '"x"', "[]", "{}", "1e999", "9" * 5000])
def test_a_record_that_is_no_guest_is_skipped(record: str) -> None:
    guests, faults = read(f"[{record}, {json.dumps(MINIMAL)}]")
    assert len(guests) == 1
    (line,) = faults
    assert line.startswith("saved.json: item 1: ")
    assert line.isprintable()


def test_a_number_that_nothing_can_hold_is_named() -> None:
    text = json.dumps([{**MINIMAL, "id": 0}, MINIMAL]).replace('"id": 0', f'"id": {"9" * 5000}')
    guests, faults = read(text)
    assert len(guests) == 1
    assert faults[0].startswith("saved.json: item 1: id: ")
    assert len(faults[0]) < 200


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (r"a\ud800b", "a\ufffdb"),
        (r"\uDFFF", "\ufffd"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\ud83d\ud83d\ude00\ude00", "\ufffd\U0001f600\ufffd"),
        (r"\\ud800", r"\ud800"),
        (r"\\\ud800", "\\\ufffd"),
        (r"\"\ud800\"", '"\ufffd"'),
    ],
)
def test_half_a_character_costs_no_more_than_itself(written: str, expected: str) -> None:
    text = json.dumps([{**MINIMAL, "title": "TITLE"}, MINIMAL]).replace("TITLE", written)
    guests, faults = read(text)
    assert faults == []
    assert [guest.title for guest in guests] == [expected, None]


def test_bytes_that_are_no_text_cost_their_record_only() -> None:
    data = json.dumps([{**MINIMAL, "title": "TITLE"}, MINIMAL]).encode().replace(b"TITLE", b"\xff")
    guests, faults = read(data)
    assert len(guests) == 1
    assert faults == ["saved.json: item 1: not UTF-8; skipped"]


def test_a_key_of_a_later_version_is_ignored() -> None:
    later = {**MINIMAL, "later": DEEP, "hardware": {"later": 1}, "definitions": {"later": {}}}
    (guest,), faults = read(json.dumps([later]))
    assert faults == []
    assert guest.definitions == ()
    assert guest.hardware is not None


def test_an_empty_definition_is_as_the_guest() -> None:
    document = {**changed("definitions", {"persistent": {}})}
    (guest,), _ = read(json.dumps([document]))
    (definition,) = guest.definitions
    assert definition.domain.blocks == (guest.block,)
    assert definition.domain.hardware == guest.hardware
    assert definition.domain.uuid == UUID


def test_a_document_that_is_nested_without_end_is_refused_in_one_line() -> None:
    text = f'[{json.dumps(MINIMAL)[:-1]}, "x": {"[" * ENDLESS}{"]" * ENDLESS}}}]'
    with pytest.raises(NovaDomainsError) as caught:
        read(text)
    assert caught.value.message == "saved.json: invalid JSON: nested too deeply"


# ---- anything in any place ---------------------------------------------------------------------


odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from((UUID, "nova", "running", "2026-11-03T08:14:22Z", "a\x1b[2J\u202e", "\x00"))
    | st.sampled_from(('<instance xmlns="x:y"><a xmlns="../b"/></instance>', "<", "<a/>", "&#0;"))
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


def mutated(value: Any, data: st.DataObject) -> Any:
    """The value with one of its parts, however deep, replaced."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 9)):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: mutated(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 9)):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], mutated(value[place], data), *value[place + 1 :]]
    return data.draw(odd)


@settings(max_examples=150)
@given(st.data())
def test_whatever_a_record_holds_the_commands_answer(data: st.DataObject) -> None:
    document: Any = FILLED
    for _ in range(data.draw(st.integers(1, 3))):
        document = mutated(document, data)
    guests, faults = read(json.dumps([document, MINIMAL]))
    assert len(guests) + len(faults) == 2
    assert guests[-1].domain == "good"
    assert all(line.isprintable() for line in faults)
    details(guests)
    as_csv(guests, list(COLUMNS.values()))
    as_values(guests, list(COLUMNS.values()))
    examine(Examination(guests, frozenset({"compute-1"})))
    assert Index.of(guests).answers("good")
    # And what is printed of it can be read again.
    text = as_json([whole_document(each) for each in guests], one_a_line=True, ascii_only=False)
    assert [each.uuid for each in read(text)[0]] == [each.uuid for each in guests]


@settings(max_examples=100)
@given(st.data())
def test_whatever_a_record_holds_a_source_reads_it_or_says_why(data: st.DataObject) -> None:
    text = json.dumps([mutated(FILLED, data)])
    message = "saved.json: "
    try:
        records_in(Input(text.encode(), "saved.json"))
    except NovaDomainsError as error:
        message = error.message
    assert message.startswith("saved.json: ")
    assert message.isprintable()


def test_a_source_does_not_compare_a_guessed_host_name() -> None:
    named = {**FILLED, "instance": {"namespace": "urn:x"}}
    (guessed,) = records_in(Input(json.dumps([named]).encode(), "saved.json"))
    (certain,) = records_in(
        Input(json.dumps([{**named, "host_guessed": False}]).encode(), "saved.json")
    )
    assert guessed.hosts == ()
    assert certain.hosts == (FILLED["host"],)
