"""What the daemon counts, for Prometheus. Labels are names from lists of ours, never ids or values.

The table is the only place where a metric's name, labels and meaning stand; the docs are compared
with it. Asks nobody: what is known at a moment is handed in as `Gauges`.
"""

# ruff: noqa: E501 - one line per metric is the point of the table
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_DELAYS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 900, 3600, 14400, 86400)
CIRCUIT_STATES = ("closed", "open", "ramp", "barred")


@dataclass(frozen=True)
class Metric:
    """One metric as documented; `buckets` for histograms, in seconds."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


# fmt: off
METRICS: tuple[Metric, ...] = (
    Metric("syncd_jobs_total", "counter", ("ended", "lane"), "Jobs by how they ended and the lane they came from."),
    Metric("syncd_job_seconds", "histogram", ("lane",), "Seconds a job took.", _SECONDS),
    Metric("syncd_calls_total", "counter", ("side", "verb", "outcome"), "Calls to the two systems; outcome ok or the kind of error."),
    Metric("syncd_call_seconds", "histogram", ("side", "verb"), "Seconds a call took.", _SECONDS),
    Metric("syncd_queue_waiting", "gauge", ("lane",), "Records waiting for a worker, by lane."),
    Metric("syncd_queue_oldest_seconds", "gauge", (), "Age of the oldest work that is due; 0 where nothing is."),
    Metric("syncd_work_held", "gauge", (), "Records whose work waits for a pause or a guard to end."),
    Metric("syncd_pairs", "gauge", ("status",), "Records that take part, by what they show as syncStatus."),
    Metric("syncd_conflicts_open", "gauge", (), "Conflicts that wait for a person."),
    Metric("syncd_guards_stopped", "gauge", (), "Guards that stopped a mass change and wait for a person."),
    Metric("syncd_messages_owed", "gauge", (), "Tasks and notes not yet posted or closed in EspoCRM."),
    Metric("syncd_delay_seconds", "histogram", ("target",), "From a person's edit to its value on the other side.", _DELAYS),
    Metric("syncd_webhooks_total", "counter", ("outcome",), "Webhook deliveries: received, or why refused."),
    Metric("syncd_webhook_events_total", "counter", (), "Events in the deliveries received."),
    Metric("syncd_circuit_state", "gauge", ("side", "state"), "1 for the state a system's circuit is in: closed, open, ramp, barred."),
    Metric("syncd_poll_age_seconds", "gauge", (), "Since EspoCRM was last asked completely what changed."),
    Metric("syncd_sweep_age_seconds", "gauge", (), "Age of the longest overdue look round in Advoware; 0 where none is."),
    Metric("syncd_ledger_up", "gauge", (), "1 while the ledger answers."),
    Metric("syncd_redis_up", "gauge", (), "1 while Redis answers."),
    Metric("syncd_write_window_seconds", "histogram", ("verb",), "Between the read a write was made of and the write: PUT Advoware, PATCH EspoCRM.", _SECONDS),
)
# fmt: on


@dataclass(frozen=True)
class Gauges:
    """What is known now; a field left out keeps what was shown before. Ages in seconds."""

    waiting: Mapping[str, int] | None = None
    oldest: float | None = None
    held: int | None = None
    pairs: Mapping[str, int] | None = None
    conflicts: int | None = None
    guards: int | None = None
    messages: int | None = None
    circuits: Mapping[str, str] = field(default_factory=dict)
    poll_age: float | None = None
    sweep_age: float | None = None
    ledger_up: bool | None = None
    redis_up: bool | None = None


class Metrics:
    """The metrics of one daemon, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        for metric in METRICS:
            match metric.kind:
                case "counter":
                    self._counters[metric.name] = Counter(
                        metric.name, metric.help, metric.labels, registry=self.registry
                    )
                case "gauge":
                    self._gauges[metric.name] = Gauge(metric.name, metric.help, metric.labels, registry=self.registry)
                case "histogram":
                    self._histograms[metric.name] = Histogram(
                        metric.name, metric.help, metric.labels, registry=self.registry, buckets=metric.buckets
                    )

    def observe(self, side: str, verb: str, route: str, outcome: str, seconds: float) -> None:
        """A call was made; the clients' `observe`. The route is left out: too many names for one metric."""
        self._counters["syncd_calls_total"].labels(side, verb, outcome).inc()
        self._histograms["syncd_call_seconds"].labels(side, verb).observe(seconds)

    def job(self, ended: str, lane: str, seconds: float) -> None:
        """A job ended; the workers' `observe`."""
        self._counters["syncd_jobs_total"].labels(ended, lane).inc()
        self._histograms["syncd_job_seconds"].labels(lane).observe(seconds)

    def delay(self, target: str, seconds: float) -> None:
        """A person's edit has reached the side `target` so long after it was made."""
        self._histograms["syncd_delay_seconds"].labels(target).observe(max(0.0, seconds))

    def window(self, verb: str, seconds: float) -> None:
        """Between a read and the PUT or PATCH made of it somebody else's edit could be overwritten."""
        self._histograms["syncd_write_window_seconds"].labels(verb).observe(max(0.0, seconds))

    def webhook(self, outcome: str, events: int = 0) -> None:
        """A delivery was received or refused."""
        self._counters["syncd_webhooks_total"].labels(outcome).inc()
        if events:
            self._counters["syncd_webhook_events_total"].inc(events)

    def show(self, now: Gauges) -> None:
        """Show what is known now."""
        for name, labelled in (("syncd_queue_waiting", now.waiting), ("syncd_pairs", now.pairs)):
            if labelled is not None:
                self._gauges[name].clear()
                for label, count in labelled.items():
                    self._gauges[name].labels(label).set(count)
        plain = {
            "syncd_queue_oldest_seconds": now.oldest,
            "syncd_work_held": now.held,
            "syncd_conflicts_open": now.conflicts,
            "syncd_guards_stopped": now.guards,
            "syncd_messages_owed": now.messages,
            "syncd_poll_age_seconds": now.poll_age,
            "syncd_sweep_age_seconds": now.sweep_age,
            "syncd_ledger_up": now.ledger_up,
            "syncd_redis_up": now.redis_up,
        }
        for name, value in plain.items():
            if value is not None:
                self._gauges[name].set(float(value))
        for side, state in now.circuits.items():
            for possible in CIRCUIT_STATES:
                self._gauges["syncd_circuit_state"].labels(side, possible).set(float(possible == state))

    def render(self) -> bytes:
        """All metrics in Prometheus's text form."""
        return generate_latest(self.registry)


def table() -> str:
    """The metrics as Markdown, for the docs."""
    rows = [f"| `{one.name}` | {one.kind} | {', '.join(one.labels) or '–'} | {one.help} |" for one in METRICS]
    return "\n".join(["| metric | kind | labels | meaning |", "|---|---|---|---|", *rows])
