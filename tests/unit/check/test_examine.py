"""Each finding of ``check`` has a guest that shows it, and one nearly like it that does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import embedded, strategies
from tests.support.guests import foreign_guest, instance, nova_guest, unstamped_guest
from tests.support.paths import DATA, REAL
from virsh_nova.check import ages as ages_module
from virsh_nova.check import examine as examine_module
from virsh_nova.check.ages import ages_of
from virsh_nova.check.codes import CODES, nearest
from virsh_nova.check.examine import examine
from virsh_nova.check.finding import Examination, Finding, Key
from virsh_nova.check.state import spoken
from virsh_nova.check.versions import asked_version, version_of
from virsh_nova.errors import NovaDomainsError
from virsh_nova.guests.build import guest_from_block, unreadable_guest, whole_guest
from virsh_nova.guests.states import REASONS, STATES
from virsh_nova.model import Guest, Sighting
from virsh_nova.sources.power_state import power_state
from virsh_nova.sources.read import read_records
from virsh_nova.sources.record import Record

UUID = "958db557-081e-4e39-9eda-eca7b3b7bb97"
OTHER = "11111111-081e-4e39-9eda-eca7b3b7bb97"
MAC = "fa:16:3e:e8:92:54"
PORT = "1c6bc659-9414-442c-9914-f2ec9c6a8a85"
VOLUME = "e2b487e4-a6a2-4148-beda-649cbc36fc65"
VOLUME_GUEST = "70d245ce-f0a7-47a9-a58e-cf1c0e719f85"
PROJECT = "03edb9b2d97144b3ba1926701905d2cf"
USER = "1082a8a6dab742f580ff92dbbd2bb479"
NOW = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
SAVED = {"now": NOW, "documents": frozenset(("compute-1",))}
NOVA_1_1 = "http://openstack.org/xmlns/libvirt/nova/1.1"
NOVA_1_0 = "http://openstack.org/xmlns/libvirt/nova/1.0"


def xml_of(capture: str, definition: str = "live") -> str:
    return next((REAL / capture).glob(f"*.{definition}.xml")).read_text(encoding="utf-8")


def guest_of(
    xml: str,
    persistent: str | None = None,
    *,
    uuid: str = UUID,
    domain: str = "nova-lab-00000006",
    state: str = "running",
    reason: str | None = None,
    pid: int | None = None,
) -> Guest:
    number = None if state == "shutoff" else 7
    seen = Sighting("compute-1", uuid, domain, number, state, reason)
    return whole_guest(seen, xml, persistent, pid)


def changed(old: str, new: str, xml: str | None = None) -> str:
    """The healthy guest's XML with one thing changed."""
    xml = xml or xml_of("spawned")
    assert old in xml
    return xml.replace(old, new)


def healthy(**changes: Any) -> Guest:
    return guest_of(xml_of("spawned"), xml_of("spawned", "inactive"), **changes)


def copy(
    *,
    uuid: str = OTHER,
    domain: str = "copy",
    disk: str = OTHER,
    mac: str = "fa:16:3e:00:00:02",
    port: str = OTHER,
) -> Guest:
    """A second guest, whose disks are of the instance ``disk``."""
    xml = xml_of("spawned").replace(UUID, uuid).replace("nova-lab-00000006", domain)
    xml = xml.replace(f"/instances/{uuid}/disk", f"/instances/{disk}/disk").replace(MAC, mac)
    xml = xml.replace(PORT, port).replace(f"tap{PORT[:11]}", f"tap{port[:11]}")
    return guest_of(xml, uuid=uuid, domain=domain)


def with_device(guest: Guest, function: str = "0x00") -> Guest:
    """The same guest with a PCI device in pass-through."""
    xml = xml_of("spawned").replace(
        "</devices>",
        "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x3b' "
        f"slot='0x00' function='{function}'/></source></hostdev></devices>",
    )
    return guest_of(xml, uuid=guest.uuid, domain=guest.domain)


