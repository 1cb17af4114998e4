"""Columns are found however they are spelt, and show the part of a guest that they name."""

from __future__ import annotations

import pytest

from tests.support.guests import WHEN, foreign_guest, full_instance, instance, nova_guest
from virsh_nova.guests.columns import (
    COLUMNS,
    DEFAULT,
    FLAT,
    FLAT_LONG,
    FOREIGN,
    LONG,
    UNSTAMPED,
    Value,
    find_column,
    iso,
)
from virsh_nova.model import Identity, Image, Owner, Root

GUEST = nova_guest(
    7,
    full_instance(),
    title="a title",
    description="a description",
    evidence=("strongest", "other"),
)

SHOWN: dict[str, Value] = {
    "host": "compute-1",
    "uuid": "00000007-0000-4000-8000-000000000007",
    "name": "web-1",
    "domain": "instance-00000007",
    "id": 7,
    "state": "running",
    "kind": "nova",
    "manager": "nova",
    "evidence": ("strongest", "other"),
    "title": "a title",
    "description": "a description",
    "project": "acme",
    "project id": "project-id",
    "user": "alice",
    "user id": "user-id",
    "flavor": "m1.small",
    "flavor id": "42",
    "vcpus": 2,
    "memory": 2048,
    "disk": 20,
    "swap": 512,
    "ephemeral": 5,
    "image": None,
    "root": "image image-id",
    "ips": ("10.0.0.5", "2001:db8::5"),
    "ports": ("port-1",),
    "created": "2026-11-03T08:14:22Z",
    "origin": "Nova",
    "version": "34.0.0",
    "namespace": "http://openstack.org/xmlns/libvirt/nova/1.1",
}


def test_every_column_is_tested_here() -> None:
    assert list(SHOWN) == list(COLUMNS)


@pytest.mark.parametrize(("name", "value"), SHOWN.items())
def test_a_column_shows_what_its_name_says(name: str, value: Value) -> None:
    assert COLUMNS[name].value(GUEST) == value


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_says_nothing_of_an_empty_block_and_never_fails(name: str) -> None:
    general = {"host", "uuid", "domain", "id", "state", "kind", "manager", "origin", "namespace"}
    for guest in (nova_guest(1, instance(None)), foreign_guest(1)):
        value = COLUMNS[name].value(guest)
        assert value is None or name in general


@pytest.mark.parametrize(
    ("spelt", "name"),
    [
        ("uuid", "uuid"), ("UUID", "uuid"), ("Name", "name"), ("project id", "project id"),
        ("project_id", "project id"), ("PROJECT-ID", "project id"), ("Project  ID", "project id"),
        (" vcpus ", "vcpus"), ("Flavor_Id", "flavor id"),
    ],
)  # fmt: skip
def test_a_column_is_found_in_any_case_with_any_blanks(spelt: str, name: str) -> None:
    assert find_column(spelt) is COLUMNS[name]


@pytest.mark.parametrize("spelt", ["", "projectid", "uuids", "nóme", "*"])
def test_a_name_of_no_column_finds_none(spelt: str) -> None:
    assert find_column(spelt) is None


def test_the_lists_are_made_of_columns_that_exist() -> None:
    for names in (DEFAULT, LONG, UNSTAMPED, FOREIGN, FLAT, FLAT_LONG):
        assert set(names) <= set(COLUMNS)
        assert len(set(names)) == len(names)


def test_the_default_columns_are_those_promised() -> None:
    assert DEFAULT == ("name", "state", "project", "user", "flavor", "domain", "uuid")
    assert (
        *DEFAULT, "created", "vcpus", "memory", "disk", "root", "ips", "version", "origin",
        "namespace",
    ) == LONG  # fmt: skip


def test_the_columns_for_scripts_keep_their_order() -> None:
    assert FLAT == (
        "uuid", "name", "domain", "state", "project", "user", "flavor", "created", "kind",
        "manager",
    )  # fmt: skip
    assert FLAT_LONG == (
        "uuid", "name", "domain", "state", "project", "user", "flavor", "created", "vcpus",
        "memory", "disk", "root", "ips", "version", "origin", "namespace", "kind", "manager",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["N/A", "", None])
def test_an_owner_without_a_name_is_shown_by_id(name: str | None) -> None:
    owner = Owner(Identity("u", name), Identity("p", name))
    guest = nova_guest(1, instance("x", owner=owner))
    assert COLUMNS["project"].value(guest) == "p"
    assert COLUMNS["user"].value(guest) == "u"


def test_a_root_volume_shows_its_type_alone() -> None:
    assert COLUMNS["root"].value(nova_guest(1, instance("x", root=Root("volume", "")))) == "volume"
    assert COLUMNS["root"].value(nova_guest(1, instance("x", root=Root(None, "u")))) == "? u"


def test_the_image_is_shown_by_its_uuid() -> None:
    assert COLUMNS["image"].value(nova_guest(1, instance("x", image=Image("i")))) == "i"


def test_no_ports_and_none_recorded_look_different() -> None:
    assert COLUMNS["ips"].value(nova_guest(1, instance("x", addresses=()))) == ()
    assert COLUMNS["ips"].value(nova_guest(1, instance("x"))) is None


def test_a_moment_is_written_in_utc_with_a_z() -> None:
    assert iso(WHEN) == "2026-11-03T08:14:22Z"
    assert iso(None) is None
