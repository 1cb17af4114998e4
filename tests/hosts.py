"""Embedded hosts: libvirt's own test driver, loaded with guests that a test describes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from virsh_nova.block.namespaces import NOVA_1_1
from virsh_nova.errors import GuestError
from virsh_nova.guests.build import whole_guest
from virsh_nova.hosts.identity import HostIdentity
from virsh_nova.model import DefinitionName, Guest, Sighting

ROOT = Path(__file__).parent.parent
DATA = Path(__file__).parent / "data"
TEST_NS = "http://libvirt.org/schemas/domain/test/1.0"
RUNNING, PAUSED, SHUTOFF, CRASHED = 1, 3, 5, 6


def uuid_of(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def block(name: str | None = None, inner: str = "", namespace: str = NOVA_1_1) -> str:
    """A metadata block with a display name and whatever else is given as XML."""
    named = "" if name is None else f"<nova:name>{escape(name)}</nova:name>"
    return f'<nova:instance xmlns:nova="{namespace}">{named}{inner}</nova:instance>'


def guest(
    number: int,
    *,
    domain: str | None = None,
    metadata: str = "",
    state: int = RUNNING,
    rest: str = "",
    before: str = "",
) -> str:
    """A ``<domain>`` of the test driver; ``rest`` goes to its devices, ``before`` before them."""
    return (
        f"<domain type='test' xmlns:test={quoteattr(TEST_NS)}>"
        f"<test:runstate>{state}</test:runstate>"
        f"<name>{escape(domain or f'instance-{number:08x}')}</name><uuid>{uuid_of(number)}</uuid>"
        f"{f'<metadata>{metadata}</metadata>' if metadata else ''}"
        f"<memory unit='MiB'>512</memory><vcpu>2</vcpu>{before}"
        f"<os><type>hvm</type></os><devices>{rest}</devices></domain>"
    )


def make_host(directory: Path, *guests: str) -> str:
    """Write the description of a host; returns the URI that opens it."""
    path = directory / "host.xml"
    path.write_text(f"<node>{''.join(guests)}</node>", encoding="utf-8")
    return f"test://{path}"


def environment(**changes: str) -> dict[str, str]:
    """What a user's shell would hand on, whatever the one that runs the tests looks like."""
    inherited = ("PATH", "HOME", "LD_LIBRARY_PATH")
    kept = {key: os.environ[key] for key in inherited if key in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "0",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
        **changes,
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "virsh_nova", *arguments]


def nova_domains(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the real command line off a terminal."""
    return subprocess.run(
        command(*arguments),
        env=environment(**changes),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


class MemoryHost:
    """A host in memory: what a plan is made of, and what it can be applied to.

    Its metadata behave as libvirt's do: they are asked for and set without their namespace.
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

    # As host.Writer.

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


def _canonical(element: etree._Element) -> str:
    # libvirt lays out what it is given; here nobody does.
    without_layout = etree.XMLParser(remove_blank_text=True)
    alone: Any = etree.fromstring(etree.tostring(element, with_tail=False), without_layout)
    return etree.tostring(alone, method="c14n").decode()
