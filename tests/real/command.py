"""The command line as a user runs it against a real host, and what its tests say in short."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from lxml import etree

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests" / "data" / "golden"
DRAFT = "http://openstack.org/nova/instance/1"
NOVA_1_0 = "http://openstack.org/xmlns/libvirt/nova/1.0"
NOVA_1_1 = "http://openstack.org/xmlns/libvirt/nova/1.1"
BACKFILL = "urn:nova-domains:backfill:1"
"""The namespace of what `stamp` leaves beside the block."""
INPUTS: dict[str, dict[str, Any]] = json.loads((GOLDEN / "inputs.json").read_text())

ENDLESS = 60
"""Seconds: what takes longer hangs."""


def nova_domains(uri: str, *arguments: str, seconds: float = ENDLESS) -> tuple[int, str, str]:
    """The command line as a user runs it in a pipe: exit code, stdout, stderr."""
    command = [sys.executable, "-m", "virsh_nova", "-c", uri, *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, timeout=seconds)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def said(uri: str, *arguments: str, seconds: float = ENDLESS) -> str:
    """Its stdout, where all is well: exit code 0 and nothing on stderr."""
    code, out, err = nova_domains(uri, *arguments, seconds=seconds)
    assert (code, err) == (0, "")
    return out


def records(uri: str, *arguments: str) -> dict[str, dict[str, Any]]:
    """The JSON documents of `list`, by domain name; warnings are another test's matter."""
    code, out, err = nova_domains(uri, "list", "-f", "json", *arguments)
    assert code == 0, err
    return {record["domain"]: record for record in json.loads(out)}


def uuid(number: int) -> str:
    return f"{number:08x}-feed-4bee-8000-0123456789ab"


def block(release: str, case: str, *, name: str | None = None) -> str:
    """What that release of Nova wrote, for an instance of another name where one is given."""
    root = etree.fromstring((GOLDEN / release / f"{case}.xml").read_text())
    if name is not None:
        root.find("{*}name").text = name
    return str(etree.tostring(root, encoding="unicode"))


def with_device(guest: str, device: str) -> str:
    return guest.replace("</devices>", f"{device}</devices>")


def image_file(disk: Path) -> str:
    return (
        f"<disk type='file'><driver name='qemu' type='qcow2'/><source file='{disk}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
    )


@contextlib.contextmanager
def running(uri: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command line while it is at work; nothing of it is left afterwards."""
    command = [sys.executable, "-m", "virsh_nova", "-c", uri, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


class Conversation:
    """The command line on a terminal, with a user who reads it and answers."""

    def __init__(self, uri: str, *arguments: str) -> None:
        self._terminal, theirs = pty.openpty()
        command = [sys.executable, "-m", "virsh_nova", "-c", uri, *arguments]
        self._process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
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
        except OSError:  # EIO: nobody holds the other end any more.
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
