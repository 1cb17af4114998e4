"""The real command line on embedded hosts: every option, format and exit code."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.command import failure, nova_domains, output, the_error
from tests.support.embedded import PAUSED, SHUTOFF, block, guest, make_host, uuid_of
from tests.support.moments import without_moments
from tests.support.paths import DATA
from tests.support.terminals import SGR, on_terminal
from virsh_nova import __version__
from virsh_nova.block.namespaces import NOVA_1_0
from virsh_nova.guests.columns import COLUMNS, DEFAULT, FLAT, FLAT_LONG, LONG

GOLDEN = (DATA / "golden/34.0.0/ports_v4_v6_floating.xml").read_text(encoding="utf-8")
OLD = (DATA / "golden/15.1.5/volume_boot.xml").read_text(encoding="utf-8")
KUBEVIRT = '<k:vm xmlns:k="http://kubevirt.io"><k:uid>x</k:uid></k:vm>'
COCKPIT = (
    '<c:data xmlns:c="https://github.com/cockpit-project/cockpit-machines">'
    "<c:root_password>hunter2</c:root_password></c:data>"
)
DISK = (
    "<disk type='file' device='disk'><source file='/var/lib/nova/instances/{uuid}/disk'/>"
    "<target dev='vda' bus='virtio'/><serial>c2331ad9-afdb-4fc3-97c9-2e93e78d6249</serial></disk>"
)
NIC = (
    "<interface type='ethernet'><mac address='fa:16:3e:00:00:01'/>"
    "<target dev='tap36116cce-64'/></interface>"
)
VNC = "<graphics type='vnc' port='-1' passwd='hunter2'/>"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two Nova instances, one without its block, one of KubeVirt, and a plain one."""
    return make_host(
        tmp_path_factory.mktemp("host"),
        guest(1, metadata=GOLDEN, rest=DISK.format(uuid=uuid_of(1)) + NIC + VNC),
        guest(2, metadata=OLD, state=PAUSED),
        guest(3, state=SHUTOFF, rest=DISK.format(uuid=uuid_of(3))),
        guest(4, domain="vmi-4", metadata=KUBEVIRT + COCKPIT),
        guest(5, domain="plain"),
    )


