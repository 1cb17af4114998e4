"""What the options before the command say: which host to open, and what to report at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from ..console import complain, talk
from ..errors import EXIT_FAILED
from ..hosts.open import open_host, open_libvirt, openers
from ..render.safe import visible

if TYPE_CHECKING:
    from ..hosts.fleet import Fleet
    from ..hosts.host import Host
    from ..hosts.libvirt.connection import LibvirtHost

PROGRAM = "nova-domains"
COMPLETION_VARIABLE = "_NOVA_DOMAINS_COMPLETE"
_COMPLETION_TIMEOUT = 2.0
"""Seconds that a press of the tab key may take at most."""


@dataclass(slots=True)
class Session:
    """One run of the program: the options before the command, and the hosts it opened."""

    uri: str | None
    demo: bool
    timeout: float
    no_color: bool
    offline: bool = False
    files: tuple[str, ...] = ()
    fanout: int = 64
    """Hosts that are read at once."""
    opened: list[Host | Fleet] = field(default_factory=list)
    """The hosts whose notes are due at the end."""

    def open(self) -> Host:
        """The host to read. Raises ``HostError``."""
        host = open_host(
            self.uri,
            demo=self.demo,
            offline=self.offline,
            files=self.files,
            timeout=self.timeout,
        )
        self.opened.append(host)
        return host

    def fleet(self) -> Fleet:
        """The hosts that the options mean, even if it is only one; not opened yet."""
        from ..hosts.fleet import Fleet  # one host alone does without

        hosts = openers(
            [self.uri] if self.uri else [],
            demo=self.demo,
            offline=self.offline,
            files=self.files,
            timeout=self.timeout,
        )
        # Files are read no faster by several threads.
        fleet = Fleet(hosts, 1 if self.files else self.fanout)
        self.opened.append(fleet)
        return fleet

    def open_libvirt(self, *, writable: bool = False) -> LibvirtHost:
        """The host through its daemon. Raises ``HostError``."""
        host = open_libvirt(self.uri, demo=self.demo, timeout=self.timeout, writable=writable)
        self.opened.append(host)
        return host

    def refuse_files(self) -> None:
        """For a command that writes: files are only ever read."""
        if self.offline or self.files:
            option = "--files" if self.files else "--offline"
            raise click.UsageError(f"{option} only reads; stamp and undo need libvirt itself")

    @property
    def invocation(self) -> tuple[str, ...]:
        """How this libvirt is reached on the command line; empty for files, which none reaches."""
        if self.offline or self.files:
            return ()
        if self.demo:
            return (PROGRAM, "--demo")
        return (PROGRAM, "-c", self.uri) if self.uri else (PROGRAM,)

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
        return code


def completion_session(options: Mapping[str, Any]) -> Session:
    """A session for the shell's completion, from the program's options as click parsed them."""
    return Session(
        options.get("uri"),
        bool(options.get("demo")),
        min(options.get("timeout") or _COMPLETION_TIMEOUT, _COMPLETION_TIMEOUT),
        no_color=True,
        offline=bool(options.get("offline")),
        files=tuple(options.get("files") or ()),
    )
