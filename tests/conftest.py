"""How hypothesis runs: the same examples each time in the suite, others each time in a search."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# As many examples as a test in a hurry can bear. Whether it passes is no matter of chance.
settings.register_profile(
    "suite",
    derandomize=True,
    database=None,
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# script/search chooses it, with a seed that tells what the examples are.
settings.register_profile(
    "search",
    settings.get_profile("suite"),
    derandomize=False,
    max_examples=int(os.environ.get("NOVA_DOMAINS_EXAMPLES", "100")),
)
settings.load_profile("suite")
