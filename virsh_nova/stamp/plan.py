"""The parts of a plan: the request, a step per guest with its edits, and notices."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from .. import __version__
from ..block.facts import Facts
from ..block.releases import Release
from ..model import DefinitionName, Guest

NOTHING: Mapping[str, Any] = MappingProxyType({})

Action = Literal["stamp", "unchanged", "refused"]


class Signature(NamedTuple):
    """Who stamps, when, and with which version: for the mark beside the block."""

    at: datetime
    by: str
    tool: str


class Request(NamedTuple):
    """What stamp is to do."""

    named: frozenset[str] = frozenset()
    """The uuids of the guests that were named."""
    everyone: bool = False
    """Every Nova guest."""
    derive: bool = False
    assignments: Facts = NOTHING
    overwrite: bool = False
    fill: bool = False
    force: bool = False
    release: Release | None = None
    """None for the newest, or that of a saved document."""
    known_ports: frozenset[str] = frozenset()
    signature: Signature | None = None
    """None leaves no mark."""


class Edit(NamedTuple):
    """One element of one definition's metadata, before and after, both without namespace."""

    definition: DefinitionName
    namespace: str
    prefix: str
    before: str | None
    after: str | None
    """None removes the element."""


class Step(NamedTuple):
    """What is planned for one guest."""

    guest: Guest
    action: Action
    reason: str = ""
    """Why the guest is unchanged or refused."""
    failure: bool = False
    """Whether a refusal makes the run fail: the guest was named, or cannot be read."""
    edits: tuple[Edit, ...] = ()
    held: Facts = NOTHING
    """What the block says now."""
    facts: Facts = NOTHING
    """What it will say."""
    origins: Mapping[str, str] = NOTHING
    """The source of each fact."""
    notes: tuple[str, ...] = ()
    """For the user: what stays unknown, and which readers will miss it."""


NoticeKind = Literal["missing", "unmatched", "elsewhere", "twice", "gone"]
"""``gone``: a guest that was named and is no longer there."""


class Notice(NamedTuple):
    """A message on a record or a guest without a step."""

    kind: NoticeKind
    uuid: str
    text: str


class Plan(NamedTuple):
    host: str | None
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...] = ()

    @property
    def to_write(self) -> list[Step]:
        return [step for step in self.steps if step.action == "stamp"]

    @property
    def failed(self) -> bool:
        """Whether part of the request cannot be done, even if all writes succeed."""
        is_gone = any(notice.kind == "gone" for notice in self.notices)
        return is_gone or any(step.failure for step in self.steps)


def unreadable(guest: Guest) -> str:
    """Why the guest cannot be read, as a sentence; empty if it can."""
    if not guest.definitions:
        fault = guest.faults[0] if guest.faults else "cannot be read"
        return f"it {fault}" if fault.startswith("cannot") else fault
    if any(definition.domain.uuid is None for definition in guest.definitions):
        return "its XML cannot be read"
    return ""


def whoami() -> str:
    """``user@machine``; with sudo, the user who ran it."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return f"{os.environ.get('SUDO_USER') or user}@{os.uname().nodename}"


def signature() -> Signature:
    """The signature of this run."""
    return Signature(datetime.now(timezone.utc).replace(microsecond=0), whoami(), __version__)
