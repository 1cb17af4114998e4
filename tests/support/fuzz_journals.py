"""Fuzz journals of runs: one that is damaged costs no more than what is damaged.

python -m tests.support.fuzz_journals --seconds 60
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from random import Random

from tests.support.plans import begun, read_journal, steps_of
from tests.support.searching import check_lines, damaged, main
from tests.support.searching import run as run_search
from tests.support.strategies import NASTY
from virsh_nova.errors import NovaDomainsError

MODULE = "tests.support.fuzz_journals"
_WORDS = (
    *NASTY, "{", "}", "[", "]", '"', ",", ":", "null", "true", "0", "-1", "9" * 30, "\\u0000",
    "\\ud800", "\n", "\r", "\x00", '{"guest": "', '"line": "guest"', '"line": "end"',
    '{"outcome": "', '{"end": "', '"result": "done"', '"edits": []', '"live"', '"persistent"',
    '"before": null', '"after": null', "[" * 2000,
)  # fmt: skip


@cache
def _whole() -> list[str]:
    """The lines of a journal of a run that went well."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        begun(path, steps_of(4)).end("complete")
        return path.read_text(encoding="utf-8").splitlines(keepends=True)


def case(random: Random) -> None:
    lines = list(_whole())
    for _ in range(random.randint(0, 3)):
        place = random.randrange(len(lines))
        change = random.randrange(4)
        if change == 0:
            lines[place] = damaged(random, lines[place], _WORDS)
        elif change == 1:
            lines.insert(random.randrange(len(lines)), lines[place])
        elif change == 2 and len(lines) > 1:
            del lines[place]
        else:
            random.shuffle(lines)
    data = "".join(lines).encode("utf-8", "replace")
    data = data[: random.randint(0, len(data))] if random.random() < 0.2 else data
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        path.write_bytes(data)
        try:
            run = read_journal(path)
        except NovaDomainsError as error:
            check_lines([error.message])
            return
    check_lines(run.faults)
    assert isinstance(run.state, str)
    if data == "".join(_whole()).encode():
        assert not run.faults


def search(seconds: float, seed: int) -> None:
    run_search(MODULE, case, seconds, seed)


if __name__ == "__main__":
    main(MODULE, case)
