"""Guests added up: who counts where, and with what."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.guests import foreign_guest, instance, nova_guest, unstamped_guest
from tests.support.models import guests as any_guest
from virsh_nova.guests.states import RUNNING_STATES
from virsh_nova.model import (
    Backfill,
    Disk,
    Flavor,
    Guest,
    Hardware,
    Identity,
    Image,
    Instance,
    Owner,
    Root,
)
from virsh_nova.usage.account import Account, account
from virsh_nova.usage.keys import KEYS
from virsh_nova.usage.measure import Rates

VOLUME = "e2b487e4-a6a2-4148-beda-649cbc36fc65"
FLAVOR = Flavor("m1.small", "2", 2048, 20, 0, 0, 2)


def hardware(vcpus: int | None = 2, memory: int | None = 2048, *disks: Disk) -> Hardware:
    return Hardware(vcpus, memory, disks, ())


def owned(project: str, id_: str = "", **changes: Any) -> Instance:
    owner = Owner(Identity("u", "alice"), Identity(id_ or f"id-of-{project}", project))
    changes.setdefault("root", Root("image", "image-id"))
    return instance("vm", owner=owner, **{"flavor": FLAVOR, **changes})


def rows(result: Account) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Guests, running, vCPUs, memory and disk, by the texts of the labels."""
    return {tuple(label.text for label in row.labels): row.sums[:5] for row in result.rows}


def by(guests: list[Guest], *names: str) -> dict[tuple[str, ...], tuple[Any, ...]]:
    return rows(account(guests, [KEYS[name] for name in names]))


def test_projects_are_added_up_and_what_is_not_a_project_is_named() -> None:
    guests = [
        nova_guest(1, owned("acme"), hardware=hardware()),
        nova_guest(2, owned("acme"), hardware=hardware(4, 1024), state="shutoff"),
        nova_guest(3, owned("research"), hardware=hardware(1, 512)),
        nova_guest(4, instance("no owner", owner=Owner()), hardware=hardware()),
        unstamped_guest(5, hardware=hardware()),
        foreign_guest(6, hardware=hardware(3, 100), state="paused"),
        foreign_guest(7)._replace(kind="unreadable"),
    ]
    assert by(guests, "project") == {
        ("acme",): (2, 1, 6, 3072, 40),
        ("research",): (1, 1, 1, 512, 20),
        ("no owner recorded",): (2, 2, 4, 4096, None),
        ("foreign",): (1, 0, 3, 100, None),
        ("unreadable",): (1, 1, None, None, None),
    }
    assert list(by(guests, "project"))[-2:] == [("foreign",), ("unreadable",)]


def test_what_a_guest_is_counts_and_not_what_its_flavor_says() -> None:
    resized = nova_guest(1, owned("acme"), hardware=hardware(8, 8192))
    assert by([resized], "project") == {("acme",): (1, 1, 8, 8192, 20)}


def test_the_flavor_counts_where_nothing_shows_what_the_guest_is() -> None:
    listed = nova_guest(1, owned("acme"))
    half = nova_guest(2, owned("acme"), hardware=hardware(8, None))
    assert by([listed, half], "project") == {("acme",): (2, 2, 10, 4096, 40)}


def test_guests_of_unknown_size_are_counted_and_reported() -> None:
    result = account([foreign_guest(1), foreign_guest(2, hardware=hardware())], [KEYS["kind"]])
    assert rows(result) == {("foreign",): (2, 2, 2, 2048, None)}
    assert result.unsized == 1


@pytest.mark.parametrize(
    ("changes", "gib"),
    [
        ({}, 20),
        ({"flavor": FLAVOR._replace(ephemeral_gib=5, swap_mib=1025)}, 27),
        ({"root": Root("volume", "")}, 0),
        ({"root": Root("volume", ""), "flavor": FLAVOR._replace(ephemeral_gib=5)}, 5),
        ({"flavor": None}, None),
        ({"flavor": Flavor("m1.small")}, None),
    ],
)
def test_a_disk_is_what_novas_scheduler_takes_off_the_host(
    changes: dict[str, Any], gib: int | None
) -> None:
    guest = nova_guest(1, owned("acme", **changes), hardware=hardware())
    assert account([guest], [KEYS["project"]]).total.disk_gib == gib


def test_before_release_30_only_the_serial_shows_a_boot_from_a_volume() -> None:
    own = Disk("vda", "virtio", "/var/lib/nova/instances/x/disk", None)
    volume = Disk("vda", "virtio", "/dev/sdb", VOLUME)
    without_root = owned("acme", root=None)
    for disk, gib in ((own, 20), (volume, 0)):
        guest = nova_guest(1, without_root, hardware=hardware(1, 1, disk))
        assert account([guest], [KEYS["project"]]).total.disk_gib == gib


def test_without_hardware_a_block_of_novas_without_root_is_a_boot_from_a_volume() -> None:
    without_root = owned("acme", root=None)
    backfill = Backfill(datetime(2026, 1, 1, tzinfo=timezone.utc), "me", (), "1", "")
    novas, ours = nova_guest(1, without_root), nova_guest(2, without_root, backfill=backfill)
    assert account([novas], [KEYS["project"]]).total.disk_gib == 0
    assert account([ours], [KEYS["project"]]).total.disk_gib == 20


