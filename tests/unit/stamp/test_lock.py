"""One run of stamp or undo at a time on a host; the second is refused and says who is at work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import environment
from virsh_nova.errors import NovaDomainsError
from virsh_nova.stamp.lock import only_run

HOLD = """
from virsh_nova.stamp.journals import state_folder
from virsh_nova.stamp.lock import only_run
with only_run(state_folder()):
    print("held", flush=True)
    input()
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def holder(state: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env=environment(NOVA_DOMAINS_STATE=str(state)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_run_is_refused_with_the_pid_of_the_first(state: Path) -> None:
    with holder(state) as process:
        with pytest.raises(NovaDomainsError) as raised, only_run(state):
            pytest.fail("two runs at once")
        process.communicate("\n")
    assert raised.value.message == f"another stamp or undo is running: pid {process.pid}"
    assert raised.value.hint == "wait until it has finished; nothing was done"


def test_a_run_that_was_killed_holds_no_lock(state: Path) -> None:
    with holder(state) as process:
        process.kill()
    with only_run(state):
        assert (state / "lock").read_text() == f"{os.getpid()}\n"


def test_the_lock_is_let_go_of_at_the_end_and_after_an_error(state: Path) -> None:
    with pytest.raises(KeyError), only_run(state):
        raise KeyError
    with only_run(state):
        pass


def test_a_shorter_pid_does_not_keep_the_digits_of_a_longer_one(state: Path) -> None:
    state.mkdir()
    (state / "lock").write_text("4194304444\n")
    with only_run(state):
        assert (state / "lock").read_text() == f"{os.getpid()}\n"


def test_the_folder_and_the_lock_are_the_owners_alone(state: Path) -> None:
    with only_run(state):
        assert state.stat().st_mode & 0o777 == 0o700
        assert (state / "lock").stat().st_mode & 0o777 == 0o600


def test_a_symlink_in_its_place_is_refused(state: Path, tmp_path: Path) -> None:
    state.mkdir()
    target = tmp_path / "precious"
    target.write_text("as it was")
    (state / "lock").symlink_to(target)
    with (
        pytest.raises(NovaDomainsError, match="cannot be locked: Too many levels"),
        only_run(state),
    ):
        pass
    assert target.read_text() == "as it was"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    state = tmp_path / "file" / "state"
    with (
        pytest.raises(NovaDomainsError, match="Not a directory; nothing was done"),
        only_run(state),
    ):
        pass
