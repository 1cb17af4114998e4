"""The dashboard in Grafana's own Python types, which read it and lose nothing of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.support.prometheus import CONTRIB


def dashboard() -> dict[str, Any]:
    text = (CONTRIB / "nova-domains-dashboard.json").read_text()
    return json.loads(text)  # type: ignore[no-any-return]


def test_the_dashboard_is_what_grafanas_own_types_hold() -> None:
    assert lost(dashboard(), through_grafanas_types(dashboard())) == []


@pytest.mark.parametrize(
    "place",
    [(), ("panels", 0), ("panels", 0, "gridPos"), ("panels", 0, "targets", 0),
     ("panels", 0, "options"), ("panels", 0, "fieldConfig", "defaults"), ("templating", "list", 1)],
)  # fmt: skip
def test_a_key_that_grafana_does_not_know_would_be_seen(place: tuple[str | int, ...]) -> None:
    document = dashboard()
    part: Any = document
    for step in place:
        part = part[step]
    part["madeUp"] = 1
    assert len(lost(document, through_grafanas_types(document))) == 1


def through_grafanas_types(document: dict[str, Any]) -> dict[str, Any]:
    """What is left of a dashboard in Grafana's own Python types."""
    register_default_plugins()
    read = Dashboard.from_json(document)
    return json.loads(JSONEncoder(sort_keys=True).encode(read))  # type: ignore[no-any-return]


def lost(ours: Any, theirs: Any, place: str = "") -> list[str]:
    """What of ours is not in theirs, which can have defaults beside it."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            each
            for key, value in ours.items()
            for each in lost(value, theirs.get(key, "nothing"), f"{place}.{key}")
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            each
            for number, (one, other) in enumerate(zip(ours, theirs, strict=True))
            for each in lost(one, other, f"{place}[{number}]")
        ]
    return [] if ours == theirs else [f"{place}: {ours!r} became {theirs!r}"]
