"""A host with more guests than calls in flight: none is lost, none comes twice."""

import csv
import json
import subprocess
import sys

import pytest
import yaml

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.command import the_error
from tests.support.goldens import golden_block
from tests.support.paths import ROOT
from tests.support.real_host import ENDLESS, output_on, run_on, uuid

MANY = 60
COMMAND = f"{sys.executable} -m virsh_nova"


@pytest.fixture(scope="module")
def host(module_host: ComputeHost) -> ComputeHost:
    """A third has a block, a third lost it, a third is not Nova's."""
    for number in range(MANY):
        name = f"guest-{number:04}"
        if number % 3 == 2:
            module_host.define(domains.plain_guest(name, uuid(number)))
        else:
            made = [golden_block("34.0.0", "image_plain", name=name)] if number % 3 else []
            module_host.define(domains.nova_guest(name, uuid(number), *made))
    return module_host


UUIDS = [uuid(number) for number in range(MANY)]


def test_every_format_lists_them_all_in_the_same_order(host: ComputeHost) -> None:
    def listed(format_: str) -> str:
        return output_on(host.uri, "list", "-f", format_)

    assert [record["uuid"] for record in json.loads(listed("json"))] == UUIDS
    assert [record["uuid"] for record in yaml.safe_load(listed("yaml"))] == UUIDS
    assert [row["uuid"] for row in csv.DictReader(listed("csv").splitlines())] == UUIDS
    assert [row.split("\t")[0] for row in listed("value").splitlines()] == UUIDS


def test_the_table_lists_them_all_by_kind(host: ComputeHost) -> None:
    table = output_on(host.uri, "list")
    by_kind = UUIDS[1::3] + UUIDS[0::3] + UUIDS[2::3]
    assert [word for word in table.split() if word in UUIDS] == by_kind
    for title in (
        "20 Nova instances\n",
        "20 Nova instances without metadata\n",
        "20 foreign guests\n",
    ):
        assert title in table


def test_each_has_its_own_block(host: ComputeHost) -> None:
    rows = output_on(
        host.uri, "list", "-f", "value", "-c", "domain", "-c", "name", "--kind", "nova"
    )
    pairs = [row.split("\t") for row in rows.splitlines()]
    assert len(pairs) == MANY / 3
    assert all(domain == name for domain, name in pairs)


def test_all_can_be_shown_at_once(host: ComputeHost) -> None:
    shown = json.loads(output_on(host.uri, "show", "-f", "json", *reversed(UUIDS)))
    assert [record["uuid"] for record in shown] == UUIDS[::-1]


@pytest.mark.parametrize("format_", ["table", "json", "yaml", "csv", "value"])
def test_a_reader_that_closes_the_pipe_ends_it_quietly(host: ComputeHost, format_: str) -> None:
    some = f"{COMMAND} -c '{host.uri}' list --long -f {format_}"
    script = f"set -o pipefail; {some} | head -1; {some} | true"
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=ENDLESS
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_the_first_uuid_can_be_taken_with_head(host: ComputeHost) -> None:
    script = f"{COMMAND} -c '{host.uri}' list -f value -c uuid | head -1"
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=ENDLESS
    )
    assert (done.stdout, done.stderr) == (f"{uuid(0)}\n", "")


def test_a_full_disk_is_reported_in_one_line(host: ComputeHost) -> None:
    command = [sys.executable, "-m", "virsh_nova", "-c", host.uri, "list", "-f", "json"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, timeout=ENDLESS
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_closed_stdout_costs_no_traceback(host: ComputeHost) -> None:
    script = f"{COMMAND} -c '{host.uri}' list -f value >&-"
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=ENDLESS
    )
    assert "Traceback" not in done.stderr


def test_a_closed_stderr_costs_nothing(host: ComputeHost) -> None:
    script = f"{COMMAND} -c '{host.uri}' list -f value -c uuid 2>&-"
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=ENDLESS
    )
    assert (done.returncode, done.stdout.split()) == (0, UUIDS)


def test_a_prefix_that_all_share_is_ambiguous(host: ComputeHost) -> None:
    code, out, err = run_on(host.uri, "show", "0000")
    assert (code, out) == (1, "")
    assert "0000" in the_error(err)
