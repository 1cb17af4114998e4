"""Options that several commands share, as decorators."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

import click

from ..guests.select import Selection
from ..model import KINDS
from .types import AddressOrNetwork, ColumnName, State, refuse_nan

Command = TypeVar("Command", bound=Callable[..., Any])


DOCUMENTS = ("json", "jsonl", "yaml")
"""The formats that hold everything; of the others each has its columns."""


class Manner(NamedTuple):
    """How a plan is shown and carried out: the options that stamp and undo share."""

    journal: str | None
    """Where to write the journal; None for the usual folder."""
    patience: float
    """Seconds to wait for one guest."""
    dry_run: bool
    yes: bool
    format_: str
    no_color: bool

    @property
    def as_json(self) -> bool:
        return self.format_ == "json"


def plan_options(command: Command) -> Command:
    """The options of commands that show a plan, ask, and write: passed as ``manner``."""
    for option in (
        click.option("--no-color", is_flag=True, help="Print plain text on a terminal too."),
        click.option(
            "-f",
            "--format",
            "format_",
            type=click.Choice(("table", "json")),
            default="table",
            show_default=True,
            help="Print the plan and its result in this format.",
        ),
        click.option(
            "--patience",
            type=click.FloatRange(min=0, min_open=True),
            default=35,
            show_default=True,
            callback=refuse_nan,
            metavar="SECONDS",
            help="Wait so long for one guest; libvirt gives up on a stuck QEMU after 30.",
        ),
        click.option(
            "--journal",
            type=click.Path(dir_okay=False),
            metavar="PATH",
            help="Write the journal to this new file.  [default: a file in /var/lib/nova-domains "
            "for root, in the XDG state folder for others]",
        ),
        click.option("-y", "--yes", is_flag=True, help="Write without asking."),
        click.option("-n", "--dry-run", is_flag=True, help="Show the plan and stop."),
    ):
        command = option(command)
    return collected(command, "manner", Manner)


def filter_options(command: Command) -> Command:
    """The options that choose guests: passed as ``selection``."""
    for option in (
        click.option(
            "--ip",
            "networks",
            type=AddressOrNetwork(),
            multiple=True,
            help="Show only guests with this fixed address, or one in this CIDR.",
        ),
        click.option(
            "--flavor",
            "flavors",
            metavar="GLOB",
            multiple=True,
            help="Show only guests of this flavor: name or id.",
        ),
        click.option(
            "--user",
            "users",
            metavar="GLOB",
            multiple=True,
            help="Show only guests of this user: name or id.",
        ),
        click.option(
            "--project",
            "projects",
            metavar="GLOB",
            multiple=True,
            help="Show only guests of this project: name or id.",
        ),
        click.option(
            "--domain",
            "domains",
            metavar="GLOB",
            multiple=True,
            help="Show only guests with this libvirt name.",
        ),
        click.option(
            "--name",
            "names",
            metavar="GLOB",
            multiple=True,
            help="Show only guests with this display name.",
        ),
        click.option(
            "--state", "states", type=State(), multiple=True, help="Show only guests in this state."
        ),
        click.option(
            "--manager",
            "managers",
            metavar="GLOB",
            multiple=True,
            help="Show only guests of this manager.",
        ),
        click.option(
            "--kind",
            "kinds",
            type=click.Choice(KINDS),
            multiple=True,
            help="Show only guests of this kind.",
        ),
    ):
        command = option(command)
    return collected(command, "selection", Selection)


def collected(command: Command, name: str, record: type[Any]) -> Command:
    """Pass the options of the record's fields as one argument."""

    @wraps(command)
    def with_record(*arguments: Any, **options: Any) -> Any:
        options[name] = record(**{field: options.pop(field) for field in record._fields})
        return command(*arguments, **options)

    return cast(Command, with_record)


def output_options(
    *formats: str, column_help: str, columns: Any = None
) -> Callable[[Command], Command]:
    """The options that say how a command's result is printed; its columns are those of list."""

    def decorate(command: Command) -> Command:
        for option in (
            click.option("--no-color", is_flag=True, help="Print plain text on a terminal too."),
            click.option(
                "-c",
                "--column",
                "columns",
                type=columns or ColumnName(),
                multiple=True,
                help=column_help,
            ),
            click.option(
                "-f",
                "--format",
                "format_",
                type=click.Choice(formats),
                default="table",
                show_default=True,
                help="Print the result in this format.",
            ),
        ):
            command = option(command)
        return command

    return decorate
