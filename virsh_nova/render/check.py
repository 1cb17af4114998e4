"""A report as text: by guest for people, in rows for programs, in one line for monitoring.

Every text that a tenant can choose goes through ``safe``; commands contain none.
"""

from __future__ import annotations

import csv
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from ..check.codes import CODES, SEVERITIES, Code
from ..check.finding import Finding, Key
from ..check.report import Report
from ..guests.columns import COLUMNS, iso
from .flat import NOTHING, text_of
from .safe import cell, quoted, spreadsheet_cell, visible
from .style import Paint, cells, flowing, wrapped

if TYPE_CHECKING:
    from ..model import Guest

_COLUMNS = (
    "severity", "code", "uuid", "domain", "name", "state", "project", "user", "evidence", "command",
)  # fmt: skip

_LONGEST_SEVERITY = max(map(len, SEVERITIES))
_MOST_NAMED = 3


# ---- the table --------------------------------------------------------------------------------


def findings_table(report: Report, *, width: int | None, paint: Paint, unicode: bool = True) -> str:
    """The guests with their findings, the gravest first; then what to do, once for each code.

    ``width`` None is for a pipe: no line is broken.
    """
    lines: list[str] = []
    longest = max((len(finding.code) for finding in report.findings), default=0)
    for group in _by_guest(report.findings):
        lines += [*_guest_lines(group, longest, report, width, paint, unicode), ""]
    if report.findings:
        lines += [*_what_to_do(report.findings, width, paint), ""]
    lines += _summary(report, width, paint)
    return "".join(f"{line}\n" for line in lines)


def _by_guest(findings: Sequence[Finding]) -> list[list[Finding]]:
    groups: dict[Key, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.key, []).append(finding)
    return sorted(groups.values(), key=lambda group: min(finding.rank for finding in group))


def _guest_lines(
    group: Sequence[Finding],
    longest: int,
    report: Report,
    width: int | None,
    paint: Paint,
    unicode: bool,
) -> Iterator[str]:
    yield from _who(_row(group[0], report), report.several_hosts, width, paint)
    for finding in group:
        label = finding.severity.ljust(_LONGEST_SEVERITY)
        code = finding.code.ljust(longest)
        head = f"  {paint(label, finding.severity)}  {paint(code, 'title')}  "
        indent = 2 + _LONGEST_SEVERITY + 2 + longest + 2
        if width is not None and width - indent < 40:
            # A narrow terminal: the evidence goes below, where there is room for a path.
            yield head.rstrip()
            head, indent = " " * 6, 6
        room = width and width - indent
        for number, line in enumerate(_what_is_wrong(finding, room, "→" if unicode else "->")):
            yield f"{' ' * indent if number else head}{line}"
        if command := spelled(finding, report):
            # Never broken: it is there to be copied.
            yield f"    {paint('$', 'quiet')} {command}"


def _who(
    row: Mapping[str, str], several_hosts: bool, width: int | None, paint: Paint
) -> Iterator[str]:
    """Name, state and owner before ids: in one line, or in two if that is too long."""
    if not row["uuid"]:
        name = quoted(row["host"]) if row["host"] else "of unknown name"
        yield from flowing([(f"host {name}", "name")], width, paint)
        return
    who = [(quoted(row["name"] or row["domain"] or row["uuid"]), "name")]
    who.append((cell(row["state"]), row["state"]) if row["state"] else ("not here", "warning"))
    who += [(f"{key} {quoted(row[key])}", "text") for key in ("project", "user") if row[key]]
    named = bool(row["name"] or row["domain"])
    ids = [quoted(row["domain"])] if row["name"] and row["domain"] else []
    ids += [cell(row["uuid"])] if named else []
    ids += [f"host {quoted(row['host'])}"] if row["host"] and several_hosts else []
    dim = [(text, "quiet") for text in ids]
    if width is None or sum(cells(text) + 2 for text, _ in (*who, *dim)) - 2 <= width:
        yield from flowing([*who, *dim], None, paint)
        return
    yield from flowing(who, width, paint)
    if dim:
        yield from (f"  {line}" for line in flowing(dim, width - 2, paint, 2))


