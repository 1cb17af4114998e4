"""What was asked for and cannot be done is in the plan and in the exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.embedded import NOVA_SYSINFO, block, guest, make_host, uuid_of
from tests.support.memory_host import MemoryHost
from virsh_nova.cli import run
from virsh_nova.commands.session import Session
from virsh_nova.guests.build import unreadable_guest
from virsh_nova.model import Guest, Sighting
from virsh_nova.stamp.plan import Plan, Request
from virsh_nova.stamp.planner import make_plan

WHY = "cannot be read: no answer within 10 s"


def unreadable(number: int) -> Guest:
    seen = Sighting("compute-1", uuid_of(number), f"instance-{number:08x}", 1, "running")
    return unreadable_guest(seen, WHY)


def plan_of(*guests: Guest, **options: Any) -> Plan:
    request = Request(assignments={"name": "x"})._replace(**options)
    return make_plan("compute-1", guests, (), request)


def stamped_guest(number: int) -> Guest:
    host = MemoryHost()
    return host.guest(host.add(both=guest(number, metadata=block("x"), before=NOVA_SYSINFO)))


def test_a_guest_that_cannot_be_read_fails_a_run_over_all() -> None:
    """It may be Nova's."""
    plan = plan_of(stamped_guest(1), unreadable(2), everyone=True)
    assert [(step.action, step.failure) for step in plan.steps] == [
        ("unchanged", False), ("refused", True),
    ]  # fmt: skip
    assert plan.steps[1].reason == f"it {WHY}"
    assert plan.failed


def test_a_guest_whose_xml_is_broken_fails_it_too() -> None:
    host = MemoryHost()
    uuid = host.add(both=guest(1, before=NOVA_SYSINFO))
    found = host.guest(uuid)
    broken = tuple(
        each._replace(domain=each.domain._replace(uuid=None)) for each in found.definitions
    )
    plan = plan_of(found._replace(definitions=broken, kind="foreign"), everyone=True)
    assert plan.steps[0].reason == "its XML cannot be read"
    assert plan.failed


def test_a_guest_that_was_named_and_is_gone_fails_it() -> None:
    named = frozenset((uuid_of(1), uuid_of(2)))
    plan = plan_of(stamped_guest(1), named=named)
    assert [(notice.kind, notice.text) for notice in plan.notices] == [
        ("gone", f"the guest {uuid_of(2)} was named and is no longer here")
    ]
    assert plan.failed


def test_a_guest_that_was_named_and_is_refused_fails_it() -> None:
    host = MemoryHost()
    plain = host.guest(host.add(both=guest(1, domain="plain")))
    assert plan_of(plain, named=frozenset((uuid_of(1),))).failed


def test_nothing_to_do_is_no_failure() -> None:
    plan = plan_of(stamped_guest(1), everyone=True)
    assert (plan.failed, plan.notices) == (False, ())


# ---- on the command line ----------------------------------------------------------------------


@pytest.fixture
def stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run stamp on a host of three guests, which change as a test wants them to."""
    monkeypatch.setenv("NOVA_DOMAINS_STATE", str(tmp_path / "state"))
    guests = (guest(number, metadata=block("x"), before=NOVA_SYSINFO) for number in (1, 2, 3))
    uri = make_host(tmp_path, *guests)
    open_libvirt = Session.open_libvirt

    def stamp(change: Callable[[list[Guest]], list[Guest]], *arguments: str) -> tuple[int, str]:
        def opened(self: Session, *, writable: bool = False) -> Any:
            host = open_libvirt(self, writable=writable)
            read = host.guests
            monkeypatch.setattr(
                host, "guests", lambda *how, **more: change(read(*how, **more)), raising=True
            )
            return host

        monkeypatch.setattr(Session, "open_libvirt", opened)
        code = run(["-c", uri, "stamp", *arguments, "--set", "name=x"])
        return code, capsys.readouterr().out

    return stamp


def one_unreadable(guests: list[Guest]) -> list[Guest]:
    return [unreadable(2) if each.uuid == uuid_of(2) else each for each in guests]


def one_gone(guests: list[Guest]) -> list[Guest]:
    return [each for each in guests if each.uuid != uuid_of(2)]


@pytest.mark.parametrize("more", [(), ("--yes",), ("--dry-run",)])
def test_stamp_all_reports_a_guest_that_cannot_be_read(
    stamp: Callable[..., tuple[int, str]], more: tuple[str, ...]
) -> None:
    code, out = stamp(one_unreadable, "--all", *more)
    assert code == 1
    assert f"refused: instance-00000002 ({uuid_of(2)}): it {WHY}\n" in out
    assert out.endswith("0 to write, 2 unchanged, 1 refused\n")


def test_stamp_reports_a_guest_that_was_named_and_is_gone(
    stamp: Callable[..., tuple[int, str]],
) -> None:
    named = (uuid_of(1), "instance-00000002")
    code, out = stamp(one_gone, *named, "--yes")
    assert code == 1
    assert f"notice: the guest {uuid_of(2)} was named and is no longer here\n" in out
    code, out = stamp(lambda guests: guests, *named, "--yes", "-f", "json")
    assert (code, json.loads(out)["notices"]) == (0, [])


def test_stamp_all_does_not_miss_a_guest_that_vanished(
    stamp: Callable[..., tuple[int, str]],
) -> None:
    """It was not asked for by name: guests come and go."""
    assert stamp(one_gone, "--all", "--yes")[0] == 0
