"""A cloud with many compute hosts: our own document, and Nova's responses about its servers."""

import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

Document = dict[str, Any]

SAMPLE = Path(__file__).parents[1] / "tests" / "data" / "api" / "nova" / "servers_detail_2.100.json"


def cloud_of(listing: list[Document], records: int) -> list[Document]:
    """Our document of a whole cloud: a host's listing, and the like of other hosts."""
    return [*listing, *_elsewhere(listing, records - len(listing))]


def _elsewhere(listing: list[Document], number: int) -> Iterator[Document]:
    random = Random(number)
    for place in range(number):
        guest = deepcopy(listing[place % len(listing)])
        guest["host"] = f"compute-{place // len(listing)}"
        guest["uuid"] = _uuid(random)
        guest["domain"] = f"instance-{place + 0x10000:08x}"
        for port in guest["instance"]["ports"]:
            port["uuid"] = _uuid(random)
        yield guest


def servers_detail(cloud: list[Document]) -> Document:
    """What ``GET /servers/detail`` of Nova 34 (2.100) says of the same instances."""
    samples = json.loads(SAMPLE.read_text())["servers"]
    from_volume = next(server for server in samples if server["image"] == "")
    from_image = next(server for server in samples if server["image"] != "")
    macs = (f"fa:16:3e:{n >> 16 & 255:02x}:{n >> 8 & 255:02x}:{n & 255:02x}" for n in count())
    servers = []
    for guest in cloud:
        booted_from_image = guest["instance"]["root"]["type"] == "image"
        server = deepcopy(from_image if booted_from_image else from_volume)
        _fill(server, guest, macs)
        servers.append(server)
    return {"servers": servers}


def _fill(server: Document, guest: Document, macs: Iterator[str]) -> None:
    instance, old = guest["instance"], server["id"]
    flavor, image = instance["flavor"], instance["image"]
    server["id"] = guest["uuid"]
    for link in server["links"]:
        link["href"] = link["href"].replace(old, guest["uuid"])
    server["name"] = server["OS-EXT-SRV-ATTR:hostname"] = instance["name"]
    server["user_id"] = instance["owner"]["user"]["id"]
    server["tenant_id"] = instance["owner"]["project"]["id"]
    server["created"] = server["updated"] = instance["created"]
    server["OS-SRV-USG:launched_at"] = instance["created"].rstrip("Z") + ".000000"
    server["OS-EXT-SRV-ATTR:host"] = guest["host"]
    server["OS-EXT-SRV-ATTR:hypervisor_hostname"] = guest["host"]
    server["OS-EXT-SRV-ATTR:instance_name"] = guest["domain"]
    server["flavor"] = {
        "vcpus": flavor["vcpus"],
        "ram": flavor["memory_mib"],
        "disk": flavor["disk_gib"],
        "ephemeral": flavor["ephemeral_gib"],
        "swap": flavor["swap_mib"],
        "original_name": flavor["name"],
        "extra_specs": flavor["extra_specs"],
    }
    if server["image"]:
        server["image"]["id"] = image["uuid"]
        server["image"]["properties"] = image["properties"]
    server["addresses"] = {
        f"net-{place}": [_address(ip, mac) for ip in port["ips"]]
        for (place, port), mac in zip(enumerate(instance["ports"]), macs, strict=False)
    }


def _address(ip: Document, mac: str) -> Document:
    return {
        "version": ip["version"],
        "addr": ip["address"],
        "OS-EXT-IPS:type": ip["type"],
        "OS-EXT-IPS-MAC:mac_addr": mac,
    }


def _uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))
