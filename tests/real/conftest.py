"""The compute host that the tests of this directory share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.compute_host import ComputeHost


@pytest.fixture(scope="session")
def compute_host() -> Iterator[ComputeHost]:
    """One libvirtd for the whole run. A test that changes it asks for one of the two below."""
    with ComputeHost() as host:
        yield host


@pytest.fixture(scope="module")
def module_host(compute_host: ComputeHost) -> Iterator[ComputeHost]:
    """For guests that the tests of a module only look at: cleared after the last of them."""
    yield compute_host
    compute_host.clear()


@pytest.fixture
def empty_host(compute_host: ComputeHost) -> Iterator[ComputeHost]:
    """For a test that makes its own guests: cleared after it. Not beside `module_host`."""
    yield compute_host
    compute_host.clear()


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the journals go, instead of root's own folder."""
    folder = tmp_path / "state"
    monkeypatch.setenv("NOVA_DOMAINS_STATE", str(folder))
    return folder
