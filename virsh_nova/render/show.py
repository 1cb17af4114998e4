"""``show``: everything known about a guest, in groups of labelled lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..guests.columns import iso
from ..model import (
    Backfill,
    Difference,
    Flavor,
    Guest,
    Hardware,
    Identity,
    Image,
    Instance,
    Port,
    Root,
)
from .flat import NOTHING
from .list import kind_in_words
from .safe import cell
from .style import Paint, plain, wrapped

_LONGEST_LABEL = 40


class Line(NamedTuple):
    label: str
    """Empty where the line goes on with the label above it."""
    text: str
    role: str = "text"


class Group(NamedTuple):
    title: str
    lines: tuple[Line, ...]


def guest_title(guest: Guest) -> str:
    name = guest.instance.name if guest.instance else None
    return cell(f"{name}  ({guest.domain})" if name else guest.domain)


def guest_groups(guest: Guest) -> list[Group]:
    """Whose it is first; what was recorded, and what it really is; how that is known last."""
    groups = [Group("", tuple(_identity_lines(guest)))]
    if guest.instance:
        title = "Backfilled, not written by Nova" if guest.backfill else "Recorded by Nova"
        lines = (*_backfill_lines(guest.backfill), *_instance_lines(guest.instance))
        groups.append(Group(title, lines))
    if guest.hardware:
        groups.append(Group("The guest as it is", tuple(_hardware_lines(guest))))
    if guest.differences:
        lines = tuple(_difference_lines(guest.differences))
        groups.append(Group("Live and persistent metadata differ", lines))
    groups.append(Group("What shows it", tuple(_evidence_lines(guest))))
    return [group for group in groups if group.lines]


def details(guests: Sequence[Guest], *, width: int | None = None, paint: Paint = plain) -> str:
    """A title for each guest, then labels and texts. ``width`` None is for a pipe: never broken."""
    return "\n".join(_guest(guest, width, paint) for guest in guests)


def _guest(guest: Guest, width: int | None, paint: Paint) -> str:
    groups = guest_groups(guest)
    wide = max(len(line.label) for group in groups for line in group.lines)
    indent = 2 + wide + 2
    lines = [f"{paint(guest_title(guest), 'title')}  {paint(guest.state, guest.state)}"]
    for group in groups:
        if group.title:
            lines += ["", f"  {paint(group.title, 'title')}"]
        for line in group.lines:
            head = f"  {paint(line.label.ljust(wide), 'quiet')}  "
            for number, part in enumerate(wrapped(line.text, width and width - indent)):
                text = paint(part, line.role)
                lines.append((f"{' ' * indent}{text}" if number else f"{head}{text}").rstrip())
    return "".join(f"{line}\n" for line in lines)


def _many(label: str, texts: Sequence[str]) -> Iterator[Line]:
    """Lines of one label; the first carries it."""
    for number, text in enumerate(texts or [NOTHING]):
        yield Line("" if number else label, cell(text))


def _one(label: str, text: object) -> Iterator[Line]:
    if text is not None and text != "":
        yield Line(label, cell(str(text)))


def _identity_lines(guest: Guest) -> Iterator[Line]:
    for fault in guest.faults:
        yield Line("fault", cell(fault), "warning")
    owner = guest.instance.owner if guest.instance else None
    yield from _one("project", _identity(owner.project if owner else None))
    yield from _one("user", _identity(owner.user if owner else None))
    manager = "" if guest.kind != "foreign" else f", manager {guest.manager}"
    yield from _one("kind", f"{kind_in_words(guest.kind)}{manager}")
    reason = f", {guest.reason}" if guest.reason not in (None, "unknown") else ""
    yield from _one("state", f"{guest.state}{reason}")
    yield from _one("uuid", guest.uuid)
    yield from _one("domain", guest.domain)
    yield from _one("libvirt id", NOTHING if guest.id is None else guest.id)
    guessed = "  (only the name of what was read)" if guest.host_guessed else ""
    yield from _one("host", guest.host and f"{guest.host}{guessed}")
    yield from _one("title", guest.title)
    yield from _one("description", guest.description)


def _evidence_lines(guest: Guest) -> Iterator[Line]:
    if guest.evidence:
        yield from _many("evidence", guest.evidence)


def _backfill_lines(backfill: Backfill | None) -> Iterator[Line]:
    if backfill:
        yield from _one("backfilled", f"{iso(backfill.at)} by {backfill.by}")
        yield from _many("from", backfill.sources)


def _instance_lines(instance: Instance) -> Iterator[Line]:
    yield from _one("name", instance.name)
    yield from _one("created", iso(instance.created))
    if instance.flavor:
        yield from _flavor_lines(instance.flavor)
    yield from _root_lines(instance.root)
    if instance.image:
        yield from _image_lines(instance.image)
    if instance.ports is not None:
        ports = [_port(port) for port in instance.ports]
        yield from _many("ports", ports)
    yield from _one("Nova version", instance.package)
    yield from _one("namespace", instance.namespace)
    if instance.unknown:
        kept = [f"{part.parent or 'instance'}: {part.name}" for part in instance.unknown]
        yield from _many("not known to Nova", kept)


def _port(port: Port) -> str:
    return "  ".join([port.uuid or "?", *(ip.address or "?" for ip in port.ips)])


def _identity(identity: Identity | None) -> str | None:
    if identity is None:
        return None
    return f"{identity.name or NOTHING}  ({identity.id or NOTHING})"


def _flavor_lines(flavor: Flavor) -> Iterator[Line]:
    flavor_id = "" if flavor.id is None else f"  (id {flavor.id})"
    yield from _one("flavor", f"{flavor.name or NOTHING}{flavor_id}")
    amounts = (
        (flavor.vcpus, "vCPU" if flavor.vcpus == 1 else "vCPUs"),
        (flavor.memory_mib, "MiB memory"),
        (flavor.disk_gib, "GiB disk"),
        (flavor.ephemeral_gib, "GiB ephemeral"),
        (flavor.swap_mib, "MiB swap"),
    )
    yield from _one("", ", ".join(f"{n} {what}" for n, what in amounts if n))
    yield from _mapping_lines("extra specs", flavor.extra_specs)


def _root_lines(root: Root | None) -> Iterator[Line]:
    if root is not None:
        uuid = root.uuid or (
            "(its uuid is the boot disk's serial)" if root.type == "volume" else ""
        )
        yield from _one("root", f"{root.type or '?'}  {uuid}".rstrip())


def _image_lines(image: Image) -> Iterator[Line]:
    yield from _one("image", image.uuid or ("none" if image.uuid == "" else None))
    formats = (
        (image.disk_format, "format"),
        (image.container_format, "container"),
        (image.min_disk_gib, "GiB minimal disk"),
        (image.min_ram_mib, "MiB minimal memory"),
    )
    sizes = ", ".join(f"{value} {what}" for value, what in formats if value)
    yield from _one("image" if image.uuid is None else "", sizes)
    yield from _mapping_lines("properties", image.properties)


def _mapping_lines(label: str, values: Mapping[str, str] | None) -> Iterator[Line]:
    if values:
        yield from _many(label, [f"{key} = {value}" for key, value in values.items()])


def _hardware_lines(guest: Guest) -> Iterator[Line]:
    hardware = guest.hardware
    assert hardware is not None
    yield from _one("vCPUs", hardware.vcpus)
    yield from _one("memory", None if hardware.memory_mib is None else f"{hardware.memory_mib} MiB")
    yield from _one("pid", guest.pid)
    yield from _many("disks", _disks(hardware))
    yield from _many("interfaces", _interfaces(hardware))
    if hardware.host_devices:
        yield from _many(
            "host devices",
            [f"{each.type or '?'}  {each.address or '?'}" for each in hardware.host_devices],
        )
    if hardware.file_systems:
        yield from _many(
            "file systems",
            [
                f"{each.type or '?'}  {each.source or '?'}  as {each.target or '?'}"
                for each in hardware.file_systems
            ],
        )


def _disks(hardware: Hardware) -> list[str]:
    return [
        "  ".join(
            part
            for part in (
                disk.target or "?",
                disk.bus,
                disk.source or "(empty)",
                f"serial {disk.serial}" if disk.serial else None,
                "shareable" if disk.shareable else None,
            )
            if part
        )
        for disk in hardware.disks
    ]


def _interfaces(hardware: Hardware) -> list[str]:
    return [
        "  ".join(
            part
            for part in (
                nic.mac or "?",
                nic.target,
                f"{_SOURCES.get(nic.type or '', '')} {nic.source}".lstrip() if nic.source else None,
                None if nic.vlan is None else f"vlan {nic.vlan}",
                f"port {nic.port}" if nic.port else None,
            )
            if part
        )
        for nic in hardware.interfaces
    ]


_SOURCES = {"hostdev": "function", "vhostuser": "socket", "vdpa": "vDPA"}


def _difference_lines(differences: Sequence[Difference]) -> Iterator[Line]:
    for difference in differences:
        yield from _many(
            _label(difference.field),
            [
                f"live        {_told(difference.live)}",
                f"persistent  {_told(difference.persistent)}",
            ],
        )


def _label(field: str) -> str:
    """A dotted key can end in the name of an image's property: anybody's text, of any length."""
    text = cell(field)
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "…"


def _told(value: object) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, tuple):
        return ", ".join(map(_port, value)) or NOTHING
    if isinstance(value, (str, int)):
        return str(value)
    return iso(value) or NOTHING  # type: ignore[arg-type]
