"""A guest is (host, uuid): what check says of guests of several hosts, and of those from files."""

from __future__ import annotations

import csv
import json
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import nova_domains
from tests.support.embedded import block, guest, make_host, uuid_of
from virsh_nova.check.examine import examine
from virsh_nova.check.finding import Examination
from virsh_nova.check.report import CheckOptions, check
from virsh_nova.guests.build import whole_guest
from virsh_nova.hosts.host import NOTHING_TO_REPORT
from virsh_nova.model import Guest, Sighting
from virsh_nova.sources.read import read_records
from virsh_nova.sources.record import Record

FIELD = Path(__file__).parents[2] / "data" / "field"
UUID = "a1000000-0000-4000-8000-000000000001"
BOTH = ("compute-1", "compute-2")
PRODUCT = (
    "<sysinfo type='smbios'><system><entry name='product'>OpenStack Nova</entry>"
    "<entry name='version'>34.0.0</entry></system></sysinfo>"
)


def on(host: str | None, number: int, *, guessed: bool = False, rest: str = "") -> Guest:
    """A guest of Nova's without a block, running on that host."""
    xml = guest(number, before=PRODUCT, rest=rest)
    seen = Sighting(
        host, uuid_of(number), f"instance-{number:08x}", 7, "running", host_guessed=guessed
    )
    return whole_guest(seen, xml)


def server(number: int, *hosts: str) -> Record:
    return Record(uuid_of(number), "servers.json", {"name": "web"}, hosts=hosts)


def against(guests: list[Guest], *records: Record) -> list[tuple[str | None, str, str]]:
    """Host, uuid and code of what only a comparison with Nova finds."""
    hosts = frozenset(each.host for each in guests if each.host and not each.host_guessed)
    findings = examine(Examination(guests, hosts, records))
    return [
        (finding.host, finding.uuid, finding.code)
        for finding in findings
        if finding.code in ("orphan", "missing")
    ]


def test_an_instance_is_an_orphan_on_the_host_where_nova_does_not_place_it() -> None:
    assert against([on("compute-1", 1), on("compute-2", 1)], server(1, "compute-2")) == [
        ("compute-1", uuid_of(1), "orphan")
    ]


def test_an_instance_is_missing_on_the_host_where_nova_places_it() -> None:
    records = (server(1, "compute-1"), server(2, "compute-2"), server(3, "compute-2"))
    assert against([on("compute-1", 1), on("compute-2", 2)], *records) == [
        ("compute-2", uuid_of(3), "missing")
    ]
    # Neither host was read.
    assert against([on("compute-1", 1)], server(1, "compute-1"), server(3, "compute-2")) == []


def test_an_instance_on_another_host_than_nova_places_it_is_one_finding_that_names_both() -> None:
    guests = [on("compute-1", 1), on("compute-2", 2)]
    records = [server(1, "compute-2.example.org"), server(2, "compute-2")]
    findings = examine(Examination(guests, frozenset(BOTH), records))
    (found,) = [each for each in findings if each.code in ("orphan", "missing")]
    assert (found.code, found.key) == ("orphan", ("compute-1", uuid_of(1)))
    assert found.hosts == BOTH
    assert found.evidence == (
        "servers.json: it runs on compute-2.example.org",
        "compute-2 does not have it",
    )
    # Both have it: what is there is no longer the evidence.
    both = [*guests, on("compute-2", 1)]
    findings = examine(Examination(both, frozenset(BOTH), records))
    (found,) = [each for each in findings if each.code in ("orphan", "missing")]
    assert (found.key, len(found.evidence)) == (("compute-1", uuid_of(1)), 1)
    # The host where Nova places it was not read.
    findings = examine(Examination(guests[:1], frozenset(BOTH[:1]), records[:1]))
    (found,) = [each for each in findings if each.code in ("orphan", "missing")]
    assert (found.hosts, len(found.evidence)) == (BOTH[:1], 1)


