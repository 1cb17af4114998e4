"""A slow link: what is sent to one socket arrives at another a few milliseconds later.

It delays and does not serialise: any number of messages are under way at once, in both directions,
as on a real long line of any bandwidth.

Run as: python slow_link.py LISTEN TARGET SECONDS-EACH-WAY; it ends with its stdin.
"""

import contextlib
import os
import socket
import sys
import threading
import time
from queue import SimpleQueue

Parcel = tuple[float, bytes]


def serve(listen: str, target: str, delay: float) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(listen)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            near, _ = listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(target)
            for source, sink in ((near, far), (far, near)):
                line: SimpleQueue[Parcel] = SimpleQueue()
                threading.Thread(target=take, args=(source, line, delay), daemon=True).start()
                threading.Thread(target=deliver, args=(line, sink), daemon=True).start()


def take(source: socket.socket, line: SimpleQueue[Parcel], delay: float) -> None:
    data = b"-"
    while data:
        try:
            data = source.recv(1 << 16)
        except OSError:
            data = b""
        line.put((time.monotonic() + delay, data))


def deliver(line: SimpleQueue[Parcel], sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            due, data = line.get()
            # A sleep is exact to some 0.1 ms; the time-outs of epoll are whole milliseconds.
            if (left := due - time.monotonic()) > 0:
                time.sleep(left)
            if not data:
                break
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_stdin, daemon=True).start()
    serve(sys.argv[1], sys.argv[2], float(sys.argv[3]))
