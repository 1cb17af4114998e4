"""The compute hosts that the tests of this directory share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.compute_host import ComputeHost
from lab.fleet import Fleet


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


@pytest.fixture(scope="session")
def shared_fleet() -> Iterator[Fleet]:
    """Four hosts on a network of their own, for the whole run."""
    with Fleet() as fleet:
        yield fleet


@pytest.fixture
def fleet(shared_fleet: Fleet) -> Iterator[Fleet]:
    """For a test that makes its own guests: every host is cleared after it."""
    yield shared_fleet
    shared_fleet.clear()


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the journals go, instead of root's own folder."""
    folder = tmp_path / "state"
    monkeypatch.setenv("NOVA_DOMAINS_STATE", str(folder))
    return folder