@pytest.fixture(scope="module")
def empty_host(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_host(tmp_path_factory.mktemp("empty"))


def documents(*arguments: str, **changes: str) -> list[dict[str, Any]]:
    return json.loads(output(*arguments, "-f", "json", **changes))  # type: ignore[no-any-return]


def usage_error(*arguments: str) -> str:
    done = nova_domains(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage: nova-domains" in done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


# ---- list -------------------------------------------------------------------------------------


def test_list_shows_three_sections_with_their_counts(host: str) -> None:
    lines = output("-c", host, "list").splitlines()
    assert "2 Nova instances" in lines
    assert "1 Nova instance without metadata" in lines
    assert "2 foreign guests" in lines


def test_list_shows_the_default_columns_whole(host: str) -> None:
    lines = output("-c", host, "list").splitlines()
    header = lines[lines.index("2 Nova instances") + 2]
    assert re.split(r"  +", header) == [name.upper() for name in DEFAULT]
    (row,) = [line for line in lines if uuid_of(1) in line]
    assert re.split(r"  +", row) == [
        "vm-ports_v4_v6_floating", "running", "demo-project", "demo", "m1.tiny",
        "instance-00000001", uuid_of(1),
    ]  # fmt: skip


def test_list_long_adds_the_long_columns(host: str) -> None:
    lines = output("-c", host, "list", "--long").splitlines()
    header = lines[lines.index("2 Nova instances") + 2]
    assert re.split(r"  +", header.strip()) == [COLUMNS[name].title for name in LONG]
    (row,) = [line for line in lines if uuid_of(2) in line]
    assert "15.1.5" in row
    assert NOVA_1_0 in row


def test_list_shows_the_manager_of_foreign_guests(host: str) -> None:
    lines = output("-c", host, "list").splitlines()
    (line,) = [line for line in lines if "vmi-4" in line]
    assert "KubeVirt" in line
    (line,) = [line for line in lines if "plain" in line]
    assert "unknown" in line


def test_list_leaves_out_sections_without_guests(host: str) -> None:
    text = output("-c", host, "list", "--kind", "foreign")
    assert text.startswith("2 foreign guests\n")
    assert "Nova" not in text


def test_a_host_without_guests_says_so(empty_host: str) -> None:
    (line,) = output("-c", empty_host, "list").splitlines()
    assert line.endswith(" has no guests")
    assert documents("-c", empty_host, "list") == []
    assert yaml.safe_load(output("-c", empty_host, "list", "-f", "yaml")) == []
    assert output("-c", empty_host, "list", "-f", "value") == ""
    assert len(output("-c", empty_host, "list", "-f", "csv").splitlines()) == 1


def test_a_filter_without_a_match_says_so(host: str) -> None:
    assert output("-c", host, "list", "--name", "nobody") == "no guest matches\n"
    assert documents("-c", host, "list", "--name", "nobody") == []


def test_list_json_is_as_documented(host: str) -> None:
    guests = documents("-c", host, "list")
    assert [guest["domain"] for guest in guests] == sorted(guest["domain"] for guest in guests)
    assert all(
        list(guest)
        == [
            "host", "uuid", "domain", "id", "state", "kind", "manager", "evidence", "title",
            "description", "read_at", "instance",
        ]
        for guest in guests
    )  # fmt: skip
    first, second, lost, plain, kubevirt = guests
    assert (first["kind"], first["manager"], first["state"]) == ("nova", "nova", "running")
    assert isinstance(first["id"], int)
    assert first["instance"] == {
        "namespace": "http://openstack.org/xmlns/libvirt/nova/1.1",
        "package": "34.0.0",
        "name": "vm-ports_v4_v6_floating",
        "created": "2024-12-31T23:59:59Z",
        "flavor": {
            "name": "m1.tiny", "id": "1", "memory_mib": 512, "disk_gib": 1, "swap_mib": 0,
            "ephemeral_gib": 0, "vcpus": 1, "extra_specs": {},
        },
        "image": {
            "uuid": "23bc9bec-34d5-5d8b-abb7-29a3a654fb87", "container_format": "bare",
            "disk_format": "qcow2", "min_disk_gib": 1, "min_ram_mib": 0, "properties": {},
        },
        "owner": {
            "user": {"id": "79f47d31744b5500a6452cc6987041c9", "name": "demo"},
            "project": {"id": "3505505d0ff0589c949b0ed7b7e44392", "name": "demo-project"},
        },
        "root": {"type": "image", "uuid": "23bc9bec-34d5-5d8b-abb7-29a3a654fb87"},
        "ports": [
            {"uuid": "36116cce-64e7-5c02-9694-c89222938f49", "ips": [
                {"type": "fixed", "address": "10.0.0.5", "version": 4},
                {"type": "fixed", "address": "2001:db8::f816:3eff:fe00:1", "version": 6},
            ]},
            {"uuid": "35bd0083-a103-5790-932b-28742a45b21d", "ips": [
                {"type": "fixed", "address": "192.168.1.10", "version": 4},
                {"type": "fixed", "address": "192.168.1.11", "version": 4},
            ]},
            {"uuid": "8bda7fdc-63c8-5f05-81f1-fda43b14d3bd", "ips": []},
        ],
    }  # fmt: skip
    assert second["state"] == "paused"
    assert {second["instance"][key] for key in ("image", "root", "ports")} == {None}
    assert (lost["kind"], lost["id"], lost["instance"]) == ("nova-unstamped", None, None)
    assert any("disk" in text for text in lost["evidence"])
    assert (kubevirt["kind"], kubevirt["manager"]) == ("foreign", "KubeVirt")
    assert (plain["manager"], plain["evidence"]) == ("unknown", [])


def test_list_yaml_holds_what_json_does(host: str) -> None:
    assert yaml.safe_load(output("-c", host, "list", "-f", "yaml")) == documents("-c", host, "list")


@pytest.mark.parametrize(("option", "names"), [([], FLAT), (["--long"], FLAT_LONG)])
def test_list_csv_is_one_flat_list(host: str, option: list[str], names: tuple[str, ...]) -> None:
    rows = list(csv.reader(StringIO(output("-c", host, "list", "-f", "csv", *option))))
    assert rows[0] == list(names)
    assert len(rows) == 6
    assert rows[1][:8] == [
        uuid_of(1), "vm-ports_v4_v6_floating", "instance-00000001", "running", "demo-project",
        "demo", "m1.tiny", "2024-12-31T23:59:59Z",
    ]  # fmt: skip


def test_list_value_is_one_flat_list_separated_by_tabs(host: str) -> None:
    text = output("-c", host, "list", "-f", "value", "-c", "uuid", "-c", "id", "-c", "name")
    rows = [line.split("\t") for line in text.splitlines()]
    assert [row[0] for row in rows] == [uuid_of(n) for n in (1, 2, 3, 5, 4)]
    assert rows[2][1:] == ["-", "-"]


@pytest.mark.parametrize("format_", ["table", "csv", "value"])
def test_every_column_can_be_shown_in_every_flat_format(host: str, format_: str) -> None:
    chosen = [word for name in COLUMNS for word in ("-c", name.replace(" ", "_").upper())]
    text = output("-c", host, "list", "-f", format_, *chosen)
    assert all(uuid_of(number) in text for number in range(1, 6))
    if format_ == "csv":
        assert next(csv.reader(StringIO(text))) == list(COLUMNS)
    if format_ == "value":
        assert {line.count("\t") for line in text.splitlines()} == {len(COLUMNS) - 1}


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (["--kind", "nova"], [1, 2]),
        (["--kind", "nova-unstamped", "--kind", "foreign"], [3, 5, 4]),
        (["--manager", "kube*"], [4]),
        (["--state", "paused"], [2]),
        (["--state", "shut off", "--state", "paused"], [2, 3]),
        (["--name", "vm-*"], [1, 2]),
        (["--name", "vm-volume_boot", "--name", "x"], [2]),
        (["--domain", "instance-*"], [1, 2, 3]),
        (["--project", "demo-project"], [1, 2]),
        (["--project", "3505505d0ff0589c949b0ed7b7e44392"], [1, 2]),
        (["--user", "dem?"], [1, 2]),
        (["--flavor", "m1.tiny", "--state", "running"], [1]),
        (["--ip", "10.0.0.5"], [1]),
        (["--ip", "10.0.0.0/8"], [1]),
        (["--ip", "2001:db8::/32"], [1]),
        (["--ip", "10.0.0.6", "--ip", "192.168.1.0/24"], [1]),
        (["--sort-column", "name"], [1, 2, 3, 5, 4]),
        (["--sort-column", "name", "--sort-descending"], [2, 1, 3, 5, 4]),
        (["--sort-column", "state", "--sort-column", "uuid", "--sort-ascending"], [2, 1, 4, 5, 3]),
        (["--sort-column", "ips"], [1, 2, 3, 5, 4]),
        (["--sort-descending"], [4, 5, 3, 2, 1]),
    ],
)
def test_list_filters_and_sorts_as_asked(host: str, options: list[str], numbers: list[int]) -> None:
    text = output("-c", host, "list", "-f", "value", "-c", "uuid", *options)
    assert text.split() == [uuid_of(number) for number in numbers]


