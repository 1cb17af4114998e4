"""``nova-domains stamp``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from .. import __version__
from ..console import complain
from ..errors import EXIT_FAILED
from ..hosts.handles import resolve
from ..sources.gather import Sources, gather
from .options import plan_options
from .plan_flow import Manner, execute
from .session import Session
from .types import Handle, ReleaseName

if TYPE_CHECKING:
    from ..block.facts import Facts
    from ..block.releases import Release
    from ..stamp.plan import Signature

_FILE = "FILE"


@click.command("stamp")
@click.argument("handles", metavar="[HANDLE]...", type=Handle(), nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every Nova guest without the block.")
@click.option("--derive", is_flag=True, help="Take what the guest itself still tells.")
@click.option(
    "--from",
    "files",
    metavar=_FILE,
    multiple=True,
    help="Take what a file says: a saved list -f json, the output of openstack server list or "
    "show as JSON or YAML, or an answer of Nova's API; - is stdin. Can be given several times.",
)
@click.option("--projects", metavar=_FILE, multiple=True, help="Names for the ids of projects.")
@click.option("--users", metavar=_FILE, multiple=True, help="Names for the ids of users.")
@click.option("--flavors", metavar=_FILE, multiple=True, help="What else is known of flavors.")
@click.option("--images", metavar=_FILE, multiple=True, help="What else is known of images.")
@click.option("--ports", metavar=_FILE, multiple=True, help="The ports, as Neutron lists them.")
@click.option(
    "--cloud",
    metavar="NAME",
    help="Ask the cloud of that name in clouds.yaml, or envvars for OS_*; needs openstacksdk.",
)
@click.option(
    "--set",
    "assignments",
    metavar="KEY=VALUE",
    multiple=True,
    help="Say it yourself, by the keys of the JSON document: --set flavor.name=m1.small.",
)
@click.option("--overwrite", is_flag=True, help="Replace the block of guests that have one.")
@click.option("--fill", is_flag=True, help="Add to the block of guests that have one.")
@click.option("--force", is_flag=True, help="Stamp a guest of another manager, if it is named.")
@click.option(
    "--release",
    type=ReleaseName(),
    metavar="RELEASE",
    help="Write what that release of Nova writes: 29, 2024.1, caracal; or draft.  [newest]",
)
@click.option(
    "--no-provenance", is_flag=True, help="Leave no element that tells of the backfilling."
)
@plan_options
@click.pass_obj
def stamp_command(
    session: Session,
    handles: Sequence[str],
    everyone: bool,
    derive: bool,
    files: Sequence[str],
    projects: Sequence[str],
    users: Sequence[str],
    flavors: Sequence[str],
    images: Sequence[str],
    ports: Sequence[str],
    cloud: str | None,
    assignments: Sequence[str],
    overwrite: bool,
    fill: bool,
    force: bool,
    release: Release | None,
    no_provenance: bool,
    journal: str | None,
    patience: float,
    dry_run: bool,
    yes: bool,
    format_: str,
    no_color: bool,
) -> int:
    """Write the metadata block onto guests that lack it.

    It shows what would be written first, and asks.

    Say whom (HANDLE as for show, or --all) and where the facts come from: --derive, --from,
    --cloud, --set. Where several know a field, the last of these counts. With --from or --cloud
    alone, every Nova guest is meant.

    Everything that is written stands in a journal first, and undo takes it back.
    """
    from ..render.progress import ProgressBar
    from ..stamp.lock import only_run
    from ..stamp.plan import Options
    from ..stamp.planner import make_plan

    session.refuse_files()
    if overwrite and fill:
        raise click.UsageError("--overwrite and --fill exclude each other")
    if not (derive or files or cloud or assignments):
        raise click.UsageError("say where the facts come from: --derive, --from, --cloud or --set")
    everyone = everyone or (not handles and bool(files or cloud))
    if not handles and not everyone:
        raise click.UsageError("say whom: give handles, or --all")
    if handles and everyone:
        raise click.UsageError("--all and handles exclude each other")
    if force and not handles:
        raise click.UsageError("--force is for guests that are named")
    facts = assigned(assignments)
    with nullcontext() if dry_run else only_run():
        with ProgressBar("Reading guests") as progress:
            host = session.open_libvirt(writable=not dry_run)
            uuids, errors = resolve(host, handles) if handles else ([], [])
            for error in errors:
                complain(error.message, error.hint)
            wanted = frozenset(uuids)
            guests = host.guests(
                "whole",
                chosen=lambda sighting: everyone or sighting.uuid in wanted,
                progress=progress,
            )
            if not dry_run:
                host.refuse_read_only()
        gathered = gather(
            Sources(files, projects, users, flavors, images, ports, cloud),
            host.name,
            frozenset(guest.uuid for guest in guests),
        )
        for warning in gathered.warnings:
            complain(warning, kind="warning")
        options = Options(
            named=wanted,
            everyone=everyone,
            derive=derive,
            assignments=facts,
            overwrite=overwrite,
            fill=fill,
            force=force,
            release=release,
            known_ports=gathered.ports,
            signature=None if no_provenance else signature(),
        )
        plan = make_plan(host.name, guests, gathered.records, options)
        refused = any(step.action == "refused" and step.guest.uuid in wanted for step in plan.steps)
        plain = session.no_color or no_color
        manner = Manner("stamp", journal, patience, dry_run, yes, format_, plain)
        code = execute(plan, host, manner, named=wanted)
        return max(code, EXIT_FAILED if errors or refused else 0)


def assigned(assignments: Sequence[str]) -> Facts:
    if not assignments:
        return {}
    from ..sources.set_option import BadAssignment, parse_assignments

    try:
        return parse_assignments(assignments)
    except BadAssignment as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise click.UsageError(f"{error.message}{hint}") from error


def signature() -> Signature:
    from datetime import datetime, timezone

    from ..stamp.plan import Signature, whoami

    return Signature(datetime.now(timezone.utc).replace(microsecond=0), whoami(), __version__)
