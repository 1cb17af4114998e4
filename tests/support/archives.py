"""Archives and trees for tests: what a sos report holds, and what none should."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.paths import DATA

REAL = DATA / "real" / "files"
REPORT = "sosreport-lab-2026-11-22-abcdefg"


def real_files() -> dict[str, bytes]:
    """libvirt's files of three guests that a real Nova 34 left running, by path below the root."""
    return {str(path.relative_to(REAL)): path.read_bytes() for path in sorted(REAL.rglob("*.xml"))}


def make_tree(root: Path, files: Mapping[str, bytes | str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def archive(
    files: Mapping[str, bytes | str], *, mode: str = "w:xz", folder: str = f"{REPORT}/"
) -> bytes:
    """A report of these files, packed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(f"{folder}{name}")
            member.size, member.mtime = len(data), 1_790_000_000
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def odd_archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """An archive of these very members, however odd."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for member, data in members:
            tar.addfile(member, io.BytesIO(data) if data else None)
    return packed.getvalue()


def domain(name: str, uuid: str, *, id: int | None = None, rest: str = "") -> str:
    """As small as libvirt would take it, in libvirt's layout."""
    number = "" if id is None else f" id='{id}'"
    return (
        f"<domain type='kvm'{number}>\n  <name>{name}</name>\n  <uuid>{uuid}</uuid>\n"
        f"{rest}  <memory unit='KiB'>65536</memory>\n</domain>\n"
    )


def status(xml: str, *, state: str = "running", reason: str = "booted", pid: int = 4711) -> str:
    """A live file around a domain."""
    inner = "".join(f"  {line}\n" for line in xml.splitlines())
    return (
        "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\n-->\n\n"
        f"<domstatus state='{state}' reason='{reason}' pid='{pid}'>\n"
        f"  <qemuCaps>\n    <flag name='kvm'/>\n  </qemuCaps>\n{inner}</domstatus>\n"
    )
