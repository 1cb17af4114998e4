"""From the options on the command line to the host that they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .host import Host
    from .libvirt.connection import LibvirtHost


def open_host(
    uri: str | None = None,
    *,
    demo: bool = False,
    offline: bool = False,
    files: Sequence[str] = (),
    timeout: float = 10.0,
) -> Host:
    """The host to read: one of files where they are asked for, else a libvirt.

    Raises ``HostError``.
    """
    if not (offline or files):
        return open_libvirt(uri, demo=demo, timeout=timeout)
    # Files do without libvirt, which takes 20 ms to import, and libvirt without these.
    from .files.open import open_files, open_offline
    from .many import together

    return together(open_files(files)) if files else open_offline()


def open_libvirt(
    uri: str | None = None, *, demo: bool = False, timeout: float = 10.0, writable: bool = False
) -> LibvirtHost:
    """A host through its daemon, or the embedded example. Raises ``HostError``.

    ``timeout`` (seconds) bounds each wait for an answer.
    """
    # 20 ms that neither files nor --help need.
    from .libvirt.connection import LibvirtHost

    if demo:
        return LibvirtHost.open_demo(timeout=timeout, writable=writable)
    return LibvirtHost.open(uri, timeout=timeout, writable=writable)
