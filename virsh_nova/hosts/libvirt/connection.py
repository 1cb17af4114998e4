"""The host, through libvirt: the only module that speaks to it.

Every call runs on a thread of its own that can be given up, because a daemon that has stopped
lets a call hang for ever. None of the calls enters a guest's monitor, so that a stuck QEMU
costs nothing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

import libvirt

from ...block.namespaces import NAMESPACES
from ...errors import (
    DaemonNotRunning,
    GuestError,
    HostError,
    HostLost,
    HostSilent,
    NovaDomainsError,
    PermissionRefused,
    UnknownUri,
)
from ...guests.states import REASONS, STATES
from ...model import Sighting
from ..calls import Call, Calls
from ..pidfile import qemu_pid

if TYPE_CHECKING:
    from ...model import DefinitionName, Guest
    from ..identity import HostIdentity

DEFAULT_URI = "qemu:///system"
_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
DEMO_HOST = os.path.join(_PACKAGE, "demo", "host.xml")
"""A host for libvirt's own test driver, which ships with the package."""

# The daemon works on five calls of a client at once. A few more keep it busy; on a slow way there
# and back many more have to be under way.
_CALLS_AT_ONCE = 8
_CALLS_AT_ONCE_FROM_AFAR = 40
_AFAR = 0.005
"""Seconds that a trifling call takes there and back."""
# A daemon that looks its host's name up in a dead DNS must not hold up the list.
_HOST_NAME_PATIENCE = 1.0

_DRIVERS = (
    "bhyve", "ch", "esx", "gsx", "hyperv", "lxc", "openvz", "parallels", "qemu", "test", "vbox",
    "vmwarefusion", "vmwareplayer", "vmwarews", "vpx", "vz", "xen",
)  # fmt: skip

Detail = Literal["block", "domain", "whole"]
"""How much to read of each guest: the block, and the XML where there is none; the XML's head with
title and description, and the rest where that holds no block; or everything, with the hardware
and the persistent definition."""

# libvirt closes a connection when its object goes, and waits for the daemon in doing so; one that
# has stopped would make that wait endless. The process ends without closing.
_KEPT: list[libvirt.virConnect] = []


