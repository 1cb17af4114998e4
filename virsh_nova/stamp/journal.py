"""The journal of a run: what each guest held before and was to hold after, written first.

JSON lines: one for the run, one for each guest with its edits, all of them on the disk before the
first guest is touched; then one for the outcome of each guest, and one for the end. A run that was
killed has no end; what its guests hold, before or after, is seen on the host.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from ..errors import NovaDomainsError
from .journal_format import VERSION, Outcome
from .journals import SUFFIX, make_state_folder
from .plan import Step


class Journal:
    """A journal being written."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.broken: str = ""
        """Why outcomes could no longer be written; the guests' lines were, all of them."""

    @classmethod
    def begin(
        cls,
        path: Path | None,
        steps: Sequence[Step],
        *,
        command: str,
        host: str | None,
        by: str,
        tool: str,
        undoes: str | None = None,
    ) -> Journal:
        """Write what is going to be done, and see it on the disk.

        Raises ``NovaDomainsError`` where that fails; no guest may be touched then.
        """
        at = datetime.now(timezone.utc)
        run = f"{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03}Z-{command}-{os.getpid()}"
        if path is None:
            path = make_state_folder() / f"{run}{SUFFIX}"
        head = {
            "journal": VERSION,
            "run": run,
            "command": command,
            "undoes": undoes,
            "host": host,
            "by": by,
            "at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "tool": tool,
            "guests": len(steps),
        }
        guests = (
            {
                "guest": step.guest.uuid,
                "domain": step.guest.domain,
                "edits": [edit._asdict() for edit in step.edits],
            }
            for step in steps
        )
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_APPEND
            descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise NovaDomainsError(
                f"{path}: there is such a file already; nothing was done",
                "a journal is a new file: name another",
            ) from None
        except OSError as error:
            raise _unwritable(path, error) from error
        journal = cls(path, descriptor)
        try:
            journal._write(_lines(head, *guests))
            os.fsync(descriptor)
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(folder)
            os.close(folder)
        except OSError as error:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise _unwritable(path, error) from error
        return journal

    def outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Add what became of guests. A full disk is remembered, not raised: see ``broken``."""
        self._add(
            *(
                {"outcome": outcome.uuid, "result": outcome.result, "why": outcome.why}
                for outcome in outcomes
            )
        )

    def end(self, how: Literal["complete", "interrupted", "lost"]) -> None:
        self._add({"end": how, "at": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"})
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            self.broken = self.broken or error.strerror or str(error)
        os.close(self._descriptor)

    def _add(self, *lines: dict[str, Any]) -> None:
        if self.broken:
            return
        try:
            self._write(_lines(*lines))
        except OSError as error:
            self.broken = error.strerror or str(error)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]


def _unwritable(path: Path, error: OSError) -> NovaDomainsError:
    return NovaDomainsError(
        f"{path}: the journal cannot be written: {error.strerror}; nothing was done",
        "without a journal nothing could be taken back; name another place with --journal",
    )


def _lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)
