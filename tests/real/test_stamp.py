"""`nova-domains stamp` on real guests: who gets what, where, and who is left alone."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from lxml import etree

from lab import domains
from lab.compute_host import ComputeHost, stuck
from tests.support.goldens import INPUTS, golden_block
from tests.support.paths import GOLDEN
from tests.support.real_host import (
    BACKFILL,
    DRAFT,
    NOVA_1_0,
    NOVA_1_1,
    Conversation,
    documents_on,
    journals,
    output_on,
    planned,
    results,
    run_on,
    uuid,
)

ONE = "instance-00000001"
TWO = "instance-00000002"
THREE = "instance-00000003"
FOUR = "instance-00000004"

LIBOSINFO = "http://libosinfo.org/xmlns/libvirt/domain/1.0"
BACKUP = "http://example.org/backup"
OTHERS = (
    f'<libosinfo:libosinfo xmlns:libosinfo="{LIBOSINFO}">\n'
    '  <libosinfo:os id="http://debian.org/debian/12"/><!-- by hand -->\n'
    "</libosinfo:libosinfo>",
    f'<b:plan xmlns:b="{BACKUP}" every="1 d"><b:keep>  7 </b:keep>'
    "<b:note>&lt;a&gt; é</b:note></b:plan>",
)

NAMED = tuple(
    word
    for fact in ("name=web-1", "flavor.name=m1.tiny", "flavor.id=7", "owner.project.id=acme")
    for word in ("--set", fact)
)


class PatientRun(NamedTuple):
    """A run on a host of its own that waits as long as libvirt does."""

    host: ComputeHost
    state: Path
    process: subprocess.Popen[str]


@pytest.fixture(scope="module", autouse=True)
def patient_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PatientRun]:
    """Begun before the other tests, which have time enough for theirs meanwhile."""
    state = tmp_path_factory.mktemp("patient") / "state"
    with ComputeHost() as host:
        for number, name in enumerate((ONE, TWO, THREE), start=1):
            host.define(domains.nova_guest(name, uuid(number)))
        host.start(ONE)
        with pytest.MonkeyPatch.context() as changed:
            changed.setenv("NOVA_DOMAINS_STATE", str(state))
            run = planned(host.uri, "stamp", "--all", "--derive")
            with run as (process, begin), stuck(host, ONE):
                changed.undo()
                begin()
                yield PatientRun(host, state, process)


@pytest.fixture
def host(empty_host: ComputeHost) -> ComputeHost:
    """Four instances that have lost their blocks, switched off."""
    for number, name in enumerate((ONE, TWO, THREE, FOUR), start=1):
        empty_host.define(domains.nova_guest(name, uuid(number)))
    return empty_host


def stamped(host: ComputeHost, *arguments: str) -> str:
    """What a run says that goes well."""
    code, out, err = run_on(host.uri, "stamp", *arguments, "--yes")
    assert code == 0, out + err
    assert "error" not in err
    return out


def where(host: ComputeHost, name: str, namespace: str) -> list[str]:
    """The definitions that hold an element of this namespace."""
    return [
        definition
        for definition in host.definitions(name)
        if host.metadata(name, namespace, definition) is not None
    ]


def name_in(xml: str | None) -> str | None:
    return None if xml is None else etree.fromstring(xml).findtext("{*}name")


def content(xml: str | None) -> str:
    """What an element says, whatever its prefix and layout."""
    assert xml is not None
    element = etree.fromstring(xml)
    for inner in element.iter("{*}*"):
        inner.tag = etree.QName(inner).localname
    etree.cleanup_namespaces(element)
    return etree.canonicalize(etree.tostring(element, encoding="unicode"), strip_text=True)


def shape(xml: str | None) -> list[str]:
    assert xml is not None
    return [etree.QName(child).localname for child in etree.fromstring(xml)]


class TestTheDefinitions:
    def test_that_get_it_are_those_that_the_guest_has(self, host: ComputeHost) -> None:
        host.start(ONE)
        host.start(TWO, paused=True)
        host.create(domains.nova_guest("instance-00000005", uuid(5)))
        out = stamped(host, "--all", "--derive")
        assert out.endswith("5 stamped, 0 unchanged, 0 refused, 0 failed\n")
        for namespace in (NOVA_1_1, BACKFILL):
            assert where(host, ONE, namespace) == ["live", "persistent"]
            assert where(host, TWO, namespace) == ["live", "persistent"]
            assert where(host, THREE, namespace) == ["persistent"]
            assert where(host, "instance-00000005", namespace) == ["live"]
        guests = documents_on(host.uri)
        assert {guest["kind"] for guest in guests.values()} == {"nova"}
        assert [guests[name]["state"] for name in (ONE, TWO, THREE)] == [
            "running",
            "paused",
            "shutoff",
        ]

    def test_hold_it_in_the_form_that_nova_gives_it(self, host: ComputeHost) -> None:
        stamped(host, ONE, "--derive", *NAMED)
        xml = xml_of(host, ONE, "persistent")
        assert f'    <nova:instance xmlns:nova="{NOVA_1_1}">\n' in xml
        assert "      <nova:name>web-1</nova:name>\n" in xml

    def test_of_a_guest_that_is_switched_off_survive_its_start(self, host: ComputeHost) -> None:
        stamped(host, THREE, "--derive", *NAMED)
        host.start(THREE)
        assert documents_on(host.uri)[THREE]["instance"]["name"] == "web-1"


def xml_of(host: ComputeHost, name: str, definition: str) -> str:
    inactive = 0 if definition == "live" else 2
    return str(host.domain(name).XMLDesc(inactive))


class TestOtherToolsMetadata:
    def test_is_byte_for_byte_what_it_was(self, empty_host: ComputeHost) -> None:
        host = empty_host
        host.define(domains.nova_guest(ONE, uuid(1), *OTHERS))
        host.start(ONE)
        before = others(host)
        stamped(host, ONE, "--derive", *NAMED)
        assert where(host, ONE, NOVA_1_1) == ["live", "persistent"]
        assert others(host) == before
        code, _, err = run_on(host.uri, "undo", "--yes")
        assert code == 0, err
        assert where(host, ONE, NOVA_1_1) == []
        assert where(host, ONE, BACKFILL) == []
        assert others(host) == before


def others(host: ComputeHost) -> list[str | None]:
    """The two other elements, as libvirt gives them and as they are in the XML."""
    texts: list[str | None] = []
    for definition in ("live", "persistent"):
        xml = xml_of(host, ONE, definition)
        for namespace, tag in ((LIBOSINFO, "libosinfo:libosinfo"), (BACKUP, "b:plan")):
            raw = re.search(f"<{tag} .*?</{tag}>", xml, re.DOTALL)
            texts += [host.metadata(ONE, namespace, definition), raw and raw[0]]
    assert all(texts)
    return texts


class TestASavedListing:
    @pytest.fixture
    def host(self, empty_host: ComputeHost) -> ComputeHost:
        """Guests of every release, and two that run with other live blocks than persistent ones."""
        cases = [
            (release.name, case)
            for release in sorted(GOLDEN.iterdir())
            if release.is_dir()
            for case in INPUTS
        ]
        for number, (release, case) in enumerate(cases, start=1):
            made = golden_block(release, case)
            empty_host.define(domains.nova_guest(f"instance-{number:08x}", uuid(number), made))
        ports = golden_block("34.0.0", "ports_v4_v6_floating")
        for name in (ONE, TWO):
            empty_host.start(name)
        empty_host.set_metadata(ONE, NOVA_1_1, ports, "live")
        empty_host.set_metadata(TWO, NOVA_1_1, ports, "live", "persistent")
        return empty_host

    @pytest.mark.parametrize("format_", ["json", "yaml"])
    def test_restores_every_field_of_every_guest(
        self, host: ComputeHost, tmp_path: Path, format_: str
    ) -> None:
        saved = tmp_path / "a"
        _, out, _ = run_on(host.uri, "list", "-f", format_)
        saved.write_text(out)
        before = documents_on(host.uri)
        assert len(before) == 60
        for name in before:
            wipe(host, name)
        assert {guest["kind"] for guest in documents_on(host.uri).values()} == {"nova-unstamped"}
        out = stamped(host, "--from", str(saved))
        assert out.endswith("60 stamped, 0 unchanged, 0 refused, 0 failed\n")
        after = documents_on(host.uri)
        for name, guest in before.items():
            # How it is known to be Nova's is no field of the block, and now there is a mark.
            differs = {"evidence": 0, "read_at": 0}
            assert {**after[name], **differs} == {**guest, **differs}
        assert output_on(host.uri, "stamp", "--from", str(saved), "--yes", "--overwrite").endswith(
            "0 to write, 60 unchanged, 0 refused\n"
        )


def wipe(host: ComputeHost, name: str) -> None:
    """Take away every block, wherever there is one."""
    for definition in host.definitions(name):
        for namespace in (NOVA_1_1, NOVA_1_0, BACKFILL):
            if host.metadata(name, namespace, definition) is not None:
                host.set_metadata(name, namespace, None, definition)


class TestAGuestThatHasABlock:
    @pytest.fixture
    def host(self, empty_host: ComputeHost) -> ComputeHost:
        """One with Nova 29's block, and that of a Nova before 23 still beside it."""
        both = golden_block("29.4.0", "image_plain"), golden_block("15.1.5", "image_plain")
        empty_host.define(domains.nova_guest(ONE, uuid(1), *both))
        return empty_host

    NEW = ("--set", "name=other", "--set", "flavor.id=7", "--set", "package=34.0.0")

    def test_is_left_alone(self, host: ComputeHost) -> None:
        before = xml_of(host, ONE, "persistent")
        assert "it already has a block" in stamped(host, ONE, *self.NEW)
        assert xml_of(host, ONE, "persistent") == before

    def test_gets_what_is_missing_with_fill(self, host: ComputeHost) -> None:
        before = host.metadata(ONE, NOVA_1_0)
        out = stamped(host, ONE, "--fill", *self.NEW)
        assert re.search(r'^\+ +<nova:flavor name="m1.tiny" id="7">', out, re.MULTILINE)
        instance = documents_on(host.uri)[ONE]["instance"]
        assert (instance["name"], instance["flavor"]["id"]) == ("vm-image_plain", "7")
        assert instance["package"] == "29.4.0"
        assert instance["owner"]["user"]["name"] == "demo"
        assert host.metadata(ONE, NOVA_1_0) == before

    def test_loses_it_and_that_of_another_release_with_overwrite(self, host: ComputeHost) -> None:
        host.start(ONE)
        out = stamped(host, ONE, "--overwrite", *self.NEW)
        assert re.search(r"^- +<nova:name>vm-image_plain", out, re.MULTILINE)
        assert where(host, ONE, NOVA_1_0) == []
        for definition in ("live", "persistent"):
            written = host.metadata(ONE, NOVA_1_1, definition)
            assert shape(written) == ["package", "name", "flavor"]
            assert name_in(written) == "other"


