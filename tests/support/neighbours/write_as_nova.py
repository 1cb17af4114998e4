"""Write metadata into domains with Nova's own code, as nova-compute does at a port attach.

Run by the interpreter that has nova installed (`environments.python_of("nova")`):

    python write_as_nova.py URI < JOBS

JOBS is a JSON array of {"domain": name, "instance": …, "persistent": bool, "live": bool}, where an
instance is one of those in `tests/data/golden/inputs.json`. Nova's attach gives neither flag. The
answer, on stdout, is a JSON object: the block that Nova made for each domain.
"""

import json
import sys
from typing import Any

import libvirt
import nova.conf
from nova import objects
from nova.network import model as network_model
from nova.virt.libvirt.config import LibvirtConfigGuestMetaNovaInstance
from nova.virt.libvirt.driver import LibvirtDriver
from nova.virt.libvirt.guest import Guest


def instance_of(given: dict[str, Any]) -> objects.Instance:
    """The instance as the database would have given it to nova-compute."""
    return objects.Instance(
        uuid=given["uuid"],
        display_name=given["display_name"],
        user_id=given["user_id"],
        project_id=given["project_id"],
        image_ref=given["image_ref"],
        system_metadata=given["system_metadata"],
        flavor=objects.Flavor(**given["flavor"]),
    )


def block_of(given: dict[str, Any]) -> LibvirtConfigGuestMetaNovaInstance:
    # The driver's own two steps. Neither needs a driver that has a host to connect to.
    metadata = LibvirtDriver.get_instance_driver_metadata(
        instance_of(given), network_model.NetworkInfo.hydrate(given["network_info"])
    )
    metadata.creation_time = given["time"]
    return LibvirtDriver._get_guest_config_meta(object.__new__(LibvirtDriver), metadata)


def main() -> None:
    nova.conf.CONF([], project="nova", default_config_files=[])
    objects.register_all()
    connection = libvirt.open(sys.argv[1])
    written = {}
    for job in json.load(sys.stdin):
        block = block_of(job["instance"])
        guest = Guest(connection.lookupByName(job["domain"]))
        guest.set_metadata(
            block, persistent=job.get("persistent", False), live=job.get("live", False)
        )
        written[job["domain"]] = block.to_xml()
    json.dump(written, sys.stdout)


if __name__ == "__main__":
    main()
