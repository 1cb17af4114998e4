"""What a plan is made of: what was asked for, a step for each guest with its edits, and notices."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from ..block.facts import Facts
from ..block.releases import Release
from ..model import DefinitionName, Guest

NOTHING: Mapping[str, Any] = MappingProxyType({})

Action = Literal["stamp", "unchanged", "refused"]


class Signature(NamedTuple):
    """Who stamps, when, with what: for the element that is left beside the block."""

    at: datetime
    by: str
    tool: str


class Options(NamedTuple):
    named: frozenset[str] = frozenset()
    """The uuids of the guests that were asked for one by one."""
    everyone: bool = False
    """Every Nova guest."""
    derive: bool = False
    assignments: Facts = NOTHING
    overwrite: bool = False
    fill: bool = False
    force: bool = False
    release: Release | None = None
    """None for the newest, or for the one that a document of ours held."""
    known_ports: frozenset[str] = frozenset()
    signature: Signature | None = None
    """None leaves no element of ours."""


class Edit(NamedTuple):
    """One element of one definition's metadata, before and after, both without namespace."""

    definition: DefinitionName
    namespace: str
    prefix: str
    before: str | None
    after: str | None
    """None takes the element away."""


class Step(NamedTuple):
    """What is planned for one guest."""

    guest: Guest
    action: Action
    reason: str = ""
    """Why nothing is to be done, or why it is refused."""
    edits: tuple[Edit, ...] = ()
    held: Facts = NOTHING
    """What the block said before."""
    facts: Facts = NOTHING
    """What it is to say."""
    origins: Mapping[str, str] = NOTHING
    """The source of each fact."""
    notes: tuple[str, ...] = ()
    """What the reader of the plan should know: what stays unknown, who will miss it."""


NoticeKind = Literal["missing", "unmatched", "elsewhere", "twice", "foreign"]


class Notice(NamedTuple):
    """Something about a record that concerns no step."""

    kind: NoticeKind
    uuid: str
    text: str


class Plan(NamedTuple):
    host: str | None
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...] = ()


def whoami() -> str:
    """``user@machine``; the user behind sudo, where there is one."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    behind: Any = os.environ.get("SUDO_USER")
    return f"{behind or user}@{os.uname().nodename}"
