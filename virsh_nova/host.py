"""The host, through libvirt: the only module that speaks to it.

Every call runs on a thread of its own that can be given up, because a daemon that has stopped
lets a call hang for ever. None of the calls enters a guest's monitor, so that a stuck QEMU
costs nothing.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Generic, Literal, TypeVar
from urllib.parse import quote, urlsplit

import libvirt

from .dialect import NAMESPACES
from .errors import (
    DaemonNotRunning,
    HostError,
    HostLost,
    HostSilent,
    PermissionRefused,
    UnknownUri,
)
from .guests import (
    Sighting,
    guest_from_block,
    guest_from_domain,
    unreadable_guest,
    whole_guest,
)
from .model import STATES, Guest

DEFAULT_URI = "qemu:///system"
DEMO_URI = "test://" + quote(str(Path(__file__).parent / "demo" / "host.xml"))
"""libvirt's own test driver, loaded with a host that ships with the package."""

# The daemon works on five calls of a client at once; more in flight hide the way there and back.
_CALLS_IN_FLIGHT = 24
# A daemon that looks its host's name up in a dead DNS must not hold up the list.
_HOST_NAME_PATIENCE = 1.0

_DRIVERS = (
    "bhyve", "ch", "esx", "gsx", "hyperv", "lxc", "openvz", "parallels", "qemu", "test", "vbox",
    "vmwarefusion", "vmwareplayer", "vmwarews", "vpx", "vz", "xen",
)  # fmt: skip

Detail = Literal["block", "domain", "whole"]
"""How much to read of each guest: the block; also title, description and all evidence; or also
the hardware and the persistent definition."""

T = TypeVar("T")

# libvirt closes a connection when its object goes, and waits for the daemon in doing so; one that
# has stopped would make that wait endless. The process ends without closing.
_KEPT: list[libvirt.virConnect] = []


@dataclass(frozen=True, slots=True)
class _Answer(Generic[T]):
    index: int
    value: T | None
    error: libvirt.libvirtError | None


