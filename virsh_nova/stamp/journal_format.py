"""The journal of a run, as types and as lines of JSON.

The first line describes the run, then comes one line per guest with its edits, then one per
outcome, and the end. An undo also has a line for each guest that needs no restoring. Each line
says what it is (``"line": "guest"``). A damaged line costs only itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from ..errors import NovaDomainsError
from ..hosts.identity import HostIdentity
from ..model import DefinitionName
from .plan import Edit

VERSION = 1

RunCommand = Literal["stamp", "undo"]

End = Literal["complete", "interrupted", "lost"]
"""``lost``: the host could no longer be reached."""

OutcomeKind = Literal["done", "changed", "failed", "unanswered", "left"]
"""``changed``: the guest changed after the plan was made, and was skipped. ``unanswered``: libvirt
had not answered when the run gave up on it. ``left``: the run ended before its turn."""


class Outcome(NamedTuple):
    """The outcome of one guest."""

    uuid: str
    result: OutcomeKind
    why: str = ""


class Origin(NamedTuple):
    """The command of a run, its host and user."""

    command: RunCommand
    host: HostIdentity
    by: str
    """``user@machine``."""
    tool: str
    """The version of nova-domains."""
    undoes: str | None = None
    """The id of the run that is undone."""


class JournalGuest(NamedTuple):
    """What a journal says about one guest."""

    uuid: str
    domain: str
    definitions: tuple[DefinitionName, ...]
    """Those that the guest had, whether or not the run was to write to them."""
    edits: tuple[Edit, ...]
    outcome: Outcome | None

    @property
    def may_be_written(self) -> bool:
        """Whether the run wrote to the guest, or may have: it was killed, or libvirt hung."""
        return self.outcome is None or self.outcome.result not in ("changed", "left")


class Run(NamedTuple):
    """A journal that was read."""

    path: Path
    id: str
    origin: Origin
    at: str
    """ISO 8601, UTC."""
    guests: tuple[JournalGuest, ...]
    as_before: frozenset[str]
    """Uuids of the guests that an undo found as they were before the run."""
    total: int
    """How many guests the run has, including those whose lines cannot be read."""
    end: End | None
    """None for a run that was killed or has not ended yet."""
    faults: tuple[str, ...]
    """What could not be read, a line each."""

    @property
    def done(self) -> frozenset[str]:
        """The guests that were written."""
        outcomes = (guest.outcome for guest in self.guests if guest.outcome)
        return frozenset(outcome.uuid for outcome in outcomes if outcome.result == "done")

    @property
    def state(self) -> str:
        """How the run ended, in a word or two; ``cut short`` for one without an end."""
        if self.end is None:
            return "cut short"
        done = len(self.done)
        return self.end if done == len(self.guests) else f"{self.end}, {done} done"


# ---- the lines --------------------------------------------------------------------------------


class JournalLine(msgspec.Struct, tag_field="line"):
    """A line of a journal."""


class HostPart(msgspec.Struct):
    """The host within the line of the run."""

    name: str | None
    driver: str
    path: str
    daemon: str
    machine_id: str | None = None
    uuid: str | None = None


class RunLine(JournalLine, tag="run"):
    version: int
    run: str
    command: RunCommand
    at: str
    guests: int
    """How many guest lines follow."""
    host: HostPart
    undoes: str | None = None
    by: str = ""
    tool: str = ""


class EditPart(msgspec.Struct):
    """An edit within the line of its guest."""

    definition: DefinitionName
    namespace: str
    prefix: str
    before: str | None
    after: str | None


class GuestLine(JournalLine, tag="guest"):
    uuid: str
    domain: str
    definitions: list[DefinitionName]
    edits: list[EditPart]


class AsBeforeLine(JournalLine, tag="as-before"):
    uuid: str


class OutcomeLine(JournalLine, tag="outcome"):
    uuid: str
    result: OutcomeKind
    why: str = ""


class EndLine(JournalLine, tag="end"):
    how: End
    at: str = ""


class _AnyVersion(msgspec.Struct, tag_field="line", tag="run"):
    version: int


_VERSION = msgspec.json.Decoder(_AnyVersion)
_RUN = msgspec.json.Decoder(RunLine)
_LINE = msgspec.json.Decoder(GuestLine | AsBeforeLine | OutcomeLine | EndLine)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def encode(lines: Iterable[JournalLine]) -> bytes:
    """The lines in ASCII, so that names in them are harmless on a terminal."""
    return b"".join(json.dumps(msgspec.to_builtins(line)).encode() + b"\n" for line in lines)


def decode(path: Path, lines: Sequence[bytes]) -> Run:
    """Read what can be read and name the rest in ``faults``.

    Raises ``NovaDomainsError`` if the first line is not that of a journal this version reads.
    """
    head = _head(path, lines[0] if lines else b"")
    guests: dict[str, GuestLine] = {}
    as_before: set[str] = set()
    outcomes: dict[str, Outcome] = {}
    faults: list[str] = []
    end: End | None = None
    for number, text in enumerate(lines[1:], start=2):
        try:
            line = _LINE.decode(text)
        except _UNREADABLE as error:
            faults.append(f"{path}: line {number}: {error}")
            continue
        if isinstance(line, GuestLine):
            guests[line.uuid] = line
        elif isinstance(line, AsBeforeLine):
            as_before.add(line.uuid)
        elif isinstance(line, OutcomeLine):
            outcomes[line.uuid] = Outcome(line.uuid, line.result, line.why)
        else:
            end = line.how
    missing = head.guests - len(guests)
    if missing > 0:
        faults.append(f"{path}: {missing} of {head.guests} guests cannot be read")
    return Run(
        path=path,
        id=head.run,
        origin=Origin(
            head.command,
            HostIdentity(*msgspec.structs.astuple(head.host)),
            head.by,
            head.tool,
            head.undoes,
        ),
        at=head.at,
        guests=tuple(
            JournalGuest(
                guest.uuid,
                guest.domain,
                tuple(guest.definitions),
                tuple(Edit(*msgspec.structs.astuple(edit)) for edit in guest.edits),
                outcomes.get(guest.uuid),
            )
            for guest in guests.values()
        ),
        as_before=frozenset(as_before),
        total=max(head.guests, len(guests)),
        end=end,
        faults=tuple(faults),
    )


def _head(path: Path, line: bytes) -> RunLine:
    try:
        version = _VERSION.decode(line).version
        if version == VERSION:
            return _RUN.decode(line)
    except _UNREADABLE:
        raise NovaDomainsError(
            f"{path}: line 1: not a nova-domains journal",
            "list the journals with: nova-domains undo --list",
        ) from None
    raise NovaDomainsError(
        f"{path}: written by another nova-domains (journal version {version}, not {VERSION})",
        "undo it with that one",
    )
