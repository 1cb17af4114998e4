"""What `nova-domains list` costs beside `virsh list --all`, on a libvirtd of its own.

    python -m bench.list                    all of it, about ten minutes
    python -m bench.list --guests 10 100    without the large host
    python -m bench.list --only start growth

It needs root, libvirtd and QEMU, and leaves nothing behind. See README.md beside this file.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import libvirt

from bench.guests import guest_xml, is_running
from bench.measure import Command, Launcher, Series, nova_domains, run
from bench.report import (
    describe_machine,
    heading,
    mark,
    ms,
    ratio_table,
    row,
    say,
    table_head,
)
from lab.compute_host import ComputeHost

PARTS = ("start", "local", "slow", "growth")

# The goals.
WALL_LIMITS = {"-f json": 1.3, "-f value": 1.3, "on a terminal": 4.0}
SLOW_LEAST = 12.0
SLOW_LIMITS = dict.fromkeys(WALL_LIMITS, 1 / SLOW_LEAST)
PEAK_MIB = 80.0
START_LIMITS = {"--version": 60.0, "--help": 120.0}

ROUND_TRIP = 0.010
PATIENCE = ("--timeout", "600")

# It does not close, nor does nova-domains: the test driver takes seconds to free 10,000 guests.
OPEN = "import libvirt, os, sys; kept = libvirt.openReadOnly(sys.argv[1]); os._exit(0)"


# ---- the commands -----------------------------------------------------------------------------


def list_commands(uri: str, guests: int) -> list[Command]:
    ours = [*nova_domains(), *PATIENCE, "-c", uri, "list"]
    virsh = [shutil.which("virsh") or "virsh", "-r", "-c", uri, "list", "--all"]
    return [
        Command("virsh list --all", virsh, guests=guests),
        Command("-f json", [*ours, "-f", "json"], guests=guests),
        Command("-f value", [*ours, "-f", "value"], guests=guests),
        Command("on a terminal", ours, guests=guests, terminal=True),
    ]


# ---- the parts --------------------------------------------------------------------------------


def bench_start(launcher: Launcher, rounds: int) -> None:
    heading("Start", f"{rounds} rounds; above a bare interpreter's start, in ms")
    bare = Command("python -c ''", [sys.executable, "-c", ""])
    commands = [bare, *(Command(word, [*nova_domains(), word]) for word in START_LIMITS)]
    series = launcher.measure(commands, rounds)
    table_head("", "median", "min", "above bare: median", "min", "peak MiB", "target")
    zero = series[bare.label]
    for label, taken in series.items():
        cells = [f"`{label}`", ms(taken.median), ms(taken.least)]
        if taken is zero:
            row(*cells, "", "", f"{taken.peak:.1f}", "")
            continue
        above = (taken.median - zero.median) * 1e3
        least = (taken.least - zero.least) * 1e3
        verdict = mark(above <= START_LIMITS[label], f"≤ {START_LIMITS[label]:g} ms")
        row(*cells, f"{above:.1f}", f"{least:.1f}", f"{taken.peak:.1f}", verdict)


def bench_local(launcher: Launcher, uri: str, guests: int, rounds: int | None) -> None:
    rounds = rounds or (15 if guests <= 100 else 11)
    heading(f"{guests} guests, local socket", f"{rounds} rounds; wall time in ms")
    series = launcher.measure(list_commands(uri, guests), rounds)
    print_ratios(series, {} if guests < 1000 else WALL_LIMITS, "≤ {:g} x")


def bench_slow(
    launcher: Launcher, host: ComputeHost, slow_uri: str, guests: int, rounds: int
) -> None:
    trip = (ping(slow_uri) - ping(host.uri)) * 1e3
    heading(
        f"{guests} guests, slow link",
        f"{rounds} rounds; wall time in ms; round trip {trip:.1f} ms",
    )
    series = launcher.measure(list_commands(slow_uri, guests), rounds)
    print_ratios(series, {} if guests < 1000 else SLOW_LIMITS, f"{SLOW_LEAST:g} x faster")


def print_ratios(series: Mapping[str, Series], limits: Mapping[str, float], words: str) -> None:
    def verdicts(label: str, ratio: float, taken: Series) -> list[str]:
        peak = mark(taken.peak <= PEAK_MIB, f"≤ {PEAK_MIB:g} MiB")
        if label not in limits:
            return [peak]
        return [mark(ratio <= limits[label], words.format(limits[label])), peak]

    ratio_table(series, "virsh", verdicts)


def bench_growth(launcher: Launcher, sizes: Sequence[int]) -> None:
    heading(
        "Growth, on libvirt's test driver",
        "`list -f json`; least wall time in ms; *open* is a Python that does nothing but open the "
        "connection, for which libvirt reads the XML of the whole host; *net* is the rest",
    )
    table_head("guests", "rounds", "whole", "open", "net", "net / guest", "peak MiB", "target")
    before: tuple[int, float] | None = None
    with tempfile.TemporaryDirectory(prefix="nd-bench-") as directory:
        for guests in sorted(sizes):
            rounds = 7 if guests <= 100 else 5 if guests <= 1000 else 3
            uri = f"test://{write_host(Path(directory), guests)}"
            listing = list_commands(uri, guests)[1]
            opening = Command("open", [sys.executable, "-c", OPEN, uri])
            series = launcher.measure([opening, listing], rounds)
            whole, opened = series[listing.label], series[opening.label].least
            # Of the minima: a difference of two large figures is sensitive to disturbances.
            net = whole.least - opened
            verdict = ""
            if before is not None and min(net, before[1]) <= 0:
                verdict = "lost in the noise: measure again on a quiet machine"
            elif before is not None:
                grown, share = net / before[1], guests / before[0]
                verdict = mark(grown <= share, f"net {grown:.1f} x for {share:g} x the guests")
            cells = [str(guests), str(rounds), ms(whole.least), ms(opened), ms(net)]
            row(*cells, f"{net / guests * 1e3:.3f}", f"{whole.peak:.1f}", verdict)
            before = guests, net


# ---- the hosts --------------------------------------------------------------------------------


def fill(host: ComputeHost, have: int, guests: int) -> None:
    """Define the guests that are missing, and start a tenth, paused: they take no time."""
    say(f"defining guests up to {guests}")
    for index in range(have, guests):
        host.define(guest_xml(index))
    running = [f"instance-{index:08x}" for index in range(have, guests) if is_running(index)]
    say(f"starting {len(running)} of them")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda name: host.start(name, paused=True), running))


def write_host(directory: Path, guests: int) -> Path:
    path = directory / f"host-{guests}.xml"
    with path.open("w") as file:
        file.write("<node>\n")
        file.writelines(guest_xml(index, "test") for index in range(guests))
        file.write("</node>\n")
    return path


@contextmanager
def slow_link(socket: Path) -> Iterator[str]:
    """A URI of the host over the slow link."""
    with tempfile.TemporaryDirectory(prefix="nd-bench-") as directory:
        listen = Path(directory) / "slow-sock"
        script = str(Path(__file__).with_name("slow_link.py"))
        words = [sys.executable, "-IS", script, str(listen), str(socket), str(ROUND_TRIP / 2)]
        proxy = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        try:
            assert proxy.stdout is not None
            proxy.stdout.readline()
            yield f"qemu+unix:///system?socket={listen}"
        finally:
            proxy.kill()
            proxy.communicate()


def ping(uri: str) -> float:
    """The time of one call that the daemon answers at once."""
    connection = libvirt.openReadOnly(uri)
    taken = []
    for _ in range(30):
        start = time.perf_counter()
        connection.getLibVersion()
        taken.append(time.perf_counter() - start)
    connection.close()
    return median(taken)


# ---- the whole --------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.list", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--guests", type=int, nargs="+", default=[10, 100, 1000], metavar="N")
    add("--rounds", type=int, help="on the local socket; else 15, or 11 above 100 guests")
    add("--slow-rounds", type=int, default=5, metavar="ROUNDS", help="over the slow link")
    add("--growth", type=int, nargs="+", default=[10, 100, 1000, 10000], metavar="N")
    add("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    return parser.parse_args()


def bench(wanted: argparse.Namespace) -> None:
    describe_machine()
    with Launcher() as launcher:
        if "start" in wanted.only:
            bench_start(launcher, wanted.rounds or 25)
        if {"local", "slow"} & {*wanted.only}:
            with ComputeHost() as host, slow_link(host.socket) as slow_uri:
                have = 0
                for guests in sorted(wanted.guests):
                    fill(host, have, guests)
                    have = guests
                    if "local" in wanted.only:
                        bench_local(launcher, host.uri, guests, wanted.rounds)
                    if "slow" in wanted.only:
                        bench_slow(launcher, host, slow_uri, guests, wanted.slow_rounds)
                say("cleaning up")
        if "growth" in wanted.only:
            bench_growth(launcher, wanted.growth)


if __name__ == "__main__":
    sys.exit(run(lambda: bench(arguments())))
