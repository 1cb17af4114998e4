"""The bytes of a file that the user names, or of standard input: bounded, and never empty."""

from __future__ import annotations

import os
import stat
import sys
from typing import BinaryIO

from ..errors import NovaDomainsError

LARGEST = 100 * 1024 * 1024
"""In bytes: 40,000 servers of GET /servers/detail."""

STDIN = "-"


class EmptyInput(NovaDomainsError):
    """There is nothing in it but blanks."""


def source_name(path: str) -> str:
    """The name of the file in errors and plans: its path as the user typed it, or ``stdin``."""
    return "stdin" if path == STDIN else path


def read_bytes(path: str) -> bytes:
    """All bytes of a regular file or pipe, or of standard input for ``-``.

    Raises ``NovaDomainsError`` if it does not exist, cannot be read, is neither a file nor a
    pipe, is larger than ``LARGEST``, or is empty.
    """
    if path == STDIN and sys.stdin is None:
        raise NovaDomainsError("stdin: cannot read: it is closed")
    try:
        if path == STDIN:
            data = _bounded(sys.stdin.buffer, path)
        else:
            _refuse_device(path)
            with open(path, "rb") as file:
                data = _bounded(file, path)
    except (OSError, ValueError) as error:
        raise NovaDomainsError(f"{source_name(path)}: cannot read: {why_not(error)}") from error
    if not data.strip():
        raise EmptyInput(f"{source_name(path)}: empty")
    return data


def why_not(error: OSError | ValueError) -> str:
    """Why a path cannot be opened or read, as a phrase that is the same with every Python."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "a path cannot hold a null byte"


def _refuse_device(path: str) -> None:
    # Before opening: opening a device can have side effects, and /dev/zero has no end.
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise NovaDomainsError(f"{path}: a directory, not a file")
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise NovaDomainsError(f"{path}: neither a file nor a pipe")


def _bounded(file: BinaryIO, path: str) -> bytes:
    status = os.fstat(file.fileno()) if path != STDIN else None
    if status is not None and status.st_size > LARGEST:
        raise _too_large(
            path, f"{status.st_size / 2**20:.0f} MiB, and the limit is {LARGEST >> 20} MiB"
        )
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise _too_large(path, f"more than {LARGEST >> 20} MiB")
    return data


def _too_large(path: str, size: str) -> NovaDomainsError:
    return NovaDomainsError(f"{source_name(path)}: too large: {size}")
