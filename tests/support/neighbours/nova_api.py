"""Serve Nova's own API, one process on SQLite, with the instances it is given in its database.

Run by the interpreter that has nova installed (`environments.python_of("nova")`):

    python nova_api.py FOLDER

The first line of stdin is a JSON object:

    {"neutron": URL, "max_limit": int, "callers": {TOKEN: {HEADER: value}},
     "servers": […], "flavors": […], "images": […], "ports": […]}

The lists hold what the APIs show: servers as at microversion 2.100 with the flavor's `id` beside
what else there is, flavors and the rest as an administrator sees them. FOLDER gets the
configuration, the databases, the log, and in `requests` a line for each request.

There is no Keystone, message queue or Placement; a request with one of the tokens is its caller's.
Answers with the URL, in one line on stdout, when it listens, and ends when stdin does.
"""

# ruff: noqa: E402

import json
import os
import shutil
import sys
import threading
from datetime import datetime, timezone
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref import simple_server

from nova import monkey_patch

monkey_patch.patch(backend="threading")  # Before anything else of Nova's.

from nova import config, context, objects
from nova import service as nova_service  # noqa: F401 - registers the options of services
from nova.api.openstack import wsgi_app  # noqa: F401 - registers those of the API
from nova.db import migration
from nova.network import model as network_model
from paste import deploy

Environ = dict[str, Any]

PASTE = """
[composite:osapi_compute]
use = call:nova.api.openstack.urlmap:urlmap_factory
/: versions
/v2.1: version_v2
/v2.1/+: v21
[composite:v21]
use = call:nova.api.auth:pipeline_factory_v21
keystone = compute_req_id faultwrap callers keystonecontext v21_app
[pipeline:versions]
pipeline = faultwrap versions_app
[pipeline:version_v2]
pipeline = compute_req_id faultwrap version_v2_app
[filter:callers]
paste.filter_factory = __main__:callers
[filter:compute_req_id]
paste.filter_factory = nova.api.compute_req_id:ComputeReqIdMiddleware.factory
[filter:faultwrap]
paste.filter_factory = nova.api.openstack:FaultWrapper.factory
[filter:keystonecontext]
paste.filter_factory = nova.api.auth:NovaKeystoneContext.factory
[app:v21_app]
paste.app_factory = nova.api.openstack.compute:APIRouterV21.factory
[app:versions_app]
paste.app_factory = nova.api.openstack.compute.versions:Versions.factory
[app:version_v2_app]
paste.app_factory = nova.api.openstack.compute.versions:VersionsV2.factory
"""

CONF = """
[DEFAULT]
transport_url = fake:/
state_path = {folder}
instance_name_template = nova-lab-%08x
log_file = {folder}/nova-api.log
[database]
connection = sqlite:///{folder}/cell1.db
[api_database]
connection = sqlite:///{folder}/api.db
[wsgi]
api_paste_config = {folder}/api-paste.ini
[api]
max_limit = {max_limit}
[oslo_concurrency]
lock_path = {folder}/lock
[neutron]
auth_type = none
endpoint_override = {neutron}
"""

CELLS = {
    "cell0": ("00000000-0000-0000-0000-000000000000", "none:///"),
    "cell1": ("11111111-1111-4111-8111-111111111111", "fake:/"),
}


def callers(_conf: dict[str, str], **_local: str) -> Any:
    """The filter in the place of Keystone's middleware."""

    def wrap(app: Any) -> Any:
        def answer(environ: Environ, start_response: Any) -> Any:
            caller = GIVEN["callers"].get(environ.get("HTTP_X_AUTH_TOKEN"))
            if caller is None:
                start_response("401 Unauthorized", [("Content-Length", "0")])
                return [b""]
            environ["HTTP_X_IDENTITY_STATUS"] = "Confirmed"
            for header, value in caller.items():
                environ["HTTP_" + header.upper().replace("-", "_")] = value
            return app(environ, start_response)

        return answer

    return wrap


def configure(folder: Path) -> None:
    (folder / "api-paste.ini").write_text(PASTE)
    text = CONF.format(folder=folder, max_limit=GIVEN["max_limit"], neutron=GIVEN["neutron"])
    (folder / "nova.conf").write_text(text)
    config.parse_args(["nova-api", "--config-file", str(folder / "nova.conf")], configure_db=True)
    objects.register_all()


