"""Follow symbolic links with a time limit: the storage behind a path may have stopped answering."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from ..hosts.calls import Call


class RealPathsInTime:
    """Real paths on this machine; none after the first time-out."""

    def __init__(self, timeout: float, complain: Callable[[str], None]) -> None:
        self._timeout = timeout
        self._complain = complain
        self._hung = False

    def __call__(self, paths: Iterable[str]) -> Mapping[str, str]:
        if self._hung:
            return {}
        found: dict[str, str] = {}

        def follow() -> None:
            for path in paths:
                # A NUL in it, or a link to itself: the path is kept as it is.
                try:
                    found[path] = os.path.realpath(path)
                except (OSError, ValueError):
                    continue

        try:
            Call(follow).result(self._timeout)
        except TimeoutError:
            self._hung = True
            self._complain(
                "symbolic links are not followed: a file system does not answer within "
                f"{self._timeout:g} s"
            )
        return dict(found)
