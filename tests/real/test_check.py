"""`nova-domains check` on a compute host where things have gone wrong, and where they have not."""

import json
from pathlib import Path
from typing import Any

import pytest

from lab import domains
from lab.compute_host import ComputeHost
from tests.support.findings import NAME, check, codes, fitting
from tests.support.goldens import golden_block
from tests.support.real_host import NOVA_1_1, run_on, uuid, with_device

# ---- guests that are as Nova left them, and one thing each that is not --------------------------


@pytest.fixture(scope="module")
def host(module_host: ComputeHost) -> ComputeHost:
    def define(number: int, *blocks: str, **options: Any) -> str:
        module_host.define(domains.nova_guest(NAME(number), uuid(number), *blocks, **options))
        return NAME(number)

    own = module_host.instance_disk(uuid(1))
    module_host.start(define(1, fitting(), disk=own), paused=True)
    define(2, fitting())
    define(3, fitting(**{"flavor/vcpus": "4"}))
    define(4, fitting(**{"flavor/memory": "2048"}))
    define(5)
    define(6, fitting(), golden_block("15.1.5", "image_plain"))
    module_host.start(define(7, fitting()), paused=True)
    renamed = fitting(name="after").replace("nova:", "").replace(f' xmlns:nova="{NOVA_1_1}"', "")
    module_host.set_metadata(NAME(7), NOVA_1_1, renamed, "live")
    define(8, fitting(), disk=own)
    define(9, fitting().replace("<nova:swap>", "<nova:swap>x"))
    define(10, fitting().replace("<nova:swap>0</nova:swap>", ""))
    module_host.start(define(11), paused=True)
    alone = renamed.replace(">after<", ">alone<")
    module_host.set_metadata(NAME(11), NOVA_1_1, alone, "live")
    volume = module_host.instance_disk(uuid(12))
    define(12, fitting(), disk=volume, volume="e2b487e4-a6a2-4148-beda-649cbc36fc65")
    tap = (
        "<interface type='ethernet'><mac address='fa:16:3e:00:00:01'/>"
        "<target dev='tap36116cce-64' managed='no'/></interface>"
    )
    module_host.define(with_device(domains.nova_guest(NAME(13), uuid(13), fitting()), tap))
    ports = '<nova:ports><nova:port uuid="36116cce-6417-4a61-8a1a-000000000000"/></nova:ports>'
    assert "<nova:ports/>" in fitting()
    with_port = fitting().replace("<nova:ports/>", ports)
    define(14, with_port)
    module_host.define(with_device(domains.nova_guest(NAME(15), uuid(15), with_port), tap))
    module_host.define(domains.plain_guest("web", uuid(16)))
    module_host.define(domains.ovirt_guest("vm", uuid(17)))
    return module_host


EXPECTED = {
    NAME(1): {"shared-disk"},
    NAME(3): {"vcpus-differ"},
    NAME(4): {"memory-differs"},
    NAME(5): {"no-block"},
    NAME(6): {"several-namespaces"},
    NAME(8): {"shared-disk", "uuid-differs"},
    NAME(9): {"block-damaged"},
    NAME(10): {"block-unfit"},
    NAME(11): {"block-in-one-definition"},
    NAME(14): {"port-without-interface"},
}


class TestWhatDoesNotFit:
    def test_is_found_and_nothing_else_is(self, host: ComputeHost) -> None:
        assert codes(host) == EXPECTED

    def test_is_noted_where_nova_does_it_by_design(self, host: ComputeHost) -> None:
        noted = codes(host, "--severity", "note")
        assert noted[NAME(7)] == {"definitions-differ"}
        assert noted[NAME(13)] == {"interface-unrecorded"}
        assert noted[NAME(12)] == {"root-differs"}
        assert {name for name in noted if name not in EXPECTED} == {NAME(7), NAME(12), NAME(13)}

    def test_is_found_of_one_guest_with_a_look_at_the_others(self, host: ComputeHost) -> None:
        assert codes(host, NAME(1)) == {NAME(1): {"shared-disk"}}
        assert codes(host, NAME(2), "web") == {}

    def test_comes_with_a_command_that_fixes_it(self, host: ComputeHost) -> None:
        _, (finding,) = check(host, NAME(5))
        words = finding["command"].split()
        assert words[:2] == ["nova-domains", "-c"]
        code, out, err = run_on(host.uri, *words[3:], "--dry-run")
        assert (code, err) == (0, "")
        assert "1 to write" in out

    def test_is_not_changed(self, host: ComputeHost) -> None:
        before = {d.name(): d.XMLDesc(0) for d in host.connection.listAllDomains()}
        run_on(host.uri, "check", "--severity", "note")
        assert before == {d.name(): d.XMLDesc(0) for d in host.connection.listAllDomains()}

    def test_is_one_line_for_a_monitor(self, host: ComputeHost) -> None:
        code, out, err = run_on(host.uri, "check", "-f", "nagios")
        assert (code, err) == (2, "")
        assert out.startswith("NOVA-DOMAINS CRITICAL - 3 errors, 8 warnings: ")
        assert out.endswith("| errors=3 warnings=8 notes=0 guests=17\n")


class TestAgainstNova:
    def test_orphans_missing_guests_and_power_states_are_found(
        self, host: ComputeHost, tmp_path: Path
    ) -> None:
        here = host.connection.getHostname()
        rows = [
            {"ID": uuid(1), "Name": "x", "Host": here, "Power State": 3},
            {"ID": uuid(2), "Name": "x", "Host": here, "Power State": 1},
            {"ID": uuid(3), "Name": "x", "Host": "elsewhere"},
            {"ID": uuid(99), "Name": "lost", "Host": here},
            {"ID": uuid(98), "Name": "away", "Host": "elsewhere"},
        ]
        path = tmp_path / "servers.json"
        path.write_text(json.dumps(rows))
        found = codes(host, "--against", str(path))
        compared = {"orphan", "missing", "power-state-differs"}
        assert {name: found[name] & compared for name in found if found[name] & compared} == {
            NAME(2): {"power-state-differs"},
            uuid(99): {"missing"},
            **{NAME(number): {"orphan"} for number in range(3, 16)},
        }
