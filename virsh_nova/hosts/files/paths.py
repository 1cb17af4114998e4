"""What ``--files`` names: from paths to one host, or to a fleet that opens them one by one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...errors import HostError
from ..host import Host
from ..many import ManyHosts, together
from .folder import FolderOfHosts, Place
from .open import open_file, unopened

if TYPE_CHECKING:
    from ..fleet import Fleet

_AT_ONCE = 1
"""No faster with more: reading them is work, not waiting."""


def open_paths(paths: Sequence[str]) -> Host:
    """The one host that the paths hold, or a fleet of all. Raises ``HostError``."""
    if len(paths) == 1 and not os.path.isdir(paths[0]):
        return open_file(paths[0])
    places, folders = _places(paths)
    if len(places) == 1:
        return together(list(places[0].open()))
    return _fleet(places, folders)


def fleet_of_paths(paths: Sequence[str]) -> Fleet:
    """All hosts that the paths hold, each still to be opened."""
    return _fleet(*_places(paths))


def _fleet(places: Sequence[Place], folders: Sequence[FolderOfHosts]) -> Fleet:
    from ..fleet import Fleet, Opener  # one host does without

    return Fleet([Opener(*place) for place in places], _AT_ONCE, folders)


def _places(paths: Iterable[str]) -> tuple[list[Place], list[FolderOfHosts]]:
    places: list[Place] = []
    folders: list[FolderOfHosts] = []
    for path in paths:
        if not os.path.isdir(path):
            places.append(Place(path, partial(_in_file, path)))
            continue
        try:
            folder = FolderOfHosts(path)
        except HostError as error:
            places.append(Place(path, partial(_raise, error)))
        except OSError as error:
            places.append(Place(path, partial(_raise, unopened(path, error))))
        else:
            places += folder.places()
            folders.append(folder)
    return places, folders


def _in_file(path: str) -> Sequence[Host]:
    host = open_file(path)
    return host.hosts if isinstance(host, ManyHosts) else [host]


def _raise(error: HostError) -> Sequence[Host]:
    raise error
