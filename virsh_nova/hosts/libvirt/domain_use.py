"""What guests use, as far as libvirt knows it without asking their QEMUs."""

from __future__ import annotations

import time
from collections.abc import Callable

import libvirt

from ..use import Use


def use_over(connection: libvirt.virConnect) -> Callable[[str], Use | None]:
    """What looks at a guest, by its uuid; None for one that is off. Raises ``libvirtError``.

    ``virDomainGetInfo`` takes no job and enters no monitor. All groups of
    ``virConnectGetAllDomainStats`` that hold CPU times take one.
    """

    def look(uuid: str) -> Use | None:
        domain = connection.lookupByUUIDString(uuid)
        number = domain.ID()
        if number < 0:
            return None
        _state, _most, memory_kib, _vcpus, nanoseconds = domain.info()
        return Use(
            run=number,
            at=time.monotonic(),
            cpu_seconds=nanoseconds / 1e9,
            balloon_mib=memory_kib / 1024,
        )

    return look
