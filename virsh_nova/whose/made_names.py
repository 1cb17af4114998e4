r"""Names that libvirt, systemd, Neutron and the kernel make from a guest's own.

None of them is in the domain's XML; an administrator meets them in logs, process lists and paths:

- libvirt (virDomainDefGetShortName, 20 characters of the name): ``domain-1-instance-0000002a``
  under /var/lib/libvirt/qemu, ``1-instance-0000002a`` for huge pages; ``instance-0000002a.log``,
  ``.pid``, ``.xml``, ``.monitor``, ``_VARS.fd``, ``-swtpm.log``
- machined: ``qemu-1-instance-0000002a`` and ``machine-qemu\x2d1\x2dinstance\x2d0000002a.scope``
- Neutron: chains ``neutron-openvswi-i58294a90-c`` (also ``-o`` and ``-s``, and linuxbri)
- the kernel: ``vhost-4242``, ``kvm-nx-lpage-recovery-4242``
- the guest's udev: ``virtio-`` and 20 characters of a volume's uuid
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Source = Literal["domain", "short name", "pid", "port", "volume"]


class MadeName(NamedTuple):
    source: Source
    """The part of the guest that the name was made from."""
    text: str
    """That part, possibly cut."""
    id: str = ""
    """libvirt's id, of a short name."""


_SHORT_NAME = re.compile(r"(?:domain-|qemu-|machine-qemu-)?(\d{1,9})-(.+)")
_OWN_FILE = re.compile(
    r"(.+?)(?:\.log(?:\.\d+)?|\.pid|\.xml|\.monitor|_VARS\.fd|-swtpm\.log|\.save)"
)
_CHAIN = re.compile(r"neutron-(?:openvswi|linuxbri)-[ios]([0-9a-f]{8}-[0-9a-f])")
_THREAD = re.compile(r"(?:vhost|kvm-nx-lpage-recovery|kvm-pit/)-?(\d{1,10})")
_BY_ID = re.compile(r"virtio-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f])(?:-part\d+)?")
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})", re.IGNORECASE)

LONGEST_SHORT_NAME = 20
"""Characters of a domain's name that libvirt's short name keeps."""


def made_names(text: str) -> list[MadeName]:
    """What a word may have been made from; empty for most words."""
    found = []
    if chain := _CHAIN.fullmatch(text):
        found.append(MadeName("port", chain[1]))
    if thread := _THREAD.fullmatch(text):
        found.append(MadeName("pid", thread[1]))
    if by_id := _BY_ID.fullmatch(text):
        found.append(MadeName("volume", by_id[1]))
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).removesuffix(".scope")
    if short := _SHORT_NAME.fullmatch(plain):
        found.append(MadeName("short name", short[2], short[1]))
    if own := _OWN_FILE.fullmatch(text):
        found.append(MadeName("domain", own[1]))
    return found