def _what_is_wrong(finding: Finding, room: int | None, arrow: str) -> list[str]:
    """What shows it, and what follows: that on a line of its own if both do not fit in one."""
    evidence = visible("; ".join(map(cell, finding.evidence)))
    consequence = f"{arrow} {CODES[finding.code].consequence}"
    whole = f"{evidence} {consequence}"
    if room is None or cells(whole) <= room:
        return [whole]
    return [*wrapped(evidence, room), *wrapped(consequence, room)]


def _what_to_do(findings: Sequence[Finding], width: int | None, paint: Paint) -> Iterator[str]:
    yield paint("What to do", "title") + paint("  (more: check --explain CODE)", "quiet")
    present = {finding.code for finding in findings}
    longest = max(map(len, present))
    for name, code in CODES.items():
        if name not in present:
            continue
        indent = 2 + longest + 2
        head = f"  {paint(name.ljust(longest), 'title')}  "
        for number, line in enumerate(wrapped(code.remedy, width and width - indent)):
            yield f"{' ' * indent if number else head}{line}"


def _summary(report: Report, width: int | None, paint: Paint) -> Iterator[str]:
    guests = _number(report.guests, "guest")
    if report.findings:
        counts: list[tuple[str, str]] = [
            (_number(report.count(severity), severity), severity)
            for severity in SEVERITIES
            if report.count(severity)
        ]
        words = [*((f"{text},", severity) for text, severity in counts[:-1]), counts[-1]]
        words += [(word, "text") for word in f"on {_where(report, guests)}".split()]
    else:
        words = [(f"{guests}, nothing found", "good")]
    yield from flowing(words, width, paint, gap=1)
    counted = [name for name in SEVERITIES if report.hidden.get(name)]
    if counted:
        numbers = " and ".join(_number(report.hidden[name], name) for name in counted)
        them = "it" if sum(report.hidden.values()) == 1 else "them"
        hidden = f"{numbers} hidden (--severity {counted[-1]} shows {them})"
        yield from (paint(line, "quiet") for line in wrapped(hidden, width))


def _where(report: Report, guests: str) -> str:
    """How many guests have findings; missing instances, and hosts, are counted apart."""
    there = {finding.key for finding in report.findings if finding.guest is not None}
    not_there = {finding.key for finding in report.findings if finding.guest is None}
    hosts = sum(not uuid for _, uuid in not_there)
    on = [f"{len(there)} of {guests}"] if there else []
    if missing := len(not_there) - hosts:
        on.append(_number(missing, "missing instance"))
    if hosts:
        on.append(_number(hosts, "host"))
    return " and ".join(on)


