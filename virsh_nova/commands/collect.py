"""``nova-domains collect``."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import NamedTuple

import click

from ..console import complain, write
from ..hosts.collected.writer import Writer
from ..render.progress import ProgressBar
from ..render.safe import visible
from .session import Session
from .types import Duration


class Counts(NamedTuple):
    """What a run did."""

    hosts: int = 0
    guests: int = 0
    failed: int = 0


@click.command("collect")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--prune",
    type=Duration(),
    metavar="DURATION",
    help="Drop hosts that were last read so long ago: 12h, 30d.",
)
@click.pass_obj
def collect_command(session: Session, file: str, prune: float | None) -> None:
    """Keep what is read of the hosts in a file, for later questions.

    FILE is an SQLite database; it is made where there is none. Each host takes the place of what
    FILE knew of it, all at once. Of a host that fails, FILE keeps what it knew, and the error.

    --files FILE reads it, in every command that reads: nova-domains --files FILE whose 10.20.0.11.
    """
    fleet = session.fleet()
    with ProgressBar("Reading hosts") as progress, Writer(file, fleet.given) as writer:
        counts = Counts()
        for read in fleet.read_each("whole", progress=progress, versions=True):
            writer.store(read)
            counts = Counts(
                counts.hosts + 1,
                counts.guests + len(read.guests),
                counts.failed + (read.error is not None),
            )
        pruned = 0 if prune is None else writer.prune(_ago(prune))
    write(f"{visible(file)}: {_summary(counts)}\n")
    for text in _notes(writer, pruned):
        complain(f"{file}: {text}", kind="note")


def _ago(seconds: float) -> datetime:
    now = datetime.now(timezone.utc)
    try:
        return now - timedelta(seconds=seconds)
    except OverflowError:
        return datetime.min.replace(tzinfo=timezone.utc)


def _summary(counts: Counts) -> str:
    read = counts.hosts - counts.failed
    guests = f"{counts.guests} guest{'' if counts.guests == 1 else 's'}"
    if counts.failed:
        return f"{read} of {counts.hosts} hosts read, {guests}"
    return f"{read} host{'' if read == 1 else 's'} read, {guests}"


def _notes(writer: Writer, pruned: int) -> list[str]:
    notes = []
    if writer.older:
        notes.append(f"kept something newer of {_hosts(writer.older)}")
    if writer.moved:
        notes.append(f"{_hosts(writer.moved)} came from another source before")
    if pruned:
        notes.append(f"dropped {_hosts(pruned)} not seen for so long")
    return notes


def _hosts(number: int) -> str:
    return f"{number} host{'' if number == 1 else 's'}"
