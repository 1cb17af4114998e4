"""`nova-domains undo` on real guests takes nothing that is Nova's, and says nothing untrue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.goldens import golden_block
from tests.support.real_host import (
    BACKFILL,
    NOVA_1_1,
    journal_lines,
    journals,
    output_on,
    run_on,
    uuid,
)

ONE = "instance-00000001"
TWO = "instance-00000002"
NOVAS = golden_block("34.0.0", "image_plain")


@pytest.fixture
def host(empty_host: ComputeHost) -> ComputeHost:
    """Two instances that have lost their blocks, switched off."""
    for number, name in enumerate((ONE, TWO), start=1):
        empty_host.define(domains.nova_guest(name, uuid(number)))
    return empty_host


def run(host: ComputeHost, *arguments: str, code: int = 0) -> str:
    ended, out, err = run_on(host.uri, *arguments, "--yes")
    assert ended == code, out + err
    return out + err


def states(host: ComputeHost) -> dict[str, str]:
    """The states of the runs of stamp, oldest first, by id."""
    runs = json.loads(output_on(host.uri, "undo", "--list", "-f", "json"))
    return {each["run"]: each["state"] for each in runs if each["command"] == "stamp"}


def block_of(host: ComputeHost, name: str) -> str | None:
    return host.metadata(name, NOVA_1_1)


class TestABlockThatStampNeverWrote:
    @pytest.fixture
    def host(self, host: ComputeHost) -> ComputeHost:
        """The first runs, with Nova's block in its persistent definition only."""
        host.start(ONE)
        host.set_metadata(ONE, NOVA_1_1, NOVAS, "persistent")
        return host

    @pytest.mark.parametrize("mark", [(), ("--no-provenance",)])
    def test_is_still_there_after_stamp_power_off_and_undo(
        self, host: ComputeHost, tmp_path: Path, mark: tuple[str, ...]
    ) -> None:
        before = block_of(host, ONE)
        run(host, "stamp", ONE, "--from", saved(host, tmp_path), *mark)
        assert host.metadata(ONE, NOVA_1_1, "live") is not None
        assert block_of(host, ONE) == before
        host.domain(ONE).destroy()
        assert "0 to restore, 1 unchanged" in run(host, "undo")
        assert block_of(host, ONE) == before
        assert list(states(host).values()) == ["undone"]

    def test_is_still_there_after_a_run_that_was_killed_before_it_wrote(
        self, host: ComputeHost, state: Path, tmp_path: Path
    ) -> None:
        before = block_of(host, ONE)
        run(host, "stamp", ONE, "--from", saved(host, tmp_path))
        (path,) = journals(state)
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:2]))
        for namespace in (NOVA_1_1, BACKFILL):
            host.set_metadata(ONE, namespace, None, "live")
        host.domain(ONE).destroy()
        assert "0 to restore, 1 unchanged" in run(host, "undo")
        assert block_of(host, ONE) == before


def saved(host: ComputeHost, folder: Path) -> str:
    """A document from which the first guest gets the very block that Nova wrote."""
    host.set_metadata(TWO, NOVA_1_1, NOVAS, "persistent")
    (guest,) = json.loads(output_on(host.uri, "show", "-f", "json", TWO))
    path = folder / "saved.json"
    path.write_text(json.dumps([{**guest, "uuid": uuid(1)}]))
    return str(path)


class TestARunOfWhichSomethingIsLeft:
    def test_is_offered_again_until_its_guest_is_back(self, host: ComputeHost) -> None:
        run(host, "stamp", "--all", "--derive")
        stamped = host.domain(TWO).XMLDesc()
        host.domain(TWO).undefine()
        assert "partly undone, 1 of 2" in run(host, "undo", code=1)
        assert list(states(host).values()) == ["partly undone, 1 of 2"]
        host.define(stamped)
        assert "1 restored, 1 unchanged" in run(host, "undo")
        assert list(states(host).values()) == ["undone"]
        assert block_of(host, TWO) is None

    def test_because_every_guest_was_changed_is_offered_again(self, host: ComputeHost) -> None:
        run(host, "stamp", "--all", "--derive")
        for name in (ONE, TWO):
            host.set_metadata(name, NOVA_1_1, NOVAS, "persistent")
        for _ in range(2):
            out = run(host, "undo", code=1)
            assert "0 to restore, 0 unchanged, 2 refused" in out
            assert "is not undone" in out
        assert list(states(host).values()) == ["complete"]


class TestTheHostOfARun:
    @pytest.fixture
    def other(self) -> Iterator[ComputeHost]:
        """Another libvirt of the same machine, which has guests of the same uuids."""
        with ComputeHost() as other:
            for number, name in enumerate((ONE, TWO), start=1):
                other.define(domains.nova_guest(name, uuid(number)))
            yield other

    def test_is_not_another_libvirt_of_the_same_machine(
        self, host: ComputeHost, other: ComputeHost, state: Path
    ) -> None:
        run(host, "stamp", "--all", "--derive")
        (path,) = journals(state)
        assert "no run of stamp on this host" in run(other, "undo", code=1)
        assert "this run was on " in run(other, "undo", str(path), code=1)
        assert list(states(host).values()) == ["complete"]
        assert "2 restored" in run(host, "undo")

    def test_is_the_same_under_another_name(self, host: ComputeHost, state: Path) -> None:
        run(host, "stamp", "--all", "--derive")
        (path,) = journals(state)
        name = f'"name": {json.dumps(journal_lines(path)[0]["host"]["name"])}'
        path.write_text(path.read_text().replace(name, '"name": "vm.dc1.example.org"'))
        assert "2 restored" in run(host, "undo")

    def test_is_the_same_after_its_daemon_was_restarted(self, host: ComputeHost) -> None:
        run(host, "stamp", "--all", "--derive")
        host.restart_daemon()
        assert "2 restored" in run(host, "undo")
