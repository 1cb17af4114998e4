"""What ``export`` does: read the host, and print or write its metrics.

It is a module of its own because it needs prometheus_client, an extra: the command itself is
loaded without, for its help and its manual page.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from ..console import complain, warn_of_faults, write
from ..errors import NovaDomainsError
from ..hosts.host import Detail, Host
from ..render.prometheus import (
    NOTHING_BEFORE,
    Snapshot,
    as_text,
    families,
    read_textfile,
    write_textfile,
)
from ..render.safe import visible
from .session import Session

_SUFFIX = ".prom"
_LONGEST_FILE = 2**26


class Wanted(NamedTuple):
    """What to expose, beside the guests."""

    findings: bool
    devices: bool
    """Ports and volumes."""
    names: bool
    """What tenants typed."""

    @property
    def detail(self) -> Detail:
        return "hardware" if self.devices else "block"


def export(session: Session, textfile: str | None, wanted: Wanted) -> None:
    """Raises ``NovaDomainsError``, after saying so in the metrics too."""
    if textfile is not None:
        refuse_path(textfile)
    begin = time.monotonic()
    try:
        snapshot = read(session, wanted)
    except Exception:
        # Whatever happened: the old file must not be left to look fresh.
        publish(Snapshot(seconds=time.monotonic() - begin), textfile, wanted.names)
        raise
    publish(snapshot, textfile, wanted.names)


def refuse_path(path: str) -> None:
    """Raises ``NovaDomainsError`` for a file that node_exporter would not read, or that cannot be
    written."""
    folder = os.path.dirname(path) or "."
    if not path.endswith(_SUFFIX):
        hint = f"node_exporter reads only files that end in {_SUFFIX}"
        raise NovaDomainsError(f"--textfile {path}: it does not end in {_SUFFIX}", hint)
    if not os.path.isdir(folder):
        hint = "give node_exporter's --collector.textfile.directory"
        raise NovaDomainsError(f"--textfile {path}: there is no folder {folder}", hint)
    if os.path.isdir(path):
        raise NovaDomainsError(f"--textfile {path}: it is a folder", "name a file in it")
    if not os.access(folder, os.W_OK | os.X_OK):
        hint = "run it as a user who may write there"
        raise NovaDomainsError(f"--textfile {path}: the folder cannot be written to", hint)


def read(session: Session, wanted: Wanted) -> Snapshot:
    """The host's guests, and what check finds. Raises ``NovaDomainsError``."""
    begin = time.monotonic()
    host = session.open()
    guests = host.guests(wanted.detail)
    # Files and documents are as old as they are.
    read_at = host.read_at.timestamp() if host.read_at else time.time()
    seconds = time.monotonic() - begin
    warn_of_faults(guests)
    return Snapshot(
        guests,
        seconds,
        read_at=None if host.notes.incomplete else read_at,
        devices=wanted.devices,
        findings=findings_on(host) if wanted.findings else None,
    )


def findings_on(host: Host) -> Mapping[tuple[str, str], int]:
    """How many findings of each code and severity check has. Warns as check does."""
    # Only this takes what check knows.
    from ..check.codes import CODES
    from ..check.report import CheckOptions, check

    report = check(host, CheckOptions(severity="note"))
    for warning in report.warnings:
        complain(warning.message, warning.hint, kind="warning")
    # What is not found is zero: a series that only ends keeps its alert for five minutes.
    counts: dict[tuple[str, str], int] = {(code.code, code.severity): 0 for code in CODES.values()}
    counts.update(Counter((found.code, found.severity) for found in report.findings))
    return counts


def publish(snapshot: Snapshot, textfile: str | None, names: bool) -> None:
    """Raises ``NovaDomainsError`` where the file cannot be written."""
    before = NOTHING_BEFORE
    if textfile is not None and snapshot.needs_before:
        before = read_textfile(last_text(textfile))
    metrics = families(snapshot, before, names=names)
    if textfile is None:
        text = as_text(metrics)
        # A terminal obeys what tenants can type; a program gets it as it is.
        lines = map(visible, text.split("\n")) if sys.stdout.isatty() else None
        write("\n".join(lines) if lines else text)
        return
    try:
        write_textfile(textfile, metrics)
    except OSError as error:
        raise NovaDomainsError(
            f"--textfile {textfile}: cannot be written: {error.strerror or error}",
            "the last file is still there, and its nova_domains_last_success_timestamp_seconds old",
        ) from error


def last_text(path: str) -> str:
    """What the file holds; nothing where there is none, or it is no such file."""
    if not os.path.isfile(path):
        return ""
    try:
        with open(path, "rb") as file:
            return file.read(_LONGEST_FILE).decode("utf-8", "replace")
    except OSError:
        return ""
