"""`nova-domains show` on real guests: what Nova recorded, and what libvirt made of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.command import the_error
from tests.support.goldens import INPUTS, golden_block
from tests.support.neighbours.calls import write_as_nova
from tests.support.real_host import NOVA_1_1, output_on, run_on, uuid, with_device

VOLUME = "9a1b5f0e-3c62-4d0f-8a5b-2f6c1d7e4b90"
PASSWORD = "s3same-0"
PORT = "36116cce-64e7-5c02-9694-c89222938f49"

VNC = f"<graphics type='vnc' autoport='yes' listen='127.0.0.1' passwd='{PASSWORD}'/>"
SLIRP = "<interface type='user'><mac address='fa:16:3e:00:00:01'/></interface>"
OVS = f"""<interface type='bridge'>
  <mac address='fa:16:3e:00:00:02'/><source bridge='br-int'/>
  <virtualport type='openvswitch'><parameters interfaceid='{PORT}'/></virtualport>
  <target dev='tap{PORT[:11]}'/>
</interface>"""
TAP = f"""<interface type='bridge'>
  <mac address='fa:16:3e:00:00:03'/><source bridge='qbr{PORT[:11]}'/>
  <target dev='tap{PORT[:11]}'/>
</interface>"""
COCKPIT = "https://github.com/cockpit-project/cockpit-machines"

FORMATS = ["table", "json", "yaml", "xml", "value"]


@pytest.fixture(scope="module")
def host(module_host: ComputeHost) -> ComputeHost:
    web = domains.nova_guest(
        "instance-00000001",
        uuid(1),
        golden_block("34.0.0", "image_props"),
        disk=module_host.instance_disk(uuid(1)),
        volume=VOLUME,
        memory_mib=12,
    )
    module_host.define(with_device(with_device(web, SLIRP), VNC))
    module_host.start("instance-00000001")
    ports = golden_block("34.0.0", "ports_v4_v6_floating")
    ovs = domains.nova_guest("instance-00000002", uuid(2), ports)
    module_host.define(with_device(with_device(ovs, OVS), VNC))
    bridged = domains.nova_guest("instance-00000003", uuid(3), ports)
    module_host.define(with_device(bridged, TAP))
    # Its display name is the domain name of another, its uuid begins with a number that is an id.
    twin = golden_block("23.0.0", "image_plain", name="instance-00000001")
    module_host.define(domains.nova_guest("twin", uuid(4), twin))
    module_host.define(domains.plain_guest("other", "00000001-dead-4bee-8000-0123456789ab"))
    secret = (
        f"<data xmlns='{COCKPIT}'><install_source>os</install_source>"
        f"<root_password>{PASSWORD}</root_password></data>"
    )
    made = domains.plain_guest("cockpit", uuid(6))
    made = made.replace("<memory ", f"<metadata>{secret}</metadata><memory ")
    module_host.define(made)
    return module_host


def shown(host: ComputeHost, *handles: str) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = json.loads(
        output_on(host.uri, "show", "-f", "json", *handles)
    )
    return documents


class TestAHandle:
    def test_is_a_domain_name_a_uuid_its_beginning_an_id_or_a_display_name(
        self, host: ComputeHost
    ) -> None:
        number = host.domain("instance-00000001").ID()
        for handle in (
            "instance-00000001",
            uuid(1),
            uuid(1).upper(),
            uuid(1)[:10],
            str(number),
            "vm-image_props",
        ):
            (guest,) = shown(host, handle)
            assert guest["domain"] == "instance-00000001", handle

    def test_is_a_domain_before_it_is_a_display_name(self, host: ComputeHost) -> None:
        assert [guest["domain"] for guest in shown(host, "instance-00000001")] == [
            "instance-00000001"
        ]

    def test_among_several_keeps_its_place(self, host: ComputeHost) -> None:
        handles = ["twin", uuid(2), "instance-00000001", "cockpit"]
        names = ["twin", "instance-00000002", "instance-00000001", "cockpit"]
        assert [guest["domain"] for guest in shown(host, *handles)] == names

    def test_that_matches_two_guests_lists_both(self, host: ComputeHost) -> None:
        code, out, err = run_on(host.uri, "show", "00000001-")
        assert (code, out) == (1, "")
        assert "instance-00000001" in the_error(err)
        assert "other" in err

    def test_that_matches_two_display_names_lists_both(self, host: ComputeHost) -> None:
        code, out, err = run_on(host.uri, "show", "vm-ports_v4_v6_floating")
        assert (code, out) == (1, "")
        assert uuid(2) in err
        assert uuid(3) in err

    def test_without_a_match_gets_the_closest_names(self, host: ComputeHost) -> None:
        code, out, err = run_on(host.uri, "show", "vm-image-props")
        assert (code, out) == (1, "")
        assert "'vm-image_props'" in err

    def test_that_is_wrong_does_not_cost_the_others(self, host: ComputeHost) -> None:
        code, out, err = run_on(host.uri, "show", "-f", "json", "twin", "nobody", "other")
        assert code == 1
        assert [guest["domain"] for guest in json.loads(out)] == ["twin", "other"]
        assert "'nobody'" in err


class TestTheHardware:
    def test_is_what_libvirt_gave_a_running_guest(self, host: ComputeHost) -> None:
        (guest,) = shown(host, "instance-00000001")
        hardware = guest["hardware"]
        assert guest["state"] == "running"
        assert (hardware["vcpus"], hardware["memory_mib"]) == (1, 12)
        assert hardware["disks"] == [
            {
                "target": "vda",
                "bus": "virtio",
                "source": str(host.directory / "instances" / uuid(1) / "disk"),
                "serial": VOLUME,
                "device": "disk",
                "backing": [],
                "boot": None,
                "protocol": None,
                "shareable": False,
                "read_only": False,
            }
        ]
        assert [nic["mac"] for nic in hardware["interfaces"]] == ["fa:16:3e:00:00:01"]

    def test_has_the_pid_of_a_running_guest(self, host: ComputeHost) -> None:
        (record,) = shown(host, "instance-00000001")
        assert record["hardware"]["pid"] == host.qemu_pid("instance-00000001")

    def test_has_the_port_that_open_vswitch_knows(self, host: ComputeHost) -> None:
        (guest,) = shown(host, "instance-00000002")
        assert guest["hardware"]["interfaces"] == [
            {
                "mac": "fa:16:3e:00:00:02",
                "target": f"tap{PORT[:11]}",
                "port": PORT,
                "type": "bridge",
                "source": None,
                "vlan": None,
            }
        ]

    def test_has_the_port_of_the_block_that_names_the_tap(self, host: ComputeHost) -> None:
        (guest,) = shown(host, "instance-00000003")
        assert guest["hardware"]["interfaces"] == [
            {
                "mac": "fa:16:3e:00:00:03",
                "target": f"tap{PORT[:11]}",
                "port": PORT,
                "type": "bridge",
                "source": None,
                "vlan": None,
            }
        ]

    def test_is_in_the_table_too(self, host: ComputeHost) -> None:
        table = output_on(host.uri, "show", "instance-00000001", "instance-00000002")
        for fact in (f"serial {VOLUME}", "12 MiB", "fa:16:3e:00:00:01", f"port {PORT}"):
            assert fact in table


class TestXml:
    @pytest.mark.parametrize("name", ["instance-00000001", "instance-00000002", "twin"])
    def test_is_the_block_as_the_domain_holds_it(self, host: ComputeHost, name: str) -> None:
        domain = etree.fromstring(host.domain(name).XMLDesc())
        stored = domain.find(f"metadata/{{{NOVA_1_1}}}instance")
        assert stored is not None
        stored.tail = None
        printed = output_on(host.uri, "show", "-f", "xml", name)
        assert etree.canonicalize(printed) == etree.canonicalize(
            etree.tostring(stored, encoding="unicode")
        )

    def test_is_nothing_for_a_guest_without_a_block(self, host: ComputeHost) -> None:
        _, out, err = run_on(host.uri, "show", "-f", "xml", "other")
        assert out == ""
        assert "other" in err


class TestSecrets:
    @pytest.mark.parametrize("format_", FORMATS)
    def test_are_never_shown(self, host: ComputeHost, format_: str) -> None:
        guests = ["instance-00000001", "instance-00000002", "cockpit"]
        _, out, err = run_on(host.uri, "show", "-f", format_, *guests)
        assert uuid(1) in out or format_ == "xml"
        assert PASSWORD not in out + err

    @pytest.mark.parametrize("format_", ["table", "json", "yaml", "csv", "value"])
    def test_are_never_listed(self, host: ComputeHost, format_: str) -> None:
        out = output_on(host.uri, "list", "--long", "-f", format_)
        assert uuid(6) in out
        assert PASSWORD not in out

    def test_are_there_for_those_who_may_see_them(self, host: ComputeHost) -> None:
        # Else the two above would prove nothing.
        files = Path(host.directory, "etc", "qemu")
        for name in ("instance-00000001", "instance-00000002", "cockpit"):
            assert PASSWORD in (files / f"{name}.xml").read_text()


@pytest.fixture(scope="module")
def attached(host: ComputeHost) -> str:
    name, after = "instance-00000009", INPUTS["ports_v4_v6_floating"]
    host.define(domains.nova_guest(name, uuid(9), golden_block("34.0.0", "no_ports")))
    host.start(name)
    write_as_nova(host.uri, [{"domain": name, "instance": after}])
    return name


class TestAPortAttached:
    """Nova then writes the live metadata only: from there on the persistent one is behind."""

    def test_counts_by_its_live_block(self, host: ComputeHost, attached: str) -> None:
        (guest,) = shown(host, attached)
        assert guest["instance"]["name"] == "vm-ports_v4_v6_floating"
        assert len(guest["instance"]["ports"]) == 3

    def test_differs_from_the_persistent_block_in_the_document(
        self, host: ComputeHost, attached: str
    ) -> None:
        (guest,) = shown(host, attached)
        differences = {each["field"]: each for each in guest["differences"]}
        assert set(differences) == {"name", "ports"}
        assert differences["name"]["live"] == "vm-ports_v4_v6_floating"
        assert differences["name"]["persistent"] == "vm-no_ports"
        assert differences["ports"]["live"] == guest["instance"]["ports"]
        assert differences["ports"]["persistent"] in (None, [])

    def test_differs_from_the_persistent_block_in_the_table(
        self, host: ComputeHost, attached: str
    ) -> None:
        table = output_on(host.uri, "show", attached)
        assert "Live and persistent metadata differ" in table
        assert "vm-no_ports" in table
        assert "differ" not in output_on(host.uri, "show", "instance-00000001")

    def test_is_printed_as_the_live_domain_holds_it(self, host: ComputeHost, attached: str) -> None:
        printed = output_on(host.uri, "show", "-f", "xml", attached)
        assert f'xmlns:instance="{NOVA_1_1}"' in printed
        assert "vm-ports_v4_v6_floating" in printed


def test_the_pid_of_a_guest_whose_name_libvirt_escapes_in_its_file_names(
    host: ComputeHost,
) -> None:
    name = "a & <b>"
    host.create(domains.plain_guest(name))
    (record,) = shown(host, name)
    assert record["hardware"]["pid"] is not None
