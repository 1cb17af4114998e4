"""``nova-domains whose``."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO

import click

from ..console import complain, draws_for_terminal, speaks_unicode, warn_of_faults, write
from ..errors import EXIT_FAILED, NovaDomainsError
from .session import Session
from .types import Handle

if TYPE_CHECKING:
    from ..hosts.host import Host
    from ..model import Guest, Sighting
    from ..whose.answer import Answer, Processes
    from ..whose.index import Index

STDIN = "-"
NUMBERED = ("pid", "id")
_LONGEST_LINE = 65536


@click.command("whose")
@click.argument("handles", metavar="HANDLE...", type=Handle(), nargs=-1, required=True)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(("table", "json")),
    default="table",
    show_default=True,
    help="How to print the answers: a line each, or a JSON array.",
)
@click.option("--no-color", is_flag=True, help="Plain text on a terminal too.")
@click.pass_obj
def whose_command(session: Session, handles: Sequence[str], format_: str, no_color: bool) -> int:
    """Say which guest something belongs to, and who owns it.

    HANDLE is a uuid or its beginning, a domain name, libvirt id or display name, a PID of QEMU or
    of its threads and children, a tap device, a MAC or IP address, a CIDR, a port, a volume, the
    path of a disk or of its backing file, an image, flavor, project or user.

    What it is, is found out. It can be said: uuid: domain: id: name: pid: tap: mac: ip: port:
    volume: disk: image: flavor: project: user:, as in mac:fa16.3ece.861e.

    With - lines are read from stdin and printed, with a note on those that name something known.
    """
    from ..render.progress import ProgressBar

    typed = [handle for handle in dict.fromkeys(handles) if handle != STDIN]
    with ProgressBar("Reading guests") as progress:
        host = session.open()
        index = read_index(host, session, typed, STDIN in handles, progress)
    warn_of_faults([guest for guest in index.guests if guest.hardware is None])
    several = len({guest.host for guest in index.guests}) > 1
    printer = JsonPrinter() if format_ == "json" else Printer(session.no_color or no_color, several)
    missing = 0
    for handle in typed:
        answers = index.answers(handle)
        printer.answers(handle, answers)
        missing += not answers
    sys.stdout.flush()
    if missing:
        complain_of_missing(typed, index, host)
    if STDIN in handles:
        annotate(stdin(), index, printer)
    printer.end()
    return EXIT_FAILED if missing else 0


# ---- reading ----------------------------------------------------------------------------------


def read_index(
    host: Host,
    session: Session,
    handles: Sequence[str],
    everything: bool,
    progress: Callable[[int, int], None],
) -> Index:
    """The index over all guests; or, as that takes a tenth of the time, over those needed.

    Who asks for a PID waits for nothing but the guest whose QEMU it leads to.
    """
    from ..whose.index import Index
    from ..whose.keys import split_handle
    from ..whose.links import RealPathsInTime

    def build(guests: list[Guest]) -> Index:
        return Index(guests, processes, real_paths)

    here = host.is_this_machine
    processes = processes_here(remember=not everything) if here else None
    real_paths = RealPathsInTime(session.timeout, warn) if here else None
    wanted = None if everything else chosen_by(handles, processes)
    if wanted is not None:
        index = build(host.guests("whole", chosen=wanted, progress=progress))
        # A bare number that is nothing else can still be the name of a flavor; and of what is not
        # there the rest has to be known to say what is close to it.
        if all(index.answers(handle) or split_handle(handle)[0] in NUMBERED for handle in handles):
            return index
    return build(host.guests("whole", progress=progress))


def chosen_by(
    handles: Sequence[str], processes: Processes | None
) -> Callable[[Sighting], bool] | None:
    """Which guests the handles can mean, by the listing alone; None if it does not tell."""
    from ..whose.keys import number_of, split_handle, uuid_key

    uuids: set[str] = set()
    names: set[str] = set()
    numbers: set[str] = set()
    for handle in handles:
        kind, text = split_handle(handle)
        text = text.strip()
        number = number_of(text)
        if kind not in (None, "pid", "id", "uuid", "domain") or (kind is None and number is None):
            return None
        if kind == "uuid":
            key = uuid_key(text)
            if key is None:
                return None
            uuids.add(key)
        if kind in (None, "domain"):
            names.add(text)
        if kind in (None, "id") and number is not None:
            numbers.add(str(number))
        if kind in (None, "pid") and number is not None:
            if processes is None:
                return None
            lineage = processes(number)
            for process in lineage.processes if lineage else ():
                if process.uuid:
                    uuids.add(process.uuid.replace("-", ""))
    return lambda seen: (
        seen.uuid.replace("-", "").lower() in uuids
        or seen.domain in names
        or (seen.id is not None and str(seen.id) in numbers)
    )


def processes_here(*, remember: bool) -> Processes:
    """/proc; what it hides is told, of a stream the first time.

    Nothing is remembered for a stream: it goes on while processes come and go.
    """
    from functools import cache

    told: list[str] = []

    def look_up(number: int) -> Any:
        from ..whose.processes import lineage_of

        lineage = lineage_of(number)
        if lineage and lineage.fault and (remember or not told):
            told.append(lineage.fault)
            warn(lineage.fault)
        return lineage

    return cache(look_up) if remember else look_up


def warn(message: str) -> None:
    complain(message, kind="warning")


def complain_of_missing(handles: Sequence[str], index: Index, host: Host) -> None:
    from ..whose.suggest import nobodys

    for handle in handles:
        if not index.answers(handle):
            error = nobodys(handle, index, asks_proc=host.is_this_machine)
            complain(error.message, error.hint)


def stdin() -> TextIO:
    """Whatever comes is text: what is not UTF-8 is written out."""
    if sys.stdin is None:
        raise NovaDomainsError("stdin is closed, and - asks for what stands there")
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="backslashreplace", newline="\n")
    return sys.stdin


def annotate(stream: TextIO, index: Index, printer: Printer) -> None:
    """Each line as it comes, so that it can stand behind a tcpdump."""
    from ..whose.annotate import Reader

    # This may go on for days, in a process that was to be over before any garbage counts.
    gc.freeze()
    gc.enable()
    reader = Reader(index)
    for line, whole in lines_of(stream):
        printer.line(line, reader.mentions(line) if whole else [])


def lines_of(stream: TextIO) -> Iterator[tuple[str, bool]]:
    """Lines without their ends, and whether they are whole: one without an end comes in pieces."""
    begun = False
    while text := stream.readline(_LONGEST_LINE):
        ended = text.endswith("\n")
        # The last line of a file may lack its end, and is whole.
        whole = not begun and (ended or len(text) < _LONGEST_LINE)
        begun = not ended
        yield text.removesuffix("\n").removesuffix("\r"), whole


# ---- printing ---------------------------------------------------------------------------------


class Printer:
    """Lines for people: plain ones in a pipe, coloured ones on a terminal."""

    def __init__(self, no_color: bool, several_hosts: bool) -> None:
        from ..render import whose as answers

        self._render = answers.coloured if draws_for_terminal(no_color) else answers.plain
        signs = answers.UNICODE if speaks_unicode() else answers.ASCII
        self._lines = answers.Lines(signs._replace(host=several_hosts))

    def answers(self, handle: str, answers: Sequence[Answer]) -> None:
        for spans in self._lines.of_answers(handle, answers):
            write(self._render(spans))

    def line(self, line: str, mentions: Sequence[tuple[str, Sequence[Answer]]]) -> None:
        write(self._render(self._lines.noted(line, mentions)))
        sys.stdout.flush()

    def end(self) -> None:
        pass


class JsonPrinter(Printer):
    """One array, an answer a line; written as they come."""

    def __init__(self) -> None:
        import json

        self._begun = False
        self._encode = json.JSONEncoder(ensure_ascii=not speaks_unicode()).encode

    def answers(self, handle: str, answers: Sequence[Answer]) -> None:
        from ..render.safe import escape_in_json
        from ..render.whose import answer_document

        for answer in answers:
            write(",\n" if self._begun else "[\n")
            self._begun = True
            write(escape_in_json(self._encode(answer_document(handle, answer))))

    def line(self, line: str, mentions: Sequence[tuple[str, Sequence[Answer]]]) -> None:
        for handle, answers in mentions:
            self.answers(handle, answers)
        sys.stdout.flush()

    def end(self) -> None:
        write("\n]\n" if self._begun else "[]\n")
