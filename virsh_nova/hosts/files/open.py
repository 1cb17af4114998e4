"""What ``--offline`` and ``--files`` mean: from a path to a host."""

from __future__ import annotations

import codecs
import os
import re
import stat
import time
from collections.abc import Collection, Sequence
from datetime import datetime
from io import BufferedReader
from typing import BinaryIO

from ...errors import HostError, NovaDomainsError
from ...guests.host_names import is_loopback
from ...inputs.read import why_not
from ..ages import age_in_words
from ..host import Host, Note, Notes, this_moment
from ..this_machine import look_up_name, objection
from .assemble import HostName, LivesOn, assemble, host_name
from .dump import read_dump
from .host import FilesHost
from .layout import LARGEST_DUMP, Found, Search, moment_of, newest, too_large, written_moment
from .search import Looked, search_tree
from .tree import open_tree

LARGEST_JSON = 100 * 2**20
COLLECTED = b"SQLite format 3\0"
_OF_COLLECT = slice(68, 72)
_ID_OF_COLLECT = b"novD"
"""The application_id in SQLite's header."""
_BEGINNING = 4096
_MOST_BROKEN = 20
# A prompt can begin with a bracket too: [root@compute-1 ~]#
_JSON = re.compile(rb"\s*[\[{]\s*(?:$|[\[\]{}\"]|(?:-?[0-9][0-9.eE+-]*|true|false|null)\s*[,\]])")
# Keys of Nova's API and of the openstack client, none of which is in a document of ours.
_OF_NOVA = re.compile(rb'"(?:servers?|ID|tenant_id|project_id|OS-[\w:-]+)"\s*:')
RIGHTS = "run it as root"
SUPPORTED = (
    "supported: the root of a host's file system, a sos report, unpacked or as .tar.xz or "
    ".tar.gz, output of virsh dumpxml in a file or a folder of files, a saved list -f json, and a "
    "file that collect wrote"
)


def open_offline() -> FilesHost:
    """This machine's guests, from libvirt's own files. Raises ``HostError``."""
    name = look_up_name()
    with open_tree("/") as tree:
        looked = search_tree(tree, reports=False)
    if looked.forbidden:
        raise HostError(f"--offline: {looked.search.faults[0]}", RIGHTS)
    if not looked.search.found and not looked.at_home:
        raise HostError(
            f"--offline: no domain was found; looked for {', '.join(looked.places)}",
            "nova-domains --files PATH reads them from elsewhere",
        )
    own = name()
    return _host(looked.search, HostName(own, guessed=is_loopback(own)), lives_on=objection)


class NothingHere(HostError):
    """No guest is described there; and nothing says that one should be."""


