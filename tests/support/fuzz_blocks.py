"""Fuzz blocks: what is read of a damaged one can be written, laid out and read again.

python -m tests.support.fuzz_blocks --seconds 60
"""

from __future__ import annotations

import json
import re
from random import Random

from lxml import etree

from tests.support.embedded import NOVA_SYSINFO, uuid_of
from tests.support.paths import GOLDEN
from tests.support.searching import damaged, main
from tests.support.searching import run as run_search
from tests.support.strategies import NASTY
from virsh_nova.block import known_parts
from virsh_nova.block.compare import bare, canonical, digest, prefix_of, same
from virsh_nova.block.namespaces import NAMESPACES, NOVA_1_1
from virsh_nova.document.decode import decoded_guest
from virsh_nova.document.encode import guest_document, whole_document
from virsh_nova.guests.build import guest_from_domain, whole_guest
from virsh_nova.model import Block, Guest, Instance, Sighting
from virsh_nova.parse import parse_block
from virsh_nova.render.safe import is_safe
from virsh_nova.render.show import details
from virsh_nova.render.stamp import laid_out
from virsh_nova.safe_xml import salvage_xml
from virsh_nova.stamp.plan import Edit
from virsh_nova.write import bare_block, write_block

MODULE = "tests.support.fuzz_blocks"
_GOLDENS = [path.read_text(encoding="utf-8") for path in sorted(GOLDEN.rglob("*.xml"))]
_LOST_PREFIX = re.compile(r"<[^\s<>/]*:")
_WORDS = (
    *NASTY, "<", ">", "&", "</", "/>", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "&amp;",
    "&#27;", "&#x9b;", "&x;", "<!DOCTYPE instance [", ":", "::", "nova:", "x:", "xmlns:x='urn:x' ",
    " xmlns='urn:y'", f" xmlns='{NOVA_1_1}'", "<nova:name>", "</nova:name>", "<name>", "</name>",
    "<nova:flavor>", "<x:y/>", "<nova:owner/>", "<nova:ports>", "<nova:port/>", "<nova:ip/>",
    "<nova:extraSpec name='a'>", "name=''", "<nova:image/>", "<nova:root/>", "-1", "1e5", "\x00",
    "\x1b[2J", "\n", "  ",
)  # fmt: skip


def case(random: Random) -> None:
    original = _original(random)
    xml = damaged(random, original, _WORDS)
    namespace = random.choice((None, *NAMESPACES))
    check_known_parts(original, xml, namespace)
    check_block(xml, namespace)
    check_domain(xml, laid_out_as_libvirts=random.random() < 0.5)


def _original(random: Random) -> str:
    xml = random.choice(_GOLDENS)
    form = random.randrange(4)
    if form == 1:  # as virDomainGetMetadata returns it
        return bare(xml, NOVA_1_1)
    if form == 2:
        return xml.replace("nova:", "").replace("xmlns:nova", "xmlns")
    if form == 3:
        return xml.replace("nova:", f"{random.choice(('n', 'instance', 'a.b-c'))}:")
    return xml


def check_known_parts(original: str, xml: str, namespace: str | None) -> None:
    """A block reads the same whatever was read before it."""
    known_parts._known.clear()
    alone = parse_block(xml, namespace)
    known_parts._known.clear()
    parse_block(original, namespace)
    assert parse_block(xml, namespace) == alone, "it reads differently after another block"
    known_parts._known.clear()


def check_block(xml: str, namespace: str | None) -> None:
    """Reading never raises; what was read can be written, laid out, compared and read again."""
    parse_block(xml.encode("utf-8", "replace"), namespace)
    block = parse_block(xml, namespace)
    for uri in NAMESPACES:
        for text in (bare(xml, uri), canonical(xml, uri), digest(xml, uri), prefix_of(xml)):
            assert isinstance(text, str)
        assert same(xml, xml, uri)
    assert block.instance is not None or block.faults
    if block.instance is None:
        return
    try:
        written, stripped = write_block(block.instance), bare_block(block.instance)
    except ValueError:
        # Only salvaging lets in what XML cannot hold, and what it cannot read again.
        assert _was_broken(xml), "whole XML was read, and cannot be written"
        return
    edit = Edit("live", block.namespace, "nova", bare(xml, block.namespace), stripped)
    for text in (edit.before, edit.after):
        assert all(isinstance(line, str) for line in laid_out(text, edit))
    for text in (written, stripped):
        again = parse_block(text, block.namespace)
        assert again.instance is not None, again.faults
        if not _mixes_namespaces(xml):
            check_same(block, again)


def check_same(block: Block, again: Block) -> None:
    """The same values, but for what was kept as unknown."""
    assert block.instance is not None
    assert again.instance is not None
    unknown = block.instance.unknown
    if any("two " in fault or "more faults" in fault for fault in block.faults):
        return  # Of two elements the first counts; written, the second comes after the others.
    if any(_LOST_PREFIX.search(part.text) and _was_broken(part.text) for part in unknown):
        return  # An element whose prefix nothing declares may or may not be the block's.
    if any(part.name.startswith(f"{{{block.namespace}}}") for part in unknown):
        return  # libvirt strips the namespace of all elements or of none.
    for field in Instance._fields:
        if field != "unknown":
            there, back = getattr(block.instance, field), getattr(again.instance, field)
            assert there == back, f"{field}: {there!r} came back as {back!r}"


def _mixes_namespaces(xml: str) -> bool:
    """Whether some element lost the block's, which to libvirt, that strips it, is the same."""
    root = salvage_xml(xml)
    tags = [] if root is None else [str(element.tag) for element in root.iter("{*}*")]
    return bool(tags) and tags[0][:1] == "{" and any(tag[:1] != "{" for tag in tags)


def _was_broken(xml: str) -> bool:
    try:
        etree.fromstring(xml.encode("utf-8", "surrogatepass"))
    except (etree.XMLSyntaxError, ValueError):
        return True
    return False


def check_domain(block: str, *, laid_out_as_libvirts: bool) -> None:
    """The guest that holds the block is shown and saved, whatever it holds."""
    between = "\n  " if laid_out_as_libvirts else ""
    xml = (
        f"<domain type='kvm'>{between}<name>a</name>{between}<uuid>{uuid_of(1)}</uuid>{between}"
        f"<metadata>\n    {block}{between}</metadata>\n{NOVA_SYSINFO}</domain>"
    )
    seen = Sighting("h", uuid_of(1), "a", 1, "running")
    for guest in (guest_from_domain(seen, xml), whole_guest(seen, xml)):
        check_shown(guest)


def check_shown(guest: Guest) -> None:
    for width in (None, 40, 120):
        assert is_safe(details([guest], width=width).replace("\n", "")), "an unsafe character"
    for document in (guest_document(guest), whole_document(guest)):
        back = decoded_guest(json.dumps(document).encode())
        assert guest_document(back) == guest_document(guest)


def search(seconds: float, seed: int) -> None:
    run_search(MODULE, case, seconds, seed)


if __name__ == "__main__":
    main(MODULE, case)
