"""When two names mean the same host, and what is no name at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virsh_nova.guests.host_names import HostNames, is_loopback, same_host
from virsh_nova.sources.record import Record

LOOPBACK = [
    "localhost",
    "LOCALHOST",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6.localdomain6",
    "ip6-localhost",
    "ip6-loopback",
    "compute.localhost",
    "localhost.",
    "127.0.0.1",
    "127.0.1.1",
    "::1",
    "(none)",
    "",
    " ",
]


def runs_on(hosts: tuple[str, ...], host: str | None) -> bool | None:
    return Record("uuid", "servers.json", {}, hosts=hosts).runs_on(host)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("cmp-1", "cmp-1", True),
        ("cmp-1", "CMP-1", True),
        ("cmp-1", "cmp-1.a.example", True),
        ("cmp-1.a", "cmp-1.a.example", True),
        ("cmp-1.a.example.", "cmp-1.a.example", True),
        ("cmp-1", "cmp-10", False),
        ("cmp-1", "cmp-10.a.example", False),
        ("cmp-1.a.example", "cmp-1.b.example", False),
        ("cmp-1.a.example", "cmp-2.a.example", False),
        ("192.0.2.11", "192.0.2.11", True),
        ("192.0.2.11", "192.0.2.12", False),
        ("192.0.2.1", "192.0.2.1.example", False),
        ("192", "192.0.2.11", False),
        ("2001:db8::1", "2001:db8::1", True),
        ("2001:db8::1", "2001:DB8:0:0::1", True),
        ("[2001:db8::1]", "2001:db8::1", True),
        ("2001:db8::1", "2001:db8::2", False),
        ("2001:db8::1", "2001", False),
    ],
)
def test_two_names_mean_the_same_host(one: str, other: str, same: bool) -> None:
    assert same_host(one, other) is same
    assert same_host(other, one) is same


@pytest.mark.parametrize("name", LOOPBACK)
def test_every_machine_calls_itself_that(name: str) -> None:
    assert is_loopback(name)


@pytest.mark.parametrize("name", ["localhost-7", "localhosts", "mylocalhost", "192.0.2.1", "a.b"])
def test_a_name_that_only_looks_like_the_loopback_is_one(name: str) -> None:
    assert not is_loopback(name)


@pytest.mark.parametrize(
    ("hosts", "host", "expected"),
    [
        ((), "cmp-1", None),
        (("cmp-1",), None, None),
        (("cmp-1.a.example",), "cmp-1", True),
        (("cmp-1",), "cmp-2", False),
        (("cmp-1.a.example",), "cmp-1.b.example", False),
        (("service-name", "cmp-1.a.example"), "cmp-1.a.example", True),
        (("192.0.2.11",), "192.0.2.12", False),
        (("192.0.2.11",), "192.0.2.11", True),
        # An address and a name can be the same host: nothing is known.
        (("192.0.2.11",), "cmp-1", None),
        (("cmp-1",), "192.0.2.11", None),
        (("192.0.2.11", "cmp-2"), "cmp-1", False),
        (("localhost",), "cmp-1", None),
        (("cmp-1",), "localhost", None),
        (("localhost",), "localhost", None),
        (("localhost.localdomain", "cmp-1"), "cmp-1", True),
        (("localhost.localdomain", "cmp-1"), "cmp-2", False),
    ],
)
def test_a_record_says_whether_its_instance_runs_here(
    hosts: tuple[str, ...], host: str | None, expected: bool | None
) -> None:
    assert runs_on(hosts, host) is expected


labels = st.sampled_from(("cmp-1", "CMP-1", "cmp-2", "a", "b", "192", "", " "))
names = (
    st.lists(labels, min_size=1, max_size=4).map(".".join)
    | st.sampled_from(("192.0.2.1", "2001:db8::1", "[2001:DB8:0::1]", "192.0.2.1.example"))
    | st.text(max_size=8)
)


@given(st.lists(names, max_size=8), names)
def test_of_many_hosts_a_name_finds_those_that_are_the_same(hosts: list[str], name: str) -> None:
    found = list(HostNames(hosts).named(name))
    assert sorted(found) == sorted(host for host in hosts if same_host(host, name))


def test_a_name_of_any_length_is_looked_up_at_once() -> None:
    name = "a." * 100_000
    assert list(HostNames([name]).named(name)) == [name]


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_can_be_compared(one: str, other: str) -> None:
    assert same_host(one, other) is same_host(other, one)
    assert same_host(one, one)
    is_loopback(one)