class TestTheShape:
    SHAPES = (
        ("caracal", "29.4.0", NOVA_1_1),
        ("2016.2", "15.1.5", NOVA_1_0),
        ("31", "31.3.1", NOVA_1_1),
    )

    @pytest.mark.parametrize(("release", "golden", "namespace"), SHAPES)
    def test_is_that_of_the_release_that_was_asked_for(
        self, host: ComputeHost, tmp_path: Path, release: str, golden: str, namespace: str
    ) -> None:
        host.set_metadata(ONE, NOVA_1_1, golden_block("34.0.0", "image_plain"), "persistent")
        saved = tmp_path / "a.json"
        saved.write_text(output_on(host.uri, "list", "-f", "json"))
        wipe(host, ONE)
        package = f"package={golden}"
        stamped(host, ONE, "--from", str(saved), "--release", release, "--set", package)
        held = [each for each in (NOVA_1_1, NOVA_1_0, DRAFT) if where(host, ONE, each)]
        assert held == [namespace]
        assert content(host.metadata(ONE, namespace)) == content(
            golden_block(golden, "image_plain")
        )

    def test_is_the_newest_one_s_unless_asked_for(self, host: ComputeHost) -> None:
        stamped(host, ONE, "--derive", *NAMED)
        assert 'id="7"' in (host.metadata(ONE, NOVA_1_1) or "")

    def test_is_the_blueprint_s_where_that_is_asked_for(self, host: ComputeHost) -> None:
        stamped(host, ONE, "--derive", "--release", "draft", *NAMED)
        assert where(host, ONE, NOVA_1_1) == []
        draft = host.metadata(ONE, DRAFT)
        assert shape(draft) == ["package", "flavor", "name", "owner"]
        assert name_in(draft) == "web-1"
        assert documents_on(host.uri)[ONE]["instance"]["namespace"] == DRAFT


