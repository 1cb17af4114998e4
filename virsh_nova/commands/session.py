"""What the options before the command say: which host to open, and what to report at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from ..console import complain
from ..errors import EXIT_FAILED

if TYPE_CHECKING:
    from ..hosts.files.host import RecordedHost
    from ..hosts.libvirt.connection import Host

PROGRAM = "nova-domains"
COMPLETION_VARIABLE = "_NOVA_DOMAINS_COMPLETE"
_COMPLETION_TIMEOUT = 2.0
"""Seconds that somebody who pressed the tab key is kept waiting at most."""


@dataclass(slots=True)
class Session:
    """One run of the program: the options before the command, and the hosts it opened."""

    uri: str | None
    demo: bool
    timeout: float
    no_color: bool
    offline: bool = False
    files: tuple[str, ...] = ()
    recorded: list[RecordedHost] = field(default_factory=list)
    """The hosts opened from files, whose notes are due at the end."""

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

    @property
    def invocation(self) -> tuple[str, ...]:
        """How this libvirt is reached on the command line; empty for files, which none reaches."""
        if self.offline or self.files:
            return ()
        if self.demo:
            return (PROGRAM, "--demo")
        return (PROGRAM, "-c", self.uri) if self.uri else (PROGRAM,)

    def finish(self) -> int:
        """Report what was read in libvirt's place and what of it could not be; the exit code."""
        code = 0
        for host in self.recorded:
            for fault in host.faults:
                complain(fault, kind="warning")
            complain(host.notice, kind="note")
            if host.incomplete:
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
