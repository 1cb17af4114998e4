"""The detail ``hardware``: as much of the hardware as ``whole`` reads, whatever is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.archives import domain, make_tree
from tests.support.embedded import block, guest, make_host, uuid_of
from tests.support.guests import nova_guest
from tests.support.paths import DATA, REAL, name_of
from virsh_nova.guests.build import guest_with_hardware, whole_guest
from virsh_nova.hosts.in_memory import guests_of
from virsh_nova.hosts.many import ManyHosts
from virsh_nova.hosts.open import open_host
from virsh_nova.hosts.saved import SavedGuest, SavedHost
from virsh_nova.hosts.use import Measurable, Use
from virsh_nova.model import Guest, GuestKey, Sighting
from virsh_nova.parse import parse_domain, parse_hardware

SEEN = Sighting("compute-1", uuid_of(1), "instance-00000001", 1, "running")
DOMAINS = sorted(
    path
    for path in (*REAL.rglob("*.xml"), *(DATA / "field").rglob("*.xml"))
    if "<domain type=" in path.read_text()
)


@pytest.mark.parametrize("path", DOMAINS, ids=name_of)
def test_a_real_guest_is_read_as_whole(path: Path) -> None:
    xml = path.read_text()
    whole, read = whole_guest(SEEN, xml), guest_with_hardware(SEEN, xml)
    assert read.hardware == whole.hardware
    assert read.instance == whole.instance
    assert (read.kind, read.manager, read.title) == (whole.kind, whole.manager, whole.title)


def test_the_example_host_is_read_as_whole() -> None:
    host = open_host(demo=True)
    whole = {guest.key: guest for guest in host.guests("whole")}
    read = host.guests("hardware")
    assert len(read) == len(whole) > 5
    for each in read:
        assert each.hardware == whole[each.key].hardware
        assert each.block == whole[each.key].block
        assert each.definitions == ()


def test_a_running_guest_of_files_is_read_as_whole(tmp_path: Path) -> None:
    status = "<domstatus state='running' reason='booted' pid='42'>\n  {0}\n</domstatus>"
    live = domain("running", uuid_of(1)).replace("\n", "\n  ")
    tree = make_tree(
        tmp_path / "tree",
        {
            "run/libvirt/qemu/running.xml": status.format(live),
            "etc/libvirt/qemu/off.xml": domain("off", uuid_of(2)),
        },
    )
    host = open_host(files=(str(tree),))
    whole = {guest.uuid: guest for guest in host.guests("whole")}
    for each in host.guests("hardware"):
        assert each.hardware == whole[each.uuid].hardware
        assert each.pid == whole[each.uuid].pid


LAYOUT = """<domain type='kvm'>
  <name>x</name>
  <metadata>
    {block}
  </metadata>
  <memory unit='MiB'>512</memory>
  <vcpu>2</vcpu>
  <devices>
    <disk type='file'><target dev='vda'/></disk>{more}
  </devices>
</domain>
"""


@given(st.text("<>/ab='\n- !"), st.text("<>/ab='\n- !"))
def test_what_is_not_libvirts_layout_is_read_all_the_same(inner: str, more: str) -> None:
    for xml in (
        LAYOUT.format(block=block("x", inner), more=more),
        LAYOUT.format(block="<!--\n  <metadata>\n-->", more=f"<!--\n  </metadata>\n{more}"),
    ):
        hardware, parsed = parse_hardware(xml), parse_domain(xml)
        assert hardware is None or parsed.faults or hardware == parsed.hardware
        whole, read = whole_guest(SEEN, xml), guest_with_hardware(SEEN, xml)
        assert read.hardware == whole.hardware or whole.faults


def test_broken_xml_is_salvaged_and_reported_as_whole() -> None:
    xml = LAYOUT.format(block=block("x"), more="<interface")
    whole, read = whole_guest(SEEN, xml), guest_with_hardware(SEEN, xml)
    assert read == whole
    assert read.faults


def test_a_saved_guest_has_what_was_saved() -> None:
    saved = nova_guest(1)
    (read,) = guests_of([SavedGuest(saved)], "hardware", lambda _: True, lambda *_: None)
    assert read == saved


# ---- what they use ----------------------------------------------------------------------------


class Looked(SavedHost):
    """A host that can be looked at."""

    def use(self, guests: Iterable[Guest]) -> Mapping[GuestKey, Use]:
        return {guest.key: Use("run", 1.0, 2.0) for guest in guests}


def test_of_several_hosts_those_are_measured_that_can_be() -> None:
    here, there = nova_guest(1), nova_guest(1, host="compute-2")
    host = ManyHosts([Looked([SavedGuest(here)]), SavedHost([SavedGuest(there)])])
    assert isinstance(host, Measurable)
    assert list(host.use([here, there])) == [here.key]


def test_a_libvirt_is_measured_by_its_guests_that_run(tmp_path: Path) -> None:
    host = open_host(make_host(tmp_path, guest(1), guest(2, state=5)))
    assert isinstance(host, Measurable)
    guests = host.guests("hardware")
    (use,) = host.use(guests).values()
    assert (use.balloon_mib, use.rss_mib, use.steal_seconds) == (512, None, None)
    gone = nova_guest(3)
    assert host.use([gone]) == {}
