"""A host through its libvirt: the connection, the listing, and all guests read at once.

Every call runs on a thread of its own that can be given up, because a daemon that has stopped
lets a call hang for ever.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import libvirt

from ...errors import HostError, HostSilent
from ...guests.host_names import is_loopback
from ...model import Sighting
from ..calls import Call, Calls, is_traced, traced
from ..host import NOTHING_TO_REPORT, Chosen, Detail, Progress, everyone, no_progress
from ..this_machine import is_qemu_here, qemu_pid, short_name, split_uri
from . import failures
from .reading import Reading, read_block, read_domain, read_whole, sighting_of
from .writer import MetadataWriter

if TYPE_CHECKING:
    from ...model import Guest
    from ..identity import HostIdentity

DEFAULT_URI = "qemu:///system"
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

# libvirt closes a connection when its object goes, and waits for the daemon in doing so; one that
# has stopped would make that wait endless. The process ends without closing.
_KEPT: list[libvirt.virConnect] = []


class LibvirtHost:
    """A connection to one host, read-only unless it was opened to write."""

    def __init__(self, connection: libvirt.virConnect, uri: str, timeout: float) -> None:
        self.uri = uri
        self.timeout = timeout
        self.notes = NOTHING_TO_REPORT
        self._connection = connection
        _KEPT.append(connection)
        self._host_name: Call[str] = Call(traced("virConnectGetHostname", connection.getHostname))
        self._named: tuple[str, bool] | None = None
        """The name, and whether it is certain; decided once, for all guests alike."""
        self._listed: list[libvirt.virDomain] = []

    @classmethod
    def open(
        cls, uri: str | None = None, *, timeout: float = 10.0, writable: bool = False
    ) -> LibvirtHost:
        """Connect to ``uri``, else ``LIBVIRT_DEFAULT_URI``, else the system's QEMU driver.

        Raises ``HostError``; ``timeout`` (seconds) bounds this wait and each later one.
        """
        connect = libvirt.open if writable else libvirt.openReadOnly
        # Without a handler of our own libvirt prints every error on stderr as well.
        libvirt.registerErrorHandler(lambda *_: None, None)
        uri = uri or os.environ.get("LIBVIRT_DEFAULT_URI") or DEFAULT_URI
        try:
            connection = Call(traced(f"open {uri}", lambda: connect(uri))).result(timeout)
        except libvirt.libvirtError as error:
            raise failures.cannot_connect(uri, error) from error
        except UnicodeError:
            raise failures.not_text(uri) from None
        except TimeoutError:
            raise failures.silent(uri, timeout) from None
        return cls(connection, uri, timeout)

    @classmethod
    def open_demo(cls, *, timeout: float = 10.0, writable: bool = False) -> LibvirtHost:
        """The embedded example host: needs no daemon, and forgets what is written to it."""
        from urllib.parse import quote  # 2.3 ms that other hosts do without

        return cls.open("test://" + quote(DEMO_HOST), timeout=timeout, writable=writable)

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
            except (libvirt.libvirtError, TimeoutError):
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

    def guests(
        self, detail: Detail, *, chosen: Chosen = everyone, progress: Progress = no_progress
    ) -> list[Guest]:
        """All guests, or those chosen by what the listing says, in no order.

        A guest that vanishes meanwhile is skipped; one that cannot be read comes with a fault.
        Raises ``HostError`` when the host itself is lost or falls silent.
        """
        listed = [(domain, seen) for domain, seen in self._listing() if chosen(seen)]
        domains = [domain for domain, _ in listed]
        sightings = [sighting for _, sighting in listed]
        read = {"block": read_block, "domain": read_domain, "whole": self._read_whole}[detail]
        afar = (self._host_name.seconds or 1.0) > _AFAR
        at_once = _CALLS_AT_ONCE_FROM_AFAR if afar else _CALLS_AT_ONCE

        def read_traced(domain: libvirt.virDomain) -> Reading:
            return traced(f"read the {detail} of {domain.name()}", read)(domain)

        calls = Calls(read_traced if is_traced() else read, domains, at_once=at_once)
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
                if failures.is_lost(self._connection, error):
                    raise self._lost(error, calls)
                if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                    guests.append(unreadable_guest(sighting, f"cannot be read: {error}"))
            elif error is not None:
                raise error
            else:
                why = f"cannot be read: no answer within {self.timeout:g} s"
                guests.append(unreadable_guest(sighting, why))
        if detail == "block" and inconclusive:
            # The block does not say: it takes the whole XML to know whose these guests are.
            uuids = {sightings[index].uuid for index in inconclusive}
            return guests + self.guests("domain", chosen=lambda seen: seen.uuid in uuids)
        why = "cannot be read: neither its XML nor its metadata"
        return guests + [unreadable_guest(sightings[index], why) for index in inconclusive]

    def sightings(self) -> list[Sighting]:
        """What the listing says of each guest, in no order. Raises ``HostError``."""
        return [sighting for _, sighting in self._listing()]

    def refuse_read_only(self) -> None:
        """Raises ``PermissionRefused`` where writing is not allowed; writes nothing to find out.

        libvirt gives the XML meant for a migration only to clients that may write. The flag alone
        does not tell: a writable connection to the daemon's read-only socket may not write.
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
            if error.get_error_code() in failures.NOT_ALLOWED:
                raise failures.read_only(self.uri, error) from error

    def writer(self, fresh: bool = False) -> MetadataWriter:
        """For one thread. ``fresh`` gives it a connection that writes which hang cannot hold up.

        On this machine each has its own anyhow, which takes two thirds of the time; over a network
        a connection takes a while to make.
        """
        uri = split_uri(self.uri)
        # Each connection to the test driver is a host of its own.
        if uri.scheme == "test" or (uri.netloc and not fresh):
            return MetadataWriter(self.uri, self._connection)
        other = LibvirtHost.open(self.uri, timeout=self.timeout, writable=True)
        return MetadataWriter(self.uri, other._connection)

    def _listing(self) -> list[tuple[libvirt.virDomain, Sighting]]:
        """Every domain with its state: ``virConnectGetAllDomainStats``, one call for all."""
        everything = Call(
            traced(
                "virConnectGetAllDomainStats",
                lambda: self._connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE),
            )
        )
        try:
            stats = everything.result(self.timeout)
        except TimeoutError:
            raise self._silent() from None
        except libvirt.libvirtError as error:
            raise self._lost(error) from error
        host, certain = self._name()
        listing = []
        for domain, each in stats:
            state, reason = each.get("state.state", 0), each.get("state.reason", 0)
            listing.append((domain, sighting_of(domain, host, not certain, state, reason)))
        self._listed = [domain for domain, _ in listing]
        return listing

    def _read_whole(self, domain: libvirt.virDomain) -> Reading:
        return read_whole(
            domain, lambda domain: qemu_pid(self.uri, domain.name(), domain.UUIDString())
        )

    def _answers(self) -> bool:
        """Whether the daemon still answers a call that touches no guest."""
        try:
            Call(traced("virConnectGetLibVersion", self._connection.getLibVersion)).result(1.0)
        except (libvirt.libvirtError, TimeoutError):
            return False
        return True

    def _lost(
        self, error: libvirt.libvirtError, calls: Calls[libvirt.virDomain, Reading] | None = None
    ) -> HostError:
        if failures.is_lost(self._connection, error):
            return failures.lost(self.uri, error, _how_far(calls))
        return HostError(f"{self.uri}: the guests cannot be listed: {error}")

    def _silent(self, calls: Calls[libvirt.virDomain, Reading] | None = None) -> HostSilent:
        return failures.silent(self.uri, self.timeout, _how_far(calls))


def _how_far(calls: Calls[libvirt.virDomain, Reading] | None) -> str:
    if calls is None:
        return ""
    return f", with {len(calls.unanswered) + len(calls.errors)} guests still unread"
