"""Alert rules and dashboard ask for what there is: a metric renamed in the code would leave them silent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from scripts.docs_update import ROOT
from syncd.alarms import KINDS, LABELS, Level, kind_of
from syncd.metrics import METRICS

NAME = re.compile(r"\bsyncd_[a-z_]+")
SELECTED = re.compile(r"(syncd_[a-z_]+)\{([^}]*)\}")
MATCHER = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)")
TARGET = {"instance", "job"}  # labels Prometheus adds


@cache
def known() -> dict[str, set[str]]:
    """Every series there is, with its labels."""
    series: dict[str, set[str]] = {}
    for metric in METRICS:
        labels = set(metric.labels)
        if metric.kind == "histogram":
            series |= {f"{metric.name}_bucket": {*labels, "le"}}
            series |= {f"{metric.name}_{part}": labels for part in ("sum", "count")}
        else:
            series[metric.name] = labels
    return series


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((ROOT / "docs/prometheus-alerts.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docs/grafana-dashboard.json").read_text("utf-8"))
    return found


def queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from re.findall(r"label_values\(([^)]*)\)", json.dumps(dashboard()["templating"]))


@pytest.mark.parametrize("query", list(queries()))
def test_a_query_names_metrics_and_labels_there_are(query: str) -> None:
    names = set(NAME.findall(query))
    assert names <= set(known())
    for name, matchers in SELECTED.findall(query):
        assert set(MATCHER.findall(matchers)) <= known()[name] | TARGET, name
    for labels in re.findall(r"\bby \(([^)]*)\)", query):
        there = set().union(*(known()[name] for name in names))
        assert {label.strip() for label in labels.split(",")} <= there


def test_every_alarm_is_in_exactly_one_rule_of_its_level() -> None:
    found = {cause: [rule for rule in rules() if _asks_for(rule, cause)] for cause in LABELS}
    assert {cause for cause, its in found.items() if len(its) != 1} == set()
    for cause, (rule,) in found.items():
        level = "critical" if kind_of(cause).level is Level.ERROR else "warning"
        assert rule["labels"]["severity"] == level, cause
    assert len(KINDS) <= len(LABELS)


def _asks_for(rule: dict[str, Any], cause: str) -> bool:
    wanted = re.search(r'syncd_alarm\{cause=~"([^"]+)"\}', rule["expr"])
    return wanted is not None and re.fullmatch(wanted[1], cause) is not None


def test_every_rule_says_what_is_wrong_and_how_bad_that_is() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {name for query in queries() for name in NAME.findall(query)}
    missing = [one.name for one in METRICS if not any(name.startswith(one.name) for name in shown)]
    assert missing == []


def test_the_dashboard_can_be_imported_anywhere() -> None:
    board = dashboard()
    panels = board["panels"]
    assert {panel["datasource"]["uid"] for panel in panels if panel["type"] != "row"} == {"${datasource}"}
    assert {variable["name"] for variable in board["templating"]["list"]} == {"datasource", "instance"}
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(taken)) == len(taken), "panels lie over each other"