def open_file(path: str) -> Host:
    """The hosts that a file holds. Raises ``HostError``."""
    try:
        mode = os.stat(path).st_mode
        # Before it is opened, since opening a device can do things of its own; and after, since
        # somebody else may have put one there meanwhile.
        if stat.S_ISREG(mode):
            with open(path, "rb", opener=_without_waiting) as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return host_in_file(file, path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise unopened(path, error) from None
    raise HostError(f"{path}: is neither a file nor a folder", SUPPORTED)


def unopened(path: str, error: OSError | ValueError) -> HostError:
    """Why a path cannot be opened."""
    hint = RIGHTS if isinstance(error, PermissionError) else ""
    return HostError(f"{path}: cannot be read: {why_not(error)}", hint)


def is_of_collect(file: BufferedReader) -> bool:
    """Whether an open file is one that collect wrote, by its first bytes."""
    beginning = file.peek(_OF_COLLECT.stop)
    return beginning.startswith(COLLECTED) and beginning[_OF_COLLECT] == _ID_OF_COLLECT


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def found_host(path: str, looked: Looked) -> FilesHost:
    """The host whose files were looked for. Raises ``HostError`` where none describes a guest."""
    host = _host(looked.search, host_name(looked.search))
    if not host.sightings():
        looked_for = f"looked for {', '.join(looked.places)}"
        raise _nothing(path, looked_for, host, looked.search, looked.forbidden)
    return host


def host_in_file(file: BinaryIO, path: str) -> Host:
    """The host, or the hosts, that an open file holds. Raises ``HostError``, ``OSError``."""
    # What it holds decides which of these are needed: 3 ms for archives, 5 for SQLite, 8 for
    # documents.
    from .compressed import BZIP2, GZIP, XZ

    modified = os.fstat(file.fileno()).st_mtime
    beginning = file.read(_BEGINNING)
    file.seek(0)
    if beginning.startswith(COLLECTED):
        from ..collected.host import CollectedFile

        return CollectedFile(path)
    packed = beginning.startswith((XZ, GZIP, BZIP2))
    if packed or b"\0" in beginning:  # a tar header has some, JSON and XML in UTF-8 have none
        from .archive import looks_like_tar, search_archive

        if packed or looks_like_tar(beginning):
            search = search_archive(file, path)
            host = _host(search, host_name(search))
            if not host.sightings():
                raise _nothing(
                    path, "looked for the files of libvirt and virsh in it", host, search
                )
            return host
    if _JSON.match(beginning.removeprefix(codecs.BOM_UTF8)):
        return _saved_host(_all_of(file, path, LARGEST_JSON), path, modified)
    data = _all_of(file, path, LARGEST_DUMP)
    host = _host(Search(path, (Found("xml", path, data, modified),)), HostName(None))
    if not host.sightings():
        raise _without_domain(path, data)
    return host


def _without_domain(path: str, data: bytes) -> HostError:
    first, *rest = read_dump(data).faults
    more = f" (and {len(rest)} more like it)" if rest else ""
    kind = HostError if data.strip() else NothingHere
    return kind(f"{path}: holds no domain: {first}{more}", SUPPORTED)


def _all_of(file: BinaryIO, path: str, limit: int) -> bytes:
    data = file.read(limit + 1)
    if len(data) > limit:
        raise HostError(too_large(path, limit))
    return data


def _saved_host(data: bytes, path: str, modified: float) -> Host:
    # 8 ms that other files do without.
    from ...inputs.objects import Unsupported
    from ..saved import hosts_of, read_saved

    broken: list[str] = []
    try:
        guests, faults = read_saved(data, path, broken)
    except NovaDomainsError as error:
        if _OF_NOVA.search(data[:_BEGINNING]):
            raise _of_nova(path) from None
        if isinstance(error, Unsupported):
            raise NothingHere(error.message, error.hint) from None
        raise HostError(error.message, error.hint or SUPPORTED) from None
    faults = [*_shortened(broken), *faults]
    if not guests and _OF_NOVA.search(data[:_BEGINNING]):
        raise _of_nova(path)
    if not guests:
        why = f": {faults[0]}" if faults else ""
        kind = HostError if faults else NothingHere
        raise kind(f"{path}: holds no guest{why}", SUPPORTED)
    moments = {one.saved.read_at for one in guests}
    notes = _notes(path, len(guests), modified, faults, moments=moments)
    return hosts_of(guests, notes._replace(incomplete=bool(broken)), moment_of(modified))


def _shortened(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_BROKEN
    return [*lines[:_MOST_BROKEN], f"and {more} more like these"] if more > 0 else lines


def _of_nova(path: str) -> NothingHere:
    return NothingHere(
        f"{path}: holds no guest: it is Nova's list of servers, which says nothing of libvirt",
        "check --against and stamp --from read it",
    )


def _host(search: Search, name: HostName, lives_on: LivesOn | None = None) -> FilesHost:
    youngest = newest(file for file in search.found if file.role != "hostname")
    # libvirt writes the files of this machine when something changes: until then they are true.
    read_at = moment_of(youngest) if lives_on is None else this_moment()
    assembled = assemble(search, name, lives_on, read_at)
    notes = _notes(search.place, len(assembled.guests), youngest, assembled.faults, assembled.notes)
    return FilesHost(
        name,
        assembled.guests,
        notes._replace(incomplete=not search.complete),
        is_this_machine=lives_on is not None,
        read_at=read_at,
    )


def _nothing(
    path: str, looked_for: str, host: FilesHost, search: Search, forbidden: bool = False
) -> HostError:
    faults = [line.text for line in host.notes.lines if line.kind == "warning"]
    why = f"; {faults[0]}" if faults else ""
    more = f" (and {len(faults) - 1} more like it)" if len(faults) > 1 else ""
    # A network's XML is none of a guest; a domain that cannot be read is a guest that is lost.
    lost = forbidden or not search.complete or any(b"<dom" in file.data for file in search.found)
    kind = HostError if lost else NothingHere
    return kind(
        f"{path}: holds no domain: {looked_for}{why}{more}", RIGHTS if forbidden else SUPPORTED
    )


def _notes(
    place: str,
    guests: int,
    modified: float | None,
    faults: Sequence[str],
    more: Sequence[str] = (),
    moments: Collection[datetime | None] = (None,),
) -> Notes:
    """A warning for each fault, and notes: on what was read, how old it is, and ``more``.

    ``moments`` are those at which the guests themselves say that they were read.
    """
    warnings = [Note("warning", fault) for fault in faults]
    notes = [Note("note", text) for text in more]
    return Notes((*warnings, *notes, summary(place, guests, modified, moments)))


def summary(
    place: str,
    guests: int,
    modified: float | None,
    moments: Collection[datetime | None] = (None,),
    more: str = "",
) -> Note:
    """What was read, and of when: what the guests say themselves, else when it was written."""
    return Note("note", _summary(place, guests, modified, moments, more), is_summary=True)


def _summary(
    place: str,
    guests: int,
    modified: float | None,
    moments: Collection[datetime | None],
    more: str,
) -> str:
    number = f"{guests} guest{'' if guests == 1 else 's'}{more}"
    read = f"read from {place}, not from libvirt: {number}"
    known = [moment for moment in moments if moment is not None]
    if len(known) == len(moments):
        oldest = min(known)
        each = "as of" if len(known) == 1 else "the oldest as of"
        age = age_in_words(time.time() - oldest.timestamp())
        return f"{read}, {each} {oldest:%Y-%m-%d %H:%M:%S} UTC, {age}"
    moment = None if modified is None else written_moment(modified)
    if modified is None or moment is None:
        return read
    return f"{read}, last written {moment}, {age_in_words(time.time() - modified)}"
