"""The command line: commands, wiring, exit codes, and the one place that turns errors into words.

What a command needs beyond click is imported when it runs, so that ``--help``, ``--version`` and
the shell's completion answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from . import __version__
from .errors import EXIT_FAILED, EXIT_INTERRUPTED, NovaDomainsError
from .listing import KINDS
from .options import (
    AddressOrNetwork,
    ColumnName,
    Handle,
    Settings,
    State,
    output_options,
    refuse_nan,
)
from .streams import (
    complain,
    complain_of_usage,
    discard_output,
    draws_for_terminal,
    prepare_streams,
    speaks_unicode,
    write,
)

if TYPE_CHECKING:
    from .columns import Column
    from .host import Host
    from .model import Guest
    from .select import Network

PROGRAM = "nova-domains"
COMPLETION_VARIABLE = "_NOVA_DOMAINS_COMPLETE"
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


# ---- the group --------------------------------------------------------------------------------


@click.group(context_settings=CONTEXT)
@click.option(
    "-c",
    "--connect",
    "uri",
    metavar="URI",
    help="The libvirt to ask; else LIBVIRT_DEFAULT_URI, else qemu:///system.",
)
@click.option("--demo", is_flag=True, help="Ask an embedded example host instead; needs no daemon.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10,
    show_default=True,
    callback=refuse_nan,
    metavar="SECONDS",
    help="How long to wait for a daemon that does not answer.",
)
@click.option("--no-color", is_flag=True, help="Plain text on a terminal too, as NO_COLOR asks.")
@click.version_option(__version__, prog_name=PROGRAM)
@click.pass_context
def cli(ctx: click.Context, uri: str | None, demo: bool, timeout: float, no_color: bool) -> None:
    """Whose is this guest? Read what OpenStack Nova recorded in the libvirt domains of a host.

    Nothing is asked of Nova, and nothing is changed.

    Exit codes: 0 done, 1 something failed or was not found, 2 wrong usage, 3 the host could not
    be reached, 130 interrupted.
    """
    if uri is not None and demo:
        raise click.UsageError("--connect and --demo exclude each other")
    ctx.obj = Settings(uri, demo, timeout, no_color)


# ---- list -------------------------------------------------------------------------------------


@cli.command("list")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(KINDS),
    multiple=True,
    help="Only Nova's guests, only those of them without the block, or only those of others.",
)
@click.option(
    "--manager", "managers", metavar="GLOB", multiple=True, help="Only guests this manager made."
)
@click.option("--state", "states", type=State(), multiple=True, help="Only guests in this state.")
@click.option("--name", "names", metavar="GLOB", multiple=True, help="By display name.")
@click.option("--domain", "domains", metavar="GLOB", multiple=True, help="By libvirt's name.")
@click.option("--project", "projects", metavar="GLOB", multiple=True, help="By name or id.")
@click.option("--user", "users", metavar="GLOB", multiple=True, help="By name or id.")
@click.option("--flavor", "flavors", metavar="GLOB", multiple=True, help="By name or id.")
@click.option(
    "--ip",
    "networks",
    type=AddressOrNetwork(),
    multiple=True,
    help="By fixed address; a CIDR takes all in it.",
)
@click.option("--long", "long_", is_flag=True, help="More columns.")
@click.option(
    "--sort-column",
    "sort_columns",
    type=ColumnName(),
    multiple=True,
    help="Sort by this column; can be given several times.  [default: domain]",
)
@click.option(
    "--sort-ascending/--sort-descending", "ascending", default=True, help="Which way to sort."
)
@output_options(
    "table",
    "json",
    "yaml",
    "csv",
    "value",
    column_help="Only this column; can be given several times.",
)
@click.pass_obj
def list_command(
    settings: Settings,
    kinds: Sequence[str],
    managers: Sequence[str],
    states: Sequence[str],
    names: Sequence[str],
    domains: Sequence[str],
    projects: Sequence[str],
    users: Sequence[str],
    flavors: Sequence[str],
    networks: Sequence[Network],
    long_: bool,
    sort_columns: Sequence[Column],
    ascending: bool,
    format_: str,
    columns: Sequence[Column],
    no_color: bool,
) -> None:
    """List the guests: Nova's, Nova's without metadata, and those of others.

    Options that can be repeated take a guest that fits one of their values. Names are shell
    globs: --name 'web-*'.

    On a terminal the table is coloured and fits its width; in a pipe it is plain and never cut.
    """
    from .render.progress import ProgressBar
    from .select import Selection, ordered

    selection = Selection(
        kinds, managers, states, names, domains, projects, users, flavors, networks
    )
    documents = format_ in ("json", "yaml")
    recorded = all(column.recorded for column in (*columns, *sort_columns)) and (
        bool(columns) or not documents
    )
    with ProgressBar("Reading guests") as progress:
        host = settings.open()
        read = host.guests(
            "block" if recorded else "domain", chosen=selection.may_take, progress=progress
        )
    warn_of_faults(read)
    guests = ordered(
        filter(selection.takes, read) if selection.narrows else read,
        sort_columns,
        descending=not ascending,
    )
    if format_ == "table":
        from .render.safe import visible

        if guests:
            write(list_table(guests, columns, long_, settings.no_color or no_color))
        else:
            nobody = "no guest fits" if selection.narrows else f"{host.name} has no guests"
            write(f"{visible(nobody)}\n")
    elif documents:
        from .render.document import columns_document, guest_document

        write_documents(
            [
                columns_document(guest, columns) if columns else guest_document(guest)
                for guest in guests
            ],
            format_,
            one_a_line=True,
        )
    else:
        from .columns import COLUMNS, FLAT, FLAT_LONG
        from .render.flat import as_csv, as_values

        chosen = columns or [COLUMNS[name] for name in (FLAT_LONG if long_ else FLAT)]
        write((as_csv if format_ == "csv" else as_values)(guests, chosen))


def list_table(
    guests: Sequence[Guest], columns: Sequence[Column], long_: bool, no_color: bool
) -> str:
    from .render.sections import sections

    divided = sections(guests, columns, long=long_)
    if draws_for_terminal(no_color):
        from .render.terminal import terminal_table

        return terminal_table(divided, width=None, unicode=speaks_unicode())
    from .render.plain import plain_table

    return plain_table(divided)


# ---- show -------------------------------------------------------------------------------------


@cli.command("show")
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
    settings: Settings,
    handles: Sequence[str],
    format_: str,
    columns: Sequence[Column],
    no_color: bool,
) -> int:
    """Show all that is known of guests: what Nova recorded, and what they really are.

    HANDLE is a uuid or the beginning of one (4 characters or more), a domain name, a libvirt id,
    or a display name. A display name counts only where nothing else fits: tenants choose it.

    With -f xml the metadata block is printed as the domain holds it.
    """
    from .render.progress import ProgressBar

    if columns and format_ in ("table", "xml"):
        raise click.UsageError(f"--column does not go with -f {format_}")
    with ProgressBar("Reading guests") as progress:
        host = settings.open()
        uuids, errors = resolve(host, handles)
        read = host.guests("whole", chosen=lambda seen: seen.uuid in uuids, progress=progress)
    by_uuid = {guest.uuid: guest for guest in read}
    guests = [by_uuid[uuid] for uuid in uuids if uuid in by_uuid]
    errors += [
        NovaDomainsError(f"{uuid} was there a moment ago, and is no longer")
        for uuid in uuids
        if uuid not in by_uuid
    ]
    warn_of_faults(guests)
    if format_ == "table":
        write(show_table(guests, settings.no_color or no_color))
    elif format_ == "xml":
        from .render.safe import escape_in_xml

        for guest in guests:
            if guest.block is not None:
                write(escape_in_xml(guest.block.xml) + "\n")
            else:
                errors.append(without_block(guest))
    elif format_ == "value":
        from .columns import COLUMNS, FLAT
        from .render.flat import as_values

        write(as_values(guests, columns or [COLUMNS[name] for name in FLAT]))
    else:
        from .render.document import columns_document, whole_document

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


def resolve(host: Host, handles: Sequence[str]) -> tuple[list[str], list[NovaDomainsError]]:
    """The uuids that the handles mean, in their order, and an error for each that means none."""
    from .lookup import ambiguous, find_by_display_name, find_by_identity, unknown

    sightings = host.sightings()
    read: list[Guest] | None = None
    uuids: dict[str, None] = {}
    errors: list[NovaDomainsError] = []
    for handle in handles:
        found: Sequence[Any] = find_by_identity(handle, sightings)
        if not found:
            if read is None:
                read = host.guests("block")
            found = find_by_display_name(handle, read)
        if len(found) == 1:
            uuids[found[0].uuid] = None
        else:
            errors.append(ambiguous(handle, found) if found else unknown(handle, read or ()))
    return list(uuids), errors


def show_table(guests: Sequence[Guest], no_color: bool) -> str:
    if draws_for_terminal(no_color):
        from .render.terminal import terminal_details

        return terminal_details(guests, width=None)
    from .render.details import plain_details

    return plain_details(guests)


# ---- completion -------------------------------------------------------------------------------


@cli.command("completion", short_help="Print the code that makes a shell complete commands.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print the code that makes a shell complete commands, options, domain names and uuids.

    For bash: eval "$(nova-domains completion bash)" in ~/.bashrc.
    """
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    assert complete is not None
    root = ctx.find_root()
    write(complete(root.command, {}, PROGRAM, COMPLETION_VARIABLE).source() + "\n")


