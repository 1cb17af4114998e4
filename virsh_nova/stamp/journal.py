"""Write the journal of a run.

The run and all its guests are on the disk before the first guest is written to; outcomes and the
end follow. A run that was killed has no end; the host shows what its guests hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from ..errors import NovaDomainsError
from .journal_format import (
    VERSION,
    AsBeforeLine,
    EditPart,
    End,
    EndLine,
    GuestLine,
    HostPart,
    JournalLine,
    Origin,
    Outcome,
    OutcomeLine,
    RunLine,
    encode,
)
from .journals import SUFFIX, make_folder
from .plan import Step


class Journal:
    """A journal being written."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.broken: str = ""
        """Why outcomes could no longer be written; the guest lines all were."""

    @classmethod
    def begin(
        cls,
        folder: Path,
        steps: Sequence[Step],
        origin: Origin,
        *,
        path: Path | None = None,
        as_before: Iterable[str] = (),
    ) -> Journal:
        """Write the plan and wait until it is on the disk.

        ``path`` is a new file; None for one in the folder. ``as_before`` are the uuids of the
        guests that an undo found to be as they were. Raises ``NovaDomainsError`` if
        that fails; no guest may be written to then.
        """
        at = datetime.now(timezone.utc)
        run = f"{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03}Z-{origin.command}-{os.getpid()}"
        if path is None:
            path = make_folder(folder) / f"{run}{SUFFIX}"
        head = RunLine(
            version=VERSION,
            run=run,
            command=origin.command,
            at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
            guests=len(steps),
            host=HostPart(*origin.host),
            undoes=origin.undoes,
            by=origin.by,
            tool=origin.tool,
        )
        journal = cls(path, _create(path))
        try:
            journal._write(encode([head, *map(_guest_line, steps), *map(AsBeforeLine, as_before)]))
            os.fsync(journal._descriptor)
            parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(parent)
            os.close(parent)
        except OSError as error:
            os.close(journal._descriptor)
            path.unlink(missing_ok=True)
            raise _unwritable(path, error) from error
        return journal

    def outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Add the outcomes of guests. A full disk sets ``broken`` and raises nothing."""
        self._add(OutcomeLine(*outcome) for outcome in outcomes)

    def end(self, how: End) -> None:
        self._add([EndLine(how, f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}")])
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            self.broken = self.broken or error.strerror or str(error)
        os.close(self._descriptor)

    def _add(self, lines: Iterable[JournalLine]) -> None:
        if self.broken:
            return
        try:
            self._write(encode(lines))
        except OSError as error:
            self.broken = error.strerror or str(error)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]


def _guest_line(step: Step) -> GuestLine:
    guest = step.guest
    definitions = [definition.name for definition in guest.definitions]
    edits = [EditPart(*edit) for edit in step.edits]
    return GuestLine(guest.uuid, guest.domain, definitions, edits)


def _create(path: Path) -> int:
    """The descriptor of a new file that only its owner may read."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_APPEND
        return os.open(path, flags | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise NovaDomainsError(
            f"{path}: the file already exists; nothing was done",
            "a journal is always a new file: give another path",
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> NovaDomainsError:
    return NovaDomainsError(
        f"{path}: the journal cannot be written: {error.strerror}; nothing was done",
        "a run without a journal could not be undone: give another path with --journal",
    )