class TestTheMark:
    def test_distinguishes_backfilled_from_written_by_nova(self, host: ComputeHost) -> None:
        nova = golden_block("34.0.0", "image_plain")
        host.set_metadata(TWO, NOVA_1_1, nova, "persistent")
        stamped(host, ONE, "--derive", *NAMED)
        assert origins(host) == {ONE: "backfilled", TWO: "Nova"}
        (guest,) = json.loads(output_on(host.uri, "show", "-f", "json", ONE))
        assert guest["backfilled"]["from"] == ["the guest", "--set"]
        assert guest["backfilled"]["by"].startswith("root@")
        assert "Backfilled, not written by Nova" in output_on(host.uri, "show", ONE)
        assert "Recorded by Nova" in output_on(host.uri, "show", TWO)

    def test_of_a_block_that_nova_has_replaced_since_counts_no_more(
        self, host: ComputeHost
    ) -> None:
        host.start(ONE)
        stamped(host, ONE, "--derive", *NAMED)
        # As after a port was attached.
        host.set_metadata(ONE, NOVA_1_1, golden_block("34.0.0", "image_plain"), "live")
        assert where(host, ONE, BACKFILL) == ["live", "persistent"]
        assert origins(host) == {ONE: "Nova"}
        (guest,) = json.loads(output_on(host.uri, "show", "-f", "json", ONE))
        assert guest["backfilled"] is None
        assert "Recorded by Nova" in output_on(host.uri, "show", ONE)

    def test_is_left_out_when_asked_for(self, host: ComputeHost) -> None:
        stamped(host, ONE, "--derive", *NAMED, "--no-provenance")
        assert where(host, ONE, NOVA_1_1) == ["persistent"]
        assert where(host, ONE, BACKFILL) == []
        assert origins(host) == {ONE: "Nova"}

    def test_holds_no_secret_and_is_well_formed(self, host: ComputeHost) -> None:
        stamped(host, ONE, "--derive", *NAMED)
        mark = etree.fromstring(host.metadata(ONE, BACKFILL) or "")
        assert mark.tag == "backfill"
        assert set(mark.attrib) == {"at", "by", "tool", "digest"}
        assert [source.text for source in mark] == ["the guest", "--set"]


