"""The index: built once over a host's guests, asked for any number of handles. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from posixpath import normpath

from ..guests.naming import PORT_BEGINNING_LENGTH, PORT_DEVICE, UUID_WITHIN
from ..hosts.lookup import SHORTEST_PREFIX
from ..model import Guest
from ..quoting import quoted
from .answer import (
    HANDLE_KINDS,
    Answer,
    HandleKind,
    Lineage,
    Process,
    Processes,
    RealPaths,
)
from .identifiers import identifiers, keys_of
from .keys import (
    address_key,
    key_of,
    keys_of_any_kind,
    mac_key,
    number_of,
    split_handle,
    uuid_key,
)
from .made_names import LONGEST_SHORT_NAME, MadeName, made_names

NUMBERS: tuple[HandleKind, ...] = ("pid", "id", "domain")
"""What a bare number is before it is anything else: tenants choose names, and flavors are often
called ``1``."""

SHORTEST_VOLUME_PREFIX = 8
_SHORTEST: dict[HandleKind, int] = {
    "uuid": SHORTEST_PREFIX,
    "port": PORT_BEGINNING_LENGTH,
    "volume": SHORTEST_VOLUME_PREFIX,
}
_TAP_MAC, _GUEST_MAC = "fe", "fa"

_HEXADECIMAL = re.compile(r"[0-9a-f][0-9a-f-]*")
_NETWORK = re.compile(r"[0-9a-f:.]{2,}/[0-9.]+")
_PATH_OF_THIS_MACHINE = ("/", "./", "../")


class Index:
    """Which guest does a handle belong to, and as what?

    ``processes`` leads from a PID to a QEMU; without it only the pids that the records hold are
    known. ``real_paths`` follows symbolic links; without it a path is what libvirt calls it.
    """

    def __init__(
        self,
        guests: Iterable[Guest],
        processes: Processes | None = None,
        real_paths: RealPaths | None = None,
    ) -> None:
        self.guests = sorted(guests, key=lambda guest: (guest.domain, guest.uuid))
        self._processes = processes
        self._real_paths = real_paths
        self._tables: dict[HandleKind, dict[str, list[Answer]]] = {
            kind: {} for kind in HANDLE_KINDS
        }
        self._kinds: dict[str, set[HandleKind]] = defaultdict(set)
        for guest in self.guests:
            for identifier in identifiers(guest):
                answer = Answer(identifier.kind, identifier.value, guest, identifier.detail)
                table = self._tables[identifier.kind]
                for key in keys_of(identifier):
                    table.setdefault(key, []).append(answer)
                    self._kinds[key].add(identifier.kind)
        self._sorted: dict[HandleKind, list[str]] = {}
        self._networks: dict[int, list[tuple[int, str]]] | None = None
        self._links: dict[str, list[str]] | None = None
        self._port_devices: list[tuple[str, str]] | None = None

    def answers(self, handle: str, *, within: bool = True) -> list[Answer]:
        """Every guest that the handle belongs to, kind by kind, of each in order of domain names.

        The beginning of a uuid counts only where nothing else matches; then names that others
        make from a guest's, folders above its disks, and last, if ``within``, a uuid that is
        somewhere in the handle.
        """
        kind, text = split_handle(handle)
        if kind:
            return self.of_kind(kind, text)
        is_number = number_of(handle.strip()) is not None
        return (
            (self._of_kinds(NUMBERS, handle) if is_number else [])
            or self._of_kinds(HANDLE_KINDS, handle)
            or self._beginning("uuid", handle, SHORTEST_PREFIX)
            + self._beginning("port", handle, PORT_BEGINNING_LENGTH)
            + self._beginning("volume", handle, SHORTEST_VOLUME_PREFIX)
            or self.made(handle.strip())
            or (self._within(handle) or self._in_path(handle.strip()) if within else [])
        )

    def of_kind(self, kind: HandleKind, text: str) -> list[Answer]:
        """The answers to a handle that is said to be of that kind."""
        found = self.exact(kind, text)
        if not found and kind in _SHORTEST:
            found = self._beginning(kind, text, _SHORTEST[kind])
        return found or (self._below(text.strip()) if kind == "disk" else [])

    def exact(self, kind: HandleKind, text: str) -> list[Answer]:
        """The same, but for the beginnings of uuids."""
        found = self.recorded(kind, text)
        if kind == "pid" and self._processes:
            return _distinct([*self._of_process(text), *found])
        if kind == "disk" and not found:
            return self._behind_links(text.strip())
        return found

    def recorded(self, kind: HandleKind, text: str) -> list[Answer]:
        """What the records alone tell: neither /proc nor a file system is asked."""
        key = key_of(kind, text)
        found = self._tables[kind].get(key, []) if key else []
        if kind == "ip" and not found:
            network = text.strip().lower()
            if _NETWORK.fullmatch(network):
                return self._in_network(network)
            return self._tables["ip"].get(network, [])
        if kind == "tap" and not found and (device := PORT_DEVICE.fullmatch(text.strip())):
            return self._of_port(device[1], text.strip())
        if kind == "port" and not found and key and len(key) == 32:
            # A block without ports, before Nova 23: the tap has the beginning of the port's uuid.
            return self._of_unrecorded_port(text.strip().lower())
        if kind == "mac" and not found and key and key.startswith(_TAP_MAC):
            # The host's own address of a tap: fe: and the rest of the guest's.
            guests = self._tables["mac"].get(_GUEST_MAC + key[2:], [])
            return _distinct([answer._replace(value=text.strip()) for answer in guests])
        return _distinct(found)

    def made(self, text: str) -> list[Answer]:
        """The guests from whose names libvirt, systemd, Neutron or the kernel made this one."""
        found: list[Answer] = []
        for made in made_names(text):
            if made.source == "pid":
                found += self.exact("pid", made.text)
            elif made.source == "port":
                found += self._of_port(made.text, text)
            elif made.source == "volume":
                found += self._beginning("volume", made.text, len(made.text))
            elif made.source == "domain":
                found += self.recorded("domain", made.text)
            else:
                found += self._of_short_name(made)
        return _distinct(found)

    def lineage(self, number: int) -> Lineage | None:
        return self._processes(number) if self._processes else None

    def names(self, kind: HandleKind) -> Iterator[str]:
        """What can be asked for as that kind, each once."""
        for found in self._tables[kind].values():
            yield found[0].value

    # ---- how it is done -----------------------------------------------------------------------

    def _of_kinds(self, kinds: Sequence[HandleKind], text: str) -> list[Answer]:
        possible = self._possible(text)
        return [answer for kind in kinds if kind in possible for answer in self.exact(kind, text)]

    def _possible(self, text: str) -> set[HandleKind]:
        """The kinds that are worth a look: most lines of a text are nothing at all."""
        kinds: set[HandleKind] = set()
        for key in keys_of_any_kind(text):
            kinds |= self._kinds.get(key, kinds)
        text = text.strip()
        if number_of(text) is not None:
            kinds.add("pid")
        if "/" in text:
            kinds |= {"ip", "disk"}
        elif PORT_DEVICE.fullmatch(text):
            kinds.add("tap")
        elif (mac_key(text) or "").startswith(_TAP_MAC):
            kinds.add("mac")
        elif uuid_key(text):
            kinds.add("port")
        return kinds

    def _beginning(self, kind: HandleKind, text: str, shortest: int) -> list[Answer]:
        text = text.strip().lower()
        if not (shortest <= len(text) <= 36 and _HEXADECIMAL.fullmatch(text)):
            return []
        table = self._tables[kind]
        if kind not in self._sorted:
            self._sorted[kind] = sorted(table)
        keys = self._sorted[kind]
        prefix = text.replace("-", "")
        found = []
        for position in range(bisect_left(keys, prefix), len(keys)):
            if not keys[position].startswith(prefix):
                break
            for answer in table[keys[position]]:
                value = answer.value.lower()
                if value.startswith(text) or value.replace("-", "").startswith(text):
                    found.append(answer)
        return _distinct(sorted(found, key=lambda answer: (answer.guest.domain, answer.value)))

    def _of_port(self, beginning: str, device: str) -> list[Answer]:
        """The guest with a port, or failing that a device, whose uuid begins so."""
        ports = self._beginning("port", beginning, len(beginning))
        if ports:
            return [Answer("tap", device, port.guest, f"port {port.value}") for port in ports]
        return [
            Answer("tap", device, tap.guest, f"a device of the port of {tap.value}")
            for tap in self._port_devices_of(beginning)
        ]

    def _of_unrecorded_port(self, port: str) -> list[Answer]:
        return [
            Answer("port", port, tap.guest, f"port ({tap.value})")
            for tap in self._port_devices_of(port[:PORT_BEGINNING_LENGTH])
            # One whose port is known in full has another one.
            if not any(
                nic.port
                for nic in (tap.guest.hardware.interfaces if tap.guest.hardware else ())
                if nic.target == tap.value
            )
        ]

    def _port_devices_of(self, beginning: str) -> Iterator[Answer]:
        """The devices that are named after a port whose uuid begins so."""
        table = self._tables["tap"]
        if self._port_devices is None:
            known = ((PORT_DEVICE.fullmatch(device), device) for device in table)
            self._port_devices = sorted((match[1], device) for match, device in known if match)
        for position in range(
            bisect_left(self._port_devices, (beginning, "")), len(self._port_devices)
        ):
            port, device = self._port_devices[position]
            if not port.startswith(beginning):
                break
            yield from table[device]

    def _of_short_name(self, made: MadeName) -> list[Answer]:
        """By id and what the short name keeps of the domain's; of one that is off, by the name."""
        by_id = [
            answer
            for answer in self._tables["id"].get(made.id, [])
            if answer.guest.domain[:LONGEST_SHORT_NAME] == made.text[:LONGEST_SHORT_NAME]
        ]
        named = self.recorded("domain", made.text)
        found = by_id or named
        return [Answer("domain", answer.guest.domain, answer.guest, "domain") for answer in found]

    def _in_path(self, path: str) -> list[Answer]:
        """Guests with a disk below a folder; failing that, those that a part of the path names."""
        if "/" not in path:
            return []
        found = self._below(path)
        for part in reversed(path.split("/")):
            found = (
                found
                or self.recorded("domain", part)
                or self.recorded("tap", part)
                or self.made(part)
            )
        return found

    def _below(self, folder: str) -> list[Answer]:
        if not folder.startswith("/"):
            return []
        prefix = f"{normpath(folder).rstrip('/')}/"
        if len(prefix) < 2:
            return []
        table = self._tables["disk"]
        if "disk" not in self._sorted:
            self._sorted["disk"] = sorted(table)
        keys = self._sorted["disk"]
        found: list[Answer] = []
        for position in range(bisect_left(keys, prefix), len(keys)):
            if not keys[position].startswith(prefix):
                break
            found += table[keys[position]]
        return _distinct(found)

    def _within(self, text: str) -> list[Answer]:
        """The guest whose uuid a path holds: ``/var/lib/nova/instances/<uuid>/console.log``."""
        uuids = dict.fromkeys(UUID_WITHIN.findall(text))
        kinds: tuple[HandleKind, ...] = ("uuid", "port", "volume")
        return [answer for uuid in uuids for kind in kinds for answer in self.recorded(kind, uuid)]

    def _in_network(self, text: str) -> list[Answer]:
        from ipaddress import ip_address, ip_network  # 1 ms, and networks are rare

        try:
            network = ip_network(text, strict=False)
        except ValueError:
            return []
        if self._networks is None:
            self._networks = {4: [], 6: []}
            for key in self._tables["ip"]:
                if address_key(key) == key:
                    address = ip_address(key)
                    self._networks[address.version].append((int(address), key))
            for addresses in self._networks.values():
                addresses.sort()
        addresses = self._networks[network.version]
        first, last = int(network.network_address), int(network.broadcast_address)
        found: list[Answer] = []
        for position in range(bisect_left(addresses, (first, "")), len(addresses)):
            number, key = addresses[position]
            if number > last:
                break
            found += self._tables["ip"][key]
        return _distinct(found)

    def _behind_links(self, path: str) -> list[Answer]:
        if self._real_paths is None or not path.startswith(_PATH_OF_THIS_MACHINE):
            return []
        real = self._real_paths([path]).get(path)
        if real is None:
            return []
        table = self._tables["disk"]
        if real in table:
            return _distinct(table[real])
        if self._links is None:
            self._links = defaultdict(list)
            paths = [path for path in table if path.startswith("/")]
            for known, behind in self._real_paths(paths).items():
                self._links[behind].append(known)
        return _distinct([answer for known in self._links.get(real, ()) for answer in table[known]])

    def _of_process(self, text: str) -> list[Answer]:
        """The guests of the QEMU that a number leads to.

        It is certain where libvirt's pid file names the process; where that cannot be read, where
        its executable and its user are those of a QEMU. Else the answer says so.
        """
        number = number_of(text.strip())
        lineage = None if number is None or not self._processes else self._processes(number)
        claimed: list[Answer] = []
        for process in lineage.processes if lineage else ():
            known = self.recorded("pid", str(process.pid))
            named = self.recorded("uuid", process.uuid) if process.uuid else []
            if process.proven:
                known = known + [answer for answer in named if answer.guest.pid is None]
            if lineage and known:
                detail = _kinship(lineage, process)
                return _distinct([Answer("pid", str(number), one.guest, detail) for one in known])
            if lineage and not claimed:
                detail = _claimed_kinship(lineage, process)
                claimed = [Answer("pid", str(number), one.guest, detail) for one in named]
        return claimed


