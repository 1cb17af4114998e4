"""YAML converted to JSON, so that one decoder checks both.

PyYAML's safe loader reads it, with two changes:

- It is bounded: nesting, the number of nodes, and the size of the result with every alias written
  out. Without that, a small file can fill the memory.
- Plain scalars are those of YAML 1.2, and keys are text, as in JSON. YAML 1.1 turns dates, ``yes``,
  ``010`` and MAC addresses made of digits into something else. PyYAML, which the openstack client
  writes with, quotes whatever could be misread.
"""

from __future__ import annotations

import re
from itertools import chain
from math import isfinite
from typing import Any

import msgspec
import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.resolver import Resolver

from ..errors import NovaDomainsError
from .read import LARGEST
from .values import described, one_line

DEEPEST = 100
"""Levels of nesting. The supported documents have eight."""

MOST_NODES = 4_000_000
"""Keys and values, at 400 bytes each while they are read: 25,000 servers of GET /servers/detail."""

_GROWTH = 10
_ALLOWANCE = 2**20
_LONGEST_NUMBER = 1000
"""In characters. Python's ``int`` takes quadratic time, and newer ones refuse 4300 digits."""

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"


def json_of_yaml(data: bytes, source: str) -> bytes:
    """The single document in ``data`` as UTF-8 JSON.

    Raises ``NovaDomainsError`` if ``data`` is not YAML, holds more than one document, is nested
    deeper than ``DEEPEST``, has more than ``MOST_NODES`` nodes, or has aliases that expand it to
    more than ten times its size (or to more than 200 MiB).
    """
    try:
        return msgspec.json.encode(_value(data))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        problem = one_line(", ".join(filter(None, (error.context, error.problem))))
        raise NovaDomainsError(f"{source}: invalid YAML: {problem}{place}") from error
    except (yaml.YAMLError, UnicodeError) as error:
        reason = getattr(error, "reason", None) or "not text"
        raise NovaDomainsError(f"{source}: neither JSON nor YAML: {reason}") from error
    except ValueError as error:
        problem = one_line(str(error))
        raise NovaDomainsError(f"{source}: invalid YAML: {problem}") from error


def _value(data: bytes) -> Any:
    loader = _Loader(data)  # type: ignore[call-arg]  # its base is Any
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        # The loader shares what an alias refers to, and JSON repeats it. Measuring takes a tenth of
        # the time, and a document without an asterisk has no alias.
        if b"*" in data:
            _measure(node, min(_GROWTH * len(data) + _ALLOWANCE, 2 * LARGEST), {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _refusal(problem: str, node: Node | None) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(None, None, problem, node.start_mark if node else None)


_Measured = dict[int, tuple[int, int] | None]


def _measure(node: Node, largest: int, measured: _Measured) -> tuple[int, int]:
    """Size, in characters and nodes, and levels of nesting, with every alias written out."""
    if isinstance(node, ScalarNode):
        return len(node.value) + 1, 1
    if id(node) in measured:
        known = measured[id(node)]
        if known is None:
            raise _refusal("an alias refers to a collection that contains it", node)
        return known
    measured[id(node)] = None  # until all in it is measured
    size = depth = 1
    children = chain.from_iterable(node.value) if isinstance(node, MappingNode) else node.value
    for child in children:
        child_size, child_depth = _measure(child, largest, measured)
        size += child_size
        depth = max(depth, child_depth + 1)
        if size > largest:
            raise _refusal("aliases expand it to far more than the file holds", child)
        if depth > DEEPEST:
            raise _refusal(f"nested deeper than {DEEPEST} levels", child)
    measured[id(node)] = (size, depth)
    return size, depth


def _boolean(loader: SafeConstructor, node: ScalarNode) -> bool:
    text = loader.construct_scalar(node)
    if text.lower() not in ("true", "false"):
        raise _refusal("expected true or false", node)
    return text.lower() == "true"


def _number(loader: SafeConstructor, node: ScalarNode) -> int | float:
    text = loader.construct_scalar(node)
    if len(text) > _LONGEST_NUMBER:
        raise _refusal("the number is too long", node)
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        raise _refusal(f"expected a number, got {described(text)}", node) from None
    if not isfinite(number):  # JSON has no infinity.
        raise _refusal("the number is too large", node)
    return number


def _list(loader: SafeConstructor, node: SequenceNode) -> list[Any]:
    if not isinstance(node, SequenceNode):
        raise _refusal("expected a list", node)
    return [loader.construct_object(each, deep=True) for each in node.value]


def _mapping(loader: SafeConstructor, node: MappingNode) -> dict[str, Any]:
    if not isinstance(node, MappingNode):
        raise _refusal("expected a mapping", node)
    values: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            raise _refusal("a key is not plain text", key)
        if key.tag == _MERGE:
            raise _refusal("merge keys (<<) are not supported", key)
        # As it is written: the key 010 is neither 8 nor 10.
        values[key.value] = loader.construct_object(value, deep=True)
    return values


def _unsupported(_loader: SafeConstructor, node: Node) -> None:
    raise _refusal(f"the tag {node.tag} is not supported", node)


class BoundedRules(SafeConstructor, Resolver):
    """The two changes, for PyYAML's loader in C or the one in Python."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (filled below)
    yaml_constructors = {  # noqa: RUF012
        f"{_TAG}null": SafeConstructor.construct_yaml_null,
        f"{_TAG}bool": _boolean,
        f"{_TAG}int": _number,
        f"{_TAG}float": _number,
        f"{_TAG}str": SafeConstructor.construct_scalar,
        f"{_TAG}timestamp": SafeConstructor.construct_scalar,
        f"{_TAG}seq": _list,
        f"{_TAG}map": _mapping,
        _MERGE: SafeConstructor.construct_scalar,
        None: _unsupported,
    }

    _depth = 0
    _nodes = 0

    # Both of PyYAML's composers call these two around every node that is not an alias. Nesting has
    # to be stopped here: they are recursive, and one of them is in C.

    def descend_resolver(self, current_node: Node | None, current_index: Any) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _refusal(f"nested deeper than {DEEPEST} levels", current_node)
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _refusal(f"more than {MOST_NODES} keys and values", current_node)

    def ascend_resolver(self) -> None:
        self._depth -= 1


for _name, _first, _pattern in (
    ("null", ["~", "n", "N", ""], r"~|null|Null|NULL|"),
    ("bool", list("tTfF"), r"true|True|TRUE|false|False|FALSE"),
    ("float", list("-+.0123456789"), r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?"),
    ("merge", ["<"], r"<<"),
):
    BoundedRules.add_implicit_resolver(
        f"{_TAG}{_name}", re.compile(rf"(?:{_pattern})\Z", re.ASCII), _first
    )


class _Loader(BoundedRules, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The one in C is ten times faster; not every build of PyYAML has it."""
