"""The facts given with ``--set KEY=VALUE``, where KEY is a dotted key of the JSON document."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import msgspec

from ..block.facts import SHAPES, Fact, Facts
from ..document.decode import decoded_ports
from ..errors import EXIT_USAGE, NovaDomainsError
from ..inputs.decode import decode
from ..inputs.values import (
    FieldError,
    checked_moment,
    checked_number,
    checked_text,
    checked_texts,
    described,
)


class BadAssignment(NovaDomainsError):
    """A ``--set`` that is not ``KEY=VALUE``, or has an unknown key or a value of the wrong type."""

    exit_code = EXIT_USAGE


_MAPPINGS = tuple(key for key, shape in SHAPES.items() if shape == "texts")
_TEXTS = msgspec.json.Decoder(dict[str, str])


def parse_assignments(assignments: Sequence[str]) -> Facts:
    """``["name=web-1", "flavor.extra_specs.hw:cpu_policy=dedicated"]`` as facts.

    A mapping can be given as a JSON object, or entry by entry: ``flavor.extra_specs.KEY=VALUE``.
    Entries are added to those of earlier assignments. The last assignment to a key wins. Raises
    ``BadAssignment``.
    """
    facts: dict[str, Fact] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise BadAssignment(
                f"--set {assignment!r}: expected KEY=VALUE", "For example: --set name=web-1"
            )
        try:
            _assign(facts, key, value)
        except FieldError as error:
            raise BadAssignment(f"--set {error}") from error
    return facts


def _assign(facts: dict[str, Fact], key: str, value: str) -> None:
    shape = SHAPES.get(key)
    if shape == "text":
        facts[key] = checked_text(value, key)
    elif shape == "number":
        facts[key] = _number(value, key)
    elif shape == "moment":
        facts[key] = checked_moment(value, key)
    elif shape == "texts":
        facts[key] = checked_texts(_in(key, value, _TEXTS), key)
    elif shape == "ports":
        facts[key] = decoded_ports(value.encode("utf-8", "surrogateescape"), key)
    else:
        _assign_entry(facts, key, value)


def _assign_entry(facts: dict[str, Fact], key: str, value: str) -> None:
    for mapping in _MAPPINGS:
        entry = key.removeprefix(f"{mapping}.")
        if entry and entry != key:
            before = facts.get(mapping)
            added = checked_texts({entry: value}, mapping)
            facts[mapping] = {**before, **added} if isinstance(before, dict) else added
            return
    raise BadAssignment(f"--set {key!r}: unknown key", _suggestion(key))


def _number(value: str, key: str) -> int:
    if not re.fullmatch("-?[0-9]{1,18}", value):
        raise FieldError(key, f"expected a number, got {described(value)}")
    return checked_number(int(value), key)


def _in(key: str, value: str, decoder: msgspec.json.Decoder[dict[str, str]]) -> dict[str, str]:
    try:
        return decode(value.encode("utf-8", "surrogateescape"), decoder)
    except FieldError as error:
        field = f"{key}.{error.field}" if error.field else key
        raise FieldError(field, error.problem) from error


def _suggestion(key: str) -> str:
    keys = list(SHAPES)
    # Someone who types only the last part means the key that ends in it.
    for known in keys:
        if known.endswith(f".{key}"):
            return f"Did you mean {known}?"
    close = difflib.get_close_matches(key, keys, 1, 0.5)
    return f"Did you mean {close[0]}?" if close else f"Known keys: {', '.join(keys)}."
