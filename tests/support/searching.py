"""Searches for inputs that break something, at random: what all of them have in common.

A search is a module ``tests.support.fuzz_*`` with a ``case``, which makes one input with a random
generator and raises where something is wrong with what becomes of it, and a ``search``. What it
finds becomes an ordinary example in the tests.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from random import Random

Case = Callable[[Random], object]

_SLOWEST = 5.0
"""Seconds for one case; the inputs are small, and the machine may be busy."""
_MOST_WOUNDS = 6
_LONGEST_SLICE = 80


class Finding(AssertionError):
    """What a search found, with the command that shows it again."""


def run(module: str, case: Case, seconds: float, seed: int) -> None:
    """One case after the other until the time is over. Raises ``Finding``."""
    end = time.monotonic() + seconds
    number = 0
    while number == 0 or time.monotonic() < end:
        run_one(module, case, f"{seed}-{number}")
        number += 1
    print(f"{module.rpartition('.')[2]}: {number} cases from seed {seed}, nothing found")


def run_one(module: str, case: Case, seed: str) -> None:
    """The case of that seed. Raises ``Finding``."""
    again = f"to see it again: python -m {module} --case {seed}"
    start = time.process_time()
    try:
        case(Random(seed))
    except Exception as error:
        raise Finding(f"{type(error).__name__}: {error}\n{again}") from error
    taken = time.process_time() - start
    if taken > _SLOWEST:
        raise Finding(f"it took {taken:.1f} s\n{again}")


def main(module: str, case: Case) -> None:
    """``--seconds N --seed N`` searches, ``--case SEED`` shows one find again."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case")
    chosen = parser.parse_args()
    if chosen.case:
        run_one(module, case, chosen.case)
    else:
        run(module, case, chosen.seconds, chosen.seed)


def damaged(random: Random, text: str, words: Sequence[str]) -> str:
    """The text with some pieces taken out, doubled, moved, or replaced by words."""
    for _ in range(random.randint(0, _MOST_WOUNDS)):
        at = random.randint(0, len(text))
        end = min(len(text), at + random.choice((0, 0, 1, 1, random.randint(0, _LONGEST_SLICE))))
        other = random.randint(0, len(text))
        piece = random.choice(
            (
                "",
                random.choice(words),
                random.choice(words),
                text[at:end] * random.randint(2, 3),
                text[other : other + random.randint(1, _LONGEST_SLICE)],
                any_character(random),
            )
        )
        text = text[:at] + piece + text[end:]
    return text[: random.randint(0, len(text))] if random.random() < 0.05 else text


def check_lines(messages: Sequence[str], beginning: str = "") -> None:
    """What is said is said in one line each, and names the file first."""
    for message in messages:
        assert message.startswith(beginning), message
        assert "\n" not in message, message


def any_character(random: Random) -> str:
    """Of any plane, without halves of a pair."""
    code = random.choice(
        (random.randrange(0x80), random.randrange(0x3000), random.randrange(0x110000))
    )
    return "\N{REPLACEMENT CHARACTER}" if 0xD800 <= code < 0xE000 else chr(code)
