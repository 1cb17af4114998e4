"""``nova-domains check``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..check.codes import CODES, SEVERITIES, Severity
from ..check.report import CheckOptions, Report, check
from ..console import complain, draws_for_terminal, speaks_unicode, terminal_width, write
from ..errors import EXIT_FAILED, EXIT_FINDINGS, NovaDomainsError
from ..inputs.read import STDIN
from ..render import check as face
from ..render.style import coloured, plain
from .session import Session
from .types import Duration, FindingCode, Handle, NovaVersion

_WIDEST_TEXT = 100


@click.command("check")
@click.argument("handles", metavar="[HANDLE]...", type=Handle(), nargs=-1)
@click.option(
    "--ignore",
    "ignored",
    type=FindingCode(),
    metavar="CODE",
    multiple=True,
    help="Leave out these findings; repeatable.",
)
@click.option(
    "--only",
    type=FindingCode(),
    metavar="CODE",
    multiple=True,
    help="Look for these findings alone; repeatable.",
)
@click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    default="warning",
    show_default=True,
    help="Show and count findings of this severity and above.",
)
@click.option(
    "--leftover",
    type=Duration(),
    default="1h",
    metavar="DURATION",
    # click 8.0 would print the default as what it is converted to: 3600.0.
    help="How long a libguestfs appliance, or another helper, may run: 90s, 10m, 1h, 2d.  "
    "[default: 1h]",
)
@click.option(
    "--nova-version",
    type=NovaVersion(),
    metavar="VERSION",
    help="Compare the guests with this Nova: 34, 34.0.1, 2026.1.  [default: the newest on the "
    "host]",
)
@click.option(
    "--max-age",
    type=Duration(),
    default="1d",
    metavar="DURATION",
    help="How old the documents of a host may be.  [default: 1d]",
)
@click.option(
    "--against",
    "files",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    multiple=True,
    help="Compare with what Nova says in a file that stamp --from takes; - is stdin. It must "
    "list all servers of the host.",
)
@click.option(
    "--cloud",
    metavar="NAME",
    help="Compare with a cloud of clouds.yaml, or envvars for OS_*; needs openstacksdk.",
)
@click.option(
    "--explain",
    type=FindingCode(),
    metavar="CODE",
    help="Explain a finding, its causes and what to do, and exit.",
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(("table", "json", "csv", "value", "nagios")),
    default="table",
    show_default=True,
    help="How to print the findings; nagios is one line, with a plugin's exit codes.",
)
@click.option("--no-color", is_flag=True, help="Print plain text on a terminal too.")
@click.pass_obj
def check_command(
    session: Session,
    handles: Sequence[str],
    ignored: Sequence[str],
    only: Sequence[str],
    severity: Severity,
    leftover: float,
    nova_version: tuple[int, ...] | None,
    max_age: float,
    files: Sequence[str],
    cloud: str | None,
    explain: str | None,
    format_: str,
    no_color: bool,
) -> int:
    """Compare what Nova recorded with the actual guests.

    Reports every mismatch, of all guests or of those that HANDLE names (as for show). It changes
    nothing; where stamp would fix a finding, it prints the command.

    Exit codes: 0 nothing found, 4 findings; with -f nagios 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    """
    plain_text = session.no_color or no_color
    if explain is not None:
        write(explanation(explain, plain_text))
        return 0
    if STDIN in files:
        session.refuse_stdin("--against -")
    options = CheckOptions(
        handles,
        ignored,
        only,
        severity,
        leftover,
        nova_version,
        max_age,
        files,
        cloud,
        session.invocation,
    )
    if format_ == "nagios":
        return answer_monitor(session, options)
    report = examined(session, options)
    write(printed(report, format_, plain_text))
    for failure in report.failures:
        complain(failure.message, failure.hint)
    if report.findings:
        return EXIT_FINDINGS
    return EXIT_FAILED if report.failures else 0


def examined(session: Session, options: CheckOptions) -> Report:
    with session.progress_bar() as progress:
        report = check(session.open(), options, progress=progress)
    for warning in report.warnings:
        complain(warning.message, warning.hint, kind="warning")
    return report._replace(programs=session.invocations)


def answer_monitor(session: Session, options: CheckOptions) -> int:
    """One line and a plugin's exit code, whatever happens."""
    try:
        report = examined(session, options)
    except NovaDomainsError as error:
        return unknown(error.message)
    except Exception as error:
        # To a monitoring system 1 would be a warning about the guests.
        return unknown(f"this should not happen: {type(error).__name__}: {error}")
    if report.failures:
        return unknown(report.failures[0].message)
    missing = session.missing
    write(face.nagios_line(report, missing))
    return face.nagios_status(report, missing)


def unknown(message: str) -> int:
    write(face.nagios_unknown(message))
    return face.UNKNOWN


def printed(report: Report, format_: str, plain_text: bool) -> str:
    if format_ == "json":
        from ..render.serial import as_json  # the choice of a format: json takes 1 ms

        documents = [face.finding_document(each, report) for each in report.findings]
        return as_json(documents, one_a_line=True, ascii_only=not speaks_unicode())
    if format_ == "csv":
        return face.as_csv(report)
    if format_ == "value":
        return face.as_values(report)
    return face.findings_table(
        report,
        width=terminal_width(),
        paint=coloured if draws_for_terminal(plain_text) else plain,
        unicode=speaks_unicode(),
    )


def explanation(code: str, plain_text: bool) -> str:
    width = min(terminal_width() or _WIDEST_TEXT, _WIDEST_TEXT)
    paint = coloured if draws_for_terminal(plain_text) else plain
    return face.explained(CODES[code], width=width, paint=paint)