# ---- show -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "handle",
    [uuid_of(1), uuid_of(1).upper(), "00000001", "instance-00000001", "vm-ports_v4_v6_floating"],
)
def test_show_finds_a_guest_by_any_of_its_handles(host: str, handle: str) -> None:
    assert [guest["uuid"] for guest in documents("-c", host, "show", handle)] == [uuid_of(1)]


def test_show_finds_a_guest_by_its_libvirt_id(host: str) -> None:
    (first,) = documents("-c", host, "show", uuid_of(1))
    assert [guest["uuid"] for guest in documents("-c", host, "show", str(first["id"]))] == [
        uuid_of(1)
    ]


def test_show_adds_the_actual_hardware(host: str) -> None:
    (guest,) = documents("-c", host, "show", "instance-00000001")
    assert guest["hardware"] == {
        "vcpus": 2,
        "memory_mib": 512,
        "disks": [{
            "target": "vda", "bus": "virtio",
            "source": f"/var/lib/nova/instances/{uuid_of(1)}/disk",
            "serial": "c2331ad9-afdb-4fc3-97c9-2e93e78d6249",
            "device": "disk", "backing": [], "boot": None,
                "protocol": None, "shareable": False, "read_only": False,
        }],
        "interfaces": [{
            "mac": "fa:16:3e:00:00:01", "target": "tap36116cce-64",
            "port": "36116cce-64e7-5c02-9694-c89222938f49",
            "type": "ethernet", "source": None, "vlan": None,
        }],
        "host_devices": [], "file_systems": [], "paths": [],
        "pid": None,
    }  # fmt: skip
    assert guest["evidence"][0].startswith("metadata block")
    assert guest["differences"] == []


