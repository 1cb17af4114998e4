"""The README's commands do what it says: each line of its ``console`` blocks is run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")

# Blocks that are not run: they need root, a network, an installation or somebody's shell.
NOT_RUN = ("script/", "apt ", "pip ", "pipx ", "uv ", "python3 -m venv", "/opt/", "eval ",
           "nova-domains -c 'qemu+unix:",
           "nova-domains stamp --all", "nova-domains undo",
           "nova-domains check", "nova-domains --offline", "nova-domains --files")  # fmt: skip


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


COMMANDS = [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines()]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which ``nova-domains`` is the checkout's, installed or not."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "nova-domains"
    python = shlex.quote(sys.executable)
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {python} -m virsh_nova "$@"\n'
    )
    command.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_readme_succeeds_and_prints_something(
    command: str, path: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    output = done.stdout + "".join(file.read_text() for file in tmp_path.iterdir())
    assert (done.returncode, done.stderr) == (0, "")
    assert output
    assert "no guest fits" not in output


def test_console_blocks_hold_nothing_but_commands() -> None:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert len(lines) > 15
    assert all(line.startswith("$ ") for line in lines)


def test_every_line_that_is_not_run_is_of_a_known_kind() -> None:
    lines = [line for block in blocks("text") for line in block.splitlines()]
    assert [line for line in lines if not line.startswith(NOT_RUN)] == []
    for script in re.findall(r"script/\w+", README):
        assert os.access(ROOT / script, os.X_OK)


def test_every_block_of_the_readme_is_of_a_kind_that_is_checked() -> None:
    languages = re.findall(r"^```(\w*)$", README, re.MULTILINE)
    assert set(languages[::2]) <= {"console", "text"}
    assert set(languages[1::2]) == {""}
