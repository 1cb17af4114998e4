"""`nova-domains undo` on real guests: what a run of stamp wrote, taken back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.goldens import golden_block
from tests.support.real_host import (
    BACKFILL,
    NOVA_1_0,
    NOVA_1_1,
    Conversation,
    journal_lines,
    journals,
    output_on,
    run_on,
    uuid,
)

ONE = "instance-00000001"
TWO = "instance-00000002"
THREE = "instance-00000003"
ALL = (ONE, TWO, THREE)


@pytest.fixture
def host(empty_host: ComputeHost) -> ComputeHost:
    """Three instances that have lost their blocks, switched off."""
    for number, name in enumerate(ALL, start=1):
        empty_host.define(domains.nova_guest(name, uuid(number)))
    return empty_host


def stamp(host: ComputeHost, *arguments: str) -> None:
    code, out, err = run_on(host.uri, "stamp", *arguments, "--derive", "--yes")
    assert code == 0, out + err


def undo(host: ComputeHost, *arguments: str, code: int = 0) -> str:
    """Everything that it says."""
    ended, out, err = run_on(host.uri, "undo", *arguments, "--yes")
    assert ended == code, out + err
    return out + err


def held(host: ComputeHost, name: str) -> dict[tuple[str, str], str | None]:
    """Every element that might be ours or Nova's, by definition and namespace."""
    return {
        (definition, namespace): host.metadata(name, namespace, definition)
        for definition in host.definitions(name)
        for namespace in (NOVA_1_0, NOVA_1_1, BACKFILL)
    }


def shape(xml: str | None) -> list[tuple[str, dict[str, str], str]]:
    """The elements of a block in their order, with what they hold."""
    elements = etree.fromstring(xml or "").iter("*")
    return [(each.tag, dict(each.attrib), (each.text or "").strip()) for each in elements]


def holds_nothing(host: ComputeHost, name: str) -> bool:
    return not any(held(host, name).values())


def states(host: ComputeHost) -> list[tuple[str, str]]:
    """What `undo --list` says: command and state, oldest first."""
    runs = json.loads(output_on(host.uri, "undo", "--list", "-f", "json"))
    return [(run["command"], run["state"]) for run in runs]


class TestARunOfStamp:
    def test_is_taken_back_from_every_guest_and_definition(self, host: ComputeHost) -> None:
        host.start(ONE)
        stamp(host, "--all")
        out = undo(host)
        assert "3 restored, 0 unchanged, 0 refused, 0 failed" in out
        assert re.search(r"^- +<nova:vcpus>1", out, re.MULTILINE)
        assert all(holds_nothing(host, name) for name in ALL)

    def test_that_replaced_blocks_gives_both_definitions_theirs_again(
        self, empty_host: ComputeHost
    ) -> None:
        host = empty_host
        blocks = golden_block("29.4.0", "image_plain"), golden_block("15.1.5", "image_plain")
        host.define(domains.nova_guest(ONE, uuid(1), *blocks))
        host.start(ONE)
        # As after a port was attached.
        host.set_metadata(ONE, NOVA_1_1, golden_block("29.4.0", "ports_v4_v6_floating"), "live")
        before = held(host, ONE)
        assert before["live", NOVA_1_1] != before["persistent", NOVA_1_1]
        stamp(host, ONE, "--overwrite")
        after = held(host, ONE)
        assert after["live", NOVA_1_0] is after["persistent", NOVA_1_0] is None
        assert after["live", NOVA_1_1] == after["persistent", NOVA_1_1]
        undo(host)
        again = held(host, ONE)
        # libvirt keeps a declaration that Nova's own writing adds and nothing needs.
        attached = before.pop(("live", NOVA_1_1)), again.pop(("live", NOVA_1_1))
        assert [shape(xml) for xml in attached] == [shape(attached[0])] * 2
        assert again == before

    def test_is_taken_back_from_a_guest_that_was_started_since(self, host: ComputeHost) -> None:
        stamp(host, "--all")
        host.start(ONE)
        assert "3 restored" in undo(host)
        assert host.definitions(ONE) == ["live", "persistent"]
        assert holds_nothing(host, ONE)

    def test_is_taken_back_from_a_guest_that_was_switched_off_since(
        self, host: ComputeHost
    ) -> None:
        host.start(ONE)
        stamp(host, "--all")
        host.domain(ONE).destroy()
        assert "3 restored" in undo(host)
        assert holds_nothing(host, ONE)

    def test_is_left_on_a_guest_that_was_changed_since(self, host: ComputeHost) -> None:
        stamp(host, "--all")
        host.set_metadata(TWO, NOVA_1_1, golden_block("34.0.0", "image_plain"), "persistent")
        before = held(host, TWO)
        out = undo(host, code=1)
        assert re.search(rf"refused: .*{TWO}.*changed after the run", out)
        assert "2 restored, 0 unchanged, 1 refused" in out
        assert held(host, TWO) == before
        assert holds_nothing(host, ONE)

    def test_of_a_guest_that_is_gone_is_reported(self, host: ComputeHost) -> None:
        stamp(host, "--all")
        host.domain(TWO).undefine()
        out = undo(host, code=1)
        assert re.search(rf"{TWO} .*no longer here", out)
        assert "is partly undone, 2 of 3" in out
        assert "2 restored" in out

    def test_is_shown_first_and_taken_back_after_the_answer(self, host: ComputeHost) -> None:
        stamp(host, "--all")
        before = [held(host, name) for name in ALL]
        with Conversation(host.uri, "undo") as talk:
            talk.wait_for("Restore 3 guests?")
            code, heard = talk.answer("n")
        assert (code, "nothing was written" in heard) == (1, True)
        assert [held(host, name) for name in ALL] == before
        out = said_dry(host)
        assert "3 to restore" in out
        assert [held(host, name) for name in ALL] == before
        with Conversation(host.uri, "undo") as talk:
            talk.wait_for("Restore 3 guests?")
            assert talk.answer("y")[0] == 0
        assert all(holds_nothing(host, name) for name in ALL)


