"""A saved ``show -f json`` answers ``list``, ``show``, ``whose`` and ``check`` as the host did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import embedded
from tests.support.command import nova_domains
from tests.support.moments import without_moments
from virsh_nova.block.facts import facts_of
from virsh_nova.check.examine import examine
from virsh_nova.check.finding import Examination
from virsh_nova.document.encode import whole_document
from virsh_nova.guests.build import unreadable_guest, whole_guest
from virsh_nova.hosts.libvirt.connection import LibvirtHost
from virsh_nova.hosts.saved import read_saved
from virsh_nova.inputs.objects import Input
from virsh_nova.model import Guest, Sighting
from virsh_nova.render.serial import as_json, as_yaml
from virsh_nova.sources.read import records_in
from virsh_nova.whose.answer import HANDLE_KINDS
from virsh_nova.whose.identifiers import identifiers
from virsh_nova.whose.index import Index


def saved(*guests: Guest) -> list[Guest]:
    """The guests as a file that holds their documents gives them."""
    documents = [whole_document(guest) for guest in guests]
    text = as_json(documents, one_a_line=False, ascii_only=False)
    found, faults = read_saved(text.encode(), "saved.json")
    assert faults == []
    return [one.guest("whole") for one in found]


def codes(*guests: Guest) -> list[tuple[str, str, tuple[str, ...]]]:
    findings = examine(Examination(guests, frozenset({"compute-1"})))
    return [(finding.uuid, finding.code, finding.evidence) for finding in findings]


@pytest.fixture(scope="module")
def demo_guests() -> list[Guest]:
    return LibvirtHost.open_demo().guests("whole")


@pytest.fixture(scope="module")
def demo_file(tmp_path_factory: pytest.TempPathFactory, demo_guests: list[Guest]) -> str:
    path = tmp_path_factory.mktemp("saved") / "saved.json"
    shown = nova_domains("--demo", "show", "-f", "json", *(guest.uuid for guest in demo_guests))
    assert shown.returncode == 0
    path.write_text(shown.stdout, encoding="utf-8")
    return str(path)


def both(path: str, *arguments: str) -> tuple[str, str]:
    """What a command prints of the example host, and of the file."""
    live, read = (nova_domains(*where, *arguments) for where in (("--demo",), ("--files", path)))
    assert (live.returncode, live.stderr) == (read.returncode, "")
    assert read.stderr.startswith("nova-domains: note: read from ")
    assert read.stderr.count("\n") == 1
    return without_moments(live.stdout), without_moments(read.stdout)


@pytest.mark.parametrize(
    ("state", "reason", "code"),
    [
        ("paused", "ioerror", "io-error"),
        ("paused", "panicked", "crashed"),
        ("shutoff", "crashed", "crashed"),
    ],
)
def test_check_finds_why_a_guest_is_in_its_state(state: str, reason: str, code: str) -> None:
    number = None if state == "shutoff" else 3
    seen = Sighting("compute-1", embedded.uuid_of(1), "instance-00000001", number, state, reason)
    guest = whole_guest(seen, embedded.guest(1, metadata=embedded.block("web-1")))
    assert code in [found for _, found, _ in codes(guest)]
    assert codes(*saved(guest)) == codes(guest)


def test_an_io_error_is_found_in_a_file(tmp_path: Path) -> None:
    seen = Sighting("compute-1", embedded.uuid_of(1), "web", 3, "paused", "ioerror")
    path = tmp_path / "saved.json"
    path.write_text(json.dumps([whole_document(whole_guest(seen, embedded.guest(1)))]))
    done = nova_domains("--files", str(path), "check", "-f", "json")
    assert done.returncode == 4
    assert [finding["code"] for finding in json.loads(done.stdout)] == ["io-error"]


def test_the_guests_of_the_example_host_come_back_as_they_were(demo_guests: list[Guest]) -> None:
    assert saved(*demo_guests) == demo_guests


def test_check_finds_the_same(demo_file: str) -> None:
    def findings(text: str) -> list[dict[str, Any]]:
        # Nothing can be stamped in a file.
        return [{**finding, "command": None} for finding in json.loads(text)]

    live, read = both(demo_file, "check", "--severity", "note", "-f", "json")
    assert len(findings(live)) > 5
    assert findings(read) == findings(live)


@pytest.mark.parametrize("format_", ["table", "json", "yaml", "xml", "value"])
def test_show_prints_the_same(demo_file: str, demo_guests: list[Guest], format_: str) -> None:
    uuids = [guest.uuid for guest in demo_guests if guest.block]
    live, read = both(demo_file, "show", "-f", format_, *uuids)
    assert live
    assert read == live


def test_json_and_yaml_give_a_source_the_same_facts(demo_guests: list[Guest]) -> None:
    documents = [whole_document(guest) for guest in demo_guests]
    texts = (as_json(documents, one_a_line=False, ascii_only=False), as_yaml(documents))
    from_json, from_yaml = (records_in(Input(text.encode(), "saved")) for text in texts)
    assert from_json == from_yaml
    assert [record.facts for record in from_json] == [
        facts_of(guest.instance) for guest in demo_guests if guest.instance
    ]


def test_a_list_shows_the_same_columns(demo_file: str) -> None:
    live, read = both(demo_file, "list", "--long", "-f", "csv")
    assert read == live


def test_whose_answers_the_same_to_every_kind_of_handle(
    demo_file: str, demo_guests: list[Guest]
) -> None:
    handles = {(each.kind, each.value) for guest in demo_guests for each in identifiers(guest)}
    # Nothing says which process is whose on a host that is none.
    assert {kind for kind, _ in handles} == {*HANDLE_KINDS} - {"pid"}
    words = sorted(f"{kind}:{value}" for kind, value in handles)
    live, read = both(demo_file, "whose", *words)
    assert len(live.splitlines()) >= len(words)
    assert read == live
    live, read = both(demo_file, "whose", "-f", "json", *words)
    assert json.loads(read) == json.loads(live)


def test_whose_finds_a_guest_by_pid_backing_file_and_volume() -> None:
    volume = "153453fd-7357-41b2-b7d0-47c9fe014372"
    disk = (
        "<disk type='file' device='disk'><source file='/srv/disk'/><target dev='vda'/>"
        "<backingStore type='file'><source file='/srv/_base/abc'/></backingStore></disk>"
        f"<disk type='block' device='lun'><source dev='/dev/sdb'/><target dev='vdb'/>"
        f"<serial>{volume}</serial></disk>"
    )
    seen = Sighting("compute-1", embedded.uuid_of(1), "web", 3, "running", "booted")
    guest = whole_guest(seen, embedded.guest(1, rest=disk), pid=4242)
    for handle in ("pid:4242", "disk:/srv/_base/abc", f"volume:{volume}", "id:3"):
        (live,), (read,) = (Index(each).answers(handle) for each in ([guest], saved(guest)))
        assert read == live


def test_a_damaged_block_and_two_definitions_that_differ_are_found() -> None:
    damaged = "<nova:flavor><nova:memory>much</nova:memory><nova:later>x</nova:later></nova:flavor>"
    seen = Sighting("compute-1", embedded.uuid_of(1), "instance-00000001", 3, "running", "booted")
    guest = whole_guest(
        seen,
        embedded.guest(1, metadata=embedded.block("web-1", damaged)),
        embedded.guest(
            1, metadata=embedded.block("web-2", "<nova:creationTime>x</nova:creationTime>")
        ),
    )
    found = {code for _, code, _ in codes(guest)}
    assert {"block-damaged", "definitions-differ"} <= found
    assert saved(guest) == [guest]
    assert codes(*saved(guest)) == codes(guest)


def test_a_difference_in_the_creation_time_is_a_moment_again() -> None:
    def made(minute: int) -> str:
        created = f"<nova:creationTime>2026-11-03 08:{minute:02}:00</nova:creationTime>"
        return embedded.guest(1, metadata=embedded.block("web-1", created))

    seen = Sighting("compute-1", embedded.uuid_of(1), "instance-00000001", 3, "running", "booted")
    guest = whole_guest(seen, made(1), made(2))
    assert [difference.field for difference in guest.differences] == ["created"]
    assert saved(guest) == [guest]


def test_a_guest_that_could_not_be_read_says_so_again() -> None:
    seen = Sighting("compute-1", embedded.uuid_of(1), "web", 3, "running", "booted")
    guest = unreadable_guest(seen, "cannot be read: no answer within 10 s")
    assert [code for _, code, _ in codes(guest)] == ["unreadable"]
    assert saved(guest) == [guest]
    assert codes(*saved(guest)) == codes(guest)


def test_a_guessed_host_name_stays_a_guess() -> None:
    seen = Sighting("dumps", embedded.uuid_of(1), "web", 3, "running", host_guessed=True)
    guest = whole_guest(seen, embedded.guest(1))
    text = as_json([whole_document(guest)], one_a_line=False, ascii_only=False)
    ((one,), _) = read_saved(text.encode(), "saved.json")
    assert one.sighting == seen
    assert one.guest("whole").host_guessed
