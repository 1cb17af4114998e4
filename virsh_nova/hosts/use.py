"""What a guest uses of its host: the CPU time it has taken so far, and the memory it holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..model import Guest, GuestKey


class Use(NamedTuple):
    """What one look at a running guest shows."""

    run: object
    """What tells this run of the guest from its next: CPU times start at zero in each."""
    at: float
    """When it was looked at, in seconds of ``time.monotonic``."""
    cpu_seconds: float
    steal_seconds: float | None = None
    """How long its vCPUs were ready to run and had to wait for a CPU of the host. None where only
    libvirt was asked."""
    rss_mib: float | None = None
    """Memory of the host that its process occupies, huge pages included; None where only libvirt
    was asked."""
    balloon_mib: float | None = None
    """Memory that libvirt lets it have, whether it uses it or not; None where there is the RSS."""


@runtime_checkable
class Measurable(Protocol):
    """A host on which guests run that can be looked at: not one of files."""

    def use(self, guests: Iterable[Guest]) -> Mapping[GuestKey, Use]:
        """The use of those of the guests that run and can be looked at.

        It takes no job on a guest and enters no monitor, so that a stuck QEMU costs nothing.
        Raises ``HostError``.
        """
