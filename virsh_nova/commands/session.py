"""What the options before the command say: which hosts to open, and what to report at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from ..console import complain, talk
from ..errors import EXIT_FAILED, EXIT_UNREACHABLE
from ..hosts.open import fleet_of, open_host, open_libvirt
from ..render.safe import visible

if TYPE_CHECKING:
    from ..hosts.fleet import Fleet
    from ..hosts.host import Host
    from ..hosts.libvirt.connection import LibvirtHost
    from ..render.progress import ProgressBar

PROGRAM = "nova-domains"
COMPLETION_VARIABLE = "_NOVA_DOMAINS_COMPLETE"
FANOUT = 64
_COMPLETION_TIMEOUT = 2.0
"""Seconds that a press of the tab key may take at most."""


@dataclass(slots=True)
class Session:
    """One run of the program: the options before the command, and the hosts it opened."""

    uris: tuple[str, ...]
    """The libvirts to connect to; the usual one if there are none."""
    demo: bool
    timeout: float
    no_color: bool
    offline: bool = False
    files: tuple[str, ...] = ()
    fanout: int = FANOUT
    """Hosts that are read at once."""
    asks: bool = True
    """Whether ssh may ask on the terminal: not for hosts of ``--hosts``, even if it is only one."""
    stdin_taken: str = ""
    """The option that has already read the names of the hosts from stdin; empty if none has."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What ``--hosts`` calls the hosts, by their URIs."""
    opened: list[Host] = field(default_factory=list)
    """The hosts whose notes are due at the end."""
    opened_fleet: Fleet | None = None

    @property
    def is_fleet(self) -> bool:
        """Whether there are several hosts to connect to."""
        return len(self.uris) > 1

    @property
    def uri(self) -> str | None:
        """The one libvirt to connect to; None for the usual one."""
        return self.uris[0] if self.uris else None

    def open(self) -> Host:
        """The host to read, or all of them as one. Raises ``HostError``."""
        if self.is_fleet:
            return self.fleet()
        host = open_host(
            self.uri,
            demo=self.demo,
            offline=self.offline,
            files=self.files,
            timeout=self.timeout,
            asks=self.asks,
        )
        self.opened.append(host)
        return host

    def fleet(self) -> Fleet:
        """The hosts that the options mean, even if it is only one; not opened yet."""
        self.opened_fleet = fleet_of(
            self.uris,
            names=self.names,
            demo=self.demo,
            offline=self.offline,
            files=self.files,
            timeout=self.timeout,
            asks=self.asks,
            fanout=self.fanout,
        )
        self.opened.append(self.opened_fleet)
        return self.opened_fleet

    def open_libvirt(self, *, writable: bool = False) -> LibvirtHost:
        """The host through its daemon. Raises ``HostError``."""
        host = open_libvirt(
            self.uri, demo=self.demo, timeout=self.timeout, writable=writable, asks=self.asks
        )
        self.opened.append(host)
        return host

    def progress_bar(self) -> ProgressBar:
        """For the reading: it counts the guests of one host, or the hosts of a fleet.

        Of files it counts the one or the other: what they hold is found out on the way.
        """
        from ..render.progress import ProgressBar  # --help does without threads

        if self.files:
            return ProgressBar("Reading")
        return ProgressBar("Reading hosts" if self.is_fleet else "Reading guests")

    def refuse_to_write(self, command: str) -> None:
        """Raises ``UsageError`` where ``command`` has nothing to write to, or too much."""
        if self.offline or self.files:
            option = "--files" if self.files else "--offline"
            raise click.UsageError(f"{option} only reads; stamp and undo need libvirt itself")
        if self.is_fleet:
            raise click.UsageError(
                f"{command} writes to one host at a time, not to {len(self.uris)}; Ansible runs it "
                f"on many: ansible HOSTS -b -m command -a '{PROGRAM} {command} … --yes'"
            )

    def refuse_stdin(self, option: str) -> None:
        """Raises ``UsageError`` if what ``option`` would read from stdin were names of hosts."""
        if self.stdin_taken:
            raise click.UsageError(f"{self.stdin_taken} - and {option} cannot both read stdin")

    @property
    def invocation(self) -> tuple[str, ...]:
        """How this libvirt is reached on the command line; empty for files, which none reaches,
        and for several."""
        if self.offline or self.files or self.is_fleet:
            return ()
        if self.demo:
            return (PROGRAM, "--demo")
        return (PROGRAM, "-c", self.uri) if self.uri else (PROGRAM,)

    @property
    def invocations(self) -> Mapping[str, tuple[str, ...]]:
        """How each host of a fleet is reached, by its name, once they have been read."""
        sources = self.opened_fleet.sources if self.opened_fleet and self.is_fleet else {}
        return {name: (PROGRAM, "-c", source) for name, source in sources.items()}

    def trace_calls(self) -> None:
        """Print each call to a host on stderr as it is made, and how long it took."""
        from ..hosts import calls  # nothing else needs it before a host is opened

        calls.trace = lambda text: talk(f"nova-domains: debug: {visible(text)}\n")

    def finish(self) -> int:
        """Report what the hosts have to say of the reading; the exit code."""
        code = 0
        for host in self.opened:
            notes = host.notes
            for line in notes.lines:
                complain(line.text, kind=line.kind)
            if notes.incomplete:
                code = EXIT_FAILED
        if self.opened_fleet is not None and self.opened_fleet.is_unreachable:
            code = EXIT_UNREACHABLE
        return code

    @property
    def missing(self) -> str:
        """Why guests may be missing, in a few words; empty if none are."""
        for host in self.opened:
            if host.notes.incomplete:
                warnings = (line.text for line in host.notes.lines if line.kind == "warning")
                return next(warnings, "guests may be missing")
        return ""


def completion_session(options: Mapping[str, Any]) -> Session | None:
    """A session for the shell's completion, from the program's options as click parsed them.

    None for several hosts: too many to ask for a press of the tab key.
    """
    uris = tuple(options.get("uris") or ())
    if len(uris) > 1 or options.get("sets") or options.get("hostfiles"):
        return None
    return Session(
        uris,
        bool(options.get("demo")),
        min(options.get("timeout") or _COMPLETION_TIMEOUT, _COMPLETION_TIMEOUT),
        no_color=True,
        offline=bool(options.get("offline")),
        files=tuple(options.get("files") or ()),
    )
