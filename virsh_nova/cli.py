"""The program: its global options, the table of commands, and the way from errors to exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import NamedTuple

import click
from click.shell_completion import CompletionItem, shell_complete

from . import __version__
from .commands.session import COMPLETION_VARIABLE, FANOUT, PROGRAM, Session
from .commands.types import refuse_nan
from .console import (
    complain,
    complain_of_usage,
    discard_output,
    keep_quiet,
    prepare_streams,
)
from .errors import EXIT_CODES, EXIT_FAILED, EXIT_INTERRUPTED, NovaDomainsError
from .hosts.template import PLACE, USUAL_URI, host_in, uri_of

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


# ---- the commands -----------------------------------------------------------------------------


class Entry(NamedTuple):
    """A command, which is imported when it is called: ``--help`` and completion stay fast."""

    name: str
    section: str
    summary: str
    """The first sentence of its docstring."""

    def load(self) -> click.Command:
        command = getattr(
            import_module(f".commands.{self.name}", __package__), f"{self.name}_command"
        )
        assert isinstance(command, click.Command)
        return command


COMMANDS = {
    entry.name: entry
    for entry in (
        Entry("list", "Look", "List the guests: Nova's, Nova's without metadata, and others."),
        Entry("show", "Look", "Show everything known about a guest."),
        Entry("whose", "Look", "Say which guest something belongs to, and who owns it."),
        Entry("hosts", "Look", "List the hosts: how many guests each has, and what failed."),
        Entry("collect", "Look", "Keep what is read of the hosts in a file, for later questions."),
        Entry("check", "Look", "Compare what Nova recorded with the actual guests."),
        Entry("usage", "Look", "Show who uses the host, and how much of it."),
        Entry("stamp", "Write", "Write the metadata block onto guests that lack it."),
        Entry("undo", "Write", "Take back what a run of stamp wrote."),
        Entry("export", "Set up", "Print the host's guests as metrics for Prometheus."),
        Entry("completion", "Set up", "Print the code that makes a shell complete commands."),
    )
}


class Commands(click.Group):
    """The table as a click group."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        entry = COMMANDS.get(name)
        return entry.load() if entry else None

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.summary) for entry in COMMANDS.values()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        # click would import each command for its summary.
        names = [
            CompletionItem(entry.name, help=entry.summary)
            for entry in COMMANDS.values()
            if entry.name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)


def _exit_codes() -> Iterator[str]:
    for code, meaning in EXIT_CODES.items():
        yield f"{code} {meaning}"


@click.group(
    cls=Commands,
    context_settings=CONTEXT,
    help=f"""Whose is this guest? Read what OpenStack Nova recorded in a host's libvirt domains.

    Only stamp and undo change anything, and only after showing you the plan.

    Exit codes: {", ".join(_exit_codes())}.

    \b
    Examples:
      nova-domains list --project acme-shop
      nova-domains whose 10.20.0.11
      nova-domains check
    """,
)
@click.option(
    "-c",
    "--connect",
    "uris",
    metavar="URI",
    multiple=True,
    help="Connect to this libvirt. Repeatable; all of them are read at once.  [default: "
    "LIBVIRT_DEFAULT_URI, else qemu:///system]",
)
@click.option(
    "--hosts",
    "sets",
    metavar="NODESET",
    multiple=True,
    help="Connect to these hosts: cmp-[001-120], @group, or - for names from stdin. Each takes the "
    f"place of {PLACE} in the URI of -c, else in {USUAL_URI}. Repeatable; needs ClusterShell.",
)
@click.option(
    "--hostfile",
    "hostfiles",
    type=click.Path(),
    metavar="FILE",
    multiple=True,
    help="Connect to the hosts in this file, one name a line. Repeatable.",
)
@click.option(
    "--fanout",
    type=click.IntRange(min=1),
    default=FANOUT,
    show_default=True,
    metavar="N",
    help="Read so many hosts at once.",
)
@click.option("--demo", is_flag=True, help="Use an embedded example host; needs no daemon.")
@click.option(
    "--offline", is_flag=True, help="Read libvirt's files on this machine; needs no daemon."
)
@click.option(
    "--files",
    type=click.Path(),
    metavar="PATH",
    multiple=True,
    help="Read another host's files: the root of its file system, a sos report (.tar.xz or "
    "unpacked), virsh dumpxml files, a saved list -f json, a folder of any of these, or what "
    "collect wrote. Repeatable.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10,
    show_default=True,
    callback=refuse_nan,
    metavar="SECONDS",
    help="Give up on a daemon that does not answer for so long.",
)
@click.option("--no-color", is_flag=True, help="Print plain text on a terminal too.")
@click.option("-q", "--quiet", is_flag=True, help="Print no notes; warnings and errors stay.")
@click.option("--debug", is_flag=True, help="Print tracebacks, and each call to libvirt.")
@click.version_option(__version__, prog_name=PROGRAM)
@click.pass_context
def cli(
    ctx: click.Context,
    uris: tuple[str, ...],
    sets: tuple[str, ...],
    hostfiles: tuple[str, ...],
    fanout: int,
    demo: bool,
    offline: bool,
    files: tuple[str, ...],
    timeout: float,
    no_color: bool,
    quiet: bool,
    debug: bool,
) -> None:
    if quiet:
        keep_quiet()
    sources = {
        "--connect": bool(uris),
        "--hosts": bool(sets),
        "--hostfile": bool(hostfiles),
        "--demo": demo,
        "--offline": offline,
        "--files": bool(files),
    }
    given = [option for option, is_given in sources.items() if is_given]
    # These three name hosts together.
    rest = [option for option in given if option not in ("--connect", "--hosts", "--hostfile")]
    if rest and len(given) > 1:
        raise click.UsageError(f"{given[0]} and {rest[-1]} exclude each other")
    named = bool(sets or hostfiles)
    places = fleet_uris(uris, sets, hostfiles)
    ctx.obj = Session(
        tuple(uri for uri, _ in places),
        demo,
        timeout,
        no_color,
        offline,
        files,
        fanout,
        asks=not named,
        stdin_taken="--hosts" if "-" in sets else "--hostfile" if "-" in hostfiles else "",
        names={uri: name for uri, name in places if name},
    )
    if debug:
        ctx.obj.trace_calls()


