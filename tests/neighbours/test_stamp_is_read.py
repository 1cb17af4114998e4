"""What stamp writes is read by Nova's and Ceilometer's own code; and no block of ours hurts them.

Ceilometer ends its discovery, for the whole host, on some blocks that are not whole. What
`readers.breaks_ceilometer` says of a block is compared with what Ceilometer really does with it.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.goldens import INPUTS, document, golden_block
from tests.support.neighbours.calls import HERE, discover_as_ceilometer, write_as_nova
from tests.support.neighbours.environments import python_of
from tests.support.real_host import documents_on, run_on, uuid
from tests.support.strategies import NEEDED
from virsh_nova.block.facts import SHAPES, facts_of, instance_of
from virsh_nova.block.namespaces import NOVA_1_0, NOVA_1_1
from virsh_nova.model import Instance
from virsh_nova.parse import parse_block
from virsh_nova.stamp.ceilometer import breaks_ceilometer, missed
from virsh_nova.write import write_block

CASES = sorted(INPUTS)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ComputeHost]:
    monkeypatch.setenv("NOVA_DOMAINS_STATE", str(tmp_path / "state"))
    with ComputeHost() as host:
        yield host


def saved(tmp_path: Path) -> str:
    """What Nova was given for each case, as a listing of ours that has no namespace to go by."""
    path = tmp_path / "saved.json"
    path.write_text(json.dumps([document(case, package="34.0.0") for case in CASES]))
    return str(path)


def stamped(host: ComputeHost, *arguments: str) -> None:
    code, out, err = run_on(host.uri, "stamp", *arguments, "--yes")
    assert code == 0, out + err


# ---- what is whole is read in whole -----------------------------------------------------------


def test_ceilometer_reads_a_stamped_guest_as_one_of_novas(
    host: ComputeHost, tmp_path: Path
) -> None:
    """The same instances twice: as Nova has written them, and stamped. Ceilometer sees no less."""
    for case in CASES:
        host.define(domains.nova_guest(case, INPUTS[case]["uuid"], golden_block("34.0.0", case)))
    by_nova = discover_as_ceilometer(host.uri)
    host.clear()
    for case in CASES:
        host.define(domains.nova_guest(case, INPUTS[case]["uuid"]))
    assert discover_as_ceilometer(host.uri) == {}
    stamped(host, "--from", saved(tmp_path), "--release", "34")
    stamped_ones = discover_as_ceilometer(host.uri)
    assert set(stamped_ones) == set(by_nova) == {INPUTS[case]["uuid"] for case in CASES}
    for key, server in by_nova.items():
        assert comparable(stamped_ones[key]) == comparable(server)


def comparable(server: dict[str, Any]) -> dict[str, Any]:
    """The values of image properties are Nova's own spelling; extra specs come in no order."""
    image = {
        name: value
        for name, value in server.get("image_meta", {}).items()
        if not name.startswith(("hw_", "img_", "os_", "traits_"))
    }
    return {**server, "image_meta": image} if "image_meta" in server else server


@pytest.mark.parametrize("release", ["15", "23", "29", "31"])
def test_ceilometer_reads_what_is_written_for_an_older_release(
    host: ComputeHost, tmp_path: Path, release: str
) -> None:
    for case in CASES:
        host.define(domains.nova_guest(case, INPUTS[case]["uuid"]))
    stamped(host, "--from", saved(tmp_path), "--release", release)
    servers = discover_as_ceilometer(host.uri)
    # Before 30 an instance without a name has none in its block, and Ceilometer passes it over.
    unnamed = {INPUTS["none_name"]["uuid"]} if int(release) < 30 else set()
    assert set(servers) == {INPUTS[case]["uuid"] for case in CASES} - unnamed
    for case in CASES:
        if INPUTS[case]["uuid"] in servers:
            server = servers[INPUTS[case]["uuid"]]
            assert server["user_id"] == INPUTS[case]["user_id"]
            assert server["tenant_id"] == INPUTS[case]["project_id"]
            assert server["flavor"]["ram"] == INPUTS[case]["flavor"]["memory_mb"]


def test_nova_writes_over_a_stamped_block_and_it_is_novas_again(
    host: ComputeHost, tmp_path: Path
) -> None:
    for case in CASES:
        host.define(domains.nova_guest(case, INPUTS[case]["uuid"]))
    stamped(host, "--from", saved(tmp_path))
    code, out, _ = run_on(host.uri, "list", "--long")
    assert code == 0
    write_as_nova(
        host.uri,
        [{"domain": case, "instance": INPUTS[case], "persistent": True} for case in CASES],
    )
    for case, record in documents_on(host.uri).items():
        assert record["kind"] == "nova"
        assert record["instance"]["package"] == "34.0.0"
        # One block, and no mark that still claims it.
        shown = json.loads(run_on(host.uri, "show", case, "-f", "json")[1])[0]
        assert "two blocks" not in json.dumps(shown)
        assert not shown.get("backfill")
    assert "backfilled" in out


NOVA_READS = """
import sys
import libvirt
import nova.conf
from lxml import etree
from nova import objects
from nova.virt.libvirt import config
from nova.virt.libvirt.guest import Guest
from nova.virt.libvirt.host import Host

objects.register_all()
connection = libvirt.open(sys.argv[1])
for domain in connection.listAllDomains():
    guest = Guest(domain)
    # What nova-compute does with a domain's XML: at a live migration, a detach, a power-off.
    parsed = config.LibvirtConfigGuest()
    parsed.parse_dom(etree.fromstring(guest.get_xml_desc()))
    assert guest.uuid == domain.UUIDString()
    print(parsed.uuid, flush=True)
"""


