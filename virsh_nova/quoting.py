"""Names in running text: a tenant can choose any display name, ``good (8dab…): ok`` too."""

from __future__ import annotations

import re

# Words of letters, digits and - _ . @ +, one blank between them.
_PLAIN = re.compile(r"[\w.@+-]+(?: [\w.@+-]+)*")


def quoted(name: str) -> str:
    """The name, between quotes if a reader could take it for more than a name.

    A quote in it is written out: no name can end its own quotation.
    """
    if _PLAIN.fullmatch(name):
        return name
    return '"' + name.replace('"', r"\x22") + '"'
