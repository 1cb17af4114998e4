"""Metrics of a real host: scraped by a real Prometheus, and with guests that are stuck."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lab import domains
from lab.compute_host import ComputeHost, frozen, stuck
from tests.real.test_stuck_guests import AS_RELEASE_11
from tests.support.command import command
from tests.support.goldens import golden_block
from tests.support.offline import inside
from tests.support.paths import ROOT
from tests.support.prometheus import CONTRIB, labels_of, value_of
from tests.support.real_host import output_on, run_on, uuid
from tests.support.scraping import get, node_exporter, prometheus

SOON = 8
"""Seconds: libvirt waits 30 for a monitor."""
ONE = "instance-00000001"
VOLUME = "e2b487e4-a6a2-4148-beda-649cbc36fc65"


@pytest.fixture
def host(empty_host: ComputeHost) -> ComputeHost:
    """Two instances, one with a volume; one without a block; and a plain guest, which is off."""
    made = golden_block("34.0.0", "ports_v4_v6_floating", name='web "1"\\')
    disk = empty_host.instance_disk(uuid(1))
    empty_host.define(domains.nova_guest(ONE, uuid(1), made, disk=disk, volume=VOLUME))
    made = golden_block("34.0.0", "image_plain", name="web-2")
    empty_host.define(domains.nova_guest("instance-00000002", uuid(2), made))
    empty_host.define(domains.nova_guest("instance-00000003", uuid(3)))
    empty_host.define(domains.plain_guest("plain"))
    for name in (ONE, "instance-00000002", "instance-00000003"):
        empty_host.start(name)
    return empty_host


@pytest.fixture
def textfile(tmp_path: Path) -> Path:
    folder = tmp_path / "textfiles"
    folder.mkdir()
    return folder / "nova-domains.prom"


def test_prometheus_scrapes_it_and_the_joins_answer(
    host: ComputeHost, textfile: Path, tmp_path: Path
) -> None:
    """Beside a libvirt exporter, played by a second node_exporter with what libvirt says."""
    exported = tmp_path / "libvirt" / "libvirt.prom"
    exported.parent.mkdir()
    write_as_libvirt_exporter(host, exported)
    export(host, textfile, "--findings")
    rules = [CONTRIB / "joins.rules.yml", CONTRIB / "alerts.rules.yml"]
    with (
        node_exporter(textfile.parent) as node,
        node_exporter(exported.parent) as libvirt,
        prometheus(tmp_path, {"cmp-1:9100": node, "cmp-1:9177": libvirt}, rules) as server,
    ):
        assert "node_textfile_scrape_error 0" in get(node, "/metrics")
        found = server.wait_for("nova_domains_guest_info", lambda samples: len(samples) == 4)
        by_domain = {labels["domain"]: labels for labels, _ in found}
        assert by_domain[ONE]["instance_name"] == 'web "1"\\'
        assert by_domain[ONE]["project_name"] == "demo-project"
        assert by_domain["plain"]["kind"] == "foreign"
        # A second sample, for a rate.
        host.wait(lambda: cpu_seconds(host, ONE) > 0, "the guest does not run")
        time.sleep(1.5)
        write_as_libvirt_exporter(host, exported)
        ((joined, memory),) = server.wait_for(
            f'nova_domains:libvirt_memory_bytes{{instance_id="{uuid(1)}"}}'
        )
        assert (joined["project_name"], joined["domain"], memory) == (
            "demo-project",
            ONE,
            8 * 2**20,
        )
        ((busy, _),) = server.wait_for(
            f'nova_domains:libvirt_cpu_seconds:rate5m{{instance_id="{uuid(1)}"}}'
        )
        assert busy["instance_name"] == 'web "1"\\'
        assert server.wait_for('nova_domains:project_cpu_seconds:rate5m{project_name!=""}')
        ((volume, _),) = server.wait_for(
            "nova_domains_volume_info"
            " * on (instance_id) group_left (domain) nova_domains_guest_info"
        )
        assert (volume["volume_id"], volume["domain"]) == (VOLUME, ONE)
        server.wait_for('ALERTS{alertname="NovaDomainsGuestOfNobody"}')
        assert ("NovaDomainsGuestOfNobody", "pending") in server.alerts()
        assert "NovaDomainsHostUnreadable" not in {name for name, _ in server.alerts()}
        host.kill_daemon()
        try:
            code, out, _ = run_on(host.uri, "export", "--textfile", str(textfile))
        finally:
            host.restart_daemon()
        assert (code, out) == (3, "")
        server.wait_for("nova_domains_up == 0")
        server.wait_for("absent(nova_domains_guest_info)")
        server.wait_for('ALERTS{alertname="NovaDomainsHostUnreadable"}')
        assert server.query("time() - nova_domains_last_success_timestamp_seconds")[0][1] < 120


def test_a_stuck_qemu_changes_no_label(host: ComputeHost, textfile: Path) -> None:
    export(host, textfile)
    usual = textfile.read_text()
    assert labels_of(usual, "volume_info")
    with frozen(host.qemu_pid(ONE)):
        export(host, textfile)
        assert same_labels(usual, textfile.read_text())
        assert host.domain(ONE).controlInfo()[0] == 0
    with stuck(host, ONE):
        export(host, textfile)
        assert same_labels(usual, textfile.read_text())
        # Since libvirt 10 the XML of such a guest does not come.
        words = [sys.executable, "-c", AS_RELEASE_11, *command("-c", host.uri)[3:]]
        done = subprocess.run(
            [*words, "export", "--textfile", str(textfile)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SOON,
        )
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert "cannot be read but for its metadata" in done.stderr
        assert same_labels(usual, textfile.read_text())
        assert value_of(textfile.read_text(), "up") == 1


class TestAGuestThatIsBeingDestroyed:
    @pytest.fixture
    def destroying(self, host: ComputeHost, textfile: Path) -> Iterator[ComputeHost]:
        done = on_the_host(host, textfile)
        assert (done.returncode, done.stderr) == (0, "")
        pid = host.qemu_pid(ONE)
        os.kill(pid, signal.SIGSTOP)
        silent = subprocess.DEVNULL
        destroy = ["virsh", "-c", host.uri, "destroy", ONE]
        with subprocess.Popen(destroy, stdout=silent, stderr=silent) as process:
            try:
                host.wait(lambda: not lists(host), "the listing is not held up")
                yield host
            finally:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                process.wait(timeout=60)

    def test_changes_no_label_either(self, destroying: ComputeHost, textfile: Path) -> None:
        usual = textfile.read_text()
        done = on_the_host(destroying, textfile)
        assert done.returncode == 0
        assert f"held up by {ONE}" in done.stderr
        assert same_labels(usual, textfile.read_text())


def test_root_needs_no_capability_for_it(host: ComputeHost, textfile: Path) -> None:
    """As the service runs it."""
    words = ["setpriv", "--bounding-set=-all", "--no-new-privs"]
    words += command("-c", host.uri, "export", "--textfile", str(textfile))
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=SOON)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(labels_of(textfile.read_text(), "guest_info")) == 4


def export(host: ComputeHost, textfile: Path, *options: str) -> None:
    words = ("export", "--textfile", str(textfile), *options)
    assert output_on(host.uri, *words, seconds=SOON) == ""


def on_the_host(host: ComputeHost, textfile: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "virsh_nova", "-c", "qemu:///system"]
    return inside(host, "timeout", str(SOON), *program, "export", "--textfile", str(textfile))


def same_labels(one: str, other: str) -> bool:
    metrics = ("guest_info", "guest_state", "port_info", "volume_info", "guests")
    return all(labels_of(one, metric) == labels_of(other, metric) for metric in metrics)


def lists(host: ComputeHost) -> bool:
    virsh = ["timeout", "0.5", "virsh", "-r", "-c", host.uri, "list", "--all"]
    return subprocess.run(virsh, capture_output=True).returncode == 0


def cpu_seconds(host: ComputeHost, name: str) -> float:
    return float(host.domain(name).info()[4]) / 1e9


def write_as_libvirt_exporter(host: ComputeHost, path: Path) -> None:
    """The two metrics that all libvirt exporters have, with their label."""
    cpu, memory = (
        "libvirt_domain_info_cpu_time_seconds_total",
        "libvirt_domain_info_memory_usage_bytes",
    )
    lines = [f"# TYPE {cpu} counter", f"# TYPE {memory} gauge"]
    for domain in host.connection.listAllDomains():
        _, _, kib, _, _ = domain.info()
        labels = f'{{domain="{domain.name()}"}}'
        lines.append(f"{cpu}{labels} {cpu_seconds(host, domain.name())}")
        lines.append(f"{memory}{labels} {kib * 1024}")
    new = path.with_suffix(".new")
    new.write_text("".join(f"{line}\n" for line in sorted(lines)))
    new.rename(path)
