"""The table of commands: what it says without an import is what the commands say."""

from __future__ import annotations

import subprocess
import sys
from inspect import cleandoc

import pytest

from virsh_nova.cli import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_a_summary_in_the_table_is_the_first_sentence_of_the_command(name: str) -> None:
    docstring = cleandoc(COMMANDS[name].load().help or "")
    assert " ".join(docstring.partition("\n\n")[0].split()) == COMMANDS[name].summary


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_no_command_and_nothing_heavy(option: str) -> None:
    program = (
        "import sys; from virsh_nova.cli import run; run([sys.argv[1]]); "
        "print([name for name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, option], capture_output=True, text=True, check=True
    )
    for name in COMMANDS:
        assert f"'virsh_nova.commands.{name}'" not in done.stderr
    for heavy in ("libvirt", "lxml", "rich", "msgspec", "yaml"):
        assert f"'{heavy}'" not in done.stderr
