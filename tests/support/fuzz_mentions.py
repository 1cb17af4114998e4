"""Fuzz lines of text: what they mention is in them, and the line is shown as one safe line.

python -m tests.support.fuzz_mentions --seconds 60
"""

from __future__ import annotations

import io
import json
from random import Random

from tests.support.fuzz_handles import HANDLES, INDEX, WORDS
from tests.support.searching import damaged, main
from tests.support.searching import run as run_search
from virsh_nova.render.safe import is_safe
from virsh_nova.render.style import plain
from virsh_nova.render.whose import UNICODE, Json, Text
from virsh_nova.whose.annotate import Reader, lines_of

MODULE = "tests.support.fuzz_mentions"
_LINES = (
    "12:00:01.000000 IP 10.0.0.5.443 > 10.0.0.6.40000: Flags [S], seq 1, win 64240, length 0",
    "Out of memory: Killed process 4242 (qemu-kvm) total-vm:4194304kB",
    "Nov 25 10:00:00 compute-1 nova-compute[7]: [instance: {}] Creating image",
    "5: tapd45a9119-51: <BROADCAST,MULTICAST,UP> mtu 1450 qdisc noqueue state UNKNOWN",
    "pid=4242, uid=0; see /var/lib/nova/instances/{}/disk and volume-{}",
    "",
)


def case(random: Random) -> None:
    line = random.choice(_LINES).replace("{}", random.choice(HANDLES))
    words = (*WORDS, *HANDLES, " ", "\t", ", ", "pid ", "process=", "(", ")", "[", "]")
    line = damaged(random, line, words).replace("\n", " ")
    if random.random() < 0.02:
        line *= random.randint(1, 2000)
    reader = Reader(INDEX)
    mentions = reader.mentions(line)
    assert reader.mentions(line) == mentions, "a second look says something else"
    for mention in mentions:
        assert mention.handle in line, f"{mention.handle!r} is not in the line"
        assert mention.answers
    handles = [mention.handle for mention in mentions]
    assert len(handles) == len(set(handles))
    shown = Text(plain, UNICODE).line(line, mentions)
    assert shown.endswith("\n")
    assert is_safe(shown[:-1].replace("\t", "")), f"an unsafe character: {shown!r}"
    face = Json(ascii_only=False)
    assert isinstance(json.loads(face.begin() + face.line(line, mentions) + face.end()), list)
    pieces = list(lines_of(io.StringIO(f"{line}\n{line}", newline="\n")))
    assert "".join(text for text, _ in pieces) == "".join(
        each.removesuffix("\r") for each in (line, line)
    )


def search(seconds: float, seed: int) -> None:
    run_search(MODULE, case, seconds, seed)


if __name__ == "__main__":
    main(MODULE, case)
