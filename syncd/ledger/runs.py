"""Runs: what a person set going for many records, how far it has come, and what it left.

A run's own numbers stand in its `detail`; what still waits for it are its rows of work, what it has
changed its rows of history. Knows no kind of run by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, case, delete, exists, func, select, update

from syncd.lanes import Lane
from syncd.ledger import pairs as pair_functions
from syncd.ledger import work as work_functions
from syncd.ledger.schema import history, pairs, runs, work
from syncd.ledger.sql import given, listed
from syncd.ledger.work import Cause, Due


class RunState(StrEnum):
    """A paused run goes on where it stopped; one that is done has nothing left to do."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"


UNFINISHED = (RunState.RUNNING, RunState.PAUSED)

_END_IDLE = update(runs).where(
    runs.c.state == RunState.RUNNING,
    runs.c.kind.in_(listed("kinds")),
    runs.c.started_at < given("began_before"),
    ~exists().where(work.c.run == runs.c.id),
)


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


def forget(conn: Connection, run_id: str) -> None:
    """A run that came to nothing is not worth a line."""
    conn.execute(delete(runs).where(runs.c.id == run_id))


def end_idle(conn: Connection, kinds: Sequence[str], began_before: float, now: float) -> None:
    """Runs of these kinds that began before then and for which no record waits any more are done."""
    of = {"kinds": list(kinds), "began_before": began_before}
    conn.execute(_END_IDLE, {**of, "state": RunState.DONE, "ended_at": now})


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


# --- records let in by a run ------------------------------------------------------------------

OF_RUN = "run:"  # how work that waits for a paused run is held, and `admitted_by` of what a run let in
_TRIED = (Cause.RETRY, Cause.RESET)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run has come. `pending` waits for its turn, `failed` for another try, `held` for a pause or guard.

    `statuses` are those of the records it let in; `detail` and `state` as stored.
    """

    run_id: str
    state: RunState
    detail: Mapping[str, Any]
    pending: int = 0
    soon: int = 0  # of these what is due by the time asked for
    failed: int = 0
    held: Mapping[str, int] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)

    @property
    def fed(self) -> int:
        """Records let in so far."""
        return int(self.detail.get("fed", 0))

    @property
    def done(self) -> int:
        """Records this run needs no more."""
        return max(0, self.fed + int(self.detail.get("known", 0)) - self.pending - sum(self.held.values()))

    @property
    def total(self) -> int:
        """Records it is about, as counted when it began."""
        return max(int(self.detail.get("total", 0)), self.fed + int(self.detail.get("known", 0)))


def let_in(conn: Connection, run_id: str, keys: Iterable[str], changes: Mapping[str, Any], now: float) -> None:
    """Let records take part and put them to work behind all else, and say how far the run has come: one commit."""
    wanted = list(keys)
    if wanted:
        pair_functions.admit(conn, wanted, f"{OF_RUN}{run_id}")
        work_functions.put(conn, [Due(key, Lane.BACKFILL, Cause.EVENT, now, run_id) for key in wanted], now)
    progress(conn, run_id, changes)


def hold(conn: Connection, run_id: str) -> list[str]:
    """Let what waits for the run wait until it goes on; returns the records."""
    mine = (work.c.run == run_id) & work.c.held.is_(None) & (work.c.lane == int(Lane.BACKFILL))
    keys = list(conn.execute(select(work.c.key).where(mine)).scalars())
    conn.execute(update(work).where(mine).values(held=f"{OF_RUN}{run_id}"))
    return keys


def release(conn: Connection, run_id: str, now: float) -> None:
    """The run goes on: what waited for it is due."""
    resume(conn, run_id)
    work_functions.release(conn, f"{OF_RUN}{run_id}", now)


def standing(conn: Connection, run_id: str, by: float) -> Standing | None:
    """How far a run has come; `soon` counts what is due by then (epoch seconds)."""
    row = conn.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    if row is None:
        return None
    pending = soon = failed = 0
    held: dict[str, int] = {}
    early = func.sum(case((work.c.due_at <= by, 1), else_=0)).label("early")
    query = select(work.c.held, work.c.cause, func.count().label("n"), early).where(work.c.run == run_id)
    for item in conn.execute(query.group_by(work.c.held, work.c.cause)):
        if item.held is not None:
            held[item.held] = held.get(item.held, 0) + item.n
        elif item.cause in _TRIED:
            failed += item.n
        else:
            pending, soon = pending + item.n, soon + item.early
    return Standing(run_id, RunState(row.state), row.detail, pending, soon, failed, held, _statuses(conn, run_id))


def _statuses(conn: Connection, run_id: str) -> dict[str, int]:
    mine = pairs.c.admitted_by == f"{OF_RUN}{run_id}"
    query = select(pairs.c.status, func.count().label("n")).where(mine).group_by(pairs.c.status)
    return {row.status or "new": row.n for row in conn.execute(query)}


def _counted(conn: Connection, row: dict[str, Any]) -> dict[str, Any]:
    written = select(func.count()).where(history.c.run == row["id"], history.c.field.is_not(None))
    return {**row, "waiting": waiting(conn, row["id"]), "changes": int(conn.execute(written).scalar_one())}