# ---- output -----------------------------------------------------------------------------------


def write_documents(documents: list[dict[str, Any]], format_: str, *, one_a_line: bool) -> None:
    from .render.document import as_json, as_yaml

    if format_ == "yaml":
        write(as_yaml(documents, ascii_only=not speaks_unicode()))
    else:
        write(as_json(documents, one_a_line=one_a_line, ascii_only=not speaks_unicode()))


def warn_of_faults(guests: Sequence[Guest]) -> None:
    for guest in sorted(guests, key=lambda guest: guest.domain):
        for fault in guest.faults:
            complain(f"{guest.domain} ({guest.uuid}): {fault}", kind="warning")


# ---- from errors to exit codes ----------------------------------------------------------------


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code; every error ends here, in one line."""
    prepare_streams()
    try:
        code = invoke(arguments)
        sys.stdout.flush()
        return code
    except NovaDomainsError as error:
        complain(error.message, error.hint)
        return error.exit_code
    except click.ClickException as error:
        complain_of_usage(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough (``| head``).
        discard_output()
        return 0
    except OSError as error:
        complain(f"the output cannot be written: {error.strerror or error}")
        discard_output()
        return EXIT_FAILED
    except Exception as error:
        if os.environ.get("NOVA_DOMAINS_TRACEBACK"):
            raise
        complain(
            f"this should not happen: {type(error).__name__}: {error}",
            "please report it, with what NOVA_DOMAINS_TRACEBACK=1 prints",
        )
        return EXIT_FAILED


def invoke(arguments: Sequence[str]) -> int:
    """Like click's own ``main``, which would make a closed pipe an exit of its own."""
    if instruction := os.environ.get(COMPLETION_VARIABLE):
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, PROGRAM, COMPLETION_VARIABLE, instruction)
    try:
        with cli.make_context(PROGRAM, list(arguments)) as context:
            return cli.invoke(context) or 0
    except click.exceptions.Exit as error:
        return error.exit_code
