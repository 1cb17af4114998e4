"""`nova-domains stamp` in trouble: guests that are stuck, no rights, no room, two at once.

Times are bounds that separate what hangs from what answers, not measurements.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from lab import domains
from lab.compute_host import ComputeHost, frozen, stuck
from tests.support.command import the_error
from tests.support.paths import ROOT
from tests.support.real_host import (
    BACKFILL,
    NOVA_1_1,
    Conversation,
    as_nobody,
    journal_lines,
    journals,
    planned,
    results,
    run_on,
    uuid,
)

GUESTS = 12
NAMES = [f"instance-{number:08x}" for number in range(1, GUESTS + 1)]
ONE = NAMES[0]

SOON = 8
"""Seconds: less than the 30 that libvirt waits for a guest."""
ASKING = ("stamp", "--all", "--derive")
STAMP = (*ASKING, "--yes")


@pytest.fixture
def host(empty_host: ComputeHost) -> ComputeHost:
    """A dozen instances that have lost their blocks, switched off."""
    furnish(empty_host)
    return empty_host


def furnish(host: ComputeHost) -> None:
    for number, name in enumerate(NAMES, start=1):
        host.define(domains.nova_guest(name, uuid(number)))


def is_stamped(host: ComputeHost, name: str) -> bool:
    return all(
        host.metadata(name, namespace, definition) is not None
        for namespace in (NOVA_1_1, BACKFILL)
        for definition in host.definitions(name)
    )


def is_untouched(host: ComputeHost, name: str) -> bool:
    return not any(
        host.metadata(name, namespace, definition)
        for namespace in (NOVA_1_1, BACKFILL)
        for definition in host.definitions(name)
    )


def nothing_was_written(host: ComputeHost, state: Path) -> bool:
    return all(is_untouched(host, name) for name in NAMES) and journals(state) == []


def wait_for_the_others(host: ComputeHost, state: Path) -> None:
    """Until all but the first guest have their blocks, and the journal says so."""
    others = set(map(uuid, range(2, GUESTS + 1)))
    host.wait(
        lambda: bool(journals(state)) and set(results(journals(state)[0])) >= others,
        "the others are not written",
        SOON,
    )
    assert all(is_stamped(host, name) for name in NAMES[1:])
    assert set(results(journals(state)[0])) == others


class TestAGuestWhoseQemuIsStopped:
    def test_is_written_like_any_other(self, host: ComputeHost) -> None:
        host.start(ONE)
        with frozen(host.qemu_pid(ONE)):
            code, _, err = run_on(host.uri, *STAMP, seconds=SOON)
        assert code == 0, err
        assert all(is_stamped(host, name) for name in NAMES)


class TestAGuestThatIsStuck:
    @pytest.fixture
    def host(self, host: ComputeHost) -> ComputeHost:
        host.start(ONE)
        return host

    def test_holds_up_none_of_the_others_and_is_reported_when_it_is_given_up(
        self, host: ComputeHost, state: Path
    ) -> None:
        with planned(host.uri, *ASKING, "--patience", "2") as (run, begin), stuck(host, ONE):
            begin()
            wait_for_the_others(host, state)
            assert run.poll() is None
            out, err = run.communicate(timeout=SOON)
        assert run.returncode == 1
        assert out.endswith("11 stamped, 0 unchanged, 0 refused, 1 failed\n")
        assert re.search(rf"error: {ONE} .*no answer from libvirt within 2 s", err)
        (path,) = journals(state)
        assert results(path)[uuid(1)] == "unanswered"
        assert journal_lines(path)[-1]["how"] == "complete"

    def test_is_waited_for_after_ctrl_c_and_the_run_ends_then(
        self, host: ComputeHost, state: Path
    ) -> None:
        with planned(host.uri, *ASKING, "--patience", "2") as (run, begin), stuck(host, ONE):
            begin()
            wait_for_the_others(host, state)
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=SOON)
        assert run.returncode == 130
        assert "11 stamped" in out
        assert f"error: {ONE} " in err
        assert "interrupted" in err
        (path,) = journals(state)
        assert results(path)[uuid(1)] == "unanswered"
        assert journal_lines(path)[-1]["how"] == "interrupted"

    def test_is_given_up_at_once_after_a_second_ctrl_c(
        self, host: ComputeHost, state: Path
    ) -> None:
        with planned(host.uri, *ASKING) as (run, begin), stuck(host, ONE):
            begin()
            wait_for_the_others(host, state)
            for _ in range(SOON):
                # Two that come at once are one.
                run.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    run.wait(timeout=0.5)
            out, _ = run.communicate(timeout=1)
        assert run.returncode == 130
        assert "11 stamped" in out
        (path,) = journals(state)
        assert journal_lines(path)[-1]["how"] == "interrupted"


def test_a_guest_that_was_given_up_is_completed_by_the_next_run(
    host: ComputeHost, state: Path
) -> None:
    host.start(ONE)
    with planned(host.uri, *ASKING, "--patience", "1") as (run, begin), stuck(host, ONE):
        begin()
        run.communicate(timeout=SOON)
        assert run.returncode == 1
    # The call that was given up may go through now, but never to a block without our mark.
    assert host.metadata(ONE, NOVA_1_1, "live") is None
    code, out, err = run_on(host.uri, *STAMP, seconds=SOON)
    assert code == 0, err
    assert out.endswith("1 stamped, 11 unchanged, 0 refused, 0 failed\n")
    assert is_stamped(host, ONE)


class TestRights:
    def test_to_read_only_are_reported_before_the_plan(
        self, host: ComputeHost, state: Path
    ) -> None:
        for command in (STAMP, STAMP[:-1], ("undo", "--yes")):
            code, out, err = run_on(f"{host.uri}-ro", *command)
            assert (code, out) == (3, ""), command
            line = the_error(err)
            assert "may only read" in line
            assert "nothing was done" in line
        assert nothing_was_written(host, state)

    def test_to_read_only_suffice_for_a_dry_run(self, host: ComputeHost, state: Path) -> None:
        code, out, err = run_on(f"{host.uri}-ro", *STAMP, "--dry-run")
        assert (code, err) == (0, "")
        assert "12 to write" in out
        assert nothing_was_written(host, state)

    @pytest.mark.parametrize(
        ("socket", "words"), [("libvirt-sock", "no permission"), ("libvirt-sock-ro", "only read")]
    )
    def test_of_an_ordinary_user_do_not_suffice(
        self, host: ComputeHost, monkeypatch: pytest.MonkeyPatch, socket: str, words: str
    ) -> None:
        theirs = host.directory / f"state-{socket}"
        theirs.mkdir()
        theirs.chmod(0o777)
        monkeypatch.setenv("NOVA_DOMAINS_STATE", str(theirs))
        changed = {host.directory: 0o711, host.socket.parent: 0o711, host.socket: 0o600}
        modes = {path: path.stat().st_mode for path in changed}
        for path, mode in changed.items():
            path.chmod(mode)
        try:
            uri = f"qemu+unix:///system?socket={host.socket.with_name(socket)}"
            code, out, err = as_nobody(uri, *STAMP)
        finally:
            for path, mode in modes.items():
                path.chmod(mode)
        assert (code, out) == (3, "")
        line = the_error(err)
        assert words in line
        assert nothing_was_written(host, theirs)


class TestTwoRunsAtOnce:
    def test_the_second_is_refused_with_the_pid_of_the_first(
        self, host: ComputeHost, state: Path
    ) -> None:
        with Conversation(host.uri, *STAMP[:-1]) as first:
            first.wait_for("Write to 12 guests?")
            for command in (STAMP, ("undo", "--yes")):
                code, out, err = run_on(host.uri, *command)
                assert (code, out) == (1, "")
                line = the_error(err)
                assert f"pid {first.pid}" in line
            assert nothing_was_written(host, state)
            assert run_on(host.uri, *STAMP, "--dry-run")[0] == 0
            assert first.answer("y")[0] == 0
        assert run_on(host.uri, *STAMP)[0] == 0

    def test_the_lock_of_one_that_was_killed_is_none(self, host: ComputeHost) -> None:
        with Conversation(host.uri, *STAMP[:-1]) as first:
            first.wait_for("Write to 12 guests?")
            os.kill(first.pid, signal.SIGKILL)
        assert run_on(host.uri, *STAMP)[0] == 0


class TestTheJournal:
    def test_for_which_there_is_no_room_keeps_everything_as_it_is(
        self, host: ComputeHost, state: Path, tmp_path: Path
    ) -> None:
        code, out, err, left = on_a_small_disk(host, tmp_path, 4)
        assert code == 1
        assert "12 to write" in out
        line = the_error(err)
        assert "No space left on device" in line
        assert "nothing was done" in line
        assert left is None
        assert nothing_was_written(host, state)

    def test_for_which_the_disk_fills_up_ends_the_run_and_can_be_undone(
        self, host: ComputeHost, tmp_path: Path
    ) -> None:
        for number in range(GUESTS + 1, 61):
            host.define(domains.plain_guest(f"guest-{number}", uuid(number)))
        more = ("--force", *(uuid(number) for number in range(1, 61)))
        ample = tmp_path / "ample.jsonl"
        command = ("stamp", *more, "--derive", "--yes")
        assert run_on(host.uri, *command, "--journal", str(ample))[0] == 0
        assert run_on(host.uri, "undo", str(ample), "--yes")[0] == 0
        begun = sum(
            len(line) for line in ample.read_bytes().splitlines(True) if b'"outcome"' not in line
        )
        code, _, err, left = on_a_small_disk(host, tmp_path, -(-begun // 4096) * 4, *command)
        assert code == 1
        assert "the journal could not be completed: No space left on device" in err
        assert left is not None
        code, _, err = run_on(host.uri, "undo", str(left), "--yes")
        assert all(is_untouched(host, name) for name in NAMES)
        assert host.metadata("guest-60", NOVA_1_1) is None

    def test_is_a_new_file_always(self, host: ComputeHost, state: Path, tmp_path: Path) -> None:
        there = tmp_path / "there.jsonl"
        there.write_text("precious")
        code, _, err = run_on(host.uri, *STAMP, "--journal", str(there))
        assert code == 1
        assert "already exists" in err
        assert there.read_text() == "precious"
        assert nothing_was_written(host, state)

    def test_follows_no_link(self, host: ComputeHost, state: Path, tmp_path: Path) -> None:
        link = tmp_path / "link.jsonl"
        link.symlink_to(tmp_path / "elsewhere")
        code, _, _ = run_on(host.uri, *STAMP, "--journal", str(link))
        assert code == 1
        assert not (tmp_path / "elsewhere").exists()
        assert nothing_was_written(host, state)

    def test_that_has_no_folder_is_reported(self, host: ComputeHost, state: Path) -> None:
        code, _, err = run_on(host.uri, *STAMP, "--journal", "/nowhere/journal")
        assert code == 1
        assert "No such file or directory" in err
        assert nothing_was_written(host, state)


def on_a_small_disk(
    host: ComputeHost, directory: Path, kib: int, *command: str
) -> tuple[int, str, str, Path | None]:
    """Run stamp with its journal on a disk of so many KiB; and what is left of the journal."""
    small, left = directory / "small", directory / "left.jsonl"
    small.mkdir()
    script = (
        'mount -t tmpfs -o "size=$1k" tmpfs "$2" && shift 2 || exit 99\n'
        '"$@"; code=$?\n'
        f'cp "{small}/journal" "{left}" 2>/dev/null\n'
        "exit $code"
    )
    run = [sys.executable, "-m", "virsh_nova", "-c", host.uri, *(command or STAMP)]
    shell = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
    done = subprocess.run(
        [*shell, str(kib), str(small), *run, "--journal", str(small / "journal")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr, left if left.exists() else None


def test_a_daemon_that_hangs_after_the_question_is_reported(host: ComputeHost, state: Path) -> None:
    with Conversation(host.uri, "--timeout", "1", *STAMP[:-1], "--patience", "2") as talk:
        talk.wait_for("Write to 12 guests?")
        with frozen(host.pid):
            code, heard = talk.answer("y")
    assert code != 0
    assert "0 stamped" in heard
    (path,) = journals(state)
    assert set(results(path).values()) <= {"unanswered", "left"}
    assert all(is_untouched(host, name) for name in NAMES)