def origins(host: ComputeHost) -> dict[str, str]:
    """What `list --long` says of the guests that have a block."""
    columns = ("-f", "value", "-c", "domain", "-c", "origin")
    rows = output_on(host.uri, "list", "--kind", "nova", *columns).split()
    assert re.search(r"\bORIGIN\b", output_on(host.uri, "list", "--long"))
    return dict(zip(rows[::2], rows[1::2], strict=True))


class TestAForeignGuest:
    @pytest.fixture
    def host(self, host: ComputeHost) -> ComputeHost:
        host.define(domains.ovirt_guest("ovirt", uuid(20)))
        host.define(domains.appliance("guestfs-gdr712b3p97bchcm"))
        return host

    def test_is_not_meant_by_all(self, host: ComputeHost) -> None:
        out = stamped(host, "--all", "--derive")
        assert out.endswith("4 stamped, 0 unchanged, 0 refused, 0 failed\n")
        assert untouched(host, "ovirt")
        assert untouched(host, "guestfs-gdr712b3p97bchcm")

    def test_is_refused_even_when_a_record_names_it(
        self, host: ComputeHost, tmp_path: Path
    ) -> None:
        saved = tmp_path / "servers.json"
        saved.write_text(
            json.dumps([{"ID": uuid(20), "Name": "web"}, {"ID": uuid(1), "Name": "a"}])
        )
        code, out, _ = run_on(host.uri, "stamp", "--from", str(saved), "--yes")
        assert code == 0
        assert "refused: ovirt" in out
        assert name_in(host.metadata(ONE, NOVA_1_1)) == "a"
        assert untouched(host, "ovirt")

    def test_that_is_named_is_refused_and_does_not_cost_the_others(self, host: ComputeHost) -> None:
        code, out, _ = run_on(host.uri, "stamp", "ovirt", ONE, "--derive", "--yes")
        assert code == 1
        assert "--force" in out
        assert untouched(host, "ovirt")
        assert where(host, ONE, NOVA_1_1) == ["persistent"]

    def test_that_is_named_is_stamped_by_force(self, host: ComputeHost) -> None:
        before = host.metadata("ovirt", "http://ovirt.org/vm/1.0")
        stamped(host, "ovirt", "--derive", "--force", *NAMED)
        assert name_in(host.metadata("ovirt", NOVA_1_1)) == "web-1"
        assert host.metadata("ovirt", "http://ovirt.org/vm/1.0") == before

    def test_that_is_an_appliance_is_refused_even_then(self, host: ComputeHost) -> None:
        name = "guestfs-gdr712b3p97bchcm"
        code, out, _ = run_on(
            host.uri, "stamp", name, "--derive", "--force", "--overwrite", *NAMED, "--yes"
        )
        assert code == 1
        assert "libguestfs appliance" in out
        assert untouched(host, name)


