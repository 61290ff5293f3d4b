"""Real daemons on one Redis and one ledger in a storm: afterwards nothing is lost, doubled, invented or restless."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.ledger.conftest import postgres_server, postgres_url
from tests.process.fleet import Mischief
from tests.process.storm import CALLS_PER_MINUTE, LEASE, TOKEN_SECONDS, Outcome, Plan, Storm
from tests.process.tale import tales
from tests.process.verdict import Facts, Verdict, verdict

__all__ = ["postgres_server", "postgres_url"]

LONGER_THAN_THE_LEASE = (LEASE + 0.5, LEASE + 3.0)


def told(outcome: Outcome) -> Verdict:
    """What the judge says, with figures for people (`pytest -s`)."""
    facts = Facts(
        troubled=outcome.fleet.moments,
        flushed=outcome.flushed,
        left=outcome.left,
        codes=outcome.codes,
        logs=outcome.fleet.logs(),
        calls_per_minute=CALLS_PER_MINUTE,
        token_seconds=TOKEN_SECONDS,
    )
    found = verdict(outcome.end, facts)
    end, report = outcome.end, found.report
    figures = {
        "edits": len(end.typed),
        "created": len(end.born),
        "kills": outcome.fleet.kills,
        "freezes": outcome.fleet.stops,
        "flushes": len(outcome.flushed),
        "faults": outcome.faults,
        "webhooks": outcome.webhooks,
        "calls": len(end.calls),
        "calls_of_the_dead": sum(call.client is None for call in end.calls),
        "writes": found.writes,
        "pairs": report.pairs,
        "compared": report.checked + report.numbers,
        "kept": report.kept,
        "windows": dict(found.windows),
        "lost_in_a_window": len(report.window),
        "longest_window": round(found.longest_window, 2),
        "tokens": found.tokens,
        "busiest_minute": found.busiest_minute,
        "seconds": round(end.calls[-1].at - outcome.began),
        "phases": outcome.phases,
        "wrong": len(found.wrong),
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    for line in (*report.window, *found.wrong):
        sys.stdout.write(f"  {line}\n")
    sys.stdout.write(tales(end, found.wrong) + "\n")
    return found


def weather(plan: Plan, directory: Path, redis_url: str, database_url: str | None) -> Verdict:
    """Play it and judge it."""
    return told(asyncio.run(Storm(plan, directory, redis_url, database_url).run()))


@pytest.mark.postgres
@pytest.mark.timeout(1200)
def test_two_daemons_killed_and_frozen_at_random_lose_and_double_nothing(
    tmp_path: Path, redis_url: str, postgres_url: str
) -> None:
    mischief = Mischief(pause=(0.8, 2.0), freeze=LONGER_THAN_THE_LEASE)
    plan = Plan(daemons=2, edits=300, seconds=14.0, records=40, mischief=mischief)
    found = weather(plan, tmp_path, redis_url, postgres_url)
    assert found.wrong == []
    assert found.report.typed >= 300


@pytest.mark.timeout(1200)
def test_one_daemon_on_sqlite_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path, redis_url: str) -> None:
    mischief = Mischief(pause=(0.5, 2.0), freeze=LONGER_THAN_THE_LEASE, frozen=0.2)
    plan = Plan(daemons=1, edits=150, seconds=10.0, records=30, mischief=mischief, flushes=0.2, seed=2)
    found = weather(plan, tmp_path, redis_url, None)
    assert found.wrong == []
    assert found.report.typed >= 150


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("versions", [True, False], ids=["EspoCRM checks versions", "EspoCRM checks no versions"])
def test_three_daemons_killed_every_second_or_two_under_thousands_of_edits(
    tmp_path: Path, redis_url: str, postgres_url: str, versions: bool
) -> None:
    mischief = Mischief(pause=(1.0, 2.0), freeze=LONGER_THAN_THE_LEASE)
    plan = Plan(
        daemons=3,
        edits=int(os.environ.get("SYNCD_STORM_EDITS", "5000")),
        seconds=float(os.environ.get("SYNCD_STORM_SECONDS", "240")),
        records=80,
        mischief=mischief,
        faults=1.0,
        flushes=0.2,
        looks=5,
        versions=versions,
        seed=int(os.environ.get("SYNCD_STORM_SEED", "1")),
    )
    found = weather(plan, tmp_path, redis_url, postgres_url)
    assert found.wrong == []
    assert found.report.typed >= plan.edits
