"""`--cloud` asks a genuine Nova API; Keystone, Glance and Neutron are played over real HTTP."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import uuid
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from packaging.version import Version

from tests.support.neighbours.calls import HERE
from tests.support.neighbours.environments import python_of
from tests.support.neighbours.played_cloud import (
    ADMIN,
    MEMBER,
    Answers,
    Caller,
    PlayedCloud,
    recorded,
    servers,
)
from virsh_nova.errors import NovaDomainsError
from virsh_nova.model import Address, Port
from virsh_nova.sources.cloud import CloudAnswer, ask_cloud
from virsh_nova.sources.record import Record

with warnings.catch_warnings():
    # openstacksdk 1.0 imports modules that Python 3.11 deprecates.
    warnings.simplefilter("ignore")
    from openstack.config import loader

NODE, HOST = "vm", "labhost"
QUIET, CROWDED = "quiet", "crowded"
NOVA_PAGE = 10
CROWD = 25
"""Servers on the crowded host: three of Nova's pages."""

SERVERS = {server["id"]: server for server in servers()}
ELSEWHERE = {
    host: [str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{number}.{host}")) for number in range(count)]
    for host, count in ((QUIET, 1), (CROWDED, CROWD))
}
EVERYONE = frozenset((*SERVERS, *ELSEWHERE[QUIET], *ELSEWHERE[CROWDED]))


class NovaApi:
    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._log = folder / "requests"
        self._log.touch()

    def get(self, path: str, microversion: str) -> Answers:
        headers = {
            "X-Auth-Token": ADMIN.token,
            "OpenStack-API-Version": f"compute {microversion}",
            "X-OpenStack-Nova-API-Version": microversion,
        }
        with urlopen(Request(self.url + path, headers=headers), timeout=30) as response:
            answer: Answers = json.load(response)
        return answer

    @property
    def requests(self) -> list[str]:
        return self._log.read_text().splitlines()


def elsewhere(host: str, uuids: list[str]) -> Iterator[Answers]:
    """Servers of another host, with nothing attached."""
    template = next(server for server in SERVERS.values() if server["image"])
    for each in uuids:
        yield {
            **template,
            "id": each,
            "name": f"on {host}",
            "addresses": {},
            "os-extended-volumes:volumes_attached": [],
            "OS-EXT-SRV-ATTR:host": host,
            "OS-EXT-SRV-ATTR:hypervisor_hostname": host,
        }


def headers_of(caller: Caller) -> dict[str, str]:
    """What Keystone's middleware says to Nova about a caller."""
    return {
        "X-User-Id": caller.user,
        "X-User-Name": caller.name,
        "X-Project-Id": caller.project,
        "X-Project-Name": caller.project_name,
        "X-Roles": ",".join(caller.roles),
    }


@pytest.fixture(scope="module")
def played() -> Iterator[PlayedCloud]:
    with PlayedCloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def nova(played: PlayedCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NovaApi]:
    folder = tmp_path_factory.mktemp("nova")
    given = {
        "neutron": f"{played.url}/network-of-nova",
        "max_limit": NOVA_PAGE,
        "callers": {caller.token: headers_of(caller) for caller in (ADMIN, MEMBER)},
        # Nova lists the youngest first.
        "servers": [
            *reversed(SERVERS.values()),
            *(server for host in ELSEWHERE for server in elsewhere(host, ELSEWHERE[host])),
        ],
        **{name: recorded(name)[name] for name in ("flavors", "images", "ports")},
    }
    command = [str(python_of("nova")), str(HERE / "nova_api.py"), str(folder)]
    with (
        (folder / "stderr").open("w") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(given) + "\n")
            process.stdin.flush()
            url = process.stdout.readline().strip()
            assert url, (folder / "stderr").read_text()
            yield NovaApi(url, folder)
        finally:
            process.kill()


@pytest.fixture
def cloud(
    nova: NovaApi,
    played: PlayedCloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[PlayedCloud]:
    """A working cloud; whatever one test breaks works again in the next."""
    for variable in ("OS_CLOUD", "OS_CLIENT_SECURE_FILE", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    # openstacksdk 1.0 adds that file to this list, for all that follows in the process.
    monkeypatch.setattr(loader, "CONFIG_FILES", list(loader.CONFIG_FILES))
    played.requests.clear()
    played.faults.clear()
    played.restricted.clear()
    played.cut_short.clear()
    played.strangers.clear()
    played.page = 2
    played.endpoints = {
        "identity": f"{played.url}/identity",
        "image": f"{played.url}/image",
        "network": f"{played.url}/network",
        "compute": nova.url,
    }
    (tmp_path / "clouds.yaml").write_text(played.clouds(ADMIN))
    yield played
    played.faults.clear()


def by_uuid(answer: CloudAnswer) -> dict[str, Record]:
    found = {record.uuid: record for record in answer.records}
    assert len(found) == len(answer.records)
    return found


def said(name: str = "lab") -> NovaDomainsError:
    with pytest.raises(NovaDomainsError) as caught:
        ask_cloud(name, NODE, EVERYONE)
    error = caught.value
    assert error.exit_code == 1
    for text in (error.message, error.hint):
        assert "\n" not in text
        assert "secret" not in text
        assert "token-of" not in text
    return error


@pytest.fixture(autouse=True)
def _silent(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing is ever printed, whatever the SDK warns about."""
    yield
    assert capfd.readouterr() == ("", "")


# ---- what is returned


def test_the_genuine_api_answers_as_the_recorded_one(nova: NovaApi, cloud: PlayedCloud) -> None:
    incidental = {"links", "updated", "OS-EXT-SRV-ATTR:instance_name", "image"}
    for microversion in ("2.46", "2.100"):
        given = nova.get(f"/servers/detail?all_tenants=1&host={HOST}", microversion)["servers"]
        expected = recorded(f"servers_detail_{microversion}")["servers"]
        for ours, theirs in zip(given, expected, strict=True):
            # Links hold the URL of the service.
            for server in (ours, theirs):
                server["flavor"].pop("links", None)
                image = server["image"] or {}
                assert image.pop("links", None) or not image
            assert ours["image"] == theirs["image"]
            for key in incidental:
                ours.pop(key), theirs.pop(key)
            assert ours == theirs


def ports_of(server: Answers) -> tuple[Port, ...]:
    """In the order of Nova's addresses."""
    uuids = {port["mac_address"]: port["id"] for port in recorded("ports")["ports"]}
    ips: dict[str, list[Address]] = {}
    for addresses in server["addresses"].values():
        for each in addresses:
            if each["OS-EXT-IPS:type"] == "fixed":
                ip = Address("fixed", each["addr"], each["version"])
                ips.setdefault(each["OS-EXT-IPS-MAC:mac_addr"], []).append(ip)
    return tuple(Port(uuids[mac], tuple(addresses)) for mac, addresses in ips.items())


def image_of(server: Answers) -> dict[str, Any]:
    if not server["image"]:
        return {"image.uuid": "", "root.type": "volume"}
    image_id, properties = server["image"]["id"], server["image"]["properties"]
    (image,) = (each for each in recorded("images")["images"] if each["id"] == image_id)
    return {
        "image.uuid": image_id,
        "image.container_format": image["container_format"],
        "image.disk_format": image["disk_format"],
        "image.min_disk_gib": max(image["min_disk"], server["flavor"]["disk"]),
        "image.min_ram_mib": image["min_ram"],
        "image.properties": {
            # The block's own name for it.
            "hw_architecture" if name == "architecture" else name: value
            for name, value in properties.items()
        },
        "root.type": "image",
        "root.uuid": image_id,
    }


def facts_of(server: Answers) -> dict[str, Any]:
    """All that the recorded answers hold of a server, without what only the block knows."""
    names = {
        each["id"]: each["name"] for kind in ("users", "projects") for each in recorded(kind)[kind]
    }
    flavor = server["flavor"]
    return {
        "name": server["name"],
        "flavor.name": flavor["original_name"],
        "flavor.id": flavor["id"],
        "flavor.memory_mib": flavor["ram"],
        "flavor.disk_gib": flavor["disk"],
        "flavor.swap_mib": flavor["swap"],
        "flavor.ephemeral_gib": flavor["ephemeral"],
        "flavor.vcpus": flavor["vcpus"],
        "flavor.extra_specs": flavor["extra_specs"],
        "owner.user.id": server["user_id"],
        "owner.user.name": names[server["user_id"]],
        "owner.project.id": server["tenant_id"],
        "owner.project.name": names[server["tenant_id"]],
        "ports": ports_of(server),
        **image_of(server),
    }


def test_every_field_of_the_answers_arrives(cloud: PlayedCloud) -> None:
    answer = ask_cloud("lab", NODE, frozenset(SERVERS))
    assert answer.notices == ()
    assert by_uuid(answer).keys() == SERVERS.keys()
    for record in answer.records:
        server, facts = SERVERS[record.uuid], dict(record.facts)
        launched = f"{facts.pop('created'):%Y-%m-%dT%H:%M:%S}.000000"
        assert launched == server["OS-SRV-USG:launched_at"]
        assert facts == facts_of(server)
        assert record.hosts == (HOST, NODE)
        assert record.source == "cloud lab"
        assert record.origins["owner.user.name"] == "cloud lab, Keystone"


def test_the_ports_of_the_host_are_reported(cloud: PlayedCloud) -> None:
    ports = recorded("ports")["ports"]
    of_host = {port["id"] for port in ports if port["binding:host_id"] == HOST}
    assert ask_cloud("lab", NODE, SERVERS.keys()).ports == of_host


def test_a_server_without_a_domain_is_returned_without_facts(cloud: PlayedCloud) -> None:
    wanted, *others = SERVERS
    found = by_uuid(ask_cloud("lab", NODE, [wanted]))
    assert found.keys() == SERVERS.keys()
    assert found[wanted].facts["name"] == SERVERS[wanted]["name"]
    assert all(not found[other].facts for other in others)


# ---- how it is asked


def asked(cloud: PlayedCloud, nova: NovaApi, host: str) -> list[str]:
    """The requests that it takes to ask for a host."""
    before = len(nova.requests)
    cloud.requests.clear()
    ask_cloud("lab", host, EVERYONE)
    return cloud.requests + nova.requests[before:]


def test_more_servers_take_no_more_requests(cloud: PlayedCloud, nova: NovaApi) -> None:
    cloud.page = 1000  # Of ports, those of one server need fewer pages than those of seven.
    one, seven = asked(cloud, nova, QUIET), asked(cloud, nova, NODE)
    assert len(one) == len(seven) == 13
    # Nova gives them in pages, twice each.
    assert len(asked(cloud, nova, CROWDED)) == len(one) + 2 * (CROWD // NOVA_PAGE)


def test_all_pages_of_a_long_list_are_read(cloud: PlayedCloud) -> None:
    found = by_uuid(ask_cloud("lab", CROWDED, EVERYONE))
    assert set(found) == set(ELSEWHERE[CROWDED])
    for record in found.values():
        assert record.facts["flavor.id"]
        assert record.facts["flavor.name"]
        # The last page of Glance's.
        assert record.facts["image.disk_format"] == "qcow2"
        assert record.facts["ports"] == ()


def test_for_a_host_that_nova_does_not_know_the_servers_of_all_hosts_are_read(
    cloud: PlayedCloud,
) -> None:
    wanted = {*list(SERVERS)[:2], ELSEWHERE[CROWDED][-1], str(uuid.uuid4())}
    answer = ask_cloud("lab", "v", wanted)  # A part of a name, as the pattern finds it.
    assert by_uuid(answer).keys() == wanted & EVERYONE
    assert answer.notices == (
        "Nova knows no hypervisors named v: asked for the servers of all hosts instead",
    )
    # Ports of every host then.
    assert answer.ports == {port["id"] for port in recorded("ports")["ports"]}
    assert by_uuid(ask_cloud("lab", None, wanted)).keys() == wanted & EVERYONE


def test_the_environment_can_describe_the_cloud(
    cloud: PlayedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE")
    for variable, value in {
        "AUTH_URL": f"{cloud.url}/identity/v3",
        "USERNAME": ADMIN.name,
        "PASSWORD": ADMIN.password,
        "PROJECT_NAME": ADMIN.project_name,
        "USER_DOMAIN_ID": "default",
        "PROJECT_DOMAIN_ID": "default",
        "REGION_NAME": "here",
    }.items():
        monkeypatch.setenv(f"OS_{variable}", value)
    answer = ask_cloud("envvars", NODE, SERVERS.keys())
    assert by_uuid(answer).keys() == SERVERS.keys()
    assert answer.records[0].source == "cloud envvars"


def test_a_user_without_rights_gets_their_own_servers(cloud: PlayedCloud, tmp_path: Path) -> None:
    (tmp_path / "clouds.yaml").write_text(cloud.clouds(MEMBER))
    answer = ask_cloud("lab", NODE, SERVERS.keys())
    own = {key for key, server in SERVERS.items() if server["tenant_id"] == MEMBER.project}
    assert by_uuid(answer).keys() == own
    for record in answer.records:
        facts = dict(record.facts)
        del facts["created"]
        # Who the caller is, the token says.
        assert facts == facts_of(SERVERS[record.uuid])
        assert record.hosts == ()
    reason = "Keystone lets only administrators list them"
    assert answer.notices == (
        "only the servers of your own project are known: "
        "Nova lets only administrators list those of other projects",
        f"names of projects other than your own are unknown: {reason}",
        f"names of users other than your own are unknown: {reason}",
    )


def test_a_keystone_that_lists_users_by_domain_only_gives_all_names(cloud: PlayedCloud) -> None:
    cloud.restricted.add("users")
    answer = ask_cloud("lab", NODE, SERVERS.keys())
    assert answer.notices == ()
    assert all("owner.user.name" in record.facts for record in answer.records)


def test_a_list_that_keystone_cuts_short_is_reported(cloud: PlayedCloud) -> None:
    cloud.cut_short.add("projects")
    answer = ask_cloud("lab", NODE, SERVERS.keys())
    assert answer.notices == ("some names of projects are unknown: Keystone truncated the list",)
    assert all("owner.user.name" in record.facts for record in answer.records)


def test_others_in_the_cloud_may_have_names_that_no_block_can_hold(cloud: PlayedCloud) -> None:
    stranger = {"id": "f" * 32, "name": "bell \a"}
    cloud.strangers.append(stranger)
    answer = ask_cloud("lab", NODE, SERVERS.keys())
    assert all("owner.user.name" in record.facts for record in answer.records)


@pytest.mark.parametrize(
    ("service", "notice", "lost"),
    [
        ("image", "details of images are unknown: cloud lab has no image service", "disk_format"),
        ("network", "ports are unknown: cloud lab has no network service", "ports"),
    ],
)
def test_a_cloud_that_lacks_a_service_gives_the_rest(
    cloud: PlayedCloud, service: str, notice: str, lost: str
) -> None:
    del cloud.endpoints[service]
    answer = ask_cloud("lab", NODE, SERVERS.keys())
    assert answer.notices == (notice,)
    assert not any(key.endswith(lost) for record in answer.records for key in record.facts)
    assert all(record.facts["owner.project.name"] for record in answer.records)


# ---- what goes wrong


def test_nova_that_fails_while_neutron_is_down_is_reported(cloud: PlayedCloud) -> None:
    cloud.faults["network"] = cloud.faults["network-of-nova"] = 503
    error = said()
    assert error.message == "cloud lab: Nova responds with 500 to GET /servers/detail"
    assert "log of Nova" in error.hint


def test_a_wrong_password_is_one_line(cloud: PlayedCloud, tmp_path: Path) -> None:
    text = cloud.clouds(ADMIN).replace(ADMIN.password, "secret guess")
    (tmp_path / "clouds.yaml").write_text(text)
    assert said().message == "cloud lab: Keystone does not accept the credentials"


def test_an_unknown_cloud_is_one_line(
    cloud: PlayedCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = said("elsewhere")
    assert error.message == "cloud elsewhere is not in any clouds.yaml"
    assert error.hint == "Known clouds: lab."
    assert said("envvars").message == "cloud envvars: no OS_* variables are set"
    (tmp_path / "clouds.yaml").unlink()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "OS_CLIENT_CONFIG_FILE" in said("elsewhere").hint


@pytest.mark.parametrize(
    ("service", "name"),
    [("compute", "Nova"), ("image", "Glance"), ("network", "Neutron"), ("identity", "Keystone")],
)
def test_a_port_without_a_listener_is_one_line(cloud: PlayedCloud, service: str, name: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        cloud.endpoints[service] = f"{url}/v2.1"
        assert said().message == f"cloud lab: {name} at {url} cannot be reached"


def test_a_keystone_that_is_down_is_one_line(cloud: PlayedCloud, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with_secret = url.replace("//", "//admin:secret@")
        for wrong in (f"{url}/identity", f"{url}/identity/v3", f"{with_secret}/v3"):
            text = cloud.clouds(ADMIN).replace(f"{cloud.url}/identity", wrong)
            (tmp_path / "clouds.yaml").write_text(text)
            assert said().message == f"cloud lab: Keystone at {url} cannot be reached"


def test_a_catalog_without_nova_is_one_line(cloud: PlayedCloud) -> None:
    cloud.endpoints = {"identity": cloud.endpoints["identity"]}
    assert said().message == "cloud lab has no compute service"


def test_a_silent_service_times_out(cloud: PlayedCloud, tmp_path: Path) -> None:
    (tmp_path / "clouds.yaml").write_text(cloud.clouds(ADMIN, api_timeout=1))
    cloud.faults["network"] = "silence"
    cloud.endpoints["compute"] = f"{cloud.url}/network"
    assert said().message == f"cloud lab: Nova at {cloud.url} does not respond"
    cloud.faults["identity"] = "silence"
    assert said().message == f"cloud lab: Keystone at {cloud.url} does not respond"


JUNK: dict[str, int | bytes] = {
    "a page": b"<html>log in to secret-wifi</html>",
    "a list": b"[]",
    "a number": b"1",
    "nothing": b"",
    "another document": b'{"hello": "world"}',
    "rows of nonsense": b'{"ports": [1], "images": [1], "users": [1], "projects": [1]}',
    "no rows": b'{"ports": {}, "images": null, "users": "x", "projects": 1}',
    "ever the same page": b'{"images": [], "ports": [], "next": "/v2/images?marker=1", '
    b'"ports_links": [{"rel": "next", "href": "http://x/?marker=1"}]}',
    "no UTF-8": b'{"ports": ["\xff"], "images": ["\xff"]}',
    "an error": 500,
    "a teapot": 418,
}


@pytest.mark.parametrize("service", ["identity", "image", "network"])
@pytest.mark.parametrize("junk", JUNK)
def test_junk_from_any_service_is_one_line(cloud: PlayedCloud, service: str, junk: str) -> None:
    cloud.faults[service] = JUNK[junk]
    assert said().message.startswith("cloud lab")


@pytest.mark.parametrize("junk", JUNK)
def test_junk_instead_of_nova_is_one_line(cloud: PlayedCloud, junk: str) -> None:
    cloud.faults["compute"] = JUNK[junk]
    cloud.endpoints["compute"] = f"{cloud.url}/compute/v2.1"
    assert "Nova" in said().message


UNKNOWN = "cloud lab is not in any clouds.yaml"
UNCLEAR = "cloud lab: invalid configuration"
SKIPS_BROKEN_FILES = Version(version("openstacksdk")) >= Version("4.14")
CONFIGURATIONS: dict[str, tuple[str, str]] = {
    "a broken file": ("clouds:\n  lab: {secret: [", UNKNOWN if SKIPS_BROKEN_FILES else UNCLEAR),
    "no mapping": ("secret", UNCLEAR),
    "no clouds": ("{}", UNKNOWN),
    "an empty cloud": (
        "clouds: {lab: {}}",
        "cloud lab: auth_url is missing from its configuration",
    ),
    "a list": ("clouds: [lab]", UNCLEAR),
    "a text": ("clouds: {lab: secret}", UNCLEAR),
    "no such way in": ("clouds: {lab: {auth_type: secret, auth: {auth_url: 'x'}}}", UNCLEAR),
}


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_a_broken_configuration_is_one_line(cloud: PlayedCloud, tmp_path: Path, kind: str) -> None:
    text, message = CONFIGURATIONS[kind]
    (tmp_path / "clouds.yaml").write_text(text)
    error = said()
    assert error.message == message
    if kind == "a broken file" and SKIPS_BROKEN_FILES:
        assert f"{tmp_path}/clouds.yaml was skipped" in error.hint


def test_without_openstacksdk_the_hint_says_how_to_install_it(
    cloud: PlayedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "openstack"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "openstack", None)
    error = said()
    assert error.message == "--cloud needs openstacksdk, and it is not installed"
    assert "nova-domains[openstack]" in error.hint


def test_nothing_of_it_is_imported_before_it_is_asked() -> None:
    code = (
        "import sys, virsh_nova.cli, virsh_nova.sources.cloud\n"
        "print({'openstack', 'keystoneauth1', 'requests'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
