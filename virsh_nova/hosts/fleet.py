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
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

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
    from ..model import Guest, GuestKey, Sighting
    from .identity import HostIdentity
    from .use import Use

_MOST_REASONS = 20
_MOST_REASONS_IN_ERROR = 3
MOST_HELD = 20_000
"""Guests of files, kept from one question to the next: some 200 MB."""
_IDENTITY_PATIENCE = 60.0
"""Seconds; the host itself gives up long before."""


class Opener(NamedTuple):
    """How to get at a host that has not been opened yet."""

    source: str
    """Its URI, or the path of its files."""
    open: Callable[[], Iterable[Host]]
    """Raises ``HostError``. Files can hold several hosts; they are read one after the other."""
    name: str | None = None
    """What ``--hosts`` calls it; None where its source says that, or nothing does."""


class Folder(Protocol):
    """What several of the sources have in common: the folder that they are in."""

    @property
    def notes(self) -> Notes:
        """What was read of it; complete once its hosts have been."""

    def nothing(self) -> HostError:
        """That it holds no host."""


def labelled(name: str, source: str) -> str:
    """What a host is shown as whose name another one has too."""
    return f"{name} ({source})"


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
    given_name: str | None = None
    """What ``--hosts`` calls it."""


SeenT = TypeVar("SeenT", "Guest", "Sighting")


class _Place:
    """A source of the fleet, and what is known of its host so far."""

    def __init__(self, opener: Opener) -> None:
        self.opener = opener
        self.host: Host | None = None
        """While it is open, for the next question."""
        self.held: list[Host] = []
        """Hosts of files that have been read, for the next question: a few are kept."""
        self.name: str | None = opener.name or node_of(opener.source)
        self.certain_name: str | None = None
        self.others: list[tuple[str | None, str | None]] = []
        """Name and certain name of the other hosts that the source holds: files can have many."""
        self.is_empty = False
        """Whether there turned out to be no host."""
        self.is_live = False
        """Whether a libvirt was read, and no files."""
        self.labels: dict[str | None, str] = {}
        """What its hosts are shown as whose names an earlier host has already."""
        self.is_this_machine = False
        self.certain_names: set[str] = set()
        """Of all hosts that the source holds."""
        self.documents: set[str | None] = set()
        """As ``Host.documents``."""
        self.notes: list[Notes] = []
        """One for each host."""
        self.identity: Call[HostIdentity | None] | None = None
        self.claimed = False
        self.is_twin = False
        """Whether another URI leads to the same libvirt, which is read there."""
        self.failed: HostRead | None = None
        """It is not asked again."""
        self.seen: list[Sighting] | None = None
        """What its listing showed, once it was asked for that."""
        self.used: Mapping[GuestKey, Use] = {}
        """What its guests used when they were last looked at."""

    @property
    def is_read(self) -> bool:
        return not (self.failed or self.is_twin or self.is_empty)

    @property
    def names(self) -> list[tuple[str | None, str | None]]:
        return [(self.name, self.certain_name), *self.others]

    def apart(self, one: SeenT) -> SeenT:
        """The guest, under a name of its host that no earlier host has."""
        label = self.labels.get(one.host)
        return one if label is None else one._replace(host=label, host_guessed=True)


_Question = Callable[[_Place, Host], "Sequence[Guest]"]


