"""Run commands in turn, and measure each."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import TracebackType

import libvirt

from lab.compute_host import HostFailed

ROOT = Path(__file__).parents[1]
LAUNCHER = Path(__file__).with_name("launcher.py")

DOMAIN_NAME = re.compile("instance-[0-9a-f]{8}")

NOT_OURS = (
    # Variables that change what a command does, or keep Python from storing compiled code.
    *("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR"),
    *("LIBVIRT_DEFAULT_URI", "VIRSH_DEFAULT_CONNECT_URI", "VIRSH_DEBUG"),
    *("PYTHONDEVMODE", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONWARNINGS"),
)


class CommandFailed(Exception):
    """A measured command did not do what it should."""


def nova_domains() -> list[str]:
    """The console script of this interpreter's environment, else the package itself."""
    script = Path(sys.executable).with_name("nova-domains")
    return [str(script)] if script.exists() else [sys.executable, "-m", "virsh_nova"]


@dataclass(frozen=True)
class Command:
    label: str
    words: Sequence[str]
    terminal: bool = False
    """Whether it is run on a terminal of 160 columns; else its output goes to a file."""
    guests: int = 0
    """How many guests its output must name."""
    before: Callable[[], None] = lambda: None
    """Called before each run, and not measured."""
    after: Callable[[], None] = lambda: None
    """Called after each run, and not measured; raises ``CommandFailed`` if it did badly."""


@dataclass
class Series:
    """The times of the runs of one command."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def least(self) -> float:
        return min(self.seconds)

    @property
    def peak(self) -> float:
        """The largest resident memory of all runs, in MiB."""
        return max(self.peaks)


class Launcher:
    """A context manager: starts commands from a small process."""

    def __enter__(self) -> "Launcher":
        self._directory = tempfile.TemporaryDirectory(prefix="nd-bench-")
        self._process = subprocess.Popen(
            [sys.executable, "-IS", str(LAUNCHER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Its own session and process group: it ends with all it started.
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        self._directory.cleanup()

    def measure(self, commands: Sequence[Command], rounds: int) -> Mapping[str, Series]:
        """Run the commands in turn, `rounds` times, after one round that only checks them.

        Each round begins with another command, so that none always follows the same one.
        """
        for command in commands:
            self._check(command)
        series = {command.label: Series() for command in commands}
        for number in range(rounds):
            first = number % len(commands)
            for command in (*commands[first:], *commands[:first]):
                answer = self._run(command, "/dev/null")
                series[command.label].seconds.append(answer["seconds"])
                series[command.label].cpu.append(answer["cpu"])
                series[command.label].peaks.append(answer["kib"] / 1024)
        return series

    def _check(self, command: Command) -> None:
        output = Path(self._directory.name) / "output"
        self._run(command, str(output))
        shown = len(set(DOMAIN_NAME.findall(output.read_text(errors="replace"))))
        if shown != command.guests:
            raise CommandFailed(f"{command.label}: showed {shown} guests of {command.guests}")

    def _run(self, command: Command, stdout: str) -> dict[str, float]:
        errors = Path(self._directory.name) / "errors"
        environment = {key: value for key, value in os.environ.items() if key not in NOT_OURS}
        request = {
            "command": list(command.words),
            "terminal": command.terminal,
            "environment": {**environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
            "stdout": stdout,
            "stderr": str(errors),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        command.before()
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer: dict[str, float] = json.loads(self._process.stdout.readline())
        if answer["code"] != 0:
            said = errors.read_text(errors="replace")
            raise CommandFailed(f"{command.label}: ended with {answer['code']:.0f}\n{said}")
        command.after()
        return answer


def run(bench: Callable[[], None]) -> int:
    """Run a benchmark; the exit code: 0, 1 if it failed, 130 after Ctrl-C."""
    # An editor's or a CI's kill cleans up like Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        bench()
    except (CommandFailed, HostFailed, libvirt.libvirtError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    return 0
