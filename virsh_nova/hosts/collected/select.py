"""The filters of ``list`` as questions to the index: which guests may be of the selection.

The index finds all that are, and perhaps more: who asks looks at each of them once more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ...guests.naming import NO_NAME, uuid_digits
from ...handles.keys import key_of
from ...handles.kinds import HandleKind
from .networks import keys_in
from .spans import MOST_SPANS, Span, beginning

if TYPE_CHECKING:
    from ...guests.select import Network, Selection
    from .spans import Indexed

_WILD = re.compile(r"[*?\[]")
_WILD_PART = re.compile(r"\[!?\]?[^\]]*\]|[*?]")
_OF_UUID = re.compile(r"[0-9A-Fa-f-]*")
_MAPPED = "::ffff:0:0/96"
_MOST_KEYS = 2_000
"""Projects, users or flavors that are compared with a pattern one by one."""


def criteria(selection: Selection, file: Indexed) -> list[list[Span]]:
    """For each filter that the index knows: where the handles of its guests are."""
    texts: tuple[tuple[HandleKind, Sequence[str]], ...] = (
        ("domain", selection.domains),
        ("name", selection.names),
        ("project", selection.projects),
        ("user", selection.users),
        ("flavor", selection.flavors),
    )
    found = [_of_patterns(kind, patterns, file) for kind, patterns in texts if patterns]
    if selection.networks:
        found.append(_of_networks(selection.networks, file))
    return [spans for spans in found if spans is not None and len(spans) <= MOST_SPANS]


def _of_patterns(kind: HandleKind, patterns: Sequence[str], file: Indexed) -> list[Span] | None:
    """None where the index cannot help."""
    spans: list[Span] = []
    for pattern in patterns:
        # What stands for no name is no handle.
        if any(fnmatchcase(text, pattern) for text in NO_NAME):
            return None
        wild = _WILD.search(pattern)
        if wild is None:
            spans += [Span(kind, key) for key in {pattern, key_of(kind, pattern) or pattern}]
        elif wild.start():
            spans += _of_beginning(kind, pattern[: wild.start()])
        else:
            keys = _matching_keys(kind, pattern, file)
            if keys is None:
                return None
            spans += [Span(kind, key) for key in sorted(keys)]
    return spans


def _of_beginning(kind: HandleKind, text: str) -> list[Span]:
    spans = [beginning(kind, text)]
    # The key of a uuid has no dashes.
    digits = text.replace("-", "").lower()
    if digits != text and _OF_UUID.fullmatch(text):
        spans.append(beginning(kind, digits))
    return spans


def _matching_keys(kind: HandleKind, pattern: str, file: Indexed) -> set[str] | None:
    """The keys of what may match a pattern that begins with a wildcard; None for too many."""
    if kind in ("domain", "name"):
        return None
    keys = file.few_keys(kind, _MOST_KEYS)
    if keys is None:
        return None
    of_uuid = _OF_UUID.fullmatch(_WILD_PART.sub("", pattern)) is not None
    return {
        key
        for key in keys
        if fnmatchcase(key, pattern) or (of_uuid and uuid_digits(key) is not None)
    }


def _of_networks(networks: Sequence[Network], file: Indexed) -> list[Span] | None:
    from ipaddress import ip_network

    spans = []
    for network in networks:
        # The key of an IPv4 address that is written as one of IPv6 is that of the former.
        if network.version == 6 and network.overlaps(ip_network(_MAPPED)):
            return None
        spans += [Span("ip", key) for key in keys_in(network, file)]
    return spans
