"""Two looks at a guest, and what lies between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.support.guests import nova_guest
from virsh_nova.hosts.use import Use
from virsh_nova.model import Guest, GuestKey
from virsh_nova.usage.measure import Rates, measured, rates_between

FIRST = Use("run", 100.0, 10.0, steal_seconds=1.0, rss_mib=512.0)


def test_seconds_become_percent_of_one_cpu() -> None:
    second = FIRST._replace(at=102.0, cpu_seconds=15.0, steal_seconds=1.5, rss_mib=600.0)
    assert rates_between(FIRST, second) == Rates(250.0, 25.0, 600.0, None)


def test_another_run_of_the_guest_is_not_compared() -> None:
    assert rates_between(FIRST, Use("next run", 102.0, 1.0)) is None


def test_looks_at_one_moment_say_nothing() -> None:
    assert rates_between(FIRST, FIRST) is None


def test_a_steal_that_went_back_with_a_vcpu_is_none_at_all() -> None:
    rates = rates_between(FIRST, FIRST._replace(at=101.0, steal_seconds=0.5))
    assert rates is not None
    assert rates.steal_percent == 0


def test_a_guest_that_came_or_went_between_the_looks_has_no_rates() -> None:
    stays, came, went = (nova_guest(number) for number in (1, 2, 3))
    looks = [
        {stays.key: FIRST, went.key: FIRST},
        {stays.key: FIRST._replace(at=101.0, cpu_seconds=10.5), came.key: FIRST},
    ]
    slept = []

    class Host:
        def use(self, guests: Iterable[Guest]) -> Mapping[GuestKey, Use]:
            assert len(list(guests)) == 3
            return looks.pop(0)

    found = measured(Host(), [stays, came, went], 1.5, sleep=slept.append)
    assert slept == [1.5]
    assert list(found) == [stays.key]
    assert found[stays.key].cpu_percent == 50
