"""Real Ansible over the collection of this checkout: play tasks, and see what each returned."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.support.neighbours.environments import Neighbour, python_of
from tests.support.paths import ROOT

COLLECTION = ROOT / "ansible_collections" / "nova_domains" / "compute"
CALLBACKS = Path(__file__).with_name("ansible_callbacks")

NOVA_DOMAINS = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "virsh_nova"]
"""The command of this checkout, for ``executable``."""

ENDLESS = 300
"""Seconds: what takes longer hangs."""

Json = dict[str, Any]


class Result(NamedTuple):
    """What a task returned on a host."""

    status: str
    """ok, failed or unreachable."""
    value: Json

    @property
    def message(self) -> str:
        return str(self.value.get("msg"))


class Played(NamedTuple):
    code: int
    said: str
    """stdout and stderr."""
    results: Mapping[tuple[str, str], Result]
    """By the names of the task and the host."""

    def of(self, task: str, host: str = "cmp-001") -> Result:
        assert (task, host) in self.results, self.said
        return self.results[task, host]


class Ansible:
    """A release of Ansible, which keeps all that it writes in a folder of its own."""

    def __init__(self, release: Neighbour, directory: Path, collections: Path = ROOT) -> None:
        self.bin = python_of(release).parent
        self.directory = directory
        self.environment = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "HOME": str(directory),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_HOME": str(directory / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "results",
            "ANSIBLE_REMOTE_TEMP": str(directory / "remote"),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_NOCOLOR": "1",
            # No connection outlives the play.
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=no",
            # It has neither libvirt nor lxml.
            "ANSIBLE_PYTHON_INTERPRETER": str(self.bin / "python"),
            "NOVA_DOMAINS_RESULTS": str(directory / "results"),
        }

    def run(
        self,
        *command: str,
        good: Sequence[int] = (0,),
        cwd: Path | None = None,
    ) -> str:
        """What a command of Ansible says on stdout and stderr."""
        done = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=cwd or self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=ENDLESS,
        )
        assert done.returncode in good, done.stdout
        return done.stdout

    def sanity(self) -> str:
        """What ``ansible-test sanity`` says of the collection."""
        return check(self.bin, self.directory / "sanity")

    def play(self, hosts: Mapping[str, Json], plays: Sequence[Json] | str, *options: str) -> Played:
        """Play them on the hosts, given with their variables. Plays can be the text of a book."""
        inventory = self.directory / "inventory.yml"
        inventory.write_text(json.dumps({"compute": {"hosts": dict(hosts)}}))
        book = self.directory / "play.yml"
        book.write_text(plays if isinstance(plays, str) else json.dumps(list(plays)))
        results = self.directory / "results"
        results.unlink(missing_ok=True)
        done = subprocess.run(
            [str(self.bin / "ansible-playbook"), "-i", str(inventory), *options, str(book)],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=ENDLESS,
        )
        lines = results.read_text().splitlines() if results.exists() else []
        found = [json.loads(line) for line in lines]
        return Played(
            done.returncode,
            done.stdout,
            {
                (each["task"], each["host"]): Result(each["status"], each["result"])
                for each in found
            },
        )


PIP = """\
import subprocess, sys
subprocess.run([sys.executable, "-m", "ensurepip"], check=True)
wanted = [word for word in sys.argv[1:] if not word.startswith("--no-")]
subprocess.run([sys.executable, "-m", "pip", "install", *wanted], check=True)
"""


def check(programs: Path, directory: Path, *options: str) -> str:
    """Run ``ansible-test sanity`` on a copy of the collection, which it writes to.

    Its tools go into environments of their own, which are kept beside Ansible's.
    """
    home = programs.parent / "home"
    put_pip_there(programs.parent, home)
    copy = directory / "ansible_collections" / "nova_domains" / "compute"
    copytree(COLLECTION, copy, ignore=ignore_patterns("__pycache__", "output"))
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    path = f"{programs}:{os.environ['PATH']}"
    done = subprocess.run(
        [programs / "ansible-test", "sanity", "--python", python, *options],
        cwd=copy,
        env={"PATH": path, "LC_ALL": "C.UTF-8", "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def prepare_checks(python: Path) -> None:
    """Have the environments of the checks made, which takes a minute."""
    with TemporaryDirectory() as directory:
        check(python.parent, Path(directory), "--prime-venvs")


def put_pip_there(environment: Path, home: Path) -> None:
    """ansible-test downloads a script that installs pip, from a place that not everybody reaches.

    One that it finds in its cache it takes as it is.
    """
    (source,) = environment.glob(
        "lib/python3*/site-packages/ansible_test/_internal/python_requirements.py"
    )
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"pip='([0-9.]+)'", source.read_text()):
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(PIP)


def play(*tasks: Json, **keywords: Any) -> Json:
    """A play of tasks on all hosts, which goes on where one fails."""
    return {
        "hosts": "compute",
        "gather_facts": False,
        "module_defaults": {
            "group/nova_domains.compute.nova_domains": {"executable": NOVA_DOMAINS}
        },
        "tasks": [{"ignore_errors": True, **task} for task in tasks],
        **keywords,
    }


def task(name: str, module: str, arguments: Json | None = None, **keywords: Any) -> Json:
    """A task that calls a module of the collection."""
    return {"name": name, f"nova_domains.compute.{module}": arguments or {}, **keywords}
