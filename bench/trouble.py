"""What `--offline`, `whose` and `check` cost beside `virsh list --all`, on a libvirtd of its own.

    python -m bench.trouble                 all of it, about three minutes
    python -m bench.trouble --guests 100 --rounds 5

It needs root, libvirtd and QEMU, and leaves nothing behind. See README.md beside this file.
"""

import argparse
import json
import random
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from bench.list import fill
from bench.measure import Command, CommandFailed, Launcher, Series, nova_domains, run
from bench.report import describe_machine, heading, mark, ratio_table, say
from lab.compute_host import ComputeHost

# The goals.
WALL_LIMITS = {"--offline list -f json": 1.3, "whose PID": 1.5, "check": 3.0}
REPORT_LIMIT = 1.5
HANDLES_LIMIT = 2.0
HANDLES = 10_000


class Bench:
    """A host with guests, a tenth of them running, and its files in several shapes."""

    def __init__(self, host: ComputeHost, guests: int) -> None:
        self.host = host
        self.guests = guests
        say(f"defining {guests} guests")
        fill(host, 0, guests)
        self.ours = [*nova_domains(), "--timeout", "600", "-c", host.uri]
        self.tree = host.directory / "tree"
        for inner, ours in (("etc/libvirt/qemu", "etc/qemu"), ("run/libvirt/qemu", "run/qemu")):
            folder = self.tree / inner
            folder.mkdir(parents=True)
            for file in (host.directory / ours).glob("*.xml"):
                shutil.copy2(file, folder)
        self.report = host.directory / "sosreport-bench.tar.xz"
        with tarfile.open(self.report, "w:xz", preset=6) as archive:
            archive.add(self.tree, "sosreport-bench")
        self.records = json.loads(self.call("list", "-f", "json"))
        self.pid = next(host.qemu_pid(one["domain"]) for one in self.records if one["id"])

    def call(self, *words: str) -> bytes:
        done = subprocess.run([*self.ours, *words], capture_output=True, check=False)
        if done.returncode != 0:
            raise CommandFailed(f"{' '.join(words)}: {done.stderr.decode()}")
        return done.stdout

    def handles(self, number: int) -> Path:
        """A file of handles of all sorts, one a line."""
        choose = random.Random(1)
        known = [
            handle
            for record in self.records
            for handle in (
                record["uuid"],
                record["domain"],
                *(port["uuid"] for port in (record["instance"] or {}).get("ports") or ()),
                *(
                    ip["address"]
                    for port in (record["instance"] or {}).get("ports") or ()
                    for ip in port["ips"]
                ),
            )
        ]
        path = self.host.directory / f"handles-{number}"
        path.write_text("".join(f"{choose.choice(known)}\n" for _ in range(number)))
        return path


def shell(*words: str, stdin: Path | None = None) -> list[str]:
    """Through a shell, to read from a file and to accept findings as success.

    What it prints is not counted: how many guests that names is not known beforehand.
    """
    line = shlex.join(words) + (f" < {shlex.quote(str(stdin))}" if stdin else "")
    return ["/bin/sh", "-c", f"{line} > /dev/null; code=$?; [ $code = 4 ] || exit $code"]


def bench_all(launcher: Launcher, bench: Bench, rounds: int) -> None:
    heading(
        f"{bench.guests} guests, a tenth of them running",
        f"{rounds} rounds; wall time of the whole process in ms",
    )
    virsh = [shutil.which("virsh") or "virsh", "-r", "-c", bench.host.uri, "list", "--all"]
    ours = nova_domains()
    files = [*ours, "--files", str(bench.tree)]
    commands = [
        Command("virsh list --all", virsh, guests=bench.guests),
        Command("--offline list -f json", [*files, "list", "-f", "json"], guests=bench.guests),
        Command(
            "tar.xz list -f json",
            [*ours, "--files", str(bench.report), "list", "-f", "json"],
            guests=bench.guests,
        ),
        Command("whose PID", [*bench.ours, "whose", str(bench.pid)], guests=1),
        Command("whose -, 1 handle", shell(*bench.ours, "whose", "-", stdin=bench.handles(1))),
        Command(
            f"whose -, {HANDLES} handles",
            shell(*bench.ours, "whose", "-", stdin=bench.handles(HANDLES)),
        ),
        Command("check", shell(*bench.ours, "check")),
    ]
    series = launcher.measure(commands, rounds)

    def verdicts(label: str, ratio: float, taken: Series) -> list[str]:
        if label in WALL_LIMITS:
            return [mark(ratio <= WALL_LIMITS[label], f"≤ {WALL_LIMITS[label]:g} x")]
        if label.startswith("tar"):
            own = taken.median / series["--offline list -f json"].median
            return [mark(own <= REPORT_LIMIT, f"{own:.2f} ≤ {REPORT_LIMIT:g} x of --offline")]
        if label.endswith("handles"):
            own = taken.median / series["whose -, 1 handle"].median
            return [mark(own <= HANDLES_LIMIT, f"{own:.2f} ≤ {HANDLES_LIMIT:g} x of one handle")]
        return []

    ratio_table(series, "virsh", verdicts)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.trouble", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--guests", type=int, default=1000, metavar="N")
    parser.add_argument("--rounds", type=int, default=9)
    return parser.parse_args()


def bench(wanted: argparse.Namespace) -> None:
    describe_machine()
    with Launcher() as launcher, ComputeHost() as host:
        bench_all(launcher, Bench(host, wanted.guests), wanted.rounds)
        say("cleaning up")


if __name__ == "__main__":
    sys.exit(run(lambda: bench(arguments())))
