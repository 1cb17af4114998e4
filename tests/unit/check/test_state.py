"""A state and its age in words."""

from __future__ import annotations

import pytest

from virsh_nova.check.state import spoken


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.5, "0.5 s"), (90, "90 s"), (3700, "61 min"), (7200, "2 h"), (200000, "2 d")],
)
def test_ages_are_shown_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert spoken(seconds) == words
