"""Brings the gauges up to date when somebody asks for metrics. A store that is away shows as down; the rest stays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from syncd import inspect
from syncd.alarms import LABELS, label
from syncd.app import budgets
from syncd.health import PEERS, Health
from syncd.lanes import Lane
from syncd.ledger.store import LedgerUnavailable
from syncd.machine import Machine
from syncd.metrics import Gauges, Metrics
from syncd.queue import Stats
from syncd.redis_client import RedisUnavailable
from syncd.runtime import Runtime

PATIENCE = 3.0  # seconds for all stores together; Prometheus gives up after ten


async def bring_up_to_date(
    metrics: Metrics, runtime: Runtime, health: Health, machine: Machine, own_alarms: Iterable[str]
) -> None:
    """Ask ledger, Redis and the machine at once, and show what they say. `own_alarms`: causes the ledger does not know.

    Who does not answer in time is left out.
    """
    metrics.show(_of_process(runtime, health, machine))
    own = frozenset(map(label, own_alarms))
    for found in await asyncio.gather(_ask_ledger(runtime, own), _ask_circuits(runtime), _ask_queue(runtime)):
        metrics.show(found)


async def _ask_ledger(runtime: Runtime, own: frozenset[str]) -> Gauges:
    now = runtime.clock.now()
    try:
        async with asyncio.timeout(PATIENCE):
            known = await inspect.status(runtime.ledger, now)
    except (LedgerUnavailable, TimeoutError):
        return Gauges(ledger_up=False, alarms=dict.fromkeys(own, True))
    return _of_ledger(known, now, own)


async def _ask_circuits(runtime: Runtime) -> Gauges:
    look = runtime.app.parts.shared.circuit.look
    try:
        async with asyncio.timeout(PATIENCE):
            states = await asyncio.gather(*map(look, PEERS))
    except TimeoutError:
        return Gauges()
    return Gauges(circuits={side: str(seen.state) for side, seen in zip(PEERS, states, strict=True)})


async def _ask_queue(runtime: Runtime) -> Gauges:
    try:
        async with asyncio.timeout(PATIENCE):
            stats = await runtime.queue.stats()
    except (RedisUnavailable, TimeoutError):
        return Gauges(redis_up=False)
    return _of_queue(stats)


def _of_process(runtime: Runtime, health: Health, machine: Machine) -> Gauges:
    settings = runtime.app.settings
    clocks = machine.clocks.offsets()
    ahead = machine.ahead()
    return Gauges(
        started=health.started,
        ready=not health.lines(),
        dry_run=settings.syncd_dry_run,
        disk_free=machine.free(),
        clocks=clocks if ahead is None else clocks | {"redis": ahead},
        budgets=budgets(settings),
    )


def _of_ledger(known: dict[str, Any], now: float, own: frozenset[str]) -> Gauges:
    def age(name: str) -> float | None:
        return None if known[name] is None else now - known[name]

    examined = known["examined"]
    raised = own | {label(alarm["cause"]) for alarm in known["alarms"]}
    return Gauges(
        held=known["held"],
        pairs=known["pairs"],
        conflicts=known["conflicts"],
        refused=known["quarantined"],
        guards=len(known["guards"]),
        pauses=len(known["pauses"]),
        messages=known["messages_owed"],
        poll_age=age("polled_at"),
        look_round_age=age("swept_at"),
        full_pass_age=age("full_pass_at"),
        sweep_age=known["oldest_look_seconds"],
        webhooks_ok=None if "webhooks" not in examined else not examined["webhooks"],
        setup_ok={side: not wrong for side, wrong in examined.get("setup", {}).items()},
        alarms={cause: cause in raised for cause in LABELS},
        ledger_up=True,
    )


def _of_queue(stats: Stats) -> Gauges:
    def age(since: float | None) -> float:
        return 0.0 if since is None else max(0.0, stats.now - since)

    return Gauges(
        waiting={lane.name.lower(): stats.lanes[lane].waiting for lane in Lane},
        oldest=age(stats.oldest_due),
        oldest_edit=age(stats.lanes[Lane.LIVE].oldest_due),
        redis_up=True,
    )
