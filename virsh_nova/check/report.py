"""``check``: read the guests and Nova's records, examine them, filter the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ..errors import NovaDomainsError
from ..hosts.host import Host, Stream
from ..hosts.lookup import resolve
from ..inputs.read import source_name
from ..model import Guest
from .ages import ages_of
from .codes import SEVERITIES, TWINS, Severity
from .examine import findings_of, in_order
from .finding import DAY, HOUR, Examination, Finding, Key
from .survey import Survey
from .versions import Version

if TYPE_CHECKING:
    from ..sources.gather import Gathered

_NONE_HIDDEN: Mapping[Severity, int] = MappingProxyType({})
_NO_PROGRAMS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class CheckOptions(NamedTuple):
    """The options of the command line."""

    handles: Sequence[str] = ()
    """The guests to report on; all of them if there are none."""
    ignored: Collection[str] = ()
    """Codes of findings to skip."""
    only: Collection[str] = ()
    """Codes of the findings to look for; all of them if there are none."""
    severity: Severity = "warning"
    """Findings that are less grave are counted, not shown."""
    leftover: float = HOUR
    """Seconds after which a helper counts as left behind."""
    nova_version: Version | None = None
    max_age: float = DAY
    """Seconds after which what was read of a host counts as outdated."""
    files: Sequence[str] = ()
    """Paths of what Nova says: ``--against``; ``-`` is stdin."""
    cloud: str | None = None
    program: tuple[str, ...] = ()
    """How nova-domains reaches this libvirt, up to the command. Empty for guests that were read
    from files: no command of it reaches those."""


class CheckWarning(NamedTuple):
    """A warning to print beside the report."""

    message: str
    hint: str = ""


class Report(NamedTuple):
    """What to print."""

    findings: Sequence[Finding]
    """Those that are shown."""
    guests: int
    """How many guests were asked for and examined."""
    hidden: Mapping[Severity, int] = _NONE_HIDDEN
    """How many findings are less grave than asked for, by their severity."""
    program: tuple[str, ...] = ()
    """As in ``CheckOptions``."""
    programs: Mapping[str, tuple[str, ...]] = _NO_PROGRAMS
    """The same for each of several hosts, by its name."""
    several_hosts: bool = False
    """Whether the guests are from more than one host; if so, the host gets a column."""
    warnings: Sequence[CheckWarning] = ()
    failures: Sequence[NovaDomainsError] = ()
    """One for each handle that matches no guest, or more than one."""

    def count(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)


def check(
    host: Host,
    options: CheckOptions,
    *,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Report:
    """Examine the guests of the host, or the hosts, that were opened.

    ``progress`` is called with how many guests were read, and of how many. Raises
    ``NovaDomainsError`` for a host that is lost, a file of ``--against`` that cannot be read and a
    cloud that does not answer.
    """
    keys, failures = resolve(host, options.handles) if options.handles else ([], [])
    asks_nova = bool(options.files or options.cloud)
    guests = _Guests(host, progress)
    # All of them, whichever were asked for: another guest may use the same disk.
    survey = Survey(guests.outlines(), keep_keys=asks_nova)
    hosts = host.certain_names | survey.certain_hosts
    answers = _ask_nova(options, survey, hosts) if asks_nova else None
    ages, warnings = _ages(guests.kept, host.is_this_machine)
    only_twins = bool(options.only) and TWINS.issuperset(options.only)
    findings: Iterable[Finding] = findings_of(
        Examination(
            guests.whole(survey.twins.suspects() if only_twins else None),
            hosts,
            None if answers is None else [record for each in answers for record in each.records],
            complete=answers is None or all(each.everyones for each in answers),
            asked=_names_of_sources(options.files, options.cloud),
            sources=sources_for_stamp(options.files, options.cloud),
            ages=ages,
            nova_version=options.nova_version,
            leftover=options.leftover,
            survey=survey,
            documents=host.documents,
            now=datetime.now(timezone.utc),
            max_age=options.max_age,
        )
    )
    wanted = frozenset(keys)
    if options.handles:
        theirs = frozenset((host, "") for host, _ in keys)  # What is found of their hosts.
        findings = (each for each in findings if each.key in wanted or each.key in theirs)
    if guests.streamed:
        findings = map(_without_what_is_not_shown, findings)
    if options.only:
        findings = (each for each in findings if each.code in options.only)
    shown, hidden = sifted(findings, options.ignored, options.severity)
    said = dict.fromkeys(warning for each in answers or () for warning in each.warnings)
    return Report(
        shown,
        sum(key in survey.twins for key in wanted) if options.handles else len(survey.twins),
        hidden,
        options.program,
        several_hosts=len(survey.hosts) > 1,
        warnings=[*map(CheckWarning, said), *warnings],
        failures=failures,
    )


class _Guests:
    """The guests of a host, for two looks at them."""

    def __init__(self, host: Host, progress: Callable[[int, int], None]) -> None:
        self._stream = host if isinstance(host, Stream) else None
        self.streamed = self._stream is not None
        self.kept = [] if self.streamed else host.guests("whole", progress=progress)
        """All of them, unless they can be read again."""

    def outlines(self) -> Iterable[Guest]:
        return self.kept if self._stream is None else self._stream.outlines()

    def whole(self, chosen: Collection[Key] | None) -> Iterable[Guest]:
        """All of them, or those of these keys."""
        if self._stream is not None:
            return self._stream.stream(chosen)
        return self.kept if chosen is None else [g for g in self.kept if g.key in chosen]


def _without_what_is_not_shown(finding: Finding) -> Finding:
    """Of a fleet there can be very many findings."""
    guest = finding.guest
    if guest is None:
        return finding
    block = guest.block._replace(xml="") if guest.block else None
    slim = guest._replace(definitions=(), hardware=None, differences=(), block=block)
    return finding._replace(guest=slim)


def sifted(
    findings: Iterable[Finding], ignored: Collection[str], severity: Severity
) -> tuple[list[Finding], Mapping[Severity, int]]:
    """The findings to show, in their order, and how many less grave ones are hidden."""
    least = SEVERITIES.index(severity)
    shown: list[Finding] = []
    hidden: Counter[Severity] = Counter()
    for finding in findings:
        if finding.code in ignored:
            continue
        if finding.rank <= least:
            shown.append(finding)
        else:
            hidden[finding.severity] += 1
    return in_order(shown), hidden


def sources_for_stamp(files: Sequence[str], cloud: str | None) -> tuple[str, ...]:
    """The options that give stamp the same records; stdin cannot be read a second time."""
    words = [word for file in files if file != "-" for word in ("--from", file)]
    return (*words, *(("--cloud", cloud) if cloud else ()))


def _names_of_sources(files: Sequence[str], cloud: str | None) -> str:
    return ", ".join((*map(source_name, files), *((f"cloud {cloud}",) if cloud else ())))


def _ask_nova(options: CheckOptions, survey: Survey, hosts: Collection[str]) -> list[Gathered]:
    # It brings msgspec, 17 ms that a check without it saves.
    from ..sources.gather import Sources, gather

    everywhere = survey.uuids
    answers = []
    if options.files:
        answers.append(gather(Sources(options.files), None, everywhere, strangers=True))
    if options.cloud:
        of_cloud = Sources(cloud=options.cloud)
        # A cloud lists servers host by host. Those whose host is unknown it has to look for.
        answers += [gather(of_cloud, host, everywhere) for host in sorted(hosts)]
        if survey.elsewhere or not hosts:
            answers.append(gather(of_cloud, None, frozenset(survey.elsewhere)))
    return answers


def _ages(
    guests: Sequence[Guest], is_this_machine: bool
) -> tuple[Mapping[Key, float], list[CheckWarning]]:
    """Only of processes on this machine: on another one the same pid is another process."""
    if not is_this_machine:
        return {}, []
    ages = ages_of(guests)
    if not ages.refused:
        return ages.seconds, []
    helpers = "1 helper" if ages.refused == 1 else f"{ages.refused} helpers"
    message = f"the age of {helpers} is unknown: this user may not see the process"
    return ages.seconds, [CheckWarning(message, "run it as root")]
