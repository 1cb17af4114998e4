"""What a file is that holds no domain, for the error that says so."""

from __future__ import annotations

from ...block.reader import in_quotes
from ...inputs.printed import printed_as

_LONGEST = 60
_SAVED_STATE = ("LibvirtQemudSave", "LibvirtQemudPart")


def what_it_is(text: str) -> str:
    """In a phrase: ``it begins with 'hello'``."""
    if not text.strip():
        return "it is empty"
    if text.startswith(_SAVED_STATE):
        return "it is the saved state of a guest; virsh save-image-dumpxml shows its XML"
    if "\0" in text[:4096]:
        return "it is not text"
    printed = printed_as(text)
    if printed is not None:
        return f"it is {printed}"
    first = next(line for line in text.splitlines() if line.strip())
    return f"it begins with {in_quotes(first.strip(), _LONGEST)}"
