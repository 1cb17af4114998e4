"""Checks that a single value passes before it becomes a fact, and their errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from ..guests.naming import uuid_digits
from ..model import Address

LARGEST_NUMBER = 10**18 - 1
"""Larger than any size, and the limit of the block's own reader too."""

_LONGEST_SHOWN = 160

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# No hour 24, which Python reads from 3.14 on and no service writes.
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ]((?:[01]\d|2[0-3]):\d\d:\d\d)(?:[.,]\d{1,9})?"
    r"(?:Z|([-+]\d\d):?(\d\d))?",
    re.ASCII,
)


class FieldError(ValueError):
    """A value that cannot be a fact: the field that holds it, and what is wrong, as a phrase."""

    def __init__(self, field: str, problem: str) -> None:
        # The field may be named by a key that a tenant chose.
        self.field = one_line(field)
        super().__init__(f"{self.field}: {problem}" if field else problem)
        self.problem = problem


def one_line(text: str) -> str:
    """Untrusted text for an error: at most 160 characters, and escaped if not printable."""
    if len(text) > _LONGEST_SHOWN:
        text = f"{text[:_LONGEST_SHOWN]}…"
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def described(value: object) -> str:
    """A decoded JSON value for an error: ``text '64'``, ``number 64``, ``a list``."""
    if isinstance(value, str):
        return f"text {value if len(value) <= 40 else value[:40] + '…'!r}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        return "a number of more than 18 digits"
    if isinstance(value, int | float):
        return f"number {value}"
    if value is None:
        return "null"
    return "a list" if isinstance(value, list) else "an object"


def checked_text(value: str, field: str) -> str:
    """Text that XML 1.0 can hold. Raises ``FieldError`` with the position of what it cannot."""
    if match := _NO_XML.search(value):
        code = ord(match[0])
        raise FieldError(
            field,
            f"XML cannot hold the character U+{code:04X} at position {match.start() + 1}",
        )
    return value


def checked_texts(values: Mapping[str, str], field: str) -> dict[str, str]:
    """A mapping of texts, with keys and values checked."""
    for key, value in values.items():
        checked_text(key, f"{field}: key")
        if _NO_XML.search(value):
            checked_text(value, f"{field}.{key}")
    return dict(values)


def checked_number(value: int, field: str) -> int:
    """A size or a count: not negative, and at most ``LARGEST_NUMBER``."""
    if not 0 <= value <= LARGEST_NUMBER:
        problem = "must not be negative" if value < 0 else "too large"
        raise FieldError(field, f"{problem}: {described(value)}")
    return value


def checked_uuid(value: str, field: str) -> str:
    """The uuid in lower case with dashes, from any case, with or without dashes."""
    digits = uuid_digits(value)
    if digits is None:
        raise FieldError(field, f"expected a uuid, got {described(value)}")
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def is_uuid(value: str) -> bool:
    return uuid_digits(value) is not None


@lru_cache(maxsize=4096)
def _moment(value: str) -> datetime | None:
    match = _MOMENT.fullmatch(value)
    if match is None:
        return None
    date, time, hours, minutes = match.groups()
    offset = f"{hours}:{minutes}" if hours else "+00:00"
    try:
        # Drop fractions of a second: the block has none.
        return datetime.fromisoformat(f"{date}T{time}{offset}").astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def checked_moment(value: str, field: str) -> datetime:
    """A moment in UTC, to the second.

    Accepts ISO 8601, where no zone means UTC, and the block's own notation:
    ``2026-11-22T05:22:34Z``, ``2026-11-22T05:22:34.000000``, ``2026-11-22 05:22:34``.
    """
    moment = _moment(value)
    if moment is None:
        raise FieldError(
            field, f"expected a date and time such as 2026-11-22T05:22:34Z, got {described(value)}"
        )
    return moment


def fixed_address(address: str) -> Address:
    """A fixed address as Nova records it. Raises ``ValueError`` for anything else."""
    return Address("fixed", address, ip_address(address).version)


def checked_address(value: str, field: str) -> Address:
    """A fixed address as Nova records it."""
    try:
        return fixed_address(value)
    except ValueError:
        raise FieldError(field, f"expected an IP address, got {described(value)}") from None


def as_text(value: Any, field: str) -> str:
    """A scalar as text: some clients show properties as numbers or booleans."""
    if isinstance(value, str):
        return checked_text(value, field)
    if isinstance(value, bool | int | float):
        return str(value)
    raise FieldError(field, f"expected text, got {described(value)}")
