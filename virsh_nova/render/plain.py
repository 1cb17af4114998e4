"""The table for a pipe: tabulate's, never cut."""

from __future__ import annotations

from collections.abc import Sequence

import tabulate

from .flat import text_of
from .safe import cell
from .sections import Section

# A name may begin or end with blanks.
tabulate.PRESERVE_WHITESPACE = True


def plain_table(sections: Sequence[Section]) -> str:
    return "\n".join(_section(section) for section in sections)


def _section(section: Section) -> str:
    rows = [
        [cell(text_of(column.value(guest))) for column in section.columns]
        for guest in section.guests
    ]
    headers = [column.name.upper() for column in section.columns]
    table = tabulate.tabulate(rows, headers, tablefmt="simple", disable_numparse=True)
    return f"{section.title} ({len(section.guests)})\n\n{table}\n"
