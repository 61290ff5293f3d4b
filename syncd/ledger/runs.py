"""Runs: what a person set going for many records, how far it has come, and what it left.

A run's own numbers stand in its `detail`; what still waits for it are its rows of work, what it has
changed its rows of history. Knows no kind of run by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select, update

from syncd.ledger.schema import history, runs, work


class RunState(StrEnum):
    """A paused run goes on where it stopped; one that is done has nothing left to do."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"


UNFINISHED = (RunState.RUNNING, RunState.PAUSED)


def start(conn: Connection, run_id: str, kind: str, detail: Mapping[str, Any], now: float) -> None:
    """A run begins; `detail` is JSON and holds no person's value."""
    conn.execute(
        runs.insert().values(id=run_id, kind=kind, state=RunState.RUNNING, started_at=now, detail=dict(detail))
    )


def progress(conn: Connection, run_id: str, changes: Mapping[str, Any]) -> None:
    """Lay these over the run's detail."""
    stored = conn.execute(select(runs.c.detail).where(runs.c.id == run_id).with_for_update()).scalar_one()
    conn.execute(update(runs).where(runs.c.id == run_id).values(detail={**stored, **changes}))


def end(conn: Connection, run_id: str, state: RunState, now: float) -> None:
    """The run stops for now (paused) or for good (done)."""
    conn.execute(update(runs).where(runs.c.id == run_id).values(state=state, ended_at=now))


def resume(conn: Connection, run_id: str) -> None:
    """A paused or abandoned run goes on."""
    conn.execute(update(runs).where(runs.c.id == run_id).values(state=RunState.RUNNING, ended_at=None))


def get(conn: Connection, run_id: str) -> dict[str, Any] | None:
    """One run with `waiting` (records that wait for it) and `changes` (what it has written); None: no such run."""
    row = conn.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    return None if row is None else _counted(conn, dict(row._mapping))


def listing(
    conn: Connection, states: Sequence[RunState] = tuple(RunState), kind: str | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Runs as `get` tells them, the latest first."""
    query = select(runs).where(runs.c.state.in_(list(states)))
    if kind is not None:
        query = query.where(runs.c.kind == kind)
    rows = conn.execute(query.order_by(runs.c.started_at.desc(), runs.c.id).limit(limit))
    return [_counted(conn, dict(row._mapping)) for row in rows]


def waiting(conn: Connection, run_id: str) -> int:
    """How many records still wait for this run, held ones too."""
    return int(conn.execute(select(func.count()).where(work.c.run == run_id)).scalar_one())


def _counted(conn: Connection, row: dict[str, Any]) -> dict[str, Any]:
    written = select(func.count()).where(history.c.run == row["id"], history.c.field.is_not(None))
    return {**row, "waiting": waiting(conn, row["id"]), "changes": int(conn.execute(written).scalar_one())}
