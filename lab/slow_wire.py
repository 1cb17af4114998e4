"""A slow wire: a frame that arrives at one interface leaves by the other a few milliseconds later.

It delays and does not serialise, as ``tc qdisc … netem delay`` does, and needs no module of the
kernel for it.

Run as: python slow_wire.py ONE OTHER SECONDS-EACH-WAY; it ends with its stdin.
"""

import os
import socket
import sys
import threading
import time
from queue import SimpleQueue

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
    return end


def take(source: socket.socket, line: "SimpleQueue[Frame]", delay: float) -> None:
    while True:
        frame = source.recv(LARGEST)
        line.put((time.monotonic() + delay, frame))


def deliver(line: "SimpleQueue[Frame]", sink: socket.socket) -> None:
    while True:
        due, frame = line.get()
        time.sleep(max(0, due - time.monotonic()))
        sink.send(frame)


def main() -> None:
    one, other = end_of(sys.argv[1]), end_of(sys.argv[2])
    for source, sink in ((one, other), (other, one)):
        line: SimpleQueue[Frame] = SimpleQueue()
        threading.Thread(target=take, args=(source, line, float(sys.argv[3])), daemon=True).start()
        threading.Thread(target=deliver, args=(line, sink), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
    # Not through the threads, which wait in calls.
    os._exit(0)


if __name__ == "__main__":
    main()
