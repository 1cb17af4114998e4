"""From the options on the command line to the host that they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .calls import Threads
    from .fleet import Fleet
    from .host import Host
    from .libvirt.connection import LibvirtHost


_FILES = 256
_FILES_EACH = 8
"""File descriptors."""


def open_host(
    uri: str | None = None,
    *,
    demo: bool = False,
    offline: bool = False,
    files: Sequence[str] = (),
    timeout: float = 10.0,
    asks: bool = True,
) -> Host:
    """The host to read: of files where they are asked for, else a libvirt.

    Several of them are a ``Fleet``, which opens each when it is asked.

    Raises ``HostError``.
    """
    if not (offline or files):
        return open_libvirt(uri, demo=demo, timeout=timeout, asks=asks)
    # Files do without libvirt, which takes 20 ms to import, and libvirt without these.
    if not files:
        from .files.open import open_offline

        return open_offline()
    from .files.paths import open_paths

    return open_paths(files)


def _allow_open_files(hosts: int) -> None:
    """Each host takes a socket and a pipe or two, and 1024 is the usual limit."""
    from resource import RLIMIT_NOFILE, getrlimit, setrlimit  # a single host does without

    soft, hard = getrlimit(RLIMIT_NOFILE)
    wanted = _FILES + _FILES_EACH * hosts
    if soft < wanted:
        setrlimit(RLIMIT_NOFILE, (min(wanted, hard) if hard >= 0 else wanted, hard))


def fleet_of(
    uris: Sequence[str] = (),
    *,
    names: Mapping[str, str] | None = None,
    demo: bool = False,
    offline: bool = False,
    files: Sequence[str] = (),
    timeout: float = 10.0,
    asks: bool = True,
    fanout: int,
) -> Fleet:
    """The hosts to read, each still to be opened: as for ``open_host``, but any number of URIs.

    ``names`` are what hosts are called, by their URIs, where ``--hosts`` names them.
    """
    # One host alone does without.
    from .calls import Threads
    from .fleet import Fleet, Opener
    from .this_machine import default_uri

    def of_this_machine() -> list[Host]:
        return [open_host(offline=True)]

    def of_demo() -> list[Host]:
        return [open_libvirt(demo=True, timeout=timeout)]

    several = len(uris) > 1
    threads = Threads(min(len(uris), fanout)) if several else None

    def of_libvirt(uri: str) -> list[Host]:
        return [open_libvirt(uri, timeout=timeout, asks=asks and not several, threads=threads)]

    if several:
        _allow_open_files(min(len(uris), fanout))
    if files:
        from .files.paths import fleet_of_paths

        return fleet_of_paths(files)
    if offline:
        return Fleet([Opener("--offline", of_this_machine)])
    if demo:
        return Fleet([Opener("--demo", of_demo)])
    called = names or {}
    openers = [
        Opener(uri, partial(of_libvirt, uri), called.get(uri)) for uri in uris or (default_uri(),)
    ]
    return Fleet(openers, fanout)


def open_libvirt(
    uri: str | None = None,
    *,
    demo: bool = False,
    timeout: float = 10.0,
    writable: bool = False,
    asks: bool = True,
    threads: Threads | None = None,
) -> LibvirtHost:
    """A host through its daemon, or the embedded example. Raises ``HostError``.

    ``timeout`` (seconds) bounds each wait for an answer. Without ``asks`` ssh asks nothing on the
    terminal; ``threads`` are shared with other hosts.
    """
    # 20 ms that neither files nor --help need.
    from .libvirt.connection import LibvirtHost

    if demo:
        return LibvirtHost.open_demo(timeout=timeout, writable=writable)
    return LibvirtHost.open(uri, timeout=timeout, writable=writable, asks=asks, threads=threads)
