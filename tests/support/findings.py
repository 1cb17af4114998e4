"""What check finds on a real host, and a block that leaves nothing to find."""

import json
from typing import Any

from lxml import etree

from lab.compute_host import ComputeHost
from tests.support.goldens import golden_block
from tests.support.real_host import NOVA_1_1, run_on

NOVA = f"{{{NOVA_1_1}}}"


NAME = "instance-{:08x}".format


def fitting(**changes: str) -> str:
    """What Nova 34 would have written for a guest as small as these: 8 MiB, a vCPU, no port."""
    root = etree.fromstring(golden_block("34.0.0", "image_plain"))
    for path, text in {"flavor/memory": "8", "flavor/vcpus": "1", **changes}.items():
        element = root.find("/".join(NOVA + part for part in path.split("/")))
        assert element is not None
        element.text = text
    ports = root.find(f"{NOVA}ports")
    ports[:] = []
    ports.text = None
    return str(etree.tostring(root, encoding="unicode"))


def check(host: ComputeHost, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    code, out, err = run_on(host.uri, "check", "-f", "json", *arguments)
    assert err == ""
    return code, json.loads(out)


def codes(host: ComputeHost, *arguments: str) -> dict[str, set[str]]:
    """The codes found, by domain name or uuid."""
    code, findings = check(host, *arguments)
    found: dict[str, set[str]] = {}
    for finding in findings:
        found.setdefault(finding["domain"] or finding["uuid"], set()).add(finding["code"])
    assert code == (4 if found else 0)
    return found
