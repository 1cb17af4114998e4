"""What Nova and its like say of the guests, from files and from a cloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..console import complain

if TYPE_CHECKING:
    from ..model import Record


class Gathered(NamedTuple):
    records: list[Record]
    """Of all sources, in their order."""
    ports: frozenset[str]
    """All ports that any source names."""
    everyones: bool
    """Whether the cloud told of the servers of all projects; of files nobody knows."""


def gather(
    files: Sequence[str],
    catalog_files: Mapping[str, Sequence[str]],
    cloud: str | None,
    host: str | None,
    wanted: frozenset[str],
    *,
    strangers: bool = False,
) -> Gathered:
    """``wanted`` are the guests whose facts are of use; with ``strangers`` those that files tell of
    others are, too.
    """
    from .catalog import complete
    from .catalog_files import read_catalog
    from .read import read_records

    catalog = read_catalog(**catalog_files)
    of_use = None if strangers else wanted
    records = [record for file in files for record in read_records(file, of_use)]
    ports = set(catalog.port_uuids)
    everyones = True
    if cloud:
        from .cloud import ask_cloud

        answer = ask_cloud(cloud, host, wanted)
        records += answer.records
        ports |= answer.ports
        everyones = answer.everyones
        for notice in answer.notices:
            complain(notice, kind="warning")
    completed = [complete(record, catalog) for record in records]
    return Gathered(completed, frozenset(ports), everyones)
