"""What a handle can be."""

from __future__ import annotations

from typing import Literal

HandleKind = Literal[
    "uuid", "domain", "id", "pid", "tap", "mac", "ip", "port", "volume", "disk", "device", "name",
    "image", "flavor", "project", "user",
]  # fmt: skip
HANDLE_KINDS: tuple[HandleKind, ...] = (
    "uuid", "domain", "id", "pid", "tap", "mac", "ip", "port", "volume", "disk", "device", "name",
    "image", "flavor", "project", "user",
)  # fmt: skip
"""In the order of the answers to a handle that matches as several."""
