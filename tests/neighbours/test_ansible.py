"""The collection, played by real Ansible on embedded hosts: the oldest release and the newest."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any
from zipfile import ZipFile

import pytest

from tests.support.command import nova_domains
from tests.support.embedded import FOREIGN_METADATA, block, guest, make_host, nova, uuid_of
from tests.support.neighbours.ansible import COLLECTION, NOVA_DOMAINS, Ansible, Played, play, task

CONTROLS = "web\x9b31m\u202e"
HOSTILE = "{{ lookup('pipe', 'touch evaluated') }}" + CONTROLS
OWNER = '<nova:owner><nova:project uuid="{id}">{name}</nova:project></nova:owner>'

OLD = """\
#!/bin/sh
[ "$1" != --version ] || { echo "nova-domains, version 0.0.9"; exit; }
echo "Error: No such option: --full" >&2
exit 2
"""


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    return Ansible("ansible-newest", tmp_path_factory.mktemp("newest"))


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    return Ansible("ansible-oldest", tmp_path_factory.mktemp("oldest"))


@pytest.fixture(params=["oldest", "newest"])
def ansible(request: pytest.FixtureRequest) -> Ansible:
    found: Ansible = request.getfixturevalue(request.param)
    return found


def executable(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


# ---- the modules ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_host(
        tmp_path_factory.mktemp("host"),
        guest(1, metadata=block(HOSTILE)),
        nova(2),
        nova(3, domain="bare"),
        guest(4, domain="other", metadata=FOREIGN_METADATA),
    )


def tasks_of(uri: str, folder: Path) -> list[dict[str, Any]]:
    old = executable(folder / "old", OLD)
    mute = executable(folder / "mute", "#!/bin/sh\nexit 127\n")
    left = {"connect": uri, "full": True, "dest": str(folder / "left.json")}
    named = {"connect": uri, "guests": ["bare"], "derive": True}
    records = [{"ID": uuid_of(2), "Name": "named-by-nova"}]
    return [
        task("guests", "guests_info", {"connect": uri, "full": True}),
        task("some", "guests_info", {"connect": uri, "kind": ["foreign"], "domain": ["o*"]}),
        task("named", "guests_info", {"connect": uri, "guests": ["bare"]}),
        task("nowhere", "guests_info", {"connect": uri, "guests": ["bare", "nowhere"]}),
        task("both", "guests_info", {"guests": ["bare"], "state": ["running"]}),
        task("would leave", "guests_info", left, check_mode=True),
        task("left", "guests_info", left),
        task("no folder", "guests_info", {"connect": uri, "dest": "/nowhere/left.json"}),
        task(
            "no folder yet",
            "guests_info",
            {"connect": uri, "dest": "/nowhere/left.json"},
            check_mode=True,
        ),
        task("findings", "findings_info", {"connect": uri, "severity": "note"}),
        task("usage", "usage_info", {"connect": uri, "by": ["kind"], "state": ["running"]}),
        task("plan", "stamp", {"connect": uri, "all": True, "derive": True}, check_mode=True),
        task("stamp", "stamp", {**named, "set": {"name": CONTROLS, "flavor.vcpus": 2}}),
        task("records", "stamp", {"connect": uri, "records": records, "release": "29"}),
        task("text", "stamp", {"connect": uri, "records": json.dumps(records) + "\n"}),
        task("unchanged", "stamp", {"connect": uri, "guests": [uuid_of(1)], "derive": True}),
        task("refused", "stamp", {"connect": uri, "guests": ["bare", "other"], "derive": True}),
        task("bad key", "stamp", {**named, "set": {"nmae": "web"}}),
        task("no such run", "undo", {"connect": uri, "run": "/nowhere.jsonl"}),
        task("unreachable", "guests_info", {"connect": "qemu+unix:///system?socket=/nowhere"}),
        task("missing", "guests_info", {"executable": ["nova-domains-of-nobody"]}),
        task("one word", "guests_info", {"executable": ["podman exec nova_libvirt"]}),
        task("container", "guests_info", {"executable": [mute]}),
        task("old", "guests_info", {"executable": [old], "full": True}),
        task("old stamp", "stamp", {"executable": [old], "all": True, "derive": True}),
        task("another", "guests_info", {"executable": ["echo"]}),
    ]


def play_on(ansible: Ansible, tasks: list[dict[str, Any]]) -> Played:
    state = {"NOVA_DOMAINS_STATE": str(ansible.directory / "state")}
    host = {"ansible_connection": "local"}
    return ansible.play({"cmp-001": host}, [play(*tasks, environment=state)], "--diff")


@pytest.fixture(scope="module")
def played(newest: Ansible, uri: str) -> Played:
    """One play of all tasks: Ansible takes a second to start."""
    return play_on(newest, tasks_of(uri, newest.directory))


def test_the_oldest_release_returns_what_the_newest_does(
    oldest: Ansible, uri: str, played: Played
) -> None:
    names = ("guests", "left", "plan", "stamp", "records", "refused", "missing", "old stamp")
    tasks = [task for task in tasks_of(uri, oldest.directory) if task["name"] in names]
    same = play_on(oldest, tasks)
    times = r"20\d\d-\d\d-\d\d[T-][\d:.-]+Z?"
    for name in names:
        then, now = same.of(name), played.of(name)
        assert then.status == now.status, then.message
        for key in ("msg", "changed", "count", "guests", "written", "refused", "diff"):
            then_said, now_said = (
                re.sub(times, "", json.dumps(result.value.get(key))) for result in (then, now)
            )
            assert then_said == now_said


def without_time(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**document, "read_at": None} for document in documents]


def test_guests_are_the_documents_that_the_command_prints(played: Played, uri: str) -> None:
    result = played.of("guests")
    said = nova_domains("-c", uri, "list", "--full", "-f", "json").stdout
    assert result.status == "ok"
    assert without_time(result.value["guests"]) == without_time(json.loads(said))
    assert result.value["count"] == 4
    assert not result.value["changed"]


def test_filters_and_handles_choose_guests(played: Played) -> None:
    assert [each["domain"] for each in played.of("some").value["guests"]] == ["other"]
    assert [each["uuid"] for each in played.of("named").value["guests"]] == [uuid_of(3)]
    assert "nowhere" in played.of("nowhere").message
    assert played.of("both").message == "guests and filters exclude each other"


def test_a_document_is_left_on_the_host_for_its_owner_only(newest: Ansible, played: Played) -> None:
    left = newest.directory / "left.json"
    would, result = played.of("would leave"), played.of("left")
    assert would.value["changed"]
    assert result.value["changed"]
    assert "guests" not in result.value
    assert (result.value["dest"], result.value["count"]) == (str(left), 4)
    assert left.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(left.read_text())) == 4
    assert played.of("no folder").message == "there is no folder for dest: /nowhere/left.json"
    assert played.of("no folder yet").value["changed"]


def test_findings_are_no_failure(played: Played) -> None:
    result = played.of("findings")
    assert result.status == "ok"
    assert "no-block" in {finding["code"] for finding in result.value["findings"]}
    assert result.value["counts"]["warning"] >= 2


def test_usage_has_a_row_for_each_key(played: Played) -> None:
    result = played.of("usage")
    assert result.status == "ok", result.message
    assert {row["kind"]: row["guests"] for row in result.value["usage"]} == {
        "nova": 1,
        "nova-unstamped": 2,
        "foreign": 1,
    }
    assert result.value["total"]["guests"] == 4


def test_check_mode_returns_the_plan_and_writes_nothing(newest: Ansible, played: Played) -> None:
    plan = played.of("plan").value
    assert plan["changed"]
    assert plan["journal"] is None
    assert [each["uuid"] for each in plan["written"]] == [uuid_of(3), uuid_of(2)]
    assert {each["outcome"] for each in plan["guests"]} == {None}
    begin = '<instance xmlns="http://openstack.org/xmlns/libvirt/nova/1.1">'
    for part in plan["diff"]:
        assert part["before"] == ""
        assert begin in part["after"].splitlines()
    assert "+  <package version=" in played.said


def test_what_is_stamped_is_reported_with_its_journal(newest: Ansible, played: Played) -> None:
    result = played.of("stamp").value
    assert result["changed"]
    (stamped,) = result["guests"]
    assert stamped["outcome"] == {"result": "done", "why": None}
    assert {field["field"]: field["after"] for field in stamped["fields"]}["flavor.vcpus"] == 2
    assert Path(result["journal"]).parent == newest.directory / "state"
    (part,) = result["diff"]
    assert part["after_header"] == f"bare {uuid_of(3)} (live and persistent)"


def test_records_come_from_a_value_or_a_text(played: Played) -> None:
    for name in ("records", "text"):
        result = played.of(name)
        assert result.status == "ok", result.message
        assert [each["uuid"] for each in result.value["written"]] == [uuid_of(2)]
        assert "named-by-nova" in result.value["diff"][0]["after"]


def test_a_guest_with_a_block_is_unchanged(played: Played) -> None:
    result = played.of("unchanged")
    assert result.status == "ok"
    assert not result.value["changed"]
    assert result.value["diff"] == result.value["written"] == []


def test_a_refused_guest_fails_the_task_and_the_others_are_written(played: Played) -> None:
    result = played.of("refused")
    assert result.status == "failed"
    assert result.value["changed"]
    assert [each["domain"] for each in result.value["written"]] == ["bare"]
    (refused,) = result.value["refused"]
    assert refused["domain"] == "other"
    assert "no evidence" in refused["reason"] or "kubevirt" in refused["reason"].lower()


def test_wrong_usage_is_said_in_the_words_of_the_command(played: Played) -> None:
    assert "'nmae': unknown key" in played.of("bad key").message


def test_a_run_that_is_not_there_fails(played: Played) -> None:
    assert "cannot be read" in played.of("no such run").message


def test_a_host_that_cannot_be_asked_fails(played: Played) -> None:
    result = played.of("unreachable")
    assert result.status == "failed"
    assert result.value["rc"] == 3


@pytest.mark.parametrize("name", ["missing", "container"])
def test_without_the_executable_the_task_says_what_to_install(played: Played, name: str) -> None:
    message = played.of(name).message
    assert message.startswith("nova-domains cannot be run on this host: ")
    assert "install it with the role nova_domains.compute.install" in message


def test_words_in_one_are_no_command(played: Played) -> None:
    assert "give a command with arguments as a list" in played.of("one word").message


@pytest.mark.parametrize("name", ["old", "old stamp"])
def test_a_tool_that_is_too_old_gets_both_versions(played: Played, name: str) -> None:
    assert played.of(name).message == (
        "nova-domains 0.0.9 on this host is too old: "
        "the collection nova_domains.compute needs 0.1.0 or later"
    )


def test_another_program_is_recognised(played: Played) -> None:
    assert "is not nova-domains" in played.of("another").message


def test_a_hostile_name_is_whole_in_results_and_visible_in_diffs(
    newest: Ansible, played: Played
) -> None:
    names = [each["instance"]["name"] for each in played.of("guests").value["guests"]
             if each["instance"]]  # fmt: skip
    assert names == [HOSTILE]
    (part,) = played.of("stamp").value["diff"]
    assert "<name>web\\u009b31m\\u202e</name>" in part["after"]
    assert not {"\x9b", "\u202e"} & set(part["after"])
    assert not (newest.directory / "evaluated").exists()


# ---- the inventory ----------------------------------------------------------------------------

INVENTORY = {
    "plugin": "nova_domains.compute.guests",
    "compose": {
        "ansible_host": "nova_domains.instance.ports[0].ips[0].address",
        "shout": "nova_domains.instance.name | upper",
    },
    "groups": {"big": "nova_domains.hardware.vcpus | default(0) > 2"},
    "keyed_groups": [{"key": "nova_domains.instance.name", "prefix": "name"}],
}


def document(number: int, host: str = "cmp-001", **changes: Any) -> dict[str, Any]:
    """A guest's document; ``name``, ``project`` and ``address`` go to its instance."""
    instance = {
        "name": changes.pop("name", f"web-{number}"),
        "owner": {"project": changes.pop("project", {"id": "a" * 32, "name": "acme-shop"})},
        "ports": [{"uuid": uuid_of(9), "ips": [{"address": changes.pop("address", "10.0.0.1")}]}],
    }
    return {
        "host": host,
        "uuid": uuid_of(number),
        "domain": f"instance-{number:08x}",
        "state": "running",
        "kind": "nova",
        "read_at": "2026-11-25T12:00:00Z",
        "instance": instance,
        **changes,
    }


