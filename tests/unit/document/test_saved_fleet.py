"""Hosts that were saved as documents answer every question as they did when they were read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.fleets import Answers, Described, answers, fleets, played
from virsh_nova.document.encode import whole_document
from virsh_nova.hosts.open import open_host
from virsh_nova.model import Guest
from virsh_nova.render.serial import as_json

Save = Callable[[Sequence[Guest], Path], list[str]]
"""Writes documents of the guests into a folder; their paths."""


def in_one_document(guests: Sequence[Guest], folder: Path) -> list[str]:
    path = folder / "all.json"
    documents = [whole_document(guest) for guest in guests]
    path.write_text(as_json(documents, one_a_line=True, ascii_only=False), encoding="utf-8")
    return [str(path)]


def a_document_each(guests: Sequence[Guest], folder: Path) -> list[str]:
    by_host: dict[str | None, list[Guest]] = defaultdict(list)
    for guest in guests:
        by_host[guest.host].append(guest)
    paths = []
    for number, own in enumerate(by_host.values()):
        place = folder / f"saved-{number}"
        place.mkdir()
        paths += in_one_document(own, place)
    return paths


def concatenated(guests: Sequence[Guest], folder: Path) -> list[str]:
    """``cat`` of what each host saved: several arrays in a row."""
    path = folder / "all.json"
    parts = [Path(each).read_bytes() for each in a_document_each(guests, folder)]
    path.write_bytes(b"".join(parts))
    return [str(path)]


@pytest.mark.parametrize("save", [in_one_document, a_document_each, concatenated])
@settings(max_examples=15, suppress_health_check=[HealthCheck.differing_executors])
@given(fleet=fleets())
def test_saved_hosts_answer_as_the_live_ones(save: Save, fleet: list[Described]) -> None:
    with TemporaryDirectory() as place, played(fleet, Path(place)) as live:
        paths = save(live.guests("whole"), Path(place))
        expected, said = answers(live), answers(open_host(files=paths))
    for question in Answers._fields:
        assert getattr(said, question) == getattr(expected, question), question