def test_a_foreign_guest_of_that_uuid_elsewhere_leaves_the_instance_missing() -> None:
    foreign = on("compute-1", 1)._replace(kind="foreign", manager="oVirt")
    assert against([foreign, on("compute-2", 2)], server(1, "compute-2"), server(2)) == [
        ("compute-2", uuid_of(1), "missing")
    ]


def test_many_hosts_and_records_take_no_longer_than_their_number() -> None:
    many = 3000
    guests = [on(f"c{number}.cell.example", number) for number in range(1, many)]
    records = [server(number, f"c{number}") for number in range(1, many + 1)]
    hosts = frozenset(guest.host for guest in guests if guest.host)
    began = time.process_time()
    findings = examine(Examination(guests, hosts, records))
    assert {finding.code for finding in findings} == {"no-block"}
    assert time.process_time() - began < 10  # Comparing each with each took minutes.


def test_of_two_records_each_host_has_its_own() -> None:
    records = (server(1, "compute-1"), server(1, "compute-2"))
    assert against([on("compute-1", 1), on("compute-2", 1)], *records) == []


def test_the_name_of_a_folder_makes_no_orphan_and_nothing_missing() -> None:
    xml = (FIELD / "f02-folder-name-as-host/dumps/instance-0000000a.xml").read_text()
    records = read_records(str(FIELD / "f02-folder-name-as-host/servers.json"))
    seen = Sighting("dumps", UUID, "instance-0000000a", 1, "running", host_guessed=True)
    dumped = whole_guest(seen, xml)
    assert against([dumped], *records) == []
    real = dumped._replace(host="compute-2", host_guessed=False)
    assert against([real], *records) == [("compute-2", UUID, "orphan")]
    # A folder that happens to be named as the host is: what it lacks is not missing there.
    folder = on("compute-1", 2, guessed=True)
    assert against([folder], server(2, "compute-1"), server(3, "compute-1")) == []


def test_what_is_in_a_folder_of_an_unknown_host_is_not_missing_on_another() -> None:
    guests = [on("compute-1", 1), on("dumps", 2, guessed=True)]
    assert against(guests, server(1, "compute-1"), server(2, "compute-1")) == []


def test_a_guest_of_two_reports_of_one_host_shares_no_disk_with_itself() -> None:
    disk = f"<disk type='file'><source file='/var/lib/nova/instances/{uuid_of(1)}/disk'/></disk>"
    again = [on("compute-1", 1, rest=disk), on("compute-1", 1, rest=disk)]
    assert "shared-disk" not in {finding.code for finding in examine(Examination(again))}


def test_a_shared_disk_names_the_host_of_the_other_guest() -> None:
    disk = f"<disk type='file'><source file='/var/lib/nova/instances/{uuid_of(1)}/disk'/></disk>"
    guests = [on("compute-1", 1, rest=disk), on("compute-2", 2, rest=disk)]
    shared = [each for each in examine(Examination(guests)) if each.code == "shared-disk"]
    assert [finding.evidence[1] for finding in shared] == [
        f"also used by instance-00000002 ({uuid_of(2)}) on compute-2",
        f"also used by instance-00000001 ({uuid_of(1)}) on compute-1",
    ]


def test_the_age_of_a_helper_is_not_that_of_its_twin() -> None:
    xml = guest(5, domain="debugging")
    twins = [
        whole_guest(Sighting(host, uuid_of(5), "debugging", 7, "running"), xml) for host in BOTH
    ]
    ages = {("compute-2", uuid_of(5)): 1e6}
    found = examine(Examination(twins, ages=ages))
    assert [(f.host, f.code) for f in found if f.code == "leftover"] == [("compute-2", "leftover")]


def test_the_newest_nova_is_that_of_the_guests_own_host() -> None:
    def started_by(version: str, host: str, number: int) -> Guest:
        xml = guest(number, metadata=block("web", f"<nova:package version='{version}'/>"))
        return whole_guest(Sighting(host, uuid_of(number), "d", 7, "running"), xml)

    guests = [
        started_by("33.0.0", "compute-1", 1),
        started_by("34.0.0", "compute-2", 2),
        started_by("33.0.0", "compute-2", 3),
    ]
    old = [finding for finding in examine(Examination(guests)) if finding.code == "older-nova"]
    assert [finding.key for finding in old] == [("compute-2", uuid_of(3))]


