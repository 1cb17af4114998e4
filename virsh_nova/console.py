"""stdout carries data, stderr carries talk; and what may go wrong with either."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from io import StringIO, TextIOWrapper
from typing import TYPE_CHECKING, Any

from click import ClickException

from .render.safe import visible

if TYPE_CHECKING:
    from .model import Guest


def write(text: str) -> None:
    sys.stdout.write(text)


def draws_for_terminal(no_color: bool) -> bool:
    plain = no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def speaks_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "utf16", "utf32")


def terminal_width() -> int | None:
    """Columns of the terminal on stdout; None in a pipe, where no line is broken."""
    if not sys.stdout.isatty():
        return None
    from shutil import get_terminal_size  # 4 ms that a pipe does without

    return get_terminal_size().columns


def write_documents(documents: list[dict[str, Any]], format_: str, *, one_a_line: bool) -> None:
    """Guests as JSON or YAML; ``one_a_line`` keeps JSON compact."""
    # The choice of a format: PyYAML takes a while to import.
    from .render.serial import as_json, as_yaml

    if format_ == "yaml":
        write(as_yaml(documents, ascii_only=not speaks_unicode()))
    else:
        write(as_json(documents, one_a_line=one_a_line, ascii_only=not speaks_unicode()))


def warn_of_faults(guests: Sequence[Guest]) -> None:
    """A warning for everything that is wrong with what was read of the guests."""
    for guest in sorted(guests, key=lambda guest: guest.domain):
        for fault in guest.faults:
            complain(f"{guest.domain} ({guest.uuid}): {fault}", kind="warning")


def complain(message: str, hint: str = "", *, kind: str = "error") -> None:
    """One line on stderr; names in it come from others."""
    # libvirt's own words can span lines.
    text = " ".join(f"{kind}: {message}".splitlines()) + (f" ({hint})" if hint else "")
    talk(f"nova-domains: {visible(text)}\n")


def complain_of_usage(error: ClickException) -> None:
    """click's own words, which quote what was typed: perhaps a name that somebody else chose."""
    said = StringIO()
    error.show(said)
    talk("\n".join(map(visible, said.getvalue().split("\n"))))


def talk(text: str) -> None:
    """Say something on stderr; that nobody can hear it must not cost what stdout carries."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - open for as long as the process


def prepare_streams() -> None:
    # One that the caller closed is None.
    if sys.stdout is None:
        sys.stdout = ClosedStream()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - open for as long as the process
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 gets replacements, not a crash.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


class ClosedStream(StringIO):
    """In the place of a closed stdout: an error for whoever has something to say."""

    def write(self, _text: str) -> int:
        raise OSError(errno.EBADF, "stdout is closed")


def discard_output() -> None:
    """What is still in the buffer must not raise once more when the process ends."""
    if isinstance(sys.stdout, TextIOWrapper):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
