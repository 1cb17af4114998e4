"""The names of a fleet's hosts: from node sets and files, and folded into a set again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..block.reader import in_quotes
from ..errors import NovaDomainsError
from ..inputs.read import STDIN, EmptyInput, read_bytes, source_name
from .template import NodesError

if TYPE_CHECKING:
    from ClusterShell.NodeSet import NodeSet

WITHOUT_CLUSTERSHELL = "pip install 'nova-domains[fleet]', or the package python3-clustershell"

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_WELCOME = "a name is of letters, digits and . _ -, perhaps with USER@ in front, or an IPv6 address"
_MOST_UNFOLDED = 20
_MOST_NODES = 100_000
"""ClusterShell makes them all at once, with some hundred bytes for each."""
_RANGES = re.compile(r"\[([^\[\]]*)\]")
_RANGE = re.compile(r"([0-9]+)-([0-9]+)(?:/([0-9]+))?")
_LONGEST_SHOWN = 300
"""Characters of a name that is none."""


# ---- from options to names --------------------------------------------------------------------


def node_names(sets: Sequence[str], files: Sequence[str] = ()) -> list[str]:
    """The hosts of ``--hosts`` and ``--hostfile``, each once, in the order given.

    A set is in ClusterShell's syntax, with its groups; ``-`` takes names from stdin. Raises
    ``NodesError``, also for a name that a URI or ssh would take for more than a name.
    """
    if [*sets, *files].count(STDIN) > 1:
        raise NodesError(f"stdin ({STDIN}) can name the hosts only once")
    names: dict[str, None] = {}
    for text in sets:
        found = _names_in(STDIN, "--hosts") if text == STDIN else _expanded(text)
        names.update(dict.fromkeys(checked_names(found, "stdin" if text == STDIN else "--hosts")))
    for path in files:
        names.update(dict.fromkeys(checked_names(_names_in(path, "--hostfile"), source_name(path))))
    return list(names)


def _expanded(text: str) -> list[str]:
    try:
        from ClusterShell.NodeSet import NodeSet, NodeSetException
        from ClusterShell.NodeUtils import GroupResolverError, GroupSourceError
    except ImportError:
        raise NodesError("--hosts needs ClusterShell", WITHOUT_CLUSTERSHELL) from None
    if _size_at_most(text) > _MOST_NODES:
        raise NodesError(f"--hosts: {text[:300]!r} names more than {_MOST_NODES} hosts")
    try:
        names = list(NodeSet(text))
    except (NodeSetException, GroupSourceError) as error:
        raise NodesError(f"--hosts: {' '.join(str(error).split())}") from None
    except GroupResolverError as error:
        # Its whole message may be the name of the source.
        raise NodesError(f"--hosts: {in_quotes(text)}: no such source of groups: {error}") from None
    if not names:
        raise NodesError(f"--hosts: {in_quotes(text)} is an empty set: it names no host")
    return names


def _size_at_most(text: str) -> int:
    """How many nodes the ranges of a set can make, before ClusterShell makes them."""
    size = 1
    for inner in _RANGES.findall(text):
        parts = [_RANGE.fullmatch(part.strip()) for part in inner.split(",")]
        # Numbers of many digits are no ranges of hosts, and take long to read.
        size *= sum(
            1 if part is None else 10 ** min(len(part[2]), 9) if len(part[2]) > 9 else _steps(part)
            for part in parts
        )
    return size


def _steps(part: re.Match[str]) -> int:
    return (int(part[2]) - int(part[1])) // max(int(part[3] or 1), 1) + 1


def _names_in(path: str, option: str) -> list[str]:
    try:
        text = read_bytes(path).decode("utf-8", "backslashreplace")
    except EmptyInput:
        text = ""
    except NovaDomainsError as error:
        raise NodesError(error.message, error.hint) from None
    lines = (_COMMENT.sub("", line).strip() for line in text.splitlines())
    names = [line for line in lines if line]
    if not names:
        raise NodesError(f"{option}: {source_name(path)} names no host")
    return names


def checked_names(names: Iterable[str], source: str) -> Iterator[str]:
    """The names as they are. Raises ``NodesError`` for one that is more than a name."""
    for name in names:
        user, at, host = name.rpartition("@")
        if not (_PLAIN.fullmatch(host) or _is_ipv6(host)) or (at and not _PLAIN.fullmatch(user)):
            raise NodesError(
                f"{source}: {in_quotes(name, _LONGEST_SHOWN)} is not the name of a host", _WELCOME
            )
        yield name


def _is_ipv6(name: str) -> bool:
    if ":" not in name:
        return False
    from ipaddress import AddressValueError, IPv6Address  # 3 ms that names do without

    try:
        # A scope would begin with %, which is an escape in a URI.
        return IPv6Address(name.removeprefix("[").removesuffix("]")).scope_id is None
    except AddressValueError:
        return False


# ---- from names to a set ----------------------------------------------------------------------


def folded(names: Sequence[str]) -> str:
    """``cmp-[017-018]``; without ClusterShell the names themselves, at most twenty."""
    plain = [name for name in names if _PLAIN.fullmatch(name)]
    others = [name for name in names if not _PLAIN.fullmatch(name)]
    nodes = _node_set(plain) if len(plain) > 1 else None
    words = [*([str(nodes)] if nodes is not None else plain), *others]
    if len(words) > _MOST_UNFOLDED:
        words = [*words[:_MOST_UNFOLDED], f"{len(words) - _MOST_UNFOLDED} more"]
    return ",".join(words)


def _node_set(names: Sequence[str]) -> NodeSet | None:
    try:
        # Up to 45 ms, for a fleet of which some have failed.
        from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
    except ImportError:
        return None
    return NodeSet.fromlist(names, resolver=RESOLVER_NOGROUP)