class Host:
    """A connection to one host, read-only unless it was opened to write."""

    def __init__(self, connection: libvirt.virConnect, uri: str, timeout: float) -> None:
        self.uri = uri
        self.timeout = timeout
        self._connection = connection
        _KEPT.append(connection)
        self._name: Call[str] = Call(self._connection.getHostname)
        self._listed: list[libvirt.virDomain] = []

    @classmethod
    def open(cls, uri: str | None = None, *, timeout: float = 10.0, writable: bool = False) -> Host:
        """Connect to ``uri``, else ``LIBVIRT_DEFAULT_URI``, else the system's QEMU driver.

        Raises ``HostError``; ``timeout`` (seconds) bounds this wait and each later one.
        """
        connect = libvirt.open if writable else libvirt.openReadOnly
        # Without a handler of our own libvirt prints every error on stderr as well.
        libvirt.registerErrorHandler(lambda *_: None, None)
        uri = uri or os.environ.get("LIBVIRT_DEFAULT_URI") or DEFAULT_URI
        try:
            connection = Call(lambda: connect(uri)).result(timeout)
        except libvirt.libvirtError as error:
            raise _connect_error(uri, error) from error
        except UnicodeError:
            raise UnknownUri(f"{uri}: libvirt knows no such URI: it is not UTF-8", _URIS) from None
        except TimeoutError:
            raise _silent(uri, timeout) from None
        return cls(connection, uri, timeout)

    @classmethod
    def open_demo(cls, *, timeout: float = 10.0, writable: bool = False) -> Host:
        """The embedded example host: needs no daemon, and what is done to it is gone afterwards."""
        from urllib.parse import quote

        return cls.open("test://" + quote(DEMO_HOST), timeout=timeout, writable=writable)

    @property
    def is_this_machine(self) -> bool:
        """Whether the guests' processes are those of the machine this runs on."""
        from urllib.parse import urlsplit

        uri = urlsplit(self.uri)
        return uri.scheme in ("qemu", "qemu+unix") and not uri.netloc

    @property
    def name(self) -> str | None:
        """The host's name as libvirt has it (``virConnectGetHostname``), which Nova uses too."""
        try:
            return self._name.result(min(self.timeout, _HOST_NAME_PATIENCE))
        except (libvirt.libvirtError, TimeoutError):
            from urllib.parse import urlsplit

            return urlsplit(self.uri).hostname or os.uname().nodename

    @property
    def identity(self) -> HostIdentity:
        """What tells this libvirt from any other, however its machine is called."""
        # Only a run that writes needs it: list starts without.
        from ..identity import identify

        identity = identify(self._connection.getURI(), self.name)
        # After its start the daemon may take seconds for them. The machine's id does without.
        patience = _HOST_NAME_PATIENCE if identity.machine_id else self.timeout
        try:
            capabilities = Call(self._connection.getCapabilities).result(patience)
        except (libvirt.libvirtError, TimeoutError):
            return identity
        return identify(self._connection.getURI(), self.name, capabilities)

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
        read = {"block": _read_block, "domain": _read_domain, "whole": self._read_whole}[detail]
        afar = (self._name.seconds or 1.0) > _AFAR
        at_once = _CALLS_AT_ONCE_FROM_AFAR if afar else _CALLS_AT_ONCE
        calls = Calls(read, domains, at_once=at_once)
        # While the daemon works on the first calls: what it takes to read its answers.
        from ...guests.build import unreadable_guest

        try:
            calls.wait(self.timeout, progress)
        except TimeoutError:
            if not self._answers():
                raise self._silent(calls) from None
        guests: list[Guest] = []
        inconclusive: list[int] = []
        for index, sighting in enumerate(sightings):
            reading, error = calls.values[index], calls.errors.get(index)
            if reading is not None:
                try:
                    guest = reading.guest(sighting)
                except Exception as fault:  # One bad guest must never cost the others.
                    guest = unreadable_guest(sighting, f"cannot be read: {fault!r}")
                if guest is None:
                    inconclusive.append(index)
                else:
                    guests.append(guest)
            elif isinstance(error, libvirt.libvirtError):
                if self._is_lost(error):
                    raise self._lost(error, calls)
                if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                    guests.append(unreadable_guest(sighting, f"cannot be read: {error}"))
            elif error is not None:
                raise error
            else:
                why = f"cannot be read: no answer within {self.timeout:g} s"
                guests.append(unreadable_guest(sighting, why))
        if detail == "block" and inconclusive:
            # The block does not tell: the whole XML has to say whose these guests are.
            uuids = {sightings[index].uuid for index in inconclusive}
            return guests + self.guests("domain", chosen=lambda seen: seen.uuid in uuids)
        why = "cannot be read: neither its XML nor its metadata"
        return guests + [unreadable_guest(sightings[index], why) for index in inconclusive]

    def sightings(self) -> list[Sighting]:
        """What the listing says of each guest, in no order. Raises ``HostError``."""
        return [sighting for _, sighting in self._listing()]

    def refuse_read_only(self) -> None:
        """Raises ``PermissionRefused`` where writing is not allowed; writes nothing to find out.

        libvirt refuses the XML meant for a migration to whoever may only read. The flag alone does
        not tell: a writable connection to the daemon's read-only socket is none.
        """
        if not self._listed:
            self._listing()
        if not self._listed:
            return
        domain = self._listed[0]
        try:
            Call(lambda: domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE)).result(self.timeout)
        except TimeoutError:
            raise self._silent() from None
        except libvirt.libvirtError as error:
            if error.get_error_code() in _NOT_ALLOWED:
                raise _read_only(self.uri, error) from error

    def writer(self, fresh: bool = False) -> Writer:
        """For one thread. ``fresh`` gives it a connection that writes which hang cannot hold up.

        On this machine each has its own anyhow, which takes two thirds of the time; over a network
        it takes a while to make one.
        """
        from urllib.parse import urlsplit

        uri = urlsplit(self.uri)
        # Each connection to the test driver is a host of its own.
        if uri.scheme == "test" or (uri.netloc and not fresh):
            return Writer(self.uri, self._connection)
        other = Host.open(self.uri, timeout=self.timeout, writable=True)
        return Writer(self.uri, other._connection)

    def _listing(self) -> list[tuple[libvirt.virDomain, Sighting]]:
        """Every domain with its state: ``virConnectGetAllDomainStats``, one call for all."""
        everything = Call(
            lambda: self._connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)
        )
        try:
            stats = everything.result(self.timeout)
        except TimeoutError:
            raise self._silent() from None
        except libvirt.libvirtError as error:
            raise self._lost(error) from error
        host = self.name
        listing = [
            (
                domain,
                _sighting(
                    host, domain, record.get("state.state", 0), record.get("state.reason", 0)
                ),
            )
            for domain, record in stats
        ]
        self._listed = [domain for domain, _ in listing]
        return listing

    def _read_whole(self, domain: libvirt.virDomain) -> _Reading:
        live = _read_domain(domain)
        if live.fault or domain.ID() < 0:
            return live._replace(whole=True)
        inactive = libvirt.VIR_DOMAIN_XML_INACTIVE
        return live._replace(
            persistent_xml=domain.XMLDesc(inactive) if domain.isPersistent() else None,
            pid=self._pid(domain),
            whole=True,
        )

    def _pid(self, domain: libvirt.virDomain) -> int | None:
        """libvirt's API does not tell it; on this very host a file does."""
        from urllib.parse import parse_qs, urlsplit

        uri = urlsplit(self.uri)
        if not self.is_this_machine or uri.path != "/system":
            return None
        socket = parse_qs(uri.query).get("socket", [None])[0]
        return qemu_pid(socket, domain.name(), domain.UUIDString())

    def _answers(self) -> bool:
        """Whether the daemon still answers a call that touches no guest."""
        try:
            Call(self._connection.getLibVersion).result(1.0)
        except (libvirt.libvirtError, TimeoutError):
            return False
        return True

    def _is_lost(self, error: libvirt.libvirtError) -> bool:
        everyday = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_DOMAIN_METADATA)
        if error.get_error_code() in everyday:
            return False
        try:
            return not self._connection.isAlive()
        except libvirt.libvirtError:
            return True

    def _lost(
        self, error: libvirt.libvirtError, calls: Calls[libvirt.virDomain, _Reading] | None = None
    ) -> HostError:
        if not self._is_lost(error):
            return HostError(f"{self.uri}: the guests cannot be listed: {error}")
        return HostLost(
            f"{self.uri}: the connection was lost{_how_far(calls)}: {error}",
            "the daemon may have been restarted; try again",
        )

    def _silent(self, calls: Calls[libvirt.virDomain, _Reading] | None = None) -> HostSilent:
        return _silent(self.uri, self.timeout, _how_far(calls))