def _kinship(lineage: Lineage, qemu: Process) -> str:
    return _to(lineage, qemu, "QEMU", f"QEMU {qemu.pid}")


def _claimed_kinship(lineage: Lineage, process: Process) -> str:
    """Of a process that has a guest's uuid on its command line, as anybody's can."""
    name = f"process {quoted(process.name)}"
    kinship = _to(lineage, process, name, f"{name} ({process.pid})")
    return f"{kinship}, by its command line alone"


def _to(lineage: Lineage, target: Process, itself: str, named: str) -> str:
    first = lineage.processes[0]
    thread = None if lineage.thread is None else f"thread {lineage.thread}"
    if first.pid == target.pid:
        return f"{thread} of {named}" if thread else itself
    near = len(lineage.processes) > 1 and lineage.processes[1].pid == target.pid
    process = f"process {quoted(first.name)}, {'child of' if near else 'below'} {named}"
    return f"{thread} of {process}" if thread else process


def _distinct(answers: list[Answer]) -> list[Answer]:
    """One for each value of a guest: the first, which says most."""
    if len(answers) < 2:
        return answers
    kept: dict[tuple[object, ...], Answer] = {}
    for answer in answers:
        guest = answer.guest
        kept.setdefault((answer.kind, guest.host, guest.uuid, answer.value.lower()), answer)
    return list(kept.values())
