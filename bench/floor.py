"""Where the time of `list` and `check` goes, call by call, beside `virsh list --all`.

    python -m bench.floor                   about two minutes
    python -m bench.floor --guests 100 --rounds 5

Each row does what the one before it does and a step more, in a bare script without nova-domains,
so that the difference is what the step costs. It needs root, libvirtd and QEMU, and leaves nothing
behind. See README.md beside this file.
"""

import argparse
import shutil
import sys

from bench.list import fill
from bench.measure import Command, Launcher, Series, nova_domains, run
from bench.report import describe_machine, heading, mark, ratio_table
from bench.trouble import shell
from lab.compute_host import ComputeHost

# The goals.
WALL_LIMITS = {"list -f value": 1.25, "list -f json": 1.5, "check": 2.5}

LIST = """
import sys, threading, libvirt
libvirt.registerErrorHandler(lambda *_: None, None)
connection = libvirt.openReadOnly(sys.argv[1])
listed = connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)
"""
EACH = """
turn = iter([domain for domain, _ in listed])
def work():
    for domain in turn:
        try:
            answer = %s
        except libvirt.libvirtError:
            pass
        %s
threads = [threading.Thread(target=work) for _ in range(%d)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
BLOCK = "domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, " \
    "'http://openstack.org/xmlns/libvirt/nova/1.1', 0)"  # fmt: skip
XML = "domain.XMLDesc(0)"
PARSE = "from lxml import etree\n"


def bare_steps(uri: str) -> list[Command]:
    """The same calls as nova-domains makes, one step more in each."""
    steps = {
        "python: nothing": "pass",
        "python: import libvirt": "import libvirt",
        "… and open, list": LIST,
        "… and each block, 1 thread": LIST + EACH % (BLOCK, "pass", 1),
        "… and each block, 8 threads": LIST + EACH % (BLOCK, "pass", 8),
        "… and each block, parsed": PARSE + LIST + EACH % (BLOCK, "etree.fromstring(answer)", 8),
        "… and each XML, 1 thread": LIST + EACH % (XML, "pass", 1),
        "… and each XML, 8 threads": LIST + EACH % (XML, "pass", 8),
        "… and each XML, parsed": PARSE + LIST + EACH % (XML, "etree.fromstring(answer)", 8),
    }
    return [
        Command(label, shell(sys.executable, "-c", script, uri)) for label, script in steps.items()
    ]


def bench(wanted: argparse.Namespace) -> None:
    describe_machine()
    with Launcher() as launcher, ComputeHost() as host:
        fill(host, 0, wanted.guests)
        heading(
            f"{wanted.guests} guests, a tenth of them running",
            f"{wanted.rounds} rounds; wall time of the whole process in ms",
        )
        virsh = [shutil.which("virsh") or "virsh", "-r", "-c", host.uri, "list", "--all"]
        ours = [*nova_domains(), "--timeout", "600", "-c", host.uri]
        commands = [
            Command("virsh list --all", virsh, guests=wanted.guests),
            *bare_steps(host.uri),
            Command("nova-domains --version", shell(*ours, "--version")),
            Command("list -f value", [*ours, "list", "-f", "value"], guests=wanted.guests),
            Command("list -f json", [*ours, "list", "-f", "json"], guests=wanted.guests),
            Command("check", shell(*ours, "check")),
        ]
        ratio_table(launcher.measure(commands, wanted.rounds), "virsh", verdicts)


def verdicts(label: str, ratio: float, _taken: Series) -> list[str]:
    limit = WALL_LIMITS.get(label)
    return [] if limit is None else [mark(ratio <= limit, f"≤ {limit:g} x")]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.floor", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--guests", type=int, default=1000, metavar="N")
    parser.add_argument("--rounds", type=int, default=15)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(run(lambda: bench(arguments())))
