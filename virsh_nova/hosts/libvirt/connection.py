"""A host through its libvirt: the connection, the listing, and all guests read at once.

Every call runs on a thread of its own that can be given up, because a daemon that has stopped
lets a call hang for ever.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import libvirt

from ...errors import HostError, HostSilent, NovaDomainsError
from ...guests.host_names import is_loopback
from ...model import Sighting
from ..calls import Call, Calls, Threads, is_traced, traced
from ..host import (
    NOTHING_TO_REPORT,
    Chosen,
    Detail,
    Progress,
    Versions,
    everyone,
    no_progress,
    this_moment,
)
from ..template import without_questions
from ..this_machine import default_uri, is_qemu_here, qemu_pid, short_name, split_uri
from . import failures
from .reading import (
    Read,
    Reading,
    careful,
    list_domains,
    name_of,
    read_block,
    read_domain,
    read_hardware,
    read_whole,
    sighting_of,
    what_came,
)
from .writer import MetadataWriter

if TYPE_CHECKING:
    from ...model import Guest, GuestKey
    from ..files.host import FilesHost
    from ..identity import HostIdentity
    from ..use import Use

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
DEMO_HOST = os.path.join(_PACKAGE, "demo", "host.xml")
"""A host for libvirt's own test driver, which ships with the package."""

# The daemon works on five calls of a client at once. A few more keep it busy; over a slow link
# many more have to be under way.
_CALLS_AT_ONCE = 8
_CALLS_AT_ONCE_FROM_AFAR = 40
_AFAR = 0.005
"""Seconds that a trifling call takes there and back."""
# A daemon that looks its host's name up in a dead DNS must not hold up the list.
_HOST_NAME_PATIENCE = 1.0
# How long the listing may take until it is looked into whether a guest holds it up. It takes 7 ms
# for 1000 guests.
_LISTING_PATIENCE = 1.0
# For the second attempt at guests that were slow: another connection, and calls that do not wait.
_SECOND_PATIENCE = 1.0
_SECOND_AT_ONCE = 4

_Listing = list[tuple[libvirt.virDomain, Sighting]]

# libvirt closes a connection when its object goes, and waits for the daemon in doing so; one that
# has stopped would make that wait endless. The process ends without closing.
_KEPT: list[libvirt.virConnect] = []


