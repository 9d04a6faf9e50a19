"""Alerts and the dashboard: judged by promtool, on metrics that exist, with runbooks that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_docs import anchors
from watchdog_oom.cli.metrics.counts import Counts
from watchdog_oom.cli.metrics.of_journal import counters
from watchdog_oom.cli.metrics.of_status import gauges

ROOT = Path(__file__).parents[1]
HERE = ROOT / "packaging" / "prometheus"
RULES, RULES_TEST = HERE / "watchdog-oom.rules.yml", HERE / "watchdog-oom.rules.test.yml"
DASHBOARD = json.loads((HERE / "watchdog-oom.dashboard.json").read_text())
ALERTS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
NAMES = [alert["alert"] for alert in ALERTS]
OURS = re.compile(r"\bwatchdog_oom_[a-z_]+\b(?!\\)")

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (apt: prometheus)")


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=50, check=False)


def exported() -> set[str]:
    """The names of all series that there may be."""
    families = [*gauges({}), *counters(Counts(), {})]
    return {f"{family.name}_total" if family.type == "counter" else family.name for family in families} | {
        "watchdog_oom_up", "watchdog_oom_status_readable"}


@needs_promtool
def test_promtool_finds_the_rules_well_formed_and_each_alert_as_its_tests_say() -> None:
    for arguments in (("check", "rules", RULES), ("test", "rules", RULES_TEST)):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@needs_promtool
@pytest.mark.parametrize("alert", NAMES)
def test_the_tests_are_red_without_that_alert(alert: str, tmp_path: Path) -> None:
    rules = [one for one in ALERTS if one["alert"] != alert]
    (tmp_path / RULES.name).write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    shutil.copy(RULES_TEST, tmp_path)
    assert promtool("test", "rules", tmp_path / RULES_TEST.name).returncode != 0


def test_the_runbook_of_each_alert_is_a_heading_of_the_operations_manual() -> None:
    there = anchors(ROOT / "docs" / "operations.md")
    for alert in ALERTS:
        path, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert (path, anchor in there) == ("docs/operations.md", True), alert["alert"]


def test_each_alert_says_whether_somebody_gets_up_for_it_and_is_in_the_documents() -> None:
    assert {alert["labels"]["severity"] for alert in ALERTS} == {"page", "ticket"}
    text = (ROOT / "docs" / "operations.md").read_text() + (ROOT / "docs" / "metrics.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in text] == []


def test_alerts_and_panels_ask_only_for_series_that_are_exported() -> None:
    asked = {name for text in (RULES.read_text(), json.dumps(DASHBOARD)) for name in OURS.findall(text)}
    assert asked - exported() == set()
    assert len(asked) > 15


def test_each_series_is_described_and_no_other() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text()
    rows = set(re.findall(r"^\| `(watchdog_oom_[a-z_]+)` \|", text, re.MULTILINE))
    assert rows == exported()


def expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


@needs_promtool
def test_each_expression_of_the_dashboard_is_one_for_prometheus(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": re.sub(r"\$__\w+", "5m", expression)}
             for number, expression in enumerate(expressions())]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = promtool("check", "rules", tmp_path / "panels.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_built_as_grafana_builds_one() -> None:
    """Its shape alone; packaging/prometheus/check-dashboard holds it against Grafana's own schema."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(DASHBOARD))) == variables
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] in ("row", "stat", "timeseries")
        refs = [target["refId"] for target in panel.get("targets", ())]
        assert len(set(refs)) == len(refs) and (refs or panel["type"] == "row")


@pytest.mark.services
@pytest.mark.timeout(400)
@pytest.mark.skipif(shutil.which("prometheus-alertmanager") is None or shutil.which("prometheus-node-exporter") is None,
                    reason="needs prometheus, prometheus-node-exporter and prometheus-alertmanager")
def test_an_alert_reaches_a_real_alertmanager_and_is_resolved() -> None:
    done = subprocess.run([sys.executable, HERE / "try"], capture_output=True, text=True, timeout=380, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WatchdogOomPolicyStale firing, WatchdogOomPolicyStale resolved" in done.stdout
