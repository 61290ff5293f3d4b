"""Real daemons on one Redis and one ledger in a storm: afterwards nothing is lost, doubled, invented or restless."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.ledger.conftest import postgres_url, postgres_server
from tests.process.fleet import Mischief
from tests.process.storm import CALLS_PER_MINUTE, LEASE, TOKEN_SECONDS, Outcome, Plan, Storm
from tests.process.verdict import Facts, Verdict, verdict

__all__ = ["postgres_url", "postgres_server"]

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
    return found


def weather(plan: Plan, directory: Path, redis_url: str, database_url: str | None) -> Verdict:
    """Play it and judge it."""
    return told(asyncio.run(Storm(plan, directory, redis_url, database_url).run()))


@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_two_daemons_killed_and_frozen_at_random_lose_and_double_nothing(
    tmp_path: Path, redis_url: str, postgres_url: str
) -> None:
    mischief = Mischief(pause=(0.8, 2.0), freeze=LONGER_THAN_THE_LEASE)
    plan = Plan(daemons=2, edits=300, seconds=14.0, records=40, mischief=mischief)
    found = weather(plan, tmp_path, redis_url, postgres_url)
    assert found.wrong == []
    assert found.report.typed >= 300
