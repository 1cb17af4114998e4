"""A real host with guests of every kind, read through libvirt and from inside its folders."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any

from lab.compute_host import ComputeHost
from lab.domains import nova_guest, ovirt_guest, plain_guest
from tests.support.goldens import golden_block
from tests.support.moments import without_moments
from tests.support.paths import ROOT
from tests.support.real_host import run_on, uuid

Documents = list[dict[str, Any]]


def inside(host: ComputeHost, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command where the host's folders are, over those of this machine."""
    guardian = host._guardian
    assert guardian is not None
    return subprocess.run(
        ["nsenter", "--mount", "--target", str(guardian.pid), "--", *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def furnish(host: ComputeHost, plain: str = "a plain guest") -> None:
    """Guests of every kind: running, paused, stopped, transient; Nova's and others."""
    disk = host.instance_disk(uuid(1))
    golden = golden_block("34.0.0", "ports_v4_v6_floating")
    for number, name in enumerate(("running", "paused", "stopped", "crashing"), 1):
        host.define(
            nova_guest(
                f"instance-{number:08x}",
                uuid(number),
                golden if name != "stopped" else golden_block("15.1.5", "volume_boot"),
                disk=disk if number == 1 else None,
            ).replace("<memory", f"<title>{name} &lt;1&gt;</title><memory", 1)
        )
    host.define(nova_guest("instance-00000009", uuid(9)))
    host.define(ovirt_guest("hosted"))
    host.define(plain_guest(plain))
    host.start("instance-00000001")
    host.start("instance-00000002", paused=True)
    host.start(plain)
    host.create(nova_guest("transient", uuid(10), golden))
    # As a port attach does: live and persistent apart.
    namespace = "http://openstack.org/xmlns/libvirt/nova/1.1"
    element = golden_block("34.0.0", "image_plain", name="attached").replace(
        f' xmlns:nova="{namespace}"', ""
    )
    bare = element.replace("nova:", "")
    host.set_metadata("instance-00000001", namespace, bare, "live")


def parsed(output: str) -> Documents:
    """The documents without the layout of blocks, which libvirt makes anew wherever it puts one."""
    return list(json.loads(without_moments(re.sub(r">\\n *<", "><", output))))


def through_libvirt(host: ComputeHost) -> tuple[Documents, Documents]:
    code, listed, err = run_on(host.uri, "list", "-f", "json")
    assert (code, err) == (0, "")
    uuids = [guest["uuid"] for guest in parsed(listed)]
    code, shown, err = run_on(host.uri, "show", "-f", "json", *uuids)
    assert (code, err) == (0, "")
    return parsed(listed), parsed(shown)
