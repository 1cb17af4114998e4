"""The entry point: runs the command line, and ends the process with its exit code."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    # The process is gone in a moment: looking for cycles in a thousand records costs, and frees
    # nothing that the end does not free.
    gc.disable()
    code = _run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 1
    if _calls_hang():
        from .hosts.this_machine import end_with_children  # loaded with the hosts

        end_with_children(code)
    # Without waiting: a thread may still hang in a call to a daemon that has stopped, and closing
    # a connection to it would hang as well.
    os._exit(code)


def _calls_hang() -> bool:
    """Whether a thread is left besides this one: each call to a host has its own."""
    try:
        return len(os.listdir("/proc/self/task")) > 1
    except OSError:
        return False


def _run() -> int:
    try:
        from .cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    main()