class Host:
    """A read-only connection to one host."""

    def __init__(self, connection: libvirt.virConnect, uri: str, timeout: float) -> None:
        self.uri = uri
        self.timeout = timeout
        self._connection = connection
        _KEPT.append(connection)
        self._name: _Call[str] = _Call(self._connection.getHostname)

    @classmethod
    def open(cls, uri: str | None = None, *, timeout: float = 10.0) -> Host:
        """Connect to ``uri``, else ``LIBVIRT_DEFAULT_URI``, else the system's QEMU driver.

        Raises ``HostError``; ``timeout`` (seconds) bounds this wait and each later one.
        """
        # Without a handler of our own libvirt prints every error on stderr as well.
        libvirt.registerErrorHandler(lambda *_: None, None)
        uri = uri or os.environ.get("LIBVIRT_DEFAULT_URI") or DEFAULT_URI
        try:
            connection = _Call(lambda: libvirt.openReadOnly(uri)).result(timeout)
        except libvirt.libvirtError as error:
            raise _connect_error(uri, error) from error
        except TimeoutError:
            raise _silent(uri, timeout) from None
        return cls(connection, uri, timeout)

    @property
    def name(self) -> str | None:
        """The host's name as libvirt has it (``virConnectGetHostname``), which Nova uses too."""
        try:
            return self._name.result(min(self.timeout, _HOST_NAME_PATIENCE))
        except (libvirt.libvirtError, TimeoutError):
            return urlsplit(self.uri).hostname or os.uname().nodename

    def guests(
        self,
        detail: Detail,
        *,
        chosen: Callable[[Sighting], bool] = lambda _: True,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> list[Guest]:
        """All guests, or those chosen by what the listing says, in no order.

        A guest that vanishes meanwhile is left out; one that cannot be read comes with a fault.
        Raises ``HostError`` when the host itself is lost or falls silent.
        """
        listed = [(domain, seen) for domain, seen in self._listing() if chosen(seen)]
        domains = [domain for domain, _ in listed]
        sightings = [sighting for _, sighting in listed]
        read = {"block": _read_block, "domain": _read_domain, "whole": _read_whole}[detail]
        guests: list[Guest] = []
        again: list[int] = []
        for answer in self._each(domains, read, progress):
            sighting = sightings[answer.index]
            if answer.error is not None:
                if answer.error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                    guests.append(unreadable_guest(sighting, f"cannot be read: {answer.error}"))
            elif answer.value is None:
                why = f"cannot be read: no answer within {self.timeout:g} s"
                guests.append(unreadable_guest(sighting, why))
            elif (guest := answer.value.guest(sighting)) is not None:
                guests.append(guest)
            else:
                again.append(answer.index)
        # Blocks that say too little: the whole XML has to tell whose these guests are.
        for answer in self._each([domains[index] for index in again], _read_domain):
            sighting = sightings[again[answer.index]]
            guest = answer.value.guest(sighting) if answer.value is not None else None
            guests.append(guest or unreadable_guest(sighting, f"cannot be read: {answer.error}"))
        return guests

    def sightings(self) -> list[Sighting]:
        """What the listing says of each guest, in no order. Raises ``HostError``."""
        return [sighting for _, sighting in self._listing()]

    def _listing(self) -> list[tuple[libvirt.virDomain, Sighting]]:
        """Every domain with its state: ``virConnectGetAllDomainStats``, one call for all."""
        try:
            stats = _Call(
                lambda: self._connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)
            ).result(self.timeout)
        except TimeoutError:
            raise _silent(self.uri, self.timeout) from None
        except libvirt.libvirtError as error:
            raise self._lost(error) from error
        return [
            (domain, _sighting(self.name, domain, record.get("state.state", 0)))
            for domain, record in stats
        ]

    def _each(
        self,
        domains: Sequence[libvirt.virDomain],
        read: Callable[[libvirt.virDomain], _Reading],
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> Iterator[_Answer[_Reading]]:
        """Read every domain, several at once; answers come as they arrive.

        A domain that stays silent while the others answer comes last, without value or error.
        """
        answers: SimpleQueue[_Answer[_Reading]] = SimpleQueue()
        turn = iter(enumerate(domains))
        turn_lock = threading.Lock()

        def work() -> None:
            while True:
                with turn_lock:
                    index, domain = next(turn, (-1, None))
                if domain is None:
                    return
                try:
                    answers.put(_Answer(index, read(domain), None))
                except libvirt.libvirtError as error:
                    answers.put(_Answer(index, None, error))

        workers = min(_CALLS_IN_FLIGHT, len(domains))
        for _ in range(workers):
            threading.Thread(target=work, daemon=True).start()
        silent = set(range(len(domains)))
        while silent:
            try:
                answer = answers.get(timeout=self.timeout)
            except Empty:
                if len(silent) >= workers and not self._answers():
                    raise _silent(self.uri, self.timeout, len(domains), len(silent)) from None
                break
            if answer.error is not None and _is_lost(self._connection, answer.error):
                raise self._lost(answer.error, len(domains), len(silent))
            silent.discard(answer.index)
            progress(len(domains) - len(silent), len(domains))
            yield answer
        for index in silent:
            yield _Answer(index, None, None)

    def _answers(self) -> bool:
        """Whether the daemon still answers a call that touches no guest."""
        try:
            _Call(self._connection.getLibVersion).result(1.0)
        except (libvirt.libvirtError, TimeoutError):
            return False
        return True

    def _lost(self, error: libvirt.libvirtError, total: int = 0, left: int = 0) -> HostError:
        if not _is_lost(self._connection, error):
            return HostError(f"{self.uri}: the guests cannot be listed: {error}")
        done = f" after {total - left} of {total} guests" if total else ""
        return HostLost(
            f"{self.uri}: the connection was lost{done}: {error}",
            "the daemon may have been restarted; try again",
        )


def _sighting(host: str | None, domain: libvirt.virDomain, state: int) -> Sighting:
    return Sighting(
        host=host,
        uuid=domain.UUIDString(),
        domain=domain.name(),
        id=domain.ID() if domain.ID() >= 0 else None,
        state=STATES[state] if 0 <= state < len(STATES) else "nostate",
    )


# ---- readings: what one or two calls on a domain returned -------------------------------------


@dataclass(frozen=True, slots=True)
class _Reading:
    xml: str
    namespace: str | None = None
    """The one asked for, where ``xml`` is a block alone."""
    persistent_xml: str | None = None
    whole: bool = False

    def guest(self, sighting: Sighting) -> Guest | None:
        """The record; None where the block alone does not suffice."""
        if self.namespace is not None:
            return guest_from_block(sighting, self.xml, self.namespace)
        if self.whole:
            return whole_guest(sighting, self.xml, self.persistent_xml)
        return guest_from_domain(sighting, self.xml)


def _read_block(domain: libvirt.virDomain) -> _Reading:
    for namespace in NAMESPACES:
        try:
            xml = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, namespace, 0)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN_METADATA:
                raise
            continue
        return _Reading(xml, namespace)
    return _read_domain(domain)


