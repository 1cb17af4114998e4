"""What a benchmark prints: Markdown on stdout, talk on stderr."""

import os
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import libvirt

from bench.measure import Series, nova_domains


def heading(title: str, explanation: str) -> None:
    print(f"\n**{title}** ({explanation})\n", flush=True)


def table_head(*cells: str) -> None:
    row(*cells)
    row(*("---" if place == 0 else "---:" for place in range(len(cells))))


def row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f}" if seconds < 0.1 else f"{seconds * 1e3:.0f}"


def times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.5 else f"1/{1 / ratio:.1f}"


def mark(reached: bool, target: str) -> str:
    return f"{target} {'✓' if reached else '✗'}"


def say(message: str) -> None:
    print(f"bench: {message}", file=sys.stderr, flush=True)


def describe_machine() -> None:
    cpus = Path("/proc/cpuinfo").read_text().split("\n")
    model = next((line.partition(": ")[2] for line in cpus if line.startswith("model name")), "?")
    number = libvirt.getVersion()
    version = f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
    print(
        f"{os.cpu_count()} x {model}, load {os.getloadavg()[0]:.1f}; Python "
        f"{platform.python_version()}, libvirt {version}; `{Path(nova_domains()[0]).name}`",
        flush=True,
    )


def ratio_table(
    series: Mapping[str, Series], of: str, verdicts: Callable[[str, float, Series], list[str]]
) -> None:
    """A row for each command, compared with the first, which is called `of`.

    *Round by round* is the median of the ratios within each round, in which both commands met
    much the same other work of the machine.
    """
    table_head(
        "",
        "median",
        "min",
        f"of {of}: median",
        "min",
        "round by round",
        "CPU",
        "peak MiB",
        "target",
    )
    yardstick = next(iter(series.values()))
    for label, taken in series.items():
        cells = [f"`{label}`", ms(taken.median), ms(taken.least)]
        end = [ms(median(taken.cpu)), f"{taken.peak:.1f}"]
        if taken is yardstick:
            row(*cells, "1", "1", "1", *end, "")
            continue
        ratio, least = taken.median / yardstick.median, taken.least / yardstick.least
        paired = median(
            ours / theirs for ours, theirs in zip(taken.seconds, yardstick.seconds, strict=True)
        )
        verdict = ", ".join(verdicts(label, ratio, taken))
        row(*cells, times(ratio), times(least), times(paired), *end, verdict)