def volume_boot(root: str, serial: str = VOLUME) -> Guest:
    xml = xml_of("volume-boot").replace(
        '<nova:root type="volume" uuid=""/>', f'<nova:root type="volume" uuid="{root}"/>'
    )
    xml = xml.replace(f"<serial>{VOLUME}</serial>", f"<serial>{serial}</serial>")
    return guest_of(xml, uuid=VOLUME_GUEST, domain="nova-lab-00000007")


def with_metadata(metadata: str, persistent: str | None = None) -> Guest:
    before, _, rest = xml_of("spawned").partition("<metadata>")
    xml = f"{before}<metadata>{metadata}{rest[rest.index('</metadata>') :]}"
    return guest_of(xml, persistent)


def block() -> str:
    xml = xml_of("spawned")
    return xml[xml.index("<nova:instance") : xml.index("</metadata>")]


def record(**changes: Any) -> Record:
    facts = {
        "name": "vm-linux",
        "flavor.name": "lab.linux",
        "owner.project.id": PROJECT,
        "owner.user.id": USER,
        **changes.pop("facts", {}),
    }
    values: dict[str, Any] = {"uuid": UUID, "source": "servers.json", "hosts": ("compute-1",)}
    return Record(facts=facts, **{**values, "power_state": 1, **changes})


def appliance(name: str = "guestfs-x") -> Guest:
    xml = (DATA / "foreign" / "guestfs.xml").read_text(encoding="utf-8")
    return guest_of(xml, uuid=OTHER, domain=name)


def transient(persistent: bool = False) -> Guest:
    xml = embedded.guest(5, domain="debugging")
    return guest_of(xml, xml if persistent else None, uuid=embedded.uuid_of(5), domain="debugging")


class Case(NamedTuple):
    guests: Sequence[Guest]
    against: Sequence[Record] | None = None
    ages: Mapping[Key, float] = {}
    options: Mapping[str, Any] = {}

    def findings(self) -> list[Finding]:
        values = {"records": self.against, "ages": self.ages, **self.options}
        return examine(Examination(self.guests, frozenset(("compute-1",)), **values))

    def codes(self) -> set[str]:
        return {finding.code for finding in self.findings()}


FLAVOR_34 = '<nova:package version="34.0.0"/>'
TAP = "<target dev='tap1c6bc659-94' managed='no'/>"
OLD_BLOCK = (
    f'<o:instance xmlns:o="{NOVA_1_0}"><o:package version="21.0.0"/>'
    "<o:creationTime>2020-01-01 00:00:00</o:creationTime><o:flavor name='lab.linux'>"
    "<o:memory>192</o:memory><o:disk>1</o:disk><o:swap>0</o:swap><o:ephemeral>0</o:ephemeral>"
    "<o:vcpus>1</o:vcpus></o:flavor><o:owner><o:user uuid='u'>u</o:user>"
    "<o:project uuid='p'>p</o:project></o:owner></o:instance>"
)
OWNER = (
    f'<nova:user uuid="{USER}">demo</nova:user>\n'
    f'        <nova:project uuid="{PROJECT}">demo-project</nova:project>'
)

