"""The command line as a user runs it, on embedded hosts, files and the example host."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.paths import ROOT


def environment(**changes: str) -> dict[str, str]:
    """The environment of a user's shell, whatever the environment of the test run is."""
    inherited = ("PATH", "HOME", "LD_LIBRARY_PATH")
    kept = {key: os.environ[key] for key in inherited if key in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "0",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
        **changes,
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "virsh_nova", *arguments]


def nova_domains(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the real command line off a terminal."""
    return subprocess.run(
        command(*arguments),
        env=environment(**changes),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def output(*arguments: str, **changes: str) -> str:
    """What a command prints that does all it should and has nothing to complain of."""
    done = nova_domains(*arguments, **changes)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def the_error(said: str) -> str:
    """What stderr holds: one line that says an error, and perhaps one below with its hint."""
    error, *hint = said.splitlines()
    assert error.startswith("nova-domains: error: "), said
    assert len(hint) <= 1, said
    assert all(line.startswith("nova-domains: hint: ") for line in hint), said
    return "\n".join([error, *hint])


def failure(*arguments: str, code: int, **changes: str) -> str:
    """The one error on stderr, with its hint, of a command that prints nothing else."""
    done = nova_domains(*arguments, **changes)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return the_error(done.stderr)
