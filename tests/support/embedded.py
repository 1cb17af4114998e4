"""Embedded hosts: libvirt's own test driver, loaded with guests that a test describes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from virsh_nova.block.namespaces import NOVA_1_1

TEST_NS = "http://libvirt.org/schemas/domain/test/1.0"
RUNNING, PAUSED, SHUTOFF, CRASHED = 1, 3, 5, 6

FOREIGN_METADATA = '<k:vm xmlns:k="http://kubevirt.io"><k:uid>x</k:uid></k:vm>'
OTHER_METADATA = '<o:tool xmlns:o="urn:other"> text <!-- kept --> <o:a/></o:tool>'
APPLIANCE = "<channel type='pty'><target type='virtio' name='org.libguestfs.channel.0'/></channel>"
NOVA_SYSINFO = (
    "<sysinfo type='smbios'><system><entry name='product'>OpenStack Nova</entry>"
    "<entry name='version'>34.0.0</entry></system></sysinfo>"
)


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


def nova(number: int = 1, metadata: str = "", **more: Any) -> str:
    """A guest that Nova's sysinfo marks, with a block or without; ``more`` as for ``guest``."""
    return guest(number, metadata=metadata, before=NOVA_SYSINFO, **more)


def make_host(directory: Path, *guests: str) -> str:
    """Write the description of a host; returns the URI that opens it."""
    path = directory / "host.xml"
    path.write_text(f"<node>{''.join(guests)}</node>", encoding="utf-8")
    return f"test://{path}"
