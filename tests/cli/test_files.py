"""`--offline` and `--files` on the command line: sources, exit codes, and what is said."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import archive, domain, make_tree, real_files, status
from tests.support.command import nova_domains, the_error
from tests.support.embedded import uuid_of
from tests.support.moments import without_moments
from tests.support.paths import DATA
from virsh_nova.hosts.files import open as opening
from virsh_nova.hosts.files.tree import open_tree

REAL = {**real_files(), "etc/hostname": "lab\n"}


def run(*arguments: str | Path) -> tuple[int, str, str]:
    done = nova_domains(*map(str, arguments))
    return done.returncode, done.stdout, done.stderr


def documents(*arguments: str | Path) -> list[dict[str, Any]]:
    code, out, err = run(*arguments)
    assert code == 0, err
    assert re.fullmatch(
        r"nova-domains: note: read from .*, not from libvirt: \d+ guests?, (last written|as of) "
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, .*\n",
        err,
    ), err
    return list(json.loads(without_moments(out)))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("host"), REAL)


def test_every_packing_says_the_same(tree: Path, tmp_path: Path) -> None:
    listed = documents("--files", tree, "list", "-f", "json")
    assert [guest["host"] for guest in listed] == ["lab"] * 3
    assert {guest["state"] for guest in listed} == {"running"}
    shown = documents("--files", tree, "show", "-f", "json", *(one["uuid"] for one in listed))
    make_tree(tmp_path / "deeper" / "sosreport-lab", REAL)
    (tmp_path / "report.anything").write_bytes(archive(REAL))
    (tmp_path / "report.tar.gz").write_bytes(archive(REAL, mode="w:gz"))
    (tmp_path / "saved").write_text(json.dumps(shown))
    for name in ("deeper", "report.anything", "report.tar.gz", "saved"):
        path = tmp_path / name
        # show says more of the evidence, and so does a list of what it saved.
        expected = [{key: one[key] for key in listed[0]} for one in shown]
        assert documents("--files", path, "list", "-f", "json") == (
            expected if name == "saved" else listed
        )
        uuids = [one["uuid"][:8] for one in listed]
        assert documents("--files", path, "show", "-f", "json", *uuids) == shown


def test_show_xml_of_a_saved_list_prints_the_block(tree: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(run("--files", tree, "list", "-f", "json")[1])
    (first, *_) = json.loads(saved.read_text())
    code, out, _ = run("--files", saved, "show", "-f", "xml", first["uuid"])
    assert code == 0
    assert f"<nova:name>{first['instance']['name']}</nova:name>".replace("<2>", "&lt;2&gt;") in out
    again = documents("--files", saved, "list", "-f", "json")
    assert again == json.loads(without_moments(saved.read_text()))


@pytest.mark.parametrize("name", ["all.xml", "all-leading-newline.xml"])
def test_a_file_of_two_dumps_answers_for_both(name: str) -> None:
    path = DATA / "field/f03-several-domains-in-one-file" / name
    code, out, _ = run("--files", path, "whose", "-f", "value", "-c", "name", "fa:16:3e:01:02:04")
    assert (code, out) == (0, "web-2\n")
    code, out, err = run("--files", path, "check", "-f", "json")
    assert "unreadable" not in out + err
    assert code == 0


def test_lists_of_several_hosts_are_joined(tree: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.xml"
    other.write_text(domain("alone", uuid_of(1), id=3))
    code, out, err = run("--files", tree, "--files", other, "list", "-f", "json")
    assert code == 0
    assert [(one["host"], one["state"]) for one in json.loads(out)] == [
        (None, "unknown"), *[("lab", "running")] * 3,
    ]  # fmt: skip
    assert re.findall(r"note: read from (\S+)", err) == [f"{tree}/etc/libvirt/qemu", f"{other},"]
    out = run("--files", tree, "--files", other, "list", "--state", "unknown", "-f", "value")[1]
    assert out.count("\n") == 1
    copy = make_tree(tmp_path / "copy", {**REAL, "etc/hostname": "copy"})
    uuid = json.loads(run("--files", tree, "list", "-f", "json")[1])[0]["uuid"]
    both = run("--files", tree, "--files", copy, "show", "-f", "json", uuid)[1]
    assert [one["host"] for one in json.loads(both)] == ["lab", "copy"]


def test_several_reports_in_one_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_tree(
            tmp_path / f"sosreport-{name}",
            {"etc/hostname": name, "etc/libvirt/qemu/x.xml": domain("x", uuid_of(1))},
        )
    listed = json.loads(run("--files", tmp_path, "list", "-f", "json")[1])
    assert sorted(one["host"] for one in listed) == ["a", "b"]


def test_a_cut_off_report_is_shown_and_fails(tmp_path: Path) -> None:
    path = tmp_path / "report.tar.xz"
    data = archive({**REAL, "var/log/noise": os.urandom(100_000)})
    path.write_bytes(data[:-50_000])
    code, out, err = run("--files", path, "list", "-f", "json")
    assert code == 1
    assert len(json.loads(out)) == 3
    assert f"warning: {path}: cannot be read to its end: it is cut off; the part before" in err


def test_a_damaged_file_is_named_and_skipped(tmp_path: Path) -> None:
    make_tree(tmp_path, {**REAL, "etc/libvirt/qemu/x\x1b[2J.xml": "<domain>"})
    code, out, err = run("--files", tmp_path, "list", "-f", "json")
    assert code == 0
    assert len(json.loads(out)) == 3
    assert "\x1b" not in err
    assert "x\\x1b[2J.xml: broken XML" in err


@pytest.mark.parametrize(
    ("files", "path", "said"),
    [
        ({}, "nowhere", "cannot be read: No such file or directory"),
        ({"empty/x": ""}, "empty", "holds no domain: looked for"),
        ({"file": ""}, "file", "holds no domain: it is empty"),
        ({"file": "hello\n"}, "file", "holds no domain"),
        ({"file": "<network/>"}, "file", "it is a <network>"),
        ({"file": "[]"}, "file", "holds no guest"),
        ({"file": "[]x"}, "file", "invalid JSON"),
        ({"file": "[1, 2]"}, "file", "holds no guest"),
        ({"file": '[{"uuid": "x"}]'}, "file", "holds no guest"),
        ({"file": "[" * 100_000}, "file", "invalid JSON"),
        ({"file": b"\xfd7zXZ\0"}, "file", "holds no domain"),
        ({"file": b"\x1f\x8b"}, "file", "holds no domain"),
        ({"r/etc/libvirt/qemu/networks/x": ""}, "r", "etc/libvirt/qemu"),
    ],
)
def test_what_cannot_be_read_exits_with_3_and_one_error(
    tmp_path: Path, files: dict[str, str], path: str, said: str
) -> None:
    make_tree(tmp_path, files)
    code, out, err = run("--files", tmp_path / path, "list")
    assert (code, out) == (3, "")
    assert said in the_error(err)


def test_pipes_and_devices_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero")):
        code, _, err = run("--files", path, "list")
        assert code == 3
        assert "is neither a file nor a folder" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--offline", "--demo", "list"),
        ("--offline", "-c", "test:///default", "list"),
        ("--files", "x", "--offline", "list"),
        ("--files", "x", "--demo", "show", "1"),
        ("--files", "x", "stamp", "--all", "--derive"),
        ("--offline", "stamp", "--all", "--derive", "--dry-run"),
        ("--offline", "undo"),
        ("--offline", "undo", "--list"),
    ],
)
def test_options_that_do_not_go_together_are_usage_errors(arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "exclude each other" in err or "only reads" in err


def test_handles_without_a_match_exit_with_1(tree: Path) -> None:
    code, _, err = run("--files", tree, "show", "nobody-at-all")
    assert code == 1
    assert "no guest here matches 'nobody-at-all'" in err
    assert "note: read from" in err


def test_offline_without_libvirt_files_names_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "open_tree", lambda _root: open_tree(str(tmp_path)))
    with pytest.raises(opening.HostError) as caught:
        opening.open_offline()
    assert caught.value.exit_code == 3
    assert f"{tmp_path}/etc/libvirt/qemu (not there)" in caught.value.message
    assert "nova_libvirt_qemu" in caught.value.message
    make_tree(tmp_path, {"etc/libvirt/qemu/x": "", "run/libvirt/qemu/x": ""})
    host = opening.open_offline()
    assert host.sightings() == []
    assert (
        f"{tmp_path}/etc/libvirt/qemu and {tmp_path}/run/libvirt/qemu" in host.notes.lines[-1].text
    )
    make_tree(tmp_path, {"run/libvirt/qemu/a.xml": status(domain("a", uuid_of(1), id=1), pid=1)})
    (guest,) = opening.open_offline().guests("domain")
    assert (guest.state, guest.id) == ("shutoff", None)
    assert "is gone" in guest.faults[0]


def test_no_rights_to_the_files_is_reported_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path, {"etc/libvirt/qemu/a.xml": domain("a", uuid_of(1))})
    (tmp_path / "etc/libvirt/qemu/a.xml").chmod(0)
    tmp_path.chmod(0o755)
    if os.geteuid() == 0:
        import pwd

        # As another user, in a process of its own.
        nobody = pwd.getpwnam("nobody").pw_uid
        child = os.fork()
        if child == 0:
            os.setuid(nobody)
            code = 9
            try:
                monkeypatch.setattr(opening, "open_tree", lambda _root: open_tree(str(tmp_path)))
                opening.open_offline()
            except opening.HostError as error:
                hinted = "Permission denied" in error.message and error.hint == "run it as root"
                code = 0 if hinted else 8
            except OSError:
                # The user nobody may have no access to pytest's own folders.
                code = 0
            os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
