"""The types of options and arguments, and how a shell completes them.

What a value is compared with is imported once there is a value: up to 5 ms that --help saves.
"""

from __future__ import annotations

import re
from typing import Any

import click
from click.shell_completion import CompletionItem

from ..check.codes import CODES, nearest
from ..errors import NovaDomainsError
from ..guests.states import STATES, UNKNOWN_STATE
from .session import completion_session

_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(s|min|m|h|d|w)?", re.ASCII)


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


class AnswerColumnName(ColumnName):
    """A column of ``whose``: its own, or one of ``list``. The name."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from ..render.whose import ANSWER_COLUMNS

        word = str(value).strip().lower()
        return word if word in ANSWER_COLUMNS else super().convert(value, param, ctx).name

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from ..render.whose import ANSWER_COLUMNS

        own = [CompletionItem(name) for name in ANSWER_COLUMNS if name.startswith(incomplete)]
        return own + super().shell_complete(ctx, param, incomplete)


class HostColumnName(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A column of ``hosts``."""

    name = "column"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from ..hosts.summary import COLUMNS, find_column

        column = find_column(str(value))
        if column is None:
            self.fail(f"no column {value!r}; there are: {', '.join(COLUMNS)}", param, ctx)
        return column

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from ..hosts.summary import COLUMNS

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
        raise click.BadParameter("nan is not a time")
    return value


class Handle(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A guest, as ``show`` takes it; completed with the host's domain names and uuids."""

    name = "handle"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        # The group has been parsed and not run: what was said before the command is in its
        # parameters, and nowhere else.
        session = completion_session(ctx.find_root().params)
        if session is None:
            return []
        try:
            sightings = session.open().sightings()
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


class FindingCode(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    name = "code"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        word = str(value).strip().lower().replace("_", "-")
        if word not in CODES:
            self.fail(f"no finding {value!r}; did you mean {nearest(word)!r}?", param, ctx)
        return word

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [
            CompletionItem(code.code, help=code.title)
            for code in CODES.values()
            if code.code.startswith(incomplete.lower())
        ]


class UsageKey(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """What ``usage`` adds guests up by."""

    name = "key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from ..usage.keys import KEYS, Key, find_key, nearest

        if isinstance(value, Key):
            return value
        key = find_key(str(value))
        if key is None:
            known = ", ".join(KEYS)
            meant = nearest(str(value))
            self.fail(f"no key {value!r}; did you mean {meant!r}? (all: {known})", param, ctx)
        return key

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from ..usage.keys import KEYS

        return [CompletionItem(name) for name in KEYS if name.startswith(incomplete.lower())]


class Duration(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """Seconds, from ``90``, ``90s``, ``10m``, ``1h30m``, ``2d``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value).strip().lower()
        if isinstance(value, float):
            return value
        if not re.fullmatch(f"(?:{_PART.pattern})+", text, re.ASCII):
            self.fail(f"{value!r} is not a duration, such as 90s, 10m, 1h30m, 2d", param, ctx)
        return sum(float(amount) * _SECONDS[unit or "s"] for amount, unit in _PART.findall(text))


class NovaVersion(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    name = "version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from ..check.versions import asked_version

        if isinstance(value, tuple):
            return value
        try:
            return asked_version(str(value))
        except NovaDomainsError as error:
            self.fail(f"{error.message} ({error.hint})", param, ctx)