def test_show_prints_guests_in_the_order_of_the_handles_each_once(host: str) -> None:
    handles = ["plain", "instance-00000001", "vmi-4", uuid_of(5)]
    assert [guest["domain"] for guest in documents("-c", host, "show", *handles)] == [
        "plain", "instance-00000001", "vmi-4",
    ]  # fmt: skip


def test_show_as_a_table_says_everything_in_words(host: str) -> None:
    text = output("-c", host, "show", "instance-00000001")
    assert text.startswith("vm-ports_v4_v6_floating  (instance-00000001)  running\n")
    for part in (
        uuid_of(1), "running", "Nova instance", "demo-project", "79f47d31744b5500a6452cc6987041c9",
        "m1.tiny", "512 MiB", "10.0.0.5", "2001:db8::f816:3eff:fe00:1", "fa:16:3e:00:00:01",
        "serial c2331ad9-afdb-4fc3-97c9-2e93e78d6249", "tap36116cce-64", "34.0.0",
        "2024-12-31T23:59:59Z", "metadata block",
    ):  # fmt: skip
        assert part in text


def test_show_yaml_holds_what_json_does(host: str) -> None:
    shown = (output("-c", host, "show", "plain", "-f", format_) for format_ in ("yaml", "json"))
    as_yaml, as_json = map(without_moments, shown)
    assert yaml.safe_load(as_yaml) == json.loads(as_json)


def test_show_value_prints_the_columns_chosen(host: str) -> None:
    arguments = ["show", "vmi-4", "plain", "-f", "value", "-c", "domain", "-c", "manager"]
    assert output("-c", host, *arguments) == "vmi-4\tKubeVirt\nplain\tunknown\n"


def test_show_xml_prints_the_block_as_the_domain_holds_it(host: str) -> None:
    text = output("-c", host, "show", "instance-00000001", "-f", "xml")
    flat = lambda xml: re.sub(r">\s+<", "><", xml).strip()  # noqa: E731
    assert flat(text) == flat(GOLDEN)


def test_show_xml_of_a_guest_without_a_block_says_so(host: str) -> None:
    done = nova_domains("-c", host, "show", "plain", "-f", "xml")
    assert done.stdout == ""
    assert "plain" in done.stderr
    assert "no metadata block" in done.stderr


@pytest.mark.parametrize("format_", ["table", "json", "yaml", "xml", "value"])
def test_no_password_of_a_domain_is_ever_printed(host: str, format_: str) -> None:
    done = nova_domains("-c", host, "show", "vmi-4", "instance-00000001", "-f", format_)
    assert "instance" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    if format_ != "xml":
        done = nova_domains("-c", host, "list", "-f", format_)
        assert "hunter2" not in done.stdout + done.stderr


