"""A slow wire: a frame that arrives at one interface leaves by the other a few milliseconds later.

It delays and does not serialise, as ``tc qdisc … netem delay`` does, and needs no module of the
kernel for it.

Run as: python slow_wire.py ONE OTHER SECONDS-EACH-WAY; it ends with its stdin.
"""

import contextlib
import select
import socket
import sys
import time
from collections import deque

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_VNET_HDR = 15
PACKET_IGNORE_OUTGOING = 23

LARGEST = 1 << 17
"""In bytes: the kernel hands over segments that are yet to be cut into frames."""

Frame = tuple[float, bytes]


def end_of(interface: str) -> socket.socket:
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    # With each frame comes what is left to do: checksums, and cutting it up.
    end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    end.bind((interface, ETH_P_ALL))
    end.setblocking(False)
    return end


def carry(ends: list[socket.socket], delay: float) -> None:
    """Carry frames until stdin ends.

    In one thread: handing each frame to another doubles what it costs, and the hosts of a fleet
    share their cores with its wires.
    """
    lines: dict[socket.socket, deque[Frame]] = {end: deque() for end in ends}
    """What is on its way to each end, the first to arrive first."""
    while True:
        now = time.monotonic()
        for sink, line in lines.items():
            while line and line[0][0] <= now:
                # A frame that cannot go on is lost, as on any other wire.
                with contextlib.suppress(OSError):
                    sink.send(line.popleft()[1])
        arrivals = [line[0][0] for line in lines.values() if line]
        left = max(0.0, min(arrivals) - time.monotonic()) if arrivals else None
        # select is exact to some 0.1 ms; the time-outs of epoll are whole milliseconds.
        ready, _, _ = select.select([sys.stdin, *ends], [], [], left)
        due = time.monotonic() + delay
        if sys.stdin in ready:
            return
        for source, sink in (ends, ends[::-1]):
            with contextlib.suppress(OSError):
                while True:
                    lines[sink].append((due, source.recv(LARGEST)))


def main() -> None:
    ends = [end_of(interface) for interface in sys.argv[1:3]]
    print("ready", flush=True)
    carry(ends, float(sys.argv[3]))


if __name__ == "__main__":
    main()
