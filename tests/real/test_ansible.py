"""The collection over real ssh: the playbooks of its README, and hosts that fail in between."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from lab import domains
from lab.compute_host import stuck
from lab.fleet import Fleet, FleetHost
from tests.support.command import output
from tests.support.neighbours.ansible import COLLECTION, NOVA_DOMAINS, Ansible, Played, play, task
from tests.support.real_host import NOVA_1_1, uuid

JOURNAL = "/var/lib/nova-domains/backfill-1.jsonl"
"""As the README has it."""


def readme(*words: str) -> list[dict[str, Any]]:
    """The plays of the README's block that holds these words."""
    blocks = re.findall(r"```yaml\n(.*?)```", (COLLECTION / "README.md").read_text(), re.S)
    (found,) = [text for text in blocks if all(word in text for word in words)]
    # The hosts of the lab share the machine's file system.
    plays: list[dict[str, Any]] = yaml.safe_load(found.replace(JOURNAL, "'{{ state }}/run.jsonl'"))
    return plays


def furnished(plays: list[dict[str, Any]], step: str, **keywords: Any) -> list[dict[str, Any]]:
    """The plays with the command of this checkout, the step before the name of each task."""
    defaults = {"group/nova_domains.compute.nova_domains": {"executable": NOVA_DOMAINS}}
    return [
        {
            **each,
            "gather_facts": False,
            "module_defaults": defaults,
            "environment": {"NOVA_DOMAINS_STATE": "{{ state }}"},
            "tasks": [
                {**task, "name": f"{step}: {task['name']}", "ignore_errors": True}
                for task in each["tasks"]
            ],
            **keywords,
        }
        for each in plays
    ]


def inventory(fleet: Fleet, hosts: list[FleetHost], folder: Path) -> dict[str, dict[str, Any]]:
    return {
        host.name: {
            "ansible_host": host.address,
            "ansible_user": "root",
            "ansible_ssh_executable": str(fleet.ssh),
            "state": str(folder / f"state-{host.name}"),
        }
        for host in hosts
    }


def with_guests(host: FleetHost, *numbers: int) -> None:
    for number in numbers:
        host.define(domains.nova_guest(f"instance-{number:08x}", uuid(number)))
        host.start(f"instance-{number:08x}")


def blocks(host: FleetHost, number: int) -> list[str | None]:
    name = f"instance-{number:08x}"
    return [host.metadata(name, NOVA_1_1, which) for which in ("live", "persistent")]


def written(played: Played, step: str, what: str, host: FleetHost) -> list[str]:
    result = played.of(f"{step}: {what}", host.name)
    assert result.status == "ok", result.message
    assert result.value["changed"] == bool(result.value["written"])
    return [each["uuid"] for each in result.value["written"]]


def test_a_backfill_is_reviewed_written_once_and_undone_once(fleet: Fleet, tmp_path: Path) -> None:
    hosts = fleet.hosts[:2]
    for number, host in enumerate(hosts, start=1):
        with_guests(host, number)
    servers = [{"ID": uuid(number), "Name": f"web-{number}"} for number in (1, 2)]
    (tmp_path / "servers.json").write_text(json.dumps(servers))
    backfill, undo = readme("serial", "records"), readme("serial", "undo")
    stamp, back = "Stamp the guests that lack it", "Undo it"
    ansible = Ansible("ansible-newest", tmp_path)
    there = inventory(fleet, hosts, tmp_path)

    played = ansible.play(
        there,
        [
            *furnished(backfill, "review", check_mode=True),
            *furnished(backfill, "write"),
            *furnished(backfill, "again"),
        ],
        "--diff",
    )
    for number, host in enumerate(hosts, start=1):
        assert written(played, "review", stamp, host) == [uuid(number)]
        assert written(played, "write", stamp, host) == [uuid(number)]
        assert written(played, "again", stamp, host) == []
        live, persistent = blocks(host, number)
        assert live is not None
        assert f"<name>web-{number}</name>" in live
        assert live == persistent
        reviewed, done = (
            [
                {**part, "after": re.sub(' at="[^"]*"', "", part["after"])}
                for part in played.of(f"{step}: {stamp}", host.name).value["diff"]
            ]
            for step in ("review", "write")
        )
        assert reviewed == done

    played = ansible.play(
        there,
        [
            *furnished(undo, "review", check_mode=True),
            *furnished(undo, "write"),
            *furnished(undo, "again"),
        ],
    )
    for number, host in enumerate(hosts, start=1):
        assert written(played, "review", back, host) == [uuid(number)]
        assert written(played, "write", back, host) == [uuid(number)]
        assert written(played, "again", back, host) == []
        assert blocks(host, number) == [None, None]


