"""``nova-domains show``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from ..guests.columns import COLUMNS, FLAT, Column
from ..hosts.lookup import resolve
from ..model import Guest, GuestKey
from ..render.style import coloured, plain
from .options import DOCUMENTS, output_options
from .session import Session
from .types import Handle

if TYPE_CHECKING:
    from ..document.encode import Document


@click.command("show")
@click.argument("handles", metavar="HANDLE...", type=Handle(), nargs=-1, required=True)
@output_options(
    "table",
    "json",
    "jsonl",
    "yaml",
    "xml",
    "value",
    column_help="Print only this column of list, with json, jsonl, yaml and value. Repeatable.",
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
    or a display name. A display name counts only if nothing else matches: tenants choose it.

    -f xml prints the metadata block as the domain holds it.
    """
    if columns and format_ in ("table", "xml"):
        raise click.UsageError(f"--column does not go with -f {format_}")
    guests, errors = named_guests(session, handles)
    warn_of_faults(guests)
    if format_ == "xml":
        errors += [without_block(guest) for guest in guests if guest.block is None]
    if format_ in DOCUMENTS:
        write_documents(documents_of(guests, columns), format_, one_a_line=False)
    else:
        write(printed(guests, format_, columns, session.no_color or no_color))
    for error in errors:
        complain(error.message, error.hint)
    return EXIT_FAILED if errors else 0


def named_guests(
    session: Session, handles: Sequence[str]
) -> tuple[list[Guest], list[NovaDomainsError]]:
    """The guests in the order of their handles, and an error for each handle without one."""
    with session.progress_bar() as progress:
        host = session.open()
        keys, errors = resolve(host, handles)
        read = host.guests("whole", chosen=lambda seen: seen.key in keys, progress=progress)
    by_key: dict[GuestKey, list[Guest]] = {}
    for guest in read:
        by_key.setdefault(guest.key, []).append(guest)
    for key in keys:
        if key not in by_key:
            errors.append(NovaDomainsError(f"{key[1]} was there a moment ago, and is gone"))
    return [guest for key in keys for guest in by_key.get(key, ())], errors


def documents_of(guests: Sequence[Guest], columns: Sequence[Column]) -> Iterator[Document]:
    # The choice of a format.
    from ..document.encode import columns_document, whole_document

    if columns:
        return (columns_document(guest, columns) for guest in guests)
    return map(whole_document, guests)


def printed(
    guests: Sequence[Guest], format_: str, columns: Sequence[Column], no_color: bool
) -> str:
    # The choice of a format.
    if format_ == "xml":
        from ..render.safe import escape_in_xml

        return "".join(f"{escape_in_xml(guest.block.xml)}\n" for guest in guests if guest.block)
    if format_ == "value":
        from ..render.flat import as_values

        host = ["host"] if len({guest.host for guest in guests}) > 1 else []
        return as_values(guests, columns or [COLUMNS[name] for name in (*host, *FLAT)])
    from ..render.show import details

    paint = coloured if draws_for_terminal(no_color) else plain
    return details(guests, width=terminal_width(), paint=paint)


def without_block(guest: Guest) -> NovaDomainsError:
    name = f"{guest.domain} ({guest.uuid})"
    if guest.hardware is None:
        return NovaDomainsError(f"{name} could not be read, so its block cannot be shown")
    return NovaDomainsError(f"{name} holds no metadata block of Nova")