def untouched(host: ComputeHost, name: str) -> bool:
    return not any(where(host, name, each) for each in (NOVA_1_1, NOVA_1_0, DRAFT, BACKFILL))


class TestTheQuestion:
    def test_answered_with_yes_is_followed_by_the_writing(
        self, host: ComputeHost, state: Path
    ) -> None:
        with Conversation(host.uri, "stamp", "--all", "--derive") as talk:
            talk.wait_for("Write to 4 guests?")
            assert "<nova:vcpus>1</nova:vcpus>" in talk.heard
            assert all(untouched(host, name) for name in (ONE, TWO, THREE, FOUR))
            assert journals(state) == []
            code, heard = talk.answer("y")
        assert (code, "4 stamped" in heard) == (0, True)
        assert where(host, ONE, NOVA_1_1) == ["persistent"]

    @pytest.mark.parametrize("answer", ["n", "", "\x04"])
    def test_answered_otherwise_writes_nothing(
        self, host: ComputeHost, state: Path, answer: str
    ) -> None:
        with Conversation(host.uri, "stamp", ONE, "--derive") as talk:
            talk.wait_for("Write to 1 guest?")
            code, heard = talk.answer(answer)
        assert code == (1 if answer != "\x04" else code)
        assert code != 0
        assert untouched(host, ONE)
        assert journals(state) == []
        assert "nothing was written" in heard or answer == "\x04"

    def test_without_a_terminal_writes_nothing(self, host: ComputeHost, state: Path) -> None:
        code, out, err = run_on(host.uri, "stamp", "--all", "--derive")
        assert code == 1
        assert "4 to write" in out
        assert "nothing was written" in err
        assert "--yes" in err
        assert untouched(host, ONE)
        assert journals(state) == []

    def test_is_not_asked_in_a_dry_run_which_writes_nothing(
        self, host: ComputeHost, state: Path
    ) -> None:
        out = output_on(host.uri, "stamp", "--all", "--derive", "--dry-run", "--yes")
        assert "4 to write" in out
        assert untouched(host, ONE)
        assert not state.exists()


