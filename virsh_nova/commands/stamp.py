"""``nova-domains stamp``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from .. import __version__
from ..block.facts import Facts
from ..block.releases import Release
from ..console import complain
from ..errors import EXIT_FAILED
from ..hosts.lookup import resolve
from ..render.progress import ProgressBar
from ..sources.gather import Sources, gather
from ..sources.set_option import BadAssignment, parse_assignments
from ..stamp.journal_format import Origin
from ..stamp.plan import Request, signature, whoami
from ..stamp.planner import make_plan
from .options import Command, Manner, collected, plan_options
from .plan_flow import Purpose, execute, one_run_at_a_time
from .session import Session
from .types import Handle, ReleaseName


def source_options(command: Command) -> Command:
    """The options that say where facts come from: passed as ``sources``."""
    for option in (
        click.option(
            "--cloud",
            metavar="NAME",
            help="Ask this cloud of clouds.yaml, or envvars for OS_*; needs openstacksdk.",
        ),
        click.option(
            "--ports",
            type=click.Path(allow_dash=True),
            metavar="FILE",
            multiple=True,
            help="The ports, as Neutron lists them.",
        ),
        click.option(
            "--images",
            type=click.Path(allow_dash=True),
            metavar="FILE",
            multiple=True,
            help="Details of images.",
        ),
        click.option(
            "--flavors",
            type=click.Path(allow_dash=True),
            metavar="FILE",
            multiple=True,
            help="Details of flavors.",
        ),
        click.option(
            "--users",
            type=click.Path(allow_dash=True),
            metavar="FILE",
            multiple=True,
            help="Names for user ids.",
        ),
        click.option(
            "--projects",
            type=click.Path(allow_dash=True),
            metavar="FILE",
            multiple=True,
            help="Names for project ids.",
        ),
        click.option(
            "--from",
            "files",
            type=click.Path(allow_dash=True),
            metavar="FILE",
            multiple=True,
            help="Take facts from a file: a saved list -f json, openstack server list or show as "
            "JSON or YAML, or a response of Nova's API; - is stdin. Repeatable.",
        ),
    ):
        command = option(command)
    return collected(command, "sources", Sources)


@click.command("stamp")
@click.argument("handles", metavar="[HANDLE]...", type=Handle(), nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Stamp every Nova guest without the block.")
@click.option("--derive", is_flag=True, help="Take facts from the guest itself.")
@source_options
@click.option(
    "--set",
    "assignments",
    metavar="KEY=VALUE",
    multiple=True,
    help="Set a fact, by its key in the JSON document: --set flavor.name=m1.small.",
)
@click.option("--overwrite", is_flag=True, help="Replace the block of guests that have one.")
@click.option("--fill", is_flag=True, help="Add only what the block of a guest is missing.")
@click.option("--force", is_flag=True, help="Also stamp named guests that are not Nova's.")
@click.option(
    "--release",
    type=ReleaseName(),
    metavar="RELEASE",
    help="Write what this Nova release writes: 29, 2024.1, caracal; or draft.  [newest]",
)
@click.option("--no-provenance", is_flag=True, help="Do not mark the block as backfilled.")
@plan_options
@click.pass_obj
def stamp_command(
    session: Session,
    handles: Sequence[str],
    everyone: bool,
    derive: bool,
    sources: Sources,
    assignments: Sequence[str],
    overwrite: bool,
    fill: bool,
    force: bool,
    release: Release | None,
    no_provenance: bool,
    manner: Manner,
) -> int:
    """Write the metadata block onto guests that lack it.

    Shows what would be written first, and asks.

    Name the guests (HANDLE as for show, or --all) and the source of the facts: --derive, --from,
    --cloud, --set. If several sources have a field, the last one in this order wins. With --from
    or --cloud and no HANDLE, --all is implied.

    Every run writes a journal first, so that undo can take it back.
    """
    session.refuse_to_write("stamp")
    has_records = bool(sources.files or sources.cloud)
    everyone = everyone or (not handles and has_records)
    request = Request(
        everyone=everyone,
        derive=derive,
        assignments=assigned(assignments),
        overwrite=overwrite,
        fill=fill,
        force=force,
        release=release,
        signature=None if no_provenance else signature(),
    )
    refuse_contradictions(request, handles, has_source=has_records or derive or bool(assignments))
    plain = session.no_color or manner.no_color
    manner = manner._replace(no_color=plain)
    with one_run_at_a_time(session, manner) as folder:
        return stamp(session, folder, handles, sources, request, manner)


def stamp(
    session: Session,
    folder: Path,
    handles: Sequence[str],
    sources: Sources,
    request: Request,
    manner: Manner,
) -> int:
    """Read the guests and the sources, plan, and carry the plan out."""
    with ProgressBar("Reading guests") as progress:
        host = session.open_libvirt(writable=not manner.dry_run)
        keys, errors = resolve(host, handles) if handles else ([], [])
        for error in errors:
            complain(error.message, error.hint)
        named = frozenset(uuid for _, uuid in keys)
        guests = host.guests(
            "whole",
            chosen=lambda sighting: request.everyone or sighting.uuid in named,
            progress=progress,
        )
        if not manner.dry_run:
            host.refuse_read_only()
    gathered = gather(sources, host.certain_name, frozenset(guest.uuid for guest in guests))
    for warning in gathered.warnings:
        complain(warning, kind="warning")
    request = request._replace(named=named, known_ports=gathered.ports)
    plan = make_plan(host.certain_name, guests, gathered.records, request)._replace(host=host.name)
    origin = Origin("stamp", host.identity, whoami(), __version__)
    code = execute(plan, host, manner, Purpose(folder, origin, named, on_demo=session.demo)).code
    return max(code, EXIT_FAILED if errors or plan.failed else 0)


def refuse_contradictions(request: Request, handles: Sequence[str], *, has_source: bool) -> None:
    """Raises ``UsageError`` for options that exclude each other, or do not say enough."""
    if request.overwrite and request.fill:
        raise click.UsageError("--overwrite and --fill exclude each other")
    if not has_source:
        raise click.UsageError(
            "say where the facts come from: use --derive, --from, --cloud or --set"
        )
    if not handles and not request.everyone:
        raise click.UsageError("say which guests to stamp: name them, or use --all")
    if handles and request.everyone:
        raise click.UsageError("--all and handles exclude each other")
    if request.force and not handles:
        raise click.UsageError("--force needs the guests to be named")


def assigned(assignments: Sequence[str]) -> Facts:
    """The facts of ``--set``. Raises ``UsageError``."""
    try:
        return parse_assignments(assignments)
    except BadAssignment as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise click.UsageError(f"{error.message}{hint}") from error