# Code → (what shows it, what does not).
CASES: dict[str, tuple[Case, Case]] = {
    "unreadable": (
        Case([unreadable_guest(Sighting("compute-1", UUID, "a", 7, "running"), "cannot be read")]),
        Case([healthy()]),
    ),
    "crashed": (
        Case([healthy(state="shutoff", reason="crashed")]),
        Case([healthy(state="shutoff", reason="destroyed")]),
    ),
    "io-error": (
        Case([healthy(state="paused", reason="ioerror")]),
        Case([healthy(state="paused", reason="user")]),
    ),
    "shared-disk": (Case([healthy(), copy(disk=UUID)]), Case([healthy(), copy()])),
    "runs-twice": (
        Case([healthy(), healthy()._replace(host="compute-2")]),
        Case([healthy(), healthy(state="shutoff")._replace(host="compute-2")]),
    ),
    "shared-volume": (
        Case([volume_boot(""), volume_boot("")._replace(uuid=OTHER)]),
        Case([volume_boot(""), volume_boot("", OTHER)._replace(uuid=OTHER)]),
    ),
    "port-on-two-guests": (Case([healthy(), copy(port=PORT)]), Case([healthy(), copy()])),
    "mac-on-two-guests": (
        Case([healthy(), copy(mac=MAC)]),
        Case([healthy(), copy()]),
    ),
    "device-on-two-guests": (
        Case([with_device(healthy()), with_device(copy())]),
        Case([with_device(healthy()), with_device(copy(), "0x01")]),
    ),
    "block-damaged": (
        Case([guest_of(changed("<nova:memory>192<", "<nova:memory>lots<"))]),
        Case([guest_of(changed("<nova:swap>0<", "<nova:swap>1<"))]),
    ),
    "orphan": (Case([healthy()], []), Case([healthy()], [record(facts={})])),
    "missing": (Case([], [record()]), Case([], [record(hosts=("compute-2",))])),
    "no-block": (Case([with_metadata("")]), Case([healthy()])),
    "block-in-one-definition": (
        Case([with_metadata("", xml_of("spawned", "inactive"))]),
        Case([with_metadata("")]),
    ),
    "unknown-namespace": (
        Case([with_metadata(block().replace("nova/1.1", "nova/2.0"))]),
        Case([with_metadata('<o:x xmlns:o="urn:other"/>' + block())]),
    ),
    "block-unfit": (
        Case([guest_of(changed("<nova:swap>0</nova:swap>", ""))]),
        Case([healthy()]),
    ),
    "several-namespaces": (
        Case([with_metadata(block() + OLD_BLOCK)]),
        Case([with_metadata(OLD_BLOCK)]),
    ),
    "vcpus-differ": (
        Case([guest_of(changed("<vcpu placement='static'>1<", "<vcpu placement='static'>2<"))]),
        Case([guest_of(changed("'static'>1<", "'static' current='1'>4<"))]),
    ),
    "memory-differs": (
        Case([guest_of(changed("<memory unit='KiB'>196608<", "<memory unit='KiB'>393216<"))]),
        Case([guest_of(changed("<currentMemory unit='KiB'>196608<", "<currentMemory>98304<"))]),
    ),
    "port-without-interface": (
        Case([guest_of(changed(TAP, "<target dev='tap00000000-00'/>"))]),
        # What is passed through does not show whose port it is.
        Case([guest_of(changed(TAP, ""))]),
    ),
    "interface-unrecorded": (
        Case([guest_of(changed(f'<nova:port uuid="{PORT}">', f'<nova:port uuid="{OTHER}">'))]),
        Case([guest_of(changed(TAP, "<target dev='vnet0'/>"))]),
    ),
    "root-differs": (Case([volume_boot(OTHER)]), Case([volume_boot(VOLUME.upper())])),
    "owner-unknown": (
        Case([guest_of(changed(OWNER, ""))]),
        Case([guest_of(changed(">demo<", ">N/A<"))]),
    ),
    "uuid-differs": (
        Case([guest_of(changed(f"/instances/{UUID}/disk'", f"/instances/{OTHER}/disk'"))]),
        Case([healthy()]),
    ),
    "defined-twice": (
        Case([healthy(), healthy(state="shutoff")._replace(host="compute-2")]),
        Case([healthy(), healthy(state="shutoff")]),
    ),
    "leftover": (
        Case([appliance()], ages={("compute-1", OTHER): 3700.0}),
        Case([appliance()], ages={("compute-1", OTHER): 3500.0}),
    ),
    "project-differs": (
        Case([healthy()], [record(facts={"owner.project.id": "p"})]),
        Case([healthy()], [record(facts={"owner.project.name": "renamed"})]),
    ),
    "flavor-differs": (
        Case([healthy()], [record(facts={"flavor.name": "lab.huge"})]),
        Case([healthy()], [record(facts={"flavor.id": "another"})]),
    ),
    "power-state-differs": (
        Case([healthy()], [record(power_state=4)]),
        Case([healthy()], [record(power_state=None)]),
    ),
    "stale-snapshot": (
        Case([healthy()._replace(read_at=NOW - timedelta(2))], options=SAVED),
        Case([healthy()._replace(read_at=NOW - timedelta(0.9))], options=SAVED),
    ),
    "migrating": (
        Case([healthy(), healthy(state="paused", reason="migration")._replace(host="compute-2")]),
        Case([healthy(), healthy()._replace(host="compute-2")]),
    ),
    "older-namespace": (
        Case([with_metadata(OLD_BLOCK)]),
        Case([with_metadata(block() + OLD_BLOCK)]),
    ),
    "definitions-differ": (
        Case([guest_of(xml_of("attached"), xml_of("attached", "inactive"))]),
        Case([healthy()]),
    ),
    "owner-unnamed": (
        Case([guest_of(changed(">demo-project<", ">N/A<"))]),
        Case([guest_of(changed(">demo-project<", ">N<"))]),
    ),
    "serial-differs": (
        Case([guest_of(changed(f"name='serial'>{UUID}", f"name='serial'>{OTHER}"))]),
        Case([guest_of(changed(f"name='serial'>{UUID}", "name='serial'>none"))]),
    ),
    "older-nova": (
        Case([healthy()], options={"nova_version": (34, 0, 1)}),
        Case([healthy()], options={"nova_version": (34,)}),
    ),
    "name-differs": (
        Case([healthy()], [record(facts={"name": "renamed"})]),
        Case([healthy()], [record()]),
    ),
}