@pytest.fixture
def asked(host: ComputeHost) -> Iterator[Conversation]:
    """A run over the first two guests that waits for an answer."""
    with Conversation(host.uri, "stamp", ONE, TWO, "--derive", *NAMED) as talk:
        talk.wait_for("Write to 2 guests?")
        yield talk


class TestAGuestThatChangesBeforeTheAnswer:
    def test_because_nova_wrote_its_block_is_skipped_and_reported(
        self, host: ComputeHost, asked: Conversation, state: Path
    ) -> None:
        nova = golden_block("34.0.0", "image_plain")
        host.set_metadata(ONE, NOVA_1_1, nova, "persistent")
        code, heard = asked.answer("y")
        assert code == 1
        assert re.search(rf"{ONE} .*skipped: .*changed after the plan", heard)
        assert "1 stamped" in heard
        assert "1 changed meanwhile" in heard
        assert name_in(host.metadata(ONE, NOVA_1_1)) == "vm-image_plain"
        assert where(host, ONE, BACKFILL) == []
        assert name_in(host.metadata(TWO, NOVA_1_1)) == "web-1"
        assert results(journals(state)[0]) == {uuid(1): "changed", uuid(2): "done"}

    def test_because_it_is_deleted_is_reported(
        self, host: ComputeHost, asked: Conversation
    ) -> None:
        host.domain(TWO).undefine()
        code, heard = asked.answer("y")
        assert code == 1
        assert re.search(rf"{TWO} .*it is gone", heard)
        assert name_in(host.metadata(ONE, NOVA_1_1)) == "web-1"

    @pytest.fixture
    def one_runs(self, host: ComputeHost) -> None:
        host.start(ONE)

    @pytest.mark.usefixtures("one_runs")
    def test_because_it_is_switched_off_is_reported_and_left_as_it_was(
        self, host: ComputeHost, asked: Conversation
    ) -> None:
        host.domain(ONE).destroy()
        code, heard = asked.answer("y")
        assert code == 1
        assert ONE in heard.partition("[y/N]")[2]
        assert untouched(host, ONE)
        assert name_in(host.metadata(TWO, NOVA_1_1)) == "web-1"

    def test_because_it_is_started_is_reported_or_stamped_whole(
        self, host: ComputeHost, asked: Conversation
    ) -> None:
        host.start(TWO)
        code, heard = asked.answer("y")
        if code == 0:
            assert where(host, TWO, NOVA_1_1) == ["live", "persistent"]
        else:
            assert TWO in heard.partition("[y/N]")[2]
            assert untouched(host, TWO)


def test_the_result_can_be_had_as_json(host: ComputeHost, state: Path) -> None:
    code, out, _ = run_on(host.uri, "stamp", "--all", "--derive", "--yes", "-f", "json")
    document: dict[str, Any] = json.loads(out)
    assert code == 0
    assert document["journal"] == str(journals(state)[0])
    outcomes = {guest["domain"]: guest["outcome"]["result"] for guest in document["guests"]}
    assert outcomes == dict.fromkeys((ONE, TWO, THREE, FOUR), "done")


def test_a_second_run_has_nothing_to_do(host: ComputeHost, state: Path) -> None:
    stamped(host, "--all", "--derive")
    assert stamped(host, "--all", "--derive") == "0 to write, 4 unchanged, 0 refused\n"
    assert len(journals(state)) == 1


def test_a_stuck_guest_is_reported_in_libvirt_s_words_when_libvirt_gives_it_up(
    patient_run: PatientRun,
) -> None:
    """The run that began before all others: libvirt waits 30 s, and the default is to wait on."""
    host, state, process = patient_run
    out, err = process.communicate(timeout=45)
    assert process.returncode == 1
    assert out.endswith("2 stamped, 0 unchanged, 0 refused, 1 failed\n")
    assert re.search(rf"error: {ONE} .*busy, or its QEMU does not answer", err)
    (path,) = journals(state)
    assert results(path) == {uuid(1): "failed", uuid(2): "done", uuid(3): "done"}
    assert untouched(host, ONE)
