"""The name of a folder or an archive is shown as the host's, and never compared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import archive, domain, make_tree
from tests.support.command import nova_domains
from tests.support.embedded import uuid_of
from tests.support.paths import DATA
from virsh_nova.guests.build import guest_from_domain
from virsh_nova.hosts.host import Host
from virsh_nova.hosts.libvirt.connection import LibvirtHost
from virsh_nova.hosts.open import open_host
from virsh_nova.model import Sighting

FIELD = DATA / "field" / "f02-folder-name-as-host"
XML = domain("a", uuid_of(1))
ETC = {"etc/libvirt/qemu/a.xml": XML}


def opened(path: Path) -> Host:
    return open_host(files=(str(path),))


def guessed(host: Host) -> bool:
    """Whether the host's name is shown only, for the host and for each of its guests."""
    (flag,) = (
        {host.name is not None and host.certain_name is None}
        | {seen.host_guessed for seen in host.sightings()}
        | {guest.host_guessed for guest in host.guests("whole")}
    )
    return flag


def test_a_folder_of_dumps_has_a_guessed_name(tmp_path: Path) -> None:
    host = opened(make_tree(tmp_path / "dumps", {"a.xml": XML}))
    assert host.name == "dumps"
    assert guessed(host)


def test_a_tree_without_a_hostname_file_has_a_guessed_name(tmp_path: Path) -> None:
    host = opened(make_tree(tmp_path / "rescued", ETC))
    assert host.name == "rescued"
    assert guessed(host)


def test_an_archive_without_a_hostname_file_has_a_guessed_name(tmp_path: Path) -> None:
    (tmp_path / "report.tar.xz").write_bytes(archive(ETC))
    host = opened(tmp_path / "report.tar.xz")
    assert host.name == "report"
    assert guessed(host)


def test_a_hostname_file_makes_the_name_certain(tmp_path: Path) -> None:
    host = opened(make_tree(tmp_path / "rescued", {**ETC, "etc/hostname": "compute-2\n"}))
    assert (host.name, host.certain_name) == ("compute-2", "compute-2")
    assert not guessed(host)
    (tmp_path / "report.tar.xz").write_bytes(archive({**ETC, "etc/hostname": "compute-2\n"}))
    assert opened(tmp_path / "report.tar.xz").certain_name == "compute-2"


@pytest.mark.parametrize("name", ["localhost", "localhost.localdomain", "localhost4", "(none)"])
def test_localhost_in_a_hostname_file_is_no_name(tmp_path: Path, name: str) -> None:
    host = opened(make_tree(tmp_path / "rescued", {**ETC, "etc/hostname": f"{name}\n"}))
    assert host.name == "rescued"
    assert guessed(host)


def test_a_host_called_like_localhost_keeps_its_name(tmp_path: Path) -> None:
    host = opened(make_tree(tmp_path / "rescued", {**ETC, "etc/hostname": "localhost-7\n"}))
    assert host.certain_name == "localhost-7"


def test_a_single_file_has_no_name(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(XML)
    host = opened(tmp_path / "a.xml")
    assert (host.name, host.certain_name) == (None, None)


def test_a_guest_on_a_guessed_host_has_no_certain_host() -> None:
    for host_guessed, certain in ((True, None), (False, "dumps")):
        seen = Sighting("dumps", uuid_of(1), "a", None, "shutoff", host_guessed=host_guessed)
        guest = guest_from_domain(seen, XML)
        assert guest.host == "dumps"
        assert guest.certain_host == certain
        assert guest.key == seen.key == ("dumps", uuid_of(1))


@pytest.mark.parametrize(
    ("said", "uri", "name", "certain"),
    [
        ("cmp-1.example", "qemu+ssh://c1/system", "cmp-1.example", True),
        ("localhost", "qemu+ssh://c1/system", "c1", False),
        ("localhost.localdomain", "qemu+ssh://root@c1:22/system", "c1", False),
        ("localhost", "qemu:///system", "localhost", False),
        (None, "qemu+ssh://c1/system", "c1", False),
        (None, "qemu:///system", "this-machine", True),
    ],
)
def test_the_name_that_libvirt_gives_counts_unless_it_is_localhost(
    monkeypatch: pytest.MonkeyPatch, said: str | None, uri: str, name: str, certain: bool
) -> None:
    import os

    import libvirt

    class Connection:
        def getHostname(self) -> str:
            if said is None:
                raise libvirt.libvirtError("no such call")
            return said

    class Named:
        nodename = "this-machine"

    monkeypatch.setattr(os, "uname", Named)
    host: Any = LibvirtHost(Connection(), uri, 5)  # type: ignore[arg-type]
    assert host.name == name
    assert host.certain_name == (name if certain else None)


def check(path: Path) -> tuple[int, list[dict[str, Any]]]:
    done = nova_domains(
        "--files", str(path), "check", "--against", str(FIELD / "servers.json"), "-f", "json"
    )
    return done.returncode, json.loads(done.stdout)


def test_a_folder_s_name_makes_no_orphan(tmp_path: Path) -> None:
    assert check(FIELD / "dumps") == (0, [])
    assert check(FIELD / "dumps" / "instance-0000000a.xml") == (0, [])


def test_a_host_s_own_name_still_makes_an_orphan(tmp_path: Path) -> None:
    folder = tmp_path / "etc/libvirt/qemu"
    folder.mkdir(parents=True)
    shutil.copy(FIELD / "dumps" / "instance-0000000a.xml", folder)
    (tmp_path / "etc/hostname").write_text("compute-2\n")
    code, findings = check(tmp_path)
    assert code == 4
    assert [finding["code"] for finding in findings] == ["orphan"]
    (tmp_path / "etc/hostname").write_text("compute-1\n")
    assert check(tmp_path) == (0, [])
