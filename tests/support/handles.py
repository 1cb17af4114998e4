"""Guests that carry every kind of handle, and the processes of their host."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from tests.support.embedded import uuid_of
from tests.support.guests import foreign_guest, instance, nova_guest, unstamped_guest
from tests.support.strategies import NASTY, nova_guests
from virsh_nova.model import (
    Address,
    Disk,
    Flavor,
    Guest,
    Hardware,
    Identity,
    Image,
    Interface,
    Owner,
    Port,
    Root,
)
from virsh_nova.whose.answer import Lineage, Process

PORT = "d45a9119-51c6-4b7e-9d0e-0123456789ab"
OTHER_PORT = "4bb8ce1b-d0aa-4b7e-9d0e-0123456789ab"
VOLUME = "c2331ad9-afdb-4fc3-97c9-2e93e78d6249"
RBD_VOLUME = "9a1b5f0e-3c62-4d0f-8a5b-2f6c1d7e4b90"
IMAGE = "2330fcf1-562a-44b8-8866-8d77e827062c"
PROJECT = "66080f174c96d8e25cbd0ba3a1a6bcde"
BASE = "/var/lib/nova/instances/_base/e800707f"


DISK = f"/var/lib/nova/instances/{uuid_of(1)}/disk"


def hardware(*disks: Disk, interfaces: tuple[Interface, ...] = ()) -> Hardware:
    return Hardware(1, 512, disks, interfaces)


VM = nova_guest(
    1,
    instance(
        "vm-twonets",
        flavor=Flavor("m1.tiny", "42"),
        owner=Owner(Identity("3ceaaf308142c8ea91d93080f9b439fc", "demo"),
                    Identity(PROJECT, "demo-project")),
        image=Image(IMAGE),
        root=Root("image", IMAGE),
        ports=(
            Port(PORT, (Address("fixed", "10.0.0.5", 4),
                        Address("fixed", "2001:db8::f816:3eff:fece:861e", 6))),
            Port(OTHER_PORT, (Address("fixed", "10.0.1.7", 4),)),
        ),
    ),
    id=7,
    pid=4242,
    hardware=hardware(
        Disk("vda", "virtio", DISK, None, backing=(BASE,)),
        Disk("vdb", "virtio", "/dev/sdb", VOLUME),
        Disk("vdc", "virtio", f"volumes/volume-{RBD_VOLUME}", None),
        interfaces=(Interface("fa:16:3e:6c:67:b4", "tapd45a9119-51", PORT),),
    ),
)  # fmt: skip


SIBLING = nova_guest(
    2, instance("sibling", owner=Owner(None, Identity(PROJECT, "demo-project")),
                ports=(Port(None, (Address("fixed", "10.0.0.6", 4),)),)),
    id=None, state="shutoff", hardware=hardware(Disk("vda", "virtio", "x", None, backing=(BASE,)))
)  # fmt: skip


LOST = unstamped_guest(3, id=9, pid=5000)


APPLIANCE = foreign_guest(4, "libguestfs", domain="guestfs-x9d2kq7w1mzt4r8e", id=12)


HOST = (VM, SIBLING, LOST, APPLIANCE)


INIT = Process(1, "init", None)
QEMU = Process(4242, "qemu-system-x86", uuid_of(1), proven=True)
LOOKALIKE = Process(4300, "python3", uuid_of(1))
OTHER_QEMU = Process(4310, "qemu-system-x86", uuid_of(2), proven=True)


PROCESSES: Mapping[int, Lineage] = {
    4242: Lineage(4242, None, (QEMU, INIT)),
    4300: Lineage(4300, None, (LOOKALIKE, INIT)),
    4301: Lineage(4301, "CPU 0/KVM", (QEMU, INIT)),
    4302: Lineage(4302, "worker", (LOOKALIKE, INIT)),
    4303: Lineage(4303, None, (Process(4303, "sh", None), LOOKALIKE, INIT)),
    4304: Lineage(4304, None, (LOOKALIKE._replace(pid=4304, uuid=uuid_of(2)), QEMU, INIT)),
    # Of a guest whose pid file cannot be read.
    4310: Lineage(4310, None, (OTHER_QEMU, INIT)),
    # libvirt's pid file names another process.
    4311: Lineage(4311, None, (QEMU._replace(pid=4311), INIT)),
    4400: Lineage(4400, None, (Process(4400, "passt", None), QEMU, INIT)),
    4500: Lineage(4500, "worker", (Process(4500, "x", None), Process(4400, "passt", None), QEMU)),
    4600: Lineage(4600, None, (Process(4600, "bash", None), Process(1, "init", None))),
    4700: Lineage(4700, None, (Process(4700, "qemu-system-x86", uuid_of(99)),)),
    5000: Lineage(5000, None, (Process(5000, "qemu-kvm", None),), "not allowed"),
    5100: Lineage(5100, None, (), "not allowed"),
}


MAC = "fa:16:3e:6c:67:b4"


any_text = st.text(st.sampled_from(NASTY) | st.characters(), max_size=12)


disks = st.builds(
    Disk, target=any_text, bus=st.none(), source=st.none() | any_text, serial=st.none() | any_text,
    backing=st.lists(any_text, max_size=2).map(tuple),
)  # fmt: skip


interfaces = st.builds(
    Interface, mac=st.none() | any_text | st.just(MAC), target=st.none() | any_text,
    port=st.none() | any_text | st.uuids().map(str),
)  # fmt: skip


@st.composite
def whole_guests(draw: st.DrawFn) -> Guest:
    return draw(nova_guests())._replace(
        pid=draw(st.none() | st.integers(1, 10**6)),
        hardware=Hardware(1, 1, tuple(draw(st.lists(disks, max_size=2))),
                          tuple(draw(st.lists(interfaces, max_size=2)))),
    )  # fmt: skip
