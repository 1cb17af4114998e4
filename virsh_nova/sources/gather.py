"""All records that the sources named on the command line give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .record import Record


class Sources(NamedTuple):
    """What was named on the command line: paths (``-`` is stdin), and a cloud."""

    files: Sequence[str] = ()
    """Records of servers: ``--from``, ``--against``."""
    projects: Sequence[str] = ()
    users: Sequence[str] = ()
    flavors: Sequence[str] = ()
    images: Sequence[str] = ()
    ports: Sequence[str] = ()
    cloud: str | None = None
    """A name in clouds.yaml, or ``envvars``."""


class Gathered(NamedTuple):
    records: list[Record]
    """Of all sources, in their order."""
    ports: frozenset[str]
    """All ports that any source names."""
    everyones: bool
    """Whether the cloud listed the servers of all projects. Files do not say, and count as yes."""
    warnings: tuple[str, ...] = ()
    """What the cloud did not show, a line each."""


def gather(
    sources: Sources, host: str | None, wanted: frozenset[str], *, strangers: bool = False
) -> Gathered:
    """The records of ``wanted`` guests (uuids); with ``strangers`` those of others in files too.

    Raises ``NovaDomainsError`` for a file that cannot be read, and a cloud that does not answer.
    """
    if not any(sources):
        return Gathered([], frozenset(), everyones=True)
    # 14 ms, msgspec among them, that stamp --derive does without.
    from .catalog import complete
    from .catalog_files import read_catalog
    from .read import read_records

    catalog = read_catalog(
        users=sources.users,
        projects=sources.projects,
        flavors=sources.flavors,
        images=sources.images,
        ports=sources.ports,
    )
    of_use = None if strangers else wanted
    records = [record for file in sources.files for record in read_records(file, of_use)]
    ports = set(catalog.port_uuids)
    everyones = True
    warnings: tuple[str, ...] = ()
    if sources.cloud:
        from .cloud import ask_cloud  # 8 ms that files do without

        answer = ask_cloud(sources.cloud, host, wanted)
        records += answer.records
        ports |= answer.ports
        everyones = answer.everyones
        warnings = tuple(answer.notices)
    completed = [complete(record, catalog) for record in records]
    return Gathered(completed, frozenset(ports), everyones, warnings)
