"""What a fleet costs: many hosts read at once, beside a shell that runs virsh for each.

    python -m bench.fleet                         all of it
    python -m bench.fleet --hosts 5 --guests 10   a smaller fleet

It needs root, libvirtd, QEMU and sshd, and leaves nothing behind. See README.md beside this file.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from bench.guests import guest_xml, is_running
from bench.list import PATIENCE, ROUND_TRIP, ping
from bench.measure import Command, Launcher, Series, nova_domains, run
from bench.report import describe_machine, heading, mark, ratio_table, say
from lab.fleet import Fleet, FleetHost

PARTS = ("live",)

# The goals.
OF_VIRSH = 1.0
OF_ONE_HOST = 2.0


# ---- live: hosts on a network with a delay ----------------------------------------------------


def bench_live(launcher: Launcher, hosts: int, guests: int, rounds: int) -> None:
    with Fleet(hosts) as fleet, ExitStack() as links, tempfile.TemporaryDirectory() as directory:
        fill_fleet(fleet, guests)
        for host in fleet.hosts:
            links.enter_context(host.delayed(ROUND_TRIP / 2))
        trip = ping(fleet[0].tcp_uri) * 1e3
        for transport, uri_of in TRANSPORTS.items():
            heading(
                f"{hosts} hosts of {guests} guests, over {transport}",
                f"{rounds} rounds; wall time in ms; round trip {trip:.1f} ms",
            )
            uris = [uri_of(host) for host in fleet.hosts]
            commands = live_commands(uris, guests, Path(directory) / transport)
            print_live(launcher.measure(commands, rounds), uris_alike=transport == "tcp")
        say("cleaning up")


TRANSPORTS: Mapping[str, Callable[[FleetHost], str]] = {
    "tcp": lambda host: host.tcp_uri,
    # Here the machine pays for both ends of every ssh.
    "ssh": lambda host: host.ssh_uri(),
}


def fill_fleet(fleet: Fleet, guests: int) -> None:
    """Each host gets guests of its own; a tenth of them is started, paused: they take no time."""
    say(f"defining {guests} guests on each of {len(fleet.hosts)} hosts")

    def fill(number: int) -> None:
        host = fleet[number]
        for index in range(number * guests, (number + 1) * guests):
            host.define(guest_xml(index))
            if is_running(index):
                host.start(f"instance-{index:08x}", paused=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(fill, range(len(fleet.hosts))))


def live_commands(uris: Sequence[str], guests: int, listing: Path) -> list[Command]:
    """A shell's way first: it is what the others are compared with."""
    listing.write_text("".join(f"{uri}\n" for uri in uris))
    xargs = [shutil.which("xargs") or "xargs", "-a", str(listing), "-P", str(len(uris)), "-I", "%"]
    virsh = [*xargs, "virsh", "-r", "-c", "%", "list", "--all"]
    program = [*nova_domains(), *PATIENCE]
    every = [word for uri in uris for word in ("-c", uri)]
    all_guests = guests * len(uris)
    return [
        Command("xargs virsh list --all", virsh, guests=all_guests),
        Command("list -f json", [*program, *every, "list", "-f", "json"], guests=all_guests),
        Command("list", [*program, *every, "list"], guests=all_guests),
        Command(
            "one host: list -f json",
            [*program, "-c", uris[0], "list", "-f", "json"],
            guests=guests,
        ),
    ]


def print_live(series: Mapping[str, Series], *, uris_alike: bool) -> None:
    one = series["one host: list -f json"]

    def verdicts(label: str, ratio: float, taken: Series) -> list[str]:
        if label != "list -f json" or not uris_alike:
            return []
        of_one = taken.median / one.median
        return [
            mark(ratio <= OF_VIRSH, f"≤ {OF_VIRSH:g} x"),
            mark(of_one <= OF_ONE_HOST, f"{of_one:.2f} ≤ {OF_ONE_HOST:g} x one host"),
        ]

    ratio_table(series, "virsh", verdicts)


# ---- the whole --------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--hosts", type=int, default=20, metavar="N")
    add("--guests", type=int, default=50, metavar="N", help="on each host")
    add("--rounds", type=int, default=11)
    add("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    return parser.parse_args()


def bench(wanted: argparse.Namespace) -> None:
    describe_machine()
    if "live" in wanted.only:
        with Launcher() as launcher:
            bench_live(launcher, wanted.hosts, wanted.guests, wanted.rounds)


if __name__ == "__main__":
    sys.exit(run(lambda: bench(arguments())))
