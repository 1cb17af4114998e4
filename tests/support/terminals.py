"""A terminal for a command to run on."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from contextlib import suppress

from tests.support.command import command, environment

SGR = re.compile(r"\x1b\[[0-9;]*m")
"""A change of colour or weight."""


def on_terminal(
    *arguments: str, columns: int = 120, rows: int = 50, **changes: str
) -> tuple[int, str]:
    """Run the command line with a terminal as its stdin, stdout and stderr."""
    leader, follower = pty.openpty()
    size = struct.pack("HHHH", rows, columns, 0, 0)
    fcntl.ioctl(follower, termios.TIOCSWINSZ, size)
    with subprocess.Popen(
        command(*arguments),
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment(**changes),
        start_new_session=True,
    ) as process:
        os.close(follower)
        output = b""
        with suppress(OSError):  # EIO: the other end is closed.
            while read := os.read(leader, 65536):
                output += read
        code = process.wait(timeout=60)
    os.close(leader)
    return code, output.decode("utf-8", "replace").replace("\r\n", "\n")
