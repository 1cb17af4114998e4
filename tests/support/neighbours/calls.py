"""Call the neighbours' own code, each in its own environment, and read what it answers."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.neighbours.environments import Neighbour, python_of

HERE = Path(__file__).parent


def write_as_nova(uri: str, jobs: list[dict[str, Any]]) -> dict[str, str]:
    """Have Nova write blocks; see write_as_nova.py for a job. Returns the block by domain name."""
    written: dict[str, str] = json.loads(_call("nova", "write_as_nova.py", uri, json.dumps(jobs)))
    return written


def discover_as_ceilometer(uri: str) -> dict[str, dict[str, Any]]:
    """Have Ceilometer discover the host's instances. Returns its servers by uuid."""
    servers = json.loads(_call("ceilometer", "discover_as_ceilometer.py", uri))
    return {server["id"]: server for server in servers}


def _call(neighbour: Neighbour, script: str, uri: str, given: str = "") -> str:
    command = [str(python_of(neighbour)), str(HERE / script), uri]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{script} failed:\n{done.stderr}")
    return done.stdout
