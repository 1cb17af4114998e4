"""A handle means the guest that it means to an administrator, whatever tenants call theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.guests import foreign_guest, instance, nova_guest
from tests.support.strategies import nova_guests, sightings
from virsh_nova.guests.build import Sighting
from virsh_nova.hosts.lookup import (
    ambiguous,
    find_by_display_name,
    find_by_identity,
    unknown,
)
from virsh_nova.model import Guest

A = "4dea22b3-1d52-48f3-a516-782e98ab3fa0"
B = "4dea99c7-0000-48f3-a516-782e98ab3fa0"
C = "12345678-aaaa-48f3-a516-782e98ab3fa0"


def seen(uuid: str, domain: str, id_: int | None = None) -> Sighting:
    return Sighting("host", uuid, domain, id_, "shutoff" if id_ is None else "running")


HOST = [
    seen(A, "instance-00000001", 5),
    seen(B, "instance-00000002", 12),
    seen(C, "4dea", None),
    seen("dddddddd-1111-48f3-a516-782e98ab3fa0", "cafe", None),
]


def found(handle: str, host: list[Sighting] = HOST) -> list[str]:
    return [sighting.uuid for sighting in find_by_identity(handle, host)]


@pytest.mark.parametrize(
    ("handle", "uuids"),
    [
        (A, [A]),
        (A.upper(), [A]),
        ("instance-00000002", [B]),
        ("5", [A]),
        ("12", [B]),
        ("4dea2", [A]),
        ("4DEA22", [A]),
        ("4dea22b3-1d", [A]),
        ("1234", [C]),
        ("INSTANCE-00000002", []),
        ("instance-0000000", []),
        ("123", []),
        ("4de", []),
        ("12345678-aaaa-48f3-a516-782e98ab3fa00", []),
        ("", []),
        ("-", []),
        ("None", []),
        ("05", []),
        ("*", []),
    ],
)
def test_a_handle_is_a_uuid_its_beginning_a_domain_name_or_an_id(
    handle: str, uuids: list[str]
) -> None:
    assert found(handle) == uuids


def test_the_beginning_of_several_uuids_finds_them_all() -> None:
    assert found("4dea", HOST[:2]) == [A, B]


def test_a_domain_name_counts_before_the_beginning_of_a_uuid() -> None:
    assert found("4dea") == [C]


def test_a_whole_uuid_counts_before_a_domain_named_like_it() -> None:
    assert found(A, [*HOST, seen(B, A)]) == [A]


def test_a_number_that_is_a_name_and_an_id_is_ambiguous() -> None:
    assert found("5", [*HOST, seen(C, "5")]) == [A, C]


@given(st.lists(sightings, max_size=4))
def test_every_guest_is_found_by_its_uuid_its_name_and_its_id(host: list[Sighting]) -> None:
    for sighting in host:
        assert sighting in find_by_identity(sighting.uuid, host)
        if sighting.domain not in {other.uuid for other in host}:
            assert sighting in find_by_identity(sighting.domain, host)
        if sighting.id is not None:
            assert sighting in find_by_identity(str(sighting.id), host)


def test_a_display_name_finds_all_guests_that_have_it() -> None:
    twins = [nova_guest(1, instance("web")), nova_guest(2, instance("web"))]
    others = [nova_guest(3, instance("Web")), nova_guest(4, instance(None)), foreign_guest(5)]
    assert find_by_display_name("web", [*twins, *others]) == twins
    assert find_by_display_name("we*", [*twins, *others]) == []


def test_an_ambiguous_handle_lists_its_candidates() -> None:
    error = ambiguous("4dea", HOST[:2])
    assert all(text in error.message for text in (A, B, "instance-00000001", "instance-00000002"))
    assert error.exit_code == 1


def test_an_unknown_handle_gets_the_closest_names() -> None:
    guests = [
        nova_guest(1, instance("web-frontend"), domain="instance-00000001"),
        foreign_guest(2, domain="mail-relay"),
    ]
    for handle, meant in (
        ("web-frontent", "'web-frontend'"),
        ("WEB-FRONTEND", "'web-frontend'"),
        ("mail-rely", "'mail-relay'"),
        ("instance-0000001", "'instance-00000001'"),
    ):
        error = unknown(handle, guests)
        assert meant in error.hint
        assert repr(handle) in error.message
        assert error.exit_code == 1


def test_a_handle_like_nothing_here_gets_a_way_to_look() -> None:
    for guests in ([], [foreign_guest(1, domain="mail-relay")]):
        error = unknown("xyzzy", guests)
        assert "nova-domains list" in error.hint


@given(st.text(max_size=300), st.lists(nova_guests(), max_size=3))
def test_a_suggestion_is_made_for_any_handle_without_failing(
    handle: str, guests: list[Guest]
) -> None:
    assert unknown(handle, guests).hint
