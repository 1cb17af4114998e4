"""The spellings of a handle: those that mean the same get the same key."""

from __future__ import annotations

import posixpath
import re
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from ..guests.naming import uuid_digits
from .kinds import HANDLE_KINDS, HandleKind

_MAC = re.compile(
    r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}|(?:[0-9a-f]{2}-){5}[0-9a-f]{2}"
    r"|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{12}"
)
_ADDRESS = re.compile(r"[0-9a-f:.]{2,45}")
_PCI = re.compile(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[01][0-9a-f]\.[0-7])")
_LONGEST_NUMBER = 10
"""In digits: no PID and no id of libvirt's has more."""


def split_handle(handle: str) -> tuple[HandleKind | None, str]:
    """The kind in a handle's prefix (``mac:fa-16-…``) and the rest; None if it has no prefix."""
    word, colon, rest = handle.partition(":")
    word = word.strip().lower()
    if colon and word in HANDLE_KINDS:
        return word, rest
    return None, handle


def key_of(kind: HandleKind, text: str) -> str | None:
    """The key of the text as a handle of that kind; None if it cannot be one."""
    if kind == "name":
        return text or None
    text = text.strip()
    if not text:
        return None
    if kind in ("id", "pid"):
        number = number_of(text)
        return None if number is None else str(number)
    if kind == "mac":
        return mac_key(text)
    if kind == "ip":
        return address_key(text)
    if kind == "device":
        return pci_key(text) or uuid_key(text) or text.lower()
    if kind == "volume":
        return uuid_key(text.lower().removeprefix("volume-"))
    if kind == "disk":
        return posixpath.normpath(text) if text.startswith("/") else text
    if kind in ("domain", "tap"):
        return text
    # uuid, port, image; and flavor, project and user, whose names are keys as they are.
    return uuid_key(text) or text


def keys_of_any_kind(text: str) -> set[str]:
    """All keys that the text can have, of any kind."""
    bare = text.strip()
    keys = (text, bare, uuid_key(bare), mac_key(bare), address_key(bare), key_of("volume", bare),
            key_of("disk", bare), key_of("id", bare), key_of("device", bare))  # fmt: skip
    return {key for key in keys if key}


uuid_key = uuid_digits
"""32 hexadecimal digits, whatever the case, with or without dashes."""


def mac_key(text: str) -> str | None:
    """12 hexadecimal digits: ``aa:bb:…``, ``aa-bb-…``, ``aabb.ccdd.eeff`` and ``aabbccddeeff``."""
    text = text.lower()
    return re.sub("[:.-]", "", text) if _MAC.fullmatch(text) else None


def address_key(text: str) -> str | None:
    """An address as the system writes it, without its zone."""
    text = text.lower().partition("%")[0]
    if not _ADDRESS.fullmatch(text):
        return None
    family = AF_INET6 if ":" in text else AF_INET
    try:
        # Ten times as fast as the ipaddress module.
        written = inet_ntop(family, inet_pton(family, text))
    except OSError:
        return None
    mapped = written.removeprefix("::ffff:")
    return mapped if "." in mapped and ":" not in mapped else written


def address_number(key: str) -> int | None:
    """The number of an address by its key; None where that is the key of something else."""
    from ipaddress import ip_address  # 4 ms that only networks need

    return int(ip_address(key)) if address_key(key) == key else None


def pci_key(text: str) -> str | None:
    """``0000:3b:00.0``, also from the short form of lspci and dmesg, without the domain."""
    match = _PCI.fullmatch(text.lower())
    if match is None:
        return None
    return f"{int(match[1] or '0', 16):04x}:{match[2]}"


def number_of(text: str) -> int | None:
    if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER:
        return int(text)
    return None
