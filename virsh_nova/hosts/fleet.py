"""Many hosts, read at the same time: each becomes a value, its guests or why there are none.

Some hosts of a fleet always fail. One that does, or is silent, costs the others nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from queue import Empty, Queue
from typing import TYPE_CHECKING, NamedTuple

from ..errors import HostError, NovaDomainsError
from .calls import Call
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
from .in_memory import InMemory
from .reasons import Failure, reasons
from .template import node_of

if TYPE_CHECKING:
    from ..model import Guest, Sighting
    from .identity import HostIdentity

_MOST_REASONS = 20
_MOST_REASONS_IN_ERROR = 3
_IDENTITY_PATIENCE = 60.0
"""Seconds; the host itself gives up long before."""


class Opener(NamedTuple):
    """How to get at a host that has not been opened yet."""

    source: str
    """Its URI, or the path of its files."""
    open: Callable[[], Iterable[Host]]
    """Raises ``HostError``. Files can hold several hosts; they are read one after the other."""


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


class _Place:
    """A source of the fleet, and what is known of its host so far."""

    def __init__(self, opener: Opener) -> None:
        self.opener = opener
        self.host: Host | None = None
        """While it is open, for the next question."""
        self.name: str | None = node_of(opener.source)
        self.certain_name: str | None = None
        self.is_this_machine = False
        self.notes = NOTHING_TO_REPORT
        self.identity: Call[HostIdentity | None] | None = None
        self.claimed = False
        self.is_twin = False
        """Whether another URI leads to the same libvirt, which is read there."""
        self.failed: HostRead | None = None
        """It is not asked again."""
        self.seen: list[Sighting] | None = None
        """What its listing showed, once it was asked for that."""


_Question = Callable[[_Place, Host], "Sequence[Guest]"]


class Fleet:
    """Hosts that are opened when they are read, ``fanout`` of them at once.

    It is a ``Host`` as well: all of them as one, without those that fail. Each is opened once,
    unless there are more than ``fanout``: then none stays open from one question to the next.
    """

    identity = None
    read_at = None

    def __init__(self, openers: Sequence[Opener], fanout: int = 1) -> None:
        by_source: dict[str, Opener] = {}
        self._warnings: list[str] = []
        for opener in openers:
            if opener.source in by_source:
                self._warnings.append(f"{opener.source} is given more than once: read once")
            by_source.setdefault(opener.source, opener)
        self._places = [_Place(opener) for opener in by_source.values()]
        self._fanout = fanout
        self._keeps_open = len(self._places) <= fanout
        self._by_name: dict[str, list[_Place]] = {}
        self._lock = threading.Lock()

    # ---- what came of it

    @property
    def failed(self) -> list[HostRead]:
        """The hosts that were not read."""
        return [place.failed for place in self._places if place.failed]

    @property
    def is_unreachable(self) -> bool:
        """Whether not one of the hosts was read."""
        return all(place.failed or place.is_twin for place in self._places)

    @property
    def notes(self) -> Notes:
        """Warnings first: on the hosts that were not read, and then what each host says."""
        lines = [Note("warning", text) for text in (*self._not_read(), *self._warnings)]
        of_hosts = [line for place in self._places for line in place.notes.lines]
        of_hosts.sort(key=lambda line: line.kind == "note")
        incomplete = any(place.failed or place.notes.incomplete for place in self._places)
        return Notes((*lines, *of_hosts), incomplete)

    def _not_read(self) -> Iterator[str]:
        total = len(self._places)
        found = reasons(_failure(failed) for failed in self.failed)
        for reason in found[:_MOST_REASONS]:
            number = len(reason.hosts)
            if total == 1:
                yield f"{self._places[0].opener.source}: {reason.text}"
            else:
                yield f"{number} of {total} hosts {_was(number)} not read: {reason}"
        if more := found[_MOST_REASONS:]:
            number = sum(len(reason.hosts) for reason in more)
            yield f"{number} of {total} hosts {_was(number)} not read, for {len(more)} more reasons"

    @property
    def given(self) -> frozenset[str]:
        """The URIs and paths of all of them."""
        return frozenset(place.opener.source for place in self._places)

    @property
    def sources(self) -> Mapping[str, str]:
        """The one URI that reaches each host, by the host's name."""
        by_name: dict[str, list[str]] = {}
        for place in self._places:
            if place.name and not place.failed and not place.is_twin:
                by_name.setdefault(place.name, []).append(place.opener.source)
        return {name: found[0] for name, found in by_name.items() if len(found) == 1}

    # ---- one after the other, as they are done

    def read_each(
        self,
        detail: Detail,
        *,
        chosen: Chosen = everyone,
        progress: Progress = no_progress,
        versions: bool = False,
    ) -> Iterator[HostRead]:
        """Every host as it is done, in no order. Never raises for what a host does.

        ``progress`` is called with how many hosts are done, and of how many; of one alone, with
        how many guests. ``versions`` asks each host for these too, which takes a round trip or two.
        """
        alone = progress if len(self._places) == 1 else no_progress

        def read(_place: _Place, host: Host) -> Sequence[Guest]:
            return host.guests(detail, chosen=chosen, progress=alone)

        try:
            of_hosts = no_progress if len(self._places) == 1 else progress
            for _, result in self._ask(read, self._places, of_hosts, versions):
                yield result
        finally:
            self.close()

    def close(self) -> None:
        for place in self._places:
            if place.host is not None:
                place.host.close()
                place.host = None

    # ---- as one host

    @property
    def name(self) -> str | None:
        """The one that they all have."""
        return _common(place.name for place in self._reached())

    @property
    def certain_name(self) -> str | None:
        return _common(place.certain_name for place in self._reached())

    @property
    def is_this_machine(self) -> bool:
        reached = self._reached()
        return bool(reached) and all(place.is_this_machine for place in reached)

    def versions(self) -> Versions:
        return UNKNOWN_VERSIONS

    def sightings(self) -> list[Sighting]:
        """Of all hosts that answer. Raises ``HostError`` where none does."""

        def look(place: _Place, host: Host) -> Sequence[Guest]:
            place.seen = host.sightings()
            return ()

        for _ in self._ask(look, self._reached(), no_progress):
            pass
        self._refuse_none()
        return [seen for place in self._reached() for seen in place.seen or ()]

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        """Of all hosts that answer. Raises ``HostError`` where none does.

        ``progress`` is called with how many hosts are done, and of how many.
        """

        def read(_place: _Place, host: Host) -> Sequence[Guest]:
            return host.guests(detail, chosen=chosen)

        # Where the listing is known, a host without any guest of these is not asked again.
        wanted = [
            place
            for place in self._reached()
            if place.seen is None or any(chosen(seen) for seen in place.seen)
        ]
        guests = {place: result.guests for place, result in self._ask(read, wanted, progress)}
        self._refuse_none()
        # In the order of the hosts, however fast each of them is.
        return [guest for place in self._places for guest in guests.get(place, ())]

    def _reached(self) -> list[_Place]:
        return [place for place in self._places if not (place.failed or place.is_twin)]

    def _refuse_none(self) -> None:
        if not self.is_unreachable:
            return
        found = reasons(_failure(failed) for failed in self.failed)
        why = "; ".join(map(str, found[:_MOST_REASONS_IN_ERROR]))
        if more := len(found) - _MOST_REASONS_IN_ERROR:
            why += f"; and {more} more reasons" if more > 0 else ""
        first = self.failed[0].error
        hint = first.hint if first and len(found) == 1 else ""
        raise HostError(f"none of {len(self._places)} hosts was read: {why}", hint)

    # ---- asking

    def _ask(
        self,
        question: _Question,
        places: Sequence[_Place],
        progress: Progress,
        versions: bool = False,
    ) -> Iterator[tuple[_Place, HostRead]]:
        def visit(place: _Place) -> Iterator[tuple[_Place, HostRead]]:
            for result in self._visit(place, question, versions):
                yield place, result

        done = 0
        progress(0, len(places))
        for result in _several_at_once(visit, places, self._fanout):
            if result is None:
                done += 1
                progress(done, len(places))
            else:
                yield result

    def _visit(self, place: _Place, question: _Question, versions: bool) -> Iterator[HostRead]:
        """Open the host, unless it is open, and ask it; in a thread of its own."""
        begin, now = time.monotonic(), datetime.now(timezone.utc)
        try:
            for host in (place.host,) if place.host else place.opener.open():
                if not self._claims(place, host):
                    host.close()
                    return
                yield self._answer(place, host, question, versions, begin)
                if self._keeps_open and not isinstance(host, InMemory):
                    place.host = host
                else:
                    # It must say who it is while it can: the next may be the same.
                    self._identity(place)
                    host.close()
                    place.host = None
                begin, now = time.monotonic(), datetime.now(timezone.utc)
        except Exception as error:
            # A fault of our own, too, costs this host alone.
            seconds = time.monotonic() - begin
            name, source = place.name, place.opener.source
            place.failed = HostRead(name, None, source, (), _known(error), now, seconds)
            yield place.failed

    def _answer(
        self, place: _Place, host: Host, question: _Question, versions: bool, begin: float
    ) -> HostRead:
        now = datetime.now(timezone.utc)
        guests: Sequence[Guest] = ()
        error: NovaDomainsError | None = None
        try:
            guests = question(place, host)
        except Exception as failure:
            error = _known(failure)
        place.name, place.certain_name = host.name, host.certain_name
        place.is_this_machine = host.is_this_machine
        # Files can hold several hosts; a host that is asked again says it all once more.
        earlier = place.notes if isinstance(host, InMemory) else NOTHING_TO_REPORT
        place.notes = Notes(
            (*earlier.lines, *host.notes.lines), earlier.incomplete or host.notes.incomplete
        )
        result = HostRead(
            host.name,
            host.certain_name,
            place.opener.source,
            tuple(guests),
            error,
            host.read_at or now,
            time.monotonic() - begin,
            host.notes,
            host.versions() if versions and error is None else UNKNOWN_VERSIONS,
        )
        if error is not None:
            place.failed = result
        elif isinstance(host, InMemory) and host.reading is not None:
            result = result._replace(**host.reading._asdict())
        return result

    # ---- one host by two URIs

    def _claims(self, place: _Place, host: Host) -> bool:
        """Whether it is this place that reads the host; false where another one does."""
        if place.claimed or isinstance(host, InMemory) or len(self._places) == 1:
            return True
        place.claimed = True
        # Two URIs of one libvirt bring the same name, so only hosts of one name are compared.
        # Whether it has a domain depends on a name server.
        name = (host.certain_name or "").partition(".")[0].lower()
        place.identity = None if self._keeps_open else Call(lambda: host.identity)
        place.host = host
        with self._lock:
            others = list(self._by_name.setdefault(name, []))
            self._by_name[name].append(place)
        for other in others:
            ours, theirs = self._identity(place), self._identity(other)
            if ours is None or theirs is None:
                continue
            both = f"{other.opener.source} and {place.opener.source}"
            if ours.is_same(theirs):
                self._warnings.append(f"{both} are one host, {host.name}: read once")
                place.is_twin, place.host = True, None
                return False
            if name and not ours.is_same_machine(theirs):
                self._warnings.append(
                    f"{both} are two machines that are both called {host.name}: their guests are "
                    "shown as those of one host"
                )
        return True

    def _identity(self, place: _Place) -> HostIdentity | None:
        if place.identity is None:
            with self._lock:
                host = place.host
                if host is None:
                    return None
                place.identity = place.identity or Call(lambda: host.identity)
        with suppress(Exception):
            return place.identity.result(_IDENTITY_PATIENCE)
        return None


