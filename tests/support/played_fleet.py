"""A fleet of one real libvirtd: sixty hosts through a fake ssh, each with a name of its own.

libvirt starts the program of a URI's ``command=`` in place of ssh. This one talks to a relay in the
test, which passes everything on to the daemon, and back: only the host's name and uuid in the
daemon's replies become those of the host that was asked for. What a host is to do instead (be
silent, refuse, break off) the relay decides by its name.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal

from tests.support.embedded import guest
from virsh_nova.block.namespaces import NOVA_1_1

Behaviour = Literal["up", "silent", "refused", "unknown key", "cut off", "slow"]

FAKE_SSH = """\
#!{python} -IS
import os, select, socket, sys
words = sys.argv[1:]
name = words[words.index("--") + 1]
with open({log!r}, "a") as log:
    log.write(repr(words[:-1]) + "\\n")
relay = socket.socket(socket.AF_UNIX)
relay.connect({relay!r})
relay.sendall(name.encode() + b"\\n")
said = b""
while not said.endswith(b"\\n"):
    said += relay.recv(1) or b"\\n"
if said != b"\\n":
    sys.stderr.write(said.decode())
    sys.exit(255)
ends = {{0: relay.fileno(), relay.fileno(): 1}}
while ends:
    for ready in select.select(list(ends), [], [])[0]:
        data = os.read(ready, 65536)
        if not data:
            sys.exit(0)
        while data:
            data = data[os.write(ends[ready], data):]
"""

_HEAD = struct.Struct(">7I")
_REMOTE, _REPLY, _OK = 0x20008086, 1, 0
_GET_CAPABILITIES, _GET_HOSTNAME = 7, 59
_SLOW = 0.3


class PlayedFleet:
    """A context manager; ``uri`` is a template with ``%h`` for the name of a host."""

    def __init__(self, directory: Path, daemon: Path) -> None:
        self.directory = directory
        self.behaviour: dict[str, Behaviour] = {}
        """By name; a host that is not in it is up."""
        self.called: dict[str, str] = {}
        """What a host calls itself, where that is not the name it is reached by."""
        self.called_uuid: dict[str, str] = {}
        """What its uuid is made from, where that is not what it calls itself."""
        self.most_at_once = 0
        self.log = directory / "ssh.log"
        self._daemon = str(daemon)
        self._relay = directory / "relay"
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._at_once = 0
        ssh = directory / "fake-ssh"
        ssh.write_text(
            FAKE_SSH.format(python=sys.executable, relay=str(self._relay), log=str(self.log))
        )
        ssh.chmod(0o755)
        self.uri = f"test+ssh://%h{directory}/%h.xml?command={ssh}"
        self._listening = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> PlayedFleet:
        self._listening.bind(str(self._relay))
        self._listening.listen(256)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def add(self, name: str, *guests: str) -> None:
        """A host with these guests: elements as ``embedded.guest`` makes them."""
        (self.directory / f"{name}.xml").write_text(f"<node>{''.join(guests)}</node>")

    def add_many(self, number: int, guests: int = 2) -> list[str]:
        """``cmp-001`` and so on; guest N of a host is its own instance ``web-HOST-N``."""
        names = [f"cmp-{host:03d}" for host in range(1, number + 1)]
        for host, name in enumerate(names, start=1):
            self.add(name, *(self.guest(host * 100 + one, name) for one in range(guests)))
        return names

    @staticmethod
    def guest(number: int, host: str) -> str:
        name = f"<nova:name>web-{host}-{number}</nova:name>"
        block = f'<nova:instance xmlns:nova="{NOVA_1_1}">{name}</nova:instance>'
        return guest(number, metadata=block)

    def asked(self) -> list[str]:
        """The arguments of each call of ssh, but for the command that it is to run."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    # ---- the relay

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    @contextlib.contextmanager
    def _counted(self, *sockets: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.update(sockets)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._open.difference_update(sockets)
                self._at_once -= 1
            for each in sockets:
                each.close()

    def _connect(self, near: socket.socket) -> None:
        name = b""
        while not name.endswith(b"\n"):
            name += near.recv(1) or b"\n"
        host = name.decode().strip()
        far = socket.socket(socket.AF_UNIX)
        with self._counted(near, far), contextlib.suppress(OSError):
            behaviour = self.behaviour.get(host, "up")
            if behaviour == "refused":
                near.sendall(f"ssh: connect to host {host} port 22: Connection refused\n".encode())
                return
            if behaviour == "unknown key":
                near.sendall(b"Host key verification failed.\n")
                return
            near.sendall(b"\n")
            if behaviour == "silent":
                near.recv(65536)
                while near.recv(65536):
                    pass
                return
            if behaviour == "slow":
                time.sleep(_SLOW)
            far.connect(self._daemon)
            up = threading.Thread(target=_pass_on, args=(near, far), daemon=True)
            up.start()
            self._pass_back(far, near, host, 6 if behaviour == "cut off" else None)
            near.shutdown(socket.SHUT_RDWR)
            up.join()

    def _pass_back(
        self, far: socket.socket, near: socket.socket, host: str, most: int | None
    ) -> None:
        """Message by message; ``most`` of them, and then no more."""
        stream = far.makefile("rb")
        number = 0
        while most is None or number < most:
            head = stream.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            length = _HEAD.unpack(head)[0]
            near.sendall(self._as_of(host, head, stream.read(length - _HEAD.size)))
            number += 1

    def _as_of(self, host: str, head: bytes, body: bytes) -> bytes:
        _, program, version, procedure, kind, serial, status = _HEAD.unpack(head)
        name = self.called.get(host, host)
        if (program, kind, status) == (_REMOTE, _REPLY, _OK):
            if procedure == _GET_HOSTNAME:
                body = _xdr(name.encode())
            elif procedure == _GET_CAPABILITIES:
                text = body[4 : 4 + int.from_bytes(body[:4], "big")].decode()
                own = uuid.uuid5(uuid.NAMESPACE_DNS, self.called_uuid.get(host, name))
                body = _xdr(text.replace("<host>", f"<host><uuid>{own}</uuid>", 1).encode())
        length = _HEAD.size + len(body)
        return _HEAD.pack(length, program, version, procedure, kind, serial, status) + body


def _xdr(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text + b"\0" * (-len(text) % 4)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
