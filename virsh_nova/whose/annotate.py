"""The guests that a line of free text names. Pure, as the index is.

Only what is unlikely to occur by chance counts: uuids, addresses, devices, paths, domain names
with a digit, and PIDs that follow "pid" or "process". Names of instances, projects, users and
flavors are ordinary words; they count only if they are the whole line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, TextIO

from ..guests.naming import UUID_WITHIN
from ..handles.keys import mac_key, number_of, pci_key, split_handle, uuid_key
from ..handles.kinds import HandleKind
from .answer import Answer
from .index import NUMBERS, Index

_LONGEST_HANDLE = 1024
_LEAST_WORD = 4
_LEAST_PREFIX_OF_LETTERS = 8
_LONGEST_KEPT = 100
_MOST_KEPT = 20_000
_TOKEN = re.compile(r"[0-9A-Za-z_:./@+\\-]{3,}")
_PID = re.compile(
    r"\b(?:pid|process)(?:[ \t]*[=:][ \t]*|[ \t]+)([0-9]{1,10})(?!\w|\.\w)", re.IGNORECASE
)
_COLONS = re.compile(r"[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:./]*")
_OF_UUID: tuple[HandleKind, ...] = ("uuid", "port", "volume", "device", "image", "project", "user")
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_DIGIT = re.compile(r"[0-9]")
_PARTS = re.compile(r"[:/]")


_LONGEST_LINE = 65536


def lines_of(stream: TextIO) -> Iterator[tuple[str, bool]]:
    """Lines without their ends, and whether they are whole: a very long one comes in pieces."""
    begun = False
    while text := stream.readline(_LONGEST_LINE):
        ended = text.endswith("\n")
        # The last line of a file may lack its end, and is whole.
        whole = not begun and (ended or len(text) < _LONGEST_LINE)
        begun = not ended
        yield text.removesuffix("\n").removesuffix("\r"), whole


class Mention(NamedTuple):
    handle: str
    """As it is in the line."""
    answers: list[Answer]


class Reader:
    """Finds what lines name. Remembers words: most words of a text recur."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._read: dict[str, tuple[Mention, ...]] = {}

    def mentions(self, line: str) -> list[Mention]:
        """What a line without its end names, each once: the line itself if it is one handle."""
        if len(line) <= _LONGEST_HANDLE and (found := _as_handle(line, self._index)):
            return [Mention(line.strip(), found)]
        by_handle: dict[str, list[Answer]] = {}
        for handle, found in self._within(line):
            by_handle.setdefault(handle, found)
        return [Mention(handle, found) for handle, found in by_handle.items()]

    def _within(self, line: str) -> Iterator[Mention]:
        for at in _PID.finditer(line):
            yield from _mention(at[1], self._index, ("pid",))
        for token in _TOKEN.findall(line):
            found = self._read.get(token)
            if found is None:
                found = tuple(_of_token(token, self._index))
                if len(token) <= _LONGEST_KEPT:
                    if len(self._read) >= _MOST_KEPT:
                        self._read.clear()
                    self._read[token] = found
            yield from found


def _as_handle(line: str, index: Index) -> list[Answer]:
    text = line.strip()
    if not any(map(str.isalnum, text)):
        return []
    kind, rest = split_handle(text)
    if kind:
        return index.of_kind(kind, rest)
    if number_of(text) is not None:
        return [answer for kind in NUMBERS for answer in index.exact(kind, text)]
    if text.isalpha() and len(text) < _LEAST_PREFIX_OF_LETTERS:
        # A word may be a name, but is not the beginning of a uuid ("dead", "added").
        kinds: tuple[HandleKind, ...] = ("domain", "tap", "name", "flavor", "project", "user")
        return [answer for kind in kinds for answer in index.exact(kind, line)]
    return index.answers(line, within=False)


def _of_token(token: str, index: Index) -> Iterator[Mention]:
    word = token.strip(",.") if token.endswith("::") else token.strip(",.").rstrip(":")
    if len(word) < 3:
        return
    found = list(_of_word(word, index))
    if found:
        yield from found
        return
    uuids = UUID_WITHIN.findall(word)
    if uuids:
        for uuid in uuids:
            yield from _mention(uuid, index, _OF_UUID)
        return
    if _COLONS.fullmatch(word):
        # IPv6: as `ip addr` writes it, and with the port that tcpdump adds.
        address = word.partition("/")[0]
        for spelling in (address, address.rpartition(".")[0]):
            found = list(_mention(spelling, index, ("ip",)))
            if found:
                yield from found
                return
    for part in _PARTS.split(word):
        # Without its last suffix too: tcpdump's 10.0.0.5.443, libvirt's instance-0000002a.log.
        for spelling in (part, part.rpartition(".")[0]):
            found = list(_of_word(spelling, index)) if spelling else []
            if found:
                yield from found
                break


def _of_word(word: str, index: Index) -> Iterator[Mention]:
    if uuid_key(word):
        yield from _mention(word, index, _OF_UUID)
    elif mac_key(word):
        yield from _mention(word, index, ("mac",))
    elif pci_key(word):
        yield from _mention(word, index, ("device",))
    elif _IPV4.fullmatch(word):
        yield from _mention(word, index, ("ip",))
    elif _is_name(word):
        kinds: tuple[HandleKind, ...] = (
            ("tap", "domain", "disk") if "/" not in word else ("disk", "device")
        )
        found = list(_mention(word, index, kinds))
        if found:
            yield from found
        elif made := index.made(word):
            yield Mention(word, made)


def _is_name(word: str) -> bool:
    """Whether a word is more than an ordinary word or a number."""
    if "/" in word.strip("/"):
        return True
    return len(word) >= _LEAST_WORD and not word.isdigit() and _DIGIT.search(word) is not None


def _mention(text: str, index: Index, kinds: tuple[HandleKind, ...]) -> Iterator[Mention]:
    found = [
        answer
        for kind in kinds
        for answer in (index.exact(kind, text) if kind == "pid" else index.recorded(kind, text))
    ]
    if found:
        yield Mention(text, found)