# ---- as it is printed ---------------------------------------------------------------------------


@pytest.fixture
def two_hosts(tmp_path: Path) -> list[str]:
    """The options that read two hosts, both with the guest 1, and each with one of its own."""
    options = []
    for number, host in enumerate(BOTH, start=2):
        root = tmp_path / host
        live = root / "run" / "libvirt" / "qemu"
        live.mkdir(parents=True)
        (root / "etc").mkdir()
        (root / "etc" / "hostname").write_text(f"{host}\n")
        for each in (1, number):
            xml = guest(each, domain=f"instance-{each:08x}", before=PRODUCT).replace(
                "<domain type='test'", f"<domain type='kvm' id='{each}'"
            )
            (live / f"instance-{each:08x}.xml").write_text(
                f"<domstatus state='running' reason='booted' pid='4242'>{xml}</domstatus>"
            )
        options += ["--files", str(root)]
    return options


NO_BLOCKS = [
    ("compute-1", uuid_of(1)),
    ("compute-1", uuid_of(2)),
    ("compute-2", uuid_of(1)),
    ("compute-2", uuid_of(3)),
]


def test_json_names_the_host_of_each_guest(two_hosts: list[str]) -> None:
    found = json.loads(nova_domains(*two_hosts, "check", "-f", "json").stdout)
    found = [each for each in found if each["code"] == "no-block"]
    assert [(each["host"], each["uuid"]) for each in found] == NO_BLOCKS


def test_rows_begin_with_the_host_where_there_are_several(two_hosts: list[str]) -> None:
    head, *rows = csv.reader(StringIO(nova_domains(*two_hosts, "check", "-f", "csv").stdout))
    assert head[:3] == ["host", "severity", "code"]
    assert [(row[0], row[3]) for row in rows if row[2] == "no-block"] == NO_BLOCKS
    lines = nova_domains(*two_hosts, "check", "-f", "value").stdout.splitlines()
    values = [line.split("\t") for line in lines]
    assert [(row[0], row[3]) for row in values if row[2] == "no-block"] == NO_BLOCKS
    one = nova_domains(*two_hosts[:2], "check", "-f", "csv").stdout
    assert one.startswith('"severity","code","uuid"')


def test_the_host_is_named_for_each_guest_even_if_one_was_asked_for(two_hosts: list[str]) -> None:
    (line, *_) = nova_domains(*two_hosts, "check", uuid_of(3)).stdout.splitlines()
    assert line == f"instance-00000003  running  {uuid_of(3)}  host compute-2"
    (line, *_) = nova_domains(*two_hosts[:2], "check", uuid_of(2)).stdout.splitlines()
    assert line == f"instance-00000002  running  {uuid_of(2)}"


def test_twins_are_two_guests(two_hosts: list[str]) -> None:
    text = nova_domains(*two_hosts, "check", "--ignore", "runs-twice").stdout
    assert "\n4 warnings on 4 of 4 guests\n" in text
    assert text.count(uuid_of(1)) == 2
    twins = nova_domains(*two_hosts, "check", "--ignore", "runs-twice", uuid_of(1)).stdout
    assert "\n2 warnings on 2 of 2 guests\n" in twins
    line = nova_domains(*two_hosts, "check", "-f", "nagios", uuid_of(1)).stdout
    assert line.endswith("guests=2\n")


