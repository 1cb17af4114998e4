"""What the options and arguments of the commands take, and how a shell completes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from ..errors import NovaDomainsError
from ..guests.states import STATES, UNKNOWN_STATE

if TYPE_CHECKING:
    from ..hosts.files.host import RecordedHost
    from ..hosts.libvirt.connection import Host

PROGRAM = "nova-domains"
COMPLETION_VARIABLE = "_NOVA_DOMAINS_COMPLETE"

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(slots=True)
class Settings:
    """What was said before the command."""

    uri: str | None
    demo: bool
    timeout: float
    no_color: bool
    offline: bool = False
    files: tuple[str, ...] = ()
    recorded: list[RecordedHost] = field(default_factory=list)
    """The hosts that were opened and are files: what is to be told of them, at the end."""

    def open(self) -> Host | RecordedHost:
        """The host to read. Raises ``HostError``."""
        if not (self.offline or self.files):
            return self.open_libvirt()
        from ..hosts.files.open import open_files, open_offline

        host = open_files(self.files) if self.files else open_offline()
        self.recorded.append(host)
        return host

    def refuse_files(self) -> None:
        """For a command that writes: files are only ever read."""
        if self.offline or self.files:
            option = "--files" if self.files else "--offline"
            raise click.UsageError(f"{option} only reads; stamp and undo need libvirt itself")

    def open_libvirt(self, *, writable: bool = False) -> Host:
        """The host through its daemon. Raises ``HostError``."""
        from ..hosts.libvirt.connection import Host

        if self.demo:
            return Host.open_demo(timeout=self.timeout, writable=writable)
        return Host.open(self.uri, timeout=self.timeout, writable=writable)


# ---- types ------------------------------------------------------------------------


class ColumnName(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    name = "column"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from ..guests.columns import COLUMNS, find_column

        column = find_column(str(value))
        if column is None:
            self.fail(f"no column {value!r}; there are: {', '.join(COLUMNS)}", param, ctx)
        return column

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from ..guests.columns import COLUMNS

        names = (name.replace(" ", "_") for name in COLUMNS)
        return [CompletionItem(name) for name in names if name.startswith(incomplete.lower())]


class State(click.Choice):  # type: ignore[type-arg, unused-ignore]
    """libvirt's states, in its own spelling and in virsh's, and what files leave open."""

    name = "state"

    def __init__(self) -> None:
        super().__init__((*STATES, UNKNOWN_STATE))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        word = "".join(character for character in str(value).lower() if character.isalpha())
        spoken = {"idle": "blocked", "inshutdown": "shutdown", "off": "shutoff"}
        return super().convert(spoken.get(word, word), param, ctx)


class AddressOrNetwork(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from ipaddress import ip_network

        try:
            return ip_network(str(value), strict=False)
        except ValueError:
            self.fail(f"{value!r} is neither an IP address nor a CIDR", param, ctx)


def refuse_nan(_ctx: click.Context, _param: click.Parameter, value: float) -> float:
    """click's ranges let it through: it is neither below nor above anything."""
    if value != value:
        raise click.BadParameter("nan is no time")
    return value


class Handle(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A guest, as ``show`` takes it; completed with the host's domain names and uuids."""

    name = "handle"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        # The group has been parsed and not run: what was said before the command is in its
        # parameters, and nowhere else.
        said = ctx.find_root().params
        timeout = min(said.get("timeout") or 2.0, 2.0)
        settings = Settings(
            said.get("uri"),
            bool(said.get("demo")),
            timeout,
            no_color=True,
            offline=bool(said.get("offline")),
            files=tuple(said.get("files") or ()),
        )
        try:
            sightings = settings.open().sightings()
        except NovaDomainsError:
            return []
        # A name goes into the command line as it is: only one that no shell would read otherwise.
        plain = "-_.:@+"
        names = sorted(
            seen.domain
            for seen in sightings
            if seen.domain.isascii()
            and all(character.isalnum() or character in plain for character in seen.domain)
        )
        handles = [*names, *sorted(seen.uuid for seen in sightings)]
        return [CompletionItem(handle) for handle in handles if handle.startswith(incomplete)]


class ReleaseName(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A release of Nova by number or name."""

    name = "release"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from ..block.releases import find_release

        try:
            return find_release(str(value))
        except NovaDomainsError as error:
            self.fail(f"{error.message} ({error.hint})", param, ctx)


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
