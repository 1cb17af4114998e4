"""What options take: durations, and codes that a shell completes."""

from __future__ import annotations

import pytest

from virsh_nova.cli import COMMANDS, cli
from virsh_nova.commands.types import Duration, FindingCode


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("10min", 600), ("1h30m", 5400), ("2d", 172800),
     ("0", 0), ("0.5h", 1800), ("1w", 604800)],
)  # fmt: skip
def test_durations_are_read_as_seconds(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


def test_a_shell_completes_the_codes() -> None:
    context = cli.make_context("nova-domains", ["check"], resilient_parsing=True)
    param = COMMANDS["check"].load().params[1]
    found = FindingCode().shell_complete(context, param, "owner")
    assert [item.value for item in found] == ["owner-unknown", "owner-unnamed"]
