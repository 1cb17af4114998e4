"""Files that hold several domains, or hold them amid other text; and files without any."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.archives import domain, make_tree, real_files, status
from tests.support.embedded import block, uuid_of
from tests.support.paths import DATA
from virsh_nova.errors import HostError
from virsh_nova.hosts.files import dump as dumps
from virsh_nova.hosts.files import pieces
from virsh_nova.hosts.files.dump import Dump, read_dump
from virsh_nova.hosts.files.layout import LARGEST_DUMP, LARGEST_XML
from virsh_nova.hosts.host import Host
from virsh_nova.hosts.open import open_host

FIELD = DATA / "field"
ONE, TWO = domain("one", uuid_of(1), id=1), domain("two", uuid_of(2))
DECLARED = '<?xml version="1.0" encoding="UTF-8"?>\n'
LIVE = status(domain("live", uuid_of(3), id=3))
SNAPSHOT = (
    "<domainsnapshot>\n  <name>before</name>\n  <creationTime>1714979289</creationTime>\n"
    f"{domain('one', uuid_of(1))}</domainsnapshot>\n"
)


def read(text: str) -> Dump:
    return read_dump(text.encode())


def names(dump: Dump) -> list[str]:
    return [file.name for file in dump.domains]


def opened(path: Path) -> Host:
    return open_host(files=[str(path)])


def lines(host: Host) -> list[tuple[str, str]]:
    """The notes but the last, which says what was read."""
    return [(line.kind, line.text) for line in host.notes.lines[:-1]]


# ---- several in a row -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["all.xml", "all-leading-newline.xml"])
def test_a_file_of_several_dumps_gives_every_guest(name: str) -> None:
    host = opened(FIELD / "f03-several-domains-in-one-file" / name)
    guests = sorted(host.guests("whole"), key=lambda guest: guest.domain)
    assert [guest.uuid for guest in guests] == [
        "a1000000-0000-4000-8000-000000000001",
        "b2000000-0000-4000-8000-000000000002",
    ]
    assert [guest.instance and guest.instance.name for guest in guests] == ["web-1", "web-2"]
    assert all(not guest.faults for guest in guests)
    assert lines(host) == []


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}{TWO}",
        f"\n\n{ONE}\n\n{TWO}\n",
        f"{ONE.rstrip()}{TWO}",
        f"{DECLARED}{ONE}{DECLARED}{TWO}",
        f"<!-- mine -->{ONE}<!-- {LIVE.replace('--', '- -')} -->\n{TWO}",
        ONE.replace("\n", "") + TWO.replace("\n", ""),
        f"{ONE}{TWO}".replace("\n", "\r\n"),
    ],
)
def test_domains_in_a_row_are_all_read(text: str) -> None:
    for data in (text.encode(), b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16")):
        dump = read_dump(data)
        assert sorted(names(dump)) == ["one", "two"]
        assert (dump.faults, dump.notes) == ((), ())


def test_every_kind_of_document_can_be_in_a_row() -> None:
    dump = read(LIVE + TWO + SNAPSHOT + ONE)
    assert [(file.name, file.live, file.snapshot is not None) for file in dump.domains] == [
        ("live", True, False), ("two", False, False), ("one", False, True), ("one", False, False),
    ]  # fmt: skip
    assert (dump.faults, dump.notes) == ((), ())


def test_each_of_the_real_files_in_a_row_reads_as_it_does_alone() -> None:
    files = list(real_files().values())
    alone = [file for data in files for file in read_dump(data).domains]
    together = read_dump(b"".join(files)).domains
    # One that runs has two, of which virsh would dump one with an id.
    assert {(file.uuid, file.live): file for file in together} == {
        (file.uuid, file.live): file for file in alone
    }


def test_a_bad_domain_costs_only_itself() -> None:
    bad = ONE.replace(uuid_of(1), "nonsense")
    broken = "<domain>\n  <name>a & b</name>\n</domain>\n"
    cut_off = ONE.partition("  <memory")[0]
    dump = read(f"{bad}{TWO}{broken}{cut_off}{LIVE}")
    assert names(dump) == ["two", "live"]
    assert [fault.partition(", ")[0] for fault in dump.faults] == [
        "line 1: its domain's uuid is not a uuid: 'nonsense'",
        "line 11: broken XML: xmlParseEntityRef: no name",
        "line 14: a <domain> without an end",
    ]


def test_a_guest_that_comes_again_is_reported_and_the_last_counts() -> None:
    again = ONE.replace("65536", "131072")
    dump = read(f"{ONE}{TWO}{again}")
    assert names(dump) == ["two", "one"]
    assert "131072" in dump.domains[1].xml
    assert dump.faults == (f"line 1: one ({uuid_of(1)}), which comes again below",)


def test_both_definitions_of_a_running_guest_are_read(tmp_path: Path) -> None:
    path = tmp_path / "both.xml"
    path.write_text(ONE + domain("one", uuid_of(1)).replace("65536", "131072"))
    (guest,) = opened(path).guests("whole")
    assert guest.id == 1
    assert [one.name for one in guest.definitions] == ["live", "persistent"]


def test_bytes_that_are_no_text_cost_nothing_else() -> None:
    title = "  <title>caf\udce9</title>\n"
    data = (domain("one", uuid_of(1), rest=title) + TWO).encode("utf-8", "surrogateescape")
    dump = read_dump(data)
    assert names(dump) == ["one", "two"]
    assert "caf\N{REPLACEMENT CHARACTER}" in dump.domains[0].xml
    assert dump.notes == ("holds bytes that are no text, shown as \N{REPLACEMENT CHARACTER}",)


def test_the_rest_of_a_folder_is_read(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a.xml": ONE.replace(uuid_of(1), "nonsense"), "b.xml": TWO + LIVE})
    host = opened(tmp_path)
    assert sorted(seen.domain for seen in host.sightings()) == ["live", "two"]
    assert lines(host) == [
        ("warning", f"{tmp_path}/a.xml: its domain's uuid is not a uuid: 'nonsense'; skipped")
    ]


# ---- in the middle of other text --------------------------------------------------------------


def test_the_xml_behind_a_prompt_is_read() -> None:
    path = FIELD / "f13-prompt-before-xml/session.txt"
    host = opened(path)
    (guest,) = host.guests("whole")
    assert guest.instance is not None
    assert (guest.instance.name, guest.id) == ("web-1", 1)
    assert lines(host) == [
        (
            "note",
            f"{path}: 2 lines of other text skipped, such as '[root@compute-1 ~]# virsh dumpxml 7'",
        )
    ]


def test_an_error_of_virsh_among_the_dumps_is_shown() -> None:
    dump = read(f"# all of them\n{ONE}error: failed to get domain 'three'\n{TWO}")
    assert names(dump) == ["one", "two"]
    assert dump.notes == (
        "2 lines of other text skipped, such as 'error: failed to get domain \\x27three\\x27'",
    )


NOVA_LOG = (
    "2024-05-06 07:08:09.123 7 DEBUG nova.virt.libvirt.driver [None req-1 - - - - - -] "
    "[instance: x] End _get_guest_xml xml={}\n"
    " _get_guest_xml /usr/lib/python3/dist-packages/nova/virt/libvirt/driver.py:7612\n"
)


def test_the_xml_in_the_log_of_nova_compute_is_read() -> None:
    xml = f'<domain type="kvm">\n  <uuid>{uuid_of(4)}</uuid>\n  <name>instance-1</name>\n</domain>'
    dump = read(f"noise\n{NOVA_LOG.format(xml)}")
    assert names(dump) == ["instance-1"]
    assert dump.faults == ()
    assert dump.notes[0].startswith("3 lines of other text skipped")


def test_a_domain_that_a_tenant_named_a_server_is_not_one() -> None:
    name = f"<domain><name>fake</name><uuid>{uuid_of(9)}</uuid></domain>"
    log = (
        f'DEBUG nova.api [-] body: {{"server": {{"name": "{name}"}}}}\n'
        "DEBUG nova.api [-] called <domain>\n"
        f"DEBUG nova.api [-] called <uuid>{uuid_of(9)}</uuid><name>fake</name>\n"
        "DEBUG nova.api [-] called </domain> (again)\n"
    )
    dump = read(log)
    assert dump.domains == ()
    assert dump.faults == (
        "line 1: a <domain> in the middle of a line, where it may be anybody's words",
        "line 2: a <domain> without an end",
    )
    real = f'<domain type="kvm">\n  <uuid>{uuid_of(4)}</uuid>\n  <name>real</name>\n</domain>'
    assert names(read(log + NOVA_LOG.format(real) + log)) == ["real"]


def test_markup_in_other_text_hides_nothing() -> None:
    for text in ("$ grep '<!--' *", "$ echo '<?'", "<![CDATA[", "<domain", "</domain>", "<!-- a"):
        assert names(read(f"{text}\n{ONE}<!-- end -->\n{DECLARED}{TWO}")) == ["one", "two"], text


def test_what_a_comment_of_a_broken_document_holds_is_not_read() -> None:
    for opening, closing in (("<!--", "-->"), ("<![CDATA[", "]]>")):
        cut_off = f"<domain>\n  <name>one</name>\n{opening}\n{TWO}"
        assert read(cut_off).domains == ()
        assert read(f"{cut_off}{closing}").domains == ()
        assert names(read(f"{cut_off}{closing}\n{ONE}")) == ["one"]


# ---- snapshots --------------------------------------------------------------------------------


def test_a_snapshot_s_domain_is_shown_with_a_note() -> None:
    path = FIELD / "f11-snapshot/snap.xml"
    host = opened(path)
    (guest,) = host.guests("whole")
    assert guest.instance is not None
    assert (guest.instance.name, guest.state, guest.id) == ("web-1", "unknown", None)
    assert lines(host) == [
        (
            "note",
            f"{path}: instance-0000000a is shown as it was in snapshot '1714979289' of "
            "2024-05-06 07:08:09 UTC, not as it is now",
        )
    ]


def test_the_guest_itself_counts_before_its_snapshots_and_of_these_the_newest(
    tmp_path: Path,
) -> None:
    later = SNAPSHOT.replace("1714979289", "1714979300").replace("before", "after")
    later = later.replace("65536", "131072")
    make_tree(tmp_path, {"1.xml": later, "2.xml": SNAPSHOT})
    host = opened(tmp_path)
    (guest,) = host.guests("whole")
    assert guest.hardware is not None
    assert guest.hardware.memory_mib == 128
    assert [text.removeprefix(f"{tmp_path}/") for _, text in lines(host)] == [
        "1.xml: one is shown as it was in snapshot 'after' of 2024-05-06 07:08:20 UTC, "
        "not as it is now",
        "2.xml: snapshot 'before' of 2024-05-06 07:08:09 UTC of one is not shown, a newer one is",
    ]
    make_tree(tmp_path, {"3.xml": ONE})
    host = opened(tmp_path)
    assert [seen.id for seen in host.sightings()] == [1]
    assert all("is not shown, the guest itself is" in text for _, text in lines(host))


# ---- what holds no domain ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("\n \n", "it is empty"),
        ("hello\n", "it begins with 'hello'"),
        ("[root@compute-1 ~]# virsh list\n", "it begins with '[root@compute-1 ~]# virsh list'"),
        ("[nova@cmp ~]$ \n", "it begins with '[nova@cmp ~]$'"),
        ("[2024-05-06 07:08:09] starting\n", "it begins with '[2024-05-06 07:08:09] starting'"),
        ("x" * 1000, f"it begins with '{'x' * 60}…'"),
        ("<network/>", "it is a <network>, and holds no <domain>"),
        ("<domain>", "broken XML: "),
        (TWO[:-12], "broken XML: "),
        (f"$ virsh dumpxml two\n{TWO[:-12]}", "line 2: a <domain> without an end"),
        ("QFI\x00\x01", "it is not text"),
        ("LibvirtQemudSave\x02", "it is the saved state of a guest; virsh save-image-dumpxml"),
        (" Id   Name   State\n---\n 1  one  running\n", "it is the output of virsh list"),
        (
            "+----+------+--------+\n| ID | Name | Status |\n+----+------+--------+\n",
            "it is a table of servers, as openstack server list prints it",
        ),
        ("+----+-----+\n| ID | Size |\n", "it is a table ("),
        ('"ID","Name","Status"\n"x","y","ACTIVE"\n', "it is CSV of servers, as openstack server"),
        ("ID,Name,Flavor Name\r\n", "it is CSV of servers, as openstack server list"),
        ('"uuid","name","domain"\n', "it is CSV of guests, as nova-domains list prints it"),
        ('[{"ID": "x", "Name": "y"}]', "it is Nova's list of servers"),
        ('{"servers": [{"id": "x"}]}', "it is Nova's list of servers"),
    ],
)
def test_the_error_says_what_the_file_is_instead(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(HostError) as caught:
        opened(path)
    error = f"{caught.value.message} ({caught.value.hint})"
    assert error.startswith((f"{path}: holds no domain: {said}", f"{path}: holds no guest: {said}"))


# ---- bounds -----------------------------------------------------------------------------------


def test_a_file_of_all_domains_of_a_host_may_be_large(tmp_path: Path) -> None:
    rest = f"  <description>{'x' * 2**20}</description>\n"
    path = tmp_path / "all.xml"
    path.write_text("".join(domain(str(n), uuid_of(n), rest=rest) for n in range(1, 9)))
    assert len(opened(path).sightings()) == 8
    with path.open("r+b") as file:
        file.truncate(LARGEST_DUMP + 1)
    with pytest.raises(HostError, match="larger than 32 MiB"):
        opened(path)


def test_one_domain_that_is_too_large_costs_only_itself() -> None:
    large = domain("large", uuid_of(9), rest=f"  <x>{'x' * LARGEST_XML}</x>\n")
    dump = read(large + ONE)
    assert names(dump) == ["one"]
    assert dump.faults == ("line 1: a domain larger than 4 MiB",)


def test_more_domains_than_any_host_has_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "MOST_FILES", 2)
    dump = read("".join(domain(str(n), uuid_of(n)) for n in range(1, 9)))
    assert names(dump) == ["1", "2", "3"]
    assert dump.faults == ("line 16: more domains than any host has; the rest was not read",)


def test_faults_are_bounded() -> None:
    dump = read(f"{ONE}{TWO}" + "<domain>\n" * 5000)
    assert len(dump.faults) == dumps._MOST_FAULTS + 1
    assert dump.faults[-1] == "more places like these"


@pytest.mark.parametrize(
    "piece",
    ["<domain>\n", "</domain>\n", "<domain></domain>", "<domain>\n</domain>\n", "<!--", "<!-- -",
     "<![CDATA[", "<?", '<domain "', "<domain a='", "<", " <domain>", "x<domain>", "\n", "<!---->",
     "<domain>\n</domstatus>\n", "<domstatus>\n<domain>\n</domain>\n"],
)  # fmt: skip
def test_hostile_text_takes_linear_time(piece: str) -> None:
    def seconds(length: int) -> float:
        data = ("x\n" + piece * (length // len(piece))).encode()
        start = time.process_time()
        read_dump(data)
        return time.process_time() - start

    small, large = seconds(2**19), seconds(2**22)
    # Eight times the text; a square would take sixty-four times as long.
    assert large < 0.5 + 24 * small


@given(
    st.lists(
        st.sampled_from(
            (ONE, TWO, LIVE, SNAPSHOT, "<domain>", "</domain>", "<domain", "<!--", "-->", "\n",
             "<![CDATA[", "]]>", "<?xml", "?>", "text", " ", '"', "<", block("x"), DECLARED)
        ),
        max_size=12,
    )
)  # fmt: skip
def test_nothing_disappears_in_silence(parts: list[str]) -> None:
    text = "".join(parts)
    dump = read(text)
    assert dump.domains or dump.faults
    shown = {(file.name, file.snapshot is None) for file in dump.domains}
    if not (dump.faults or dump.notes or "<!--" in parts or "<![CDATA[" in parts):
        for whole, key in ((ONE, ("one", True)), (TWO, ("two", True)), (LIVE, ("live", True))):
            assert whole not in parts or key in shown