class Fleet:
    """Hosts that are opened when they are read, ``fanout`` of them at once.

    It is a ``Host`` as well: all of them as one, without those that fail. Each is opened once,
    unless there are more than ``fanout``: then none stays open from one question to the next.
    """

    identity = None
    read_at = None

    def __init__(
        self, openers: Sequence[Opener], fanout: int = 1, folders: Sequence[Folder] = ()
    ) -> None:
        by_source: dict[str, Opener] = {}
        self._warnings: list[str] = []
        self._merged: dict[str, None] = {}
        """Names of hosts that several files are of."""
        for opener in openers:
            if opener.source in by_source:
                self._warnings.append(f"{opener.source} is given more than once: read once")
            by_source.setdefault(opener.source, opener)
        self._places = [_Place(opener) for opener in by_source.values()]
        self._fanout = fanout
        self._folders = folders
        self._keeps_open = len(self._places) <= fanout
        self._room = MOST_HELD
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
        return not any(place.is_read for place in self._places)

    @property
    def notes(self) -> Notes:
        """Warnings first: on the hosts that were not read, and then what each host says."""
        warnings = [*self._not_read(), *self._warnings]
        if not self._folders:  # A folder says so itself.
            warnings += [
                f"{name} is in several sources: its guests are shown as those of one host"
                for name in self._merged
            ]
        lines = [Note("warning", text) for text in warnings]
        of_folders = (line for folder in self._folders for line in folder.notes.lines)
        each = [notes for place in self._places for notes in place.notes]
        of_hosts = [line for notes in each for line in notes.lines]
        of_hosts += of_folders
        of_hosts.sort(key=lambda line: line.kind == "note")
        incomplete = bool(self.failed) or any(notes.incomplete for notes in each)
        return Notes((*lines, *of_hosts), incomplete)

    def _not_read(self) -> Iterator[str]:
        total = self._number
        found = reasons(_failure(failed) for failed in self.failed)
        if found and self.is_unreachable and total > 1 and len(found) <= _MOST_REASONS_IN_ERROR:
            yield f"none of {total} hosts was read: {'; '.join(map(str, found))}"
            return
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
        for place in self._reached():
            if place.name:
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

        ``progress`` is called with how many hosts are done, and of how many. ``versions`` asks each
        host for these too, which takes a round trip or two.
        """

        def read(_place: _Place, host: Host) -> Sequence[Guest]:
            return host.guests(detail, chosen=chosen)

        self._room = -1  # There is no next question.
        try:
            for _, result in self._ask(read, self._places, progress, versions):
                yield result
        finally:
            self.close()

    def close(self) -> None:
        for place in self._places:
            if place.host is not None:
                place.host.close()
                place.host = None
            place.held = []

    # ---- as one host

    @property
    def name(self) -> str | None:
        """The one that they all have."""
        return _common(name for place in self._reached() for name, _ in place.names)

    @property
    def certain_name(self) -> str | None:
        return _common(certain for place in self._reached() for _, certain in place.names)

    @property
    def is_this_machine(self) -> bool:
        reached = self._reached()
        return bool(reached) and all(place.is_this_machine for place in reached)

    @property
    def certain_names(self) -> frozenset[str]:
        return frozenset(name for place in self._reached() for name in place.certain_names)

    @property
    def documents(self) -> frozenset[str | None]:
        return frozenset(name for place in self._reached() for name in place.documents)

    def versions(self) -> Versions:
        return UNKNOWN_VERSIONS

    def sightings(self) -> list[Sighting]:
        """Of all hosts that answer. Raises ``HostError`` where none does."""

        seen: dict[_Place, list[Sighting]] = {}

        def look(place: _Place, host: Host) -> Sequence[Guest]:
            seen.setdefault(place, []).extend(host.sightings())
            return ()

        for place, _ in self._ask(look, self._reached(), no_progress):
            place.seen = seen.get(place, [])
        self._refuse_none()
        self._tell_apart()
        return [place.apart(one) for place in self._reached() for one in place.seen or ()]

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        """Of all hosts that answer. Raises ``HostError`` where none does.

        ``progress`` is called with how many hosts are done, and of how many.
        """

        def read(place: _Place, host: Host) -> Sequence[Guest]:
            return host.guests(detail, chosen=lambda seen: chosen(place.apart(seen)))

        # Where the listing is known, a host without any guest of these is not asked again.
        wanted = [
            place
            for place in self._reached()
            if place.seen is None or any(chosen(place.apart(seen)) for seen in place.seen)
        ]
        guests: dict[_Place, list[Guest]] = {}
        for place, result in self._ask(read, wanted, progress):
            guests.setdefault(place, []).extend(result.guests)
        self._refuse_none()
        self._tell_apart()
        # In the order of the hosts, however fast each of them is.
        return [place.apart(guest) for place in self._places for guest in guests.get(place, ())]

    def _tell_apart(self) -> None:
        """Give a host whose name an earlier one has already a label: guests are host and uuid.

        Files of one name are taken to be of one host, as two reports of it are.
        """
        taken: dict[str, _Place] = {}
        for place in self._reached():
            for name, _ in place.names:
                if name is None or taken.setdefault(name, place) is place or name in place.labels:
                    continue
                if not place.is_live:
                    self._merged.setdefault(name, None)
                    continue
                source = place.opener.name or place.opener.source
                label = place.labels[name] = labelled(name, source)
                self._warnings.append(
                    f"another host is called {name} already: {label} is not compared with others"
                )

    def use(self, guests: Iterable[Guest]) -> Mapping[GuestKey, Use]:
        """What the guests use of those hosts that can be looked at, and still answer."""
        from .use import Measurable  # only for what measures

        everyone = list(guests)

        def look(place: _Place, host: Host) -> Sequence[Guest]:
            if isinstance(host, Measurable):
                label = place.labels.get(host.name, host.name)
                theirs = (guest for guest in everyone if guest.host == label)
                place.used = host.use(theirs)
            return ()

        wanted = self._reached()
        for place in wanted:
            place.used = {}
        for _ in self._ask(look, wanted, no_progress):
            pass
        return {key: use for place in wanted for key, use in place.used.items()}

    def _reached(self) -> list[_Place]:
        return [place for place in self._places if place.is_read]

    @property
    def _number(self) -> int:
        """Of hosts, or of sources that hold some."""
        return sum(not place.is_empty for place in self._places)

    def _refuse_none(self) -> None:
        if not self.is_unreachable:
            return
        if not self.failed and self._folders:
            raise self._folders[0].nothing()
        found = reasons(_failure(failed) for failed in self.failed)
        why = "; ".join(map(str, found[:_MOST_REASONS_IN_ERROR]))
        if more := len(found) - _MOST_REASONS_IN_ERROR:
            why += f"; and {more} more reasons" if more > 0 else ""
        first = self.failed[0].error
        hint = first.hint if first and len(found) == 1 else ""
        raise HostError(f"none of {self._number} hosts was read: {why}", hint)

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
        is_first = True
        held: list[Host] | None = None if place.held else []
        try:
            for host in (place.host,) if place.host else place.held or place.opener.open():
                if not self._claims(place, host):
                    host.close()
                    return
                if is_first:
                    # A host that is asked again says it all once more.
                    place.notes, place.others, is_first = [], [], False
                else:
                    place.others.append((place.name, place.certain_name))
                yield self._answer(place, host, question, versions, begin)
                if isinstance(host, InMemory):
                    held = self._with(held, host)
                elif self._keeps_open:
                    place.host = host
                else:
                    # It must say who it is while it can: the next may be the same.
                    self._identity(place)
                    host.close()
                    place.host = None
                begin, now = time.monotonic(), datetime.now(timezone.utc)
            place.is_empty = is_first
            if held is not None:
                place.held = held
        except Exception as error:
            # A fault of our own, too, costs this host alone.
            seconds = time.monotonic() - begin
            source, given = place.opener.source, place.opener.name
            place.failed = HostRead(
                place.name, None, source, (), _known(error), now, seconds, given_name=given
            )
            yield place.failed

    def _with(self, held: list[Host] | None, host: Host) -> list[Host] | None:
        """What is held of a source, with one more host of it; None where it would be too much."""
        if held is None or self._room < 0:
            return None
        number = len(host.sightings())
        with self._lock:
            self._room -= number
        held.append(host)
        return held if self._room >= 0 else None

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
        place.is_live = not isinstance(host, InMemory)
        place.certain_names |= host.certain_names
        place.documents |= host.documents
        place.notes.append(host.notes)
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
            place.opener.name,
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
    return Failure(read.source, read.error.message, read.given_name)


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