def inventory(ansible: Ansible, folder: Path, **settings: Any) -> dict[str, Any]:
    """What the plugin makes of the settings: groups with their hosts, and ``_meta``."""
    source = folder / "fleet.nova_domains.yml"
    source.write_text(json.dumps({**INVENTORY, **settings}))
    found = ansible.run("ansible-inventory", "-i", str(source), "--list", "--output", "found")
    listed = json.loads((ansible.directory / "found").read_text(), object_hook=plain)
    return {**listed, "said": found}


def plain(value: dict[str, Any]) -> Any:
    """A text that is no template is listed as an object of its own."""
    return value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else value


def test_guests_are_grouped_by_project_host_kind_and_state(
    ansible: Ansible, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(json.dumps([document(1), document(2, hardware={"vcpus": 4})]))
    lines = [
        document(1, "cmp-002", state="shutoff"),
        document(3, "cmp-002", project={"id": "b" * 32, "name": "acme.shop"}),
        document(4, "cmp-002", kind="foreign", instance=None),
    ]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "notes.txt").write_text("not a document")
    found = inventory(ansible, tmp_path, documents=["."], hostname="domain")
    hosts = {group: sorted(found[group]["hosts"]) for group in found if "hosts" in found[group]}
    one, two = "instance-00000001.cmp-001", "instance-00000002.cmp-001"
    twin, three, four = (f"instance-0000000{number}.cmp-002" for number in (1, 3, 4))
    assert hosts == {
        "project_acme_shop_aaaaaaaa": [one, twin, two],
        "project_acme_shop_bbbbbbbb": [three],
        "without_project": [four],
        "host_cmp_001": [one, two],
        "host_cmp_002": [twin, three, four],
        "kind_nova": [one, twin, two, three],
        "kind_foreign": [four],
        "state_running": [one, two, three, four],
        "state_shutoff": [twin],
        "big": [two],
        "name_web_1": [one, twin],
        "name_web_2": [two],
        "name_web_3": [three],
    }
    assert found["_meta"]["hostvars"][one]["ansible_host"] == "10.0.0.1"


