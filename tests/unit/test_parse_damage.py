"""Whatever is wrong with a block or a domain: what can be read is read, and the fault is named."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from lxml import etree

from tests.support.paths import DATA
from virsh_nova.block.namespaces import DRAFT, NOVA_1_0, NOVA_1_1
from virsh_nova.model import Address, Block, Disk, Flavor, Instance, Interface, Port, Root, Unknown
from virsh_nova.parse import parse_block, parse_domain, parse_head
from virsh_nova.write import bare_block, write_block

PRINTED = sorted((DATA / "real").glob("*/*.xml"))
"""What ``virDomainGetXMLDesc`` returned for real guests."""
GOLDEN = (DATA / "golden/34.0.0/ports_v4_v6_floating.xml").read_text(encoding="utf-8")
SPECS = (DATA / "golden/34.0.0/many_extra_specs.xml").read_text(encoding="utf-8")


def changed(old: str, new: str, xml: str = GOLDEN) -> Block:
    """The golden with one place changed, read."""
    assert old in xml
    return parse_block(xml.replace(old, new))


def instance_of(block: Block) -> Instance:
    assert block.instance is not None
    return block.instance


def whole() -> Instance:
    return instance_of(parse_block(GOLDEN))


def only_differs_in(instance: Instance, *fields: str) -> bool:
    return all(
        getattr(instance, field) == getattr(whole(), field)
        for field in Instance._fields
        if field not in fields
    )


# ---- broken XML -------------------------------------------------------------------------------


def test_a_block_cut_off_is_read_up_to_there() -> None:
    block = parse_block(GOLDEN[: GOLDEN.index("<nova:owner>")])
    assert instance_of(block).name == "vm-ports_v4_v6_floating"
    assert instance_of(block).flavor == whole().flavor
    assert instance_of(block).owner is None
    assert block.faults[0].startswith("broken XML: ")


def test_a_character_out_of_place_costs_no_more_than_its_element() -> None:
    block = changed(">vm-ports_v4_v6_floating<", ">vm & co<")
    assert only_differs_in(instance_of(block), "name")
    assert "vm" in (instance_of(block).name or "")
    assert len(block.faults) == 1


@pytest.mark.parametrize("xml", ["", " ", "no XML at all", b"\x00\xff\xfe", "\ud800", "<"])
def test_what_is_not_xml_is_a_fault_without_an_instance(xml: str | bytes) -> None:
    block = parse_block(xml, NOVA_1_1)
    assert block.instance is None
    assert block.namespace == NOVA_1_1
    assert "broken XML" in block.faults[0]
    assert "\n" not in block.faults[0]


def test_bytes_and_text_read_the_same() -> None:
    assert instance_of(parse_block(GOLDEN.encode())) == whole()


def test_the_xml_is_kept_as_it_was_also_when_it_is_broken() -> None:
    assert parse_block(GOLDEN).xml == GOLDEN
    assert parse_block("<instance>").xml == "<instance>"
    assert parse_block(b"<instance>\xff").xml == "<instance>\N{REPLACEMENT CHARACTER}"


# ---- a wrong outermost element ----------------------------------------------------------------


def test_another_root_element_is_named_and_not_read() -> None:
    block = parse_block(f'<server xmlns="{NOVA_1_1}"><name>x</name></server>')
    assert block.instance is None
    assert block.namespace == NOVA_1_1
    (fault,) = block.faults
    assert "server" in fault
    assert "instance" in fault


def test_another_namespace_is_named_and_not_read() -> None:
    block = parse_block('<instance xmlns="urn:mine"><name>x</name></instance>')
    assert block.instance is None
    assert block.faults == ("the namespace 'urn:mine' is not one of Nova's",)


def test_a_prefix_that_nothing_declares_is_a_fault_and_no_crash() -> None:
    block = parse_block("<nova:instance><nova:name>x</nova:name></nova:instance>", NOVA_1_1)
    assert block.instance is None
    assert any("nova:instance" in fault for fault in block.faults)


def test_an_undeclared_prefix_inside_costs_nothing_else_and_is_written_back() -> None:
    block = changed("<nova:ports>", "<x:y><x:z>1</x:z></x:y><nova:ports>")
    assert only_differs_in(instance_of(block), "unknown")
    written = write_block(instance_of(block))
    assert "<x:y><x:z>1</x:z></x:y>" in written
    assert instance_of(parse_block(written)) == instance_of(block)


@pytest.mark.parametrize("tag", ["nova:nova:x", "nova::x", "nova:x:y:z"])
def test_a_name_with_several_colons_costs_nothing_else_and_is_written_back(tag: str) -> None:
    block = changed("<nova:ports>", f"<{tag}>1</{tag}><nova:ports>")
    assert only_differs_in(instance_of(block), "unknown")
    written = write_block(instance_of(block))
    assert f"<{tag}>1</{tag}>" in written
    assert instance_of(parse_block(written)) == instance_of(block)


@pytest.mark.parametrize("tag", ["c2:3:4", ":59", "::", "a:", "x:y"])
def test_a_name_with_colons_in_a_block_without_prefixes_is_kept(tag: str) -> None:
    xml = f'<instance xmlns="{NOVA_1_1}"><name>vm</name><{tag}</creationTime></instance>'
    block = parse_block(xml)
    assert instance_of(block).name == "vm"
    assert block.faults
    assert instance_of(parse_block(write_block(instance_of(block)))).name == "vm"
    assert instance_of(parse_block(bare_block(instance_of(block)), NOVA_1_1)).name == "vm"


# ---- values that are not what they should be --------------------------------------------------


@pytest.mark.parametrize(
    "text", ["much", "", " ", "5.5", "0x10", "1e3", "٣", "--1", "9" * 5000, "1 2"]
)
def test_a_number_that_is_no_number_is_unknown_and_kept(text: str) -> None:
    block = changed("<nova:memory>512<", f"<nova:memory>{text}<")
    instance = instance_of(block)
    assert only_differs_in(instance, "flavor", "unknown")
    assert instance.flavor == (whole().flavor or Flavor())._replace(memory_mib=None)
    (fault,) = block.faults
    assert fault.startswith("flavor/memory: ")
    assert fault.endswith("is not a number")
    assert len(fault) < 100
    (kept,) = instance.unknown
    assert (kept.parent, kept.name) == ("flavor", "memory")
    assert instance_of(parse_block(write_block(instance))) == instance


def test_a_number_may_be_negative_and_have_blanks_around_it() -> None:
    flavor = instance_of(changed("<nova:memory>512<", "<nova:memory>\n -512 <")).flavor
    assert flavor is not None
    assert flavor.memory_mib == -512


@pytest.mark.parametrize("inner", ["512<b/>", '512</nova:memory><nova:memory x="1">513'])
def test_a_number_with_more_than_a_number_in_it_is_a_fault(inner: str) -> None:
    block = changed("<nova:memory>512<", f"<nova:memory>{inner}<")
    assert len(block.faults) == 1
    assert len(instance_of(block).unknown) == 1


@pytest.mark.parametrize(
    "text",
    [
        "yesterday", "", "2024-12-31", "2024-12-31T23:59:59", "2024-13-31 23:59:59",
        "2023-02-29 00:00:00", "2024-12-31 24:00:00", "2024-12-31 23:59:60", "0000-01-01 00:00:00",
        "2024-12-31 23:59:59.5", "٢٠٢٤-12-31 23:59:59", "2024-12-31 23:59:59Z",
    ],
)  # fmt: skip
def test_a_date_that_is_no_date_is_unknown_and_kept(text: str) -> None:
    block = changed(">2024-12-31 23:59:59<", f">{text}<")
    instance = instance_of(block)
    assert only_differs_in(instance, "created", "unknown")
    assert instance.created is None
    assert block.faults == (f"creationTime: '{text}' is not a date and time",)
    assert [part.name for part in instance.unknown] == ["creationTime"]
    assert instance_of(parse_block(write_block(instance))) == instance


def test_a_date_is_in_utc_without_saying_so() -> None:
    assert whole().created == datetime(2024, 12, 31, 23, 59, 59, tzinfo=timezone.utc)


def test_an_address_of_no_version_keeps_what_was_written() -> None:
    block = changed('address="10.0.0.5" ipVersion="4"', 'address="10.0.0.5" ipVersion="four"')
    instance = instance_of(block)
    assert instance.ports is not None
    assert instance.ports[0].ips[0] == Address("fixed", "10.0.0.5", None)
    assert block.faults == ("ports/port[1]/ip[1]@ipVersion: 'four' is not a number",)
    assert instance.unknown == (Unknown("ports/port[1]/ip[1]", "@ipVersion", "four"),)
    assert 'ipVersion="four"' in write_block(instance)


def test_a_package_without_a_version_is_kept() -> None:
    instance = instance_of(changed('<nova:package version="34.0.0"/>', "<nova:package/>"))
    assert instance.package is None
    assert instance_of(parse_block(write_block(instance))) == instance
    assert "<nova:package/>" in write_block(instance)


# ---- too much of it ---------------------------------------------------------------------------


def test_two_elements_of_a_name_are_a_fault_and_the_first_counts() -> None:
    block = changed("<nova:owner>", "<nova:name>second</nova:name><nova:owner>")
    assert only_differs_in(instance_of(block), "unknown")
    assert block.faults == ("instance: two <name>; the first counts",)
    assert instance_of(block).unknown == (Unknown("", "name", "<name>second</name>"),)


def test_two_extra_specs_of_a_name_are_a_fault_and_the_first_counts() -> None:
    block = changed('name="multi"', 'name="empty"', SPECS)
    flavor = instance_of(block).flavor
    assert flavor is not None
    assert flavor.extra_specs is not None
    assert flavor.extra_specs["empty"] == ""
    assert block.faults == ("flavor/extraSpecs: two named 'empty'; the first counts",)
    assert instance_of(parse_block(write_block(instance_of(block)))) == instance_of(block)


@pytest.mark.parametrize(
    "spec",
    [
        "<nova:extraSpec>x</nova:extraSpec>",
        '<nova:extraSpec name="a" more="b">x</nova:extraSpec>',
        '<nova:extraSpec name="a">x<nova:b/></nova:extraSpec>',
    ],
)
def test_an_extra_spec_that_is_not_one_name_and_one_text_is_kept(spec: str) -> None:
    block = changed("<nova:extraSpecs/>", f"<nova:extraSpecs>{spec}</nova:extraSpecs>")
    instance = instance_of(block)
    assert block.faults == ("flavor/extraSpecs: a <extraSpec> that is not one name and one text",)
    assert instance.flavor is not None
    assert instance.flavor.extra_specs == {}
    assert spec in write_block(instance)
    assert instance_of(parse_block(write_block(instance))) == instance


def test_two_blocks_the_newest_namespace_comes_first() -> None:
    old, draft = (GOLDEN.replace(NOVA_1_1, uri) for uri in (NOVA_1_0, DRAFT))
    domain = parse_domain(f"<domain><metadata>{draft}{old}{GOLDEN}</metadata></domain>")
    assert [block.namespace for block in domain.blocks] == [NOVA_1_1, NOVA_1_0, DRAFT]
    assert domain.namespaces == (DRAFT, NOVA_1_0, NOVA_1_1)


def test_two_blocks_of_one_namespace_are_both_read() -> None:
    second = GOLDEN.replace("vm-ports_v4_v6_floating", "second")
    domain = parse_domain(f"<domain><metadata>{GOLDEN}{second}</metadata></domain>")
    assert [instance_of(block).name for block in domain.blocks] == [
        "vm-ports_v4_v6_floating",
        "second",
    ]


def test_five_megabytes_in_a_name_are_read() -> None:
    name = "x" * 5_000_000
    assert instance_of(changed("vm-ports_v4_v6_floating", name)).name == name


def test_five_megabytes_of_faults_are_summed_up_in_few_words() -> None:
    many = "<nova:name>x</nova:name>" * 50_000 + "<nova:port/>" * 50_000
    block = changed("<nova:owner>", f"{many}<nova:owner>")
    assert only_differs_in(instance_of(block), "unknown")
    assert len(block.faults) <= 30
    assert all(len(fault) < 300 for fault in block.faults)


def test_a_long_name_in_a_fault_is_cut() -> None:
    for xml in (f"<{'x' * 40_000}/>", f"<instance><{'x' * 40_000}></instance>"):
        assert sum(map(len, parse_block(xml, NOVA_1_1).faults)) < 600


def test_ten_thousand_levels_are_a_fault_and_what_comes_before_is_read() -> None:
    block = changed("<nova:ports>", f"{'<a>' * 10_000}{'</a>' * 10_000}<nova:ports>")
    instance = instance_of(block)
    assert instance.name == whole().name
    assert instance.owner == whole().owner
    assert "broken XML" in block.faults[0]


def test_two_hundred_levels_are_kept_and_written_back() -> None:
    block = changed("<nova:ports>", f"{'<a>' * 200}{'</a>' * 200}<nova:ports>")
    instance = instance_of(block)
    assert only_differs_in(instance, "unknown")
    assert instance_of(parse_block(write_block(instance))) == instance


# ---- entities ---------------------------------------------------------------------------------


def with_document_type(subset: str, name: str) -> Block:
    return parse_block(
        f"<!DOCTYPE instance [{subset}]>"
        f'<instance xmlns="{NOVA_1_1}"><name>{name}</name><owner/></instance>'
    )


def test_an_entity_is_not_expanded() -> None:
    block = with_document_type('<!ENTITY boom "expanded">', "a&boom;b")
    assert "expanded" not in (instance_of(block).name or "")
    assert instance_of(block).owner is not None
    assert any("document type" in fault for fault in block.faults)


def test_a_billion_laughs_are_not_expanded() -> None:
    levels = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(10))
    block = with_document_type(f'<!ENTITY l0 "ha">{levels}', "&l10;")
    assert len(instance_of(block).name or "") < 100
    assert any("document type" in fault for fault in block.faults)


def test_an_external_entity_is_not_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    for system in (secret.as_uri(), str(secret), "http://127.0.0.1:1/"):
        block = with_document_type(f'<!ENTITY file SYSTEM "{system}">', "a&file;b")
        assert "secret" not in repr(block.instance)
        assert block.faults


def test_an_external_document_type_is_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "x.dtd").write_text('<!ENTITY file "the secret">')
    block = parse_block(
        f'<!DOCTYPE instance SYSTEM "{tmp_path}/x.dtd">'
        f'<instance xmlns="{NOVA_1_1}"><name>a&file;b</name></instance>'
    )
    assert "secret" not in repr(block.instance)
    assert block.faults


def test_an_undeclared_entity_is_a_fault() -> None:
    block = changed(">vm-ports_v4_v6_floating<", ">a&nbsp;b<")
    assert only_differs_in(instance_of(block), "name", "unknown")
    assert "nbsp" in block.faults[0]


# ---- what is not understood is kept -----------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ("<nova:name>", '<nova:name lang="de">', Unknown("name", "@lang", "de")),
        ("<nova:owner>", '<nova:owner since="1">', Unknown("owner", "@since", "1")),
        ("<nova:ports>", '<nova:ports n="3">', Unknown("ports", "@n", "3")),
        ('<nova:flavor name="m1.tiny"', '<nova:flavor name="m1.tiny" x="1"',
         Unknown("flavor", "@x", "1")),
        ("<nova:extraSpecs/>", '<nova:extraSpecs n="0"/>',
         Unknown("flavor/extraSpecs", "@n", "0")),
        ('<nova:root type="image"', '<nova:root type="image" size="9"',
         Unknown("root", "@size", "9")),
        ('address="192.168.1.11"', 'address="192.168.1.11" mac="x"',
         Unknown("ports/port[2]/ip[2]", "@mac", "x")),
        ("<nova:owner>", "<nova:lock>on</nova:lock><nova:owner>",
         Unknown("", "lock", "<lock>on</lock>")),
        ("<nova:owner>", "<!-- hello --><nova:owner>",
         Unknown("", "#comment", "<!-- hello -->")),
        ("</nova:owner>", "<nova:group><nova:x/></nova:group></nova:owner>",
         Unknown("owner", "group", "<group><x/></group>")),
        ('floating</nova:name>', 'floating<!--x--></nova:name>',
         Unknown("name", "#comment", "<!--x-->")),
        ("<nova:ports>", "<nova:ports><!-- p -->", Unknown("ports", "#comment", "<!-- p -->")),
        ("<nova:extraSpecs/>", "<nova:extraSpecs><nova:other/></nova:extraSpecs>",
         Unknown("flavor/extraSpecs", "other", "<other/>")),
        ('ipVersion="6"/>', 'ipVersion="6"><nova:x/></nova:ip>',
         Unknown("ports/port[1]/ip[2]", "x", "<x/>")),
        ("<nova:owner>", '<o:x xmlns:o="urn:o" o:y="1"><o:z/></o:x><nova:owner>',
         Unknown("", "{urn:o}x", '<o:x xmlns:o="urn:o" o:y="1"><o:z/></o:x>')),
        ("<nova:owner>", '<o:x xmlns:o="urn:o"><nova:z/></o:x><nova:owner>',
         Unknown("", "{urn:o}x", '<o:x xmlns:o="urn:o"><z/></o:x>')),
    ],
)  # fmt: skip
def test_an_unknown_part_is_kept_in_its_place_and_written_back(
    old: str, new: str, kept: Unknown
) -> None:
    block = changed(old, new)
    instance = instance_of(block)
    assert block.faults == ()
    assert only_differs_in(instance, "unknown")
    assert instance.unknown == (kept,)
    again = parse_block(write_block(instance))
    assert again.instance == instance
    assert again.faults == ()


def test_an_unknown_part_goes_back_into_the_block_when_its_place_is_gone() -> None:
    instance = instance_of(changed("<nova:owner>", '<nova:owner since="1">'))
    written = write_block(instance._replace(owner=None))
    assert instance_of(parse_block(written)).unknown == (Unknown("", "@since", "1"),)


def test_an_unknown_part_that_is_no_xml_cannot_be_written() -> None:
    instance = Instance(NOVA_1_1, unknown=(Unknown("", "x", "no XML"),))
    with pytest.raises(ValueError, match="no XML"):
        write_block(instance)


def test_an_unknown_element_is_written_on_a_line_of_its_own() -> None:
    instance = instance_of(changed("<nova:owner>", "<nova:lock>on</nova:lock><nova:owner>"))
    assert "\n  <nova:lock>on</nova:lock>\n</nova:instance>" in write_block(instance)


# ---- forms that are right, though rare --------------------------------------------------------


def test_a_port_without_addresses_is_a_port() -> None:
    ports = whole().ports
    assert ports is not None
    assert ports[2] == Port("8bda7fdc-63c8-5f05-81f1-fda43b14d3bd", ())


def test_null_empty_and_absent_read_differently() -> None:
    empty = instance_of(parse_block(
        f'<instance xmlns="{NOVA_1_1}"><name/><flavor><extraSpecs/></flavor><image uuid="">'
        '<properties/></image><owner/><root type="volume" uuid=""/><ports/></instance>'
    ))  # fmt: skip
    assert empty.name == ""
    assert empty.flavor == Flavor(extra_specs={})
    assert empty.image is not None
    assert (empty.image.uuid, empty.image.properties) == ("", {})
    assert empty.owner is not None
    assert (empty.owner.user, empty.owner.project) == (None, None)
    assert empty.root == Root("volume", "")
    assert empty.ports == ()
    absent = instance_of(parse_block(f'<instance xmlns="{NOVA_1_1}"/>'))
    assert absent == Instance(NOVA_1_1)


def test_the_second_declaration_that_novas_set_metadata_leaves_is_ignored() -> None:
    attached = (DATA / "real/attached/nova-lab-00000006.live.xml").read_text(encoding="utf-8")
    assert attached.count(f'"{NOVA_1_1}"') == 2
    (block,) = parse_domain(attached).blocks
    assert block.faults == ()
    assert instance_of(block).unknown == ()
    assert instance_of(block).package == "34.0.0"


def test_a_stripped_block_takes_its_namespace_from_what_it_declares() -> None:
    stripped = (DATA / "real/attached/nova-lab-00000006.metadata.live").read_text("utf-8")
    assert parse_block(stripped).namespace == NOVA_1_1
    declared = f'<instance xmlns:instance="{NOVA_1_0}"/>'
    assert parse_block(declared).namespace == NOVA_1_0


def test_two_guests_of_one_flavor_are_read_apart() -> None:
    # Equal parts of several guests may be read but once: a change in one must not be overlooked.
    first = changed("<nova:vcpus>1<", "<nova:vcpus>7<")
    second = changed("<nova:vcpus>1<", "<nova:vcpus>8<")
    broken = changed("<nova:vcpus>1<", "<nova:vcpus>many<")
    flavors = [instance_of(block).flavor for block in (first, second, broken, first)]
    assert [flavor and flavor.vcpus for flavor in flavors] == [7, 8, None, 7]
    assert changed("<nova:vcpus>1<", "<nova:vcpus>many<") == broken
    assert len(broken.faults) == 1


# ---- the domain -------------------------------------------------------------------------------


def test_a_domstatus_gives_state_reason_and_pid() -> None:
    live = (DATA / "real/files/run/libvirt/qemu/nova-lab-00000006.xml").read_text("utf-8")
    domain = parse_domain(live)
    root = etree.fromstring(live.encode())
    assert root.tag == "domstatus"
    assert domain.state == root.get("state") == "running"
    assert domain.reason == root.get("reason")
    assert domain.pid == int(root.get("pid", ""))
    assert domain.name == "nova-lab-00000006"
    assert len(domain.blocks) == 1
    assert domain.faults == ()


def test_a_persistent_definition_has_no_state_of_its_own() -> None:
    path = DATA / "real/files/etc/libvirt/qemu/nova-lab-00000006.xml"
    domain = parse_domain(path.read_text(encoding="utf-8"))
    assert (domain.state, domain.reason, domain.pid, domain.id) == (None, None, None, None)
    assert domain.name == "nova-lab-00000006"


@pytest.mark.parametrize(
    ("written", "mib"),
    [
        ("<memory>1048576</memory>", 1024), ("<memory unit='KiB'>1048576</memory>", 1024),
        ("<memory unit='k'>1048576</memory>", 1024), ("<memory unit='MiB'>512</memory>", 512),
        ("<memory unit='M'>512</memory>", 512), ("<memory unit='GiB'>2</memory>", 2048),
        ("<memory unit='G'>2</memory>", 2048), ("<memory unit='T'>1</memory>", 1048576),
        ("<memory unit='TiB'>1</memory>", 1048576), ("<memory unit='b'>1048576</memory>", 1),
        ("<memory unit='bytes'>1048576</memory>", 1), ("<memory unit='KB'>1048576</memory>", 1000),
        ("<memory unit='MB'>1048576</memory>", 1000000), ("<memory unit='GB'>1</memory>", 953),
        ("<memory unit='TB'>1</memory>", 953674), ("<memory unit='furlong'>1</memory>", None),
        ("<memory>much</memory>", None), ("", None),
    ],
)  # fmt: skip
def test_memory_is_given_in_mib_whatever_its_unit(written: str, mib: int | None) -> None:
    assert parse_domain(f"<domain>{written}</domain>").hardware.memory_mib == mib


@pytest.mark.parametrize(
    ("written", "count"),
    [("<vcpu>4</vcpu>", 4), ("<vcpu current='2'>4</vcpu>", 2), ("<vcpu/>", None), ("", None)],
)
def test_the_vcpus_are_those_in_use(written: str, count: int | None) -> None:
    assert parse_domain(f"<domain>{written}</domain>").hardware.vcpus == count


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<source file='/a/b'/>", "/a/b"), ("<source dev='/dev/sdx'/>", "/dev/sdx"),
        ("<source protocol='rbd' name='vms/x_disk'><auth username='u'/></source>", "vms/x_disk"),
        ("<source pool='p' volume='v'/>", "p/v"), ("<source dir='/d'/>", "/d"),
        ("<source/>", None), ("", None),
    ],
)  # fmt: skip
def test_the_source_of_a_disk_is_found_whatever_its_type(source: str, expected: str | None) -> None:
    domain = parse_domain(
        f"<domain><devices><disk>{source}<target dev='vda' bus='virtio'/></disk></devices></domain>"
    )
    (disk,) = domain.hardware.disks
    assert disk[:4] == ("vda", "virtio", expected, None)
    assert disk.protocol == ("rbd" if "protocol" in source else None)


def test_devices_without_their_parts_are_listed_all_the_same() -> None:
    hardware = parse_domain("<domain><devices><disk/><interface/></devices></domain>").hardware
    assert hardware.disks == (Disk(None, None, None, None),)
    assert hardware.interfaces == (Interface(None, None, None),)


def test_an_interface_names_its_port() -> None:
    domain = parse_domain(
        "<domain><devices><interface><mac address='fa:16:3e:00:00:01'/><target dev='tap1'/>"
        "<virtualport><parameters interfaceid='p1'/></virtualport></interface></devices></domain>"
    )
    assert domain.hardware.interfaces == (Interface("fa:16:3e:00:00:01", "tap1", "p1"),)


@pytest.mark.parametrize("xml", ["<node/>", "<domstatus/>", "<instance><name>x</name></instance>"])
def test_xml_without_a_domain_is_a_fault(xml: str) -> None:
    domain = parse_domain(xml)
    assert domain.faults == ("the XML holds no <domain>",)
    assert domain.name is None
    assert domain.blocks == ()


def test_a_domain_cut_off_is_read_up_to_there() -> None:
    live = (DATA / "real/spawned/nova-lab-00000006.live.xml").read_text(encoding="utf-8")
    domain = parse_domain(live[: live.index("<devices>")])
    assert domain.name == "nova-lab-00000006"
    assert domain.sysinfo["product"] == "OpenStack Nova"
    assert instance_of(domain.blocks[0]).name == "vm-linux"
    assert domain.hardware.disks == ()
    assert len(domain.faults) == 1


def test_the_head_of_a_broken_domain_gives_what_can_be_read() -> None:
    live = (DATA / "real/spawned/nova-lab-00000006.live.xml").read_text(encoding="utf-8")
    broken = live.replace("<nova:flavor ", "<nova:flavor & ")
    head, domain = parse_head(broken), parse_domain(broken)
    assert domain.faults
    assert instance_of(head.blocks[0]).name == "vm-linux"
    assert head.blocks == domain.blocks


@pytest.mark.parametrize("path", PRINTED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_head_of_a_domain_gives_what_the_whole_does(path: Path) -> None:
    xml = path.read_text(encoding="utf-8")
    head, domain = parse_head(xml), parse_domain(xml)
    assert head.blocks == domain.blocks
    assert (head.title, head.description) == (domain.title, domain.description)


def test_title_and_description_are_read_with_and_without_metadata() -> None:
    texts = "<name>n</name><title>a title</title><description/>"
    for rest in ("", "\n  <metadata>\n    <x/>\n  </metadata>\n"):
        head = parse_head(f"<domain>{texts}{rest}<devices/></domain>")
        assert (head.title, head.description) == ("a title", "")


# ---- secrets ----------------------------------------------------------------------------------


def test_no_password_of_a_domain_is_kept() -> None:
    secret = "hunter2"
    domain = parse_domain(
        f"""<domain><name>x</name>
        <metadata><c:data xmlns:c="https://github.com/cockpit-project/cockpit-machines">
        <c:root_password>{secret}</c:root_password></c:data>{GOLDEN}</metadata>
        <devices><graphics type='vnc' port='-1' passwd='{secret}'/>
        <graphics type='spice' passwd='{secret}'/>
        <disk type='network'><source protocol='rbd' name='a/b'><auth username='{secret}'>
        <secret type='ceph' uuid='{secret}'/></auth></source></disk></devices>
        <qemu:commandline xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">
        <qemu:env name='K' value='{secret}'/></qemu:commandline></domain>"""
    )
    assert domain.faults == ()
    assert len(domain.namespaces) == 2
    assert secret not in repr(domain)


def test_an_element_that_is_named_like_a_scheme_is_kept() -> None:
    xml = (
        '<instance xmlns="http://openstack.org/xmlns/libvirt/nova/1.1">\n'
        '  <http://openstack.org/xmlns/libvirt/nova/1.1">\n  <package version="34.0.0"/>\n'
        "</instance>\n"
    )
    block = parse_block(xml)
    assert block.instance is not None
    assert [part.name for part in block.instance.unknown]
    assert parse_block(write_block(block.instance)).instance is not None