def test_nova_is_compared_host_by_host(two_hosts: list[str], tmp_path: Path) -> None:
    rows = [
        {"ID": uuid_of(1), "Name": "x", "Host": "compute-1"},
        {"ID": uuid_of(2), "Name": "x", "Host": "compute-1"},
        {"ID": uuid_of(3), "Name": "x", "Host": "compute-2"},
        {"ID": uuid_of(4), "Name": "lost", "Host": "compute-2"},
    ]
    servers = tmp_path / "servers.json"
    servers.write_text(json.dumps(rows))
    arguments = ("--against", str(servers), "--severity", "error", "--ignore", "runs-twice")
    found = json.loads(nova_domains(*two_hosts, "check", *arguments, "-f", "json").stdout)
    assert [(each["host"], each["uuid"], each["code"]) for each in found] == [
        ("compute-2", uuid_of(1), "orphan"),
        ("compute-2", uuid_of(4), "missing"),
    ]


# ---- the command that fixes it ------------------------------------------------------------------


def test_no_command_is_printed_for_guests_that_were_read_from_files(two_hosts: list[str]) -> None:
    text = nova_domains(*two_hosts, "check").stdout
    assert "no-block" in text
    assert not any(line.lstrip().startswith("$") for line in text.splitlines())
    found = json.loads(nova_domains(*two_hosts, "check", "-f", "json").stdout)
    assert {each["command"] for each in found} == {None}
    (_, *rows) = csv.reader(StringIO(nova_domains(*two_hosts, "check", "-f", "csv").stdout))
    assert {row[-1] for row in rows} == {""}


def test_a_command_reaches_the_libvirt_that_was_read(tmp_path: Path) -> None:
    uri = make_host(tmp_path, guest(1, before=PRODUCT))
    text = nova_domains("-c", uri, "check").stdout
    assert f"    $ nova-domains -c {uri} stamp {uuid_of(1)} --derive\n" in text


# ---- the cloud is asked host by host ------------------------------------------------------------


class _Read:
    """Guests that were read, as a host."""

    name = certain_name = None
    certain_names: frozenset[str] = frozenset()
    notes = NOTHING_TO_REPORT
    is_this_machine = False
    documents: frozenset[str | None] = frozenset()

    def __init__(self, *guests: Guest) -> None:
        self._guests = guests

    def guests(self, _detail: str, **_options: Any) -> list[Guest]:
        return list(self._guests)


def test_a_cloud_is_asked_for_each_host_and_for_guests_of_unknown_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from virsh_nova.sources import gather

    asked: list[tuple[str | None, frozenset[str]]] = []

    def answer(sources: gather.Sources, host: str | None, wanted: frozenset[str], **_: Any) -> Any:
        asked.append((host, wanted))
        records = [server(1, "compute-1")] if host == "compute-1" else []
        return gather.Gathered(records, frozenset(), everyones=True, warnings=("the same",))

    monkeypatch.setattr(gather, "gather", answer)
    host: Any = _Read(on("compute-1", 1), on("compute-2", 2), on("dumps", 3, guessed=True))
    report = check(host, CheckOptions(cloud="prod", severity="error"))
    everyone = frozenset(map(uuid_of, (1, 2, 3)))
    assert asked == [
        ("compute-1", everyone),
        ("compute-2", everyone),
        (None, frozenset((uuid_of(3),))),
    ]
    orphans = [finding.key for finding in report.findings if finding.code == "orphan"]
    assert orphans == [("compute-2", uuid_of(2)), ("dumps", uuid_of(3))]
    assert [warning.message for warning in report.warnings] == ["the same"]


def test_an_instance_that_an_empty_host_should_have_is_missing(tmp_path: Path) -> None:
    """One of several hosts has no guests: it was read all the same."""
    (tmp_path / "servers.json").write_text(
        json.dumps(
            {
                "servers": [
                    {"id": uuid_of(9), "status": "ACTIVE", "OS-EXT-SRV-ATTR:host": name}
                    for name in ("compute-2", "compute-3")
                ]
            }
        )
    )
    host: Any = _Read(on("compute-1", 1))
    host.certain_names = frozenset(("compute-1", "compute-2"))
    report = check(host, CheckOptions(files=(str(tmp_path / "servers.json"),), severity="error"))
    missing = [finding.key for finding in report.findings if finding.code == "missing"]
    assert missing == [("compute-2", uuid_of(9))]