def test_the_same_guest_counts_as_it_was_read_last(newest: Ansible, tmp_path: Path) -> None:
    late = document(1, name="new", read_at="2026-11-25T13:00:00Z")
    (tmp_path / "a.json").write_text(json.dumps([late]))
    (tmp_path / "b.json").write_text(json.dumps([document(1, name="old")]))
    found = inventory(newest, tmp_path, documents=["a.json", "b.json"])
    variables = found["_meta"]["hostvars"][uuid_of(1)]
    assert variables["nova_domains"]["instance"]["name"] == "new"


def test_twins_and_namesakes_are_all_there(newest: Ansible, tmp_path: Path) -> None:
    documents = [document(1, "cmp-001"), document(1, "cmp-002"), document(1, "cmp_002")]
    (tmp_path / "a.json").write_text(json.dumps(documents))
    for style, name in (("uuid", uuid_of(1)), ("name", "web-1.00000001")):
        found = inventory(newest, tmp_path, documents=["a.json"], hostname=style)
        names = sorted(f"{name}.{host}" for host in ("cmp-001", "cmp-002", "cmp_002"))
        assert sorted(found["_meta"]["hostvars"]) == names


def test_what_a_tenant_typed_is_never_a_template_or_a_host_of_ours(
    ansible: Ansible, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(
        json.dumps(
            [
                document(1, name=HOSTILE, address=HOSTILE, project={"id": "p", "name": HOSTILE}),
                document(2, name="localhost"),
                document(3, name="all"),
            ]
        )
    )
    found = inventory(ansible, tmp_path, documents=["a.json"], hostname="name")
    hosts = found["_meta"]["hostvars"]
    assert len(hosts) == 3
    assert not {"localhost", "all"} & set(hosts)
    assert all(set("{}'\x9b") & set(name) == set() for name in (*hosts, *found) if name != "said")
    source = str(tmp_path / "fleet.nova_domains.yml")
    show = (
        "msg={{ nova_domains.instance.name }}{{ shout }}{{ ansible_host }}{{ inventory_hostname }}"
    )
    ansible.run("ansible", "-i", source, "all", "-m", "ansible.builtin.debug", "-a", show)
    assert not (ansible.directory / "evaluated").exists()


def test_a_damaged_document_costs_no_other(newest: Ansible, tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text(json.dumps([document(1)])[:-20])
    deep = "[" * 100_000
    lines = ["{", "[]", json.dumps(document(2, uuid="localhost")), json.dumps(document(3)), deep]
    (tmp_path / "lines.jsonl").write_text("\n".join(lines))
    found = inventory(newest, tmp_path, documents=["."])
    assert list(found["_meta"]["hostvars"]) == [uuid_of(3)]
    said = " ".join(found["said"].split())
    for why in ("cut.json: cut short or damaged", "line 1: not a guest", "line 3: no uuid"):
        assert why in said


def collected(path: Path, *documents: str) -> None:
    """As ``collect`` makes it: what docs/collected.md promises to those who ask it with SQL."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA application_id = 0x6E6F7644")
        connection.execute("CREATE TABLE guests (uuid, document)")
        for number, text in enumerate(documents):
            connection.execute("INSERT INTO guests VALUES (?, ?)", (uuid_of(number), text))
    connection.close()


def test_a_collected_file_gives_its_guests(newest: Ansible, tmp_path: Path) -> None:
    collected(tmp_path / "guests?.sqlite", json.dumps(document(1)), "{", json.dumps(document(2)))
    found = inventory(newest, tmp_path, database="guests?.sqlite")
    assert sorted(found["_meta"]["hostvars"]) == [uuid_of(1), uuid_of(2)]


def test_what_cannot_be_read_at_all_is_an_error(newest: Ansible, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.sqlite") as connection:
        connection.execute("CREATE TABLE guests (uuid, document)")
    connection.close()
    (tmp_path / "text.sqlite").write_text("no database " * 100)
    faults: list[tuple[dict[str, Any], str]] = [
        ({}, "say what to read: documents or database"),
        ({"documents": ["nowhere.json"]}, "nowhere.json: No such file or directory"),
        ({"database": "nowhere.sqlite"}, "nowhere.sqlite: there is no such file"),
        ({"database": "text.sqlite"}, "file is not a database"),
        ({"database": "other.sqlite"}, "is not a file that nova-domains collect wrote"),
    ]
    sources = []
    for number, (settings, _) in enumerate(faults):
        source = tmp_path / f"{number}.nova_domains.yml"
        source.write_text(json.dumps({**INVENTORY, **settings}))
        sources += ["-i", str(source)]
    said = newest.run("ansible-inventory", *sources, "--list")
    assert [why for _, why in faults if why not in " ".join(said.split())] == []


# ---- the roles --------------------------------------------------------------------------------


def wheel(path: Path) -> Path:
    """The smallest nova-domains that pip installs: it says its version only."""
    wheel = path / "nova_domains-9.0-py3-none-any.whl"
    info = "nova_domains-9.0.dist-info"
    with ZipFile(wheel, "w") as file:
        file.writestr("said.py", "def main():\n    print('nova-domains, version 9.0')\n")
        file.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: nova-domains\nVersion: 9.0\n"
        )
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/entry_points.txt", "[console_scripts]\nnova-domains = said:main\n")
        file.writestr(f"{info}/RECORD", "")
    return wheel


def test_install_makes_an_environment_once(newest: Ansible, tmp_path: Path) -> None:
    link = tmp_path / "nova-domains"
    variables = {
        "install_path": str(tmp_path / "environment"),
        "install_source": str(wheel(tmp_path)),
        "install_python": sys.executable,
        "install_prerequisites": False,
        "install_link": str(link),
    }
    role = {"role": "nova_domains.compute.install", "vars": variables}
    book = [
        {"hosts": "compute", "gather_facts": False, "become_method": "sudo", "roles": [role]},
        {
            "hosts": "compute",
            "gather_facts": False,
            "tasks": [
                {
                    "name": "again",
                    "ansible.builtin.include_role": {"name": role["role"]},
                    "vars": variables,
                }
            ],
        },
    ]
    played = newest.play({"cmp-001": {"ansible_connection": "local"}}, book)
    assert played.code == 0, played.said
    done = subprocess.run([link], capture_output=True, text=True, check=True)
    assert done.stdout == "nova-domains, version 9.0\n"
    # Two tasks the first time, none the second.
    assert "changed=2" in played.said


# ---- the collection ---------------------------------------------------------------------------


def test_the_artifact_installs_and_works(tmp_path: Path) -> None:
    installed = Ansible("ansible-newest", tmp_path, tmp_path / "installed")
    galaxy = ("ansible-galaxy", "collection")
    installed.run(*galaxy, "build", str(COLLECTION), "--output-path", str(tmp_path))
    (artifact,) = tmp_path.glob("nova_domains-compute-*.tar.gz")
    with tarfile.open(artifact) as archive:
        names = archive.getnames()
    assert not [name for name in names if name.endswith(".pyc") or "tests/output" in name]
    installed.run(*galaxy, "install", str(artifact), "-p", str(tmp_path / "installed"))
    read = task("guests", "guests_info", {"connect": make_host(tmp_path, nova(1))})
    played = installed.play({"cmp-001": {"ansible_connection": "local"}}, [play(read)])
    assert played.of("guests").value["count"] == 1


def test_every_module_has_its_page(newest: Ansible) -> None:
    names = [
        f"nova_domains.compute.{path.stem}" for path in COLLECTION.glob("plugins/modules/*.py")
    ]
    assert len(names) == 5
    pages = json.loads(newest.run("ansible-doc", "--json", *names))
    inventory = newest.run("ansible-doc", "-t", "inventory", "nova_domains.compute.guests")
    assert "keyed_groups" in inventory
    for role in ("install", "collect"):
        shown = newest.run("ansible-doc", "-t", "role", f"nova_domains.compute.{role}")
        assert f"{role}_executable" in shown or f"{role}_path" in shown
    for name in names:
        assert {"executable", "connect", "timeout"} <= set(pages[name]["doc"]["options"])
        assert pages[name]["examples"]
        assert pages[name]["return"]


def test_ansible_s_own_checks_pass(newest: Ansible) -> None:
    said = newest.sanity()
    for check in ("ansible-doc", "import", "pep8", "pylint", "validate-modules", "yamllint"):
        assert f'Running sanity test "{check}"' in said


def test_ansible_lint_passes_in_its_strictest_profile(newest: Ansible, tmp_path: Path) -> None:
    copy = tmp_path / "ansible_collections" / "nova_domains" / "compute"
    copytree(COLLECTION, copy, ignore=ignore_patterns("__pycache__"))
    said = newest.run("ansible-lint", "--profile", "production", cwd=copy)
    assert "Profile 'production' was required, and it passed" in said


def test_what_the_modules_need_is_the_command_alone() -> None:
    for path in (COLLECTION / "plugins").rglob("*.py"):
        text = path.read_text()
        assert not any(f"import {name}" in text for name in ("libvirt", "lxml", "virsh_nova")), path


def test_the_executable_is_the_one_of_this_checkout() -> None:
    done = subprocess.run([*NOVA_DOMAINS, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("nova-domains, version ")