class Writer:
    """Reads and writes the metadata of guests. Its calls can hang."""

    def __init__(self, uri: str, connection: libvirt.virConnect) -> None:
        self._uri = uri
        self._connection = connection
        self._domains: dict[str, libvirt.virDomain] = {}
        """The one at hand."""

    def is_running(self, uuid: str) -> bool:
        """Whether the guest has a live definition by now. Raises ``GuestError``, ``HostError``."""
        try:
            # What an earlier listing returned still has the id of that time.
            domain = self._connection.lookupByUUIDString(uuid)
        except libvirt.libvirtError as error:
            raise self._error(error) from error
        self._domains = {uuid: domain}
        return bool(domain.ID() >= 0)

    def _domain(self, uuid: str) -> libvirt.virDomain:
        if uuid not in self._domains:
            self._domains = {uuid: self._connection.lookupByUUIDString(uuid)}
        return self._domains[uuid]

    def metadata(self, uuid: str, namespace: str, definition: DefinitionName) -> str | None:
        """The element of that namespace, without it; None where there is none.

        Raises ``GuestError``, ``HostError``.
        """
        try:
            domain = self._domain(uuid)
            return str(
                domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, namespace, _AFFECT[definition])
            )
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
                return None
            raise self._error(error) from error

    def set_metadata(
        self,
        uuid: str,
        namespace: str,
        prefix: str,
        xml: str | None,
        definitions: Iterable[DefinitionName],
    ) -> None:
        """Write an element without its namespace, which libvirt adds; or remove it (None).

        ``virDomainSetMetadata`` waits up to 30 s for a guest whose QEMU is stuck. Raises
        ``GuestError``, ``HostError``.
        """
        flags = 0
        for definition in definitions:
            flags |= _AFFECT[definition]
        try:
            domain = self._domain(uuid)
            domain.setMetadata(
                libvirt.VIR_DOMAIN_METADATA_ELEMENT,
                xml,
                None if xml is None else prefix,
                namespace,
                flags,
            )
        except libvirt.libvirtError as error:
            if xml is None and error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
                return
            raise self._error(error) from error

    def _error(self, error: libvirt.libvirtError) -> NovaDomainsError:
        code = error.get_error_code()
        if code == libvirt.VIR_ERR_NO_DOMAIN:
            return GuestError("it is gone")
        if code == libvirt.VIR_ERR_OPERATION_TIMEOUT:
            return GuestError(f"it is busy, or its QEMU does not answer: {error}")
        try:
            alive = self._connection.isAlive()
        except libvirt.libvirtError:
            alive = False
        if alive:
            return GuestError(str(error))
        return HostLost(f"{self._uri}: the connection was lost: {error}", "try again")


