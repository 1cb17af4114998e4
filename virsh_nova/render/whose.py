"""``whose``: each handle with the guests it belongs to; lines of text with notes beside them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..document.encode import Document, guest_document
from ..guests.columns import COLUMNS, Column, Value
from ..guests.naming import name_or_id
from ..model import Guest
from .flat import NOTHING, csv_cell, text_of
from .safe import cell, escape_in_json, quoted, visible
from .style import Paint, flowing

if TYPE_CHECKING:
    from ..whose.annotate import Mention
    from ..whose.answer import Answer

MOST_GUESTS = 3
"""Guests that the note beside a line names; an image can be that of a hundred."""


class Face(Protocol):
    """A format. Its texts are printed as they come: ``whose -`` may read a pipe for days."""

    def begin(self) -> str: ...

    def answers(self, handle: str, answers: Sequence[Answer]) -> str: ...

    def line(self, line: str, mentions: Sequence[Mention]) -> str: ...

    def end(self) -> str: ...


# ---- for people -------------------------------------------------------------------------------


class Signs(NamedTuple):
    """What stands between the parts of a line."""

    to: str
    between: str
    note: str


UNICODE = Signs("→", " · ", "←")
ASCII = Signs("->", ", ", "<-")


class Words(NamedTuple):
    """What is said of a guest: ``(text, role)``, ready to print."""

    who: list[tuple[str, str]]
    """Name, state, owner."""
    ids: list[tuple[str, str]]
    """Domain, uuid, host."""
    evidence: list[tuple[str, str]]
    """What shows whose it is, of a guest without the block."""


class Text:
    """A line for each answer in a pipe; on a terminal three, with the answer in the middle."""

    def __init__(
        self, paint: Paint, signs: Signs, *, width: int | None = None, several_hosts: bool = False
    ) -> None:
        self._paint = paint
        self._signs = signs
        self._width = width
        self._several_hosts = several_hosts
        self._known: dict[tuple[str | None, str], Words] = {}

    def begin(self) -> str:
        return ""

    def answers(self, handle: str, answers: Sequence[Answer]) -> str:
        return "".join(self._answer(handle, found) for found in _by_guest(answers))

    def line(self, line: str, mentions: Sequence[Mention]) -> str:
        """A line of somebody's text, and after it the guests that it names."""
        # Tabs are its layout; whatever else acts on a terminal is written out.
        text = "\t".join(map(visible, line.split("\t")))
        guests = _by_guest(answer for mention in mentions for answer in mention.answers)
        if not guests:
            return f"{text}\n"
        notes = "; ".join(
            self._joined(self._one_line(found[0].guest)) for found in guests[:MOST_GUESTS]
        )
        more = f"; and {len(guests) - MOST_GUESTS} more" if len(guests) > MOST_GUESTS else ""
        return f"{text}   {self._paint(self._signs.note, 'quiet')} {notes}{more}\n"

    def end(self) -> str:
        return ""

    def _answer(self, handle: str, found: Sequence[Answer]) -> str:
        guest = found[0].guest
        detail = cell(", ".join(_details(handle, found)))
        shown = self._paint(cell(handle), "name")
        if self._width is None:
            line = self._joined(self._one_line(guest, (detail, "text")))
            return f"{shown} {self._signs.to} {line}\n"
        words = self._words(guest)
        lines = [
            *flowing([(cell(handle), "name"), (detail, "quiet")], self._width, self._paint),
            *(f"  {line}" for line in flowing(words.who, self._width - 2, self._paint)),
            *(
                f"  {line}"
                for line in flowing([*words.ids, *words.evidence], self._width - 2, self._paint)
            ),
        ]
        return "".join(f"{line}\n" for line in lines)

    def _joined(self, words: Iterable[tuple[str, str]]) -> str:
        return self._signs.between.join(self._paint(text, role) for text, role in words if text)

    def _one_line(self, guest: Guest, *detail: tuple[str, str]) -> list[tuple[str, str]]:
        words = self._words(guest)
        (name, _), (state, role), *owner = words.who
        first = f"{self._paint(name, 'name')} ({self._paint(state, role)})"
        return [(first, "text"), *owner, *words.ids, *detail, *words.evidence]

    def _words(self, guest: Guest) -> Words:
        if guest.key not in self._known:
            self._known[guest.key] = words_of(guest, several_hosts=self._several_hosts)
        return self._known[guest.key]


