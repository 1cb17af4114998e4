"""What a collected file costs: a fleet of documents is collected, and asked.

    python -m bench.collected                       10,000 hosts of 40 guests, ten minutes
    python -m bench.collected --hosts 500

The documents are those of a host of real definitions, with other uuids, addresses and names for
each host. It needs no libvirtd, and leaves nothing behind. See README.md beside this file.
"""

import argparse
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple
from uuid import UUID

from bench.guests import guest_xml
from bench.measure import nova_domains
from bench.report import describe_machine, heading, mark, row, say, table_head

HOSTS, GUESTS = 10_000, 40
PROJECTS = 500
_PROJECT = "web-shop"
HOSTS_IN_A_FILE = 100
ROUNDS = 5
COLLECT_SECONDS, COLLECT_MIB = 60, 300
WHOSE_SECONDS, WHOSE_MIB = 0.3, 80
LIST_SECONDS = 1.0

# What is a guest's own. The uuids of flavors, images, users and projects are shared.
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAC = re.compile(r"fa(:[0-9a-f]{2}){5}")
_ADDRESS = re.compile(r"\b10\.\d{1,3}\.\d{1,3}\.\d{1,3}\b")
_NAME = re.compile(r"instance-[0-9a-f]{8}")
_TAP = re.compile(r"tap([0-9a-f]{8}-[0-9a-f]{2})")
_SHARED = re.compile(r'"(?:flavor|image)": \{[^{}]*"(?:id|uuid)": "([0-9a-f-]{36})"')


def template(directory: Path) -> list[str]:
    """The documents of one host, a line each, as ``list --full -f jsonl`` prints them."""
    folder = directory / "compute-1"
    folder.mkdir()
    for number in range(GUESTS):
        (folder / f"{number}.xml").write_text(guest_xml(number + 3))
    words = [*nova_domains(), "-q", "--files", str(folder), "list", "--full", "-f", "jsonl"]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return [line.replace('"host_guessed": true, ', "") for line in done.stdout.splitlines()]


def as_of(line: str, host: int, guest: int) -> str:
    """The document of another guest, on another host; the same for the same numbers."""
    random = Random(host * GUESTS + guest)
    shared = set(_SHARED.findall(line))
    texts: dict[str, str] = {}

    def uuid(found: re.Match[str]) -> str:
        if found[0] in shared:
            return found[0]
        return texts.setdefault(found[0], str(UUID(int=random.getrandbits(128), version=4)))

    def address(_: re.Match[str]) -> str:
        return f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randint(1, 254)}"

    def mac(_: re.Match[str]) -> str:
        return "fa:16:3e:" + ":".join(f"{random.randrange(256):02x}" for _ in range(3))

    line = _UUID.sub(uuid, line)
    short = {old[:11]: new[:11] for old, new in texts.items()}
    line = _TAP.sub(lambda found: f"tap{short.get(found[1], found[1])}", line)
    line = _MAC.sub(mac, _ADDRESS.sub(address, line))
    # So many projects that each has some hundred guests.
    project = f'"name": "{_PROJECT}-{host % PROJECTS}"'
    line = line.replace(f'"name": "{_PROJECT}"', project)
    line = _NAME.sub(f"instance-{host * GUESTS + guest:08x}", line)
    return line.replace('"host": "compute-1"', f'"host": "cmp-{host:05}"', 1)


def write_fleet(directory: Path, hosts: int) -> tuple[list[str], str]:
    """The files of all hosts; and an address of a guest in the middle."""
    lines = template(directory)
    paths, address = [], ""
    for first in range(0, hosts, HOSTS_IN_A_FILE):
        path = directory / f"hosts-{first:05}.jsonl"
        with open(path, "w", encoding="utf-8") as file:
            for host in range(first, min(first + HOSTS_IN_A_FILE, hosts)):
                texts = [as_of(line, host, guest) for guest, line in enumerate(lines)]
                file.writelines(f"{text}\n" for text in texts)
                if host == hosts // 2:
                    address = next(found[0] for text in texts if (found := _ADDRESS.search(text)))
        paths.append(str(path))
        say(f"{min(first + HOSTS_IN_A_FILE, hosts)} of {hosts} hosts written")
    return paths, address


class Cost(NamedTuple):
    seconds: float
    cpu: float
    """Seconds on all cores."""
    mib: float
    lines: int
    """Of the output."""


def cost_of(*words: str) -> Cost:
    """What a command costs that has to succeed and to print something."""
    with tempfile.TemporaryFile() as out:
        begin = time.perf_counter()
        pid = os.posix_spawn(
            words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)]
        )
        _, status, usage = os.wait4(pid, 0)
        seconds = time.perf_counter() - begin
        out.seek(0)
        lines = sum(1 for _ in out)
    if os.waitstatus_to_exitcode(status) != 0 or not lines:
        raise SystemExit(f"bench: {' '.join(words[:4])} … {words[-1]} failed")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, lines)


def measure(directory: Path, hosts: int) -> None:
    program = nova_domains()
    paths, address = write_fleet(directory, hosts)
    path = directory / "fleet.db"
    given = [word for one in paths for word in ("--files", one)]
    table_head("", "s", "CPU s", "peak MiB", "lines", "target")
    for what in ("collect, a new file", "collect, the same once more"):
        cost = cost_of(*program, "-q", *given, "collect", str(path))
        met = cost.seconds <= COLLECT_SECONDS and cost.mib <= COLLECT_MIB
        print_row(what, cost, mark(met, f"{COLLECT_SECONDS} s, {COLLECT_MIB} MiB"))
    size = path.stat().st_size / 2**20
    say(f"the file has {size:.0f} MiB")
    asked = [*program, "-q", "--files", str(path)]
    for words, seconds, mib in (
        (("whose", address), WHOSE_SECONDS, WHOSE_MIB),
        (("whose", f"{address}/24"), WHOSE_SECONDS, WHOSE_MIB),
        (("list", "--project", f"{_PROJECT}-7", "-f", "value"), LIST_SECONDS, None),
        (("list", "--project", f"*{_PROJECT[3:]}-7", "-f", "value"), LIST_SECONDS, None),
        (("list", "--ip", address, "-f", "value"), LIST_SECONDS, None),
        (("hosts", "-f", "value"), None, None),
    ):
        costs = []
        for _ in range(ROUNDS):
            # Not in the memory of the kernel either.
            drop_cached(path)
            costs.append(cost_of(*asked, *words))
        cost = costs[0]._replace(
            seconds=median(one.seconds for one in costs),
            cpu=median(one.cpu for one in costs),
            mib=max(one.mib for one in costs),
        )
        target = f"{seconds} s" + (f", {mib} MiB" if mib else "") if seconds else ""
        met = not seconds or (cost.seconds <= seconds and (mib is None or cost.mib <= mib))
        print_row(" ".join(words[:3]), cost, mark(met, target) if target else "")


def drop_cached(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def print_row(what: str, cost: Cost, target: str) -> None:
    row(
        f"`{what}`",
        f"{cost.seconds:.2f}",
        f"{cost.cpu:.2f}",
        f"{cost.mib:.0f}",
        str(cost.lines),
        target,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=HOSTS)
    parser.add_argument("--folder", help="where to work, on the disk to be measured")
    options = parser.parse_args()
    describe_machine()
    heading("A collected file", f"{options.hosts} hosts of {GUESTS} guests, from documents")
    with tempfile.TemporaryDirectory(dir=options.folder) as directory:
        measure(Path(directory), options.hosts)


if __name__ == "__main__":
    main()
