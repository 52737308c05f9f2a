"""Dashboard and rules against what a running engine tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from engine_app.embedded.processes import PROJECT
from tests.conftest import RunningEngine
from tests.trading import bot

MONITORING = PROJECT / "monitoring"
RULES = [rule for group in yaml.safe_load((MONITORING / "rules.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())
]


def selectors(expression: str) -> Iterator[promql_parser.VectorSelector]:
    """Every metric that an expression reads, with its matchers. Raises ValueError for one that Prometheus refuses."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    yield from found


@pytest.fixture(scope="module")
def told(engine: RunningEngine) -> dict[str, set[str]]:
    """What the engine tells once it has traded: the labels of each sample's name, and the buckets of `le`."""
    with bot(engine.base_url) as trader:
        trader.wait_for_event(trader.place(amount="0.1"), "finalized")
        trader.wait(trader.place(amount="11"))
    names: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(httpx.get(engine.metrics_url).text):
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
            names.setdefault("le", set()).add(sample.labels.get("le", ""))
    return names


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_and_label_exists(expression: str, told: dict[str, set[str]]) -> None:
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    read = list(selectors(expression))
    assert read
    for selector in read:
        if selector.name in recorded:
            continue
        assert selector.name in told
        for matcher in selector.matchers.matchers:
            assert matcher.name in told[selector.name]
            if matcher.name == "le":
                assert matcher.value in told["le"]


def test_every_alert_has_a_severity_a_summary_and_a_runbook() -> None:
    runbooks = re.findall(r"^### (\w+)$", (PROJECT / "docs" / "operations.md").read_text(), re.MULTILINE)
    alerts = [rule for rule in RULES if "alert" in rule]
    assert sorted(rule["alert"] for rule in alerts) == sorted(runbooks)
    for rule in alerts:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]


def test_every_metric_is_on_the_dashboard(told: dict[str, set[str]]) -> None:
    shown = {selector.name for panel in EXPRESSIONS for selector in selectors(panel)}
    metrics = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in told if name.startswith("engine_")}
    assert {name for name in metrics if not any(str(found).startswith(name) for found in shown)} == set()


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert all(x < 24 for x, _ in cells)
        taken |= cells
