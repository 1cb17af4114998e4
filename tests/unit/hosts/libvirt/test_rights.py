"""The right to write is asked for without touching a guest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libvirt
import pytest

from tests.support.embedded import make_host
from virsh_nova.errors import PermissionRefused
from virsh_nova.hosts.libvirt.connection import LibvirtHost

from .conftest import Change


def test_a_connection_that_may_only_read_is_refused(tmp_path: Any) -> None:
    uri = make_host(tmp_path)
    with pytest.raises(PermissionRefused, match="may only read") as caught:
        LibvirtHost.open(uri).refuse_read_only()
    assert "nothing was done" in caught.value.message
    LibvirtHost.open(uri, writable=True).refuse_read_only()


def test_no_call_on_a_guest_is_made_for_it(change: Change) -> None:
    def fail(real: Callable[..., Any], *_: Any, **__: Any) -> Any:
        raise AssertionError(real)

    for call in ("XMLDesc", "metadata", "state", "info", "isPersistent"):
        change(libvirt.virDomain, call, fail)
    for call in ("listAllDomains", "getAllDomainStats", "lookupByUUIDString"):
        change(libvirt.virConnect, call, fail)
    LibvirtHost.open_demo(writable=True).refuse_read_only()
