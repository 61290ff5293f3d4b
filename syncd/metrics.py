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

from syncd import __version__

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
    Metric("syncd_edit_oldest_seconds", "gauge", (), "Age of the oldest edit of a person that waits to be worked on; 0 where none does."),
    Metric("syncd_work_held", "gauge", (), "Records whose work waits for a pause or a guard to end."),
    Metric("syncd_pairs", "gauge", ("status",), "Records that take part, by what they show as syncStatus."),
    Metric("syncd_conflicts_open", "gauge", (), "Conflicts that wait for a person."),
    Metric("syncd_values_refused", "gauge", (), "Values a side does not take; not tried again until they change."),
    Metric("syncd_pauses", "gauge", (), "Pauses in force: everything, an entity, or writing to a side."),
    Metric("syncd_guards_stopped", "gauge", (), "Guards that stopped a mass change and wait for a person."),
    Metric("syncd_messages_owed", "gauge", (), "Tasks and notes not yet posted or closed in EspoCRM."),
    Metric("syncd_delay_seconds", "histogram", ("target",), "From a person's edit to its value on the other side.", _DELAYS),
    Metric("syncd_webhooks_total", "counter", ("outcome",), "Webhook deliveries: received, or why refused."),
    Metric("syncd_webhook_events_total", "counter", (), "Events in the deliveries received."),
    Metric("syncd_circuit_state", "gauge", ("side", "state"), "1 for the state a system's circuit is in: closed, open, ramp, barred."),
    Metric("syncd_poll_age_seconds", "gauge", (), "Since EspoCRM was last asked completely what changed."),
    Metric("syncd_sweep_age_seconds", "gauge", (), "Since the record was looked at in Advoware that was looked at longest ago, of those whose look is due; 0 where none is. SYNCD_SWEEP_MAX_SECONDS is the promise."),
    Metric("syncd_look_round_age_seconds", "gauge", (), "Since syncd last looked round in Advoware."),
    Metric("syncd_full_pass_age_seconds", "gauge", (), "Since both systems were last listed completely."),
    Metric("syncd_ready", "gauge", (), "1 while /readyz is green: nothing keeps the daemon from working."),
    Metric("syncd_ledger_up", "gauge", (), "1 while the ledger answers."),
    Metric("syncd_redis_up", "gauge", (), "1 while Redis answers."),
    Metric("syncd_write_window_seconds", "histogram", ("verb",), "Between the read a write was made of and the write: PUT Advoware, PATCH EspoCRM.", _SECONDS),
    Metric("syncd_budget_calls_per_minute", "gauge", ("side",), "Calls a minute all daemons together may make to a system; syncd_calls_total says how many were made."),
    Metric("syncd_webhooks_ok", "gauge", (), "1 while every webhook that was registered is there, active and single; looked at hourly."),
    Metric("syncd_setup_ok", "gauge", ("side",), "1 while doctor finds nothing in a system that must be put right; looked at hourly."),
    Metric("syncd_disk_free_bytes", "gauge", (), "Free where the state directory is."),
    Metric("syncd_clock_offset_seconds", "gauge", ("clock",), "Seconds our clock is ahead of EspoCRM's, Advoware's and (the machine's own) of Redis'."),
    Metric("syncd_alarm", "gauge", ("cause",), "1 while an alarm of this cause is raised."),
    Metric("syncd_alarms_raised_total", "counter", ("cause",), "Alarms raised, counted by the daemon that told them."),
    Metric("syncd_alarm_posts_total", "counter", ("outcome",), "Alarms sent to SYNCD_ALARM_URL: delivered or failed."),
    Metric("syncd_dry_run", "gauge", (), "1 while SYNCD_DRY_RUN is on and nothing is written."),
    Metric("syncd_started_seconds", "gauge", (), "When this daemon started, in seconds since 1970."),
    Metric("syncd_build_info", "gauge", ("version",), "Always 1; which version runs."),
)
# fmt: on


