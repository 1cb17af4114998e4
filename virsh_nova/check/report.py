"""``check``: read the guests and Nova's records, examine them, filter the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ..errors import NovaDomainsError
from ..hosts.host import Host
from ..hosts.lookup import resolve
from ..model import Guest
from .ages import ages_of
from .codes import SEVERITIES, Severity
from .examine import examine
from .finding import HOUR, Examination, Finding, Key
from .versions import Version

if TYPE_CHECKING:
    from ..sources.gather import Gathered

_NONE_HIDDEN: Mapping[Severity, int] = MappingProxyType({})


class CheckOptions(NamedTuple):
    """The options of the command line."""

    handles: Sequence[str] = ()
    """The guests to report on; all of them if there are none."""
    ignored: Collection[str] = ()
    """Codes of findings to skip."""
    severity: Severity = "warning"
    """Findings that are less grave are counted, not shown."""
    leftover: float = HOUR
    """Seconds after which a helper counts as left behind."""
    nova_version: Version | None = None
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
    # All of them, whichever were asked for: another guest may use the same disk.
    guests = host.guests("whole", progress=progress)
    hosts = _certain_hosts(guests, host.certain_name)
    answers = _ask_nova(options, guests, hosts) if options.files or options.cloud else None
    ages, warnings = _ages(guests, host.is_this_machine)
    findings = examine(
        Examination(
            guests,
            hosts,
            None if answers is None else [record for each in answers for record in each.records],
            complete=answers is None or all(each.everyones for each in answers),
            sources=sources_for_stamp(options.files, options.cloud),
            ages=ages,
            nova_version=options.nova_version,
            leftover=options.leftover,
        )
    )
    several_hosts = len({guest.host for guest in guests}) > 1
    if options.handles:
        wanted = frozenset(keys)
        findings = [finding for finding in findings if finding.key in wanted]
        guests = [guest for guest in guests if guest.key in wanted]
    shown, hidden = sifted(findings, options.ignored, options.severity)
    said = dict.fromkeys(warning for each in answers or () for warning in each.warnings)
    return Report(
        shown,
        len({guest.key for guest in guests}),
        hidden,
        options.program,
        several_hosts,
        warnings=[*map(CheckWarning, said), *warnings],
        failures=failures,
    )


def sifted(
    findings: Sequence[Finding], ignored: Collection[str], severity: Severity
) -> tuple[list[Finding], Mapping[Severity, int]]:
    """The findings to show, and how many less grave ones are hidden."""
    kept = [finding for finding in findings if finding.code not in ignored]
    least = SEVERITIES.index(severity)
    shown = [finding for finding in kept if finding.rank <= least]
    return shown, Counter(finding.severity for finding in kept if finding.rank > least)


def sources_for_stamp(files: Sequence[str], cloud: str | None) -> tuple[str, ...]:
    """The options that give stamp the same records; stdin cannot be read a second time."""
    words = [word for file in files if file != "-" for word in ("--from", file)]
    return (*words, *(("--cloud", cloud) if cloud else ()))


def _certain_hosts(guests: Sequence[Guest], name: str | None) -> frozenset[str]:
    """The hosts whose names are certain; ``name`` is that of a host without guests."""
    if not guests:
        return frozenset((name,) if name else ())
    return frozenset(host for guest in guests if (host := guest.certain_host))


def _ask_nova(
    options: CheckOptions, guests: Sequence[Guest], hosts: Collection[str]
) -> list[Gathered]:
    # It brings msgspec, 17 ms that a check without it saves.
    from ..sources.gather import Sources, gather

    everywhere = frozenset(guest.uuid for guest in guests)
    answers = []
    if options.files:
        answers.append(gather(Sources(options.files), None, everywhere, strangers=True))
    if options.cloud:
        of_cloud = Sources(cloud=options.cloud)
        # A cloud lists servers host by host. Those whose host is unknown it has to look for.
        answers += [gather(of_cloud, host, everywhere) for host in sorted(hosts)]
        elsewhere = frozenset(guest.uuid for guest in guests if guest.certain_host is None)
        if elsewhere or not hosts:
            answers.append(gather(of_cloud, None, elsewhere))
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
