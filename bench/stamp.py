"""What `nova-domains stamp` costs beside a bare loop of `setMetadata`, on a libvirtd of its own.

    python -m bench.stamp                   all of it, about six minutes
    python -m bench.stamp --guests 100 --rounds 3
    python -m bench.stamp --only plan

It needs root, libvirtd and QEMU, and leaves nothing behind. See README.md beside this file.
"""

import argparse
import json
import marshal
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

import libvirt

from bench.guests import guest_xml, has_block
from bench.measure import Command, CommandFailed, Launcher, Series, nova_domains, run
from bench.records import cloud_of, servers_detail
from bench.report import describe_machine, heading, mark, ms, ratio_table, row, say, table_head
from lab.compute_host import ComputeHost
from virsh_nova.block.namespaces import BACKFILL, NAMESPACES

PARTS = ("write", "plan")
RECORDS = 10_000

# The goals.
WALL_LIMITS = {"stamp --no-provenance": 1.3, "stamp": 2.0}
PLAN_SECONDS = 2.0
PLAN_MIB = 150.0

NOVA = NAMESPACES[0]

# The yardstick: the bare loop of a script that already has the payloads.
LOOP = """
import libvirt, marshal, sys, threading
uri, payloads, namespace, threads = sys.argv[1:]
with open(payloads, "rb") as file:
    payloads = marshal.load(file)
connection = libvirt.open(uri)
turn = iter(connection.listAllDomains())
def loop():
    for domain in turn:
        domain.setMetadata(
            libvirt.VIR_DOMAIN_METADATA_ELEMENT, payloads[domain.UUIDString()], "nova", namespace,
            libvirt.VIR_DOMAIN_AFFECT_CONFIG)
if threads == "1":
    loop()
else:
    others = [threading.Thread(target=loop) for _ in range(int(threads))]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
"""


class Bench:
    """A host with stopped guests, the listing of it, and a folder for journals."""

    def __init__(self, host: ComputeHost, state: Path, guests: int) -> None:
        self.host = host
        self.state = state
        self.guests = guests
        say(f"defining {guests} guests")
        for index in islice(filter(has_block, count()), guests):
            host.define(guest_xml(index))
        self.ours = [*nova_domains(), "--timeout", "600", "-c", host.uri]
        self.listing = state / "a.json"
        self.listing.write_bytes(self.call("list", "-f", "json"))
        self.wipe()

    def call(self, *words: str) -> bytes:
        """Run nova-domains without measuring it."""
        done = subprocess.run([*self.ours, *words], capture_output=True, check=False)
        if done.returncode != 0:
            raise CommandFailed(f"{' '.join(words)}: {done.stderr.decode()}")
        return done.stdout

    def wipe(self) -> None:
        """Remove what each contender wrote, and the journals of those that keep some.

        Nothing waits to be written to the disk afterwards, which the next one would have to share.
        """
        for journal in self.journals():
            journal.unlink()

        def bare(domain: libvirt.virDomain) -> None:
            for namespace in (NOVA, BACKFILL):
                domain.setMetadata(
                    libvirt.VIR_DOMAIN_METADATA_ELEMENT,
                    None,
                    None,
                    namespace,
                    libvirt.VIR_DOMAIN_AFFECT_CONFIG,
                )

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(bare, self.host.connection.listAllDomains()))
        os.sync()

    def journals(self) -> list[Path]:
        return sorted(self.state.glob("*.jsonl"))

    def expect(self, namespace: str, *, there: bool = True) -> None:
        """Raises ``CommandFailed`` unless every guest, or none, has such an element."""

        def holds(domain: libvirt.virDomain) -> bool:
            try:
                domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, namespace, 0)
            except libvirt.libvirtError:
                return False
            return True

        held = sum(map(holds, self.host.connection.listAllDomains()))
        if held != (self.guests if there else 0):
            raise CommandFailed(f"{held} of {self.guests} guests have an element of {namespace}")

    def stamp(self, *options: str) -> list[str]:
        return ["stamp", "--from", str(self.listing), "--yes", *options]

    def payloads(self) -> Path:
        """What stamp writes, for the bare loops."""
        self.call(*self.stamp("--no-provenance"))
        (journal,) = self.journals()
        lines = map(json.loads, journal.read_text().splitlines())
        payloads = {
            line["uuid"]: line["edits"][0]["after"] for line in lines if line["line"] == "guest"
        }
        path = self.state / "payloads"
        path.write_bytes(marshal.dumps(payloads))
        return path


# ---- the parts --------------------------------------------------------------------------------


