"""The index: built once over a host's guests, asked for any number of handles. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from ..guests.naming import PORT_BEGINNING_LENGTH, PORT_DEVICE, UUID_WITHIN
from ..hosts.lookup import SHORTEST_PREFIX
from ..model import Guest
from .answer import KINDS, Answer, Kind, Lineage, Processes, RealPaths
from .identifiers import identifiers, keys_of
from .keys import address_key, key_of, keys_of_any_kind, number_of, split_handle

NUMBERS: tuple[Kind, ...] = ("pid", "id", "domain")
"""What a bare number is before it is anything else: tenants choose names, and flavors are often
called ``1``."""

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
        self._tables: dict[Kind, dict[str, list[Answer]]] = {kind: {} for kind in KINDS}
        self._kinds: dict[str, set[Kind]] = defaultdict(set)
        for guest in self.guests:
            for identifier in identifiers(guest):
                answer = Answer(identifier.kind, identifier.value, guest, identifier.detail)
                table = self._tables[identifier.kind]
                for key in keys_of(identifier):
                    table.setdefault(key, []).append(answer)
                    self._kinds[key].add(identifier.kind)
        self._sorted: dict[Kind, list[str]] = {}
        self._networks: dict[int, list[tuple[int, str]]] | None = None
        self._links: dict[str, list[str]] | None = None

    def answers(self, handle: str, *, within: bool = True) -> list[Answer]:
        """Every guest that the handle belongs to, kind by kind, of each in order of domain names.

        The beginning of a uuid counts only where nothing else fits; and last of all, if
        ``within``, a uuid that stands somewhere in the handle.
        """
        kind, text = split_handle(handle)
        if kind:
            return self.of_kind(kind, text)
        is_number = number_of(handle.strip()) is not None
        return (
            (self._of_kinds(NUMBERS, handle) if is_number else [])
            or self._of_kinds(KINDS, handle)
            or self._beginning("uuid", handle, SHORTEST_PREFIX)
            + self._beginning("port", handle, PORT_BEGINNING_LENGTH)
            or (self._within(handle) if within else [])
        )

    def of_kind(self, kind: Kind, text: str) -> list[Answer]:
        """The answers to a handle that is said to be of that kind."""
        found = self.exact(kind, text)
        if not found and kind in ("uuid", "port"):
            shortest = SHORTEST_PREFIX if kind == "uuid" else PORT_BEGINNING_LENGTH
            return self._beginning(kind, text, shortest)
        return found

    def exact(self, kind: Kind, text: str) -> list[Answer]:
        """The same, but for the beginnings of uuids."""
        found = self.recorded(kind, text)
        if kind == "pid" and self._processes:
            return _distinct([*self._of_process(text), *found])
        if kind == "disk" and not found:
            return self._behind_links(text.strip())
        return found

    def recorded(self, kind: Kind, text: str) -> list[Answer]:
        """What the records alone tell: neither /proc nor a file system is asked."""
        key = key_of(kind, text)
        found = self._tables[kind].get(key, []) if key else []
        if kind == "ip" and not found:
            network = text.strip().lower()
            if _NETWORK.fullmatch(network):
                return self._in_network(network)
            return self._tables["ip"].get(network, [])
        if kind == "tap" and not found and (device := PORT_DEVICE.fullmatch(text.strip())):
            ports = self._beginning("port", device[1], PORT_BEGINNING_LENGTH)
            return [Answer("tap", text.strip(), port.guest, f"port {port.value}") for port in ports]
        return _distinct(found)

    def lineage(self, number: int) -> Lineage | None:
        return self._processes(number) if self._processes else None

    def names(self, kind: Kind) -> Iterator[str]:
        """What can be asked for as that kind, each once."""
        for found in self._tables[kind].values():
            yield found[0].value

    # ---- how it is done -----------------------------------------------------------------------

    def _of_kinds(self, kinds: Sequence[Kind], text: str) -> list[Answer]:
        possible = self._possible(text)
        return [answer for kind in kinds if kind in possible for answer in self.exact(kind, text)]

    def _possible(self, text: str) -> set[Kind]:
        """The kinds that are worth a look: most lines of a text are nothing at all."""
        kinds: set[Kind] = set()
        for key in keys_of_any_kind(text):
            kinds |= self._kinds.get(key, kinds)
        text = text.strip()
        if number_of(text) is not None:
            kinds.add("pid")
        if "/" in text:
            kinds |= {"ip", "disk"}
        elif PORT_DEVICE.fullmatch(text):
            kinds.add("tap")
        return kinds

    def _beginning(self, kind: Kind, text: str, shortest: int) -> list[Answer]:
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

    def _within(self, text: str) -> list[Answer]:
        """The guest whose uuid a path holds: ``/var/lib/nova/instances/<uuid>/console.log``."""
        uuids = dict.fromkeys(UUID_WITHIN.findall(text))
        kinds: tuple[Kind, ...] = ("uuid", "port", "volume")
        return [answer for uuid in uuids for kind in kinds for answer in self.recorded(kind, uuid)]

    def _in_network(self, text: str) -> list[Answer]:
        from ipaddress import ip_address, ip_network

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
        number = number_of(text.strip())
        lineage = None if number is None or not self._processes else self._processes(number)
        for process in lineage.processes if lineage else ():
            found = self.recorded("uuid", process.uuid) if process.uuid else []
            found = found or self.recorded("pid", str(process.pid))
            if lineage and found:
                detail = _kinship(lineage, process.pid)
                return [Answer("pid", str(number), answer.guest, detail) for answer in found]
        return []


def _kinship(lineage: Lineage, qemu: int) -> str:
    first = lineage.processes[0]
    thread = None if lineage.thread is None else f"thread {lineage.thread}"
    if first.pid == qemu:
        return f"{thread} of QEMU {qemu}" if thread else "QEMU"
    near = len(lineage.processes) > 1 and lineage.processes[1].pid == qemu
    process = f"process {first.name}, {'child of' if near else 'below'} QEMU {qemu}"
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
