"""`nova-domains check` and what happens to running guests: a crash, an I/O error, a helper left."""

import os
import signal
import struct
import subprocess
from pathlib import Path

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.findings import NAME, codes, fitting
from tests.support.real_host import uuid

SHUTOFF, PAUSED_BY_IO_ERROR = 5, (3, 5)
ADDRESS = (1 << 54) - 1
"""The bits of a compressed cluster's entry that say where it is, for clusters of 64 KiB."""


def broken_image(path: Path) -> None:
    """A qcow2 of which the first sector cannot be read: what is compressed there is garbage."""
    raw = path.with_suffix(".raw")
    raw.write_bytes(b"nova" * (1 << 18))
    convert = ["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", raw, path]
    subprocess.run(convert, check=True)
    with path.open("r+b") as image:

        def number(place: int) -> int:
            image.seek(place)
            return int(struct.unpack(">Q", image.read(8))[0])

        l2_table = number(number(40)) & 0x00FFFFFFFFFFFE00
        image.seek(number(l2_table) & ADDRESS)
        image.write(b"\xff" * 64)


def state_of(host: ComputeHost, name: str) -> tuple[int, int]:
    state, reason = host.domain(name).state()
    return state, reason


def test_a_qemu_that_was_killed_has_crashed(empty_host: ComputeHost) -> None:
    for number in (1, 2):
        empty_host.define(domains.nova_guest(NAME(number), uuid(number), fitting()))
        empty_host.start(NAME(number), paused=True)
    os.kill(empty_host.qemu_pid(NAME(1)), signal.SIGKILL)
    empty_host.wait(lambda: state_of(empty_host, NAME(1))[0] == SHUTOFF, "it runs on")
    empty_host.domain(NAME(2)).destroy()
    assert codes(empty_host) == {NAME(1): {"crashed"}}


def test_a_disk_that_cannot_be_read_pauses_the_guest(empty_host: ComputeHost) -> None:
    for number in (1, 2):
        disk = empty_host.instance_disk(uuid(number))
        if number == 1:
            broken_image(disk)
        guest = domains.nova_guest(NAME(number), uuid(number), fitting(), disk=disk)
        stop = 'type="qcow2" error_policy="stop" rerror_policy="stop"'
        assert 'type="qcow2"' in guest
        empty_host.define(guest.replace('type="qcow2"', stop))
        empty_host.start(NAME(number))
    empty_host.wait(lambda: state_of(empty_host, NAME(1)) == PAUSED_BY_IO_ERROR, "it runs on")
    assert codes(empty_host) == {NAME(1): {"io-error"}}


def test_helpers_that_are_left_over_are_found_by_their_age(empty_host: ComputeHost) -> None:
    appliance = "guestfs-0123456789abcdef"
    empty_host.create(domains.appliance(appliance), paused=True)
    empty_host.create(domains.plain_guest("debugging"), paused=True)
    empty_host.define(domains.plain_guest("web"))
    empty_host.start("web", paused=True)
    assert codes(empty_host) == {}
    found = codes(empty_host, "--leftover", "0.01s")
    assert found == {appliance: {"leftover"}, "debugging": {"leftover"}}
