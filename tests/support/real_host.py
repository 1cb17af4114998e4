"""The command line on a real host, as a user runs it: in a pipe, on a terminal, as nobody."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.command import command
from tests.support.paths import ROOT

DRAFT = "http://openstack.org/nova/instance/1"
NOVA_1_0 = "http://openstack.org/xmlns/libvirt/nova/1.0"
NOVA_1_1 = "http://openstack.org/xmlns/libvirt/nova/1.1"
BACKFILL = "urn:nova-domains:backfill:1"
"""The namespace of what `stamp` leaves beside the block."""

ENDLESS = 60
"""Seconds: what takes longer hangs."""


def run_on(uri: str, *arguments: str, seconds: float = ENDLESS) -> tuple[int, str, str]:
    """The command line as a user runs it in a pipe: exit code, stdout, stderr."""
    done = subprocess.run(
        command("-c", uri, *arguments), cwd=ROOT, capture_output=True, timeout=seconds
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def output_on(uri: str, *arguments: str, seconds: float = ENDLESS) -> str:
    """What a command prints that exits with 0 and writes nothing to stderr."""
    code, out, err = run_on(uri, *arguments, seconds=seconds)
    assert (code, err) == (0, "")
    return out


def documents_on(uri: str, *arguments: str) -> dict[str, dict[str, Any]]:
    """The JSON documents of `list`, by domain name; warnings are not looked at."""
    code, out, err = run_on(uri, "list", "-f", "json", *arguments)
    assert code == 0, err
    return {record["domain"]: record for record in json.loads(out)}


def uuid(number: int) -> str:
    return f"{number:08x}-feed-4bee-8000-0123456789ab"


def with_device(guest: str, device: str) -> str:
    return guest.replace("</devices>", f"{device}</devices>")


def image_file(disk: Path) -> str:
    return (
        f"<disk type='file'><driver name='qemu' type='qcow2'/><source file='{disk}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
    )


@contextlib.contextmanager
def planned(
    uri: str, *arguments: str
) -> Iterator[tuple[subprocess.Popen[str], Callable[[], object]]]:
    """The command line once it has asked whether to write, and what tells it to begin.

    A guest that gets stuck only then was read: since libvirt 10 its XML would not come any more.
    """
    ours, theirs = pty.openpty()
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command("-c", uri, *arguments), cwd=ROOT, stdin=theirs, stdout=pipe, stderr=pipe, text=True
    ) as process:
        os.close(theirs)
        try:
            assert process.stderr is not None
            said = ""
            while not said.endswith("[y/N]: "):
                more = process.stderr.read(1)
                assert more, f"it did not ask:\n{said}"
                said += more
            yield process, partial(os.write, ours, b"y\n")
        finally:
            process.kill()
            os.close(ours)


class Conversation:
    """The command line on a terminal, with a user who reads it and answers."""

    def __init__(self, uri: str, *arguments: str) -> None:
        self._terminal, theirs = pty.openpty()
        self._process = subprocess.Popen(
            command("-c", uri, *arguments),
            cwd=ROOT,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
            start_new_session=True,
        )
        os.close(theirs)
        self.pid = self._process.pid
        self.heard = ""

    def __enter__(self) -> Conversation:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def wait_for(self, words: str) -> None:
        """Read until the command has said this."""
        while words not in self.heard:
            assert self._read(), f"it never said {words!r}:\n{self.heard}"

    def answer(self, line: str) -> tuple[int, str]:
        """Type a line; returns the exit code, and all that was said from the beginning."""
        os.write(self._terminal, f"{line}\n".encode())
        while self._read():
            pass
        return self._process.wait(timeout=ENDLESS), self.heard

    def _read(self) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], ENDLESS)
        try:
            said = os.read(self._terminal, 65536) if ready else b""
        except OSError:  # EIO: the other end is closed.
            said = b""
        self.heard += said.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(said)


def journals(state: Path) -> list[Path]:
    """The journals that runs have left in their folder, oldest first."""
    return sorted(state.glob("*.jsonl"))


def journal_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def results(path: Path) -> dict[str, str]:
    """What became of each guest, by uuid, as a journal has it."""
    lines = journal_lines(path)
    return {line["uuid"]: line["result"] for line in lines if line["line"] == "outcome"}


# nova-domains as an ordinary user runs it. What it imports may lie where only root can read.
AS_NOBODY = """if True:
    import importlib, os, pkgutil, sys, encodings.idna
    import virsh_nova
    from virsh_nova import __main__

    for module in pkgutil.walk_packages(virsh_nova.__path__, "virsh_nova."):
        importlib.import_module(module.name)
    os.chdir("/")
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    __main__.main()
"""


def as_nobody(uri: str, *arguments: str) -> tuple[int, str, str]:
    """The command line as a user without any rights runs it: exit code, stdout, stderr."""
    command = [sys.executable, "-c", AS_NOBODY, "-c", uri, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=ENDLESS)
    return done.returncode, done.stdout, done.stderr
