"""Whatever is asked, a collected file answers as the guests in memory do."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.support.collecting import Hosts, collected, handles_like, random_hosts
from virsh_nova.document.decode import decoded_guest
from virsh_nova.guests.select import Selection, ordered
from virsh_nova.hosts.collected.writer import _document
from virsh_nova.hosts.host import NOTHING_TO_REPORT
from virsh_nova.hosts.lookup import only, resolve, selected_from
from virsh_nova.hosts.many import ManyHosts
from virsh_nova.hosts.saved import SavedGuest, SavedHost
from virsh_nova.model import Guest
from virsh_nova.whose.answer import Answer
from virsh_nova.whose.index import Index
from virsh_nova.whose.indexed import IndexedTables

SEEDS = range(16)
GARBAGE = (
    "",
    " ",
    "?",
    "nothing",
    "0",
    "'; DROP TABLE hosts; --",
    "\udcff",
    "a" * 2000,
    "ip:",
    ":",
)


def hosts(seed: int) -> Hosts:
    """As their documents have them."""
    return {
        name: [decoded_guest(_document(guest).encode()) for guest in guests]
        for name, guests in random_hosts(seed).items()
    }


def in_memory(made: Hosts) -> ManyHosts:
    return ManyHosts(
        [
            SavedHost([SavedGuest(guest) for guest in guests], None, NOTHING_TO_REPORT)
            for guests in made.values()
            if guests
        ]
    )


def everyone(made: Hosts) -> list[Guest]:
    return [guest for guests in made.values() for guest in guests]


def said(answers: list[Answer]) -> list[tuple[Any, ...]]:
    return [(one.kind, one.value, one.guest.key, one.detail) for one in answers]


def outcome(host: Any, handle: str) -> tuple[Any, ...]:
    keys, errors = resolve(host, [handle])
    guests = only(host, keys).guests("whole", chosen=lambda seen: seen.key in keys)
    return (
        sorted(keys, key=str),
        [(error.message, error.hint) for error in errors],
        sorted((guest.key for guest in guests), key=str),
    )


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_whose_finds_the_same(indexed: bool, seed: int, tmp_path: Path) -> None:
    made = hosts(seed)
    file = collected(tmp_path / "f", made, indexed=indexed)
    memory, ours = Index.of(everyone(made)), Index(IndexedTables(file))
    for handle in {*GARBAGE, *(one for each in everyone(made) for one in handles_like(each))}:
        assert said(ours.answers(handle)) == said(memory.answers(handle)), handle
        assert said(ours.answers(handle, within=False)) == said(
            memory.answers(handle, within=False)
        ), handle
    assert ours.several_hosts == memory.several_hosts
    file.close()


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_show_finds_the_same(indexed: bool, seed: int, tmp_path: Path) -> None:
    made = hosts(seed)
    file = collected(tmp_path / "f", made, indexed=indexed)
    memory = in_memory(made)
    handles = set(GARBAGE)
    for guest in everyone(made):
        name = guest.instance.name if guest.instance else None
        handles |= {guest.uuid, guest.uuid[:6], guest.domain, str(guest.id), name or "x"}
        handles |= {guest.uuid.upper(), guest.uuid.replace("-", ""), f" {guest.domain}"}
    for handle in handles:
        assert outcome(file, handle) == outcome(memory, handle), handle
    file.close()


def selections(guest: Guest) -> list[Selection]:
    """Filters that take the guest, nearly take it, or ask for something else."""
    instance = guest.instance
    owner = instance.owner if instance else None
    texts: dict[str, list[str | None]] = {
        "domains": [guest.domain],
        "names": [instance.name if instance else None],
        "projects": list(owner.project or ()) if owner else [],
        "users": list(owner.user or ()) if owner else [],
        "flavors": [instance.flavor.name, instance.flavor.id]
        if instance and instance.flavor
        else [],
    }
    found = []
    for field, values in texts.items():
        for text in values:
            if text is None:
                continue
            plain = text.translate({ord(wild): "?" for wild in "[*?"})
            patterns = (plain, f"{plain[:2]}*", f"{plain[:3]}*{plain[-1:]}", f"*{plain[1:]}")
            found += [
                Selection(**{field: (pattern,)})
                for pattern in (*patterns, f"?{plain[1:]}", plain.strip(), "*", f"[!x]{plain[1:]}")
            ]
    for port in (instance.ports if instance else None) or ():
        for ip in port.ips:
            for bits in ("", "/8", "/20", "/64"):
                try:
                    found.append(Selection(networks=(ip_network(f"{ip.address}{bits}", False),)))
                except ValueError:
                    continue
    return [*found, Selection(states=("running",)), Selection(kinds=("nova",), names=("w*",))]


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_list_selects_the_same(indexed: bool, seed: int, tmp_path: Path) -> None:
    made = hosts(seed)
    file = collected(tmp_path / "f", made, indexed=indexed)
    for guest in everyone(made):
        for selection in selections(guest):
            read = selected_from(file, selection).guests("block", chosen=selection.may_take)
            assert ordered(filter(selection.takes, read)) == ordered(
                filter(selection.takes, everyone(made))
            ), selection
    file.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_no_guest_loses_anything(seed: int, tmp_path: Path) -> None:
    made = hosts(seed)
    file = collected(tmp_path / "f", made, indexed=True)
    assert ordered(file.guests("domain")) == ordered(everyone(made))
    assert sorted(map(str, file.sightings())) == sorted(
        str(SavedGuest(guest).sighting) for guest in everyone(made)
    )
    file.close()
