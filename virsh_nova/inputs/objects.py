"""The objects that a file lists, not yet decoded, without what wraps them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

import msgspec

from ..errors import NovaDomainsError
from .decode import MALFORMED, decode, malformed
from .printed import printed_as
from .read import read_bytes, source_name
from .values import FieldError


class Unsupported(NovaDomainsError):
    """Well-formed, and nothing that lists objects of the kind."""


class Input(NamedTuple):
    """Bytes to decode, and what errors and plans call their source."""

    data: bytes
    """JSON or YAML; JSON if it begins with a bracket or a brace."""
    source: str


class ObjectKind(NamedTuple):
    """How a document lists the objects of one kind."""

    singular: str
    """The key that a single object is wrapped in."""
    plural: str
    """The key that a list of them is wrapped in."""
    supported: str
    """For the error: the supported documents."""


class Item(NamedTuple):
    """One object of a list, not yet decoded."""

    raw: msgspec.Raw
    number: int
    """Its position in the source, from 1."""
    source: str

    @property
    def place(self) -> str:
        return f"item {self.number}"


_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAMES = ("uuid", "id", "ID")

_LONGEST_HEADER = 4096

# The largest file allowed holds 40,000 servers, with three million commas. Without this bound, a
# file of nothing but commas would become gigabytes.
_MOST_COMMAS = 4_000_000

_MOST_LINES = 1_000_000
# Not found inside a JSON document: strings have no line breaks, and values are separated by commas.
_BETWEEN = re.compile(rb"(?<=[\]}])[ \t\r]*\n\s*(?=[\[{])")


def read_input(path: str) -> Input:
    """Raises ``NovaDomainsError`` if the file cannot be read."""
    return Input(read_bytes(path), source_name(path))


def items_in(given: Input, kind: ObjectKind, broken: list[str] | None = None) -> Iterator[Item]:
    """The objects of a document: bare, in an array, wrapped, or several of these in a row.

    Raises ``NovaDomainsError`` for what is neither JSON nor YAML, or not a list of objects. With
    ``broken``, one of several in a row that is no JSON is skipped, and reported there.
    """
    number = 0
    for document in _documents(given, broken):
        for raw in _listed(document, given.source, kind):
            number += 1
            yield Item(raw, number, given.source)


def refused(item: Item, error: FieldError) -> NovaDomainsError:
    """The error in one line, with the file, the item and the field."""
    name = _name(item.raw)
    place = item.place if name is None else f"{item.place} ({name})"
    return NovaDomainsError(f"{item.source}: {place}: {error}")


def unsupported(source: str, kind: ObjectKind, place: str = "") -> Unsupported:
    where = f"{source}: {place}" if place else source
    return Unsupported(f"{where}: unsupported format", f"Supported: {kind.supported}.")


def _documents(given: Input, broken: list[str] | None) -> Iterator[bytes]:
    data = _as_utf8(given)
    if data.lstrip()[:1] not in (b"{", b"["):
        printed = printed_as(data[:_LONGEST_HEADER].decode("utf-8", "replace"))
        if printed is not None:
            raise NovaDomainsError(f"{given.source}: it is {printed}", "save the list as -f json")
        from .yaml import json_of_yaml  # the choice of a format: PyYAML takes 9 ms

        yield json_of_yaml(data, given.source)
        return
    if data.count(b",") > _MOST_COMMAS:
        raise NovaDomainsError(f"{given.source}: too many values for a list of servers")
    parts = [data]
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except MALFORMED as error:
        parts = _in_a_row(data)
        if len(parts) == 1:
            _refuse_json(given, data, error)
    for number, part in enumerate(parts, 1):
        try:
            msgspec.json.decode(part, type=msgspec.Raw)
        except MALFORMED as error:
            if broken is None or len(parts) == 1:
                _refuse_json(given, part, error)
            where = f"document {number} of {len(parts)}"
            broken.append(f"{given.source}: {where}: invalid JSON: {malformed(error)}; skipped")
            continue
        yield part


def _in_a_row(data: bytes) -> list[bytes]:
    """The documents of a file that holds several."""
    if data.count(b"\n") <= _MOST_LINES:
        lines = [line for line in data.split(b"\n") if line and not line.isspace()]
        if all(line[:1] == b"{" and line.rstrip()[-1:] == b"}" for line in lines):
            return lines  # Mostly; the other way takes as long as all the decoding.
    return _BETWEEN.split(data)


def _as_utf8(given: Input) -> bytes:
    # PowerShell's > writes UTF-16, and other Windows programs put a mark before UTF-8.
    if not given.data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return given.data.removeprefix(codecs.BOM_UTF8)
    try:
        return given.data.decode("utf-16").encode()
    except UnicodeDecodeError as error:
        raise NovaDomainsError(f"{given.source}: neither JSON nor YAML: not UTF-16") from error


def _refuse_json(given: Input, data: bytes, error: Exception) -> NoReturn:
    raise NovaDomainsError(f"{given.source}: invalid JSON: {malformed(error)}") from error


def _listed(document: bytes, source: str, kind: ObjectKind) -> list[msgspec.Raw]:
    first = document.lstrip()[:1]
    try:
        if first == b"[":
            return decode(document, _LIST)
        if first != b"{":
            raise unsupported(source, kind)
        wrapper = decode(document, _OBJECT)
        if kind.plural in wrapper:
            return decode(wrapper[kind.plural], _LIST)
    except FieldError as error:
        where = f"{source}: {kind.plural}" if first == b"{" else source
        raise NovaDomainsError(f"{where}: {error}") from error
    if kind.singular in wrapper:
        return [wrapper[kind.singular]]
    if not any(name in wrapper for name in _NAMES):
        raise unsupported(source, kind)
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
