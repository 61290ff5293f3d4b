"""Metrics: what is counted stands in one table, and each daemon has its own."""

from __future__ import annotations

import re

from syncd.metrics import METRICS, Gauges, Metrics, table


def _value(metrics: Metrics, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", metrics.render().decode(), re.MULTILINE)
    assert found is not None, line
    return float(found[1])


def test_every_metric_of_the_table_exists_and_no_other() -> None:
    metrics = Metrics()
    shown = set(re.findall(r"^# TYPE (\S+) ", metrics.render().decode(), re.MULTILINE))
    assert {metric.name for metric in METRICS} == {name for name in shown if not name.endswith("_created")}
    assert all(metric.help in table() for metric in METRICS)


def test_calls_jobs_and_webhooks_are_counted() -> None:
    metrics = Metrics()
    metrics.observe("espocrm", "GET", "/api/v1/CBeteiligte/{id}", "ok", 0.2)
    metrics.observe("espocrm", "GET", "/api/v1/CBeteiligte/{id}", "ok", 0.2)
    metrics.job("settled", "live", 1.5)
    metrics.webhook("received", 3)
    metrics.webhook("bad_signature")
    metrics.delay("advoware", 4.0)
    metrics.window("PUT", 0.3)
    assert _value(metrics, 'syncd_calls_total{outcome="ok",side="espocrm",verb="GET"}') == 2
    assert _value(metrics, 'syncd_jobs_total{ended="settled",lane="live"}') == 1
    assert _value(metrics, "syncd_webhook_events_total") == 3
    assert _value(metrics, 'syncd_webhooks_total{outcome="bad_signature"}') == 1
    assert _value(metrics, 'syncd_delay_seconds_count{target="advoware"}') == 1
    assert _value(metrics, 'syncd_write_window_seconds_sum{verb="PUT"}') == 0.3


def test_what_is_no_longer_there_is_no_longer_shown() -> None:
    metrics = Metrics()
    metrics.show(Gauges(pairs={"clean": 5, "failed": 1}, circuits={"espocrm": "open"}, ledger_up=True))
    metrics.show(Gauges(pairs={"clean": 6}, circuits={"espocrm": "closed"}))
    text = metrics.render().decode()
    assert _value(metrics, 'syncd_pairs{status="clean"}') == 6
    assert 'status="failed"' not in text
    assert _value(metrics, 'syncd_circuit_state{side="espocrm",state="closed"}') == 1
    assert _value(metrics, 'syncd_circuit_state{side="espocrm",state="open"}') == 0
    assert _value(metrics, "syncd_ledger_up") == 1


def test_two_daemons_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.webhook("received", 2)
    assert _value(other, "syncd_webhook_events_total") == 0