def test_an_unknown_handle_exits_1_with_the_closest_names(host: str) -> None:
    line = failure("-c", host, "show", "instance-0000001", code=1)
    assert "'instance-0000001'" in line
    assert "'instance-00000001'" in line


def test_the_handle_none_matches_no_guest_that_is_off(host: str) -> None:
    assert "'None'" in failure("-c", host, "show", "None", code=1)


def test_an_ambiguous_handle_exits_1_and_lists_the_candidates_in_order(tmp_path: Path) -> None:
    namesakes = [guest(number, metadata=block("web")) for number in (5, 2, 4, 1, 3)]
    line = failure("-c", make_host(tmp_path, *namesakes), "show", "web", code=1)
    places = [line.index(uuid_of(number)) for number in (1, 2, 3, 4, 5)]
    assert places == sorted(places)


def test_of_several_handles_those_with_a_match_are_shown_and_the_exit_is_1(host: str) -> None:
    handles = ["plain", "nobody", "vmi-4"]
    done = nova_domains("-c", host, "show", *handles, "-f", "value", "-c", "domain")
    assert done.stdout == "plain\nvmi-4\n"
    assert "'nobody'" in the_error(done.stderr)
    assert done.returncode == 1


def test_a_display_name_cannot_hide_a_domain_name_or_uuid(tmp_path: Path) -> None:
    uri = make_host(
        tmp_path,
        guest(1),
        guest(2, metadata=block("instance-00000001")),
        guest(3, metadata=block(uuid_of(1))),
        guest(4, metadata=block("00000001")),
    )
    for handle in ("instance-00000001", uuid_of(1), "00000001"):
        assert output("-c", uri, "show", handle, "-f", "value", "-c", "uuid").strip() == uuid_of(1)


# ---- damage -----------------------------------------------------------------------------------

DAMAGE = {
    "number": (block("a", "<nova:flavor><nova:memory>much</nova:memory></nova:flavor>"), "much"),
    "date": (block("a", "<nova:creationTime>yesterday</nova:creationTime>"), "yesterday"),
    "root element": (block("a").replace("nova:instance", "nova:server"), "server"),
    "two names": (block("a", "<nova:name>b</nova:name>"), "two <name>"),
    "two blocks": (block("a") + block("b", namespace=NOVA_1_0), "two blocks"),
    "undeclared prefix": (block("a", "<nova:owner><x:y/></nova:owner>"), "prefix"),
    "markup in a fault": (
        block("a", "<nova:creationTime>[bold]&#x9b;2J</nova:creationTime>"), r"[bold]\x9b2J",
    ),
}  # fmt: skip


@pytest.mark.parametrize("format_", ["table", "json"])
@pytest.mark.parametrize(("metadata", "said"), DAMAGE.values(), ids=DAMAGE)
def test_a_guest_with_a_damaged_block_is_listed_with_a_warning(
    tmp_path: Path, metadata: str, said: str, format_: str
) -> None:
    uri = make_host(tmp_path, guest(1, metadata=metadata), guest(2, metadata=block("sound")))
    done = nova_domains("-c", uri, "list", "-f", format_)
    assert done.returncode == 0
    assert uuid_of(1) in done.stdout
    assert "sound" in done.stdout
    assert "Traceback" not in done.stderr
    if said == "two blocks" and format_ == "table":
        assert done.stderr == ""  # The newest is read, and what else there is not asked for.
        return
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"nova-domains: warning: instance-00000001 ({uuid_of(1)}): ")
    assert said in line


def test_show_warns_of_damage_and_shows_what_could_be_read(tmp_path: Path) -> None:
    uri = make_host(tmp_path, guest(1, metadata=DAMAGE["number"][0]))
    done = nova_domains("-c", uri, "show", "a", "-f", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)[0]["instance"]["name"] == "a"
    assert "much" in done.stderr


