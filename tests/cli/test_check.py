"""``nova-domains check`` as a user runs it, on embedded hosts."""

from __future__ import annotations

import csv
import json
import os
from datetime import datetime, timedelta, timezone
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.command import command, environment, nova_domains, the_error
from tests.support.embedded import CRASHED, SHUTOFF, block, guest, make_host, uuid_of
from virsh_nova.check.codes import CODES
from virsh_nova.cli import cli

SIZE = (
    "<nova:package version='34.0.0'/><nova:flavor name='m1'><nova:memory>512</nova:memory>"
    "<nova:vcpus>{vcpus}</nova:vcpus></nova:flavor><nova:owner>"
    "<nova:user uuid='u1'>alice</nova:user><nova:project uuid='p1'>acme</nova:project></nova:owner>"
)
RESTING = ("--ignore", "block-unfit")
"""Blocks of these tests hold no more than they need."""


def nova(number: int, name: str = "web", vcpus: int = 2, state: int = 1) -> str:
    return guest(number, metadata=block(name, SIZE.format(vcpus=vcpus)), state=state)


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return make_host(tmp_path, nova(1), nova(2, vcpus=4), nova(3, state=CRASHED))


def listing(tmp_path: Path, *rows: dict[str, object]) -> str:
    path = tmp_path / "servers.json"
    path.write_text(json.dumps(list(rows)))
    return str(path)


def row(number: int, **values: object) -> dict[str, object]:
    return {
        "ID": uuid_of(number), "Name": "web", "Flavor Name": "m1", "Project ID": "p1",
        "User ID": "u1", **values,
    }  # fmt: skip


def codes(*arguments: str) -> dict[str, set[str]]:
    """The codes found, by uuid."""
    done = nova_domains(*arguments, "-f", "json")
    assert done.stderr == ""
    found: dict[str, set[str]] = {}
    for finding in json.loads(done.stdout):
        found.setdefault(finding["uuid"], set()).add(finding["code"])
    assert done.returncode == (4 if found else 0)
    return found


def test_findings_exit_with_4_and_none_with_0(uri: str) -> None:
    assert codes("-c", uri, "check", *RESTING) == {
        uuid_of(2): {"vcpus-differ"},
        uuid_of(3): {"crashed"},
    }
    assert codes("-c", uri, "check", *RESTING, uuid_of(1)) == {}


def test_handles_choose_the_guests_and_the_others_are_still_compared_with(tmp_path: Path) -> None:
    path = f"/var/lib/nova/instances/{uuid_of(1)}/disk"
    disk = f"<disk type='file'><source file='{path}'/><target dev='vda' bus='virtio'/></disk>"
    uri = make_host(
        tmp_path,
        *(guest(n, metadata=block("web", SIZE.format(vcpus=2)), rest=disk) for n in (1, 2)),
    )
    assert codes("-c", uri, "check", *RESTING, uuid_of(1)) == {uuid_of(1): {"shared-disk"}}
    assert codes("-c", uri, "check", *RESTING, "--severity", "error", "instance-00000002") == {
        uuid_of(2): {"shared-disk"}
    }


def test_severity_and_ignore_drop_findings_and_exit_by_what_is_left(uri: str) -> None:
    assert codes("-c", uri, "check", *RESTING, "--severity", "error") == {uuid_of(3): {"crashed"}}
    every = ("--ignore", "crashed", "--ignore", "vcpus_differ")
    assert codes("-c", uri, "check", *RESTING, *every) == {}
    same = codes("-c", uri, "check", *RESTING, "--severity", "note", "--nova-version", "34")
    assert uuid_of(1) not in same
    newer = codes("-c", uri, "check", *RESTING, "--severity", "note", "--nova-version", "34.1")
    assert newer[uuid_of(1)] == {"older-nova"}


def test_an_unknown_handle_is_reported_and_the_others_are_checked(uri: str) -> None:
    done = nova_domains("-c", uri, "check", *RESTING, "nobody-here", uuid_of(1))
    assert done.returncode == 1
    assert "nobody-here" in done.stderr
    assert "1 guest, nothing found" in done.stdout
    assert nova_domains("-c", uri, "check", "nobody-here", uuid_of(2)).returncode == 4


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--ignore", "vcpu-differs"), "did you mean 'vcpus-differ'?"),
        (("--explain", "orphans"), "did you mean 'orphan'?"),
        (("--leftover", "soon"), "is not a duration"),
        (("--leftover", "-1h"), "is not a duration"),
        (("--nova-version", "hibiskus"), "hibiscus"),
        (("--severity", "grave"), "warning"),
        (("-f", "yaml"), "nagios"),
    ],
)
def test_wrong_usage_exits_with_2_and_a_hint(
    uri: str, arguments: tuple[str, ...], hint: str
) -> None:
    done = nova_domains("-c", uri, "check", *arguments)
    assert done.returncode == 2
    assert hint in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("code", list(CODES))
