"""The commands of the README and of docs/ do what the pages say: every ``console`` block is run."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.consoles import CONSOLE_BLOCK, Typed, printed, shell, typed_in
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")

# Blocks that are not run: they need root, a network, an installation or the reader's own shell.
NOT_RUN = ("script/", "apt ", "python3 -m venv", "/opt/", "export PATH=", "pipx ", "uv ", "eval ",
           "nova-domains -c 'qemu+unix:",
           "nova-domains stamp --all", "nova-domains undo",
           "nova-domains check", "nova-domains --offline", "nova-domains --files",
           "ovs-vsctl show | nova-domains whose -")  # fmt: skip


def typed(page: str) -> list[Typed]:
    return [command for block in CONSOLE_BLOCK.findall(page) for command in typed_in(block)]


SHOWN = [
    pytest.param(command, id=f"{path.name}: {command.command}")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for command in typed(path.read_text(encoding="utf-8"))
    if command.output
]


@pytest.mark.parametrize("command", typed(README), ids=lambda typed: typed.command)
def test_command_of_the_readme_succeeds_and_prints_something(
    command: Typed, tmp_path: Path
) -> None:
    done = shell(command.command, tmp_path, talk=subprocess.PIPE)
    output = done.stdout + "".join(file.read_text() for file in tmp_path.iterdir())
    assert (done.returncode, done.stderr) == (0, "")
    assert output


@pytest.mark.parametrize("command", SHOWN)
def test_command_prints_what_the_page_shows(command: Typed) -> None:
    assert printed(command.command) == command.output, "python -m tests.support.pages renews it"


def test_the_readme_runs_its_commands_and_shows_what_one_prints() -> None:
    commands = typed(README)
    assert len(commands) > 15
    assert any(command.output for command in commands)


def test_every_line_that_is_not_run_is_of_a_known_kind() -> None:
    blocks = re.findall(r"^```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert [line for line in lines if not line.startswith(NOT_RUN)] == []
    for script in re.findall(r"script/\w+", README):
        assert os.access(ROOT / script, os.X_OK)


def test_every_block_of_the_readme_is_of_a_kind_that_is_checked() -> None:
    languages = re.findall(r"^```(\w*)$", README, re.MULTILINE)
    assert set(languages[::2]) <= {"console", "text"}
    assert set(languages[1::2]) == {""}
