"""``nova-domains whose``."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TextIO

import click

from ..console import (
    complain,
    draws_for_terminal,
    speaks_unicode,
    terminal_width,
    warn_of_faults,
    write,
)
from ..errors import EXIT_FAILED, NovaDomainsError
from ..hosts.host import Host
from ..inputs.read import STDIN
from ..render.style import coloured, plain
from ..render.whose import ASCII, DEFAULT_COLUMNS, UNICODE, Face, Json, Rows, Text
from ..whose.annotate import Reader, lines_of
from ..whose.answer import Lineage, Processes
from ..whose.index import Index
from ..whose.links import RealPathsInTime
from ..whose.narrow import read_index
from ..whose.suggest import no_match
from .session import Session
from .types import AnswerColumnName, Handle

_MOST_SUGGESTIONS = 10
"""Handles without a match that get suggestions: enough for a long list, too."""


@click.command("whose")
@click.argument("handles", metavar="HANDLE...", type=Handle(), nargs=-1, required=True)
@click.option("--no-color", is_flag=True, help="Print plain text on a terminal too.")
@click.option(
    "-c",
    "--column",
    "columns",
    type=AnswerColumnName(),
    multiple=True,
    help="Print only this column, with value and csv: handle, is, value, detail, or one of list. "
    "Repeatable.",
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(("table", "json", "csv", "value")),
    default="table",
    show_default=True,
    help="Print the answers in this format.",
)
@click.pass_obj
def whose_command(
    session: Session, handles: Sequence[str], format_: str, columns: Sequence[str], no_color: bool
) -> int:
    """Say which guest something belongs to, and who owns it.

    HANDLE is a uuid or its beginning, a domain name, libvirt id or display name, a PID of QEMU or
    of its threads and children, a tap device, a MAC or IP address, a CIDR, a port, a volume, the
    path of a disk, of its backing file or of a folder above, a PCI or mediated device, an image,
    flavor, project or user. Names that libvirt, Neutron and the kernel derive from these work too.

    The type is detected. To force it, use a prefix: uuid: domain: id: name: pid: tap: mac: ip:
    port: volume: disk: device: image: flavor: project: user:, as in mac:fa16.3ece.861e.

    With - it reads lines from stdin and prints them, with a note beside those that name a guest.
    """
    if columns and format_ not in ("csv", "value"):
        raise click.UsageError(f"--column does not go with -f {format_}")
    typed = [handle for handle in dict.fromkeys(handles) if handle != STDIN]
    reads_stdin = STDIN in handles
    if reads_stdin:
        session.refuse_stdin("whose -")
    with session.progress_bar() as progress:
        host = session.open()
        here = host.is_this_machine
        index = read_index(
            host,
            typed,
            _processes(remember=not reads_stdin) if here else None,
            RealPathsInTime(session.timeout, _warn) if here else None,
            everything=reads_stdin,
            progress=progress,
        )
    warn_of_faults(index.unread)
    face = _face(format_, columns, index.several_hosts, session.no_color or no_color)
    write(face.begin())
    missing = _answer(typed, index, face, host)
    if reads_stdin:
        _annotate(_stdin(), index, face)
    write(face.end())
    return EXIT_FAILED if missing else 0


def _answer(handles: Sequence[str], index: Index, face: Face, host: Host) -> list[str]:
    """Print the answers; report the handles that match no guest, and return them."""
    missing = []
    for handle in handles:
        answers = index.answers(handle)
        write(face.answers(handle, answers))
        if not answers:
            missing.append(handle)
    sys.stdout.flush()
    for number, handle in enumerate(missing):
        suggests = number < _MOST_SUGGESTIONS
        error = no_match(handle, index, asks_proc=host.is_this_machine, suggests=suggests)
        complain(error.message, error.hint)
    return missing


def _annotate(stream: TextIO, index: Index, face: Face) -> None:
    """Each line as it comes, so that it works in a pipe behind tcpdump."""
    # This may go on for days, in a process that was to be over before any garbage counts.
    gc.freeze()
    gc.enable()
    reader = Reader(index)
    for line, whole in lines_of(stream):
        write(face.line(line, reader.mentions(line) if whole else []))
        sys.stdout.flush()


def _stdin() -> TextIO:
    """Whatever comes is text: what is not UTF-8 is written out."""
    if sys.stdin is None:
        raise NovaDomainsError("stdin is closed, and - reads from it")
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="backslashreplace", newline="\n")
    return sys.stdin


def _face(format_: str, columns: Sequence[str], several_hosts: bool, no_color: bool) -> Face:
    if format_ == "json":
        return Json(ascii_only=not speaks_unicode())
    if format_ in ("csv", "value"):
        default = (*(("host",) if several_hosts else ()), *DEFAULT_COLUMNS)
        return Rows(columns or default, as_csv=format_ == "csv")
    return Text(
        coloured if draws_for_terminal(no_color) else plain,
        UNICODE if speaks_unicode() else ASCII,
        width=terminal_width(),
        several_hosts=several_hosts,
    )


def _processes(*, remember: bool) -> Processes:
    """What reads /proc takes a fifth of the command to load: not before a handle can be a PID."""
    loaded: list[Processes] = []

    def look_up(number: int) -> Lineage | None:
        if not loaded:
            from ..whose.processes import processes_here

            loaded.append(processes_here(_warn, remember=remember))
        return loaded[0](number)

    return look_up


def _warn(message: str) -> None:
    complain(message, kind="warning")
