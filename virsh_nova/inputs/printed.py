"""Lists that commands print for people, saved to a file where data was meant.

None of them is read back: a table cuts and wraps what it holds, and a CSV flattens it.
"""

from __future__ import annotations

import re

_BEGINNING = 4096
_MOST_LINES = 5
"""A warning or the command itself may come before the list."""
_BORDER = re.compile(r"\+-[-+]*-\+")
_CELLS = re.compile(r"\|.*\|")
_CSV = re.compile(r'"?[\w .:-]+"?(?:,"?[\w .:-]+"?)+')
_VIRSH = re.compile(r"Id +Name +State")
_SERVERS = {"id", "name"}, {"status", "networks", "flavor", "flavor name", "image", "host"}
_OURS = {"uuid", "domain"}


def printed_as(text: str) -> str | None:
    """What printed list a text is, as a phrase; None for one that is none."""
    lines = [line.strip() for line in text[:_BEGINNING].splitlines() if line.strip()]
    for number, line in enumerate(lines[:_MOST_LINES]):
        if _VIRSH.fullmatch(line):
            return "the output of virsh list, which names guests and does not describe them"
        if _BORDER.fullmatch(line):
            header = lines[number + 1] if number + 1 < len(lines) else ""
            if _CELLS.fullmatch(header):
                return _described("a table", header.strip("|").split("|"))
        if _CSV.fullmatch(line):
            described = _described("CSV", line.split(","))
            if described != "CSV":
                return described
    return None


def _described(form: str, header: list[str]) -> str:
    names = {name.strip().strip('"').lower() for name in header}
    always, usual = _SERVERS
    if always <= names and names & usual:
        return f"{form} of servers, as openstack server list prints it"
    if always <= names:
        return f"{form} of ids and names, as the openstack client prints it"
    if names >= _OURS:
        return f"{form} of guests, as nova-domains list prints it"
    return form
