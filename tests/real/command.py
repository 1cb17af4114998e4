"""The command line as a user runs it against a real host, and what its tests say in short."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from lxml import etree

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests" / "data" / "golden"
NOVA_1_1 = "http://openstack.org/xmlns/libvirt/nova/1.1"
INPUTS: dict[str, dict[str, Any]] = json.loads((GOLDEN / "inputs.json").read_text())

ENDLESS = 60
"""Seconds: what takes longer hangs."""


def nova_domains(uri: str, *arguments: str, seconds: float = ENDLESS) -> tuple[int, str, str]:
    """The command line as a user runs it in a pipe: exit code, stdout, stderr."""
    command = [sys.executable, "-m", "virsh_nova", "-c", uri, *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, timeout=seconds)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def said(uri: str, *arguments: str, seconds: float = ENDLESS) -> str:
    """Its stdout, where all is well: exit code 0 and nothing on stderr."""
    code, out, err = nova_domains(uri, *arguments, seconds=seconds)
    assert (code, err) == (0, "")
    return out


def records(uri: str, *arguments: str) -> dict[str, dict[str, Any]]:
    """The JSON documents of `list`, by domain name; warnings are another test's matter."""
    code, out, err = nova_domains(uri, "list", "-f", "json", *arguments)
    assert code == 0, err
    return {record["domain"]: record for record in json.loads(out)}


def uuid(number: int) -> str:
    return f"{number:08x}-feed-4bee-8000-0123456789ab"


def block(release: str, case: str, *, name: str | None = None) -> str:
    """What that release of Nova wrote, for an instance of another name where one is given."""
    root = etree.fromstring((GOLDEN / release / f"{case}.xml").read_text())
    if name is not None:
        root.find("{*}name").text = name
    return str(etree.tostring(root, encoding="unicode"))


def with_device(guest: str, device: str) -> str:
    return guest.replace("</devices>", f"{device}</devices>")


def image_file(disk: Path) -> str:
    return (
        f"<disk type='file'><driver name='qemu' type='qcow2'/><source file='{disk}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
    )
