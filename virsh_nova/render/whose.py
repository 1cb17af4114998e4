"""``whose``: a handle and the guest it belongs to in one line, and lines of text with notes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..document.encode import Document, guest_document
from ..guests.naming import name_or_id
from ..model import Guest
from .safe import cell, visible

if TYPE_CHECKING:
    from ..whose.answer import Answer

MOST_GUESTS = 3
"""So many does the note beside a line name; an image can be that of a hundred."""

# What a name could imitate the rest of the line with; such a name is quoted.
_STRUCTURE = re.compile(r"[()·→←\",;]|->|<-| - |  |^[ ]|[ ]$")


class Signs(NamedTuple):
    to: str
    apart: str
    note: str
    host: bool = False
    """Whether the host of a guest is told too: where there are several."""


UNICODE = Signs("→", "·", "←")
ASCII = Signs("->", "-", "<-")


class Span(NamedTuple):
    text: str
    style: str = ""


class Lines:
    """Lays lines out; what it says of a guest it puts together once."""

    def __init__(self, signs: Signs) -> None:
        self._signs = signs
        self._known: dict[tuple[str | None, str], list[Span]] = {}

    def of_answers(self, handle: str, answers: Iterable[Answer]) -> list[list[Span]]:
        """A line for each guest: what the handle is to it, and whose it is."""
        return [
            [
                Span(cell(handle), "bold"),
                Span(f" {self._signs.to} "),
                Span(cell(", ".join(_details(handle, found)))),
                Span(" of "),
                *self._guest(found[0].guest),
            ]
            for found in _by_guest(answers)
        ]

    def noted(self, line: str, mentions: Iterable[tuple[str, Sequence[Answer]]]) -> list[Span]:
        """A line of somebody's text, and after it the guests that it names."""
        # Tabs are its layout; whatever else acts on a terminal is written out.
        spans = [Span("\t".join(map(visible, line.split("\t"))))]
        answers = [answer for _, found in mentions for answer in found]
        if not answers:
            return spans
        guests = [found[0].guest for found in _by_guest(answers)]
        spans.append(Span(f"   {self._signs.note} ", "dim"))
        for number, guest in enumerate(guests[:MOST_GUESTS]):
            if number:
                spans.append(Span("; "))
            spans += self._guest(guest)
        if len(guests) > MOST_GUESTS:
            spans.append(Span(f"; and {len(guests) - MOST_GUESTS} more"))
        return spans

    def _guest(self, guest: Guest) -> list[Span]:
        key = guest.host, guest.uuid
        if key not in self._known:
            self._known[key] = guest_spans(guest, self._signs)
        return self._known[key]


def answer_document(handle: str, answer: Answer) -> Document:
    return {
        "handle": handle,
        "kind": answer.kind,
        "value": answer.value,
        "detail": answer.detail,
        "guest": guest_document(answer.guest),
    }


def guest_spans(guest: Guest, signs: Signs) -> list[Span]:
    """``vm (uuid, domain, running) · project p · user u``, or what is known in their place."""
    instance = guest.instance
    name = instance.name if instance and instance.name else None
    identity = [guest.uuid, *([guest.domain] if name else [])]
    spans = [Span(quoted(name or guest.domain), "bold"), Span(" (")]
    spans += [Span(f"{quoted(text)}, ") for text in identity]
    spans += [Span(cell(guest.state), _STATES.get(guest.state, "")), Span(")")]
    apart = Span(f" {signs.apart} ", "dim")
    if signs.host and guest.host:
        spans += [apart, Span(f"host {quoted(guest.host)}")]
    owner = instance.owner if instance else None
    for word, who in (("project", owner and owner.project), ("user", owner and owner.user)):
        if who and (named := name_or_id(who)):
            spans += [apart, Span(f"{word} "), Span(quoted(named), "cyan")]
    if guest.kind == "foreign":
        spans += [apart, Span("manager "), Span(cell(guest.manager), "magenta")]
    elif instance is None:
        spans += [apart, Span("Nova's, without metadata")]
    if guest.kind != "nova" and guest.evidence:
        spans += [apart, Span(f"evidence: {cell(guest.evidence[0])}", "dim")]
    return spans


def plain(spans: Iterable[Span]) -> str:
    return "".join(span.text for span in spans) + "\n"


def coloured(spans: Iterable[Span]) -> str:
    from .terminal import make_console, rendered

    console = make_console()
    from rich.text import Text

    console.print(Text.assemble(*((span.text, span.style) for span in spans)))
    return rendered(console)


def quoted(name: str) -> str:
    """A name as it is; in quotes where it could be taken for what stands beside it."""
    shown = cell(name)
    if not _STRUCTURE.search(shown):
        return shown
    return '"' + shown.replace('"', '\\"') + '"'


_STATES = {
    "running": "green",
    "blocked": "green",
    "paused": "yellow",
    "pmsuspended": "yellow",
    "shutdown": "yellow",
    "shutoff": "dim",
    "crashed": "bold red",
}


def _by_guest(answers: Iterable[Answer]) -> list[list[Answer]]:
    guests: dict[tuple[str | None, str], list[Answer]] = {}
    for answer in answers:
        # While a guest migrates, or in two reports, one uuid is on two hosts.
        guests.setdefault((answer.guest.host, answer.guest.uuid), []).append(answer)
    return list(guests.values())


def _details(handle: str, answers: Iterable[Answer]) -> list[str]:
    """What it is; of a network, which address, and of a path through a link, which file."""
    details: dict[str, None] = {}
    for answer in answers:
        given = answer.kind not in ("ip", "disk") or answer.value in handle
        details[answer.detail if given else f"{answer.value}, {answer.detail}"] = None
    return list(details)
