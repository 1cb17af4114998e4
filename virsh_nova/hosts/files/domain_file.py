"""One XML document that describes a domain: its identity, its state, and the ``<domain>`` in it.

libvirt always uses the same layout, so that the beginning of a document is enough, without parsing
the rest; a document that looks different is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from ...block.reader import in_quotes, integer
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
_NEEDED = ("uuid", "name")
_LARGEST_NUMBER = 2**31

SNAPSHOTS = {"domainsnapshot": "snapshot", "domaincheckpoint": "checkpoint"}
"""Roots around a domain as it was at one time, and what that is called."""
ROOTS = ("domain", "domstatus", *SNAPSHOTS)
"""Every element in which libvirt describes a domain."""


class Unusable(ValueError):
    """A document that describes no domain, in a phrase."""


class Broken(Unusable):
    """It is not one XML document."""


class Snapshot(NamedTuple):
    kind: str
    """``snapshot`` or ``checkpoint``."""
    name: str
    taken: int | None
    """Seconds since 1970."""


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
    snapshot: Snapshot | None = None
    """The snapshot whose domain it is."""


class Document(NamedTuple):
    """What one XML document describes: one domain, unless somebody wrapped several in an element
    of his own."""

    domains: tuple[DomainFile, ...]
    faults: tuple[str, ...] = ()
    """Domains in it that cannot be used, and why."""


def read_document(data: str | bytes) -> Document:
    """Raises ``Broken`` and ``Unusable``."""
    try:
        found = _at_a_glance(data if isinstance(data, str) else data.decode())
    except UnicodeDecodeError:
        found = None
    return Document((found,)) if found else _parsed(data)


def _at_a_glance(text: str) -> DomainFile | None:
    """None for a document that is not in libvirt's layout, or is cut off."""
    start = 0
    if text.startswith("<!--"):
        start = text.find("-->") + 3
        while text[start : start + 1] == "\n":
            start += 1
    status = _STATUS.match(text, start)
    if status is None:
        found = _PLAIN.match(text, start)
        end = text.rfind("\n</domain>") + len("\n</domain>")
        # A second one means several documents, or a look-alike.
        if found is None or text[end:].strip() or text.find("<domain", found.end()) >= 0:
            return None
        return DomainFile(found[3], found[2], _number(found[1]), text[start:end], "", live=False)
    begin = text.find("\n  <domain ", status.end()) + 3
    found = _INDENTED.match(text, begin)
    end = text.rfind("\n  </domain>") + len("\n  </domain>")
    if found is None or text[end:].strip() != "</domstatus>":
        return None
    if text.find("<domain", found.end()) >= 0 or text.find("<domstatus", found.end()) >= 0:
        return None
    # Comments and the like can hold text that only looks like an element.
    if text.find("<!", status.end(), begin) >= 0 or text.find("<?", status.end(), begin) >= 0:
        return None
    state, reason = _state(status[1], status[2])
    pid = _number(status[3])
    return DomainFile(
        found[3], found[2], _number(found[1]), text[begin:end], "  ", True, state, reason, pid
    )


def _parsed(data: str | bytes) -> Document:
    try:
        root = read_xml(data)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Broken(f"broken XML: {(str(error).splitlines() or ['empty'])[0][:200]}") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[attr-defined, unused-ignore]
        raise Unusable("it has a document type, which libvirt never writes")
    if root.tag in ROOTS:
        return Document((_of_element(root),))
    domains: list[DomainFile] = []
    faults: list[str] = []
    for element in _outermost(root):
        try:
            domains.append(_of_element(element))
        except Unusable as error:
            faults.append(str(error))
    if not (domains or faults):
        raise Unusable(f"it is a <{str(root.tag).rpartition('}')[2][:40]}>, and holds no <domain>")
    return Document(tuple(domains), tuple(faults))


def _outermost(root: etree._Element) -> Iterator[etree._Element]:
    """The elements that describe domains in one that is none of libvirt's for that."""
    within: set[etree._Element] = set()
    for element in root.iter(*ROOTS):
        if element in within:
            continue
        within.update(element.iter(*ROOTS))
        # Networks, capabilities and others have elements of that name that describe none.
        if element.tag != "domain" or any(element.find(tag) is not None for tag in _NEEDED):
            yield element


def _of_element(root: etree._Element) -> DomainFile:
    domains = [root] if root.tag == "domain" else root.findall("domain")
    if len(domains) != 1:
        what = "several" if domains else "no"
        raise Unusable(f"it is a <{root.tag}>, and holds {what} <domain>")
    (domain,) = domains
    uuid, name = domain.findtext("uuid", "").strip(), domain.findtext("name", "")
    if not uuid:
        raise Unusable("its domain has no uuid")
    if not _UUID.fullmatch(uuid):
        raise Unusable(f"its domain's uuid is not a uuid: {in_quotes(uuid)}")
    if not name.strip():
        raise Unusable("its domain has no name")
    plain = uuid.replace("-", "").lower()
    uuid = "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
    xml = etree.tostring(domain, encoding="unicode", with_tail=False)
    number = _number(domain.get("id"))
    if root.tag in SNAPSHOTS:
        taken = integer(root.findtext("creationTime"))
        snapshot = Snapshot(SNAPSHOTS[root.tag], root.findtext("name", ""), taken)
        return DomainFile(uuid, name, None, xml, "", live=False, snapshot=snapshot)
    if root.tag == "domain":
        return DomainFile(uuid, name, number, xml, "", live=False)
    state, reason = _state(root.get("state", ""), root.get("reason", ""))
    pid = _number(root.get("pid"))
    return DomainFile(uuid, name, number, xml, "  ", True, state, reason, pid)


def _number(text: str | None) -> int | None:
    number = integer(text)
    return number if number is not None and 0 <= number < _LARGEST_NUMBER else None


def _state(state: str, reason: str) -> tuple[str | None, str | None]:
    if state not in STATES:
        return None, None
    return state, reason if reason in REASONS.get(state, ())[1:] else None  # [0] is "unknown"
