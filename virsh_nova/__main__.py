"""The entry point: runs the command line, and ends the process with its exit code."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress


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
    _end_children()
    # Without waiting: a thread may still hang in a call to a daemon that has stopped, and closing
    # a connection to it would hang as well.
    os._exit(code)


def _end_children() -> None:
    """End the ssh of a call that hangs: it waits for its host for minutes, or for ever.

    libvirt starts one for each connection and does not say which. Where no thread is left but
    this one, no call hangs.
    """
    threads = []
    with suppress(OSError):
        threads = os.listdir("/proc/self/task")
    if len(threads) < 2:
        return
    from signal import SIGTERM  # 1 ms that only a host in trouble costs

    for thread in threads:
        # Threads end meanwhile, and not every kernel has the file.
        with suppress(OSError), open(f"/proc/self/task/{thread}/children") as children:
            for pid in children.read().split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), SIGTERM)


def _run() -> int:
    try:
        from .cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    main()
