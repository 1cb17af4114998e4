"""A small process that starts the commands to measure, one after another.

Linux hands the peak memory of a process on to what it starts, so a launcher that is larger than
the command would be measured instead. This one imports next to nothing, libvirt least of all.

Run as: python -IS launcher.py; one JSON object a line in, one out. It ends with its stdin.
"""

import fcntl
import json
import os
import pty
import struct
import sys
import termios
import time
from typing import Any

COLUMNS, LINES = 160, 50


def run(request: dict[str, Any]) -> dict[str, float]:
    """Start a command, wait for it, and return its times; stdout and stderr go to files."""
    output = os.open(request["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    errors = os.open(request["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        if request["terminal"]:
            return on_terminal(request, output)
        streams = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, errors, 2),
        ]
        start = time.perf_counter()
        return finish(start, spawn(request, streams))
    finally:
        os.close(output)
        os.close(errors)


def on_terminal(request: dict[str, Any], output: int) -> dict[str, float]:
    """The command has a terminal on all three streams; its output is read as it comes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    try:
        start = time.perf_counter()
        pid = spawn(request, [(os.POSIX_SPAWN_DUP2, theirs, stream) for stream in (0, 1, 2)])
        os.close(theirs)
        while drawn := read(ours):
            os.write(output, drawn)
        return finish(start, pid)
    finally:
        os.close(ours)


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # EIO: the other side is closed
        return b""


def spawn(request: dict[str, Any], streams: list[Any]) -> int:
    command = request["command"]
    return os.posix_spawn(command[0], command, request["environment"], file_actions=streams)


def finish(start: float, pid: int) -> dict[str, float]:
    _, status, usage = os.wait4(pid, 0)
    return {
        "seconds": time.perf_counter() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        "kib": usage.ru_maxrss,
        "code": os.waitstatus_to_exitcode(status),
    }


for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
