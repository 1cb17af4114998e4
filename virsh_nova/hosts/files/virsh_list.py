"""The table that ``virsh list --all`` prints, as a sos report keeps it."""

from __future__ import annotations

from typing import NamedTuple

from ...guests.states import VIRSH_WORDS

_LONGEST_LINE = 10_000


class Listed(NamedTuple):
    id: int | None
    state: str


def read_listing(data: bytes) -> dict[str, Listed]:
    """By domain name; lines that do not belong to the table are skipped.

    ::

         Id   Name                State
        ------------------------------------
         2    instance-0000002a   running
         -    instance-0000002b   shut off
    """
    listed: dict[str, Listed] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        if len(line) > _LONGEST_LINE:
            continue
        # Names and states may hold blanks: the name is what lies between the first and last column.
        number, _, rest = line.strip().partition(" ")
        if number != "-" and not (number.isascii() and number.isdigit() and len(number) < 10):
            continue
        for words, state in VIRSH_WORDS.items():
            if rest.endswith(f" {words}"):
                name = rest.removesuffix(words).strip()
                listed[name] = Listed(None if number == "-" else int(number), state)
                break
    return listed
