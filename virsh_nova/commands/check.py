"""``nova-domains check``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from ..check.codes import CODES, SEVERITIES, Severity, nearest
from ..errors import EXIT_FAILED, EXIT_FINDINGS, NovaDomainsError
from ..options import PROGRAM, Handle, Settings
from ..streams import complain, draws_for_terminal, speaks_unicode, write
from .gather import gather
from .handles import resolve

if TYPE_CHECKING:
    from ..check.finding import Finding
    from ..files.recorded import RecordedHost
    from ..host import Host
    from ..model import Guest, Record
    from ..render.findings import Report

_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(s|min|m|h|d|w)?", re.ASCII)


class FindingCode(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    name = "code"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        word = str(value).strip().lower().replace("_", "-")
        if word not in CODES:
            self.fail(f"no finding {value!r}; did you mean {nearest(word)!r}?", param, ctx)
        return word

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [
            CompletionItem(code.code, help=code.title)
            for code in CODES.values()
            if code.code.startswith(incomplete.lower())
        ]


class Duration(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """Seconds, from ``90``, ``90s``, ``10m``, ``1h30m``, ``2d``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value).strip().lower()
        if isinstance(value, float):
            return value
        if not re.fullmatch(f"(?:{_PART.pattern})+", text, re.ASCII):
            self.fail(f"{value!r} is no duration, such as 90s, 10m, 1h30m, 2d", param, ctx)
        return sum(float(amount) * _SECONDS[unit or "s"] for amount, unit in _PART.findall(text))


class NovaVersion(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    name = "version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from ..check.versions import asked_version

        if isinstance(value, tuple):
            return value
        try:
            return asked_version(str(value))
        except NovaDomainsError as error:
            self.fail(f"{error.message} ({error.hint})", param, ctx)


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
    metavar="DURATION",
    # click 8.0 would print the default as what it is converted to: 3600.0.
    help="How long an appliance of libguestfs, or another helper, may run: 90s, 10m, 1h, 2d.  "
    "[default: 1h]",
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
    settings: Settings,
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
    """Hold what Nova recorded against what the guests really are, and print what does not fit.

    All guests, or those of HANDLE (as for show). Nothing is changed; where stamp would mend a
    finding, its command is printed.

    Exit codes: 0 nothing found, 4 findings; with -f nagios 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    """
    plain_text = settings.no_color or no_color
    if explain is not None:
        write(explanation(explain, plain_text))
        return 0
    try:
        report, host, failed = examined(
            settings, handles, frozenset(ignored), severity, leftover, nova_version, files, cloud
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
        from ..render.findings import nagios_line, nagios_status

        if failed:
            return unknown(failed[0].message)
        write(nagios_line(report))
        return nagios_status(report)
    write(printed(report, host, format_, plain_text))
    for each in failed:
        complain(each.message, each.hint)
    return EXIT_FINDINGS if report.findings else EXIT_FAILED if failed else 0


def examined(
    settings: Settings,
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
    from ..render.findings import Report
    from ..render.progress import ProgressBar

    with ProgressBar("Reading guests") as progress:
        host = settings.open()
        uuids, failed = resolve(host, handles) if handles else ([], [])
        # All of them, whoever was asked for: another guest may use the same disk.
        guests = host.guests("whole", progress=progress)
    records: list[Record] | None = None
    everyones = True
    if files or cloud:
        here = frozenset(guest.uuid for guest in guests)
        records, _, everyones = gather(files, {}, cloud, host.name, here, strangers=True)
    options = Options(
        host=host.name,
        nova_version=nova_version,
        leftover=leftover,
        sources=sources_for_stamp(files, cloud),
        complete=everyones,
    )
    findings = examine(guests, options, records, ages(guests, host))
    if handles:
        wanted = frozenset(uuids)
        findings = [finding for finding in findings if finding.uuid in wanted]
        guests = [guest for guest in guests if guest.uuid in wanted]
    told, hidden = sifted(findings, ignored, severity)
    return Report(told, len(guests), hidden, called(settings)), host.name, failed


def sifted(
    findings: Sequence[Finding], ignored: frozenset[str], severity: Severity
) -> tuple[list[Finding], int]:
    """Those to be shown, and how many are not because they are not grave enough."""
    kept = [finding for finding in findings if finding.code not in ignored]
    least = SEVERITIES.index(severity)
    shown = [finding for finding in kept if finding.rank <= least]
    return shown, len(kept) - len(shown)


def ages(guests: Sequence[Guest], host: Host | RecordedHost) -> dict[str, float]:
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


def called(settings: Settings) -> tuple[str, ...]:
    if settings.demo:
        return (PROGRAM, "--demo")
    return (PROGRAM, "-c", settings.uri) if settings.uri else (PROGRAM,)


def unknown(message: str) -> int:
    from ..render.findings import UNKNOWN, nagios_unknown

    write(nagios_unknown(message))
    return UNKNOWN


def printed(report: Report, host: str | None, format_: str, plain_text: bool) -> str:
    from ..render import findings

    if format_ == "json":
        from ..render.document import as_json

        documents = [findings.finding_document(each, report, host) for each in report.findings]
        return as_json(documents, one_a_line=True, ascii_only=not speaks_unicode())
    if format_ == "csv":
        return findings.as_csv(report)
    if format_ == "value":
        return findings.as_values(report)
    width, paint = manner(plain_text)
    return findings.findings_table(report, width=width, paint=paint, unicode=speaks_unicode())


def explanation(code: str, plain_text: bool) -> str:
    from ..render.findings import explained

    width, paint = manner(plain_text)
    return explained(CODES[code], width=min(width, 100) if width else 100, paint=paint)


def manner(plain_text: bool) -> tuple[int | None, Any]:
    """The width to fit, None in a pipe; and how to colour."""
    import shutil
    import sys

    from ..render.findings import coloured, plain

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return width, coloured if draws_for_terminal(plain_text) else plain
