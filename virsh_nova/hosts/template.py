"""A URI with ``%h`` in it, and the URI of each host of a fleet."""

from __future__ import annotations

import re

from ..errors import EXIT_USAGE, NovaDomainsError

PLACE = "%h"
"""Where a host's name goes, as in clush."""
USUAL_URI = f"qemu+ssh://{PLACE}/system"


class NodesError(NovaDomainsError):
    """What was to name hosts names none, or something else."""

    exit_code = EXIT_USAGE


def uri_of(template: str, name: str) -> str:
    """The template with the name in place of ``%h``. Raises ``NodesError``.

    An IPv6 address gets brackets, and a user goes with the name, only where a URI has its host.
    """
    user, at, host = name.rpartition("@")
    host = host.removeprefix("[").removesuffix("]")
    found = re.match(r"([^/?#]*://)([^/?#]*)(.*)", template, re.DOTALL)
    scheme, authority, rest = found.groups() if found else ("", "", template)
    if at and "@" in authority:
        raise NodesError(f"{name!r} names a user, and so does -c {template}")
    there = f"{user}{at}[{host}]" if ":" in host else f"{user}{at}{host}"
    return scheme + authority.replace(PLACE, there) + rest.replace(PLACE, host)


def host_in(name: str) -> str:
    """The host of a name as ``--hosts`` takes it: without user and brackets."""
    return name.rpartition("@")[2].removeprefix("[").removesuffix("]")


def node_of(uri: str) -> str | None:
    """The host that a URI names; None where it names none."""
    found = re.match(r"[^/?#]*://(?:[^/?#@]*@)?(\[[^]/?#]*\]|[^/?#:]*)", uri)
    return found[1].strip("[]") or None if found else None


def without_questions(uri: str) -> str:
    """The URI with which ssh asks nothing: many of them at once cannot share a terminal."""
    scheme, _, rest = uri.partition(":")
    if not scheme.endswith("+ssh") or re.search(r"[?&]no_tty=", rest):
        return uri
    body, mark, fragment = uri.partition("#")
    return f"{body}{'&' if '?' in body else '?'}no_tty=1{mark}{fragment}"
