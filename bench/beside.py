"""What each command costs beside another build of nova-domains, on one host, in one run.

    python -m bench.beside OTHER/.venv/bin/nova-domains            all of it, ten minutes
    python -m bench.beside OTHER/.venv/bin/nova-domains --guests 100 --rounds 5

It needs root, libvirtd and QEMU, and leaves nothing behind. See README.md beside this file.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from bench import stamp, trouble
from bench.measure import Command, Launcher, Series, nova_domains, run
from bench.report import describe_machine, heading, mark, ms, row, say, table_head
from lab.compute_host import ComputeHost

LIMIT = 1.05


def reading(program: Sequence[str], bench: trouble.Bench) -> list[Command]:
    """Every command that only reads, for one build."""
    live = [*program, "--timeout", "600", "-c", bench.host.uri]
    files = [*program, "--files", str(bench.tree)]
    report = [*program, "--files", str(bench.report)]
    guests = bench.guests
    return [
        Command("--version", trouble.shell(*program, "--version")),
        Command("--help", trouble.shell(*program, "--help")),
        Command("list -f value", [*live, "list", "-f", "value"], guests=guests),
        Command("list -f json", [*live, "list", "-f", "json"], guests=guests),
        Command("list on a terminal", [*live, "list"], terminal=True, guests=guests),
        Command("files: list -f json", [*files, "list", "-f", "json"], guests=guests),
        Command("tar.xz: list -f json", [*report, "list", "-f", "json"], guests=guests),
        Command("whose PID", [*live, "whose", str(bench.pid)], guests=1),
        Command(
            f"whose -, {trouble.HANDLES} handles",
            trouble.shell(*live, "whose", "-", stdin=bench.handles(trouble.HANDLES)),
        ),
        Command("check", trouble.shell(*live, "check")),
        Command("stamp --dry-run", trouble.shell(*live, "stamp", "--all", "--derive", "--dry-run")),
    ]


def writing(program: Sequence[str], bench: stamp.Bench) -> Command:
    live = [*program, "--timeout", "600", "-c", bench.host.uri]
    return Command(
        "stamp",
        trouble.shell(*live, *bench.stamp()),
        before=bench.wipe,
        after=lambda: bench.expect(stamp.NOVA),
    )


def in_turn(
    launcher: Launcher, other: Sequence[Command], own: Sequence[Command], rounds: int
) -> None:
    """Measure both builds command by command, interleaved, and print a row for each."""
    for theirs, ours in zip(other, own, strict=True):
        pair = {"other": theirs, "own": ours}
        labelled = [
            Command(who, one.words, one.terminal, one.guests, one.before, one.after)
            for who, one in pair.items()
        ]
        print_row(ours.label, launcher.measure(labelled, rounds))


def print_row(label: str, series: Mapping[str, Series]) -> None:
    other, own = series["other"], series["own"]
    by_round = median(
        mine / theirs for mine, theirs in zip(own.seconds, other.seconds, strict=True)
    )
    ratio = own.median / other.median
    row(
        f"`{label}`",
        ms(other.median),
        ms(own.median),
        f"{ratio:.2f}",
        f"{own.least / other.least:.2f}",
        f"{by_round:.2f}",
        mark(min(ratio, by_round) <= LIMIT, f"≤ {LIMIT:g}"),
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.beside", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("other", type=Path, help="the console script of the other build")
    parser.add_argument("--guests", type=int, default=1000, metavar="N")
    parser.add_argument("--rounds", type=int, default=15)
    return parser.parse_args()


def bench(wanted: argparse.Namespace) -> None:
    describe_machine()
    # Each build imports its own package.
    os.environ.pop("PYTHONPATH", None)
    other, own = [str(wanted.other.absolute())], nova_domains()
    heading(
        f"{wanted.guests} guests, beside another build",
        f"{wanted.rounds} rounds, interleaved; wall time of the whole process in ms",
    )
    table_head("", "other", "this", "median", "min", "round by round", "target")
    with Launcher() as launcher, ComputeHost() as host:
        one = trouble.Bench(host, wanted.guests)
        in_turn(launcher, reading(other, one), reading(own, one), wanted.rounds)
    with (
        Launcher() as launcher,
        ComputeHost() as host,
        tempfile.TemporaryDirectory(prefix="nd-bench-", dir="/var/tmp") as state,
    ):
        os.environ["NOVA_DOMAINS_STATE"] = state
        another = stamp.Bench(host, Path(state), wanted.guests)
        in_turn(launcher, [writing(other, another)], [writing(own, another)], wanted.rounds)
        say("cleaning up")


if __name__ == "__main__":
    sys.exit(run(lambda: bench(arguments())))
