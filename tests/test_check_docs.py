"""docs/findings.md is made from the table in the code: ``python -m tests.test_check_docs``."""

import re
from pathlib import Path

from tests.test_docs import HELP_BLOCK, help_of
from virsh_nova.check.codes import CODES, SEVERITIES

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "findings.md"

HEAD = """\
# What check finds

[`nova-domains check`](commands.md#nova-domains-check) prints these. The codes are stable:
`--ignore CODE` leaves one out, `--explain CODE` prints its section of this page. What Nova does by
design is a note at most.

<!-- Made from virsh_nova/check/codes.py by: python -m tests.test_check_docs -->
"""


def page() -> str:
    parts = [HEAD, "| Code | Severity | |\n|---|---|---|\n"]
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


def test_the_page_of_findings_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.test_check_docs renews it"


def test_the_help_of_check_is_in_the_page_of_commands() -> None:
    blocks = dict(HELP_BLOCK.findall((DOCS / "commands.md").read_text(encoding="utf-8")))
    assert blocks["check"] == help_of("check")


def test_codes_are_short_plain_words() -> None:
    for name, code in CODES.items():
        assert name == code.code
        assert re.fullmatch(r"[a-z]+(-[a-z]+){0,3}", name)
        assert code.severity in SEVERITIES
        for text in (code.title, code.consequence, code.meaning, code.cause, code.remedy):
            assert text.isascii()
            assert text.strip() == text != ""
        assert not code.title.endswith(".")
        assert not code.consequence.endswith(".")
        assert code.meaning.endswith(".")
        assert code.cause.endswith(".")
        assert code.remedy.endswith(".")


def test_the_gravest_come_first() -> None:
    ranks = [SEVERITIES.index(code.severity) for code in CODES.values()]
    assert ranks == sorted(ranks)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    start = text.index("<!-- help: check -->\n```text\n") + len("<!-- help: check -->\n```text\n")
    end = text.index("```", start)
    (DOCS / "commands.md").write_text(text[:start] + help_of("check") + text[end:], "utf-8")
