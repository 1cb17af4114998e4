"""Files of ``collect``, from guests that a test makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from ipaddress import ip_address
from pathlib import Path
from random import Random
from unittest.mock import patch

from virsh_nova.block.namespaces import NOVA_1_1
from virsh_nova.errors import HostError, NovaDomainsError
from virsh_nova.handles.identifiers import identifiers, keys_of
from virsh_nova.hosts.collected.host import CollectedFile
from virsh_nova.hosts.collected.writer import Writer
from virsh_nova.hosts.fleet import HostRead
from virsh_nova.model import (
    Address,
    Block,
    Disk,
    FileSystem,
    Flavor,
    Guest,
    Hardware,
    HostDevice,
    Identity,
    Image,
    Instance,
    Interface,
    Owner,
    Port,
    Root,
)

Hosts = dict[str, list[Guest]]

UUIDS = (
    "4dea22b3-1d52-48f3-a516-782e98ab3fa0", "4dea22b3-1d99-48f3-a516-782e98ab3fa0",
    "4dea99c7-0000-48f3-a516-782e98ab3fa0", "12345678-aaaa-48f3-a516-782e98ab3fa0",
    "00000000-0000-4000-8000-000000000001", "ffffffff-ffff-4fff-bfff-ffffffffffff",
)  # fmt: skip
NAMES = (
    "web-1", "web-10", "WEB-1", " web-1 ", "web", "4dea", "12", "instance-0000002a", "Zoë",
    "😀", "[x]", "*", "a?b", "N/A", "", "10.0.0.5", "\U0010ffff", "x\ud800y", UUIDS[0], "a\x00b",
)  # fmt: skip
DOMAINS = ("instance-0000002a", "instance-0000002b", "vm", " vm ", "12", "4dea22", "dom.log", "é")
KEYSTONE = tuple(uuid.replace("-", "") for uuid in UUIDS[:3])
ADDRESSES = (
    "10.0.0.5", "10.0.0.50", "10.0.15.1", "10.1.2.3", "192.0.2.255", "fe80::1%eth0", "2001:db8::5",
    "2001:DB8:0:0::5", "::ffff:10.0.0.5", "not an address", "10.0.0", "::",
)  # fmt: skip
MACS = ("fa:16:3e:6c:67:b4", "FA-16-3E-6C-67-B4", "fa:16:3e:00:00:01", "fe:16:3e:00:00:01", "odd")
PATHS = (
    "/var/lib/nova/instances/_base/e800707f", "/var/lib/nova/mnt/a/volume-" + UUIDS[1],
    "/var/lib/nova/mnt/a/../b/disk", "vms/" + UUIDS[0] + "_disk", "/dev/mapper/x", "//odd//path/",
    "/var/lib/libvirt/qemu/nvram/instance-0000002a_VARS.fd", "/é/\U0010ffff",
)  # fmt: skip

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=timezone.utc)


def read_of(
    name: str | None,
    *guests: Guest,
    source: str = "",
    error: NovaDomainsError | None = None,
    read_at: datetime = NOON,
    certain: bool = True,
) -> HostRead:
    """What came of reading a host."""
    return HostRead(
        name,
        name if certain else None,
        source or f"qemu+ssh://{name}/system",
        guests,
        error,
        read_at,
        0.5,
    )


def silent(name: str, source: str = "") -> HostRead:
    source = source or f"qemu+ssh://{name}/system"
    return read_of(name, source=source, error=HostError(f"{source}: does not answer", "wait"))


def collect(path: Path, *reads: HostRead, indexed: bool = True) -> None:
    """One run; without ``indexed`` it ends before the handles are in the index."""
    with (
        patch.object(Writer, "_index", Writer._index if indexed else lambda _: None),
        Writer(str(path), [read.source for read in reads]) as writer,
    ):
        for read in reads:
            writer.store(read)


def collected(path: Path, hosts: Mapping[str, Sequence[Guest]], *, indexed: bool) -> CollectedFile:
    collect(path, *(read_of(name, *guests) for name, guests in hosts.items()), indexed=indexed)
    return CollectedFile(str(path))


def handles_like(guest: Guest) -> Iterator[str]:
    """Everything that may lead to a guest: what it has, its beginnings, and names made of it."""
    yield from _made(guest)
    for identifier in identifiers(guest):
        kind, value, _ = identifier
        yield from (value, f"{kind}:{value}", value.upper(), f" {value}", value[:-1])
        yield from keys_of(identifier)
        yield from (value[:length] for length in (4, 8, 10, 11, 13, 20))
        yield from (f"{kind}:{value[:8]}", f"{kind}:{value[:11]}", value.replace("-", "")[:9])
        if kind == "mac":
            yield from (f"fe{value[2:]}", value.replace(":", "-"))
        elif kind in ("disk", "device"):
            yield from (f"{value}/below", value.rpartition("/")[0], value.rpartition("/")[2])
            yield from (f"disk:{value.rpartition('/')[0]}/", f"/proc{value}.log")
        elif kind == "ip":
            yield from _networks(value)


def _made(guest: Guest) -> Iterator[str]:
    number = guest.id if guest.id is not None else 7
    yield from (f"{guest.domain}.log", f"/var/log/libvirt/qemu/{guest.domain}.log")
    yield from (f"qemu-{number}-{guest.domain}", f"domain-{number}-{guest.domain[:20]}")
    yield from (f"vhost-{guest.pid}", str(guest.pid), f"/x/{guest.uuid}/console.log")
    for kind, value, _ in identifiers(guest):
        if kind == "port":
            beginning = value[:11]
            yield from (f"{prefix}{beginning}" for prefix in ("tap", "qbr", "qvo", "vhu"))
            yield from (f"neutron-openvswi-i{value[:10]}", f"/run/vhost/vhu{beginning}")
        elif kind == "tap":
            yield from (f"qvb{value[3:]}", f"port:{value[3:]}", value[3:])
            yield f"{value[3:]}-0000-4000-8000-000000000000"[:36]
        elif kind == "volume":
            yield from (f"virtio-{value[:20]}", f"volume-{value}")


def _networks(value: str) -> Iterator[str]:
    try:
        address = ip_address(value)
    except ValueError:
        return
    for bits in (8, 16, 20, 24, 31, 32) if address.version == 4 else (16, 64, 127, 128):
        yield from (f"{address}/{bits}", f"ip:{address}/{bits}")


# ---- guests that resemble each other -------------------------------------------------------------


def random_hosts(seed: int) -> Hosts:
    """A few guests on three hosts, whose names and devices are often alike, and often odd."""
    random = Random(seed)
    hosts = {
        name: {guest.uuid: guest for guest in _guests(random, name)}
        for name in ("cmp-1", "cmp-2", "cmp-3")
    }
    return {name: list(guests.values()) for name, guests in hosts.items()}


def _guests(random: Random, host: str) -> Iterator[Guest]:
    for _ in range(random.randrange(4)):
        off = random.random() < 0.3
        uuid = random.choice(UUIDS)
        instance = _instance(random) if random.random() < 0.8 else None
        yield Guest(
            host=host,
            uuid=uuid,
            domain=random.choice(DOMAINS),
            id=None if off else random.choice((1, 2, 12)),
            state="shutoff" if off else "running",
            kind="nova" if instance else "foreign",
            manager="nova" if instance else "unknown",
            evidence=(),
            block=None if instance is None else Block(instance.namespace, "<instance/>", instance),
            hardware=None if random.random() < 0.1 else _hardware(random),
            pid=random.choice((None, 12, 4242)),
        )


def _instance(random: Random) -> Instance:
    def identity(*ids: str) -> Identity:
        return Identity(random.choice((None, *ids)), random.choice((None, *NAMES)))

    port = Port(
        random.choice((None, *UUIDS)),
        tuple(Address("fixed", random.choice(ADDRESSES), 4) for _ in range(random.randrange(3))),
    )
    uuids = (None, "", *UUIDS[:3])
    return Instance(
        NOVA_1_1,
        name=random.choice((None, *NAMES)),
        flavor=Flavor(random.choice(NAMES), random.choice((None, "42", *UUIDS[:2]))),
        image=Image(random.choice(uuids)),
        owner=Owner(identity(*KEYSTONE, *UUIDS[:2]), identity(*KEYSTONE, "default")),
        root=Root(random.choice(("image", "volume")), random.choice(uuids)),
        ports=random.choice((None, (), (port,))),
    )


def _hardware(random: Random) -> Hardware:
    def nic() -> Interface:
        port = random.choice(UUIDS)
        device = random.choice((f"tap{port[:11]}", f"vhu{port[:11]}", "vnet0", None))
        return Interface(
            random.choice((None, *MACS)),
            device,
            random.choice((None, port, port.upper())),
            random.choice(("bridge", "hostdev", "vhostuser")),
            random.choice((None, "0000:81:02.3", "/run/vhu" + port[:11], "/dev/vhost-vdpa-0")),
        )

    def disk() -> Disk:
        backing = tuple(random.sample(PATHS, random.randrange(2)))
        serial = random.choice((None, "WD-1", *UUIDS))
        return Disk("vda", "virtio", random.choice((None, *PATHS)), serial, backing=backing)

    return Hardware(
        1,
        512,
        tuple(disk() for _ in range(random.randrange(3))),
        tuple(nic() for _ in range(random.randrange(3))),
        (HostDevice("pci", random.choice(("0000:3b:00.0", "3B:00.1", UUIDS[2], "é"))),),
        (FileSystem("mount", random.choice((None, *PATHS)), "/"),),
        (random.choice(PATHS),),
    )
