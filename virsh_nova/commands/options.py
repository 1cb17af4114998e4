"""Options that several commands share, as decorators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from .types import ColumnName, refuse_nan

Command = TypeVar("Command", bound=Callable[..., Any])


def plan_options(command: Command) -> Command:
    """The options of commands that show a plan, ask, and write."""
    for option in (
        click.option("--no-color", is_flag=True, help="Plain text on a terminal too."),
        click.option(
            "-f",
            "--format",
            "format_",
            type=click.Choice(("table", "json")),
            default="table",
            show_default=True,
            help="How to print the plan and what became of it.",
        ),
        click.option(
            "--patience",
            type=click.FloatRange(min=0, min_open=True),
            default=35,
            show_default=True,
            callback=refuse_nan,
            metavar="SECONDS",
            help="How long to wait for one guest; libvirt gives up on a stuck QEMU after 30.",
        ),
        click.option(
            "--journal",
            type=click.Path(dir_okay=False),
            metavar="PATH",
            help="Write the journal there.  [default: a new file in /var/lib/nova-domains for "
            "root, in the XDG state folder for others]",
        ),
        click.option("-y", "--yes", is_flag=True, help="Do not ask."),
        click.option("-n", "--dry-run", is_flag=True, help="Show the plan, and stop there."),
    ):
        command = option(command)
    return command


def output_options(*formats: str, column_help: str) -> Callable[[Command], Command]:
    """The options that say how a command's result is printed."""

    def decorate(command: Command) -> Command:
        for option in (
            click.option("--no-color", is_flag=True, help="The plain table on a terminal too."),
            click.option(
                "-c",
                "--column",
                "columns",
                type=ColumnName(),
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
                help="How to print the result.",
            ),
        ):
            command = option(command)
        return command

    return decorate
