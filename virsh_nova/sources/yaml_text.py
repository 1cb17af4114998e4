"""YAML turned into JSON, so that what a document says is decoded in one way only.

PyYAML's own loader is not used: it expands to whatever a hostile file asks for, turns dates,
octal numbers and MAC addresses made of digits into something else, and takes four times as long.
The parser's events are read once, with YAML 1.2's plain scalars; PyYAML, which the openstack client
writes with, puts in quotes whatever would read differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

import msgspec
import yaml

from ..errors import NovaDomainsError
from .fields import one_line
from .text import LARGEST

DEEPEST = 100
"""Levels of nesting. The documents that are understood have eight."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_GROWTH = 10
_ALLOWANCE = 2**20

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_LONGEST_NUMBER = 1000
"""In characters. Python's ``int`` takes quadratic time, and newer ones refuse 4300 digits."""
# Not "[0-9]*\\.?[0-9]*", which takes quadratic time on digits that are followed by a letter.
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = (f"{_TAG}str", f"{_TAG}timestamp", "!")


def json_of_yaml(data: bytes, source: str) -> bytes:
    """The one document in ``data`` as UTF-8 JSON.

    Raises ``NovaDomainsError`` for what is no YAML, has more than one document, is nested deeper
    than ``DEEPEST``, or whose aliases stand for more than ten times its own size (or
    for more than 200 MiB).
    """
    try:
        value = _Reader(len(data)).document(yaml.parse(data, Loader=_LOADER))
        return msgspec.json.encode(value)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = one_line(str(error.problem or error.context))
        raise NovaDomainsError(f"{source}: is not valid YAML: {problem}{_place(mark)}") from error
    except (yaml.YAMLError, UnicodeError) as error:
        reason = getattr(error, "reason", None) or "it is not text"
        raise NovaDomainsError(f"{source}: is neither JSON nor YAML: {reason}") from error
    except ValueError as error:
        raise NovaDomainsError(f"{source}: is not valid YAML: {error}") from error


def _place(mark: Any) -> str:
    return "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"


def _refusal(problem: str, event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(None, None, problem, event.start_mark)


class _Reader:
    """Builds the value of one document, and keeps count of what its aliases stand for."""

    def __init__(self, size: int) -> None:
        self._largest = min(_GROWTH * size + _ALLOWANCE, 2 * LARGEST)
        self._keys: dict[str, str] = {}
        """Each once, as the records of a list have the same ones."""
        self._anchored: dict[str, tuple[Any, int, int]] = {}
        """The value, its size, and the levels of nesting in it."""
        self._deepest = 0
        """The deepest level so far in the node that is being read, aliases included."""
        self._size = 0
        """Characters and nodes so far, with every alias written out."""

    def document(self, events: Iterator[Any]) -> Any:
        value: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _refusal("there is a second document", event)
                value = self._node(next(events), events, 1)
        return value

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        outside, before = self._deepest, self._size
        if event.anchor is not None:
            self._deepest = 0
        if depth > self._deepest:
            self._reach(depth, event)
        if isinstance(event, yaml.ScalarEvent):
            value: Any = _scalar(event)
            self._grow(len(event.value) + 1, event)
        elif isinstance(event, yaml.SequenceStartEvent):
            _check_tag(event, "seq")
            self._grow(1, event)
            value = self._sequence(events, depth)
        else:
            _check_tag(event, "map")
            self._grow(1, event)
            value = self._mapping(events, depth)
        if event.anchor is not None:
            levels = self._deepest - depth + 1
            self._anchored[event.anchor] = (value, self._size - before, levels)
            self._deepest = max(self._deepest, outside)
        return value

    def _sequence(self, events: Iterator[Any], depth: int) -> list[Any]:
        values = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            values.append(self._node(event, events, depth + 1))
        return values

    def _mapping(self, events: Iterator[Any], depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _refusal("a key is not a plain text", event)
            if event.value == "<<" and event.implicit[0]:
                raise _refusal("merge keys (<<) are not understood", event)
            # A key is text whatever it looks like, as in JSON.
            self._grow(len(event.value) + 1, event)
            key = self._keys.setdefault(event.value, event.value)
            values[key] = self._node(next(events), events, depth + 1)
        return values

    def _alias(self, event: Any, depth: int) -> Any:
        if event.anchor not in self._anchored:
            # Also where a node holds itself.
            raise _refusal(f"the alias *{event.anchor} stands for nothing that is complete", event)
        value, size, levels = self._anchored[event.anchor]
        self._reach(depth + levels - 1, event)
        self._grow(size, event)
        return value

    def _reach(self, depth: int, event: Any) -> None:
        self._deepest = max(self._deepest, depth)
        if depth > DEEPEST:
            raise _refusal(f"it is nested deeper than {DEEPEST} levels", event)

    def _grow(self, size: int, event: Any) -> None:
        self._size += size
        if self._size > self._largest:
            raise _refusal("its aliases stand for far more than it holds", event)


def _check_tag(event: Any, name: str) -> None:
    if event.tag not in (None, "!", f"{_TAG}{name}"):
        raise _refusal(f"the tag {event.tag} is not understood", event)


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.tag in _TEXT_TAGS or (event.tag is None and not event.implicit[0]):
        return text
    if event.tag is not None and event.tag not in (
        f"{_TAG}null", f"{_TAG}bool", f"{_TAG}int", f"{_TAG}float",
    ):  # fmt: skip
        raise _refusal(f"the tag {event.tag} is not understood", event)
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _NUMBER.fullmatch(text):
        if len(text) > _LONGEST_NUMBER:
            raise _refusal("a number is too long", event)
        if text.lstrip("+-").isdigit():
            return int(text)
        # JSON has no infinity.
        if isfinite(number := float(text)):
            return number
        raise _refusal("a number is too large", event)
    return text
