"""stamp and undo on the command line, on embedded hosts: what is said, and what is written."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import command, environment, nova_domains, the_error
from tests.support.embedded import (
    APPLIANCE,
    FOREIGN_METADATA,
    SHUTOFF,
    block,
    guest,
    make_host,
    nova,
    uuid_of,
)
from tests.support.terminals import SGR, on_terminal
from virsh_nova import __version__
from virsh_nova.render.safe import is_safe
from virsh_nova.stamp.journal_format import Run
from virsh_nova.stamp.journals import read_journal

EVIL = "\u202ea\x9b31m\x85[bold]<b>"


class Place:
    """A host of a few guests, and a folder for journals."""

    def __init__(self, folder: Path, *guests: str) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.uri = make_host(folder, *guests)

    def __call__(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        # In the folder, so that messages name files as they were given.
        return subprocess.run(
            command("-c", self.uri, *arguments),
            env=environment(**{"NOVA_DOMAINS_STATE": str(self.state), **changes}),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    def journals(self) -> list[Run]:
        return [read_journal(path) for path in sorted(self.state.glob("*.jsonl"))]

    def file(self, name: str, content: object) -> str:
        text = content if isinstance(content, str) else json.dumps(content)
        (self.folder / name).write_text(text, encoding="utf-8")
        return name


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(
        tmp_path,
        nova(1),
        nova(2, state=SHUTOFF),
        nova(3, block("has-one")),
        guest(4, domain="vmi", metadata=FOREIGN_METADATA),
        nova(5, domain="appliance", rest=APPLIANCE),
        guest(6, domain="plain"),
    )


def document(number: int, **instance: Any) -> dict[str, Any]:
    return {
        "uuid": uuid_of(number),
        "instance": {"namespace": "http://openstack.org/xmlns/libvirt/nova/1.1", **instance},
    }


def refused(place: Place, *arguments: str, code: int = 1) -> str:
    """The one error of a command that says no, prints nothing and leaves no trace."""
    done = place(*arguments)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert not list(place.state.glob("*.jsonl"))
    return the_error(done.stderr)


def usage(place: Place, *arguments: str) -> str:
    done = place(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert not place.state.exists()
    return done.stderr.splitlines()[-1]


# ---- usage ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--all"], "say where the facts come from: use --derive, --from, --cloud or --set"),
        (["--derive"], "say which guests to stamp: name them, or use --all"),
        (["--all", "x", "--derive"], "--all and handles exclude each other"),
        (
            ["--all", "--derive", "--fill", "--overwrite"],
            "--overwrite and --fill exclude each other",
        ),
        (["--all", "--derive", "--force"], "--force needs the guests to be named"),
        (["--all", "--set", "nmae=x"], "--set 'nmae': unknown key (Did you mean name?)"),
        (
            ["--all", "--set", "project.name=x"],
            "--set 'project.name': unknown key (Did you mean owner.project.name?)",
        ),
        (
            ["--all", "--set", "name"],
            "--set 'name': expected KEY=VALUE (For example: --set name=web-1)",
        ),
        (
            ["--all", "--set", "flavor.vcpus=two"],
            "--set flavor.vcpus: expected a number, got text 'two'",
        ),
        (
            ["--all", "--set", "name=a\tb\x1bc"],
            "--set name: XML cannot hold the character U+001B at position 4",
        ),
        (
            ["--all", "--derive", "--release", "35"],
            "Invalid value for '--release': '35' is not a release of Nova from 12 (2015.2) to 34 "
            "(2026.2) (such as 29, 2024.1, caracal, or draft)",
        ),
        (
            ["--all", "--derive", "--patience", "nan"],
            "Invalid value for '--patience': nan is not a time",
        ),
    ],
)
def test_wrong_usage_is_reported_in_one_line(place: Place, arguments: list[str], said: str) -> None:
    assert usage(place, "stamp", *arguments) == f"Error: {said}"


# ---- bad input --------------------------------------------------------------------------------

UUID = uuid_of(1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "f: empty"),
        ('[{"uuid": "8dab', "f: invalid JSON: truncated"),
        ("hello", "f: "),
        ([{"uuid": UUID, "x": 1}], "f: item 1: "),
        ([{"uuid": "no", "instance": {"namespace": "x"}}],
         "f: item 1 (no): uuid: expected a uuid, got text 'no'"),
        ([document(1, flavor={"memory_mib": "64"})],
         f"f: item 1 ({UUID}): instance.flavor.memory_mib: expected a number, got text '64'"),
        ([document(1, name="ok"), document(2, name="a\x1bb")],
         f"f: item 2 ({uuid_of(2)}): instance.name: XML cannot hold the character U+001B at "
         "position 2"),
        ({"servers": [{"id": UUID, "name": 3}]},
         f"f: item 1 ({UUID}): name: expected text, got number 3"),
    ],
)  # fmt: skip
def test_a_bad_file_is_reported_with_file_record_and_field(
    place: Place, content: object, said: str
) -> None:
    place.file("f", content)
    line, *_ = refused(place, "stamp", "--from", "f", "--yes").splitlines()
    message = line.removeprefix("nova-domains: error: ")
    assert message.startswith(said) if said.endswith(": ") else message == said


def test_a_yaml_bomb_and_a_file_of_200_mb_are_refused(place: Place) -> None:
    lines = ["a: &a [x,x,x]"]
    for inner, outer in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{outer}: &{outer} [{','.join([f'*{inner}'] * 9)}]")
    place.file("f", "\n".join(lines))
    assert refused(place, "stamp", "--from", "f", "--yes").startswith("nova-domains: error: f: ")
    with (place.folder / "f").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    assert refused(place, "stamp", "--from", "f", "--yes").startswith("nova-domains: error: f: ")


def test_a_missing_file_is_reported(place: Place) -> None:
    for option in ("--from", "--users", "--projects", "--flavors", "--images", "--ports"):
        line = refused(place, "stamp", "--all", "--derive", "--yes", option, "none.json")
        assert line.startswith("nova-domains: error: none.json: ")


def test_a_hostile_file_name_is_escaped(place: Place) -> None:
    assert is_safe(refused(place, "stamp", "--yes", "--from", EVIL))


# ---- whom -------------------------------------------------------------------------------------


def test_a_handle_without_a_match_does_not_stop_the_others(place: Place) -> None:
    done = place("stamp", uuid_of(1), "nobody", "--set", "name=x", "--yes")
    assert done.returncode == 1
    assert "no guest" in done.stderr.splitlines()[0]
    assert done.stdout.endswith("1 stamped, 0 unchanged, 0 refused, 0 failed\n")


def test_a_foreign_guest_needs_its_name_and_force(place: Place) -> None:
    done = place("stamp", "vmi", "--set", "name=x", "--yes")
    assert done.returncode == 1
    assert "refused: vmi" in done.stdout
    assert not place.state.glob("*.jsonl") or not place.journals()
    done = place("stamp", "vmi", "--set", "name=x", "--yes", "--force")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0, "1 stamped, 0 unchanged, 0 refused, 0 failed",
    )  # fmt: skip


def test_an_appliance_is_refused_even_when_forced(place: Place) -> None:
    done = place("stamp", "appliance", "--set", "name=x", "--yes", "--force", "--overwrite")
    assert done.returncode == 1
    assert "refused: appliance" in done.stdout
    assert place.journals() == []


def test_all_stamps_only_nova_guests_without_a_block(place: Place) -> None:
    done = place("stamp", "--all", "--set", "name=x", "--yes", "-f", "json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert [(each["domain"], each["action"]) for each in plan["guests"]] == [
        ("instance-00000001", "write"),
        ("instance-00000002", "write"),
        ("instance-00000003", "unchanged"),
    ]


# ---- plan, question, summary ------------------------------------------------------------------

MARK = re.compile(r"^mark: \S+Z by \S+ from", re.M)


def test_the_plan_for_the_demo_host_is_shown_word_for_word(tmp_path: Path) -> None:
    done = nova_domains(
        "--demo", "stamp", "--all", "--derive", "--dry-run", NOVA_DOMAINS_STATE=str(tmp_path / "s")
    )
    assert (done.returncode, done.stderr) == (0, "")
    digest = re.search(r"digest ([0-9a-f]{16})$", done.stdout, re.M)
    assert digest
    assert MARK.sub("mark: … by … from", done.stdout) == (
        "instance-00000019  running  3e44bc05-fa21-4d55-947e-7e073ea5fdcb\n"
        "--- instance-00000019 (live and persistent)\n"
        "+++ instance-00000019 (live and persistent)\n"
        "@@ -0,0 +1,11 @@\n"
        '+<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">\n'
        '+  <nova:package version="29.2.0"/>\n'
        "+  <nova:flavor>\n"
        "+    <nova:memory>2048</nova:memory>\n"
        "+    <nova:vcpus>1</nova:vcpus>\n"
        "+  </nova:flavor>\n"
        '+  <nova:root type="image"/>\n'
        "+  <nova:ports>\n"
        '+    <nova:port uuid="7856881e-0461-4f9d-8693-3030b63798fa"/>\n'
        "+  </nova:ports>\n"
        "+</nova:instance>\n"
        f"mark: … by … from the guest, nova-domains {__version__}, digest {digest[1]}\n"
        "from the guest: package, flavor.memory_mib, flavor.vcpus, root.type, ports\n"
        "note: Ceilometer will skip this guest: no name, no owner.user.id, "
        "no owner.project.id\n"
        "\n"
        "1 to write, 7 unchanged, 0 refused\n"
    )
    assert not (tmp_path / "s").exists()


def test_without_a_terminal_and_without_yes_nothing_is_written(place: Place) -> None:
    done = place("stamp", "--all", "--set", "name=x")
    assert done.returncode == 1
    assert done.stdout.endswith("2 to write, 1 unchanged, 0 refused\n")
    assert done.stderr == (
        "nova-domains: error: nothing was written: there is no terminal to ask on\n"
        "nova-domains: hint: use --yes to write without it\n"
    )
    assert place.journals() == []


def test_dry_run_neither_asks_nor_writes_nor_locks(place: Place) -> None:
    done = place("stamp", "--all", "--set", "name=x", "--dry-run", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert not place.state.exists()


def test_yes_writes_and_says_where_the_journal_is(place: Place) -> None:
    done = place("stamp", "--all", "--set", "name=x", "--yes")
    (run,) = place.journals()
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "2 stamped, 1 unchanged, 0 refused, 0 failed"
    assert done.stderr == (
        f"nova-domains: note: journal: {run.path}\n"
        f"nova-domains: hint: to undo this run: nova-domains undo {run.path}\n"
    )
    assert (run.origin.command, run.state, run.faults) == ("stamp", "complete", ())
    assert [entry.domain for entry in run.guests] == ["instance-00000001", "instance-00000002"]
    assert {edit.definition for edit in run.guests[0].edits} == {"live", "persistent"}
    assert {edit.definition for edit in run.guests[1].edits} == {"persistent"}


def test_nothing_to_do_leaves_no_journal(place: Place) -> None:
    done = place("stamp", uuid_of(3), "--set", "name=x", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"unchanged: has-one (instance-00000003, {uuid_of(3)}): it already has a block\n\n"
        "0 to write, 1 unchanged, 0 refused\n"
    )
    assert place.journals() == []


def test_fill_keeps_a_comment_and_whatever_else_is_in_a_block(tmp_path: Path) -> None:
    """libvirt changes the layout; that is no other block."""
    held = block("x", "<!-- by hand --><nova:later>1</nova:later>")
    place = Place(tmp_path, nova(1, held))
    done = place("stamp", uuid_of(1), "--fill", "--set", "package=34.0.0", "--yes")
    assert done.stdout.endswith("1 stamped, 0 unchanged, 0 refused, 0 failed\n"), done.stderr
    assert done.returncode == 0


def test_json_holds_plan_outcomes_and_journal(place: Place) -> None:
    done = place("stamp", "--all", "--set", "name=x", "--yes", "-f", "json")
    document = json.loads(done.stdout)
    (run,) = place.journals()
    assert list(document) == ["host", "journal", "guests", "notices"]
    assert document["journal"] == str(run.path)
    outcomes = [each["outcome"] for each in document["guests"]]
    assert outcomes == [{"result": "done", "why": None}, {"result": "done", "why": None}, None]


def test_the_diff_in_a_pipe_is_plain_and_on_a_terminal_coloured(place: Place) -> None:
    arguments = ("-c", place.uri, "stamp", "--all", "--set", "name=x", "--dry-run")
    state = str(place.state)
    piped = place(*arguments[2:]).stdout
    assert "\x1b" not in piped
    code, shown = on_terminal(*arguments, NOVA_DOMAINS_STATE=state)
    assert code == 0
    assert "\x1b[32m+  <nova:name>x</nova:name>\x1b[0m" in shown
    for changes in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        _, uncoloured = on_terminal(*arguments, **{"NOVA_DOMAINS_STATE": state, **changes})
        assert not SGR.search(uncoloured)
    _, uncoloured = on_terminal(*arguments, "--no-color", NOVA_DOMAINS_STATE=state)
    assert not SGR.search(uncoloured)


def test_hostile_names_are_escaped_everywhere(tmp_path: Path) -> None:
    place = Place(tmp_path, nova(1, domain="\u202edomain"), nova(2, block(EVIL)))
    place.file("f", [document(1, name=EVIL), document(9, name=EVIL)])
    for format_ in ("table", "json"):
        done = place("stamp", "--from", "f", "--dry-run", "-f", format_)
        assert done.returncode == 0, done.stderr
        assert is_safe(done.stdout.replace("\n", ""))
    done = place("stamp", "--from", "f", "--yes", "--overwrite", "--journal", f"{EVIL}.jsonl")
    assert is_safe((done.stdout + done.stderr).replace("\n", ""))
    assert done.returncode == 0


# ---- writing ----------------------------------------------------------------------------------


def test_a_journal_can_be_written_elsewhere(place: Place) -> None:
    done = place("stamp", "--all", "--set", "name=x", "--yes", "--journal", "mine.jsonl")
    assert done.returncode == 0, done.stderr
    assert len(read_journal(place.folder / "mine.jsonl").guests) == 2
    assert place.journals() == []
    again = place("stamp", "--all", "--set", "name=x", "--yes", "--journal", "mine.jsonl")
    assert again.returncode == 1
    assert again.stderr == (
        "nova-domains: error: mine.jsonl: the file already exists; nothing was done\n"
        "nova-domains: hint: a journal is always a new file: give another path\n"
    )


def test_where_the_journal_cannot_be_written_no_guest_is(place: Place) -> None:
    """A folder that takes no file, as on a full disk."""
    done = place("stamp", "--all", "--set", "name=x", "--yes", "--journal", "/proc/x.jsonl")
    assert done.returncode == 1
    assert "the journal cannot be written" in done.stderr
    assert "nothing was done" in done.stderr
    assert "stamped" not in done.stdout


def test_a_second_run_at_the_same_time_is_refused(place: Place) -> None:
    import fcntl

    place.state.mkdir()
    with (place.state / "lock").open("w") as lock:
        lock.write("4711\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        line = refused(place, "stamp", "--all", "--derive", "--yes")
        assert line == (
            "nova-domains: error: another stamp or undo is running: pid 4711\n"
            "nova-domains: hint: wait until it has finished; nothing was done"
        )
        assert place("undo").returncode == 1
        # Who only looks need not wait.
        assert place("stamp", "--all", "--derive", "--dry-run").returncode == 0


# ---- undo -------------------------------------------------------------------------------------


def stamped_host(place: Place, run: Run) -> None:
    """The test driver forgets: the host, described as the run has left it."""
    texts = []
    for entry in run.guests:
        metadata = ""
        for edit in entry.edits:
            if edit.definition == "persistent" and edit.after:
                name = edit.after[1:].replace("/", " ").replace(">", " ").split()[0]
                inner = edit.after.removeprefix(f"<{name}")
                metadata += f'<{name} xmlns="{edit.namespace}"{inner}'
        texts.append(nova(int(entry.uuid[:8], 16), metadata))
    place.uri = make_host(place.folder, *texts)


def test_undo_shows_what_it_restores_and_restores_it(place: Place) -> None:
    place("stamp", uuid_of(1), "--set", "name=x", "--yes")
    (run,) = place.journals()
    stamped_host(place, run)
    done = place("undo", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f"undoing {run.id} by {run.origin.by}: {run.path}" in done.stderr
    assert "-  <nova:name>x</nova:name>" in done.stdout
    assert done.stdout.endswith("1 to restore, 0 unchanged, 0 refused\n")
    done = place("undo", "--yes")
    assert done.stdout.endswith("1 restored, 0 unchanged, 0 refused, 0 failed\n"), done.stderr
    listed = [line.split() for line in place("undo", "--list").stdout.splitlines()]
    assert [row[1] for row in listed] == ["COMMAND", "stamp", "undo"]
    assert [row[5] for row in listed] == ["STATE", "undone", "complete"]
    again = place("undo")
    assert again.returncode == 1
    assert "there is no run of stamp on this host to undo" in again.stderr


def test_undo_refuses_what_was_changed_since(place: Place) -> None:
    place("stamp", uuid_of(1), "--set", "name=x", "--yes")
    place.uri = make_host(place.folder, nova(1, block("by Nova")))
    done = place("undo", "--yes")
    assert done.returncode == 1
    assert "refused: by Nova (instance-00000001" in done.stdout
    assert "was changed after the run" in done.stdout


def test_undo_finds_a_run_by_name_or_file_and_refuses_one_of_another_host(
    place: Place, tmp_path: Path
) -> None:
    place("stamp", uuid_of(1), "--set", "name=x", "--yes")
    (run,) = place.journals()
    for handle in (run.id, str(run.path)):
        assert place("undo", handle, "--dry-run").returncode == 0
    line = place("undo", "nothing.jsonl").stderr
    assert line.startswith("nova-domains: error: nothing.jsonl: the journal cannot be read")
    ours = f'"name": "{run.origin.host.name}", "driver": "test"'
    text = run.path.read_text().replace(ours, '"name": "elsewhere", "driver": "qemu"')
    (tmp_path / "other.jsonl").write_text(text)
    done = place("undo", "other.jsonl", "--yes")
    assert done.returncode == 1
    assert "this run was on elsewhere (qemu://" in done.stderr


def test_undo_of_a_damaged_journal_restores_what_can_be_read(place: Place) -> None:
    place("stamp", "--all", "--set", "name=x", "--yes")
    (run,) = place.journals()
    stamped_host(place, run)
    lines = run.path.read_text().splitlines(keepends=True)
    lines[1] = lines[1][:-30] + "\n"
    run.path.write_text("".join(lines))
    done = place("undo", "--yes")
    assert done.returncode == 1
    assert f"{run.path}: line 2: " in done.stderr
    assert f"{run.path}: 1 of 2 guests cannot be read" in done.stderr
    assert "1 restored" in done.stdout


def test_undo_list_shows_every_run_and_what_became_of_it(place: Place) -> None:
    assert place("undo", "--list").stdout == "no runs\n"
    assert usage(place, "undo", "--list", "x") == "Error: --list takes no journal"
    place("stamp", "--all", "--set", "name=x", "--yes")
    (run,) = place.journals()
    (place.state / "20200101T000000000Z-x.jsonl").write_text("junk")
    done = place("undo", "--list", "-f", "json")
    assert done.returncode == 0
    assert "line 1: not a nova-domains journal" in done.stderr
    assert json.loads(done.stdout) == [
        {
            "run": run.id, "command": "stamp", "undoes": None, "host": run.origin.host.name,
            "by": run.origin.by, "at": run.at, "guests": 2, "state": "complete",
            "journal": str(run.path),
        }
    ]  # fmt: skip
