"""Embedded hosts: libvirt's own test driver, loaded with guests that a test describes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from virsh_nova.dialect import NOVA_1_1

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
