"""What sources say of instances, and what is said of sources that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.embedded import uuid_of
from virsh_nova.errors import EXIT_FAILED, NovaDomainsError
from virsh_nova.inputs.objects import Input, Unsupported
from virsh_nova.sources.read import read_records, records_in
from virsh_nova.sources.record import Record

WHOLE = {
    "package": "34.0.0",
    "name": "web-1",
    "flavor.name": "m1.small",
    "owner.user.id": "u",
    "owner.project.id": "p",
}
"""Facts that lack nothing a reader of the block needs."""

ENDLESS = 2_000_000
"""Levels of nesting: more than fit on a stack of 8 MiB, which bounds them from Python 3.14 on."""


def record(
    instance: int | str, source: str = "a.json", *, facts: Mapping[str, Any] = WHOLE, **changes: Any
) -> Record:
    """What a source says of an instance, given by its uuid or by the number in ``uuid_of``."""
    if isinstance(instance, int):
        changes = {"place": f"record {instance}", **changes}
        instance = uuid_of(instance)
    return Record(instance, source, facts, **changes)


def complaint(data: bytes | str | Any) -> str:
    """The one line that is said of a file with this content, called f."""
    if not isinstance(data, bytes | str):
        data = json.dumps(data)
    if isinstance(data, str):
        data = data.encode()
    with pytest.raises(NovaDomainsError) as caught:
        records_in(Input(data, "f"))
    assert type(caught.value) in (NovaDomainsError, Unsupported)
    assert caught.value.exit_code == EXIT_FAILED
    assert caught.value.message.isprintable()
    return caught.value.message


def read_complaint(path: Path | str) -> str:
    """The one line that is said of the file at a path."""
    with pytest.raises(NovaDomainsError) as caught:
        read_records(str(path))
    return caught.value.message
