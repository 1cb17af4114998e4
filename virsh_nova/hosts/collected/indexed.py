"""Whether a host has an index, which costs nothing to ask: most have none."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from ..host import Host
    from .spans import Indexed


def is_indexed(host: Host) -> TypeGuard[Indexed]:
    """Whether guests are found by their handles without reading all of them."""
    return getattr(host, "has_index", False) is True
