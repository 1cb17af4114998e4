"""Typed decoding with msgspec, with errors that name the field and its value."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from .values import FieldError, described

T = TypeVar("T")

_MESSAGE = re.compile(r"(?s)(.*?)(?: - at `(?:key` in `)?(\$.*)`)?")
_EXPECTED = re.compile(r"Expected `(.*?)`(?:, got `(.*)`)?")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_STEP = re.compile(r"\[(\d+)\]|(\[\.\.\.\])|\.([^.\[]+)")
_WORDS = {
    "int": "a number",
    "float": "a number",
    "str": "text",
    "object": "an object",
    "array": "a list",
    "bool": "true or false",
    "null": "null",
}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "int": int, "float": float, "str": str, "object": dict, "array": list, "bool": bool,
    "null": type(None),
}  # fmt: skip

MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for text that is not JSON at all."""


def decode(raw: msgspec.Raw | bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Raises ``FieldError`` for text that is not JSON, or not of the decoder's type."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _explained(str(error), raw) from error
    except MALFORMED as error:
        raise FieldError("", malformed(error)) from error


def malformed(error: Exception) -> str:
    """Why a text is not JSON, as a phrase."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    text = str(error)
    if "truncated" in text:
        return "truncated"
    return text.removeprefix("JSON is malformed: ")


def _explained(message: str, raw: msgspec.Raw | bytes) -> FieldError:
    match = _MESSAGE.fullmatch(message)
    assert match is not None  # the pattern matches any text
    text, path = match[1], match[2] or "$"
    if missing := _MISSING.fullmatch(text):
        return FieldError(f"{path}.{missing[1]}".removeprefix("$").lstrip("."), "missing")
    expected = _EXPECTED.fullmatch(text)
    got = expected[2] if expected else None
    field, value = _found(raw, path, got or "")
    if expected is None:
        return FieldError(field, text)
    wanted = expected[1].split(" | ")
    words = " or ".join(dict.fromkeys(_WORDS.get(name, name) for name in wanted if name != "null"))
    return FieldError(field, f"expected {words or 'null'}, got {value}")


def _found(raw: msgspec.Raw | bytes, path: str, got: str) -> tuple[str, str]:
    """The field that msgspec's path leads to, and its value as a phrase.

    msgspec does not say which key of a mapping it was (``[...]``), so this follows all of them, and
    takes the first that ends at a value of the reported type.
    """
    try:
        candidates: list[tuple[str, Any]] = [("", msgspec.json.decode(raw))]
    except (*MALFORMED, msgspec.ValidationError):
        # Another part of the document is nested deeper than Python reads.
        return path.removeprefix("$").lstrip("."), _WORDS.get(got, got)
    for index, anything, name in _STEP.findall(path):
        following: list[tuple[str, Any]] = []
        for field, value in candidates:
            if name and isinstance(value, dict) and name in value:
                following.append((f"{field}.{name}", value[name]))
            elif index and isinstance(value, list) and int(index) < len(value):
                following.append((f"{field}[{index}]", value[int(index)]))
            elif anything and isinstance(value, dict):
                following += [(f"{field}.{key}", item) for key, item in value.items()]
        candidates = following
    kind = _TYPES.get(got, object)
    for field, value in candidates:
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return field.lstrip("."), described(value)
    # If a key occurs twice, only its last value is left.
    value = described(candidates[0][1]) if candidates else _WORDS.get(got, got)
    return path.removeprefix("$").lstrip("."), value