def test_every_code_has_a_guest_that_shows_it() -> None:
    assert list(CASES) == list(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_guest_that_shows_it_and_one_that_does_not(code: str) -> None:
    showing, quiet = CASES[code]
    assert code in showing.codes()
    assert code not in quiet.codes()


@pytest.mark.parametrize("code", CODES)
def test_a_finding_is_of_the_severity_of_its_code_and_says_what_shows_it(code: str) -> None:
    for finding in CASES[code][0].findings():
        if finding.code == code:
            assert finding.severity == CODES[code].severity
            assert all(finding.evidence)
            assert finding.evidence
            assert finding.remedy


# ---- the healthy guests of a real Nova 34 ------------------------------------------------------


def real_guests() -> dict[str, Guest]:
    found = {}
    for folder in sorted(REAL.iterdir()):
        if folder.name == "files":
            continue
        xml, inactive = xml_of(folder.name), xml_of(folder.name, "inactive")
        name = next(folder.glob("*.live.xml")).name.partition(".")[0]
        running = " id='" in xml.partition("\n")[0]
        found[folder.name] = guest_of(
            xml,
            inactive if running else None,
            uuid=xml[xml.index("<uuid>") + 6 : xml.index("</uuid>")],
            domain=name,
            state="running" if running else "shutoff",
        )
    return found


@pytest.mark.parametrize("capture", real_guests())
def test_a_healthy_guest_has_notes_at_most(capture: str) -> None:
    guest = real_guests()[capture]
    assert {f.code for f in Case([guest]).findings() if f.severity != "note"} == set()


@pytest.mark.parametrize("capture", ["spawned", "two-networks", "volume-boot", "stopped"])
def test_what_nova_has_just_started_has_not_even_a_note(capture: str) -> None:
    assert Case([real_guests()[capture]]).findings() == []


def test_a_guest_that_is_off_after_a_port_was_attached_has_a_note() -> None:
    guest = guest_of(xml_of("attached", "inactive"), state="shutoff")
    assert [(f.code, f.severity) for f in Case([guest]).findings()] == [
        ("interface-unrecorded", "note")
    ]


def test_every_release_of_nova_writes_what_fits() -> None:
    for folder in sorted((DATA / "golden").glob("[0-9]*")):
        for file in folder.glob("*.xml"):
            guest = with_metadata(file.read_text(encoding="utf-8"))
            codes = {finding.code for finding in Case([guest]).findings()}
            assert not codes & {"block-unfit", "block-damaged", "no-block"}, file


# ---- one by one -------------------------------------------------------------------------------


def test_guests_of_others_are_not_held_against_the_format() -> None:
    assert Case([appliance(), transient()], []).findings() == []


def test_a_block_of_a_later_nova_is_a_note() -> None:
    xml = changed("<nova:swap>0</nova:swap>", "").replace('version="34.0.0"', 'version="35.0.0"')
    found = [f for f in Case([guest_of(xml)]).findings() if f.code == "block-unfit"]
    assert [finding.severity for finding in found] == ["note"]


def test_a_backfilled_block_may_lack_parts() -> None:
    from virsh_nova.block.backfill import write_backfill
    from virsh_nova.block.compare import digest
    from virsh_nova.block.namespaces import BACKFILL
    from virsh_nova.model import Backfill

    lacking = block().replace("<nova:swap>0</nova:swap>", "")
    mark = write_backfill(
        Backfill(
            at=datetime(2026, 1, 1, tzinfo=timezone.utc),
            by="root@compute-1",
            sources=("the guest",),
            tool="1",
            digest=digest(lacking, NOVA_1_1),
        )
    ).replace("<backfill ", f'<b:backfill xmlns:b="{BACKFILL}" ')
    mark = mark.replace("<source>", "<b:source>").replace("</source>", "</b:source>")
    mark = mark.replace("</backfill>", "</b:backfill>")
    assert Case([with_metadata(lacking + mark)]).codes() == set()
    assert Case([with_metadata(lacking)]).codes() == {"block-unfit"}


def test_a_block_without_the_xml_around_it_is_checked_too() -> None:
    seen = Sighting("compute-1", UUID, "a", 7, "running")
    bare = block().replace("nova:", "").replace(f' xmlns:nova="{NOVA_1_1}"', "")
    guest = guest_from_block(seen, bare, NOVA_1_1, "only its metadata can be read")
    assert guest is not None
    assert Case([guest]).codes() == {"unreadable"}
    damaged = guest_from_block(seen, bare.replace("<vcpus>1<", "<vcpus>x<"), NOVA_1_1, "only so")
    assert damaged is not None
    assert next((f.code, f.evidence) for f in Case([damaged]).findings()) == (
        "unreadable", ("only so",),
    )  # fmt: skip


def test_a_saved_list_does_not_hold_what_could_be_misshapen() -> None:
    saved = nova_guest(1, healthy().instance)
    assert Case([saved]).findings() == []


def test_an_appliance_that_looks_into_a_disk_shares_nothing() -> None:
    looking = copy(disk=UUID)._replace(kind="foreign", manager="libguestfs")
    assert Case([healthy(), looking]).codes() == set()


def test_many_that_share_a_disk_are_not_all_named_by_each() -> None:
    guests = [copy(uuid=embedded.uuid_of(n), domain=f"copy-{n}", disk=UUID) for n in range(1, 300)]
    shared = [f for f in Case(guests).findings() if f.code == "shared-disk"]
    assert len(shared) == 299
    assert max(len(" ".join(finding.evidence)) for finding in shared) < 600
    assert all(finding.evidence[1].endswith(") and others") for finding in shared)
    assert all(len(finding.others) == 3 for finding in shared)


def test_a_transient_guest_of_unknown_origin_is_a_helper_and_a_persistent_one_is_not() -> None:
    ages: dict[Key, float] = {("compute-1", embedded.uuid_of(5)): 1e6}
    assert Case([transient()], ages=ages).codes() == {"leftover"}
    assert Case([transient(persistent=True)], ages=ages).codes() == set()


def test_an_instance_on_another_host_is_an_orphan_here() -> None:
    (finding,) = Case([healthy()], [record(hosts=("compute-2",))]).findings()
    assert finding.code == "orphan"
    assert "compute-2" in finding.evidence[0]


def test_of_two_records_the_one_that_names_this_host_counts() -> None:
    twins = [record(hosts=("compute-2",)), record(hosts=("compute-1.example.org",))]
    assert Case([healthy()], twins).codes() == set()
    assert Case([healthy()], twins[::-1]).codes() == set()


def test_none_is_an_orphan_where_not_all_servers_are_told() -> None:
    assert Case([healthy()], [], options={"complete": False}).codes() == set()


def test_a_saved_list_of_ours_says_nothing_of_guests_without_the_block() -> None:
    ours = record(uuid=OTHER, hosts=("compute-2",), namespace=NOVA_1_1)
    assert Case([with_metadata("")], [ours]).codes() == {"no-block"}


def test_an_unnamed_server_has_no_other_name() -> None:
    nameless = guest_of(changed(">vm-linux<", f">{UUID}<"))
    unnamed = record(facts={"name": ""}, unnamed=True)
    assert Case([nameless], [unnamed]).codes() == set()
    assert Case([healthy()], [unnamed]).codes() == {"name-differs"}


def test_the_newest_nova_on_the_host_is_the_measure() -> None:
    old = guest_of(changed('version="34.0.0"', 'version="33.9.1-1.el9"'))
    other = copy()
    assert [f.uuid for f in Case([old, other]).findings()] == [UUID]
    assert Case([old]).findings() == []
    off = old._replace(id=None, state="shutoff")
    assert Case([off, other]).findings() == []


def test_rescue_and_an_empty_root_uuid_are_no_findings() -> None:
    assert Case([volume_boot("")]).findings() == []
    assert Case([volume_boot(OTHER, serial="")]).findings() == []
    xml = xml_of("volume-boot").replace('type="volume" uuid=""', f'type="volume" uuid="{OTHER}"')
    rescued = xml.replace(f"/var/lib/vols/volume-{VOLUME}", f"/i/{VOLUME_GUEST}_disk.rescue")
    assert Case([guest_of(rescued, uuid=VOLUME_GUEST)]).codes() == set()


def test_an_image_root_on_a_volume_differs() -> None:
    xml = xml_of("volume-boot").replace('<nova:root type="volume"', '<nova:root type="image"')
    assert Case([guest_of(xml, uuid=VOLUME_GUEST)]).codes() == {"root-differs"}


@pytest.mark.parametrize(
    ("given", "number"),
    [(1, 1), ("Running", 1), ("Shutdown", 4), ("SUSPENDED", 7), ("Crashed", 6), ("Paused", 3),
     (0, None), ("NOSTATE", None), (None, None), (99, None), ("", None)],
)  # fmt: skip
def test_power_states_as_the_api_and_its_clients_tell_them(
    given: int | str | None, number: int | None
) -> None:
    assert power_state(given) == number


def test_power_states_are_read_from_what_nova_and_its_client_say() -> None:
    api = DATA / "api"
    for name in ("nova/servers_detail_2.1.json", "openstack/server_list_allprojects_long.json"):
        assert {record.power_state for record in read_records(str(api / name))} == {1}


# ---- the command that fixes it ------------------------------------------------------------------


def commands(case: Case) -> dict[str, tuple[str, ...]]:
    return {finding.code: finding.command for finding in case.findings()}


def test_what_stamp_mends_comes_with_its_command() -> None:
    assert commands(Case([with_metadata("")])) == {"no-block": ("stamp", UUID, "--derive")}
    given = {"sources": ("--from", "servers.json")}
    assert commands(Case([with_metadata("")], [record()], options=given)) == {
        "no-block": ("stamp", UUID, "--derive", "--from", "servers.json")
    }
    assert commands(Case([guest_of(changed(OWNER, ""))], [record()], options=given)) == {
        "owner-unknown": ("stamp", UUID, "--fill", "--from", "servers.json")
    }


def test_no_command_replaces_a_block_by_less() -> None:
    given = {"sources": ("--from", "servers.json")}
    damaged = guest_of(changed("<nova:memory>192<", "<nova:memory>lots<"))
    assert not any(commands(Case([damaged])).values())
    row = Record(UUID, "servers.json", {"name": "vm-linux"}, hosts=("compute-1",))
    assert not any(commands(Case([damaged], [row], options=given)).values())
    assert commands(Case([damaged], [record()], options=given))["block-damaged"] == (
        "stamp", UUID, "--overwrite", "--derive", "--from", "servers.json",
    )  # fmt: skip


# ---- ages -------------------------------------------------------------------------------------


def test_the_age_of_a_helper_is_that_of_its_process() -> None:
    import os

    helper = appliance()._replace(pid=os.getpid())
    found = ages_of([helper, healthy(pid=os.getpid()), transient()])
    assert list(found.seconds) == [helper.key]
    assert 0 <= found.seconds[helper.key] < 3600 * 24
    assert ages_of([helper._replace(pid=2**22 + 1)]).seconds == {}


def test_a_process_that_must_not_be_seen_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    def refuse(pid: int) -> None:
        raise psutil.AccessDenied(pid)

    monkeypatch.setattr(psutil, "Process", refuse)
    assert ages_of([appliance()._replace(pid=1)]) == ages_module.Ages({}, 1)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.5, "0.5 s"), (90, "90 s"), (3700, "61 min"), (7200, "2 h"), (200000, "2 d")],
)
def test_ages_are_spoken(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


# ---- versions and codes -------------------------------------------------------------------------


def test_versions_and_releases() -> None:
    assert version_of("34.0.0-1.el9") == (34, 0, 0)
    assert version_of("unknown") is version_of(None) is None
    assert asked_version("34.0.1") == (34, 0, 1)
    assert asked_version("2024.1") == asked_version("caracal") == asked_version("29") == (29,)
    with pytest.raises(NovaDomainsError):
        asked_version("nonsense")


def test_the_nearest_code() -> None:
    assert nearest("noblock") == "no-block"
    assert nearest("Crash") == "crashed"
    assert nearest("") in CODES
    assert nearest("日本") in CODES


# ---- whatever there is --------------------------------------------------------------------------

_reasons = sorted({reason for words in REASONS.values() for reason in words})


@st.composite
def anything(draw: st.DrawFn) -> tuple[list[Guest], list[Record] | None]:
    host, _ = draw(strategies.memory_hosts())
    guests = host.guests()
    guests += draw(st.lists(strategies.nova_guests(), max_size=2))
    guests += draw(
        st.sets(
            st.sampled_from((nova_guest(8, instance("x")), foreign_guest(9), unstamped_guest(10)))
        )
    )
    guests = [
        guest._replace(
            host=draw(st.sampled_from(("compute-1", "compute-2", None))),
            host_guessed=draw(st.booleans()),
            state=draw(st.sampled_from(STATES)),
            reason=draw(st.sampled_from(_reasons)),
        )
        for guest in guests
    ]
    records = draw(st.none() | strategies.records([guest.uuid for guest in guests]))
    if records:
        states = st.sampled_from((None, 0, 1, 4, 99))
        records = [record._replace(power_state=draw(states)) for record in records]
    return guests, records


@given(anything(), st.booleans(), st.floats(0, 1e12))
def test_it_never_raises(
    given_: tuple[list[Guest], list[Record] | None], complete: bool, age: float
) -> None:
    guests, records = given_
    examination = Examination(
        guests,
        frozenset(("compute-1",)),
        records,
        complete,
        ("--from", "a.json"),
        {guest.key: age for guest in guests},
        leftover=60.0,
    )
    before = [guest.key for guest in guests]
    findings = examine(examination)
    assert [guest.key for guest in guests] == before
    here = set(before)
    for finding in findings:
        assert finding.code in CODES
        assert (finding.guest is None) == (finding.code == "missing")
        assert (finding.key in here) == (finding.code != "missing")
        # Nothing that a tenant typed can be in a command.
        assert set(finding.command) <= {
            "stamp", finding.uuid, "--derive", "--fill", "--overwrite", "--from", "a.json",
        }  # fmt: skip
    assert findings == examine(examination._replace(guests=guests[::-1]))


def test_a_guest_that_cannot_be_examined_is_a_finding_and_costs_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = examine_module.examine_hardware

    def fail(guest: Guest) -> Iterator[Finding]:
        if guest.domain == "bad":
            raise ZeroDivisionError("by zero")
        return real(guest)

    monkeypatch.setattr(examine_module, "examine_hardware", fail)
    bad = copy(domain="bad")._replace(state="crashed")
    crashed = healthy(state="crashed")
    findings = {
        (finding.guest.domain, finding.code): finding.evidence
        for finding in examine(Examination([bad, crashed]))
        if finding.guest
    }
    assert set(findings) == {
        ("bad", "crashed"), ("bad", "block-damaged"), (crashed.domain, "crashed"),
    }  # fmt: skip
    why = ("cannot be examined: ZeroDivisionError('by zero')",)
    assert findings["bad", "block-damaged"] == why
