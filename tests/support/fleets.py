"""Any set of hosts, as libvirt's test driver plays them, and every answer that they give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st

from tests.support import strategies
from tests.support.embedded import (
    APPLIANCE,
    FOREIGN_METADATA,
    NOVA_SYSINFO,
    PAUSED,
    RUNNING,
    SHUTOFF,
    guest,
    make_host,
    uuid_of,
)
from virsh_nova.check.report import CheckOptions, check
from virsh_nova.document.encode import guest_document, whole_document
from virsh_nova.guests.columns import COLUMNS
from virsh_nova.guests.select import Selection, ordered
from virsh_nova.handles.identifiers import identifiers
from virsh_nova.hosts.collected.indexed import is_indexed
from virsh_nova.hosts.fleet import Fleet, Opener
from virsh_nova.hosts.host import Host
from virsh_nova.hosts.libvirt import connection
from virsh_nova.hosts.libvirt.connection import LibvirtHost
from virsh_nova.hosts.lookup import only, resolve, selected_from
from virsh_nova.model import Guest
from virsh_nova.whose.index import Index
from virsh_nova.whose.narrow import chosen_by, read_index

MOMENT = datetime(2026, 11, 25, 9, 30, tzinfo=timezone.utc)
_VOLUME = "153453fd-7357-41b2-b7d0-47c9fe014372"


class Described(NamedTuple):
    """A host before it is played."""

    name: str
    guests: tuple[str, ...]
    """XML for the test driver."""


# ---- any set of hosts --------------------------------------------------------------------------

# What twins share, and what handles are made of; {uuid} is the guest's own.
_DEVICES = (
    "<disk type='file' device='disk'><source file='/var/lib/nova/instances/{uuid}/disk'/>"
    "<target dev='vda' bus='virtio'/></disk>",
    "<disk type='file' device='disk'><source file='/var/lib/nova/mnt/0a/volume-{uuid}'/>"
    "<target dev='vdc' bus='virtio'/></disk>",
    f"<disk type='block' device='disk'><source dev='/dev/sdb'/><target dev='vdb' bus='virtio'/>"
    f"<serial>{_VOLUME}</serial></disk>",
    "<interface type='ethernet'><mac address='fa:16:3e:00:00:01'/>"
    "<target dev='tap36116cce-64'/></interface>",
    "<interface type='ethernet'><mac address='fa:16:3e:00:00:02'/>"
    "<target dev='tap00000002-00'/></interface>",
    "<hostdev mode='subsystem' type='pci'><source>"
    "<address domain='0x0000' bus='0x3b' slot='0x00' function='0x1'/></source></hostdev>",
    "<filesystem type='mount'><source dir='/srv/shared'/><target dir='shared'/></filesystem>",
    "<serial type='file'><source path='/var/lib/nova/instances/{uuid}/console.log'/></serial>",
)  # fmt: skip
_NAMES = ("cmp-1", "cmp-2", "cmp-2.example.org", "größe", "a b", "'); DROP TABLE guests; --")


@st.composite
def _guest(draw: st.DrawFn, number: int) -> str:
    uuid = uuid_of(number)
    kind = draw(st.sampled_from(("nova", "nova", "nova", "plain", "kubevirt", "appliance")))
    devices = [device.format(uuid=uuid) for device in draw(st.sets(st.sampled_from(_DEVICES)))]
    devices += [APPLIANCE] if kind == "appliance" else []
    foreign = FOREIGN_METADATA if kind == "kubevirt" else ""
    return guest(
        number,
        # Another guest's uuid, or an id of libvirt's, is a domain's name as well.
        domain=draw(st.sampled_from((f"guest-{number}", uuid_of(9), str(number), "<&>'日本"))),
        metadata=foreign + "".join(draw(strategies.blocks())),
        state=draw(st.sampled_from((RUNNING, PAUSED, SHUTOFF))),
        rest="".join(sorted(devices)),
        before=NOVA_SYSINFO if kind == "nova" else "",
    )


@st.composite
def fleets(draw: st.DrawFn) -> list[Described]:
    """One to three hosts, which can have guests of the same uuid, name, disk and MAC address."""
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3, unique=True))
    described = []
    for name in names:
        numbers = draw(st.sets(st.integers(1, 4), min_size=1, max_size=3))
        guests: dict[str, str] = {}
        for number in sorted(numbers):
            text = draw(_guest(number))
            guests.setdefault(text.partition("<name>")[2].partition("</name>")[0], text)
        described.append(Described(name, tuple(guests.values())))
    return described


# ---- played ------------------------------------------------------------------------------------


@contextmanager
def played(fleet: Sequence[Described], folder: Path) -> Iterator[Fleet]:
    """The hosts, read through libvirt at one moment, each under a name of its own."""
    names: dict[str, str] = {}
    for number, described in enumerate(fleet):
        place = folder / str(number)
        place.mkdir(exist_ok=True)
        names[make_host(place, *described.guests)] = described.name
    with pytest.MonkeyPatch.context() as patch:
        # The test driver has the name of this machine, and there is no clock to stop.
        patch.setattr(LibvirtHost, "_ask_host_name", lambda host: names[host.uri])
        patch.setattr(connection, "this_moment", lambda: MOMENT)
        yield Fleet([Opener(uri, partial(_opened, uri)) for uri in names], fanout=len(names))


def _opened(uri: str) -> list[Host]:
    return [LibvirtHost.open(uri)]


# ---- what they answer --------------------------------------------------------------------------


class Answers(NamedTuple):
    """All that can be asked of hosts, in the order in which it is shown.

    As documents: of the layout of a block they keep no more than is shown.
    """

    shown: list[dict[str, Any]]
    """``show -f json`` of every guest."""
    listed: list[tuple[Any, ...]]
    """``list``, every column but the evidence, of which a look at the whole guest finds more."""
    filtered: list[list[tuple[str | None, str]]]
    named: list[tuple[list[Any], list[str]]]
    """``show HANDLE``: the keys of the guests, or the error, of each handle."""
    owners: list[list[tuple[Any, ...]]]
    """``whose HANDLE``."""
    findings: list[tuple[Any, ...]]


def selections_of(guests: Sequence[Guest]) -> list[Selection]:
    """Each filter of ``list``, with what some guest has, with a glob, and with what none has."""
    found = [Selection(kinds=["nova"]), Selection(states=["running"]), Selection(names=["*"])]
    found.append(Selection(projects=["no such project"]))
    found.append(Selection(networks=[ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")]))
    for each in guests:
        found += [Selection(domains=[each.domain]), Selection(managers=[each.manager[:2] + "*"])]
        instance = each.instance
        if instance and instance.name:
            found.append(Selection(names=[instance.name], kinds=["nova", "foreign"]))
        if instance and instance.flavor:
            found.append(Selection(flavors=[instance.flavor.name or "?", instance.flavor.id or ""]))
        owner = instance.owner if instance else None
        if owner and owner.project:
            project = owner.project.name or owner.project.id or "?"
            found += [Selection(projects=[project]), Selection(projects=[f"{project[:1]}*"])]
        if owner and owner.user:
            found.append(Selection(users=[owner.user.id or owner.user.name or "?"]))
    return found


def handles_of(guests: Sequence[Guest]) -> list[str]:
    """Every handle of the guests, bare and with its kind, spelled and cut in several ways."""
    words: dict[str, None] = {}
    for each in guests:
        for kind, value, _ in identifiers(each):
            words[value] = words[f"{kind}:{value}"] = words[value.upper()] = None
        words[each.uuid[:6]] = words[each.uuid.replace("-", "")] = None
        words[f"/var/lib/nova/instances/{each.uuid}"] = words[f"{each.domain}.log"] = None
        words[f"domain-{each.id}-{each.domain}"] = None
    words.update(dict.fromkeys((
        "fe:16:3e:00:00:01", "qvo36116cce-64", "fa163e000001", "10.0.0.0/24", "2001:db8::/64",
        "/var/lib/nova/mnt", "disk:/srv", "3b:00.1", f"virtio-{_VOLUME[:20]}", _VOLUME[:9],
        f"/dev/disk/by-id/{_VOLUME}", "no such thing", "1",
    )))  # fmt: skip
    return [word for word in words if word.strip()]


def answers(host: Host) -> Answers:
    """Everything that the host, or the hosts, answer."""
    guests = ordered(host.guests("whole"))
    columns = [column for name, column in COLUMNS.items() if name not in ("evidence", "origin")]
    handles = handles_of(guests)
    everyones = Index.of(guests)
    named, owners = [], []
    for handle in handles:
        keys, errors = resolve(host, [handle])
        theirs = only(host, keys).guests("whole", chosen=lambda seen, keys=keys: seen.key in keys)
        found = ordered(theirs)
        assert [each.key for each in found] == [each.key for each in guests if each.key in keys]
        # As documents: these do not keep how the block of a second definition is laid out.
        named.append((list(map(whole_document, found)), [str(error) for error in errors]))
        # Where the listing shows which guests a handle can mean, only these are read.
        narrowed = chosen_by([handle], None) is not None or is_indexed(host)
        index = read_index(host, [handle], None, None) if narrowed else everyones
        owners.append(
            [
                (each.kind, each.value, each.detail, guest_document(each.guest))
                for each in index.answers(handle)
            ]
        )
    report = check(host, CheckOptions(severity="note"))
    return Answers(
        [whole_document(each) for each in guests],
        [
            tuple(column.value(each) for column in columns)
            for each in ordered(host.guests("domain"))
        ],
        [
            [
                each.key
                for each in ordered(
                    selected_from(host, selection).guests("domain", chosen=selection.may_take)
                )
                if selection.takes(each)
            ]
            for selection in selections_of(guests)
        ],
        named,
        owners,
        [(found.key, found.code, found.severity, found.evidence) for found in report.findings],
    )
