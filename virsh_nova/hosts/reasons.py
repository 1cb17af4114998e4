"""Why hosts were not read: those that fail alike are one line, with their names as a node set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .nodes import folded
from .template import PLACE, node_of

# Of a host that was lost half-way none are shown, however many had come.
_HOW_FAR = re.compile(r", with \d+ guests still unread")
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}\b")


class Failure(NamedTuple):
    """One host that was not read."""

    source: str
    """Its URI, or the path of its files."""
    message: str


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
    for source, message in failures:
        node = node_of(source)
        text = " ".join(_HOW_FAR.sub("", message.removeprefix(f"{source}: ")).split())
        without_name = _ADDRESS.sub(PLACE, _without(node, text) if node else text)
        alike.setdefault(without_name, []).append((node or source, text))
    return [
        Reason(
            text if len({said for _, said in hosts}) > 1 else hosts[0][1],
            tuple(name for name, _ in hosts),
        )
        for text, hosts in alike.items()
    ]


def _without(node: str, text: str) -> str:
    return re.sub(rf"(?<![\w.-]){re.escape(node)}(?![\w-]|\.\w)", PLACE, text)