def make_databases(folder: Path) -> Any:
    """Create the databases of the API and two cells. Returns the cell that has instances."""
    admin = context.get_admin_context()
    migration.db_sync(database="api")
    cells = {}
    for name, (uuid, transport) in CELLS.items():
        cells[name] = objects.CellMapping(
            admin,
            uuid=uuid,
            name=name,
            transport_url=transport,
            database_connection=f"sqlite:///{folder}/{name}.db",
        )
        cells[name].create()
    with context.target_cell(admin, cells["cell1"]) as inside:
        migration.db_sync(database="main", context=inside)
    # Every cell starts out the same, and a migration takes seconds.
    shutil.copy(folder / "cell1.db", folder / "cell0.db")
    return cells["cell1"]


def fill(cell: Any) -> None:
    admin = context.get_admin_context()
    flavors = {each["id"]: make_flavor(admin, each) for each in GIVEN["flavors"]}
    with context.target_cell(admin, cell) as inside:
        nodes: dict[str, int] = {}
        for server in GIVEN["servers"]:
            host = server["OS-EXT-SRV-ATTR:host"]
            if host not in nodes:
                nodes[host] = make_host(inside, host, server["OS-EXT-SRV-ATTR:hypervisor_hostname"])
                objects.HostMapping(admin, host=host, cell_mapping=cell).create()
            # The flavor that it was started with, which the flavor of today need not equal.
            flavor = flavors[server["flavor"]["id"]]
            make_instance(inside, server, flavor, nodes[host])
            make_request(admin, server, flavor)
            objects.InstanceMapping(
                admin,
                instance_uuid=server["id"],
                cell_mapping=cell,
                project_id=server["tenant_id"],
                user_id=server["user_id"],
                queued_for_delete=False,
            ).create()


def make_host(cell: Any, host: str, node: str) -> int:
    objects.Service(
        cell, host=host, binary="nova-compute", topic="compute", report_count=0
    ).create()
    compute = objects.ComputeNode(
        cell,
        host=host,
        hypervisor_hostname=node,
        hypervisor_type="QEMU",
        hypervisor_version=7002000,
        cpu_info="{}",
        vcpus=2,
        memory_mb=4096,
        local_gb=40,
        vcpus_used=0,
        memory_mb_used=0,
        local_gb_used=0,
        host_ip="127.0.0.1",
        cpu_allocation_ratio=1.0,
        ram_allocation_ratio=1.0,
        disk_allocation_ratio=1.0,
    )
    compute.create()
    number: int = compute.id
    return number


def make_flavor(admin: Any, shown: dict[str, Any]) -> Any:
    flavor = objects.Flavor(
        admin,
        flavorid=shown["id"],
        name=shown["name"],
        memory_mb=shown["ram"],
        vcpus=shown["vcpus"],
        root_gb=shown["disk"],
        ephemeral_gb=shown["OS-FLV-EXT-DATA:ephemeral"],
        swap=shown["swap"] or 0,
        extra_specs=shown["extra_specs"],
        is_public=shown["os-flavor-access:is_public"],
        rxtx_factor=1.0,
        disabled=False,
        vcpu_weight=0,
        description=None,
    )
    flavor.create()
    return flavor


def make_instance(cell: Any, shown: dict[str, Any], flavor: Any, node: int) -> None:
    image = shown["image"]
    network = network_info(shown)
    instance = objects.Instance(
        cell,
        uuid=shown["id"],
        user_id=shown["user_id"],
        project_id=shown["tenant_id"],
        display_name=shown["name"],
        hostname=shown["OS-EXT-SRV-ATTR:hostname"],
        image_ref=image["id"] if image else "",
        host=shown["OS-EXT-SRV-ATTR:host"],
        node=shown["OS-EXT-SRV-ATTR:hypervisor_hostname"],
        compute_id=node,
        created_at=moment(shown["created"]),
        launched_at=moment(shown["OS-SRV-USG:launched_at"]),
        vm_state=shown["OS-EXT-STS:vm_state"],
        power_state=shown["OS-EXT-STS:power_state"],
        task_state=None,
        flavor=flavor,
        old_flavor=None,
        new_flavor=None,
        memory_mb=flavor.memory_mb,
        vcpus=flavor.vcpus,
        root_gb=flavor.root_gb,
        ephemeral_gb=flavor.ephemeral_gb,
        instance_type_id=flavor.id,
        system_metadata=image_metadata(image) if image else {"image_base_image_ref": ""},
        metadata={},
        access_ip_v4=None,
        access_ip_v6=None,
        key_name=None,
        root_device_name=shown["OS-EXT-SRV-ATTR:root_device_name"],
        availability_zone=shown["OS-EXT-AZ:availability_zone"],
        locked=False,
        progress=0,
        config_drive="",
        kernel_id=shown["OS-EXT-SRV-ATTR:kernel_id"],
        ramdisk_id=shown["OS-EXT-SRV-ATTR:ramdisk_id"],
        reservation_id=shown["OS-EXT-SRV-ATTR:reservation_id"],
        launch_index=0,
        info_cache=objects.InstanceInfoCache(network_info=network, instance_uuid=shown["id"]),
    )
    instance.create()
    instance.info_cache.network_info = network
    instance.info_cache.save()
    for volume in shown["os-extended-volumes:volumes_attached"]:
        objects.BlockDeviceMapping(
            cell,
            instance_uuid=shown["id"],
            volume_id=volume["id"],
            delete_on_termination=volume["delete_on_termination"],
            source_type="volume",
            destination_type="volume",
            device_name="/dev/vda",
            boot_index=0,
        ).create()


