"""Where things are in this checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
API = DATA / "api"
"""Answers of the cloud's APIs and of the openstack client."""
GOLDEN = DATA / "golden"
"""Blocks as each release's own code wrote them: ``RELEASE/CASE.xml``."""
REAL = DATA / "real"
"""What a real compute host of Nova 34 showed of its guests."""


def name_of(path: Path) -> str:
    """How a parametrized test names a file of ``DATA``."""
    return path.relative_to(DATA).as_posix()