class LibvirtHost:
    """A connection to one host, read-only unless it was opened to write."""

    read_at = None
    """It is read live."""

    def __init__(
        self,
        connection: libvirt.virConnect,
        uri: str,
        timeout: float,
        *,
        writable: bool = False,
        connect_to: str | None = None,
        threads: Threads | None = None,
    ) -> None:
        self.uri = uri
        """As the user has it."""
        self._connect_to = connect_to or uri
        """As libvirt gets it."""
        self._threads = threads
        self.timeout = timeout
        self.notes = NOTHING_TO_REPORT
        self._writable = writable
        self._connection = connection
        _KEPT.append(connection)
        self._host_name: Call[str] = Call(traced("virConnectGetHostname", self._ask_host_name))
        self._named: tuple[str, bool] | None = None
        """The name, and whether it is certain; decided once, for all guests alike."""
        self._files: FilesHost | None = None
        """What is read instead where a guest holds up the listing."""

    @classmethod
    def open(
        cls,
        uri: str | None = None,
        *,
        timeout: float = 10.0,
        writable: bool = False,
        asks: bool = True,
        threads: Threads | None = None,
    ) -> LibvirtHost:
        """Connect to ``uri``, else ``LIBVIRT_DEFAULT_URI``, else the system's QEMU driver.

        Raises ``HostError``; ``timeout`` (seconds) bounds this wait and each later one. Without
        ``asks`` ssh asks nothing on the terminal; ``threads`` are shared with other hosts.
        """
        connect = libvirt.open if writable else libvirt.openReadOnly
        # Without a handler of our own libvirt prints every error on stderr as well.
        libvirt.registerErrorHandler(lambda *_: None, None)
        uri = uri or default_uri()
        connect_to = uri
        if not asks:
            connect_to = without_questions(uri)
        try:
            connection = Call(traced(f"open {uri}", lambda: connect(connect_to))).result(timeout)
        except libvirt.libvirtError as error:
            raise failures.cannot_connect(uri, error, connect_to) from error
        except UnicodeError:
            raise failures.not_text(uri) from None
        except TimeoutError:
            raise failures.silent(uri, timeout) from None
        return cls(
            connection, uri, timeout, writable=writable, connect_to=connect_to, threads=threads
        )

    @classmethod
    def open_demo(cls, *, timeout: float = 10.0, writable: bool = False) -> LibvirtHost:
        """The embedded example host: needs no daemon, and forgets what is written to it."""
        from urllib.parse import quote  # 2.3 ms that other hosts do without

        return cls.open("test://" + quote(DEMO_HOST), timeout=timeout, writable=writable)

    @property
    def certain_names(self) -> frozenset[str]:
        return frozenset((self.certain_name,) if self.certain_name else ())

    @property
    def documents(self) -> frozenset[str | None]:
        return frozenset()

    @property
    def is_this_machine(self) -> bool:
        """Whether the guests' processes are those of the machine this runs on."""
        return is_qemu_here(self.uri)

    @property
    def name(self) -> str:
        """The host's name as libvirt has it (``virConnectGetHostname``), which Nova uses too."""
        return self._name()[0]

    @property
    def certain_name(self) -> str | None:
        """None where the name is only what the URI calls the host, or localhost."""
        name, certain = self._name()
        return name if certain else None

    def _name(self) -> tuple[str, bool]:
        if self._named is None:
            try:
                said = self._host_name.result(min(self.timeout, _HOST_NAME_PATIENCE))
            except (libvirt.libvirtError, NovaDomainsError, TimeoutError):
                said = ""
            if is_loopback(said):
                in_uri = split_uri(self.uri).hostname
                own = said or short_name()
                self._named = (in_uri, False) if in_uri else (own, not is_loopback(own))
            else:
                self._named = said, True
        return self._named

    @property
    def identity(self) -> HostIdentity:
        """What tells this libvirt from any other, however its machine is called."""
        # Only a run that writes needs it: list starts without.
        from ..identity import identify

        identity = identify(self._connection.getURI(), self.name)
        # After its start the daemon may take seconds for them. The machine's id does without.
        patience = _HOST_NAME_PATIENCE if identity.machine_id else self.timeout
        try:
            capabilities = Call(
                traced("virConnectGetCapabilities", self._connection.getCapabilities)
            ).result(patience)
        except (libvirt.libvirtError, TimeoutError):
            return identity
        return identify(self._connection.getURI(), self.name, capabilities)

    def versions(self) -> Versions:
        """libvirt's and the hypervisor's, each None where it does not answer."""
        asked = {
            "virConnectGetLibVersion": self._connection.getLibVersion,
            "virConnectGetVersion": self._connection.getVersion,
        }
        calls = [Call(traced(name, ask)) for name, ask in asked.items()]
        versions: list[str | None] = []
        for call in calls:
            try:
                number = call.result(min(self.timeout, _HOST_NAME_PATIENCE))
            except (libvirt.libvirtError, TimeoutError):
                number = 0
            versions.append(_version(number) if number > 0 else None)
        return Versions(*versions)

    def close(self) -> None:
        """Let go of the connection. A call that was given up may still use it, and closing it under
        that call would free what the call works on: the last to use it closes it.

        The daemon may be waited for in doing so, and that on a thread that can be given up.
        """
        held = [self._connection]
        self._connection = None
        with suppress(ValueError):
            _KEPT.remove(held[0])
        Call(held.clear)

    def _ask_host_name(self) -> str:
        try:
            return str(self._connection.getHostname())
        except UnicodeDecodeError as error:
            return what_came(error)

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        """All guests, or those chosen by what the listing says, in no order.

        A guest that vanishes meanwhile is skipped; one that cannot be read comes with a fault.
        Raises ``HostError`` when the host itself is lost or falls silent.
        """
        listing = self._listing()
        if listing is None:
            assert self._files is not None
            return self._files.guests(detail, chosen=chosen, progress=progress)
        listed = [(domain, seen) for domain, seen in listing if chosen(seen)]
        sightings = [sighting for _, sighting in listed]
        calls = self._read([domain for domain, _ in listed], detail, progress)
        from ...guests.build import guarded, unreadable_guest  # loaded by now: see _read

        guests: list[Guest] = []
        inconclusive: list[int] = []
        for index, sighting in enumerate(sightings):
            reading, error = calls.values[index], calls.errors.get(index)
            if reading is not None:
                guest = guarded(sighting, reading.guest)
                if guest is None:
                    inconclusive.append(index)
                else:
                    guests.append(guest)
            elif error is None:
                why = (
                    f"cannot be read: no answer within {self.timeout:g} s"
                    if index < calls.asked
                    else "cannot be read: too many others do not answer"
                )
                guests.append(unreadable_guest(sighting, why))
            elif not isinstance(error, libvirt.libvirtError):
                guests.append(unreadable_guest(sighting, f"cannot be read: {error}"))
            elif failures.is_lost(self._connection, error):
                raise self._lost(error, calls)
            elif error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                guests.append(unreadable_guest(sighting, f"cannot be read: {error}"))
        if detail == "block" and inconclusive:
            # The block does not say: it takes the whole XML to know whose these guests are.
            uuids = {sightings[index].uuid for index in inconclusive}
            return guests + self.guests("domain", chosen=lambda seen: seen.uuid in uuids)
        why = "cannot be read: neither its XML nor its metadata"
        return guests + [unreadable_guest(sightings[index], why) for index in inconclusive]

    def sightings(self) -> list[Sighting]:
        """What the listing says of each guest, in no order. Raises ``HostError``."""
        listing = self._listing()
        if listing is None:
            assert self._files is not None
            return self._files.sightings()
        return [sighting for _, sighting in listing]

    def use(self, guests: Iterable[Guest]) -> Mapping[GuestKey, Use]:
        """What the guests use: on this machine as /proc shows it, else as libvirt does.

        A guest that is off, or of which nothing comes in time, is missing. Raises ``HostError``.
        """
        found: dict[GuestKey, Use] = {}
        others: list[Guest] = []
        for guest in (guest for guest in guests if guest.id is not None):
            seen = self._use_of_process(guest) if self.is_this_machine else None
            if seen is None:
                others.append(guest)
            else:
                found[guest.key] = seen
        if others and self._files is None:
            found.update(self._use_in_libvirt(others))
        return found

    def refuse_read_only(self) -> None:
        """Raises ``PermissionRefused`` where writing is not allowed; writes nothing to find out.

        libvirt's ``virConnectDomainXMLToNative`` is for clients that may write, and the daemon
        checks that before all else. The flag of the connection alone does not tell: a writable
        connection to the daemon's read-only socket may not write. The call is safe: it translates
        a text, touches no guest and waits for none. A format that does not exist ends it at once;
        a driver without it says so after the same check.
        """
        probe = traced("virConnectDomainXMLToNative", self._connection.domainXMLToNative)
        ask = Call(lambda: probe("none", "<domain/>", 0))
        try:
            ask.result(self.timeout)
        except TimeoutError:
            raise self._silent() from None
        except libvirt.libvirtError as error:
            if error.get_error_code() in failures.NOT_ALLOWED:
                raise failures.read_only(self.uri, error) from error
            if failures.is_lost(self._connection, error):
                raise self._lost(error) from error

    def writer(self, fresh: bool = False) -> MetadataWriter:
        """For one thread. ``fresh`` gives it a connection that writes which hang cannot hold up.

        On this machine each has its own anyhow, which takes two thirds of the time; over a network
        a connection takes a while to make.
        """
        uri = split_uri(self.uri)
        # Each connection to the test driver is a host of its own.
        if uri.scheme == "test" or (uri.netloc and not fresh):
            return MetadataWriter(self.uri, self._connection)
        other = LibvirtHost.open(self._connect_to, timeout=self.timeout, writable=True)
        return MetadataWriter(self.uri, other._connection)

    # ---- the listing

    def _listing(self) -> _Listing | None:
        """Every domain with its state; None where the host's files are read instead."""
        if self._files is not None:
            return None
        read_at = this_moment()
        try:
            listed = self._list_in_time()
        except libvirt.libvirtError as error:
            raise self._lost(error) from error
        if listed is None:
            return None
        host, certain = self._name()
        return [
            (domain, sighting_of(domain, host, not certain, state, reason, read_at))
            for domain, state, reason in listed
        ]

    def _list_in_time(self) -> list[tuple[libvirt.virDomain, int, int]] | None:
        """As ``list_domains``; None where a guest holds it up and there are files to read."""
        end = time.monotonic() + self.timeout
        everything = Call(lambda: list_domains(self._connection))
        with suppress(TimeoutError):
            return everything.result(min(self.timeout, _LISTING_PATIENCE))
        answers = self._answers()
        if answers and self._read_files_instead():
            return None
        try:
            return everything.result(max(end - time.monotonic(), 0))
        except TimeoutError:
            if answers:
                raise failures.held_up(self.uri, (), writable=self._writable) from None
            raise self._silent() from None

    def _read_files_instead(self) -> bool:
        """Turn to the host's files if a guest holds up the listing. Raises ``HostError``.

        To write takes libvirt itself.
        """
        from .held_up import look  # 20 ms that no host needs on which nothing hangs

        found = look(self._connection, self.uri)
        if found is None:
            return False
        if self._writable:
            raise failures.held_up(self.uri, found.guests, writable=True)
        self._files, self.notes = found.files, found.notes
        return True

    # ---- what they use

    def _use_of_process(self, guest: Guest) -> Use | None:
        from ..process_use import process_use  # psutil takes 11 ms

        pid = guest.pid or qemu_pid(self.uri, guest.domain, guest.uuid)
        return process_use(pid) if pid else None

    def _use_in_libvirt(self, guests: Sequence[Guest]) -> Iterator[tuple[GuestKey, Use]]:
        from .domain_use import use_over  # only for what measures

        # Each connection to the test driver is a host of its own.
        alone = split_uri(self.uri).scheme == "test"
        calls = Calls(
            use_over(self._connection),
            [guest.uuid for guest in guests],
            at_once=_CALLS_AT_ONCE,
            open_another=None if alone else lambda: use_over(libvirt.openReadOnly(self.uri)),
        )
        with suppress(TimeoutError):
            calls.wait(min(self.timeout, _SECOND_PATIENCE), no_progress, for_slow=False)
        for error in tuple(calls.errors.values()):
            if isinstance(error, libvirt.libvirtError) and failures.is_lost(
                self._connection, error
            ):
                raise self._lost(error)
        for guest, seen in zip(guests, tuple(calls.values), strict=True):
            if seen is not None:
                yield guest.key, seen

    # ---- the guests

    def _read(
        self, domains: Sequence[libvirt.virDomain], detail: Detail, progress: Progress
    ) -> Calls[libvirt.virDomain, Reading]:
        """Read each guest, as far as that is possible. Raises ``HostSilent``."""
        read: Read = {
            "block": read_block,
            "domain": read_domain,
            "hardware": read_hardware,
            "whole": self._read_whole,
        }[detail]
        if is_traced():
            read = _traced_read(detail, read)
        afar = (self._host_name.seconds or 1.0) > _AFAR
        calls = Calls(
            read,
            domains,
            at_once=_CALLS_AT_ONCE_FROM_AFAR if afar else _CALLS_AT_ONCE,
            open_another=lambda: self._another(careful(read)),
            threads=self._threads,
        )
        # While the daemon works on the first calls: what it takes to read its answers.
        from ...guests import build  # noqa: F401

        try:
            calls.wait(self.timeout, progress, for_slow=False)
            if calls.unanswered:
                self._read_slow(calls, domains, careful(read, was_slow=True))
                calls.wait(self.timeout, progress)
        except TimeoutError:
            if not self._answers():
                raise self._silent(calls) from None
        return calls

    def _read_slow(
        self,
        calls: Calls[libvirt.virDomain, Reading],
        domains: Sequence[libvirt.virDomain],
        read: Read,
    ) -> None:
        """Ask once more for the guests that do not answer, over another connection.

        The daemon works on five calls of a client at once, and those that hang keep their places.
        """
        slow = sorted(calls.unanswered)

        def read_slow(index: int) -> Reading:
            return opening.result(_SECOND_PATIENCE)(domains[index])

        def open_another() -> Callable[[int], Reading]:
            read_there = self._another(read)
            return lambda index: read_there(domains[index])

        opening = Call(lambda: self._another(read))
        again = Calls(
            read_slow,
            slow,
            at_once=_SECOND_AT_ONCE,
            open_another=open_another,
            threads=self._threads,
        )
        with suppress(TimeoutError):
            again.wait(_SECOND_PATIENCE, no_progress, for_slow=False)
        # Of those that fail here as well, the first call may still bring something.
        calls.settle(
            (index, reading)
            for index, reading in zip(slow, again.values, strict=True)
            if reading is not None
        )

    def _another(self, read: Read) -> Read:
        """``read`` over a connection of its own. Raises ``libvirtError``."""
        if split_uri(self.uri).scheme == "test":
            return read  # Each connection to the test driver is a host of its own.
        connection = traced(f"open {self.uri} again", libvirt.openReadOnly)(self._connect_to)
        _KEPT.append(connection)
        return lambda domain: read(connection.lookupByUUIDString(domain.UUIDString()))

    def _read_whole(self, domain: libvirt.virDomain) -> Reading:
        return read_whole(
            domain, lambda domain: qemu_pid(self.uri, name_of(domain), domain.UUIDString())
        )

    def _answers(self) -> bool:
        """Whether the daemon still answers a call that touches no guest."""
        ask = traced("virConnectGetLibVersion", self._connection.getLibVersion)
        for question in (ask, self._version_over_another):
            with suppress(libvirt.libvirtError, TimeoutError):
                Call(question).result(1.0)
                return True
        return False

    def _version_over_another(self) -> int:
        """Calls that hang can have used up what the daemon lets one connection ask at once."""
        connection = libvirt.openReadOnly(self._connect_to)
        _KEPT.append(connection)
        return int(connection.getLibVersion())

    def _lost(
        self, error: libvirt.libvirtError, calls: Calls[libvirt.virDomain, Reading] | None = None
    ) -> HostError:
        if failures.is_lost(self._connection, error):
            return failures.lost(self.uri, error, _how_far(calls))
        return HostError(f"{self.uri}: the guests cannot be listed: {error}")

    def _silent(self, calls: Calls[libvirt.virDomain, Reading] | None = None) -> HostSilent:
        return failures.silent(self.uri, self.timeout, _how_far(calls))


def _version(number: int) -> str:
    """``9.0.1`` for 9000001."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def _traced_read(detail: Detail, read: Read) -> Read:
    return lambda domain: traced(f"read the {detail} of {name_of(domain)}", read)(domain)


def _how_far(calls: Calls[libvirt.virDomain, Reading] | None) -> str:
    if calls is None:
        return ""
    return f", with {len(calls.unanswered) + len(calls.errors)} guests still unread"
