"""A host in memory: guests that a plan is made of, and that it is carried out on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lxml import etree

from virsh_nova.errors import GuestError
from virsh_nova.guests.build import whole_guest
from virsh_nova.hosts.identity import HostIdentity
from virsh_nova.model import DefinitionName, Guest, Sighting


class MemoryHost:
    """Guests by their XML, read and written as through libvirt.

    As with libvirt, metadata are read and set without their namespace.
    """

    def __init__(self, name: str = "compute-1") -> None:
        self.name = name
        self._domains: dict[str, dict[DefinitionName, etree._Element]] = {}

    @property
    def identity(self) -> HostIdentity:
        return HostIdentity(self.name, "test", "/default", "", "0" * 32)

    def add(
        self, live: str | None = None, persistent: str | None = None, *, both: str | None = None
    ) -> str:
        """Add a guest by its definitions' XML; returns its uuid."""
        texts: dict[DefinitionName, str | None] = {
            "live": live or both,
            "persistent": persistent or both,
        }
        domains = {
            name: etree.fromstring(text.encode())
            for name, text in texts.items()
            if text is not None
        }
        (uuid, *_) = (str(domain.findtext("uuid")) for domain in domains.values())
        self._domains[uuid] = domains
        return uuid

    def guests(self) -> list[Guest]:
        return [self.guest(uuid) for uuid in self._domains]

    def guest(self, uuid: str) -> Guest:
        domains = self._domains[uuid]
        texts = {
            name: etree.tostring(domain, encoding="unicode") for name, domain in domains.items()
        }
        xml, persistent = texts.get("live"), texts.get("persistent")
        running = xml is not None
        name = str(next(iter(domains.values())).findtext("name"))
        seen = Sighting(
            self.name, uuid, name, 7 if running else None, "running" if running else "shutoff"
        )
        return whole_guest(seen, xml or persistent or "", persistent if running else None)

    def xml(self, uuid: str) -> str:
        """Its live definition, or the one of a guest that is off."""
        return etree.tostring(next(iter(self._domains[uuid].values())), encoding="unicode")

    def metadata_of(self, uuid: str) -> dict[str, list[str]]:
        """All elements under ``<metadata>``, by definition, each in canonical form, sorted."""
        return {
            name: sorted(_canonical(element) for element in domain.iterfind("metadata/*"))
            for name, domain in self._domains[uuid].items()
        }

    def everything(self) -> dict[str, dict[str, list[str]]]:
        return {uuid: self.metadata_of(uuid) for uuid in self._domains}

    # As hosts.libvirt.writer.MetadataWriter.

    def is_running(self, uuid: str) -> bool:
        if uuid not in self._domains:
            raise GuestError("it is gone")
        return "live" in self._domains[uuid]

    def metadata(self, uuid: str, namespace: str, definition: DefinitionName) -> str | None:
        found = self._metadata(uuid, definition).find(f"{{{namespace}}}*")
        if found is None:
            return None
        bare = etree.fromstring(etree.tostring(found, with_tail=False))
        for element in bare.iter(f"{{{namespace}}}*"):
            element.tag = etree.QName(element).localname
        return etree.tostring(bare, encoding="unicode")

    def set_metadata(
        self,
        uuid: str,
        namespace: str,
        prefix: str,
        xml: str | None,
        definitions: Iterable[DefinitionName],
    ) -> None:
        for definition in definitions:
            metadata = self._metadata(uuid, definition)
            found = metadata.find(f"{{{namespace}}}*")
            if found is not None:
                metadata.remove(found)
            if xml is None:
                continue
            bare = etree.fromstring(xml)
            element = metadata.makeelement(f"{{{namespace}}}{bare.tag}", nsmap={prefix: namespace})
            for key, value in bare.items():
                element.set(key, value)
            element.text = bare.text
            element.extend(list(bare))
            for inner in element.iterdescendants("{}*"):
                inner.tag = f"{{{namespace}}}{inner.tag}"
            metadata.append(element)

    def _metadata(self, uuid: str, definition: DefinitionName) -> etree._Element:
        if uuid not in self._domains:
            raise GuestError("it is gone")
        domain = self._domains[uuid].get(definition)
        if domain is None:
            raise GuestError(f"it has no {definition} definition")
        metadata = domain.find("metadata")
        return etree.SubElement(domain, "metadata") if metadata is None else metadata


def host_of(*guests: str) -> MemoryHost:
    """A host of these guests, each running and persistent with the same definition."""
    host = MemoryHost()
    for each in guests:
        host.add(both=each)
    return host


def _canonical(element: etree._Element) -> str:
    # libvirt indents what it is given; MemoryHost does not.
    without_layout = etree.XMLParser(remove_blank_text=True)
    alone: Any = etree.fromstring(etree.tostring(element, with_tail=False), without_layout)
    return etree.tostring(alone, method="c14n").decode()