def test_two_projects_of_one_name_stay_apart() -> None:
    guests = [nova_guest(1, owned("web", "id-1")), nova_guest(2, owned("web", "id-2"))]
    result = account(guests, [KEYS["project"]])
    assert [row.labels[0].id for row in result.rows] == ["id-1", "id-2"]


def test_a_renamed_project_is_one_and_has_its_newest_name() -> None:
    old, new = datetime(2025, 1, 1, tzinfo=timezone.utc), datetime(2026, 1, 1, tzinfo=timezone.utc)
    guests = [
        nova_guest(1, owned("after", "id", created=new)),
        nova_guest(2, owned("before", "id", created=old)),
        nova_guest(3, owned("unknown", "id")),
    ]
    assert list(by(guests, "project")) == [("after",)]


def test_a_project_that_nova_does_not_know_by_name_is_called_by_its_id() -> None:
    result = account([nova_guest(1, owned("N/A", "id-1"))], [KEYS["project"]])
    (label,) = result.rows[0].labels
    assert (label.text, label.id, label.named) == ("id-1", "id-1", False)


def test_a_project_called_like_what_is_not_one_stays_apart() -> None:
    guests = [nova_guest(1, owned("foreign", "id-1")), foreign_guest(2)]
    result = account(guests, [KEYS["project"]])
    assert [(row.labels[0].text, row.labels[0].known) for row in result.rows] == [
        ("foreign", True), ("foreign", False),
    ]  # fmt: skip


def test_images_come_from_the_image_else_from_the_root() -> None:
    guests = [
        nova_guest(1, owned("a", image=Image("image-1"), root=Root("image", "image-1"))),
        nova_guest(2, owned("a", root=Root("image", "image-1"))),
        nova_guest(3, owned("a", image=Image(""), root=Root("volume", ""))),
        nova_guest(4, owned("a", root=None)),
    ]
    assert {key: value[0] for key, value in by(guests, "image").items()} == {
        ("image-1",): 2, ("boots from a volume",): 1, ("no image recorded",): 1,
    }  # fmt: skip


def test_every_key_has_a_label_for_a_guest_with_nothing() -> None:
    bare = foreign_guest(1, host=None)
    for key in KEYS.values():
        assert key.label(bare).text


def test_several_keys_make_a_row_for_each_combination_the_largest_first() -> None:
    guests = [
        nova_guest(1, owned("small"), hardware=hardware(1, 10), state="running"),
        nova_guest(2, owned("large"), hardware=hardware(2, 10), state="shutoff"),
        nova_guest(3, owned("large"), hardware=hardware(9, 10), state="running"),
        foreign_guest(4, hardware=hardware(99, 10)),
    ]
    assert list(by(guests, "project", "state")) == [
        ("large", "running"), ("large", "shutoff"), ("small", "running"), ("foreign", "running"),
    ]  # fmt: skip


# ---- who counts -------------------------------------------------------------------------------


def test_one_instance_on_two_hosts_counts_on_both() -> None:
    here = nova_guest(1, owned("acme"), hardware=hardware())
    assert by([here, here._replace(host="compute-2")], "host") == {
        ("compute-1",): (1, 1, 2, 2048, 20), ("compute-2",): (1, 1, 2, 2048, 20),
    }  # fmt: skip


def test_a_guest_that_was_read_twice_counts_once() -> None:
    guest = nova_guest(1, owned("acme"), hardware=hardware())
    assert by([guest, guest], "project") == {("acme",): (1, 1, 2, 2048, 20)}


def test_two_guests_of_one_uuid_on_one_host_both_count() -> None:
    guest = nova_guest(1, owned("acme"), hardware=hardware())
    assert by([guest, guest._replace(domain="copy")], "project")[("acme",)][0] == 2


def test_hosts_whose_names_are_guesses_may_be_different_ones() -> None:
    guest = nova_guest(1, owned("acme"), hardware=hardware(), host="qemu", host_guessed=True)
    assert by([guest, guest], "project")[("acme",)][0] == 2


@given(st.lists(any_guest(), max_size=6), st.lists(st.sampled_from(list(KEYS)), min_size=1))
def test_whatever_guests_hold_no_guest_is_lost(guests: list[Guest], names: list[str]) -> None:
    result = account(guests, [KEYS[name] for name in dict.fromkeys(names)])
    assert sum(row.sums.guests for row in result.rows) == result.total.guests <= len(guests)
    assert result.total.running == sum(row.sums.running for row in result.rows)
    assert sum(row.sums.vcpus or 0 for row in result.rows) == (result.total.vcpus or 0)


# ---- what they use ----------------------------------------------------------------------------


def test_rates_are_added_up_and_what_was_not_measured_is_reported() -> None:
    guests = [nova_guest(number, owned("acme"), hardware=hardware()) for number in (1, 2, 3)]
    guests.append(nova_guest(4, owned("acme"), state="shutoff"))
    rates = {
        guests[0].key: Rates(50.0, 1.5, 100.0, None),
        guests[1].key: Rates(25.0, None, None, 512.0),
    }
    result = account(guests, [KEYS["project"]], rates, 1.0)
    assert result.total[5:] == (75.0, 1.5, 100.0, 512.0)
    assert result.unmeasured == 1
    assert all(state in RUNNING_STATES for state in ("running", "blocked"))
