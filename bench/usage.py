"""What `usage` and `export` cost, on a libvirtd of its own.

    python -m bench.usage                   1000 guests, two minutes
    python -m bench.usage --guests 100

It needs root, libvirtd and QEMU, and leaves nothing behind. See README.md beside this file.
"""

import argparse
import shutil
import sys
from pathlib import Path

from bench.list import fill
from bench.measure import Command, CommandFailed, Launcher, Series, nova_domains, run
from bench.report import describe_machine, heading, mark, ratio_table, say
from lab.compute_host import ComputeHost

# The goals.
OF_LIST = 2.0
OF_VIRSH = 2.0
MOST_BYTES = 1_000_000


def commands(host: ComputeHost, guests: int) -> list[Command]:
    virsh = [shutil.which("virsh") or "virsh", "-r", "-c", host.uri, "list", "--all"]
    ours = [*nova_domains(), "--timeout", "600", "-c", host.uri]
    textfile = host.directory / "bench.prom"
    return [
        Command("virsh list --all", virsh, guests=guests),
        Command("list -f value", [*ours, "list", "-f", "value"], guests=guests),
        Command("usage", [*ours, "usage"]),
        Command("usage --by project --by flavor -f json",
                [*ours, "usage", "--by", "project", "--by", "flavor", "-f", "json"]),
        Command("export", [*ours, "export"], guests=guests),
        Command("export --no-devices", [*ours, "export", "--no-devices"], guests=guests),
        Command("export --textfile", [*ours, "export", "--textfile", str(textfile)],
                after=lambda: check_size(textfile)),
        Command("export --findings", [*ours, "export", "--findings"], guests=guests),
    ]  # fmt: skip


def check_size(path: Path) -> None:
    """Without the lines on ports, whose number is up to the guests."""
    lines = path.read_bytes().splitlines(keepends=True)
    size = sum(map(len, (line for line in lines if b"nova_domains_port_info" not in line)))
    if size > MOST_BYTES:
        raise CommandFailed(f"{path}: {size} bytes without ports, more than {MOST_BYTES}")
    say(f"the file has {size} bytes without ports, {path.stat().st_size} with them")


def bench_all(launcher: Launcher, host: ComputeHost, guests: int, rounds: int) -> None:
    heading(
        f"{guests} guests, a tenth of them running",
        f"{rounds} rounds; wall time of the whole process in ms",
    )
    series = launcher.measure(commands(host, guests), rounds)

    def verdicts(label: str, ratio: float, taken: Series) -> list[str]:
        if label.startswith("usage"):
            own = taken.median / series["list -f value"].median
            return [mark(own <= OF_LIST, f"{own:.2f} ≤ {OF_LIST:g} x of list -f value")]
        if label.startswith("export") and "findings" not in label:
            return [mark(ratio <= OF_VIRSH, f"≤ {OF_VIRSH:g} x")]
        return []

    ratio_table(series, "virsh", verdicts)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.usage", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--guests", type=int, default=1000, metavar="N")
    parser.add_argument("--rounds", type=int, default=9)
    return parser.parse_args()


def bench(wanted: argparse.Namespace) -> None:
    describe_machine()
    with Launcher() as launcher, ComputeHost() as host:
        say(f"defining {wanted.guests} guests")
        fill(host, 0, wanted.guests)
        bench_all(launcher, host, wanted.guests, wanted.rounds)
        say("cleaning up")


if __name__ == "__main__":
    sys.exit(run(lambda: bench(arguments())))
