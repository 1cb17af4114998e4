"""The command line: commands, wiring, exit codes, and the one place that turns errors into words.

What a command needs beyond click is imported when it runs, so that ``--help``, ``--version`` and
the shell's completion answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from . import __version__
from .commands.check import check_command
from .commands.completion import completion_command
from .commands.list import list_command
from .commands.show import show_command
from .commands.stamp import stamp_command
from .commands.types import COMPLETION_VARIABLE, PROGRAM, Settings, refuse_nan
from .commands.undo import undo_command
from .commands.whose import whose_command
from .console import complain, complain_of_usage, discard_output, prepare_streams
from .errors import EXIT_FAILED, EXIT_INTERRUPTED, NovaDomainsError

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
    "--offline", is_flag=True, help="Read libvirt's files on this machine instead of asking it."
)
@click.option(
    "--files",
    metavar="PATH",
    multiple=True,
    help="Read another host's files: the root of its file system, a sos report (.tar.xz or "
    "unpacked), virsh dumpxml files, or a saved list -f json. Can be given several times.",
)
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
def cli(
    ctx: click.Context,
    uri: str | None,
    demo: bool,
    offline: bool,
    files: tuple[str, ...],
    timeout: float,
    no_color: bool,
) -> None:
    """Whose is this guest? Read what OpenStack Nova recorded in the libvirt domains of a host.

    Nothing is changed but by stamp and undo, and by these not before the plan has been seen.

    Exit codes: 0 done, 1 something failed or was not found, 2 wrong usage, 3 the host could not
    be reached, 4 check found something, 130 interrupted.
    """
    sources = {
        "--connect": uri is not None,
        "--demo": demo,
        "--offline": offline,
        "--files": bool(files),
    }
    said = [option for option, is_said in sources.items() if is_said]
    if len(said) > 1:
        raise click.UsageError(f"{said[0]} and {said[1]} exclude each other")
    ctx.obj = Settings(uri, demo, timeout, no_color, offline, files)


for command in (
    list_command,
    show_command,
    whose_command,
    check_command,
    stamp_command,
    undo_command,
    completion_command,
):
    cli.add_command(command)


def conclude(settings: Settings | None) -> int:
    """Tell of the files that a command read in libvirt's place, and what of them it could not."""
    code = 0
    for host in settings.recorded if settings else ():
        for fault in host.faults:
            complain(fault, kind="warning")
        complain(host.notice, kind="note")
        if host.incomplete:
            code = EXIT_FAILED
    return code


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
            code = cli.invoke(context) or 0
            return max(code, conclude(context.find_object(Settings)))
    except click.exceptions.Exit as error:
        return error.exit_code
