"""Discover the instances of a host with Ceilometer's own code, by its `libvirt_metadata` method.

Run by the interpreter that has ceilometer installed (`environments.python_of("ceilometer")`):

    python discover_as_ceilometer.py URI

The answer, on stdout, is a JSON array: the attributes of each server, as Ceilometer's pollsters get
them. There is no cloud: Nova's API, which Ceilometer asks for what an older block lacks, knows
nothing here, so that the id of a flavor that has none in the block is its name.
"""

import contextlib
import json
import sys
from typing import Any, NoReturn

import novaclient.exceptions
from ceilometer import nova_client, service
from ceilometer.compute.discovery import InstanceDiscovery


class EmptyCloud:
    """In the place of Ceilometer's Nova client; finds neither flavors nor servers."""

    def __init__(self, _conf: Any) -> None:
        self.nova_client = self.flavors = self.servers = self

    def find(self, **_wanted: object) -> NoReturn:
        raise novaclient.exceptions.NotFound(404)

    def get(self, _uuid: str) -> NoReturn:
        raise novaclient.exceptions.NotFound(404)


def main() -> None:
    nova_client.Client = EmptyCloud
    # Ceilometer logs to stdout, for every guest that is not Nova's; stdout is for the answer.
    with contextlib.redirect_stdout(sys.stderr):
        conf = service.prepare_service(argv=["ceilometer"], config_files=[])
        conf.set_override("libvirt_uri", sys.argv[1])
        conf.set_override("instance_discovery_method", "libvirt_metadata", group="compute")
        servers = InstanceDiscovery(conf).discover(manager=None)
    json.dump([vars(server) for server in servers], sys.stdout)


if __name__ == "__main__":
    main()
