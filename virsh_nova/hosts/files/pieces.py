"""Where in a text the XML of domains is: several documents in a row, a terminal session, a log.

nova-compute logs each guest's XML after ``xml=`` at the end of a line. Tenants have a say in other
text: a ``<domain>`` in the middle of a line is somebody's words, not libvirt's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .domain_file import ROOTS
from .layout import MOST_FILES

_MARK = re.compile(
    # XML has no -- in a comment: an opening without an end of its own is text.
    r"<!--(?P<comment>[^-]*(?:-[^-]+)*-->)?|(?P<cdata><!\[CDATA\[)|(?P<instruction><\?[^<>]*>)"
    rf"|<(?P<close>/?)(?P<name>{'|'.join(ROOTS)})(?=[\s/>])"
)
# A tag holds no <, so that none is read twice.
_MOST_MARKS = 300_000
_REST_OF_TAG = re.compile(r"""[^"'<>]*(?:"[^"<]*"[^"'<>]*|'[^'<]*'[^"'<>]*)*>""")


class Piece(NamedTuple):
    """A document in a text, from its first tag to its last."""

    start: int
    end: int


class Pieces(NamedTuple):
    documents: tuple[Piece, ...]
    unended: tuple[int, ...]
    """Where tags begin whose end is missing."""
    amid: tuple[int, ...]
    """Where tags begin that are in the middle of a line."""
    other: tuple[Piece, ...]
    """The text around the documents, where there is any but blanks, comments and declarations."""
    rest: int | None
    """Where more begins than any host has guests for; it was not read."""


def pieces_of(text: str) -> Pieces:
    """Never raises; time is linear."""
    scanner = _Scanner(text)
    scanner.run()
    documents = tuple(scanner.found)
    unended = tuple(start for _, start in scanner.open)
    read = text if scanner.rest is None else text[: scanner.rest]
    other = tuple(_between(read, documents, scanner.markup))
    return Pieces(documents, unended, tuple(scanner.amid), other, scanner.rest)


class _Scanner:
    """Pairs the tags of a text's documents, and keeps the outermost pairs."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Piece] = []
        self.markup: list[Piece] = []
        """Comments and declarations."""
        self.amid: list[int] = []
        self.open: list[tuple[str, int]] = []
        self.rest: int | None = None
        self._places: dict[str, list[int]] = {name: [] for name in ROOTS}
        """Where in ``open`` the tags of each name are."""
        self._line = 0
        self._seen = 0

    def run(self) -> None:
        at = marks = 0
        while mark := _MARK.search(self.text, at):
            marks += 1
            if len(self.found) > MOST_FILES or marks > _MOST_MARKS:
                self.rest = mark.start()
                return
            at = mark.end()
            if mark["name"]:
                rest = _REST_OF_TAG.match(self.text, at)
                if rest is not None:
                    at = rest.end()
                    self._tag(mark["name"], mark.start(), at, closes=bool(mark["close"]))
            elif mark["comment"] or mark["instruction"]:
                self.markup.append(Piece(mark.start(), at))
            elif self.open:
                # A comment without an end, or text that only looks like markup.
                end = self.text.find("]]>", at) if mark["cdata"] else -1
                if end < 0:
                    return
                at = end

    def _tag(self, name: str, start: int, end: int, *, closes: bool) -> None:
        begins_line = self._begins_with_markup(start)
        if closes:
            if begins_line and self._places[name]:
                self._pair(self._places[name][-1], end)
        elif self.text[end - 2] == "/":
            return
        elif begins_line or self._ends_line(end):
            self._places[name].append(len(self.open))
            self.open.append((name, start))
        else:
            self.amid.append(start)

    def _pair(self, place: int, end: int) -> None:
        start = self.open[place][1]
        for inner, _ in self.open[place:]:
            self._places[inner].pop()
        del self.open[place:]
        while self.found and self.found[-1].start > start:
            self.found.pop()
        self.found.append(Piece(start, end))

    def _begins_with_markup(self, at: int) -> bool:
        """Whether the line up to there begins with a tag; each line is looked for once."""
        line = self.text.rfind("\n", self._seen, at) + 1
        if line:
            self._line = line
        self._seen = at
        while self.text[self._line] in " \t\r":
            self._line += 1
        return self.text[self._line] == "<"

    def _ends_line(self, at: int) -> bool:
        end = self.text.find("\n", at, at + 100)
        return not self.text[at : at + 100 if end < 0 else end].strip()


def _between(text: str, documents: tuple[Piece, ...], markup: list[Piece]) -> Iterator[Piece]:
    at = 0
    for piece in (*sorted((*documents, *markup)), Piece(len(text), len(text))):
        if piece.start > at and not text[at : piece.start].isspace():
            yield Piece(at, piece.start)
        at = max(at, piece.end)