def _known(error: Exception) -> NovaDomainsError:
    if isinstance(error, NovaDomainsError):
        return error
    unexpected = HostError(f"this should not happen: {type(error).__name__}: {error}")
    unexpected.__cause__ = error
    return unexpected


def _failure(read: HostRead) -> Failure:
    assert read.error is not None
    return Failure(read.source, read.error.message)


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _common(names: Iterable[str | None]) -> str | None:
    different = set(names)
    return different.pop() if len(different) == 1 else None


def _several_at_once(
    visit: Callable[[_Place], Iterator[tuple[_Place, HostRead]]],
    places: Sequence[_Place],
    fanout: int,
) -> Iterator[tuple[_Place, HostRead] | None]:
    """What ``visit`` yields for each place, and None after the last of each.

    The threads wait for whoever takes the results: hosts that nothing has been done with yet must
    not fill the memory.
    """
    results: Queue[tuple[_Place, HostRead] | None] = Queue(maxsize=fanout)
    waiting = iter(places)
    lock = threading.Lock()
    given_up = threading.Event()

    def work() -> None:
        while not given_up.is_set():
            with lock:
                place = next(waiting, None)
            if place is None:
                return
            for result in visit(place):
                results.put(result)
                if given_up.is_set():
                    return
            results.put(None)

    for _ in range(min(fanout, len(places))):
        threading.Thread(target=work, daemon=True).start()
    left = len(places)
    try:
        while left:
            result = results.get()
            yield result
            left -= result is None
    finally:
        given_up.set()
        with suppress(Empty):
            while True:
                results.get_nowait()
