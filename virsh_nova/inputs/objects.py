"""A file cut into the objects it lists, undecoded, whatever they are wrapped in."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

import msgspec

from ..errors import NovaDomainsError
from .decode import MALFORMED, decode, malformed
from .read import read_bytes, source_name
from .values import FieldError


class Answer(NamedTuple):
    """What a source said, and what errors and plans call the source."""

    data: bytes
    """JSON or YAML; JSON where it begins with a bracket or a brace."""
    source: str


class Shape(NamedTuple):
    """How the objects of one kind are listed."""

    singular: str
    """The key that a single object is wrapped in."""
    plural: str
    """The key that a list of them is wrapped in."""
    understood: str
    """For the error: what is understood."""


class Item(NamedTuple):
    raw: msgspec.Raw
    number: int
    """Its place in the source, from 1."""
    source: str

    @property
    def place(self) -> str:
        return f"record {self.number}"


_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAMES = ("uuid", "id", "ID")

# Forty thousand servers, which is what a file can hold, have three million commas. Without a bound
# a file of nothing but commas would become gigabytes.
_MOST_COMMAS = 4_000_000

# No JSON document has this inside: a string holds no line break, and values have a comma between.
_BETWEEN = re.compile(rb"(?<=[\]}])[ \t\r]*\n\s*(?=[\[{])")


def read_answer(path: str) -> Answer:
    """Raises ``NovaDomainsError`` where the file cannot be read."""
    return Answer(read_bytes(path), source_name(path))


def items_in(answer: Answer, shape: Shape) -> Iterator[Item]:
    """The objects in an answer: bare, in an array, wrapped, or several of these in a row.

    Raises ``NovaDomainsError`` for what is neither JSON nor YAML, or is no list of objects.
    """
    number = 0
    for document in _documents(answer):
        for raw in _listed(document, answer.source, shape):
            number += 1
            yield Item(raw, number, answer.source)


def refused(item: Item, error: FieldError) -> NovaDomainsError:
    """The error in one line, with the file, the record and the field."""
    name = _name(item.raw)
    record = item.place if name is None else f"{item.place} ({name})"
    return NovaDomainsError(f"{item.source}: {record}: {error}")


def unknown_shape(source: str, shape: Shape, place: str = "") -> NovaDomainsError:
    where = f"{source}: {place}" if place else source
    return NovaDomainsError(f"{where}: is not understood", f"Understood is {shape.understood}.")


def _documents(answer: Answer) -> Iterator[bytes]:
    data = _as_utf8(answer)
    if data.lstrip()[:1] not in (b"{", b"["):
        # PyYAML takes a third of the time that reading a small JSON file takes.
        from .yaml import json_of_yaml

        yield json_of_yaml(data, answer.source)
        return
    if data.count(b",") > _MOST_COMMAS:
        raise NovaDomainsError(f"{answer.source}: holds more values than any list of servers")
    parts = [data]
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except MALFORMED as error:
        parts = _BETWEEN.split(data)
        if len(parts) == 1:
            _refuse_json(answer, data, error)
    for part in parts:
        try:
            msgspec.json.decode(part, type=msgspec.Raw)
        except MALFORMED as error:
            _refuse_json(answer, part, error)
        yield part


def _as_utf8(answer: Answer) -> bytes:
    # PowerShell's > writes UTF-16, and other Windows programs a mark before UTF-8.
    if not answer.data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return answer.data.removeprefix(codecs.BOM_UTF8)
    try:
        return answer.data.decode("utf-16").encode()
    except UnicodeDecodeError as error:
        raise NovaDomainsError(
            f"{answer.source}: is neither JSON nor YAML: {error.reason}"
        ) from error


def _refuse_json(answer: Answer, data: bytes, error: Exception) -> NoReturn:
    raise NovaDomainsError(f"{answer.source}: is not valid JSON: {malformed(error)}") from error


def _listed(document: bytes, source: str, shape: Shape) -> list[msgspec.Raw]:
    first = document.lstrip()[:1]
    try:
        if first == b"[":
            return decode(document, _LIST)
        if first != b"{":
            raise unknown_shape(source, shape)
        wrapper = decode(document, _OBJECT)
        if shape.plural in wrapper:
            return decode(wrapper[shape.plural], _LIST)
    except FieldError as error:
        where = f"{source}: {shape.plural}" if first == b"{" else source
        raise NovaDomainsError(f"{where}: {error}") from error
    if shape.singular in wrapper:
        return [wrapper[shape.singular]]
    if not any(name in wrapper for name in _NAMES):
        raise unknown_shape(source, shape)
    return [msgspec.Raw(document)]


def _name(raw: msgspec.Raw) -> str | None:
    try:
        value = msgspec.json.decode(raw)
    except (*MALFORMED, msgspec.ValidationError):
        return None
    if isinstance(value, dict):
        for key in _NAMES:
            if isinstance(value.get(key), str) and len(value[key]) <= 64:
                name = value[key]
                return name if name.isprintable() else ascii(name)
    return None
