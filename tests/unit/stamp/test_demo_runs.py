"""What is tried on the example host leaves nothing behind, and never comes in a real host's way."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.command import nova_domains
from tests.support.embedded import NOVA_SYSINFO, guest, make_host
from virsh_nova.stamp.journals import all_runs

STAMP = ("stamp", "--all", "--set", "name=x", "--yes")


def test_a_demo_run_leaves_no_journal_and_no_lock(tmp_path: Path) -> None:
    state, temporary = tmp_path / "state", tmp_path / "tmp"
    temporary.mkdir()
    changes = {"NOVA_DOMAINS_STATE": str(state), "TMPDIR": str(temporary)}
    done = nova_domains("--demo", *STAMP, **changes)
    assert done.returncode == 0, done.stderr
    assert "1 stamped" in done.stdout
    assert done.stderr == (
        "nova-domains: note: the example host forgets this run, and keeps no journal of it\n"
    )
    assert not state.exists()
    assert list(temporary.iterdir()) == []
    document = json.loads(nova_domains("--demo", *STAMP, "-f", "json", **changes).stdout)
    assert document["journal"] is None


def test_undo_of_a_real_host_does_not_see_the_runs_of_the_demo(tmp_path: Path) -> None:
    state = {"NOVA_DOMAINS_STATE": str(tmp_path / "state")}
    uri = make_host(tmp_path, guest(1, before=NOVA_SYSINFO))
    assert nova_domains("-c", uri, *STAMP, **state).returncode == 0
    (run,) = all_runs(tmp_path / "state").runs
    assert nova_domains("--demo", *STAMP, **state).returncode == 0
    done = nova_domains("-c", uri, "undo", "--dry-run", **state)
    assert f"undoing {run.id}" in done.stderr
    listed = json.loads(nova_domains("undo", "--list", "-f", "json", **state).stdout)
    assert [each["run"] for each in listed] == [run.id]


def test_the_demo_has_no_runs_of_its_own_to_undo(tmp_path: Path) -> None:
    state = {"NOVA_DOMAINS_STATE": str(tmp_path / "state")}
    uri = make_host(tmp_path, guest(1, before=NOVA_SYSINFO))
    assert nova_domains("-c", uri, *STAMP, **state).returncode == 0
    assert nova_domains("--demo", "undo", "--list", **state).stdout == "no runs\n"
    done = nova_domains("--demo", "undo", "--yes", **state)
    assert done.returncode == 1
    assert "no run of stamp on this host to undo" in done.stderr


def test_a_journal_that_is_asked_for_is_kept_and_is_no_other_hosts(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    state = {"NOVA_DOMAINS_STATE": str(tmp_path / "state")}
    assert nova_domains("--demo", *STAMP, "--journal", str(path), **state).returncode == 0
    uri = make_host(tmp_path, guest(1, before=NOVA_SYSINFO))
    done = nova_domains("-c", uri, "undo", str(path), "--yes", **state)
    assert done.returncode == 1
    assert "this run was on " in done.stderr


def test_a_run_is_found_though_its_host_has_another_name_by_now(tmp_path: Path) -> None:
    state = {"NOVA_DOMAINS_STATE": str(tmp_path / "state")}
    uri = make_host(tmp_path, guest(1, before=NOVA_SYSINFO))
    assert nova_domains("-c", uri, *STAMP, **state).returncode == 0
    (run,) = all_runs(tmp_path / "state").runs
    name = f'"name": "{run.origin.host.name}"'
    text = run.path.read_text().replace(name, '"name": "vm.dc1.example.org"')
    run.path.write_text(text)
    for handle in ((), (run.id,)):
        done = nova_domains("-c", uri, "undo", *handle, "--dry-run", **state)
        assert done.returncode == 0, done.stderr
    (listed,) = json.loads(nova_domains("undo", "--list", "-f", "json", **state).stdout)
    assert listed["host"] == "vm.dc1.example.org"
