"""What ``--offline`` and ``--files`` mean: from a path to a host."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from typing import BinaryIO

from ...errors import HostError, NovaDomainsError
from ...guests.host_names import is_loopback
from ...inputs.read import why_not
from ..host import Host, Note, Notes
from ..this_machine import is_qemu_of, look_up_name
from .assemble import HostName, LivesOn, assemble, host_name
from .host import FilesHost
from .layout import LARGEST_XML, Found, Search, newest, too_large
from .search import Looked, holds_host, search_folder, search_tree
from .tree import Tree

LARGEST_JSON = 100 * 2**20
_MOST_REPORTS = 1000
_BEGINNING = 4096
_RIGHTS = "run it as root"
_SUPPORTED = (
    "supported: the root of a host's file system, a sos report, unpacked or as .tar.xz or "
    ".tar.gz, a folder of virsh dumpxml files, one such file, and a saved list -f json"
)


def open_offline() -> FilesHost:
    """This machine's guests, from libvirt's own files. Raises ``HostError``."""
    name = look_up_name()
    looked = search_tree(Tree("/"), reports=False)
    if looked.forbidden:
        raise HostError(f"--offline: {looked.search.faults[0]}", _RIGHTS)
    if not looked.search.found and not looked.at_home:
        raise HostError(
            f"--offline: no domain was found; looked for {', '.join(looked.places)}",
            "nova-domains --files PATH reads them from elsewhere",
        )
    own = name()
    return _host(looked.search, HostName(own, guessed=is_loopback(own)), lives_on=is_qemu_of)


def open_files(paths: Sequence[str]) -> list[Host]:
    """The hosts that the paths hold, at least one for each. Raises ``HostError``."""
    return [host for path in paths for host in _hosts(path)]


def _hosts(path: str) -> list[Host]:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            return list(_hosts_in_folder(path))
        if not stat.S_ISREG(mode):
            raise HostError(f"{path}: is neither a file nor a folder", _SUPPORTED)
        with open(path, "rb") as file:
            return [_host_in_file(file, path)]
    except (OSError, ValueError) as error:
        hint = _RIGHTS if isinstance(error, PermissionError) else ""
        raise HostError(f"{path}: cannot be read: {why_not(error)}", hint) from None


def _hosts_in_folder(path: str) -> list[FilesHost]:
    tree = Tree(path)
    if holds_host(tree):
        return [_found_host(path, search_tree(tree))]
    with tree.folder(".") as folder:
        inner = [Tree(os.path.join(path, name)) for name in folder.names(folders=True)]
    reports = [tree for tree in inner[:_MOST_REPORTS] if holds_host(tree)]
    if reports:
        return [_found_host(tree.root, search_tree(tree)) for tree in reports]
    return [_found_host(path, search_folder(tree))]


def _found_host(path: str, looked: Looked) -> FilesHost:
    host = _host(looked.search, host_name(looked.search))
    if not host.sightings():
        raise _nothing(path, f"looked for {', '.join(looked.places)}", host, looked.forbidden)
    return host


def _host_in_file(file: BinaryIO, path: str) -> Host:
    # What it holds decides which of these are needed: 3 ms for archives, 8 for documents.
    from .compressed import BZIP2, GZIP, XZ

    modified = os.fstat(file.fileno()).st_mtime
    beginning = file.read(_BEGINNING)
    file.seek(0)
    packed = beginning.startswith((XZ, GZIP, BZIP2))
    if packed or b"\0" in beginning:  # a tar header has some, JSON and XML in UTF-8 have none
        from .archive import looks_like_tar, search_archive

        if packed or looks_like_tar(beginning):
            search = search_archive(file, path)
            host = _host(search, host_name(search))
            if not host.sightings():
                raise _nothing(path, "looked for the files of libvirt and virsh in it", host)
            return host
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"[", b"{"):
        return _saved_host(_all_of(file, path, LARGEST_JSON), path, modified)
    if text[:1] == b"<" or beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = _all_of(file, path, LARGEST_XML)
        host = _host(Search(path, (Found("xml", path, data, modified),)), HostName(None))
        if not host.sightings():
            raise _nothing(path, "looked for a <domain>", host)
        return host
    raise HostError(f"{path}: holds no domain", _SUPPORTED)


def _all_of(file: BinaryIO, path: str, limit: int) -> bytes:
    data = file.read(limit + 1)
    if len(data) > limit:
        raise HostError(too_large(path, limit))
    return data


def _saved_host(data: bytes, path: str, modified: float) -> Host:
    from ..saved import hosts_of, read_saved

    try:
        guests, faults = read_saved(data, path)
    except NovaDomainsError as error:
        raise HostError(error.message, error.hint or _SUPPORTED) from None
    if not guests:
        why = f": {faults[0]}" if faults else ""
        raise HostError(f"{path}: holds no guest{why}", _SUPPORTED)
    return hosts_of(guests, _notes(path, len(guests), modified, faults))


def _host(search: Search, name: HostName, lives_on: LivesOn | None = None) -> FilesHost:
    assembled = assemble(search, name, lives_on)
    youngest = newest(file for file in search.found if file.role != "hostname")
    notes = _notes(search.place, len(assembled.guests), youngest, assembled.faults)
    return FilesHost(
        name,
        assembled.guests,
        notes._replace(incomplete=not search.complete),
        is_this_machine=lives_on is not None,
    )


def _nothing(path: str, looked_for: str, host: FilesHost, forbidden: bool = False) -> HostError:
    faults = [line.text for line in host.notes.lines if line.kind == "warning"]
    why = f"; {faults[0]}" if faults else ""
    more = f" (and {len(faults) - 1} more like it)" if len(faults) > 1 else ""
    return HostError(
        f"{path}: holds no domain: {looked_for}{why}{more}", _RIGHTS if forbidden else _SUPPORTED
    )


def _notes(place: str, guests: int, modified: float | None, faults: Sequence[str]) -> Notes:
    """A warning for each fault, and a note on what was read, and how old it is."""
    warnings = [Note("warning", fault) for fault in faults]
    return Notes((*warnings, Note("note", _notice(place, guests, modified))))


def _notice(place: str, guests: int, modified: float | None) -> str:
    read = f"read from {place}, not from libvirt: {guests} guest{'' if guests == 1 else 's'}"
    if modified is None:
        return read
    try:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(modified))
    except (OverflowError, ValueError, OSError):
        return read
    return f"{read}, last written {moment} UTC, {_age(time.time() - modified)}"


def _age(seconds: float) -> str:
    """``5 minutes ago``; clocks differ, so it may lie ahead."""
    word = "ago" if seconds >= 0 else "ahead of this machine's clock"
    seconds = abs(seconds)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}s {word}"
    return f"{int(seconds)} seconds {word}"
