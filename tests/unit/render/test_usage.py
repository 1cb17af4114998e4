"""The rows of an account, for a reader, a script and a spreadsheet."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

import pytest
import yaml

from tests.support.guests import foreign_guest, instance, nova_guest
from virsh_nova.model import Guest, Hardware, Identity, Owner
from virsh_nova.render.serial import as_yaml
from virsh_nova.render.style import plain
from virsh_nova.render.usage import as_csv, as_values, usage_document, usage_table
from virsh_nova.usage.account import Account, account
from virsh_nova.usage.keys import KEYS
from virsh_nova.usage.measure import Rates


def of(number: int, project: str, id_: str, **changes: Any) -> Guest:
    block = instance("vm", owner=Owner(Identity("u", "alice"), Identity(id_, project)))
    return nova_guest(number, block, hardware=Hardware(2, 2560, (), ()), **changes)


def accounted(*guests: Guest, by: tuple[str, ...] = ("project",), **more: Any) -> Account:
    return account(guests, [KEYS[name] for name in by], **more)


def table(result: Account, width: int | None = None, unicode: bool = True) -> list[str]:
    text = usage_table(result, width=width, paint=plain, unicode=unicode)
    assert text.endswith("\n")
    return text.splitlines()


def test_numbers_are_aligned_to_the_right_and_added_up() -> None:
    result = accounted(of(1, "acme", "a"), of(2, "acme", "a"), of(3, "web", "w"), foreign_guest(4))
    assert table(result) == [
        "PROJECT    GUESTS  RUNNING  VCPUS  MEMORY GiB  DISK GiB",
        "acme            2        2      4         5.0         -",
        "web             1        1      2         2.5         -",
        "(foreign)       1        1      -           -         -",
        "───────────────────────────────────────────────────────",
        "total           4        4      6         7.5         -",
    ]


def test_a_terminal_without_unicode_gets_ascii() -> None:
    result = accounted(of(1, "acme", "a"), of(2, "web", "w"))
    assert all(line.isascii() for line in table(result, 60, unicode=False))


def test_one_row_is_its_own_total() -> None:
    assert len(table(accounted(of(1, "acme", "a")))) == 2


def test_what_is_used_is_shown_where_it_was_looked_for() -> None:
    one, other = of(1, "acme", "a"), of(2, "web", "w")
    rates = {one.key: Rates(312.4, 2.25, 22938.0, None)}
    head, first, second, _, total = table(accounted(one, other, rates=rates, interval=1.0))
    assert head.endswith("DISK GiB  CPU %  STEAL %  RSS GiB")
    assert first.endswith("-    312      2.2     22.4")
    assert second.endswith("-      -        -        -")
    assert total.endswith("-    312      2.2     22.4")
    remote = {one.key: Rates(3.0, None, None, 1024.0)}
    head, *_ = table(accounted(one, other, rates=remote, interval=1.0))
    assert head.endswith("CPU %  BALLOON GiB")


def test_a_project_cannot_pass_for_something_else() -> None:
    guests = [of(1, "(foreign)", "a"), of(2, "x\x1b[31m\ny", "b"), foreign_guest(3)]
    lines = table(accounted(*guests))
    assert len(lines) == 6
    assert [line.split("  ")[0] for line in lines[1:4]] == [
        '"(foreign)"', '"x\\x1b[31m\\ny"', "(foreign)",
    ]  # fmt: skip


def test_two_projects_of_one_name_are_shown_with_their_ids() -> None:
    lines = table(accounted(of(1, "web", "id-1"), of(2, "web", "id-2"), of(3, "x", "id-3")))
    names = [line.split("  ")[0] for line in lines[1:4]]
    assert names == ["web (id-1)", "web (id-2)", "x"]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_names_give_way_on_a_narrow_terminal(width: int) -> None:
    result = accounted(of(1, "p" * 80, "a"), of(2, "語" * 30, "b"), by=("project", "user"))
    from rich.cells import cell_len

    lines = table(result, width)
    assert max(map(cell_len, lines)) <= width
    assert any("…" in line for line in lines)
    assert all("…" not in line for line in table(result))


def test_the_document_says_why_something_is_missing() -> None:
    document = usage_document(
        accounted(of(1, "acme", "a"), foreign_guest(2), by=("project", "kind"))
    )
    assert document["by"] == ["project", "kind"]
    first, second = document["usage"]
    assert first["project"] == {"id": "a", "name": "acme"}
    assert (first["kind"], first["missing"]) == ("nova", {})
    assert (second["project"], second["missing"]) == (None, {"project": "foreign"})
    assert document["total"]["guests"] == 2
    assert document["total"]["cpu_percent"] is None
    assert yaml.safe_load(as_yaml(document)) == json.loads(json.dumps(document))


def test_flat_lists_hold_ids_and_no_total() -> None:
    result = accounted(of(1, "=acme", "a"), foreign_guest(2), by=("project", "state"))
    assert as_values(result) == (
        "=acme\ta\trunning\t1\t1\t2\t2560\t-\n(foreign)\t-\trunning\t1\t1\t-\t-\t-\n"
    )
    header, first, second = csv.reader(StringIO(as_csv(result)))
    assert header == [
        "project", "project_id", "state", "guests", "running", "vcpus", "memory_mib", "disk_gib",
    ]  # fmt: skip
    assert first == ["'=acme", "a", "running", "1", "1", "2", "2560", ""]
    assert second[:3] == ["(foreign)", "", "running"]
    timed = accounted(of(1, "acme", "a"), interval=2.0)
    assert (
        as_csv(timed)
        .splitlines()[0]
        .endswith('"cpu_percent","steal_percent","rss_mib","balloon_mib"')
    )
