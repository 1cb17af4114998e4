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
from virsh_nova.hosts import fleet as fleet_module
from virsh_nova.hosts.open import open_host
from virsh_nova.model import Guest
from virsh_nova.render.serial import as_json, as_json_lines

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


def in_lines(guests: Sequence[Guest], folder: Path) -> list[str]:
    """What ``list --full -f jsonl`` prints of all hosts."""
    path = folder / "all.jsonl"
    lines = as_json_lines(map(whole_document, guests), ascii_only=False)
    path.write_text("".join(lines), encoding="utf-8")
    return [str(path)]


def in_a_folder(guests: Sequence[Guest], folder: Path) -> list[str]:
    """Lines and arrays, one file for each host, and what does not belong to them."""
    place = folder / "saved"
    place.mkdir()
    by_host: dict[str | None, list[Guest]] = defaultdict(list)
    for guest in guests:
        by_host[guest.host].append(guest)
    for number, own in enumerate(by_host.values()):
        (written,) = (in_lines if number % 2 else in_one_document)(own, folder)
        path = Path(written)
        path.rename(place / f"{number}{path.suffix}")
    (place / "README").touch()
    (place / "none.json").write_text("[]")
    return [str(place)]


@pytest.mark.parametrize("room", [fleet_module.MOST_HELD, 0])
@settings(max_examples=15, suppress_health_check=[HealthCheck.differing_executors])
@given(fleet=fleets())
def test_a_folder_of_hosts_answers_as_the_live_ones(room: int, fleet: list[Described]) -> None:
    """Whether they are kept from one question to the next, or read again for each."""
    with TemporaryDirectory() as place, played(fleet, Path(place)) as live:
        paths = in_a_folder(live.guests("whole"), Path(place))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fleet_module, "MOST_HELD", room)
            expected, said = answers(live), answers(open_host(files=paths))
    for question in Answers._fields:
        assert getattr(said, question) == getattr(expected, question), question


@pytest.mark.parametrize("save", [in_one_document, a_document_each, concatenated, in_lines])
@settings(max_examples=15, suppress_health_check=[HealthCheck.differing_executors])
@given(fleet=fleets())
def test_saved_hosts_answer_as_the_live_ones(save: Save, fleet: list[Described]) -> None:
    with TemporaryDirectory() as place, played(fleet, Path(place)) as live:
        paths = save(live.guests("whole"), Path(place))
        expected, said = answers(live), answers(open_host(files=paths))
    for question in Answers._fields:
        assert getattr(said, question) == getattr(expected, question), question
