"""stdout carries data, stderr carries talk; and what may go wrong with either."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Sequence
from io import StringIO, TextIOWrapper
from typing import TYPE_CHECKING, Any

from click import ClickException, MissingParameter, UsageError

from .render.safe import visible
from .render.style import wrapped

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


def write_documents(documents: Iterable[dict[str, Any]], format_: str, *, one_a_line: bool) -> None:
    """Objects as JSON, JSON lines or YAML; ``one_a_line`` keeps JSON compact.

    Of JSON lines each is written before the next document is made.
    """
    # The choice of a format: PyYAML takes a while to import.
    from .render.serial import as_json, as_json_lines, as_yaml

    ascii_only = not speaks_unicode()
    if format_ == "jsonl":
        sys.stdout.writelines(as_json_lines(documents, ascii_only=ascii_only))
    elif format_ == "yaml":
        write(as_yaml(list(documents), ascii_only=ascii_only))
    else:
        write(as_json(list(documents), one_a_line=one_a_line, ascii_only=ascii_only))


def warn_of_faults(guests: Sequence[Guest]) -> None:
    """A warning for everything that is wrong with what was read of the guests."""
    several_hosts = len({guest.host for guest in guests}) > 1
    for guest in sorted(guests, key=lambda guest: guest.domain):
        where = f" on {guest.host}" if several_hosts and guest.host else ""
        for fault in guest.faults:
            complain(f"{guest.domain} ({guest.uuid}){where}: {fault}", kind="warning")


_quiet = False


def keep_quiet() -> None:
    """Drop notes from now on; warnings and errors stay."""
    global _quiet
    _quiet = True


def complain(message: str, hint: str = "", *, kind: str = "error") -> None:
    """A line on stderr, and the hint in the next. ``kind`` is error, warning or note.

    On a terminal they are wrapped at words. Names in them come from others.
    """
    if kind == "note" and _quiet:
        return
    said = [(kind, message), *([("hint", hint)] if hint else [])]
    for what, text in said:
        # libvirt's own words can span lines.
        line = visible(f"nova-domains: {what}: {' '.join(text.splitlines())}")
        talk("".join(f"{part}\n" for part in _on_stderr(line)))


def complain_of_usage(error: ClickException) -> None:
    """click's own words, which quote what was typed: perhaps a name that somebody else chose."""
    # In a pipe click would drop escape sequences. What is missing was not typed, and has lines.
    text = error.format_message()
    text = text if isinstance(error, MissingParameter) else visible(text)
    context = error.ctx if isinstance(error, UsageError) else None
    said = StringIO()
    UsageError(text, context).show(said)
    talk("\n".join(map(visible, said.getvalue().expandtabs(4).split("\n"))))


def _on_stderr(line: str) -> list[str]:
    """The line as the terminal holds it; in a pipe as it is."""
    if not sys.stderr.isatty():
        return [line]
    try:
        width = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        return [line]
    first, *rest = wrapped(line, width or None)
    if not rest:
        return [first]
    below = line[len(first) :].lstrip(" ")
    return [first, *(f"    {part}" for part in wrapped(below, max(width - 4, 20)))]


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
