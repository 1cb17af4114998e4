"""The ``console`` blocks of the pages: commands, and below a command what it prints."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.support.paths import ROOT

CONSOLE_BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.M | re.S)
_PROMPT = "$ "


class Typed(NamedTuple):
    """A command of a page."""

    command: str
    output: str
    """What the page shows below it; empty where it shows nothing."""


def typed_in(block: str) -> list[Typed]:
    """The commands of a block. What comes before the first prompt is a command of no known kind."""
    found: list[Typed] = []
    for line in block.splitlines(keepends=True):
        if line.startswith(_PROMPT):
            found.append(Typed(line.removeprefix(_PROMPT).rstrip("\n"), ""))
        elif not found:
            raise ValueError(f"output without a command: {line!r}")
        else:
            found[-1] = found[-1]._replace(output=found[-1].output + line)
    return found


def shell(command: str, folder: Path, *, talk: int) -> subprocess.CompletedProcess[str]:
    """Run a line in bash, where ``nova-domains`` is the checkout's, with ``folder`` as its home.

    ``talk`` is ``subprocess.PIPE``, or ``subprocess.STDOUT`` for stdout and stderr in one.
    """
    with TemporaryDirectory() as programs:
        program = Path(programs, "nova-domains")
        python = shlex.quote(sys.executable)
        program.write_text(
            f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {python} -m virsh_nova "$@"\n'
        )
        program.chmod(0o755)
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=folder,
            env={
                "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(folder),
                # Not the journals of the machine that the tests run on.
                "NOVA_DOMAINS_STATE": f"{programs}/state",
                "LANG": "C.UTF-8",
            },
            stdout=subprocess.PIPE,
            stderr=talk,
            text=True,
            timeout=60,
        )


def printed(command: str) -> str:
    """What a terminal shows below the command: stdout and stderr."""
    with TemporaryDirectory() as folder:
        return shell(command, Path(folder), talk=subprocess.STDOUT).stdout


def rerun(page: str) -> str:
    """A page whose commands show what they print now; those that show nothing stay alone."""

    def block(found: re.Match[str]) -> str:
        return "".join(
            f"{_PROMPT}{command}\n{printed(command) if output else ''}"
            for command, output in typed_in(found[1])
        )

    return CONSOLE_BLOCK.sub(block, page)
