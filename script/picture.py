"""Draw screens of ``nova-domains --demo`` as SVG: picture.py FOLDER.

The pictures follow the reader's browser: light, or dark where the reader prefers that.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

from rich.cells import cell_len

COLUMNS = 100
PICTURES = {
    "list.svg": "list",
    "whose.svg": "whose tap58294a90-c1 10.40.0.5 tap7856881e-04",
}

# Of one cell, and around the text, in pixels. Most monospaced fonts are 0.6 as wide as high.
_SIZE, _WIDTH, _HEIGHT, _MARGIN = 14, 8.4, 19, 16
_FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
_CLASSES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "35": "magenta"}
"""What the palette of ``render/style.py`` uses, by its codes."""

_STYLE = f"""\
text {{ font: {_SIZE}px {_FONTS}; white-space: pre; fill: #1f2328 }}
.bold {{ font-weight: bold }}
.screen {{ fill: #ffffff; stroke: #d1d9e0 }}
.dim {{ fill: #656d76 }}
.green {{ fill: #1a7f37 }}
.red {{ fill: #cf222e }}
.magenta {{ fill: #8250df }}
"""
_DARK = """\
text { fill: #e6edf3 }
.screen { fill: #0d1117; stroke: #3d444d }
.dim { fill: #8b949e }
.green { fill: #3fb950 }
.red { fill: #ff7b72 }
.magenta { fill: #d2a8ff }
"""

_SGR = re.compile(r"\x1b\[([0-9;]*)m")


class Run(NamedTuple):
    """Text of one look in a line."""

    column: int
    text: str
    classes: tuple[str, ...]


def on_terminal(arguments: list[str], columns: int) -> str:
    """What nova-domains writes to a terminal of that width."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "virsh_nova", *arguments]
    with subprocess.Popen(command, stdout=follower, stdin=follower, env=environment) as process:
        os.close(follower)
        output = b""
        try:
            while data := os.read(leader, 65536):
                output += data
        except OSError:
            pass  # EIO: the command has ended.
    os.close(leader)
    if process.returncode != 0:
        sys.exit(process.returncode)
    return output.decode().replace("\r\n", "\n")


def runs_of(line: str) -> Iterator[Run]:
    """The words of a line by their look. Raises ``KeyError`` for a look that is not drawn here."""
    column = 0
    looks: tuple[str, ...] = ()
    for place, part in enumerate(_SGR.split(line)):
        if place % 2:
            codes = [code for code in part.split(";") if code]
            looks = () if codes in ([], ["0"]) else (*looks, *(_CLASSES[code] for code in codes))
            continue
        # Blanks between columns are not drawn: a font of another width would move what follows.
        for word in re.finditer(r"\S+(?: \S+)*", part):
            yield Run(column + cell_len(part[: word.start()]), word[0], looks)
        column += cell_len(part)


def svg(screen: str, columns: int) -> str:
    """A terminal's text, with its codes for bold, dim and colour, as a picture."""
    lines = screen.rstrip("\n").split("\n")
    width = round(columns * _WIDTH + 2 * _MARGIN)
    height = len(lines) * _HEIGHT + 2 * _MARGIN
    drawn = []
    for number, line in enumerate(lines):
        for column, text, classes in runs_of(line):
            x = f"{_MARGIN + column * _WIDTH:.1f}"
            y = _MARGIN + number * _HEIGHT + _SIZE
            look = f' class="{" ".join(classes)}"' if classes else ""
            length = f"{cell_len(text) * _WIDTH:.1f}"
            drawn.append(
                f'<text x="{x}" y="{y}" textLength="{length}"{look}>{escape(text)}</text>\n'
            )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">\n'
        f"<style>\n{_STYLE}@media (prefers-color-scheme: dark) {{\n{_DARK}}}\n</style>\n"
        f'<rect class="screen" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>\n'
        f"{''.join(drawn)}</svg>\n"
    )


def draw(folder: Path) -> None:
    for name, arguments in PICTURES.items():
        screen = on_terminal(["--demo", *arguments.split()], COLUMNS)
        prompt = f"\x1b[2m$\x1b[0m nova-domains --demo {arguments}\n"
        (folder / name).write_text(svg(prompt + screen, COLUMNS), encoding="utf-8")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