def _number(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


# ---- for programs -----------------------------------------------------------------------------


def spelled(finding: Finding, report: Report) -> str:
    """The command, quoted for a shell; empty if there is none, or none that reaches the guest."""
    program = report.programs.get(finding.host or "", report.program)
    if not (program and finding.command):
        return ""
    return visible(shlex.join([*program, *finding.command]))


def _row(finding: Finding, report: Report) -> dict[str, str]:
    """The cells of a finding, unescaped; empty for what is not known."""
    guest = finding.guest
    facts = finding.record.facts if finding.record else {}
    project = facts.get("owner.project.name") or facts.get("owner.project.id") or ""
    user = facts.get("owner.user.name") or facts.get("owner.user.id") or ""
    return {
        "host": finding.host or "",
        "severity": finding.severity,
        "code": finding.code,
        "uuid": finding.uuid,
        "domain": guest.domain if guest else "",
        "name": _of(guest, "name") if guest else str(facts.get("name") or ""),
        "state": guest.state if guest else "",
        "project": _of(guest, "project") if guest else str(project),
        "user": _of(guest, "user") if guest else str(user),
        "evidence": "; ".join(finding.evidence),
        "command": spelled(finding, report),
    }


def _of(guest: Guest, column: str) -> str:
    value = COLUMNS[column].value(guest)
    return "" if value is None else text_of(value)


def column_names(report: Report) -> tuple[str, ...]:
    """The columns of csv and value: the host is one, the first, if there are several."""
    return ("host", *_COLUMNS) if report.several_hosts else _COLUMNS


def as_values(report: Report) -> str:
    """A finding a line, cells separated by a tab, ``-`` for what is not known."""
    names = column_names(report)
    rows = (_row(finding, report) for finding in report.findings)
    return "".join(
        "\t".join(visible(row[name]) or NOTHING for name in names) + "\n" for row in rows
    )


def as_csv(report: Report) -> str:
    output = StringIO()
    writer = csv.writer(output, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    names = column_names(report)
    writer.writerow(names)
    for finding in report.findings:
        row = _row(finding, report)
        writer.writerow(spreadsheet_cell(row[name]) for name in names)
    return output.getvalue()


def finding_document(finding: Finding, report: Report) -> dict[str, Any]:
    """A finding as an object for JSON; ``None`` for what is not known."""
    row = _row(finding, report)
    return {
        "host": finding.host,
        "hosts": list(finding.hosts),
        "uuid": finding.uuid or None,
        "domain": row["domain"] or None,
        "name": row["name"] or None,
        "state": row["state"] or None,
        "read_at": iso(finding.guest.read_at) if finding.guest else None,
        "project": row["project"] or None,
        "user": row["user"] or None,
        "severity": finding.severity,
        "code": finding.code,
        "title": CODES[finding.code].title,
        "evidence": list(finding.evidence),
        "consequence": CODES[finding.code].consequence,
        "remedy": finding.remedy,
        "command": row["command"] or None,
        "others": [{**other._asdict(), "read_at": iso(other.read_at)} for other in finding.others],
    }


# ---- for monitoring ---------------------------------------------------------------------------

OK, WARNING, CRITICAL, UNKNOWN = range(4)
_STATUS = {OK: "OK", WARNING: "WARNING", CRITICAL: "CRITICAL", UNKNOWN: "UNKNOWN"}


def nagios_status(report: Report, missing: str = "") -> int:
    """``missing`` says why guests may be missing: without a finding that leaves all open."""
    if report.count("error"):
        return CRITICAL
    if report.count("warning"):
        return WARNING
    return UNKNOWN if missing else OK


def nagios_line(report: Report, missing: str = "") -> str:
    """One line with performance data, as monitoring plugins print it."""
    counts = {severity: report.count(severity) for severity in SEVERITIES}
    numbers = ", ".join(_number(counts[name], name) for name in SEVERITIES if counts[name])
    gravest_first = sorted(report.findings, key=lambda finding: finding.rank)
    codes = Counter(finding.code for finding in gravest_first)
    named = [f"{number} {code}" if number > 1 else code for code, number in codes.items()]
    if len(named) > _MOST_NAMED:
        named = [*named[:_MOST_NAMED], f"{len(named) - _MOST_NAMED} more"]
    status = _STATUS[nagios_status(report, missing)]
    text = f"{numbers}: {', '.join(named)}" if numbers else "nothing found"
    if missing:
        # To a monitoring system, performance data follow a bar.
        text += f"; {visible(' '.join(missing.split())).replace('|', '/')}"
    figures = " ".join(f"{name}s={number}" for name, number in counts.items())
    return f"NOVA-DOMAINS {status} - {text} | {figures} guests={report.guests}\n"


def nagios_unknown(message: str) -> str:
    # To a monitoring system, performance data follow a bar.
    return f"NOVA-DOMAINS UNKNOWN - {visible(' '.join(message.split())).replace('|', '/')}\n"


# ---- what a code means ------------------------------------------------------------------------


def explained(code: Code, *, width: int | None, paint: Paint) -> str:
    lines = [f"{paint(code.code, 'title')}  {paint(code.severity, code.severity)}  {code.title}"]
    for label, text in (
        ("What it means", code.meaning),
        ("What follows", f"{code.consequence[0].upper()}{code.consequence[1:]}."),
        ("How it comes about", code.cause),
        ("What to do", code.remedy),
    ):
        lines += ["", paint(label, "title")]
        lines += [f"  {line}" for line in wrapped(text, width and width - 2)]
    return "".join(f"{line}\n" for line in lines)
