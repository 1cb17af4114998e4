"""Prometheus's own judgement of metrics and rules, by Debian's promtool."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from tests.support.paths import ROOT

CONTRIB = ROOT / "contrib" / "prometheus"


class Sample(NamedTuple):
    labels: dict[str, str]
    value: float


def promtool(*words: str, stdin: str = "", folder: Path = CONTRIB) -> tuple[int, str]:
    """Its exit code, and all it says."""
    done = subprocess.run(
        ["promtool", *words], input=stdin.encode(), capture_output=True, cwd=folder, timeout=60
    )
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def samples(text: str) -> dict[str, list[Sample]]:
    """The samples of each metric, which promtool has nothing to say of."""
    assert promtool("check", "metrics", stdin=text) == (0, "")
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(text):
        found[family.name] = [Sample(sample.labels, sample.value) for sample in family.samples]
    for name, each in found.items():
        labels = [tuple(sorted(sample.labels.items())) for sample in each]
        assert len(set(labels)) == len(labels), f"{name} has samples with the same labels"
    return found


def labels_of(text: str, metric: str) -> list[dict[str, str]]:
    return [sample.labels for sample in samples(text).get(f"nova_domains_{metric}", [])]


def value_of(text: str, metric: str) -> float | None:
    """Of a metric without labels; None where it is not there."""
    return next((each.value for each in samples(text).get(f"nova_domains_{metric}", [])), None)
