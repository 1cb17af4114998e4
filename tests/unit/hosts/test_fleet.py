"""Many hosts at once: each becomes a value, whatever it does, and all of them one host."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timezone

import pytest

from tests.support.guests import nova_guest
from virsh_nova.errors import HostError, HostSilent, NovaDomainsError
from virsh_nova.hosts.fleet import Fleet, Opener
from virsh_nova.hosts.host import (
    NOTHING_TO_REPORT,
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
from virsh_nova.hosts.identity import HostIdentity
from virsh_nova.model import Guest, Sighting

SOON = 30
"""Seconds: what takes longer hangs."""


class PlayedHost:
    """A host that answers, fails or waits as a test has it."""

    is_this_machine = False
    read_at = None
    documents: frozenset[str | None] = frozenset()

    def __init__(
        self,
        name: str,
        *numbers: int,
        uuid: str | None = None,
        fails: Exception | None = None,
        notes: Notes = NOTHING_TO_REPORT,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = self.certain_name = name
        self.certain_names = frozenset((name,))
        self.documents: frozenset[str | None] = frozenset()
        self.notes = notes
        self.asked: list[str] = []
        self.closed = False
        self._uuid = uuid or name
        self._fails = fails
        self._before = before
        self._guests = [nova_guest(number, host=name) for number in numbers]

    @property
    def identity(self) -> HostIdentity | None:
        return HostIdentity(self.name, "qemu", "/system", "", uuid=self._uuid)

    def versions(self) -> Versions:
        return Versions("9.0.0", "7.2.0")

    def close(self) -> None:
        self.closed = True

    def sightings(self) -> list[Sighting]:
        self._answer("sightings")
        return [
            Sighting(g.host, g.uuid, g.domain, g.id, g.state, None, False) for g in self._guests
        ]

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        self._answer(detail)
        progress(len(self._guests), len(self._guests))
        seen = zip(self.sightings(), self._guests, strict=True)
        return [guest for sighting, guest in seen if chosen(sighting)]

    def _answer(self, question: str) -> None:
        self.asked.append(question)
        self._before()
        if self._fails:
            raise self._fails


def opener(host: Host | Exception, source: str | None = None) -> Opener:
    def opened() -> Iterable[Host]:
        if isinstance(host, Exception):
            raise host
        return [host]

    name = "nowhere" if isinstance(host, Exception) else host.name
    return Opener(source or f"qemu+ssh://{name}/system", opened)


def fleet(*hosts: Host | Exception, fanout: int = 8) -> Fleet:
    return Fleet(
        [opener(host, f"qemu+ssh://h{number}/system") for number, host in enumerate(hosts)], fanout
    )


# ---- one value for each -----------------------------------------------------------------------


def test_each_host_is_a_value() -> None:
    reads = sorted(fleet(PlayedHost("a", 1, 2), PlayedHost("b")).read_each("block"))
    assert [(read.name, len(read.guests), read.error) for read in reads] == [
        ("a", 2, None),
        ("b", 0, None),
    ]
    for read in reads:
        assert read.certain_name == read.name
        assert read.read_at.tzinfo is timezone.utc
        assert read.seconds >= 0
        assert read.versions == Versions()


def test_versions_are_asked_for_when_they_are_wanted() -> None:
    (read,) = fleet(PlayedHost("a")).read_each("block", versions=True)
    assert read.versions == Versions("9.0.0", "7.2.0")


@pytest.mark.parametrize(
    "failure",
    [
        HostError("it is gone"),
        HostSilent("silent"),
        ZeroDivisionError("a fault of ours"),
        OSError(5),
    ],
)
def test_a_host_that_fails_costs_the_others_nothing(failure: Exception) -> None:
    for bad in (failure, PlayedHost("bad", 9, fails=failure)):
        many = fleet(PlayedHost("a", 1), bad, PlayedHost("c", 3))
        reads = list(many.read_each("whole"))
        (failed,) = [read for read in reads if read.error]
        assert failed.guests == ()
        assert failed.source == "qemu+ssh://h1/system"
        assert isinstance(failed.error, NovaDomainsError)
        assert sum(len(read.guests) for read in reads) == 2
        assert many.notes.incomplete
        assert many.failed == [failed]
        (line,) = many.notes.lines
        assert line.text.startswith("1 of 3 hosts was not read: h1: ")


def test_a_host_that_could_not_be_opened_has_the_name_of_its_uri() -> None:
    (read,) = Fleet([opener(HostError("gone"), "qemu+ssh://root@cmp-1/system")]).read_each("block")
    assert (read.name, read.certain_name) == ("cmp-1", None)


def test_what_is_slow_does_not_hold_up_what_is_done() -> None:
    release = threading.Event()
    slow = PlayedHost("slow", before=lambda: assert_set(release))
    reads = fleet(slow, PlayedHost("quick")).read_each("block")
    assert next(reads).name == "quick"
    release.set()
    assert next(reads).name == "slow"


def assert_set(event: threading.Event) -> None:
    assert event.wait(SOON)


def test_no_more_at_once_than_fanout() -> None:
    lock, now, most = threading.Lock(), 0, 0

    def busy() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    hosts = [PlayedHost(f"h{number}", before=busy) for number in range(20)]
    assert len(fleet(*hosts, fanout=3).guests("block")) == 0
    assert most == 3


def test_what_is_not_looked_at_yet_is_not_read_ahead_without_bound() -> None:
    """Ten thousand hosts are written to a file one by one: they must not all be in memory."""
    hosts = [PlayedHost(f"h{number}", number) for number in range(100)]
    reads = fleet(*hosts, fanout=4).read_each("block")
    next(reads)
    time.sleep(0.2)
    # Four in hand, four that wait in the queue, and what was taken.
    assert sum(bool(host.asked) for host in hosts) <= 4 + 4 + 2
    assert len(list(reads)) == 99


def test_the_threads_end_when_the_reader_does() -> None:
    before = threading.active_count()
    reads = fleet(*[PlayedHost(f"h{number}") for number in range(50)], fanout=4).read_each("block")
    next(reads)
    assert isinstance(reads, Iterator)
    reads.close()  # type: ignore[attr-defined]
    end = time.monotonic() + SOON
    while threading.active_count() > before:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_hosts_are_closed_once_they_were_read() -> None:
    hosts = [PlayedHost(f"h{number}") for number in range(5)]
    list(fleet(*hosts, fanout=2).read_each("block"))
    assert all(host.closed for host in hosts)
    hosts = [PlayedHost(f"h{number}") for number in range(5)]
    list(fleet(*hosts, fanout=8).read_each("block"))
    assert all(host.closed for host in hosts)


def test_progress_counts_hosts() -> None:
    steps: list[tuple[int, int]] = []
    many = fleet(PlayedHost("a", 1), HostError("gone"), PlayedHost("c"))
    list(many.read_each("block", progress=lambda *step: steps.append(step)))
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]


# ---- all of them as one host ------------------------------------------------------------------


def test_guests_come_in_the_order_of_the_hosts() -> None:
    slow = PlayedHost("slow", 1, before=lambda: time.sleep(0.1))
    guests = fleet(slow, PlayedHost("quick", 2)).guests("block")
    assert [guest.host for guest in guests] == ["slow", "quick"]


def test_a_host_that_failed_is_not_asked_again() -> None:
    silent = PlayedHost("silent", fails=HostSilent("silent"))
    many = fleet(silent, PlayedHost("a", 1))
    assert len(many.sightings()) == 1
    assert len(many.guests("block")) == 1
    assert len(many.guests("whole")) == 1
    assert silent.asked == ["sightings"]


def test_a_host_without_a_guest_of_those_chosen_is_not_asked() -> None:
    one, two = PlayedHost("a", 1), PlayedHost("b", 2)
    many = fleet(one, two)
    many.sightings()
    (guest,) = many.guests("whole", chosen=lambda seen: seen.host == "b")
    assert guest.host == "b"
    assert one.asked == ["sightings"]


@pytest.mark.parametrize("fanout", [1, 8])
def test_a_host_is_opened_once_or_again_for_each_question(fanout: int) -> None:
    opened: list[str] = []

    def opens(name: str) -> Opener:
        def open_it() -> list[Host]:
            opened.append(name)
            return [PlayedHost(name, 1)]

        return Opener(name, open_it)

    many = Fleet([opens("a"), opens("b")], fanout)
    for _ in range(3):
        assert len(many.guests("block")) == 2
    assert len(opened) == (2 if fanout == 8 else 6)


def test_none_is_an_error_with_the_reasons() -> None:
    many = fleet(HostError("gone", "start it"), HostError("gone", "start it"))
    with pytest.raises(HostError) as raised:
        many.guests("block")
    assert raised.value.message == "none of 2 hosts was read: h[0-1]: gone"
    assert raised.value.hint == "start it"
    many = fleet(*[HostError(text, "hint") for text in ("one", "two", "three", "four", "five")])
    with pytest.raises(HostError) as raised:
        many.sightings()
    assert raised.value.message == (
        "none of 5 hosts was read: h0: one; h1: two; h2: three; and 2 more reasons"
    )
    assert raised.value.hint == ""


def test_their_name_is_the_one_that_all_have() -> None:
    many = fleet(PlayedHost("a", 1), PlayedHost("b", 2))
    many.sightings()
    assert (many.name, many.certain_name, many.is_this_machine) == (None, None, False)
    assert many.certain_names == {"a", "b"}
    assert many.sources == {"a": "qemu+ssh://h0/system", "b": "qemu+ssh://h1/system"}


def test_notes_are_those_of_all_hosts_failures_first() -> None:
    told = Notes((Note("note", "read from files"), Note("warning", "one is missing")), True)
    many = fleet(PlayedHost("a", notes=told), HostError("gone"))
    many.guests("block")
    many.guests("block")
    assert [line.text for line in many.notes.lines] == [
        "1 of 2 hosts was not read: h1: gone",
        "one is missing",
        "read from files",
    ]
    assert many.notes.incomplete


def test_very_many_reasons_are_counted() -> None:
    names = [
        f"name {''.join(pair)}" for pair in zip("abcdefghijklmnopqrstuvwxyz", "z" * 26, strict=True)
    ]
    many = fleet(PlayedHost("a"), *map(HostError, names))
    many.guests("block")
    lines = [line.text for line in many.notes.lines]
    assert len(lines) == 21
    assert lines[-1] == "6 of 27 hosts were not read, for 6 more reasons"


# ---- one host by two URIs ---------------------------------------------------------------------


@pytest.mark.parametrize("fanout", [1, 2, 8])
def test_two_uris_of_one_host_read_it_once(fanout: int) -> None:
    many = fleet(
        PlayedHost("a.example.org", 1, uuid="u"), PlayedHost("a", 1, uuid="u"), fanout=fanout
    )
    assert len(many.guests("block")) == 1
    assert len(many.guests("block")) == 1
    (line,) = many.notes.lines
    assert "qemu+ssh://h0/system" in line.text
    assert "qemu+ssh://h1/system" in line.text
    assert "are one host, a" in line.text
    assert line.text.endswith(": read once")
    assert not many.notes.incomplete


def test_two_machines_of_one_name_are_both_read() -> None:
    many = fleet(PlayedHost("a", 1, uuid="u"), PlayedHost("a", 2, uuid="v"))
    assert len(many.guests("block")) == 2
    (line,) = many.notes.lines
    assert "are two machines that are both called a" in line.text
    # No URI is certain to lead to a guest of that name.
    assert many.sources == {}


def test_one_uri_that_is_given_twice_is_read_once() -> None:
    host = PlayedHost("a", 1)
    many = Fleet([opener(host), opener(host)])
    assert len(many.guests("block")) == 1
    assert [line.text for line in many.notes.lines] == [
        "qemu+ssh://a/system is given more than once: read once"
    ]
