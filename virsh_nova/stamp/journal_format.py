"""The lines of a journal, decoded and checked one by one: one that is damaged costs only itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from ..errors import NovaDomainsError
from ..model import DefinitionName
from .plan import Edit

VERSION = 1

Result = Literal["done", "changed", "failed", "unanswered", "left"]
"""``changed``: somebody changed the guest after the plan was made, and it was skipped.
``unanswered``: libvirt had not answered when it was given up. ``left``: the run ended before."""


class Outcome(NamedTuple):
    """What became of one guest."""

    uuid: str
    result: Result
    why: str = ""


class Entry(NamedTuple):
    """What a journal tells of one guest."""

    uuid: str
    domain: str
    edits: tuple[Edit, ...]
    outcome: Outcome | None


class Run(NamedTuple):
    """A journal that was read."""

    path: Path
    id: str
    command: str
    """``stamp`` or ``undo``."""
    undoes: str | None
    """The run that was taken back."""
    host: str | None
    by: str
    at: str
    """ISO 8601, UTC."""
    entries: tuple[Entry, ...]
    end: str | None
    """``complete``, ``interrupted``, ``lost``; None for a run that was killed, or still goes on."""
    faults: tuple[str, ...]
    """What could not be read, a line each."""

    @property
    def state(self) -> str:
        """How the run ended, in a word or two; ``cut short`` for one that never did."""
        if self.end is None:
            return "cut short"
        results = [entry.outcome.result for entry in self.entries if entry.outcome]
        done = results.count("done")
        return self.end if done == len(self.entries) else f"{self.end}, {done} done"


class _Head(msgspec.Struct):
    journal: int
    run: str
    command: str
    at: str
    guests: int
    undoes: str | None = None
    host: str | None = None
    by: str = ""


class _Edit(msgspec.Struct):
    definition: DefinitionName
    namespace: str
    prefix: str
    before: str | None
    after: str | None


class _Guest(msgspec.Struct):
    guest: str
    domain: str
    edits: list[_Edit]


class _Outcome(msgspec.Struct):
    outcome: str
    result: Result
    why: str = ""


class _End(msgspec.Struct):
    end: str
    at: str = ""


_KINDS: dict[bytes, type[_Guest | _Outcome | _End]] = {
    b'{"guest"': _Guest,
    b'{"outcome"': _Outcome,
    b'{"end"': _End,
}


def decode(path: Path, lines: Sequence[bytes]) -> Run:
    """Raises ``NovaDomainsError`` where not even the first line is a journal's."""
    try:
        head = msgspec.json.decode(lines[0] if lines else b"", type=_Head)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NovaDomainsError(
            f"{path}: line 1: this is no journal of nova-domains",
            "nova-domains undo --list shows the journals there are",
        ) from None
    if head.journal > VERSION:
        raise NovaDomainsError(
            f"{path}: a newer nova-domains wrote it (version {head.journal})",
            "undo it with that one",
        )
    guests: dict[str, _Guest] = {}
    outcomes: dict[str, Outcome] = {}
    faults: list[str] = []
    end = None
    for number, line in enumerate(lines[1:], start=2):
        kind = _KINDS.get(line.partition(b":")[0])
        try:
            if kind is None:
                raise msgspec.ValidationError("it is none of a journal's")
            read = msgspec.json.decode(line, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            faults.append(f"{path}: line {number}: {error}")
            continue
        if isinstance(read, _Guest):
            guests[read.guest] = read
        elif isinstance(read, _Outcome):
            outcomes[read.outcome] = Outcome(read.outcome, read.result, read.why)
        else:
            end = read.end
    missing = head.guests - len(guests)
    if missing > 0:
        faults.append(f"{path}: {missing} of {head.guests} guests cannot be read")
    return Run(
        path=path,
        id=head.run,
        command=head.command,
        undoes=head.undoes,
        host=head.host,
        by=head.by,
        at=head.at,
        entries=tuple(
            Entry(
                guest.guest,
                guest.domain,
                tuple(Edit(*msgspec.structs.astuple(edit)) for edit in guest.edits),
                outcomes.get(guest.guest),
            )
            for guest in guests.values()
        ),
        end=end,
        faults=tuple(faults),
    )