# ---- usage ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lsit"], "lsit"),
        (["--nope"], "--nope"),
        (["list", "--nope"], "--nope"),
        (["list", "-f", "xls"], "xls"),
        (["list", "-f", "xml"], "xml"),
        (["show", "x", "-f", "csv"], "csv"),
        (["list", "-c", "colour"], "colour"),
        (["list", "--sort-column", "colour"], "colour"),
        (["list", "--ip", "10.0.0"], "10.0.0"),
        (["list", "--ip", "10.0.0.0/33"], "10.0.0.0/33"),
        (["list", "--ip", "host.example"], "host.example"),
        (["list", "--state", "sleeping"], "sleeping"),
        (["list", "--kind", "ours"], "ours"),
        (["--timeout", "0", "list"], "0"),
        (["--timeout", "-1", "list"], "-1"),
        (["--timeout", "soon", "list"], "soon"),
        (["show"], "HANDLE"),
        (["--connect", "x", "--demo", "list"], "--demo"),
        (["completion", "csh"], "csh"),
    ],
)
def test_wrong_usage_exits_2_and_names_what_is_wrong(arguments: list[str], said: str) -> None:
    error = usage_error(*arguments)
    assert said in error.splitlines()[-1]


def test_an_unknown_column_gets_the_list_of_all() -> None:
    assert all(name in usage_error("list", "-c", "colour") for name in COLUMNS)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["list", "--help"], ["show", "-h"]])
def test_help_is_printed_without_a_host(arguments: list[str]) -> None:
    assert output(*arguments, LIBVIRT_DEFAULT_URI="nonsense:///").startswith("Usage: nova-domains")


def test_the_version_is_printed() -> None:
    assert __version__ in output("--version")


# ---- where it connects to ---------------------------------------------------------------------


def test_the_environment_names_the_host_and_the_option_outranks_it(
    host: str, empty_host: str
) -> None:
    assert len(documents("list", LIBVIRT_DEFAULT_URI=host)) == 5
    assert documents("-c", empty_host, "list", LIBVIRT_DEFAULT_URI=host) == []


def test_the_demo_is_a_host_of_its_own_that_needs_no_daemon() -> None:
    guests = documents("--demo", "list", LIBVIRT_DEFAULT_URI="nonsense:///")
    assert {guest["kind"] for guest in guests} == {"nova", "nova-unstamped", "foreign"}
    assert {guest["manager"] for guest in guests} >= {"nova", "libguestfs", "unknown"}
    assert len({guest["manager"] for guest in guests}) >= 4
    releases = {guest["instance"]["package"] for guest in guests if guest["instance"]}
    assert len(releases) >= 3


# ---- completion -------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_a_shell_is_printed(shell: str) -> None:
    text = output("completion", shell)
    assert "_NOVA_DOMAINS_COMPLETE" in text
    assert f"{shell}_complete" in text


def completed(words: str, shell: str = "bash", **changes: str) -> list[str]:
    last = words.rpartition(" ")[2]
    position = last if shell == "fish" else str(len(words.split(" ")) - 1)
    return output(
        _NOVA_DOMAINS_COMPLETE=f"{shell}_complete", COMP_WORDS=words, COMP_CWORD=position, **changes
    ).split()


def test_a_shell_completes_commands_options_and_columns() -> None:
    assert completed("nova-domains li") == ["plain,list"]
    assert "plain,--sort-column" in completed("nova-domains list --sort")
    assert "plain,project_id" in completed("nova-domains list -c proj")
    assert "plain,nova-unstamped" in completed("nova-domains list --kind no")
    assert "plain,shutoff" in completed("nova-domains list --state shut")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_domain_names_and_uuids(host: str, shell: str) -> None:
    names = completed(f"nova-domains -c {host} show inst", shell)
    assert sum("instance-0000000" in name for name in names) == 3
    uuids = completed(f"nova-domains -c {host} show 00000003", shell)
    assert sum(uuid_of(3) in uuid for uuid in uuids) == 1


def test_completion_asks_the_host_that_the_environment_names(host: str) -> None:
    assert completed("nova-domains show vmi", LIBVIRT_DEFAULT_URI=host) == ["plain,vmi-4"]