def _read_domain(domain: libvirt.virDomain) -> _Reading:
    return _Reading(domain.XMLDesc(0))


def _read_whole(domain: libvirt.virDomain) -> _Reading:
    xml = domain.XMLDesc(0)
    if domain.ID() < 0 or not domain.isPersistent():
        return _Reading(xml, whole=True)
    return _Reading(xml, persistent_xml=domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), whole=True)


# ---- calls that can be given up, and what their errors mean -----------------------------------


class _Call(Generic[T]):
    """A call running on a daemon thread; whoever waits for it may stop waiting."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._done = threading.Event()
        self._value: T | None = None
        self._error: libvirt.libvirtError | None = None
        threading.Thread(target=self._run, args=(function,), daemon=True).start()

    def _run(self, function: Callable[[], T]) -> None:
        try:
            self._value = function()
        except libvirt.libvirtError as error:
            self._error = error
        finally:
            self._done.set()

    def result(self, timeout: float) -> T:
        if not self._done.wait(timeout):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]


def _is_lost(connection: libvirt.virConnect, error: libvirt.libvirtError) -> bool:
    if error.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_DOMAIN_METADATA):
        return False
    try:
        return not connection.isAlive()
    except libvirt.libvirtError:
        return True


def _connect_error(uri: str, error: libvirt.libvirtError) -> HostError:
    code, number, said = error.get_error_code(), error.get_int1(), str(error)
    driver = uri.partition(":")[0].partition("+")[0]
    if driver not in _DRIVERS or code == libvirt.VIR_ERR_NO_CONNECT:
        hint = "a URI looks like qemu:///system or qemu+ssh://root@HOST/system"
        return UnknownUri(f"{uri}: libvirt knows no such URI: {said}", hint)
    auth = (libvirt.VIR_ERR_AUTH_FAILED, libvirt.VIR_ERR_AUTH_UNAVAILABLE)
    refused = (errno.EACCES, errno.EPERM)
    if code in auth or (code == libvirt.VIR_ERR_SYSTEM_ERROR and number in refused):
        hint = "run it as root, or join the group libvirt"
        return PermissionRefused(f"{uri}: no permission: {said}", hint)
    nobody_there = (errno.ENOENT, errno.ECONNREFUSED)
    if code == libvirt.VIR_ERR_SYSTEM_ERROR and number in nobody_there:
        hint = (
            "start it (systemctl start libvirtd, or virtqemud); for a libvirt in a container give "
            "its socket: -c 'qemu+unix:///system?socket=PATH'"
        )
        return DaemonNotRunning(f"{uri}: the libvirt daemon is not running: {said}", hint)
    return HostError(f"{uri}: cannot connect: {said}", "check the URI and the host it names")


def _silent(uri: str, timeout: float, total: int = 0, left: int = 0) -> HostSilent:
    done = f" after {total - left} of {total} guests" if total else ""
    return HostSilent(
        f"{uri}: the libvirt daemon does not answer within {timeout:g} s{done}",
        "it may be stopped or overloaded: look at its process, or allow more with --timeout",
    )
