"""A libguestfs appliance, caught while it runs: what virt-df or Nova itself puts among the guests.

libguestfs builds its appliance from the kernel in /boot once (half a minute, kept in /var/tmp).
Then it is a running guest at once; it boots under TCG for ten seconds more, which no test needs.
"""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import libvirt

from lab.compute_host import ComputeHost, HostFailed

BUILD_SECONDS = 600


@contextlib.contextmanager
def running_appliance(host: ComputeHost) -> Iterator[str]:
    """Run guestfish on a scratch disk, by way of the host's libvirtd; yields the guest's name."""
    with tempfile.TemporaryDirectory(dir=host.directory) as scratch:
        disk, output = Path(scratch, "disk"), Path(scratch, "output")
        disk.write_bytes(bytes(1024 * 1024))
        before = set(_appliances(host))
        guestfish = _guestfish(host, disk, output)

        def runs() -> bool:
            if guestfish.poll() is not None:
                raise HostFailed(f"guestfish gave up:\n{output.read_text()}")
            return bool(set(_appliances(host)) - before)

        try:
            host.wait(runs, "no libguestfs appliance", BUILD_SECONDS)
            (name,) = set(_appliances(host)) - before
            yield name
        finally:
            _end(host, guestfish, before)


def _guestfish(host: ComputeHost, disk: Path, output: Path) -> subprocess.Popen[str]:
    settings = {
        "LIBGUESTFS_BACKEND": f"libvirt:{host.uri}",
        "LIBGUESTFS_BACKEND_SETTINGS": "force_tcg",
        "LIBGUESTFS_MEMSIZE": "512",
    }
    with output.open("w") as said:
        guestfish = subprocess.Popen(
            ["guestfish"],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=os.environ | settings,
            text=True,
        )
    # After these it waits for more; when its stdin closes, as it does if pytest dies, it ends.
    print(f"add-drive {disk} format:raw\nrun", file=guestfish.stdin, flush=True)
    return guestfish


def _end(host: ComputeHost, guestfish: subprocess.Popen[str], before: set[str]) -> None:
    # Its guest gone, guestfish tidies up and ends; killed, it would leave directories in /tmp.
    with contextlib.suppress(libvirt.libvirtError):
        for name in set(_appliances(host)) - before:
            host.domain(name).destroy()
    with contextlib.suppress(subprocess.TimeoutExpired):
        guestfish.communicate(timeout=20)
    guestfish.kill()
    guestfish.wait()


def _appliances(host: ComputeHost) -> list[str]:
    names = (domain.name() for domain in host.connection.listAllDomains())
    return [name for name in names if name.startswith("guestfs-")]
