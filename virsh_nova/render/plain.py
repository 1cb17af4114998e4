"""The table for a pipe: tabulate's, never cut."""

from __future__ import annotations

from collections.abc import Sequence

import tabulate

from .list import Section

# A name may begin or end with blanks.
tabulate.PRESERVE_WHITESPACE = True


def plain_table(sections: Sequence[Section]) -> str:
    return "\n".join(_section(section) for section in sections)


def _section(section: Section) -> str:
    table = tabulate.tabulate(
        section.rows(), section.headers(), tablefmt="simple", disable_numparse=True
    )
    return f"{section.title} ({len(section.guests)})\n\n{table}\n"