def said_dry(host: ComputeHost) -> str:
    read_only = f"{host.uri}-ro"
    code, out, err = run_on(read_only, "undo", "--dry-run")
    assert code == 0, err
    return out


class TestSeveralRuns:
    def test_are_taken_back_one_by_one_the_newest_first(self, host: ComputeHost) -> None:
        stamp(host, ONE)
        stamp(host, TWO, THREE)
        undo(host)
        assert [holds_nothing(host, name) for name in ALL] == [False, True, True]
        undo(host)
        assert holds_nothing(host, ONE)
        assert "no run of stamp on this host" in undo(host, code=1)

    def test_are_taken_back_by_name_in_any_order(self, host: ComputeHost, state: Path) -> None:
        stamp(host, ONE)
        stamp(host, TWO)
        first, second = journals(state)
        undo(host, first.stem)
        assert [holds_nothing(host, name) for name in (ONE, TWO)] == [True, False]
        undo(host, str(second))
        assert holds_nothing(host, TWO)

    def test_are_listed_with_what_became_of_them(self, host: ComputeHost, state: Path) -> None:
        assert output_on(host.uri, "undo", "--list") == "no runs\n"
        stamp(host, ONE)
        stamp(host, TWO)
        undo(host)
        assert states(host) == [("stamp", "complete"), ("stamp", "undone"), ("undo", "complete")]
        listed = output_on(host.uri, "undo", "--list")
        assert all(str(path) in listed for path in journals(state))

    def test_that_touched_nothing_do_not_block_the_others(
        self, host: ComputeHost, state: Path
    ) -> None:
        stamp(host, ONE)
        stamp(host, TWO)
        first, second = journals(state)
        undo(host, second.stem)
        # Had it been killed before its first guest:
        cut_short(second)
        undo(host)
        undo(host)
        assert holds_nothing(host, ONE)
        assert first.exists()

    def test_can_be_kept_elsewhere(self, host: ComputeHost, state: Path, tmp_path: Path) -> None:
        kept = tmp_path / "kept.jsonl"
        stamp(host, ONE, "--journal", str(kept))
        assert journals(state) == []
        assert kept.stat().st_mode & 0o777 == 0o600
        assert "no run of stamp on this host" in undo(host, code=1)
        undo(host, str(kept))
        assert holds_nothing(host, ONE)


def cut_short(path: Path) -> None:
    """What a run leaves that was killed before its first guest; and no trace of its undoing."""
    lines = path.read_bytes().splitlines(keepends=True)
    begun = (b'{"line": "run"', b'{"line": "guest"')
    path.write_bytes(b"".join(line for line in lines if line.startswith(begun)))
    for other in journals(path.parent):
        if journal_lines(other)[0]["undoes"]:
            other.unlink()


def middle_line(path: Path) -> None:
    """The second guest's line loses its end."""
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2][:40] + b"\n"
    path.write_bytes(b"".join(lines))


def last_guest(path: Path) -> None:
    """The file ends in the middle of the last guest's line."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:70])


def binary_line(path: Path) -> None:
    """The second guest's line is not text any more."""
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = b"\x00\xff" * 30 + b"\n"
    path.write_bytes(b"".join(lines))


class TestADamagedJournal:
    @pytest.mark.parametrize(
        ("damage", "line", "lost"),
        [(middle_line, 3, TWO), (last_guest, 4, THREE), (binary_line, 3, TWO)],
    )
    def test_gives_back_what_can_be_read_and_names_the_rest(
        self,
        host: ComputeHost,
        state: Path,
        damage: Callable[[Path], None],
        line: int,
        lost: str,
    ) -> None:
        stamp(host, "--all")
        (path,) = journals(state)
        damage(path)
        out = undo(host, code=1)
        assert f"{path}: line {line}: " in out
        assert "1 of 3 guests cannot be read" in out
        assert "2 restored" in out
        assert [name for name in ALL if not holds_nothing(host, name)] == [lost]

    def test_whose_first_line_is_lost_is_reported(self, host: ComputeHost, state: Path) -> None:
        stamp(host, ONE)
        (path,) = journals(state)
        path.write_bytes(path.read_bytes()[20:])
        out = undo(host, str(path), code=1)
        assert f"{path}: line 1: not a nova-domains journal" in out
        assert not holds_nothing(host, ONE)
        assert said_with_warning(host) == "no runs\n"

    def test_of_another_host_is_refused(self, host: ComputeHost, state: Path) -> None:
        stamp(host, ONE)
        (path,) = journals(state)
        elsewhere = path.read_text().replace(str(host.socket.parent), "/run/elsewhere")
        path.write_text(elsewhere)
        assert "(qemu:///system, /run/elsewhere), not on" in undo(host, str(path), code=1)
        assert not holds_nothing(host, ONE)


def said_with_warning(host: ComputeHost) -> str:
    code, out, err = run_on(host.uri, "undo", "--list")
    assert code == 0
    assert "not a nova-domains journal" in err
    return out
