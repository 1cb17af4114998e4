"""Many hosts, read at the same time: each becomes a value, its guests or why there are none.

Some hosts of a fleet always fail. One that does, or is silent, costs the others nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from queue import Empty, Queue
from typing import TYPE_CHECKING, NamedTuple

from ..errors import HostError, NovaDomainsError
from .host import (
    NOTHING_TO_REPORT,
    UNKNOWN_VERSIONS,
    Chosen,
    Detail,
    Host,
    Note,
    Notes,
    Progress,
    Versions,
    everyone,
    no_progress,
)

if TYPE_CHECKING:
    from ..model import Guest

FANOUT = 64
"""Hosts that are read at once, unless ``--fanout`` says otherwise."""


class Opener(NamedTuple):
    """How to get at a host that has not been opened yet."""

    source: str
    """Its URI, or the path of its files."""
    open: Callable[[], Iterable[Host]]
    """Raises ``HostError``. Files can hold several hosts; they are read one after the other."""
    node: str | None = None
    """What the source calls the host; None where it does not say."""


class HostRead(NamedTuple):
    """What came of reading one host."""

    name: str | None
    """As it is shown. Where the host was not reached: what its source calls it."""
    certain_name: str | None
    """The name where it can be compared with others; None where it is a guess."""
    source: str
    """The URI, or the path of the files."""
    guests: tuple[Guest, ...]
    error: NovaDomainsError | None
    """Why it was not read; None where it was."""
    read_at: datetime
    """UTC: when reading began, or when the files were written."""
    seconds: float
    """How long it took, from opening it to the last guest, or to the error."""
    notes: Notes = NOTHING_TO_REPORT
    versions: Versions = UNKNOWN_VERSIONS


class Fleet:
    """Hosts that have not been opened yet; ``fanout`` of them are read at once."""

    def __init__(self, openers: Sequence[Opener], fanout: int = FANOUT) -> None:
        self.openers = tuple(openers)
        self.fanout = fanout
        self.failed: list[HostRead] = []
        """Those that were not read."""
        self._notes: list[Note] = []
        self._incomplete = False

    @property
    def notes(self) -> Notes:
        """Of all hosts that have been read, and on those that were not."""
        return Notes(tuple(self._notes), self._incomplete or bool(self.failed))

    def read_each(
        self,
        detail: Detail,
        *,
        chosen: Chosen = everyone,
        progress: Progress = no_progress,
        versions: bool = False,
    ) -> Iterator[HostRead]:
        """Every host as it is done, in no order. Never raises for what a host does.

        ``progress`` is called with how many openers are done, and of how many. ``versions`` asks
        each host for these too, which takes a round trip or two.
        """

        def read(opener: Opener) -> Iterator[HostRead]:
            return _read(opener, detail, chosen, versions)

        done = 0
        for result in _several_at_once(read, self.openers, self.fanout):
            if result is None:
                done += 1
                progress(done, len(self.openers))
                continue
            self._take_note(result)
            yield result

    def _take_note(self, result: HostRead) -> None:
        self._notes += result.notes.lines
        self._incomplete |= result.notes.incomplete
        if result.error is not None:
            self.failed.append(result)


def _read(opener: Opener, detail: Detail, chosen: Chosen, versions: bool) -> Iterator[HostRead]:
    begin, now = time.monotonic(), datetime.now(timezone.utc)
    try:
        for host in opener.open():
            yield read_host(host, opener, detail, chosen, versions, begin)
            host.close()
            begin, now = time.monotonic(), datetime.now(timezone.utc)
    except Exception as error:
        yield HostRead(
            opener.node, None, opener.source, (), _known(error), now, time.monotonic() - begin
        )


def read_host(
    host: Host,
    opener: Opener,
    detail: Detail,
    chosen: Chosen = everyone,
    versions: bool = False,
    begin: float | None = None,
) -> HostRead:
    """One that is open already; ``begin`` is the monotonic time when opening it began."""
    begin = time.monotonic() if begin is None else begin
    now = datetime.now(timezone.utc)
    error: NovaDomainsError | None = None
    guests: Sequence[Guest] = ()
    try:
        guests = host.guests(detail, chosen=chosen)
    except Exception as failure:  # A fault of ours, too, costs only this host.
        error = _known(failure)
    return HostRead(
        host.name,
        host.certain_name,
        opener.source,
        tuple(guests),
        error,
        host.read_at or now,
        time.monotonic() - begin,
        host.notes,
        host.versions() if versions and error is None else UNKNOWN_VERSIONS,
    )


def _known(error: Exception) -> NovaDomainsError:
    if isinstance(error, NovaDomainsError):
        return error
    unexpected = HostError(f"this should not happen: {type(error).__name__}: {error}")
    unexpected.__cause__ = error
    return unexpected


def _several_at_once(
    read: Callable[[Opener], Iterator[HostRead]], openers: Sequence[Opener], fanout: int
) -> Iterator[HostRead | None]:
    """What ``read`` yields for each opener, and None after the last of each.

    The threads wait for whoever takes the results: hosts that nobody has looked at yet must not
    fill the memory.
    """
    results: Queue[HostRead | None] = Queue(maxsize=fanout)
    waiting = iter(openers)
    lock = threading.Lock()
    given_up = threading.Event()

    def work() -> None:
        while not given_up.is_set():
            with lock:
                opener = next(waiting, None)
            if opener is None:
                return
            for result in read(opener):
                results.put(result)
                if given_up.is_set():
                    return
            results.put(None)

    for _ in range(min(fanout, len(openers))):
        threading.Thread(target=work, daemon=True).start()
    left = len(openers)
    try:
        while left:
            result = results.get()
            yield result
            left -= result is None
    finally:
        given_up.set()
        try:
            while True:
                results.get_nowait()
        except Empty:
            pass
