"""A Nova version is given as a number, or by the name or year of its release."""

from __future__ import annotations

import pytest

from virsh_nova.check.versions import asked_version, version_of
from virsh_nova.errors import NovaDomainsError


def test_versions_and_releases_are_read_and_nonsense_is_an_error() -> None:
    assert version_of("34.0.0-1.el9") == (34, 0, 0)
    assert version_of("unknown") is version_of(None) is None
    assert asked_version("34.0.1") == (34, 0, 1)
    assert asked_version("2024.1") == asked_version("caracal") == asked_version("29") == (29,)
    with pytest.raises(NovaDomainsError):
        asked_version("nonsense")
