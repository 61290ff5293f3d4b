"""The first page: is all well at one glance. Arranges the facts of `inspect`; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from syncd import inspect
from syncd.model import Status
from syncd.ui import charts, gate, live
from syncd.ui.frame import Site
from syncd.ui.verdict import verdict
from syncd.ui.words import WORDS

ORDER = (
    Status.CLEAN,
    Status.DIRTY,
    Status.SYNCING,
    Status.PENDING_SYNC,
    Status.FAILED,
    Status.PERMANENTLY_FAILED,
    Status.CONFLICT,
    Status.DELETED_IN_ADVOWARE,
)
SIDES = ("advoware", "espocrm")
SPANS: Mapping[int, str] = {1: "overview.span_1", 24: "overview.span_24", 168: "overview.span_168"}  # hours
POINTS = 48  # of a chart
RUN_GONE = 30.0  # seconds without a sign of life
Hours = Annotated[int, Query()]


def routes(site: Site) -> APIRouter:
    """The page, and its facts again whenever they have changed."""
    router = APIRouter(dependencies=gate.looking(site.sessions))
    known = live.Shared[int](lambda hours: facts(site, hours), site.deps.now)

    @router.get("/")
    async def page(request: Request, hours: Hours = 24) -> Response:
        return site.page(request, "overview.html", **await facts(site, _span(hours)))

    @router.get("/live")
    async def changes(request: Request, hours: Hours = 24) -> Response:
        async def render() -> str:
            return site.part(request, "overview_facts.html", **await known(_span(hours)))

        return live.stream(site, request, render)

    return router


def _span(hours: int) -> int:
    return hours if hours in SPANS else 24


async def facts(site: Site, hours: int) -> dict[str, Any]:
    """What the page shows, with charts of the last `hours`."""
    deps, now = site.deps, site.deps.now()
    status = await inspect.status(deps.ledger, now)
    activity = await inspect.activity(deps.ledger, now, hours, POINTS)
    peers = await deps.peers()
    counts = [(one, status["pairs"].get(one, 0)) for one in ORDER]
    fresh = sum(count for name, count in status["pairs"].items() if name not in ORDER)  # not looked at yet
    counts = [(one, count + (fresh if one is Status.PENDING_SYNC else 0)) for one, count in counts]
    return {
        "verdict": verdict(status, deps.reasons()),
        "status": status,
        "counts": [(one, count) for one, count in counts if count],
        "bar": charts.shares([count for _, count in counts if count]),
        "total": sum(count for _, count in counts),
        "sides": [_side(side, peers, status, deps.budgets) for side in SIDES],
        "runs": [_run(one, now) for one in status["runs"]],
        "hours": hours,
        "spans": SPANS,
        **_charts(activity["points"], activity["step"]),
    }


def _side(
    side: str, peers: Mapping[str, Mapping[str, Any]], status: Mapping[str, Any], budgets: Mapping[str, int]
) -> dict[str, Any]:
    calls, budget = status["calls_per_minute"][side], budgets.get(side, 0)
    used = calls / budget if budget else 0.0
    return {
        "name": side,
        "state": peers.get(side, {}).get("state", "unknown"),
        "seconds": peers.get(side, {}).get("seconds", 0.0),
        "calls": calls,
        "budget": budget,
        "used": used,
        "meter": min(charts.SIZE, charts.SIZE * used),
        "delay": status["delays"][side],
    }


def _run(run: Mapping[str, Any], now: float) -> dict[str, Any]:
    gone = run["state"] == "running" and now - (run["alive_at"] or run["started_at"]) > RUN_GONE
    name = f"overview.run_{run['kind']}"
    return {
        **run,
        "state": "gone" if gone else run["state"],
        "name": name if name in WORDS else "overview.run_other",
    }


def _charts(points: Sequence[Mapping[str, Any]], step: int) -> dict[str, Any]:
    """Jobs as bars, failures of their own below, delays as lines; and the same as rows for tables."""
    done = [point["done"] for point in points]
    failed = [point["failed"] for point in points]
    most_done, most_failed = charts.top_of(done), charts.top_of(failed)
    halves = {side: [point["delays"][side]["p50"] for point in points] for side in SIDES}
    slow = {side: [point["delays"][side]["p95"] for point in points] for side in SIDES}
    longest = charts.top_of(value for side in SIDES for value in slow[side] if value is not None)
    return {
        "points": points,
        "step": step,
        "done": {"bars": charts.bars(done, most_done), "top": most_done, "sum": sum(done)},
        "failed": {"bars": charts.bars(failed, most_failed), "top": most_failed, "sum": sum(failed)},
        "delays": {
            "top": longest,
            "p50": {side: charts.lines(halves[side], longest) for side in SIDES},
            "p95": {side: charts.lines(slow[side], longest) for side in SIDES},
            "any": any(value is not None for side in SIDES for value in slow[side]),
        },
    }
