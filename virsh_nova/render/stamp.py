"""A plan as text and as JSON: a diff for each guest, and the source of each fact."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import unified_diff
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lxml import etree

from ..block.backfill import read_backfill
from ..block.namespaces import BACKFILL
from ..document.encode import port_document
from ..guests.columns import iso
from ..model import Port
from ..safe_xml import read_xml
from .safe import cell, quoted, visible
from .style import Paint, flowing, plain, wrapped

if TYPE_CHECKING:
    from ..model import Guest
    from ..stamp.journal_format import Outcome, RunCommand
    from ..stamp.plan import Edit, Notice, Plan, Step

_MOST_NOTICES = 10


def plan_text(
    plan: Plan, *, paint: Paint, width: int | None = None, named: frozenset[str] = frozenset()
) -> str:
    """The guests to write to with their diffs, then the refused ones, then the notices.

    ``named`` are the uuids of guests to mention even if nothing is written to them. Only a diff
    has lines longer than ``width``.
    """
    lines: list[str] = []
    for step in plan.steps:
        if step.action == "stamp":
            lines += [*_step_lines(step, width, paint), ""]
    for step in plan.steps:
        if step.action == "refused" or (step.action == "unchanged" and step.guest.uuid in named):
            role = "warning" if step.action == "refused" else "quiet"
            text = f"{_who(step.guest)}: {visible(step.reason)}"
            lines += _labelled(step.action, role, text, width, paint)
    lines += _notice_lines(plan.notices, width, paint)
    if lines and lines[-1]:
        lines.append("")
    return "".join(f"{line}\n" for line in lines)


def _labelled(
    label: str, role: str, text: str, width: int | None, paint: Paint, *, text_role: str = "text"
) -> Iterator[str]:
    """``label: text``, its further lines below the text."""
    indent = len(label) + 2
    for number, line in enumerate(wrapped(text, width and width - indent)):
        begin = " " * indent if number else f"{paint(f'{label}:', role)} "
        yield begin + paint(line, text_role)


def counts(plan: Plan, verb: str) -> str:
    """``3 to write, 4 unchanged, 1 refused``."""
    words = {"stamp": f"to {verb}", "unchanged": "unchanged", "refused": "refused"}
    numbers = {
        word: sum(step.action == action for step in plan.steps) for action, word in words.items()
    }
    return ", ".join(f"{number} {word}" for word, number in numbers.items())


def summary(plan: Plan, outcomes: Sequence[Outcome], command: RunCommand) -> str:
    """``3 stamped, 4 unchanged, 1 refused, 0 failed``."""
    results = Counter(outcome.result for outcome in outcomes)
    actions = Counter(step.action for step in plan.steps)
    always = {
        "stamped" if command == "stamp" else "restored": results["done"],
        "unchanged": actions["unchanged"],
        "refused": actions["refused"],
        "failed": results["failed"] + results["unanswered"],
    }
    sometimes = {"changed meanwhile": results["changed"], "not started": results["left"]}
    shown = {**always, **{word: number for word, number in sometimes.items() if number}}
    return ", ".join(f"{number} {word}" for word, number in shown.items())


def _who(guest: Guest) -> str:
    name = guest.instance.name if guest.instance else None
    ids = f"{quoted(guest.domain)}, {guest.uuid}" if name else guest.uuid
    return f"{quoted(name or guest.domain)} ({ids})"


def _step_lines(step: Step, width: int | None, paint: Paint) -> Iterator[str]:
    guest = step.guest
    name = step.facts.get("name") or (guest.instance.name if guest.instance else None)
    domain = quoted(guest.domain)
    title = quoted(str(name)) if name else domain
    words = [(title, "name"), (guest.state, guest.state)]
    words += [(domain, "quiet")] if domain != title else []
    yield from flowing([*words, (guest.uuid, "quiet")], width, paint)
    for definitions, edits in _alike(step.edits):
        yield from _diff(domain, definitions, edits, paint)
        for edit in edits:
            if edit.namespace == BACKFILL:
                yield from _labelled("mark", "quiet", _mark(edit), width, paint, text_role="quiet")
    for source, keys in _by_source(step):
        text = ", ".join(keys)
        label = f"from {cell(source)}"
        yield from _labelled(label, "quiet", text, width, paint, text_role="quiet")
    for note in step.notes:
        yield from _labelled("note", "warning", visible(note), width, paint)


def _mark(edit: Edit) -> str:
    """The element beside the block in words: its tags are the same in all guests."""
    if edit.after is None:
        return "removed"
    mark = read_backfill(edit.after)
    if mark is None:
        return f"put back as it was: {cell(edit.after)}"
    sources = ", ".join(map(cell, mark.sources))
    return (
        f"{mark.at:%Y-%m-%dT%H:%M:%SZ} by {quoted(mark.by)} from {sources or 'no source'}, "
        f"nova-domains {quoted(mark.tool)}, digest {quoted(mark.digest)}"
    )


def _alike(edits: Sequence[Edit]) -> list[tuple[str, list[Edit]]]:
    """The edits of both definitions once if they are the same, else each of them."""
    by_definition: dict[str, list[Edit]] = {}
    for edit in edits:
        by_definition.setdefault(edit.definition, []).append(edit)
    bare = [[edit[1:] for edit in group] for group in by_definition.values()]
    if len(bare) == 2 and bare[0] == bare[1]:
        return [(" and ".join(by_definition), by_definition["live"])]
    return list(by_definition.items())


def _diff(domain: str, definitions: str, edits: Sequence[Edit], paint: Paint) -> Iterator[str]:
    """One diff for all blocks of a definition that change."""
    edits = [edit for edit in edits if edit.namespace != BACKFILL]
    if not edits:
        return
    before = [line for edit in edits for line in laid_out(edit.before, edit)]
    after = [line for edit in edits for line in laid_out(edit.after, edit)]
    name = f"{domain} ({definitions})"
    lines = [visible(line) for line in _unified(before, after, name)]
    if paint is plain:
        yield from lines
        return
    for number, line in enumerate(lines):
        yield paint(line, "quiet" if number < 2 else _ROLES.get(line[:1], "text"))


_ROLES = {"@": "quiet", "+": "added", "-": "removed"}
"""Of a diff's line, by its first character."""