def test_hosts_and_guests_fail_one_by_one(fleet: Fleet, tmp_path: Path) -> None:
    """A guest whose QEMU hangs, a daemon that is gone, a host without network; and a sound one.

    Played by the oldest Ansible; the newest plays the README.
    """
    sound, hung, killed, lost = fleet.hosts
    with_guests(sound, 1)
    with_guests(hung, 2, 3)
    ansible = Ansible("ansible-oldest", tmp_path)
    ansible.environment["ANSIBLE_TIMEOUT"] = "2"
    tasks = [
        task("guests", "guests_info", {"connect": "qemu:///system"}),
        task("stamp", "stamp", {"all": True, "derive": True, "patience": 2}),
        task("undo", "undo", {"run": "newest"}, when="inventory_hostname == 'cmp-001'"),
        task("again", "undo", {"run": "newest"}, when="inventory_hostname == 'cmp-001'"),
    ]
    state = {"NOVA_DOMAINS_STATE": "{{ state }}"}
    killed.kill_daemon()
    try:
        with lost.without_link(), stuck(hung, "instance-00000002"):
            there = inventory(fleet, fleet.hosts, tmp_path)
            played = ansible.play(there, [play(*tasks, environment=state)])
    finally:
        killed.restart_daemon()

    assert played.of("guests", lost.name).status == "unreachable"
    refused = played.of("guests", killed.name)
    assert (refused.status, refused.value["rc"]) == ("failed", 3)
    assert played.of("guests", hung.name).value["count"] == 2

    result = played.of("stamp", hung.name)
    assert result.status == "failed"
    assert result.value["changed"]
    assert [each["uuid"] for each in result.value["written"]] == [uuid(3)]
    (failure,) = result.value["failures"]
    assert (failure["uuid"], failure["result"]) == (uuid(2), "unanswered")
    assert "instance-00000002" in result.message
    assert blocks(hung, 3)[0] is not None

    assert played.of("stamp", sound.name).value["changed"]
    assert played.of("undo", sound.name).value["changed"]
    assert played.of("again", sound.name).status == "ok"
    assert not played.of("again", sound.name).value["changed"]


def test_every_night_the_fleet_is_collected(fleet: Fleet, tmp_path: Path) -> None:
    hosts = fleet.hosts[:3]
    for number, host in enumerate(hosts, start=1):
        with_guests(host, number)
    collect, check = readme("collect", "findings_info")
    (role,) = collect["roles"]
    collect["roles"] = [
        {
            **role,
            "collect_executable": NOVA_DOMAINS,
            "collect_controller_executable": NOVA_DOMAINS,
            "collect_remote": "{{ state }}/left",
        }
    ]
    collect["gather_facts"] = False
    for host in hosts:
        (tmp_path / f"state-{host.name}").mkdir()
    hosts[2].kill_daemon()
    try:
        ansible = Ansible("ansible-newest", tmp_path)
        there = inventory(fleet, hosts, tmp_path)
        played = ansible.play(there, [collect, *furnished([check], "check")])
    finally:
        hosts[2].restart_daemon()
    assert sorted(path.name for path in (tmp_path / "collected").iterdir()) == [
        "cmp-001.json",
        "cmp-002.json",
    ]
    said = played.of("check: Compare what Nova recorded with the guests", hosts[0].name).value
    assert [finding["code"] for finding in said["findings"]] == ["no-block"]
    assert "warning no-block instance-00000001" in played.said
    database = str(tmp_path / "guests.sqlite")
    out = output("-q", "--files", database, "list", "-f", "value", "-c", "uuid")
    assert sorted(out.split()) == [uuid(1), uuid(2)]
