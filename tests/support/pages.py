"""The pages of docs/. ``python -m tests.support.pages`` renews what is made from the code."""

import json
import os
import re
import subprocess
import sys
from typing import Any

from click.testing import CliRunner

from tests.support.consoles import rerun
from tests.support.paths import ROOT
from virsh_nova.check.codes import CODES
from virsh_nova.cli import cli

DOCS = ROOT / "docs"


HELP_BLOCK = re.compile(r"(?<=^<!-- help:) *(.*?) *-->\n```text\n(.*?)```$", re.M | re.S)


JSON_BLOCK = re.compile(r"^```json\n(.*?)```$", re.M | re.S)


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def demo(*arguments: str) -> Any:
    """The JSON of the example host, as if it had one name everywhere, and no clock."""
    done = subprocess.run(
        [sys.executable, "-m", "virsh_nova", "--demo", *arguments, "-f", "json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        capture_output=True,
        check=True,
    )
    same = {"host": "compute-1", "read_at": "2026-11-25T09:30:00Z"}
    return [{**guest, **same} for guest in json.loads(done.stdout)]


def help_of(command: str) -> str:
    runner = CliRunner()
    words = [*command.split(), "--help"]
    return runner.invoke(cli, words, prog_name="nova-domains", terminal_width=100).output


def json_example() -> str:
    (guest,) = demo("list", "--name", "web-1")
    return json.dumps(guest, indent=2, ensure_ascii=False) + "\n"


FINDINGS = DOCS / "findings.md"
FINDINGS_HEAD = """\
# What check finds

[`nova-domains check`](commands.md#nova-domains-check) prints these. The codes are stable:
`--ignore CODE` leaves one out, `--explain CODE` prints its section of this page. What Nova does by
design is a note at most.

<!-- Made from virsh_nova/check/codes.py by: python -m tests.support.pages -->
"""


def findings_page() -> str:
    """docs/findings.md, from the table of codes."""
    parts = [FINDINGS_HEAD, "| Code | Severity | |\n|---|---|---|\n"]
    for code in CODES.values():
        parts[-1] += f"| [`{code.code}`](#{code.code}) | {code.severity} | {code.title} |\n"
    for code in CODES.values():
        parts.append(
            f"## {code.code}\n\n"
            f"*{code.severity}*: {escaped(code.title)}\n\n"
            f"{escaped(code.meaning)}\n\n"
            f"**What follows.** {escaped(sentence(code.consequence))}\n\n"
            f"**How it comes about.** {escaped(code.cause)}\n\n"
            f"**What to do.** {escaped(code.remedy)}\n"
        )
    return "\n".join(parts)


def sentence(phrase: str) -> str:
    return f"{phrase[0].upper()}{phrase[1:]}."


def escaped(text: str) -> str:
    return text.replace("<", "&lt;")


def renew() -> None:
    """Write what is made from the code into the pages."""
    page = HELP_BLOCK.sub(
        lambda block: f" {block[1]} -->\n```text\n{help_of(block[1])}```".replace("  -->", " -->"),
        text_of("commands.md"),
    )
    (DOCS / "commands.md").write_text(page, encoding="utf-8")
    head, _, _ = text_of("json.md").partition("```json\n")
    (DOCS / "json.md").write_text(f"{head}```json\n{json_example()}```\n", encoding="utf-8")
    FINDINGS.write_text(findings_page(), encoding="utf-8")
    for path in (ROOT / "README.md", *DOCS.glob("*.md")):
        path.write_text(rerun(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    renew()