def make_request(admin: Any, shown: dict[str, Any], flavor: Any) -> None:
    """What the instance was asked for with; the API shows its scheduler hints."""
    request = objects.RequestSpec(
        admin,
        instance_uuid=shown["id"],
        project_id=shown["tenant_id"],
        user_id=shown["user_id"],
        flavor=flavor,
        scheduler_hints=shown["scheduler_hints"],
        image=None,
        numa_topology=None,
        pci_requests=None,
        availability_zone=None,
        force_hosts=None,
        force_nodes=None,
        limits=None,
        instance_group=None,
    )
    request.create()


def moment(text: str) -> datetime:
    read = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=timezone.utc)


def image_metadata(shown: dict[str, Any]) -> dict[str, str]:
    """What Nova copies from the image when it starts an instance."""
    (image,) = (each for each in GIVEN["images"] if each["id"] == shown["id"])
    return {
        "image_base_image_ref": image["id"],
        "image_container_format": image["container_format"],
        "image_disk_format": image["disk_format"],
        "image_min_disk": str(image["min_disk"]),
        "image_min_ram": str(image["min_ram"]),
        **{f"image_{key}": value for key, value in shown["properties"].items()},
    }


def network_info(shown: dict[str, Any]) -> Any:
    """The instance's ports, put together from the addresses that its server has."""
    interfaces = {}
    for label, addresses in shown["addresses"].items():
        network = network_model.Network(id=label, bridge="br-int", label=label)
        for each in addresses:
            mac, version = each["OS-EXT-IPS-MAC:mac_addr"], each["version"]
            if mac not in interfaces:
                port = next((p["id"] for p in GIVEN["ports"] if p["mac_address"] == mac), mac)
                interfaces[mac] = network_model.VIF(
                    id=port, address=mac, type="ovs", network=network_model.Network(**network)
                )
                interfaces[mac]["network"]["subnets"] = []
            subnets = interfaces[mac]["network"]["subnets"]
            if each["OS-EXT-IPS:type"] == "floating":
                (home,) = (subnet for subnet in subnets if subnet["version"] == version)
                home["ips"][0]["floating_ips"].append(
                    network_model.IP(address=each["addr"], type="floating")
                )
            else:
                ip = network_model.FixedIP(address=each["addr"], version=version)
                subnets.append(network_model.Subnet(version=version, ips=[ip]))
    return network_model.NetworkInfo(list(interfaces.values()))


class Server(ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


class Handler(simple_server.WSGIRequestHandler):
    def log_message(self, _format: str, *_args: object) -> None:
        with (FOLDER / "requests").open("a") as log:
            log.write(f"{self.requestline}\n")

    def address_string(self) -> str:
        return str(self.client_address[0])


def end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    configure(FOLDER)
    fill(make_databases(FOLDER))
    app = deploy.loadapp(f"config:{FOLDER}/api-paste.ini", name="osapi_compute")
    server = simple_server.make_server("127.0.0.1", 0, app, Server, Handler)
    print(f"http://127.0.0.1:{server.server_port}/v2.1", flush=True)
    threading.Thread(target=end_with_stdin, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    FOLDER = Path(sys.argv[1]).absolute()
    GIVEN = json.loads(sys.stdin.readline())
    sys.argv = sys.argv[:1]
    main()
