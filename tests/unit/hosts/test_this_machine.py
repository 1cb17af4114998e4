"""Is a process a guest's QEMU? Command line, executable, user and libvirt's pid file say."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.embedded import uuid_of
from tests.support.processes import Started, qemu_lookalike
from virsh_nova.hosts import this_machine
from virsh_nova.hosts.this_machine import (
    Evidence,
    evidence_of,
    guest_on,
    is_qemu_of,
    objection,
    qemu_pid,
)

UUID = uuid_of(1)
NOBODY = 65534
ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def qemu() -> Iterator[list[str]]:
    """The words that start a process like QEMU's."""
    with qemu_lookalike() as executable:
        yield [executable, "-c", "read x", "sh", "-uuid", UUID]


def test_a_process_of_anybody_with_the_uuid_is_not_taken_for_its_qemu(qemu: list[str]) -> None:
    python = [sys.executable, "-c", "input()", "-uuid", UUID]
    name = os.path.basename(os.path.realpath(sys.executable))
    with Started(python) as pid:
        assert objection(pid, UUID) == f"it runs {name}"
        assert not is_qemu_of(pid, UUID)
    if ROOT:
        with Started(qemu, user="nobody") as pid:
            assert evidence_of(pid) == Evidence("qemu-system-x86_64", NOBODY)
            assert objection(pid, UUID) == "its user is nobody"
            assert not is_qemu_of(pid, UUID)


def test_a_qemu_of_libvirts_user_is_one(qemu: list[str]) -> None:
    with Started(qemu) as pid:
        assert objection(pid, UUID) == ""
        assert evidence_of(pid).proven
        assert is_qemu_of(pid, UUID)
        # Another's uuid, and the uuid anywhere but behind the option, say nothing.
        assert objection(pid, uuid_of(2)) is None
    with Started([*qemu[:4], UUID]) as pid:
        assert objection(pid, UUID) is None
    assert objection(pid, UUID) is None
    assert evidence_of(pid) == Evidence(None, None)


def test_the_pid_file_counts_only_together_with_the_rest(qemu: list[str], tmp_path: Path) -> None:
    (tmp_path / "qemu").mkdir()
    uri = f"qemu:///system?socket={tmp_path}/libvirt-sock"
    for user, certain in ((None, True), *((("nobody", False),) if ROOT else ())):
        with Started(qemu, user=user) as pid:
            (tmp_path / "qemu/a.pid").write_text(f"{pid}\n")
            assert qemu_pid(uri, "a", UUID) == (pid if certain else None)
            assert qemu_pid(uri, "b", UUID) is None
            assert qemu_pid("qemu+ssh://h/system", "a", UUID) is None


@pytest.mark.parametrize(
    ("name", "qemu"),
    [
        ("qemu-system-x86_64", True),
        ("qemu-system-x86_64-spice", True),
        ("qemu-kvm", True),
        ("kvm", True),
        ("qemu", True),
        (".qemu-system-x86_64-wrapped", True),
        ("python3.11", False),
        ("qemu-img", False),
        ("qemu-nbd", False),
        ("kvm_stat", False),
        ("not-qemu-kvm", False),
    ],
)
def test_what_is_called_qemu(name: str, qemu: bool) -> None:
    assert Evidence(name, 0).proven is qemu
    assert (Evidence(name, 0).against == "") is qemu


def test_which_users_libvirt_runs_qemu_as(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = {
        0: "root",
        64055: "libvirt-qemu",
        107: "qemu",
        108: "tss",
        1000: "ada",
        NOBODY: "nobody",
    }
    monkeypatch.setattr(this_machine, "_accounts", lambda: accounts)
    monkeypatch.setattr(this_machine, "_configured_user", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def verdict(user: int | None) -> tuple[bool, str]:
        evidence = Evidence("qemu-kvm", user)
        return evidence.proven, evidence.against

    for user in (0, 64055, 107, 42427, 42436):
        assert verdict(user) == (True, "")
    for user in (1000, NOBODY):
        assert verdict(user) == (False, f"its user is {accounts[user]}")
    assert verdict(2000) == (False, "its user is 2000")
    # Some other service, or what this user may not see: nothing for it, nothing against it.
    assert verdict(108) == verdict(None) == (False, "")
    assert Evidence(None, 107).proven is False
    assert Evidence(None, 107).against == ""
    monkeypatch.setattr(this_machine, "_configured_user", lambda: "ada")
    assert verdict(1000) == (True, "")
    assert verdict(NOBODY) == (False, "its user is nobody")


def test_what_speaks_against_a_process_cannot_be_worded_by_it() -> None:
    assert Evidence("x: it runs (kvm)", 0).against == 'it runs "x: it runs (kvm)"'


def test_the_accounts_and_the_setting_are_read_from_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "/etc/passwd": f"root:x:0:0::/:\n\n#x\nqemu:x:107:36\nbad:x:y:z\nodd:x:{'9' * 50}:\n",
        "/etc/libvirt/qemu.conf": "#user = 'no'\nuser = \"qemu\"\n user='+107' # x\nusers = 'x'\n",
    }
    for path, text in files.items():
        (tmp_path / os.path.basename(path)).write_text(text)
    real_open = open

    def opened(path: str, *arguments: str, **more: str):
        return real_open(tmp_path / os.path.basename(path), *arguments, **more)

    monkeypatch.setattr(this_machine, "open", opened, raising=False)
    accounts = this_machine._accounts.__wrapped__()
    assert (accounts[0], accounts[107]) == ("root", "qemu")
    assert this_machine._configured_user.__wrapped__() == "+107"
    for path in files:
        (tmp_path / os.path.basename(path)).unlink()
    assert this_machine._accounts.__wrapped__() == {}
    assert this_machine._configured_user.__wrapped__() is None


def test_the_uuid_is_the_value_of_its_option() -> None:
    assert guest_on(["qemu", "-uuid", UUID.upper(), ""]) == UUID
    assert guest_on(["qemu", "--uuid", UUID]) == UUID
    for words in ([], ["-uuid"], [UUID], ["qemu", f"-uuid={UUID}"]):
        assert guest_on(words) is None
