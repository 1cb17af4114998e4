"""One protocol for whatever guests come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from ..model import Guest, Sighting

Detail = Literal["block", "domain", "whole"]


class Host(Protocol):
    @property
    def name(self) -> str | None: ...

    @property
    def is_this_machine(self) -> bool: ...

    def sightings(self) -> list[Sighting]: ...

    def guests(
        self,
        detail: Detail,
        *,
        chosen: Callable[[Sighting], bool] = ...,
        progress: Callable[[int, int], None] = ...,
    ) -> list[Guest]: ...
