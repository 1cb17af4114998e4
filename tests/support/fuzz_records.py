"""Fuzz the files that Nova, the openstack client and we write: an error in one line, or records.

python -m tests.support.fuzz_records --seconds 60
"""

from __future__ import annotations

import json
from contextlib import suppress
from random import Random
from typing import Any

from tests.support.goldens import INPUTS, document
from tests.support.paths import API
from tests.support.searching import any_character, check_lines, damaged, main
from tests.support.searching import run as run_search
from tests.support.strategies import NASTY
from virsh_nova.block.facts import instance_of
from virsh_nova.block.namespaces import NOVA_1_1
from virsh_nova.errors import NovaDomainsError
from virsh_nova.hosts.host import NOTHING_TO_REPORT
from virsh_nova.hosts.saved import hosts_of, read_saved
from virsh_nova.inputs.objects import Input
from virsh_nova.sources.catalog_files import catalog_of
from virsh_nova.sources.read import records_in
from virsh_nova.write import write_block

MODULE = "tests.support.fuzz_records"
_SAMPLES = [
    *(path.read_text(encoding="utf-8") for path in sorted(API.rglob("*")) if path.is_file()),
    json.dumps([document(name, "34.0.0") for name in sorted(INPUTS)], indent=1),
    *(json.dumps(document(name, "34.0.0")) for name in sorted(INPUTS)),
]
_WORDS = (
    *NASTY, "{", "}", "[", "]", '"', ",", ":", "null", "true", "false", "0", "-1", "1e999",
    "9" * 30, '""', "\\u0000", "\\ud800", "\\u009b", "- ", "\n- ", ": ", "&a ", "*a",
    "!!python/object ", "---\n", "...\n", '"ID": ', '"id": ', '"uuid": ', '"instance": {',
    '"flavor": ', '"image": ', '"servers": [', "\t", "\x1b", "\x00", "24:00:00",
    "2024-02-30T00:00:00Z",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 1.5, "", " ", "x", "\x1b[2J", "\x00", "N/A", [], {}, [[]], {"": ""},
    [None], "8dabf68e-2eb7-4728-afea-875e75365e14", "2024-02-30T00:00:00Z", "9" * 400, {"id": None},
    ["x"], [{}],
)  # fmt: skip


def case(random: Random) -> None:
    sample = random.choice(_SAMPLES)
    if random.random() < 0.5 and sample.lstrip()[:1] in "[{":
        sample = json.dumps(_changed(random, json.loads(sample)))
    else:
        sample = damaged(random, sample, _WORDS)
    data = sample.encode("utf-8", "replace")
    if random.random() < 0.05:
        data = sample.encode("utf-16", "replace")
    for read in (_read_records, _read_catalog, _read_saved):
        try:
            read(data)
        except NovaDomainsError as error:
            check_lines([error.message], beginning="fuzz")


def _changed(random: Random, value: Any, deep: int = 0) -> Any:
    """Another value in some place of it."""
    if random.random() < 0.02 * (deep + 1):
        return random.choice(_VALUES)
    if isinstance(value, dict):
        kept = [item for item in value.items() if random.random() > 0.02]
        return {_key(random, key): _changed(random, each, deep + 1) for key, each in kept}
    if isinstance(value, list):
        return [_changed(random, each, deep + 1) for each in value]
    return value


def _key(random: Random, key: str) -> str:
    return any_character(random) if random.random() < 0.01 else key


def _read_records(data: bytes) -> None:
    for record in records_in(Input(data, "fuzz")):
        assert record.place
        instance = instance_of(record.facts, NOVA_1_1)
        try:
            write_block(instance)
        except ValueError as error:
            raise AssertionError(f"a record that no block can hold: {error}") from error


def _read_catalog(data: bytes) -> None:
    given = [Input(data, "fuzz")]
    for kind in ("users", "projects", "flavors", "images", "ports"):
        with suppress(NovaDomainsError):
            catalog_of(**{kind: given})


def _read_saved(data: bytes) -> None:
    guests, faults = read_saved(data, "fuzz")
    check_lines(faults, beginning="fuzz")
    if guests:
        hosts_of(guests, NOTHING_TO_REPORT).guests("whole")


def search(seconds: float, seed: int) -> None:
    run_search(MODULE, case, seconds, seed)


if __name__ == "__main__":
    main(MODULE, case)
