"""What Nova was given for each golden, and the block that each release wrote of it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from lxml import etree

from tests.support.paths import GOLDEN
from virsh_nova.parse import parse_block

INPUTS: dict[str, dict[str, Any]] = json.loads((GOLDEN / "inputs.json").read_text(encoding="utf-8"))
"""What Nova was given, by case."""


def golden_text(release: str, case: str) -> str:
    """The block as that release wrote it."""
    return (GOLDEN / release / f"{case}.xml").read_text(encoding="utf-8")


def golden_block(release: str, case: str, *, name: str | None = None) -> str:
    """The block as that release wrote it, with another name where one is given."""
    root = etree.fromstring(golden_text(release, case))
    if name is not None:
        root.find("{*}name").text = name
    return str(etree.tostring(root, encoding="unicode"))


def document(case: str, package: str) -> dict[str, Any]:
    """What Nova was given, as a listing saves it: an image's properties by the block's names."""
    given = INPUTS[case]
    flavor, stored = given["flavor"], given["system_metadata"]
    smallest, memory = stored.get("image_min_disk"), stored.get("image_min_ram")
    created = datetime.fromtimestamp(int(given["time"]), timezone.utc)
    return {
        "host": "compute-1",
        "uuid": given["uuid"],
        "instance": {
            "namespace": "http://openstack.org/xmlns/libvirt/nova/1.1",
            "package": package,
            "name": given["display_name"],
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "flavor": flavor_of(given),
            "image": {
                "uuid": stored.get("image_base_image_ref", ""),
                "container_format": stored.get("image_container_format"),
                "disk_format": stored.get("image_disk_format"),
                # Nova writes the greater of the image's own and the flavor's.
                "min_disk_gib": smallest and max(int(smallest), flavor["root_gb"]),
                "min_ram_mib": memory and int(memory),
                "properties": properties(case),
            },
            "owner": {
                "user": {"id": given["user_id"], "name": stored.get("owner_user_name", "N/A")},
                "project": {
                    "id": given["project_id"],
                    "name": stored.get("owner_project_name", "N/A"),
                },
            },
            "root": {
                "type": "image" if given["image_ref"] else "volume",
                "uuid": given["image_ref"],
            },
            "ports": ports_of(given),
        },
    }


def properties(case: str) -> dict[str, str]:
    """Nova's own names for the image's properties, with the values that the image has."""
    nova = parse_block(golden_text("34.0.0", case)).instance
    assert nova is not None
    assert nova.image is not None
    stored = INPUTS[case]["system_metadata"]
    return {key: stored.get(f"image_{key}", "x") for key in nova.image.properties or {}}


def flavor_of(given: dict[str, Any]) -> dict[str, Any]:
    flavor = given["flavor"]
    return {
        "name": flavor["name"],
        "id": flavor["flavorid"],
        "memory_mib": flavor["memory_mb"],
        "disk_gib": flavor["root_gb"],
        "swap_mib": flavor["swap"],
        "ephemeral_gib": flavor["ephemeral_gb"],
        "vcpus": flavor["vcpus"],
        "extra_specs": flavor["extra_specs"],
    }


def ports_of(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "uuid": vif["id"],
            "ips": [
                {"type": "fixed", "address": ip["address"], "version": ip["version"]}
                for subnet in vif["network"]["subnets"]
                for ip in subnet["ips"]
            ],
        }
        for vif in given["network_info"]
    ]
