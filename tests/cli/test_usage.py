"""``usage`` as it is run: filters, formats, files, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import nova_domains, output
from tests.support.embedded import SHUTOFF, block, guest, make_host
from tests.support.terminals import SGR, on_terminal

OWNER = (
    '<nova:owner><nova:user uuid="u1">alice</nova:user>'
    '<nova:project uuid="{0}">{0}</nova:project></nova:owner>'
)
FLAVOR = '<nova:flavor name="m1"><nova:disk>20</nova:disk></nova:flavor>'
ROOT = '<nova:root type="image" uuid="i1"/>'


def owned(name: str, project: str) -> str:
    return block(name, FLAVOR + OWNER.format(project) + ROOT)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_host(
        tmp_path_factory.mktemp("host"),
        guest(1, metadata=owned("web-1", "acme")),
        guest(2, metadata=owned("web-2", "acme"), state=SHUTOFF),
        guest(3, metadata=owned("db", "research")),
        guest(4, domain="plain"),
    )


def document(*arguments: str) -> dict[str, Any]:
    return json.loads(output(*arguments, "-f", "json"))  # type: ignore[no-any-return]


def test_projects_are_the_default(host: str) -> None:
    text = output("-c", host, "usage")
    assert text.splitlines()[1].split() == ["acme", "2", "1", "4", "1.0", "40"]
    assert text == output("-c", host, "usage", "--by", "project")


def test_filters_are_those_of_list(host: str) -> None:
    assert document("-c", host, "usage", "--name", "web-*")["total"]["guests"] == 2
    assert document("-c", host, "usage", "--state", "off")["total"]["guests"] == 1
    assert document("-c", host, "usage", "--project", "acme", "--state", "running")["total"] == {
        "guests": 1, "running": 1, "vcpus": 2, "memory_mib": 512, "disk_gib": 20,
        "cpu_percent": None, "steal_percent": None, "rss_mib": None, "balloon_mib": None,
    }  # fmt: skip
    assert output("-c", host, "usage", "--project", "nobody") == "no guest matches\n"
    empty = document("-c", host, "usage", "--project", "nobody")
    assert (empty["usage"], empty["total"]["guests"]) == ([], 0)


def test_a_row_for_each_combination(host: str) -> None:
    rows = document("-c", host, "usage", "--by", "project", "--by", "STATE", "--by", "project")
    assert rows["by"] == ["project", "state"]
    assert [(row["project"] and row["project"]["name"], row["state"]) for row in rows["usage"]] == [
        ("acme", "running"), ("acme", "shutoff"), ("research", "running"), (None, "running"),
    ]  # fmt: skip


def test_the_nearest_key_is_named_for_one_that_is_not_there(host: str) -> None:
    for word, meant in (("projekt", "project"), ("version", "nova-version"), ("flavour", "flavor")):
        done = nova_domains("-c", host, "usage", "--by", word)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"did you mean {meant!r}" in done.stderr


@pytest.mark.parametrize("word", ["0", "-1", "nan", "inf", "1e9", "soon"])
def test_an_interval_is_a_time(host: str, word: str) -> None:
    done = nova_domains("-c", host, "usage", "--interval", word)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_host_elsewhere_is_measured_through_its_libvirt(host: str) -> None:
    """The test driver's guests have used as much CPU time as there is."""
    rows = document("-c", host, "usage", "--by", "state", "--interval", "0.2")
    running = rows["usage"][0]
    assert (running["state"], rows["interval"]) == ("running", 0.2)
    assert running["cpu_percent"] > 0
    assert (running["balloon_mib"], running["rss_mib"]) == (3 * 512, None)


def test_saved_guests_are_added_up_as_they_were(host: str, tmp_path: Path) -> None:
    whole, listed = tmp_path / "whole.json", tmp_path / "list.json"
    names = output("-c", host, "list", "-f", "value", "-c", "uuid").split()
    whole.write_text(output("-c", host, "show", "-f", "json", *names))
    listed.write_text(output("-c", host, "list", "-f", "json"))
    for key in ("project", "flavor", "state", "kind", "image", "user", "nova-version"):
        alive = document("-c", host, "usage", "--by", key)
        saved = nova_domains("-q", "--files", str(whole), "usage", "--by", key, "-f", "json")
        assert (saved.returncode, saved.stderr) == (0, "")
        assert json.loads(saved.stdout) == alive
    # A list holds no hardware: the flavor has no vCPUs here, and a plain guest has no flavor.
    done = nova_domains("--files", str(listed), "usage")
    assert done.returncode == 0
    assert "4 guests are counted without vCPUs or memory: not known" in done.stderr
    both = nova_domains("-q", "--files", str(whole), "--files", str(whole), "usage", "-f", "json")
    assert json.loads(both.stdout)["total"]["guests"] == 4


def test_files_are_not_measured(host: str, tmp_path: Path) -> None:
    saved = tmp_path / "list.json"
    saved.write_text(output("-c", host, "list", "-f", "json"))
    for place in (("--files", str(saved)), ("--offline",)):
        done = nova_domains(*place, "usage", "--interval", "1")
        assert (done.returncode, done.stdout) == (2, "")
        assert "needs libvirt" in done.stderr


def test_a_table_fits_its_terminal_and_is_plain_without_colour(host: str) -> None:
    code, drawn = on_terminal("-c", host, "usage", columns=80)
    assert code == 0
    assert SGR.search(drawn)
    assert max(len(line) for line in SGR.sub("", drawn).splitlines()) <= 80
    code, bare = on_terminal("-c", host, "usage", "--no-color", columns=80)
    assert not SGR.search(bare)
    assert bare == SGR.sub("", drawn)


def test_a_host_without_guests_says_so(tmp_path: Path) -> None:
    assert output("-c", make_host(tmp_path), "usage").endswith(" has no guests\n")


def test_several_hosts_are_added_up_and_measured(tmp_path: Path) -> None:
    places = []
    for name, project in (("a", "acme"), ("b", "research")):
        folder = tmp_path / name
        folder.mkdir()
        places += ["-c", make_host(folder, guest(len(places) + 1, metadata=owned("x", project)))]
    done = nova_domains(*places, "usage", "--interval", "0.2", "-f", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["project"]["name"] for row in found["usage"]] == ["acme", "research"]
    assert found["total"]["guests"] == 2
    assert all(row["cpu_percent"] > 0 for row in found["usage"])
    done = nova_domains(*places, "-c", "test:///nonexistent", "usage", "-f", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["total"]["guests"] == 2
    assert "1 of 3 hosts was not read" in done.stderr
