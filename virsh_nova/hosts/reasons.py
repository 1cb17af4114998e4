"""Why hosts were not read: those that fail alike are one line, with their names as a node set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .nodes import folded
from .template import PLACE, node_of

# Of a host that was lost half-way none are shown, however many had come.
_HOW_FAR = re.compile(r", with \d+ guests still unread")
_PARTS = re.compile(r"://|[?#&=]")
"""What is between the parts of a URI that a message may quote: a path, a socket."""
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}\b")


class Failure(NamedTuple):
    """One host that was not read."""

    source: str
    """Its URI, or the path of its files."""
    message: str
    name: str | None = None
    """What it is called; None for what its URI calls it."""


class Reason(NamedTuple):
    """What several hosts have in common."""

    text: str
    hosts: tuple[str, ...]

    def __str__(self) -> str:
        """``cmp-[017-018]: the libvirt daemon does not answer within 10 s``."""
        return f"{folded(self.hosts)}: {self.text}"


def reasons(failures: Iterable[Failure]) -> list[Reason]:
    """The failures by their reasons, in the order of the first of each.

    A message that differs only in the host's own name or address is the same: it says ``%h``.
    """
    alike: dict[str, list[tuple[str, str]]] = {}
    for source, message, given in failures:
        name = given or node_of(source)
        text = " ".join(_HOW_FAR.sub("", message.removeprefix(f"{source}: ")).split())
        without_name = _ADDRESS.sub(PLACE, _without(name, source, text) if name else text)
        alike.setdefault(without_name, []).append((name or source, text))
    return [
        Reason(
            text if len({said for _, said in hosts}) > 1 else hosts[0][1],
            tuple(name for name, _ in hosts),
        )
        for text, hosts in alike.items()
    ]


def _without(name: str, source: str, text: str) -> str:
    """The text without the name, and with ``%h`` in what it quotes of the source."""
    anywhere = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    quotable = [node_of(source) or "", *(part for part in _PARTS.split(source) if "/" in part)]
    for part in filter(anywhere.search, quotable):
        text = _replaced(part, anywhere.sub(PLACE, part), text)
    return _replaced(name, PLACE, text)


def _replaced(name: str, by: str, text: str) -> str:
    return re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", by, text)
