"""Reading and writing the metadata of guests, one by one, for ``stamp`` and ``undo``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import libvirt

from ...errors import GuestError, HostLost, NovaDomainsError
from ..calls import traced
from .failures import is_alive
from .reading import what_came

if TYPE_CHECKING:
    from ...model import DefinitionName

_AFFECT = {
    "live": libvirt.VIR_DOMAIN_AFFECT_LIVE,
    "persistent": libvirt.VIR_DOMAIN_AFFECT_CONFIG,
}


class MetadataWriter:
    """The metadata of guests over one connection. Each call can hang."""

    def __init__(self, uri: str, connection: libvirt.virConnect) -> None:
        self._uri = uri
        self._connection = connection
        self._domains: dict[str, libvirt.virDomain] = {}
        """The guest at hand, by its uuid."""

    def is_running(self, uuid: str) -> bool:
        """Whether the guest has a live definition by now. Raises ``GuestError``, ``HostError``."""
        try:
            # What an earlier listing returned still has the id of that time.
            domain = self._connection.lookupByUUIDString(uuid)
        except libvirt.libvirtError as error:
            raise self._error(error) from error
        self._domains = {uuid: domain}
        return bool(domain.ID() >= 0)

    def metadata(self, uuid: str, namespace: str, definition: DefinitionName) -> str | None:
        """The element of that namespace, without it; None where there is none.

        Raises ``GuestError``, ``HostError``.
        """
        try:
            domain = self._domain(uuid)
            read = traced(f"virDomainGetMetadata of {uuid}, {definition}", domain.metadata)
            return str(read(libvirt.VIR_DOMAIN_METADATA_ELEMENT, namespace, _AFFECT[definition]))
        except UnicodeDecodeError as error:
            return what_came(error)
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
            traced(f"virDomainSetMetadata of {uuid}", domain.setMetadata)(
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

    def _domain(self, uuid: str) -> libvirt.virDomain:
        if uuid not in self._domains:
            self._domains = {uuid: self._connection.lookupByUUIDString(uuid)}
        return self._domains[uuid]

    def _error(self, error: libvirt.libvirtError) -> NovaDomainsError:
        code = error.get_error_code()
        if code == libvirt.VIR_ERR_NO_DOMAIN:
            return GuestError("it is gone")
        if code == libvirt.VIR_ERR_OPERATION_TIMEOUT:
            return GuestError(f"it is busy, or its QEMU does not answer: {error}")
        if is_alive(self._connection):
            return GuestError(str(error))
        return HostLost(f"{self._uri}: the connection was lost: {error}", "try again")
