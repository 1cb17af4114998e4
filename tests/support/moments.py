"""What is read twice is read at two moments: documents compare without them."""

from __future__ import annotations

import re

_READ_AT = re.compile(r"""("?\bread_at"?: )['"]\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ['"]""")


def without_moments(text: str) -> str:
    """JSON or YAML of guests, with null for the moments at which they were read."""
    return _READ_AT.sub(r"\1null", text)