def bench_write(launcher: Launcher, bench: Bench, rounds: int) -> None:
    heading(
        f"Writing to {bench.guests} stopped guests",
        f"{rounds} rounds; wall time of the whole process in ms; journal and reading back included",
    )
    payloads = str(bench.payloads())

    def written() -> None:
        bench.expect(NOVA)

    def marked() -> None:
        bench.expect(NOVA)
        bench.expect(BACKFILL)

    def undone() -> None:
        bench.expect(NOVA, there=False)
        bench.expect(BACKFILL, there=False)

    def stamped() -> None:
        bench.wipe()
        bench.call(*bench.stamp())
        os.sync()

    def loop(threads: str) -> list[str]:
        return [sys.executable, "-c", LOOP, bench.host.uri, payloads, NOVA, threads]

    def ours(*words: str) -> list[str]:
        return [*bench.ours, *words]

    n = bench.guests
    commands = [
        Command("bare loop", loop("1"), before=bench.wipe, after=written),
        Command("bare loop, 4 threads", loop("4"), before=bench.wipe, after=written),
        Command(
            "stamp --no-provenance",
            ours(*bench.stamp("--no-provenance")),
            guests=n,
            before=bench.wipe,
            after=written,
        ),
        Command("stamp", ours(*bench.stamp()), guests=n, before=bench.wipe, after=marked),
        Command("undo", ours("undo", "--yes"), guests=n, before=stamped, after=undone),
    ]

    def verdicts(label: str, ratio: float, _taken: Series) -> list[str]:
        limit = WALL_LIMITS.get(label)
        return [] if limit is None else [mark(ratio <= limit, f"≤ {limit:g} x")]

    ratio_table(launcher.measure(commands, rounds), "bare loop", verdicts)


def bench_plan(launcher: Launcher, bench: Bench, rounds: int) -> None:
    bench.wipe()
    cloud = cloud_of(json.loads(bench.listing.read_text()), RECORDS)
    files = {
        "our document": json.dumps(cloud),
        "servers/detail": json.dumps(servers_detail(cloud)),
    }
    commands = []
    for label, text in files.items():
        path = bench.state / f"{label.replace('/', '-')}.json"
        path.write_text(text)
        words = [*bench.ours, "stamp", "--from", str(path), "--dry-run"]
        size = f"{path.stat().st_size / 2**20:.0f} MiB"
        commands.append(Command(f"{label}, {size}", words, guests=bench.guests))
    heading(
        f"The plan for {bench.guests} guests and {len(cloud)} records",
        f"`stamp --from FILE --dry-run`; {rounds} rounds; wall time in ms",
    )
    table_head("file", "median", "min", "CPU", "peak MiB", "target")
    for label, taken in launcher.measure(commands, rounds).items():
        verdicts = (
            mark(taken.median <= PLAN_SECONDS, f"≤ {PLAN_SECONDS:g} s"),
            mark(taken.peak <= PLAN_MIB, f"≤ {PLAN_MIB:g} MiB"),
        )
        cells = [label, ms(taken.median), ms(taken.least), ms(min(taken.cpu))]
        row(*cells, f"{taken.peak:.1f}", ", ".join(verdicts))


# ---- the whole --------------------------------------------------------------------------------


@contextmanager
def state_folder() -> Iterator[Path]:
    """A separate folder for the journals, on the disk where they usually are."""
    with tempfile.TemporaryDirectory(prefix="nd-bench-", dir="/var/lib") as directory:
        os.environ["NOVA_DOMAINS_STATE"] = directory
        yield Path(directory)


def file_system(path: Path) -> str:
    stat = shutil.which("stat") or "stat"
    done = subprocess.run([stat, "-f", "-c", "%T", str(path)], capture_output=True, check=True)
    return done.stdout.decode().strip()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.stamp", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--guests", type=int, default=1000, metavar="N")
    add("--rounds", type=int, default=9)
    add("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    return parser.parse_args()


def bench(wanted: argparse.Namespace) -> None:
    describe_machine()
    with Launcher() as launcher, state_folder() as state, ComputeHost() as host:
        print(
            f"Journals on {file_system(state)}, libvirt's files on {file_system(host.directory)}."
        )
        furnished = Bench(host, state, wanted.guests)
        if "write" in wanted.only:
            bench_write(launcher, furnished, wanted.rounds)
        if "plan" in wanted.only:
            bench_plan(launcher, furnished, wanted.rounds)
        say("cleaning up")


if __name__ == "__main__":
    sys.exit(run(lambda: bench(arguments())))
