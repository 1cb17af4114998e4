"""Virtual environments for the neighbours' own code, each apart: their requirements fight ours.

They are made once (a minute or two, from PyPI) and kept under NOVA_DOMAINS_NEIGHBOURS, or
`.venv-neighbours/` in the checkout. Prepare them up front with

    python -m tests.support.neighbours.environments
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal, get_args

from tests.support.paths import ROOT

Neighbour = Literal["nova", "ceilometer", "ansible-oldest", "ansible-newest"]


def ansible_core() -> tuple[str, str]:
    """The oldest release that the collection supports and this Python runs, and the newest."""
    if sys.version_info < (3, 11):
        return "2.17.0", "2.17.14"
    if sys.version_info < (3, 12):
        return "2.17.0", "2.19.14"
    if sys.version_info < (3, 13):
        return "2.17.0", "2.21.5"
    return ("2.18.0" if sys.version_info < (3, 14) else "2.20.0"), "2.21.5"


_OLDEST, _NEWEST = ansible_core()

REQUIREMENTS: dict[Neighbour, tuple[str, ...]] = {
    "nova": ("nova==34.0.0", "libvirt-python==12.8.0"),
    "ceilometer": ("ceilometer==27.0.0", "libvirt-python==12.8.0"),
    "ansible-oldest": (f"ansible-core=={_OLDEST}",),
    "ansible-newest": (f"ansible-core=={_NEWEST}", "ansible-lint"),
}


def folder() -> Path:
    default = ROOT / ".venv-neighbours"
    return Path(os.environ.get("NOVA_DOMAINS_NEIGHBOURS") or default).absolute()


def python_of(neighbour: Neighbour) -> Path:
    """The interpreter that has the neighbour installed; installs it unless it is there already."""
    environment = folder() / neighbour
    python = environment / "bin" / "python"
    stamp = environment / "requirements"
    wanted = "\n".join((sys.version, *REQUIREMENTS[neighbour]))
    folder().mkdir(parents=True, exist_ok=True)
    # Two test runs side by side must not build the same environment at once.
    with (folder() / f"{neighbour}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # The stamp is written last: half an environment has none.
        if not stamp.is_file() or stamp.read_text() != wanted:
            _run([sys.executable, "-m", "venv", "--clear", str(environment)])
            _run([str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS[neighbour]])
            stamp.write_text(wanted)
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}")


if __name__ == "__main__":
    from tests.support.neighbours.ansible import prepare_checks  # which imports this module

    for each in get_args(Neighbour):
        print(each, python_of(each), flush=True)
    prepare_checks(python_of("ansible-newest"))