@dataclass(frozen=True)
class Gauges:
    """What is known now; a field left out keeps what was shown before. Ages in seconds; `alarms` by cause."""

    waiting: Mapping[str, int] | None = None
    oldest: float | None = None
    oldest_edit: float | None = None
    held: int | None = None
    pairs: Mapping[str, int] | None = None
    conflicts: int | None = None
    refused: int | None = None
    guards: int | None = None
    pauses: int | None = None
    messages: int | None = None
    circuits: Mapping[str, str] = field(default_factory=dict)
    poll_age: float | None = None
    look_round_age: float | None = None
    full_pass_age: float | None = None
    sweep_age: float | None = None
    started: float | None = None
    ready: bool | None = None
    dry_run: bool | None = None
    disk_free: int | None = None
    clocks: Mapping[str, float] = field(default_factory=dict)
    budgets: Mapping[str, int] = field(default_factory=dict)
    webhooks_ok: bool | None = None
    setup_ok: Mapping[str, bool] = field(default_factory=dict)
    alarms: Mapping[str, bool] = field(default_factory=dict)
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
        self._gauges["syncd_build_info"].labels(__version__).set(1.0)

    def observe(self, side: str, verb: str, route: str, outcome: str, seconds: float) -> None:
        """A call was made; the clients' `observe`. The route is left out: too many names for one metric."""
        self._counters["syncd_calls_total"].labels(side, verb, outcome).inc()
        self._histograms["syncd_call_seconds"].labels(side, verb).observe(seconds)

    def alarm_raised(self, cause: str) -> None:
        """An alarm was raised and told by this daemon."""
        self._counters["syncd_alarms_raised_total"].labels(cause).inc()

    def alarm_posted(self, outcome: str) -> None:
        """An alarm was sent to whoever is to be told."""
        self._counters["syncd_alarm_posts_total"].labels(outcome).inc()

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

    def webhook(self, outcome: str, events: int = 0, deliveries: int = 1) -> None:
        """A delivery, or several with so many events together, were received or refused."""
        self._counters["syncd_webhooks_total"].labels(outcome).inc(deliveries)
        if events:
            self._counters["syncd_webhook_events_total"].inc(events)

    def show(self, now: Gauges) -> None:
        """Show what is known now."""
        for name, counted in (("syncd_queue_waiting", now.waiting), ("syncd_pairs", now.pairs)):
            if counted is not None:
                self._gauges[name].clear()
                for label, count in counted.items():
                    self._gauges[name].labels(label).set(count)
        plain = {
            "syncd_queue_oldest_seconds": now.oldest,
            "syncd_edit_oldest_seconds": now.oldest_edit,
            "syncd_work_held": now.held,
            "syncd_conflicts_open": now.conflicts,
            "syncd_guards_stopped": now.guards,
            "syncd_values_refused": now.refused,
            "syncd_pauses": now.pauses,
            "syncd_messages_owed": now.messages,
            "syncd_poll_age_seconds": now.poll_age,
            "syncd_look_round_age_seconds": now.look_round_age,
            "syncd_full_pass_age_seconds": now.full_pass_age,
            "syncd_sweep_age_seconds": now.sweep_age,
            "syncd_started_seconds": now.started,
            "syncd_ready": now.ready,
            "syncd_dry_run": now.dry_run,
            "syncd_disk_free_bytes": now.disk_free,
            "syncd_webhooks_ok": now.webhooks_ok,
            "syncd_ledger_up": now.ledger_up,
            "syncd_redis_up": now.redis_up,
        }
        for name, value in plain.items():
            if value is not None:
                self._gauges[name].set(float(value))
        labelled: tuple[tuple[str, Mapping[str, float]], ...] = (
            ("syncd_clock_offset_seconds", now.clocks),
            ("syncd_budget_calls_per_minute", now.budgets),
            ("syncd_setup_ok", now.setup_ok),
            ("syncd_alarm", now.alarms),
        )
        for name, values in labelled:
            for one, number in values.items():
                self._gauges[name].labels(one).set(float(number))
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
