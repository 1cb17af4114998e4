"""``nova-domains show``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..console import (
    complain,
    draws_for_terminal,
    terminal_width,
    warn_of_faults,
    write,
    write_documents,
)
from ..errors import EXIT_FAILED, NovaDomainsError
from ..hosts.lookup import resolve
from .options import output_options
from .session import Session
from .types import Handle

if TYPE_CHECKING:
    from ..guests.columns import Column
    from ..model import Guest, GuestKey


@click.command("show")
@click.argument("handles", metavar="HANDLE...", type=Handle(), nargs=-1, required=True)
@output_options(
    "table",
    "json",
    "yaml",
    "xml",
    "value",
    column_help="Only this column of list, with json, yaml and value; can be given several times.",
)
@click.pass_obj
def show_command(
    session: Session,
    handles: Sequence[str],
    format_: str,
    columns: Sequence[Column],
    no_color: bool,
) -> int:
    """Show everything known about a guest.

    That is what Nova recorded, and what the guest really is.

    HANDLE is a uuid or the beginning of one (4 characters or more), a domain name, a libvirt id,
    or a display name. A display name counts only where nothing else fits: tenants choose it.

    With -f xml the metadata block is printed as the domain holds it.
    """
    from ..render.progress import ProgressBar

    if columns and format_ in ("table", "xml"):
        raise click.UsageError(f"--column does not go with -f {format_}")
    with ProgressBar("Reading guests") as progress:
        host = session.open()
        keys, errors = resolve(host, handles)
        read = host.guests("whole", chosen=lambda seen: seen.key in keys, progress=progress)
    by_key: dict[GuestKey, list[Guest]] = {}
    for guest in read:
        by_key.setdefault(guest.key, []).append(guest)
    guests = [guest for key in keys for guest in by_key.get(key, ())]
    errors += [
        NovaDomainsError(f"{key[1]} was there a moment ago, and is no longer")
        for key in keys
        if key not in by_key
    ]
    warn_of_faults(guests)
    if format_ == "table":
        write(show_table(guests, session.no_color or no_color))
    elif format_ == "xml":
        from ..render.safe import escape_in_xml

        for guest in guests:
            if guest.block is not None:
                write(escape_in_xml(guest.block.xml) + "\n")
            else:
                errors.append(without_block(guest))
    elif format_ == "value":
        from ..guests.columns import COLUMNS, FLAT
        from ..render.flat import as_values

        write(as_values(guests, columns or [COLUMNS[name] for name in FLAT]))
    else:
        from ..document.encode import columns_document, whole_document

        write_documents(
            [
                columns_document(guest, columns) if columns else whole_document(guest)
                for guest in guests
            ],
            format_,
            one_a_line=False,
        )
    for error in errors:
        complain(error.message, error.hint)
    return EXIT_FAILED if errors else 0


def without_block(guest: Guest) -> NovaDomainsError:
    name = f"{guest.domain} ({guest.uuid})"
    if guest.hardware is None:
        return NovaDomainsError(f"{name} could not be read, so its block cannot be shown")
    return NovaDomainsError(f"{name} holds no metadata block of Nova")


def show_table(guests: Sequence[Guest], no_color: bool) -> str:
    from ..render.show import details
    from ..render.style import coloured, plain

    paint = coloured if draws_for_terminal(no_color) else plain
    return details(guests, width=terminal_width(), paint=paint)