_AFFECT = {
    "live": libvirt.VIR_DOMAIN_AFFECT_LIVE,
    "persistent": libvirt.VIR_DOMAIN_AFFECT_CONFIG,
}
_NOT_ALLOWED = (
    libvirt.VIR_ERR_OPERATION_DENIED,
    libvirt.VIR_ERR_ACCESS_DENIED,
    libvirt.VIR_ERR_AUTH_FAILED,
)


def _read_only(uri: str, error: libvirt.libvirtError) -> PermissionRefused:
    return PermissionRefused(
        f"{uri}: this connection may only read: {error}; nothing was done",
        "run it as root, and on the daemon's own socket, not the read-only one",
    )


def _how_far(calls: Calls[libvirt.virDomain, _Reading] | None) -> str:
    if calls is None:
        return ""
    return f", with {len(calls.unanswered) + len(calls.errors)} guests still unread"


def _sighting(
    host: str | None, domain: libvirt.virDomain, number_of_state: int, reason: int
) -> Sighting:
    number = domain.ID()
    state = STATES[number_of_state] if 0 <= number_of_state < len(STATES) else "nostate"
    reasons = REASONS.get(state, ())
    return Sighting(
        host=host,
        uuid=domain.UUIDString(),
        domain=domain.name(),
        id=number if number >= 0 else None,
        state=state,
        reason=reasons[reason] if 0 <= reason < len(reasons) else None,
    )


# ---- readings: what one or two calls on a domain returned -------------------------------------


class _Reading(NamedTuple):
    xml: str
    namespace: str | None = None
    """The one asked for, where ``xml`` is a block alone."""
    persistent_xml: str | None = None
    pid: int | None = None
    whole: bool = False
    fault: str = ""

    def guest(self, sighting: Sighting) -> Guest | None:
        """The record; None where the block alone does not suffice."""
        from ...guests.build import guest_from_block, guest_from_domain, whole_guest

        if self.namespace is not None:
            return guest_from_block(sighting, self.xml, self.namespace, self.fault)
        if self.whole:
            return whole_guest(sighting, self.xml, self.persistent_xml, self.pid)
        return guest_from_domain(sighting, self.xml)


def _read_block(domain: libvirt.virDomain) -> _Reading:
    return _metadata(domain) or _Reading(domain.XMLDesc(0))


def _read_domain(domain: libvirt.virDomain) -> _Reading:
    try:
        return _Reading(domain.XMLDesc(0))
    except libvirt.libvirtError as error:
        # Too long for libvirt's protocol, say: the block alone may still come through.
        block = _metadata(domain)
        if block is None:
            raise
        return block._replace(fault=f"only its metadata can be read: {error}")


def _metadata(domain: libvirt.virDomain) -> _Reading | None:
    for namespace in NAMESPACES:
        try:
            xml = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, namespace, 0)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN_METADATA:
                raise
            continue
        return _Reading(xml, namespace)
    return None


# ---- what errors mean -----------------------------------


_URIS = "a URI looks like qemu:///system or qemu+ssh://root@HOST/system"


def _connect_error(uri: str, error: libvirt.libvirtError) -> HostError:
    code, number, said = error.get_error_code(), error.get_int1(), str(error)
    driver = uri.partition(":")[0].partition("+")[0]
    if driver not in _DRIVERS or code == libvirt.VIR_ERR_NO_CONNECT:
        return UnknownUri(f"{uri}: libvirt knows no such URI: {said}", _URIS)
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
        ) + _offline_hint(uri)
        return DaemonNotRunning(f"{uri}: the libvirt daemon is not running: {said}", hint)
    return HostError(f"{uri}: cannot connect: {said}", "check the URI and the host it names")


def _silent(uri: str, timeout: float, how_far: str = "") -> HostSilent:
    return HostSilent(
        f"{uri}: the libvirt daemon does not answer within {timeout:g} s{how_far}",
        "it may be stopped or overloaded: look at its process, or allow more with --timeout"
        + _offline_hint(uri),
    )


def _offline_hint(uri: str) -> str:
    """Only of this machine's own daemon the files are here too."""
    from urllib.parse import urlsplit

    where = urlsplit(uri)
    local = where.scheme in ("qemu", "qemu+unix") and not where.netloc and where.path == "/system"
    return "; nova-domains --offline COMMAND reads its files without it" if local else ""
