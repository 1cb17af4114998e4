"""One file that describes a domain: its identity, its state, and the ``<domain>`` in it.

libvirt always uses the same layout, so that the beginning of a file is enough, without parsing the
rest; a file that looks different is parsed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lxml import etree

from ...block.reader import integer
from ...guests.states import REASONS, STATES
from ...safe_xml import read_xml

_DOMAIN = (
    r"<domain type='[\w-]{1,20}'(?: id='(\d{1,9})')?(?: xmlns:qemu='[^'<&]{1,99}')?>\n"
    r"%s  <name>([^<&\x00-\x1f]+)</name>\n"
    r"%s  <uuid>([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})</uuid>\n"
)
_PLAIN = re.compile(_DOMAIN % ("", ""), re.ASCII)
_INDENTED = re.compile(_DOMAIN % ("  ", "  "), re.ASCII)
_STATUS = re.compile(
    r"<domstatus state='([a-z]{1,20})' reason='([a-z -]{1,40})' pid='(\d{1,9})'>\n", re.ASCII
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
_LARGEST_NUMBER = 2**31


class Unusable(ValueError):
    """A file that describes no domain, in a phrase."""


class DomainFile(NamedTuple):
    uuid: str
    name: str
    id: int | None
    xml: str
    """The ``<domain>`` alone."""
    indent: str
    """The blanks before each of its lines in the file."""
    live: bool
    """Whether it was in a ``<domstatus>``, which has the next three as well."""
    state: str | None = None
    reason: str | None = None
    pid: int | None = None


def read_domain_file(data: bytes) -> DomainFile:
    """Raises ``Unusable``."""
    try:
        return _at_a_glance(data.decode()) or _parsed(data)
    except UnicodeDecodeError:
        return _parsed(data)


def _at_a_glance(text: str) -> DomainFile | None:
    """None for a file that is not in libvirt's layout, or is cut off."""
    start = 0
    if text.startswith("<!--"):
        start = text.find("-->") + 3
        while text[start : start + 1] == "\n":
            start += 1
    status = _STATUS.match(text, start)
    if status is None:
        found = _PLAIN.match(text, start)
        end = text.rfind("\n</domain>") + len("\n</domain>")
        if found is None or text[end:].strip():
            return None
        return DomainFile(found[3], found[2], _number(found[1]), text[start:end], "", live=False)
    begin = text.find("\n  <domain ", status.end()) + 3
    found = _INDENTED.match(text, begin)
    end = text.rfind("\n  </domain>") + len("\n  </domain>")
    if found is None or text[end:].strip() != "</domstatus>":
        return None
    # Comments and the like can hold text that only looks like an element.
    if text.find("<!", status.end(), begin) >= 0 or text.find("<?", status.end(), begin) >= 0:
        return None
    state, reason = _state(status[1], status[2])
    pid = _number(status[3])
    return DomainFile(
        found[3], found[2], _number(found[1]), text[begin:end], "  ", True, state, reason, pid
    )


def _parsed(data: bytes) -> DomainFile:
    try:
        root = read_xml(data)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unusable(f"broken XML: {(str(error).splitlines() or ['empty'])[0][:200]}") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[attr-defined, unused-ignore]
        raise Unusable("it has a document type, which libvirt never writes")
    status = root if root.tag == "domstatus" else None
    domain = root if status is None else status.find("domain")
    if domain is None or domain.tag != "domain":
        raise Unusable("it holds no <domain>")
    uuid, name = domain.findtext("uuid", "").strip(), domain.findtext("name", "")
    if not _UUID.fullmatch(uuid):
        raise Unusable("its domain has no uuid")
    if not name.strip():
        raise Unusable("its domain has no name")
    plain = uuid.replace("-", "").lower()
    uuid = "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
    xml = etree.tostring(domain, encoding="unicode", with_tail=False)
    number = _number(domain.get("id"))
    if status is None:
        return DomainFile(uuid, name, number, xml, "", live=False)
    state, reason = _state(status.get("state", ""), status.get("reason", ""))
    pid = _number(status.get("pid"))
    return DomainFile(uuid, name, number, xml, "  ", True, state, reason, pid)


def _number(text: str | None) -> int | None:
    number = integer(text)
    return number if number is not None and 0 <= number < _LARGEST_NUMBER else None


def _state(state: str, reason: str) -> tuple[str | None, str | None]:
    if state not in STATES:
        return None, None
    return state, reason if reason in REASONS.get(state, ()) else None