def test_nova_reads_a_stamped_domain(host: ComputeHost, tmp_path: Path) -> None:
    for case in CASES:
        host.define(domains.nova_guest(case, INPUTS[case]["uuid"]))
    stamped(host, "--from", saved(tmp_path))
    done = subprocess.run(
        [str(python_of("nova")), "-c", NOVA_READS, host.uri],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == {INPUTS[case]["uuid"] for case in CASES}


# ---- what is not whole does no harm -----------------------------------------------------------


def partial_instances() -> list[Instance]:
    """Each fact missing alone, each of the needed ones with any of the others, and by chance."""
    whole = parse_block(golden_block("34.0.0", "image_plain")).instance
    assert whole is not None
    facts = facts_of(whole)
    chance = random.Random(0)
    lefts: list[set[str]] = [set(), set(SHAPES)]
    lefts += [{key} for key in facts]
    lefts += [{one, other} for one in (*NEEDED, "name") for other in facts]
    lefts += [set(chance.sample(sorted(facts), chance.randint(1, len(facts)))) for _ in range(200)]
    found = []
    for left in lefts:
        kept = {key: value for key, value in facts.items() if key not in left}
        namespace = chance.choice((NOVA_1_1, NOVA_1_1, NOVA_1_0))
        instance = instance_of(kept, namespace)
        if namespace == NOVA_1_0:
            instance = instance._replace(image=None, ports=None)
        found.append(instance)
    for part in ("owner", "flavor", "root", "image"):
        found.append(instance_of({**{k: v for k, v in facts.items() if not k.startswith(part)},
                                  part: {}}, NOVA_1_1))  # fmt: skip
    return list({write_block(each): each for each in found}.values())


def test_exactly_the_blocks_that_are_said_to_end_ceilometers_discovery_end_it(
    host: ComputeHost,
) -> None:
    instances = partial_instances()
    for number, instance in enumerate(instances, 1):
        host.define(domains.nova_guest(f"g{number}", uuid(number), write_block(instance)))
    outcomes = each_as_ceilometer(host.uri)
    assert len(outcomes) == len(instances) > 200
    assert {"found", "skipped", "raised"} == {outcome[0] for outcome in outcomes.values()}
    wrong = []
    for number, instance in enumerate(instances, 1):
        outcome, why = outcomes[uuid(number)]
        said = (
            "raised"
            if breaks_ceilometer(instance)
            else "skipped"
            if any("will skip this guest" in note for note in missed(instance))
            else "found"
        )
        if said != outcome:
            wrong.append((said, outcome, why, write_block(instance)))
    assert wrong == []


DISCOVER_EACH = """
import json, sys
sys.path.insert(0, sys.argv[2])
import contextlib
import libvirt
import discover_as_ceilometer as one
from ceilometer import nova_client, service
from ceilometer.compute import discovery
from ceilometer.compute.virt.libvirt import utils

nova_client.Client = one.EmptyCloud
outcomes = {}
with contextlib.redirect_stdout(sys.stderr):
    conf = service.prepare_service(argv=["ceilometer"], config_files=[])
    conf.set_override("libvirt_uri", sys.argv[1])
    conf.set_override("instance_discovery_method", "libvirt_metadata", group="compute")
    connection = libvirt.openReadOnly(sys.argv[1])
    everyone = connection.listAllDomains()

    class Alone:
        def __init__(self, domain):
            self.domain = domain
        def listAllDomains(self, *_):
            return [self.domain]
        def __getattr__(self, name):
            return getattr(connection, name)

    for domain in everyone:
        found = discovery.InstanceDiscovery(conf)
        # The property caches its connection here, or makes one.
        utils.refresh_libvirt_connection = lambda *_, domain=domain: Alone(domain)
        type(found).connection = property(lambda _, domain=domain: Alone(domain))
        try:
            servers = found.discover_libvirt_polling(None)
            outcomes[domain.UUIDString()] = ["found" if servers else "skipped", ""]
        except Exception as error:
            outcomes[domain.UUIDString()] = ["raised", repr(error)]
json.dump(outcomes, sys.stdout)
"""


def each_as_ceilometer(uri: str) -> dict[str, list[str]]:
    """Ceilometer's discovery of each guest alone: `found`, `skipped` or `raised`, and why."""
    done = subprocess.run(
        [str(python_of("ceilometer")), "-c", DISCOVER_EACH, uri, str(HERE)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcomes: dict[str, list[str]] = json.loads(done.stdout)
    return outcomes


ASSIGNMENTS = {
    "name": "web-1", "package": "34.0.0", "flavor.name": "m1.small", "flavor.vcpus": "1",
    "owner.user.id": "u", "owner.user.name": "joe", "owner.project.id": "p", "root.type": "image",
    "owner.project.name": "acme", "image.disk_format": "qcow2",
}  # fmt: skip


def test_no_stamped_guest_ends_the_discovery_of_the_others(host: ComputeHost) -> None:
    """Whatever little is known of them: those that would are refused, or written without it."""
    host.define(domains.nova_guest("whole", uuid(1), golden_block("34.0.0", "image_plain")))
    chance = random.Random(1)
    for number in range(2, 40):
        host.define(domains.nova_guest(f"g{number}", uuid(number)))
        chosen = chance.sample(sorted(ASSIGNMENTS), chance.randint(1, 5))
        assignments = [word for key in chosen for word in ("--set", f"{key}={ASSIGNMENTS[key]}")]
        run_on(host.uri, "stamp", f"g{number}", *assignments, "--yes")
    assert uuid(1) in discover_as_ceilometer(host.uri)
    stamped_ones = [r for r in documents_on(host.uri).values() if r["kind"] == "nova"]
    assert len(stamped_ones) > 15
