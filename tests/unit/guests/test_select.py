"""Filters take the guests they describe, and the order is the one that was asked for."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.guests import foreign_guest, full_instance, instance, nova_guest, unstamped_guest
from tests.support.strategies import nova_guests
from virsh_nova.guests.columns import COLUMNS
from virsh_nova.guests.select import Selection, ordered
from virsh_nova.model import Flavor, Guest, Identity, Owner

WEB = nova_guest(1, full_instance("web-1"))
DATABASE = nova_guest(
    2,
    instance(
        "db[1]",
        addresses=("192.168.7.9",),
        owner=Owner(Identity("u2", "bob"), Identity("p2", "N/A")),
        flavor=Flavor("g1.large", "7"),
    ),
    state="shutoff",
    id=None,
)
BARE = nova_guest(3, instance(None, addresses=()))
LOST = unstamped_guest(4)
APPLIANCE = foreign_guest(5, "libguestfs", domain="guestfs-gdr712b3p97bchcm")
EVERYONE = [WEB, DATABASE, BARE, LOST, APPLIANCE]


def taken(**filters: Any) -> list[Guest]:
    return [guest for guest in EVERYONE if Selection(**filters).takes(guest)]


def test_no_filter_takes_every_guest() -> None:
    assert taken() == EVERYONE


@pytest.mark.parametrize(
    ("filters", "guests"),
    [
        ({"kinds": ["nova"]}, [WEB, DATABASE, BARE]),
        ({"kinds": ["nova-unstamped", "foreign"]}, [LOST, APPLIANCE]),
        ({"managers": ["libguestfs"]}, [APPLIANCE]),
        ({"managers": ["LIBGuest*"]}, [APPLIANCE]),
        ({"states": ["shutoff"]}, [DATABASE]),
        ({"states": ["shutoff", "running"]}, EVERYONE),
        ({"states": ["crashed"]}, []),
        ({"domains": ["instance-*"]}, [WEB, DATABASE, BARE, LOST]),
        ({"domains": ["guestfs-????????????????"]}, [APPLIANCE]),
        ({"domains": ["instance-00000001", "guestfs-*"]}, [WEB, APPLIANCE]),
        ({"names": ["web-*"]}, [WEB]),
        ({"names": ["WEB-*"]}, []),
        ({"names": ["*"]}, [WEB, DATABASE]),
        ({"names": ["db[[]1]"]}, [DATABASE]),
        ({"names": ["[dw]*"]}, [WEB, DATABASE]),
        ({"projects": ["acme"]}, [WEB]),
        ({"projects": ["project-id"]}, [WEB]),
        ({"projects": ["p2"]}, [DATABASE]),
        ({"projects": ["p2", "acm?"]}, [WEB, DATABASE]),
        ({"users": ["alice"]}, [WEB]),
        ({"users": ["u[0-9]"]}, [DATABASE]),
        ({"users": ["project-id"]}, []),
        ({"flavors": ["m1.*"]}, [WEB]),
        ({"flavors": ["7"]}, [DATABASE]),
    ],
)
def test_a_filter_takes_the_guests_that_fit_one_of_its_values(
    filters: dict[str, list[str]], guests: list[Guest]
) -> None:
    assert taken(**filters) == guests


@pytest.mark.parametrize(
    ("networks", "guests"),
    [
        (["10.0.0.5"], [WEB]),
        (["10.0.0.0/24"], [WEB]),
        (["10.0.0.0/30"], []),
        (["2001:db8::5"], [WEB]),
        (["2001:DB8:0::/64"], [WEB]),
        (["2001:db9::/64"], []),
        (["0.0.0.0/0"], [WEB, DATABASE]),
        (["::/0"], [WEB]),
        (["192.168.7.9", "10.0.0.5"], [WEB, DATABASE]),
    ],
)
def test_an_address_or_network_takes_the_guests_that_have_an_address_in_it(
    networks: list[str], guests: list[Guest]
) -> None:
    assert taken(networks=[ip_network(text) for text in networks]) == guests


def test_an_address_that_is_none_fits_no_network() -> None:
    guest = nova_guest(1, instance("x", addresses=("nonsense", "", "10.0.0.300")))
    assert not Selection(networks=[ip_network("0.0.0.0/0")]).takes(guest)


def test_different_filters_have_to_fit_together() -> None:
    assert taken(names=["web-*"], states=["running"]) == [WEB]
    assert taken(names=["web-*"], states=["shutoff"]) == []


# ---- order ------------------------------------------------------------------------------------


def test_guests_are_sorted_by_domain_name_unless_asked_otherwise() -> None:
    guests = [foreign_guest(n, domain=name) for n, name in enumerate(["b", "a", "c"])]
    assert [guest.domain for guest in ordered(guests)] == ["a", "b", "c"]
    assert [guest.domain for guest in ordered(guests, descending=True)] == ["c", "b", "a"]


def test_numbers_are_sorted_as_numbers() -> None:
    guests = [
        nova_guest(n, instance("x", flavor=Flavor(memory_mib=memory)))
        for n, memory in enumerate([1024, 512, 65536, 8])
    ]
    memory = COLUMNS["memory"]
    assert [memory.value(guest) for guest in ordered(guests, [memory])] == [8, 512, 1024, 65536]


@pytest.mark.parametrize("descending", [False, True])
def test_guests_that_a_column_says_nothing_of_come_last_either_way(descending: bool) -> None:
    result = ordered(EVERYONE, [COLUMNS["name"]], descending=descending)
    assert set(result[-3:]) == {BARE, LOST, APPLIANCE}
    assert result[:2] == ([WEB, DATABASE] if descending else [DATABASE, WEB])


def test_the_first_column_counts_most_and_the_next_among_its_equals() -> None:
    guests = [
        foreign_guest(1, "b", state="running"), foreign_guest(2, "a", state="running"),
        foreign_guest(3, "c", state="paused"),
    ]  # fmt: skip
    result = ordered(guests, [COLUMNS["state"], COLUMNS["manager"]])
    assert [guest.manager for guest in result] == ["c", "a", "b"]


@pytest.mark.parametrize("descending", [False, True])
def test_among_equals_the_domain_name_decides(descending: bool) -> None:
    guests = [foreign_guest(n, domain=name) for n, name in enumerate(["b", "c", "a"])]
    result = ordered(guests, [COLUMNS["state"]], descending=descending)
    assert [guest.domain for guest in result] == ["a", "b", "c"]


def test_an_instance_without_ports_can_be_sorted_among_those_that_have_some() -> None:
    assert ordered(EVERYONE, [COLUMNS["ips"]])[:3] == [BARE, WEB, DATABASE]


@given(
    st.lists(nova_guests(), max_size=5),
    st.lists(st.sampled_from(list(COLUMNS.values())), max_size=2),
    st.booleans(),
)
def test_any_guests_can_be_sorted_by_any_columns(
    guests: list[Guest], columns: list[Any], descending: bool
) -> None:
    result = ordered(guests, columns, descending=descending)
    assert len(result) == len(guests)
    assert all(guest in result for guest in guests)
    assert ordered(reversed(guests), columns, descending=descending) == result