def test_every_code_is_explained_without_a_host(code: str) -> None:
    done = CliRunner().invoke(cli, ["-c", "qemu:///nowhere", "check", "--explain", code])
    assert done.exit_code == 0
    assert code in done.output


# ---- against what Nova knows ------------------------------------------------------------------


def test_an_orphan_names_a_source_that_has_no_servers(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    path.write_text("[]")
    done = nova_domains("--demo", "check", "--only", "orphan", "--against", str(path))
    assert f"{path}: there is no such server" in done.stdout


def test_a_listing_shows_orphans_missing_guests_and_what_differs(tmp_path: Path) -> None:
    uri = make_host(tmp_path, *(nova(n) for n in range(1, 8)), nova(8, state=SHUTOFF))
    here = nova_domains("-c", uri, "list", "-f", "value", "-c", "host").stdout.split("\n")[0]
    servers = listing(
        tmp_path,
        row(1, Host=here),
        row(2, Host="elsewhere"),
        row(4, **{"Project ID": "p2"}),
        row(5, **{"Flavor Name": "m2"}),
        row(6, **{"Power State": "Shutdown"}),
        row(7, Name="renamed", **{"Power State": 1}),
        row(8, **{"Power State": 4}),
        row(9, Host=here, Name="lost"),
        row(10, Host="elsewhere"),
    )
    found = codes("-c", uri, "check", *RESTING, "--severity", "note", "--against", servers)
    assert found == {
        uuid_of(2): {"orphan"},
        uuid_of(3): {"orphan"},
        uuid_of(4): {"project-differs"},
        uuid_of(5): {"flavor-differs"},
        uuid_of(6): {"power-state-differs"},
        uuid_of(7): {"name-differs"},
        uuid_of(9): {"missing"},
    }
    table = nova_domains("-c", uri, "check", *RESTING, "--against", servers).stdout
    assert f"lost  not here  project p1  user u1  {uuid_of(9)}" in table
    command = f"stamp {uuid_of(4)} --overwrite --derive --from {servers}"
    assert f"$ nova-domains -c {uri} {command}\n" in table


def test_a_listing_is_read_from_stdin_too(tmp_path: Path) -> None:
    import subprocess

    uri = make_host(tmp_path, nova(1))
    done = subprocess.run(
        command("-c", uri, "check", *RESTING, "--against", "-", "-f", "value"),
        env=environment(), input="[]", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert done.stdout.split("\t")[:2] == ["error", "orphan"]


@pytest.mark.parametrize("text", ['[{"Name": "web"}]', "nonsense", '{"servers": 1}', ""])
def test_a_file_without_uuids_is_one_error_and_exit_1(uri: str, tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    done = nova_domains("-c", uri, "check", "--against", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "bad.json" in the_error(done.stderr)


def test_a_cloud_that_is_not_configured_is_one_error_and_exit_1(uri: str, tmp_path: Path) -> None:
    done = nova_domains("-c", uri, "check", "--cloud", "no-such-cloud", HOME=str(tmp_path))
    assert done.returncode == 1
    assert "no-such-cloud" in the_error(done.stderr)


# ---- for monitoring ---------------------------------------------------------------------------


def test_a_plugin_prints_one_line_and_exits_as_plugins_do(uri: str, tmp_path: Path) -> None:
    for arguments, code, word in (
        ((), 2, "CRITICAL"),
        (("--ignore", "crashed"), 1, "WARNING"),
        ((uuid_of(1),), 0, "OK"),
        (("nobody-here",), 3, "UNKNOWN"),
    ):
        done = nova_domains("-c", uri, "check", *RESTING, *arguments, "-f", "nagios")
        assert done.returncode == code
        assert done.stdout.startswith(f"NOVA-DOMAINS {word} - ")
        assert (done.stdout.count("\n"), done.stderr) == (1, "")
    for broken in (f"test://{tmp_path}/none.xml", "nonsense:///"):
        done = nova_domains("-c", broken, "check", "-f", "nagios")
        assert done.returncode == 3
        assert done.stdout.startswith("NOVA-DOMAINS UNKNOWN - ")
        assert done.stdout.count("\n") == 1


def test_a_host_that_cannot_be_reached_exits_with_3(tmp_path: Path) -> None:
    assert nova_domains("-c", "qemu+unix:///system?socket=/none", "check").returncode == 3


# ---- the rest ---------------------------------------------------------------------------------


def test_hostile_names_reach_neither_terminal_nor_spreadsheet(tmp_path: Path) -> None:
    name = "=cmd|' /C calc'!A0\u202e\u009b2J\ttail"
    uri = make_host(tmp_path, nova(1, name=name, vcpus=4))
    for format_ in ("table", "csv", "value", "json", "nagios"):
        out = nova_domains("-c", uri, "check", *RESTING, "-f", format_).stdout
        assert out
        assert not set(out) & set("\u202e\u009b\x1b")
    (_, cells) = csv.reader(
        StringIO(nova_domains("-c", uri, "check", *RESTING, "-f", "csv").stdout)
    )
    assert cells[4].startswith("'=")


def test_check_changes_nothing(uri: str) -> None:
    path = Path(uri.removeprefix("test://"))
    before = path.read_bytes()
    nova_domains("-c", uri, "check")
    assert path.read_bytes() == before


def test_a_host_without_guests(tmp_path: Path) -> None:
    done = nova_domains("-c", make_host(tmp_path), "check")
    assert (done.returncode, done.stdout) == (0, "0 guests, nothing found\n")


# ---- hosts that were saved ----------------------------------------------------------------------


def saved(uri: str, tmp_path: Path, *ages: timedelta, host: str = "compute-1") -> str:
    """What ``show -f json`` said of the guests, each so long ago, of a host of that name."""
    uuids = [uuid_of(number) for number in range(1, len(ages) + 1)]
    documents = json.loads(nova_domains("-c", uri, "show", "-f", "json", *uuids).stdout)
    for document, age in zip(documents, ages, strict=True):
        moment = datetime.now(timezone.utc) - age
        document |= {"host": host, "read_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
    path = tmp_path / f"{host}.json"
    path.write_text(json.dumps(documents))
    return str(path)


STALE = ("--severity", "warning", *RESTING, "--ignore", "vcpus-differ", "--ignore", "crashed")


def test_documents_that_are_too_old_are_a_finding_of_their_host(uri: str, tmp_path: Path) -> None:
    old = saved(uri, tmp_path, timedelta(days=3), timedelta(days=2, minutes=1))
    done = nova_domains("--files", old, "check", *STALE, "-f", "json")
    assert done.returncode == 4
    (found,) = json.loads(done.stdout)
    assert found["evidence"][0].startswith("read 2 d ago, at 20")
    known = ("host", "hosts", "uuid", "domain", "state", "read_at", "code", "severity", "others")
    assert [found[key] for key in known] == [
        "compute-1", ["compute-1"], None, None, None, None, "stale-snapshot", "warning", [],
    ]  # fmt: skip
    table = nova_domains("--files", old, "check", *STALE).stdout.splitlines()
    assert table[0] == "host compute-1"
    assert table[1].startswith("  warning  stale-snapshot  read 2 d ago, at 20")
    assert "1 warning on 1 host" in table
    # Of the host of the guest that was asked for.
    assert "stale-snapshot" in nova_domains("--files", old, "check", *STALE, uuid_of(1)).stdout
    for allowed in ("3d", "4320m"):
        assert codes("-q", "--files", old, "check", *STALE, "--max-age", allowed) == {}
    young = saved(uri, tmp_path, timedelta(hours=23), timedelta(days=9), host="compute-2")
    assert codes("-q", "--files", young, "check", *STALE) == {}


def test_how_old_files_are_that_are_no_documents_is_not_known(tmp_path: Path) -> None:
    live = tmp_path / "run" / "libvirt" / "qemu"
    live.mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "hostname").write_text("compute-1\n")
    path = live / "d.xml"
    path.write_text(f"<domstatus state='running' reason='booted' pid='1'>{nova(1)}</domstatus>")
    os.utime(path, (1e9, 1e9))
    assert codes("-q", "--files", str(tmp_path), "check", *RESTING) == {}


def test_an_instance_that_runs_on_two_saved_hosts_names_both(uri: str, tmp_path: Path) -> None:
    files = [
        word
        for number in (1, 2)
        for word in ("--files", saved(uri, tmp_path, timedelta(minutes=number), host=f"c{number}"))
    ]
    found = json.loads(nova_domains(*files, "check", *RESTING, "-f", "json").stdout)
    assert [(each["code"], each["host"], each["hosts"]) for each in found] == [
        ("runs-twice", "c1", ["c1", "c2"]),
        ("runs-twice", "c2", ["c2", "c1"]),
    ]
    (other,) = found[0]["others"]
    assert (other["host"], other["uuid"], other["state"]) == ("c2", uuid_of(1), "running")
    assert found[0]["evidence"] == [
        "it also runs on c2",
        f"read {found[0]['read_at']} here, {other['read_at']} on c2",
    ]
