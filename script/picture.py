"""Write a picture of ``nova-domains --demo list`` as a terminal shows it: picture.py FILE."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

COLUMNS = 134
"""Just wide enough for the rows of the Nova instances to stand in one line each."""

FONTS = "'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace"

THEME = TerminalTheme(
    background=(24, 26, 31),
    foreground=(214, 218, 226),
    normal=[
        (24, 26, 31),
        (240, 113, 120),
        (135, 201, 120),
        (232, 191, 106),
        (110, 168, 245),
        (198, 146, 233),
        (98, 196, 206),
        (214, 218, 226),
    ],
    bright=[
        (104, 112, 128),
        (255, 133, 139),
        (158, 219, 143),
        (246, 210, 137),
        (138, 188, 255),
        (216, 170, 247),
        (126, 215, 224),
        (255, 255, 255),
    ],
)


def on_terminal(arguments: list[str], columns: int) -> str:
    """What nova-domains writes to a terminal of that width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "COLUMNS": str(columns),
    }
    command = [sys.executable, "-m", "virsh_nova", *arguments]
    with subprocess.Popen(command, stdout=slave, stdin=slave, env=environment) as process:
        os.close(slave)
        output = b""
        try:
            while data := os.read(master, 65536):
                output += data
        except OSError:
            pass  # That is how Linux tells the end of a terminal.
    if process.returncode != 0:
        sys.exit(process.returncode)
    return output.decode().replace("\r\n", "\n")


def svg(ansi: str, columns: int, title: str) -> str:
    """The same as SVG, by rich's own export, with fonts of the reader's machine."""
    console = Console(record=True, width=columns, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(ansi), end="")
    form = re.sub(r" *@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    form = form.replace("Fira Code, monospace", FONTS)
    picture = console.export_svg(title=title, theme=THEME, code_format=form, unique_id="list")
    return "".join(f"{line.rstrip()}\n" for line in picture.splitlines()).lstrip()


if __name__ == "__main__":
    ansi = on_terminal(["--demo", "list"], COLUMNS)
    Path(sys.argv[1]).write_text(svg(ansi, COLUMNS, "nova-domains --demo list"), encoding="utf-8")
