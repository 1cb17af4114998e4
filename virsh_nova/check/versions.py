"""Versions of Nova, as blocks and operators write them."""

from __future__ import annotations

import re

from ..block.releases import find_release

Version = tuple[int, ...]
"""``34.0.1`` is (34, 0, 1)."""

_NUMBERS = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,9}", re.ASCII)


def version_of(package: str | None) -> Version | None:
    """The numbers that a package's version begins with: ``34.0.0-1.el9`` is (34, 0, 0)."""
    match = _NUMBERS.match(package or "")
    return tuple(map(int, match[0].split("."))) if match else None


def asked_version(text: str) -> Version | None:
    """A version or a release: ``34``, ``34.0.1``, ``2026.1``, ``hibiscus``.

    Raises ``NovaDomainsError`` for what is neither.
    """
    match = _NUMBERS.fullmatch(text.strip())
    # Releases by year have four digits in front.
    if match and int(text.strip().partition(".")[0]) < 1000:
        return version_of(text.strip())
    number = find_release(text).number
    return None if number is None else (number,)


def older(version: Version, than: Version) -> bool:
    """As far as both go: 34.0.1 is not older than 34."""
    length = min(len(version), len(than))
    return version[:length] < than[:length]


def spelled(version: Version) -> str:
    return ".".join(map(str, version))
