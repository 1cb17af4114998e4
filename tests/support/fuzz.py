"""Fuzz the readers of files with atheris; script/search installs it and runs each target.

python -m tests.support.fuzz domain -max_total_time=60
python -m tests.support.fuzz archive -max_total_time=60
python -m tests.support.fuzz domain FILE      # one input again
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["virsh_nova", "tarfile"]):
    from tests.support.archives import archive, domain, real_files, status
    from tests.support.embedded import uuid_of
    from virsh_nova.errors import NovaDomainsError
    from virsh_nova.hosts.files.archive import search_archive
    from virsh_nova.hosts.files.assemble import assemble, host_name
    from virsh_nova.hosts.files.layout import Found, Search
    from virsh_nova.hosts.saved import read_saved


def read_all(search: Search) -> None:
    for files in assemble(search, host_name(search)).guests:
        files.guest("domain")
        files.guest("whole")


def fuzz_domain(data: bytes) -> None:
    read_all(Search("fuzz", (Found("xml", "fuzz", data, 0.0), Found("listing", "l", data, 0.0))))


def fuzz_archive(data: bytes) -> None:
    for archived in (data, with_checksums(data)):
        read_all(search_archive(io.BytesIO(archived), "fuzz"))


def with_checksums(data: bytes) -> bytes:
    """Headers that were changed are read only if their checksums fit."""
    fixed = bytearray(data)
    for at in range(0, len(data) - 511, 512):
        if data[at + 257 : at + 262] == b"ustar":
            fixed[at + 148 : at + 156] = b" " * 8
            fixed[at + 148 : at + 156] = b"%06o\0 " % sum(fixed[at : at + 512])
    return bytes(fixed)


def fuzz_saved(data: bytes) -> None:
    try:
        guests, _ = read_saved(data, "fuzz")
    except NovaDomainsError:
        return
    for guest in guests:
        guest.guest("whole")


SMALL = {
    "etc/libvirt/qemu/a.xml": domain("a", uuid_of(1)),
    "run/libvirt/qemu/b.xml": status(domain("b", uuid_of(2), id=1)),
    "sos_commands/virsh/virsh_-r_list_--all": " 1  b  running\n -  a  shut off\n",
    "p" * 120: "a name that takes a header of its own",
}
TARGETS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "domain": (fuzz_domain, [*real_files().values(), *(text.encode() for text in SMALL.values())]),
    "archive": (fuzz_archive, [archive(SMALL, mode=mode) for mode in ("w", "w:gz", "w:xz")]),
    "saved": (
        fuzz_saved,
        [
            b'[{"uuid": "00000001-0000-4000-8000-000000000001", "domain": "a", "state": "running",'
            b'"kind": "nova", "manager": "nova", "evidence": [], "instance": {"namespace": "x"}}]'
        ],
    ),
}


def main() -> None:
    fuzz, seeds = TARGETS[sys.argv[1]]
    if not all(argument.startswith("-") for argument in sys.argv[2:]):
        # Inputs of a run before. With a corpus beside them libFuzzer would take them for folders.
        atheris.Setup([sys.argv[0], *sys.argv[2:]], fuzz)
        atheris.Fuzz()
        return
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds):
            Path(corpus, str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *sys.argv[2:], "-max_len=40000", corpus], fuzz)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
