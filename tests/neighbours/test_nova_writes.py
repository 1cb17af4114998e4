"""Nova's own code writes its block into the domains of a real libvirtd; we read it back."""

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.goldens import INPUTS, flavor_of, golden_block, ports_of
from tests.support.neighbours.calls import write_as_nova
from tests.support.real_host import NOVA_1_1, documents_on, output_on, run_on

DIFFERENT = golden_block("23.0.0", "image_plain", name="what was there before")


FLAGS = {
    "ports_v4_v6_floating": {},  # As Nova's attach does: no flag at all.
    "many_extra_specs": {"live": True},
    "unicode_xml_name": {"live": True, "persistent": True},
    "image_props": {"persistent": True},
}
RUNNING = {"ports_v4_v6_floating", "unicode_xml_name", "image_props"}
TRANSIENT = {"many_extra_specs"}
LIVE_IS_OLD = "image_props"
"""The one whose running guest keeps its old block, as only the persistent one was written."""
WRITTEN = sorted(set(INPUTS) - {LIVE_IS_OLD})


@pytest.fixture(scope="module")
def host() -> Iterator[ComputeHost]:
    """Every instance of the inputs: some off, one running, one transient, each with its flags.

    A live block is what Nova writes at a port attach, a persistent one what it defines again.
    """
    with ComputeHost() as host:
        jobs = []
        for name, instance in INPUTS.items():
            flags = FLAGS.get(name, {"persistent": True})
            guest = domains.nova_guest(name, instance["uuid"], DIFFERENT)
            if name in TRANSIENT:
                host.create(guest)
            else:
                host.define(guest)
                if name in RUNNING:
                    host.start(name)
            jobs.append({"domain": name, "instance": instance, **flags})
        write_as_nova(host.uri, jobs)
        yield host


@pytest.fixture(scope="module")
def listed(host: ComputeHost) -> dict[str, dict[str, Any]]:
    return documents_on(host.uri)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_list_holds_what_nova_was_given(listed: dict[str, Any], name: str) -> None:
    given, record = INPUTS[name], listed[name]
    instance, stored = record["instance"], given["system_metadata"]
    assert record["uuid"] == given["uuid"]
    assert record["kind"] == "nova"
    assert instance["namespace"] == NOVA_1_1
    assert instance["package"] == "34.0.0"
    # An instance without a name goes by its uuid.
    assert instance["name"] == (given["display_name"] or given["uuid"])
    started = datetime.fromtimestamp(int(given["time"]), timezone.utc)
    assert instance["created"] == started.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert instance["flavor"] == flavor_of(given)
    assert instance["owner"] == {
        "user": {"id": given["user_id"], "name": stored.get("owner_user_name", "N/A")},
        "project": {"id": given["project_id"], "name": stored.get("owner_project_name", "N/A")},
    }
    assert instance["ports"] == ports_of(given)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_list_holds_the_image_nova_was_given(listed: dict[str, Any], name: str) -> None:
    given, instance = INPUTS[name], listed[name]["instance"]
    stored = given["system_metadata"]
    base = stored.get("image_base_image_ref", "")
    least = stored.get("image_min_disk")
    memory = stored.get("image_min_ram")
    image = instance["image"]
    assert image["uuid"] == base
    assert image["container_format"] == stored.get("image_container_format")
    assert image["disk_format"] == stored.get("image_disk_format")
    # Nova writes the greater of the image's own and the flavor's.
    size = given["flavor"]["root_gb"]
    assert image["min_disk_gib"] == (max(int(least), size) if least else None)
    assert image["min_ram_mib"] == (int(memory) if memory else None)
    kind = "image" if given["image_ref"] else "volume"
    assert instance["root"] == {"type": kind, "uuid": base}


@pytest.mark.parametrize("name", WRITTEN)
def test_show_holds_the_same_as_the_list(
    host: ComputeHost, listed: dict[str, Any], name: str
) -> None:
    (shown,) = json.loads(output_on(host.uri, "show", "-f", "json", INPUTS[name]["uuid"]))
    assert shown["instance"] == listed[name]["instance"]


def test_a_running_guest_keeps_its_block_when_only_the_persistent_one_is_written(
    host: ComputeHost, listed: dict[str, Any]
) -> None:
    assert listed[LIVE_IS_OLD]["instance"]["name"] == "what was there before"
    (shown,) = json.loads(output_on(host.uri, "show", "-f", "json", LIVE_IS_OLD))
    differences = {each["field"]: each for each in shown["differences"]}
    assert differences["name"]["persistent"] == "vm-image_props"
    assert differences["image.properties.os_admin_user"]["live"] is None
    assert differences["image.properties.os_admin_user"]["persistent"] == "root & <admin>"


def test_properties_of_the_image_are_kept_as_nova_spells_them(host: ComputeHost) -> None:
    host.domain(LIVE_IS_OLD).destroy()
    properties = documents_on(host.uri, "--domain", LIVE_IS_OLD)[LIVE_IS_OLD]["instance"]["image"][
        "properties"
    ]
    assert properties["hw_qemu_guest_agent"] == "True"
    assert properties["traits_required"] == "['HW_CPU_X86_AVX2']"
    host.start(LIVE_IS_OLD)


def test_nothing_nova_writes_is_unknown_to_us(host: ComputeHost) -> None:
    code, out, err = run_on(host.uri, "show", *WRITTEN)
    assert (code, err) == (0, "")
    assert "not understood" not in out
    assert "faults" not in out
