"""``nova-domains usage``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..console import (
    complain,
    draws_for_terminal,
    speaks_unicode,
    terminal_width,
    warn_of_faults,
    write,
)
from ..guests.select import Selection
from ..hosts.host import Host
from ..hosts.use import Measurable
from ..model import Guest
from ..render import usage as face
from ..render.safe import visible
from ..render.style import coloured, plain
from ..usage.account import Account, account
from ..usage.keys import DEFAULT, Key
from ..usage.measure import measured
from .options import filter_options
from .session import Session
from .types import UsageKey, refuse_nan

_LONGEST_INTERVAL = 86400


@click.command("usage")
@click.option(
    "--by",
    "keys",
    type=UsageKey(),
    multiple=True,
    help="Add the guests up by this; repeat it for a row for each combination.  [default: project]",
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0, max=_LONGEST_INTERVAL, min_open=True),
    callback=refuse_nan,
    metavar="SECONDS",
    help="Watch the guests for so long, and show what CPU time and memory they use.",
)
@filter_options
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(("table", "json", "yaml", "csv", "value")),
    default="table",
    show_default=True,
    help="Print the result in this format.",
)
@click.option("--no-color", is_flag=True, help="Print plain text on a terminal too.")
@click.pass_obj
def usage_command(
    session: Session,
    keys: Sequence[Key],
    interval: float | None,
    selection: Selection,
    format_: str,
    no_color: bool,
) -> None:
    """Show who uses the host, and how much of it.

    Adds up what guests were given: vCPUs and memory as they are, disk as their flavors say. Guests
    that are off count too. Filters are those of list.

    With --interval it also shows what they use: CPU time (100 % is one CPU) and memory.
    """
    if interval is not None and (session.offline or session.files):
        raise click.UsageError("--interval looks at running guests: it needs libvirt, not files")
    with session.progress_bar() as progress:
        host = session.open()
        read = host.guests("hardware", chosen=selection.may_take, progress=progress)
    warn_of_faults(read)
    guests = list(filter(selection.takes, read) if selection.narrows else read)
    result = added_up(host, guests, keys or (DEFAULT,), interval)
    if guests or format_ != "table":
        write(printed(result, format_, session.no_color or no_color))
    else:
        here = f"{host.name} has" if host.name else "these hosts have"
        nobody = "no guest matches" if selection.narrows else f"{here} no guests"
        write(f"{visible(nobody)}\n")
    for note in notes_on(result):
        complain(note, kind="note")


def added_up(
    host: Host, guests: Sequence[Guest], keys: Sequence[Key], interval: float | None
) -> Account:
    different = list({key.name: key for key in keys}.values())
    if interval is None:
        return account(guests, different)
    if not isinstance(host, Measurable):
        raise click.UsageError("--interval cannot look at the guests of these hosts; give one -c")
    return account(guests, different, measured(host, guests, interval), interval)


def printed(result: Account, format_: str, plain_text: bool) -> str:
    if format_ in ("json", "yaml"):
        from ..render.serial import as_json, as_yaml  # the choice of a format

        document, ascii_only = face.usage_document(result), not speaks_unicode()
        if format_ == "yaml":
            return as_yaml(document, ascii_only=ascii_only)
        return as_json(document, one_a_line=False, ascii_only=ascii_only)
    if format_ == "csv":
        return face.as_csv(result)
    if format_ == "value":
        return face.as_values(result)
    return face.usage_table(
        result,
        width=terminal_width(),
        paint=coloured if draws_for_terminal(plain_text) else plain,
        unicode=speaks_unicode(),
    )


def notes_on(result: Account) -> list[str]:
    """What the sums lack."""
    notes = []
    if result.unsized:
        notes.append(f"{_guests(result.unsized)} counted without vCPUs or memory: not known")
    if result.unmeasured:
        notes.append(f"{_guests(result.unmeasured)} running and could not be measured")
    return notes


def _guests(number: int) -> str:
    return "1 guest is" if number == 1 else f"{number} guests are"
