"""Hosts that were collected answer every question as they did when they were read."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.fleets import Answers, Described, answers, fleets, played
from virsh_nova.hosts.collected.host import CollectedFile
from virsh_nova.hosts.collected.writer import Writer
from virsh_nova.hosts.open import open_host


@pytest.mark.parametrize("times", [1, 2])
@settings(max_examples=15, suppress_health_check=[HealthCheck.differing_executors])
@given(fleet=fleets())
def test_collected_hosts_answer_as_the_live_ones(times: int, fleet: list[Described]) -> None:
    with TemporaryDirectory() as place, played(fleet, Path(place)) as live:
        path = str(Path(place, "fleet.db"))
        expected = answers(live)
        for _ in range(times):
            with Writer(path, live.given) as writer:
                for read in live.read_each("whole", versions=True):
                    assert read.error is None
                    writer.store(read)
        file = open_host(files=[path])
        assert isinstance(file, CollectedFile)
        said = answers(file)
        assert not file.notes.incomplete
        file.close()
    for question in Answers._fields:
        assert getattr(said, question) == getattr(expected, question), question
