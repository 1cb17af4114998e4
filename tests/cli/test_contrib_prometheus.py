"""contrib/prometheus: rules, units and the dashboard, each judged by what will read it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.prometheus import CONTRIB, promtool
from virsh_nova.render.prometheus import HELP

RULES = sorted(CONTRIB.glob("*.rules.yml"))
DASHBOARD = CONTRIB / "nova-domains-dashboard.json"


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.name)
def test_rules_are_rules(rules: Path) -> None:
    code, said = promtool("check", "rules", rules.name)
    assert code == 0, said
    assert "SUCCESS" in said


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.name)
def test_rules_do_what_their_tests_say(rules: Path) -> None:
    code, said = promtool("test", "rules", rules.name.replace(".rules.", ".test."))
    assert code == 0, said


def test_every_rule_is_tested() -> None:
    for rules in RULES:
        named = [
            rule.get("alert") or rule["record"]
            for group in yaml.safe_load(rules.read_text())["groups"]
            for rule in group["rules"]
        ]
        tests = (CONTRIB / rules.name.replace(".rules.", ".test.")).read_text()
        used = rules.read_text()
        for name in named:
            # A record that others are made of is tested with these.
            assert name in tests or used.count(name) > 1, name


def test_a_rule_that_is_wrong_fails_its_test(tmp_path: Path) -> None:
    """Else the tests would test nothing."""
    for name in ("alerts.rules.yml", "alerts.test.yml"):
        text = (CONTRIB / name).read_text()
        (tmp_path / name).write_text(text.replace("nova_domains_up == 0", "nova_domains_up == 1"))
    assert promtool("test", "rules", "alerts.test.yml", folder=tmp_path)[0] != 0


def expressions_of(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel.get("targets", ())]


def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text())  # type: ignore[no-any-return]


def queries() -> list[str]:
    document = dashboard()
    found = [expr for panel in document["panels"] for expr in expressions_of(panel)]
    variables = [each for each in document["templating"]["list"] if each["type"] == "query"]
    for variable in variables:
        query = variable["query"]["query"]
        wanted = re.fullmatch(r"label_values\((.*), *\w+\)", query)
        assert wanted is not None, query
        found.append(wanted[1])
    return found


def test_every_query_of_the_dashboard_is_one(tmp_path: Path) -> None:
    document = dashboard()
    names = [variable["name"] for variable in document["templating"]["list"]]
    rules = []
    for number, expression in enumerate(queries()):
        for name in names:
            expression = re.sub(rf"\$\{{?{name}\b(:\w+)?\}}?", ".*", expression)
        expression = expression.replace("$__range", "1h").replace("$__rate_interval", "5m")
        assert "$" not in expression, expression
        rules.append({"record": f"query:{number}", "expr": expression})
    groups = {"groups": [{"name": "dashboard", "rules": rules}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(groups))
    code, said = promtool("check", "rules", "rules.yml", folder=tmp_path)
    assert code == 0, said


def test_rules_and_dashboard_use_metrics_that_there_are() -> None:
    records = {
        rule["record"]
        for group in yaml.safe_load((CONTRIB / "joins.rules.yml").read_text())["groups"]
        for rule in group["rules"]
    }
    texts = [*queries(), *(rules.read_text() for rules in RULES)]
    for text in texts:
        for name in re.findall(r"\bnova_domains[:_][\w:]+", text):
            assert name in HELP or name in records, name


def test_the_panels_of_the_dashboard_do_not_overlap_and_have_what_they_need() -> None:
    document = dashboard()
    assert document["uid"]
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)


@pytest.mark.parametrize("unit", ["nova-domains-export.service", "nova-domains-export.timer"])
def test_the_units_are_units(unit: str, tmp_path: Path) -> None:
    program = tmp_path / "nova-domains"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in CONTRIB.glob("nova-domains-export.*"):
        text = path.read_text().replace("/usr/bin/nova-domains", str(program))
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_is_shut_in() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager",
         str(CONTRIB / "nova-domains-export.service")],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