def words_of(guest: Guest, *, several_hosts: bool = False) -> Words:
    """Who a guest is, in the order of the question: name, state and owner before ids."""
    instance = guest.instance
    name = instance.name if instance and instance.name else None
    owner = instance.owner if instance else None
    who = [(quoted(name or guest.domain), "name"), (cell(guest.state), guest.state)]
    for word, identity in (("project", owner and owner.project), ("user", owner and owner.user)):
        if known := name_or_id(identity or None):
            who.append((f"{word} {quoted(known)}", "text"))
    if guest.kind == "foreign":
        who.append((f"manager {quoted(guest.manager)}", "text"))
    elif guest.kind == "unreadable":
        who.append(("could not be read", "warning"))
    elif instance is None:
        who.append(("Nova's, no metadata", "warning"))
    elif len(who) == 2:
        who.append(("owner not recorded", "warning"))
    ids = [(quoted(guest.domain), "quiet")] if name else []
    ids.append((guest.uuid, "quiet"))
    if several_hosts and guest.host:
        ids.append((f"host {quoted(guest.host)}", "quiet"))
    evidence = []
    if guest.kind != "nova" and guest.evidence:
        evidence.append((f"evidence: {cell(guest.evidence[0])}", "quiet"))
    return Words(who, ids, evidence)


def _by_guest(answers: Iterable[Answer]) -> list[list[Answer]]:
    guests: dict[tuple[str | None, str], list[Answer]] = {}
    for answer in answers:
        guests.setdefault(answer.guest.key, []).append(answer)
    return list(guests.values())


def _details(handle: str, answers: Iterable[Answer]) -> list[str]:
    """What it is; of a network, which address, and of a path through a link, which file."""
    details: dict[str, None] = {}
    for answer in answers:
        given = answer.kind not in ("ip", "disk") or answer.value in handle
        details[answer.detail if given else f"{answer.value}, {answer.detail}"] = None
    return list(details)


# ---- for programs -----------------------------------------------------------------------------


class Json:
    """One array, an answer a line."""

    def __init__(self, *, ascii_only: bool) -> None:
        self._begun = False
        self._encode = json.JSONEncoder(ensure_ascii=ascii_only).encode

    def begin(self) -> str:
        return ""

    def answers(self, handle: str, answers: Sequence[Answer]) -> str:
        return "".join(self._answer(handle, answer) for answer in answers)

    def line(self, _line: str, mentions: Sequence[Mention]) -> str:
        return "".join(self.answers(mention.handle, mention.answers) for mention in mentions)

    def end(self) -> str:
        return "\n]\n" if self._begun else "[]\n"

    def _answer(self, handle: str, answer: Answer) -> str:
        start = ",\n" if self._begun else "[\n"
        self._begun = True
        return start + escape_in_json(self._encode(answer_document(handle, answer)))


def answer_document(handle: str, answer: Answer) -> Document:
    return {
        "handle": handle,
        "kind": answer.kind,
        "value": answer.value,
        "detail": answer.detail,
        "guest": guest_document(answer.guest),
    }


AnswerColumn = Callable[[str, "Answer"], Value]

ANSWER_COLUMNS: Mapping[str, AnswerColumn] = {
    "handle": lambda handle, _answer: handle,
    "is": lambda _handle, answer: answer.kind,
    "value": lambda _handle, answer: answer.value,
    "detail": lambda _handle, answer: answer.detail,
}
"""What an answer has beside the columns of its guest."""

DEFAULT_COLUMNS = ("handle", "is", "value", "name", "state", "project", "user", "domain", "uuid")


class Rows:
    """``value`` and ``csv``: a row for each answer."""

    def __init__(self, columns: Sequence[str], *, as_csv: bool) -> None:
        self._columns = columns
        self._csv = as_csv

    def begin(self) -> str:
        return self._row(list(self._columns)) if self._csv else ""

    def answers(self, handle: str, answers: Sequence[Answer]) -> str:
        return "".join(
            self._row([_value(name, handle, answer) for name in self._columns])
            for answer in answers
        )

    def line(self, _line: str, mentions: Sequence[Mention]) -> str:
        return "".join(self.answers(mention.handle, mention.answers) for mention in mentions)

    def end(self) -> str:
        return ""

    def _row(self, values: Sequence[Value]) -> str:
        if not self._csv:
            return "\t".join(visible(text_of(value)) or NOTHING for value in values) + "\n"
        output = StringIO()
        writer = csv.writer(output, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(csv_cell(value) for value in values)
        return output.getvalue()


def _value(name: str, handle: str, answer: Answer) -> Value:
    if name in ANSWER_COLUMNS:
        return ANSWER_COLUMNS[name](handle, answer)
    column: Column = COLUMNS[name]
    return column.value(answer.guest)