def fleet_uris(
    uris: tuple[str, ...], sets: tuple[str, ...], hostfiles: tuple[str, ...]
) -> list[tuple[str, str | None]]:
    """The URIs to connect to, and what ``--hosts`` calls each host. Raises ``UsageError``."""
    if not (sets or hostfiles):
        with_place = [uri for uri in uris if PLACE in uri]
        if with_place:
            raise click.UsageError(f"-c {with_place[0]}: {PLACE} takes names from --hosts")
        return [(uri, None) for uri in uris]
    if len(uris) > 1:
        raise click.UsageError(f"--hosts takes one -c, with {PLACE} for the name of the host")
    template = uris[0] if uris else USUAL_URI
    if PLACE not in template:
        raise click.UsageError(f"-c {template}: no {PLACE} for the names of --hosts")
    from .hosts.nodes import node_names  # one host does without

    try:
        names = node_names(sets, hostfiles)
        return [(uri_of(template, name), host_in(name)) for name in names]
    except NovaDomainsError as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise click.UsageError(f"{error.message}{hint}") from None


# ---- from errors to exit codes ----------------------------------------------------------------


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code; every error ends here, in one line."""
    prepare_streams()
    try:
        code = invoke(arguments)
        sys.stdout.flush()
        return code
    except NovaDomainsError as error:
        if _wants_tracebacks(arguments):
            _print_traceback()
        complain(error.message, error.hint)
        return error.exit_code
    except click.NoSuchOption as error:
        complain_of_usage(_misplaced(error) or error)
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
        if _wants_tracebacks(arguments):
            _print_traceback()
        complain(
            f"this should not happen: {type(error).__name__}: {error}",
            "please report it, with what nova-domains --debug prints",
        )
        return EXIT_FAILED


def _print_traceback() -> None:
    from traceback import print_exc  # up to 4 ms of every command

    print_exc()


def _wants_tracebacks(arguments: Sequence[str]) -> bool:
    # What was parsed is gone by now.
    return "--debug" in arguments


def _misplaced(error: click.NoSuchOption) -> click.UsageError | None:
    """For an option of the program that was given after the command: where it goes."""
    if error.ctx is None or error.ctx.parent is None:
        return None
    for parameter in cli.params:
        if error.option_name in parameter.opts:
            value = "" if getattr(parameter, "is_flag", False) else f" {parameter.metavar or '…'}"
            there = f"{PROGRAM} {error.option_name}{value} {error.ctx.info_name}"
            return click.UsageError(
                f"{error.option_name} goes before the command: {there}", error.ctx
            )
    return None


def invoke(arguments: Sequence[str]) -> int:
    """Like click's own ``main``, which would turn a closed pipe into an exit of its own."""
    if instruction := os.environ.get(COMPLETION_VARIABLE):
        return shell_complete(cli, {}, PROGRAM, COMPLETION_VARIABLE, instruction)
    try:
        with cli.make_context(PROGRAM, list(arguments)) as context:
            code = cli.invoke(context) or 0
            session = context.find_object(Session)
            return max(code, session.finish() if session else 0)
    except click.exceptions.Exit as error:
        return error.exit_code