def _unified(before: list[str], after: list[str], name: str) -> Iterable[str]:
    if before:
        return unified_diff(before, after, name, name, lineterm="")
    # Usually there was no block, and nothing to compare.
    added = (f"+{line}" for line in after)
    return [f"--- {name}", f"+++ {name}", f"@@ -0,0 +1,{len(after)} @@", *added]


_BEFORE_NAME = re.compile(r"(?<=<)(?=[\w.-]+[ />])|(?<=</)(?=[\w.-]+>)")


def laid_out(xml: str | None, edit: Edit) -> list[str]:
    """The element's lines, with namespace and prefix, as ``virsh dumpxml`` shows them."""
    if xml is None:
        return []
    if "<!" in xml or "<?" in xml or "\n" in xml:
        # A comment can hold what looks like an element, a text what looks like two lines.
        return _relaid(xml, edit)
    # Serialised XML has < and > in its tags only.
    lines = [_prefixed(line, edit.prefix) for line in xml.replace("><", ">\n<").split("\n")]
    name = re.match(r"<[\w.:-]+", lines[0])
    if name:
        declared = f'{name[0]} xmlns:{edit.prefix}="{edit.namespace}"'
        lines[0] = declared + lines[0][len(name[0]) :]
    depth = 0
    for number, line in enumerate(lines):
        if line.startswith("</"):
            depth -= 1
            lines[number] = "  " * depth + line
        else:
            lines[number] = "  " * depth + line
            depth += "</" not in line and not line.endswith("/>")
    return lines


@lru_cache(maxsize=4096)
def _prefixed(line: str, prefix: str) -> str:
    """A line with the prefix in its tags. Cached: guests share most of their lines."""
    return _BEFORE_NAME.sub(f"{prefix}:", line)


def _relaid(xml: str, edit: Edit) -> list[str]:
    """The same for any XML, through its tree."""
    try:
        bare = read_xml(xml)
    except (etree.XMLSyntaxError, ValueError):
        return xml.splitlines()
    element = etree.Element(f"{{{edit.namespace}}}{bare.tag}", nsmap={edit.prefix: edit.namespace})
    for name, value in bare.items():
        element.set(name, value)
    element.text = bare.text
    element.extend(list(bare))
    for inner in element.iterdescendants("{}*"):
        inner.tag = f"{{{edit.namespace}}}{inner.tag}"
    etree.indent(element, "  ")
    return _between_tags(etree.tostring(element, encoding="unicode"))


def _between_tags(xml: str) -> list[str]:
    """Lines that end where a tag does: a line break within text does not count."""
    return re.split(r"(?<=>)\n(?= *<)", xml)


def _by_source(step: Step) -> list[tuple[str, list[str]]]:
    """The keys that change, by source."""
    found: dict[str, list[str]] = {}
    for key in step.facts:
        source = step.origins.get(key)
        if source and step.facts[key] != step.held.get(key):
            found.setdefault(source, []).append(key)
    return list(found.items())


def _notice_lines(notices: Iterable[Notice], width: int | None, paint: Paint) -> Iterator[str]:
    by_kind: dict[str, list[str]] = {}
    for notice in notices:
        by_kind.setdefault(notice.kind, []).append(visible(notice.text))
    for texts in by_kind.values():
        shown = texts[:_MOST_NOTICES]
        if len(texts) > _MOST_NOTICES:
            shown.append(f"and {len(texts) - _MOST_NOTICES} more like this")
        for text in shown:
            yield from _labelled("notice", "warning", text, width, paint)


# ---- for machines -----------------------------------------------------------------------------


def plan_document(
    plan: Plan, outcomes: Mapping[str, Outcome] | None = None, journal: str | None = None
) -> dict[str, Any]:
    """The plan for ``-f json``, with the outcome of each guest if it is known."""
    return {
        "host": plan.host,
        "journal": journal,
        "guests": [_step_document(step, outcomes or {}) for step in plan.steps],
        "notices": [notice._asdict() for notice in plan.notices],
    }


def _step_document(step: Step, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    outcome = outcomes.get(step.guest.uuid)
    return {
        "uuid": step.guest.uuid,
        "domain": step.guest.domain,
        "state": step.guest.state,
        "kind": step.guest.kind,
        "action": "write" if step.action == "stamp" else step.action,
        "reason": step.reason or None,
        "fields": [
            {
                "field": key,
                "before": _json(step.held.get(key)),
                "after": _json(step.facts.get(key)),
                "source": step.origins.get(key),
            }
            for key in dict.fromkeys((*step.facts, *step.held))
            if step.facts and step.facts.get(key) != step.held.get(key)
        ],
        "edits": [
            {
                "definition": edit.definition,
                "namespace": edit.namespace,
                "before": edit.before,
                "after": edit.after,
            }
            for edit in step.edits
        ],
        "notes": list(step.notes),
        "outcome": outcome and {"result": outcome.result, "why": outcome.why or None},
    }


def _json(value: object) -> Any:
    if isinstance(value, tuple):
        return [port_document(port) for port in value if isinstance(port, Port)]
    if value is None or isinstance(value, (str, int)):
        return value
    return dict(value) if isinstance(value, Mapping) else iso(value)  # type: ignore[arg-type]