def test_completion_offers_no_name_that_a_shell_would_run(tmp_path: Path) -> None:
    names = ["$(reboot)", "a b", "a;b", "a`b`", "ok-1"]
    uri = make_host(tmp_path, *(guest(n, domain=name) for n, name in enumerate(names)))
    offered = completed(f"nova-domains -c {uri} show ")
    assert "plain,ok-1" in offered
    assert len(offered) == 1 + len(names)


def test_completion_is_silent_where_there_is_no_host() -> None:
    assert completed("nova-domains -c nonsense:/// show x") == []


# ---- on a terminal ----------------------------------------------------------------------------


def test_a_terminal_gets_a_coloured_table_that_fits(host: str) -> None:
    code, text = on_terminal("-c", host, "list", columns=80)
    assert code == 0
    assert SGR.search(text)
    assert all(len(line) <= 80 for line in SGR.sub("", text).splitlines())
    assert uuid_of(1)[:8] in text


def test_a_terminal_gets_coloured_details(host: str) -> None:
    code, text = on_terminal("-c", host, "show", "instance-00000001", columns=60)
    assert code == 0
    assert SGR.search(text)
    assert "demo-project" in SGR.sub("", text)


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["list"], {"NO_COLOR": "1"}),
        (["list"], {"TERM": "dumb"}),
        (["list", "--no-color"], {}),
        (["--no-color", "list"], {}),
        (["show", "plain"], {"NO_COLOR": "1"}),
        (["show", "plain", "--no-color"], {}),
    ],
)
def test_a_terminal_that_wants_no_colours_gets_the_same_without_them(
    host: str, arguments: list[str], environment: dict[str, str]
) -> None:
    in_colour = [word for word in arguments if word != "--no-color"]
    _, coloured = on_terminal("-c", host, *in_colour, columns=80)
    code, text = on_terminal("-c", host, *arguments, columns=80, **environment)
    assert code == 0
    assert text == SGR.sub("", coloured)


def test_no_color_is_unset_when_it_is_empty(host: str) -> None:
    _, text = on_terminal("-c", host, "list", NO_COLOR="")
    assert SGR.search(text)


@pytest.mark.parametrize("format_", ["json", "yaml", "csv", "value"])
def test_a_terminal_gets_documents_without_colours(host: str, format_: str) -> None:
    _, text = on_terminal("-c", host, "list", "-f", format_)
    assert without_moments(text) == without_moments(output("-c", host, "list", "-f", format_))


def test_a_terminal_that_is_not_utf8_gets_no_crash(tmp_path: Path) -> None:
    uri = make_host(tmp_path, guest(1, metadata=block("日本語")))
    code, text = on_terminal("-c", uri, "list", PYTHONIOENCODING="ascii")
    assert code == 0
    assert "???" in text
    assert "Traceback" not in text


# ---- output that is not UTF-8 -----------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_valid_and_true_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    uri = make_host(tmp_path, guest(1, metadata=block("日本語 é 😀")))
    for command in (["list"], ["show", uuid_of(1)]):
        done = nova_domains("-c", uri, *command, "-f", "json", PYTHONIOENCODING=encoding)
        assert done.returncode == 0
        assert json.loads(done.stdout)[0]["instance"]["name"] == "日本語 é 😀"


@pytest.mark.parametrize("format_", ["table", "yaml", "csv", "value"])
def test_what_an_encoding_lacks_is_replaced(tmp_path: Path, format_: str) -> None:
    uri = make_host(tmp_path, guest(1, metadata=block("x日本語x")))
    text = output(
        "-c", uri, "list", "-f", format_, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0"
    )
    assert re.search(r"x(\?\?\?|\\u65E5\\u672C\\u8A9E)x", text, re.IGNORECASE)


def test_a_warning_is_printed_in_any_encoding(tmp_path: Path) -> None:
    metadata = block("a", "<nova:creationTime>日</nova:creationTime>")
    uri = make_host(tmp_path, guest(1, metadata=metadata))
    done = nova_domains("-c", uri, "list", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "is not a date" in done.stderr
