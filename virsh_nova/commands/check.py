"""``nova-domains check``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..check.codes import CODES, SEVERITIES, Severity
from ..console import complain, draws_for_terminal, speaks_unicode, terminal_width, write
from ..errors import EXIT_FAILED, EXIT_FINDINGS, NovaDomainsError
from ..hosts.lookup import resolve
from .session import Session
from .types import Duration, FindingCode, Handle, NovaVersion

if TYPE_CHECKING:
    from ..check.finding import Finding
    from ..hosts.host import Host
    from ..model import Guest
    from ..render.check import Report
    from ..sources.record import Record


@click.command("check")
@click.argument("handles", metavar="[HANDLE]...", type=Handle(), nargs=-1)
@click.option(
    "--ignore",
    "ignored",
    type=FindingCode(),
    metavar="CODE",
    multiple=True,
    help="Leave these findings out; can be given several times.",
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
    show_default=True,
    metavar="DURATION",
    help="How long an appliance of libguestfs, or another helper, may run: 90s, 10m, 1h, 2d.",
)
@click.option(
    "--nova-version",
    type=NovaVersion(),
    metavar="VERSION",
    help="Hold the guests against this Nova: 34, 34.0.1, 2026.1.  [newest on the host]",
)
@click.option(
    "--against",
    "files",
    metavar="FILE",
    multiple=True,
    help="Hold the guests against what Nova knows: the files that stamp --from takes; - is stdin. "
    "All servers of the host have to be in them.",
)
@click.option(
    "--cloud",
    metavar="NAME",
    help="Hold them against the cloud of that name in clouds.yaml, or envvars for OS_*; needs "
    "openstacksdk.",
)
@click.option(
    "--explain",
    type=FindingCode(),
    metavar="CODE",
    help="Say what a finding means and how it comes about, and stop there.",
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(("table", "json", "csv", "value", "nagios")),
    default="table",
    show_default=True,
    help="How to print the findings; nagios is one line, with the exit codes of a plugin.",
)
@click.option("--no-color", is_flag=True, help="Plain text on a terminal too.")
@click.pass_obj
def check_command(
    session: Session,
    handles: Sequence[str],
    ignored: Sequence[str],
    severity: Severity,
    leftover: float,
    nova_version: tuple[int, ...] | None,
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
    try:
        report, host, failed = examined(
            session, handles, frozenset(ignored), severity, leftover, nova_version, files, cloud
        )
    except NovaDomainsError as error:
        if format_ != "nagios":
            raise
        return unknown(error.message)
    except Exception as error:
        if format_ != "nagios":
            raise
        # To a monitoring system 1 would be a warning about the guests.
        return unknown(f"this should not happen: {type(error).__name__}: {error}")
    if format_ == "nagios":
        from ..render.check import nagios_line, nagios_status

        if failed:
            return unknown(failed[0].message)
        write(nagios_line(report))
        return nagios_status(report)
    write(printed(report, host, format_, plain_text))
    for each in failed:
        complain(each.message, each.hint)
    return EXIT_FINDINGS if report.findings else EXIT_FAILED if failed else 0


def examined(
    session: Session,
    handles: Sequence[str],
    ignored: frozenset[str],
    severity: Severity,
    leftover: float,
    nova_version: tuple[int, ...] | None,
    files: Sequence[str],
    cloud: str | None,
) -> tuple[Report, str | None, list[NovaDomainsError]]:
    """What was found on whom, the host's name, and the handles that fit nobody."""
    from ..check.examine import examine
    from ..check.finding import Options
    from ..render.check import Report
    from ..render.progress import ProgressBar

    with ProgressBar("Reading guests") as progress:
        host = session.open()
        keys, failed = resolve(host, handles) if handles else ([], [])
        # All of them, whoever was asked for: another guest may use the same disk.
        guests = host.guests("whole", progress=progress)
    records: list[Record] | None = None
    everyones = True
    if files or cloud:
        here = frozenset(guest.uuid for guest in guests)
        # msgspec comes with it, which a live check does without.
        from ..sources.gather import Sources, gather

        gathered = gather(Sources(files, cloud=cloud), host.certain_name, here, strangers=True)
        for warning in gathered.warnings:
            complain(warning, kind="warning")
        records, everyones = gathered.records, gathered.everyones
    options = Options(
        host=host.certain_name,
        nova_version=nova_version,
        leftover=leftover,
        sources=sources_for_stamp(files, cloud),
        complete=everyones,
    )
    findings = examine(guests, options, records, ages(guests, host))
    if handles:
        wanted = frozenset(uuid for _, uuid in keys)
        findings = [finding for finding in findings if finding.uuid in wanted]
        guests = [guest for guest in guests if guest.uuid in wanted]
    told, hidden = sifted(findings, ignored, severity)
    return Report(told, len(guests), hidden, session.invocation), host.name, failed


def sifted(
    findings: Sequence[Finding], ignored: frozenset[str], severity: Severity
) -> tuple[list[Finding], int]:
    """Those to be shown, and how many are not because they are not grave enough."""
    kept = [finding for finding in findings if finding.code not in ignored]
    least = SEVERITIES.index(severity)
    shown = [finding for finding in kept if finding.rank <= least]
    return shown, len(kept) - len(shown)


def ages(guests: Sequence[Guest], host: Host) -> dict[str, float]:
    """Of processes on this machine only: those of another host have other numbers."""
    from ..check.ages import ages_of

    if not host.is_this_machine:
        return {}
    found = ages_of(guests)
    if found.refused:
        complain(
            f"the age of {found.refused} helpers is unknown: this user may not see their processes",
            "run it as root",
            kind="warning",
        )
    return found.seconds


def sources_for_stamp(files: Sequence[str], cloud: str | None) -> tuple[str, ...]:
    """How stamp is given the same; what came from stdin cannot be had a second time."""
    words = [word for file in files if file != "-" for word in ("--from", file)]
    return (*words, *(("--cloud", cloud) if cloud else ()))


def unknown(message: str) -> int:
    from ..render.check import UNKNOWN, nagios_unknown

    write(nagios_unknown(message))
    return UNKNOWN


def printed(report: Report, host: str | None, format_: str, plain_text: bool) -> str:
    from ..render import check as findings

    if format_ == "json":
        from ..render.serial import as_json

        documents = [findings.finding_document(each, report, host) for each in report.findings]
        return as_json(documents, one_a_line=True, ascii_only=not speaks_unicode())
    if format_ == "csv":
        return findings.as_csv(report)
    if format_ == "value":
        return findings.as_values(report)
    return findings.findings_table(
        report,
        width=terminal_width(),
        paint=findings.coloured if draws_for_terminal(plain_text) else findings.plain,
        unicode=speaks_unicode(),
    )


def explanation(code: str, plain_text: bool) -> str:
    from ..render.check import coloured, explained, plain

    width, paint = terminal_width(), coloured if draws_for_terminal(plain_text) else plain
    return explained(CODES[code], width=min(width, 100) if width else 100, paint=paint)
