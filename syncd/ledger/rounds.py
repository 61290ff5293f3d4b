"""Looking round in Advoware: whose look is due. One question per interval in use, each answered by the index."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, exists, func, select, update

from syncd import rounds
from syncd.lanes import Lane
from syncd.ledger.schema import pairs, work
from syncd.ledger.sql import given, listed, one_of
from syncd.ledger.work import Cause, Due
from syncd.ledger.work import put as put_work
from syncd.model import PairState
from syncd.rounds import Turn

LOOKED_AT = (PairState.LINKED, PairState.GONE, PairState.NEW)  # from time to time; a new one may wait for a person
AT_LEAST = 1.0  # seconds an interval counts for, whatever is stored

_LOOKED_AT = one_of(pairs.c.state, LOOKED_AT)
_INTERVAL = select(func.min(pairs.c.check_every)).where(
    pairs.c.check_every > given("beyond"), pairs.c.next_check_at.is_not(None)
)
_FIRST = (
    select(pairs.c.key, pairs.c.next_check_at)
    .where(pairs.c.check_every == given("every"), pairs.c.next_check_at <= given("now"), _LOOKED_AT)
    .where(~exists().where(work.c.key == pairs.c.key))
    .order_by(pairs.c.next_check_at)
    .limit(given("most"))
)
_TAKEN = (
    update(pairs)
    .where(pairs.c.key.in_(listed("keys")), pairs.c.next_check_at <= given("now"))
    .values(next_check_at=given("again"))
    .returning(pairs.c.key)
)
_WAITING = select(func.count()).where(work.c.held.is_(None), work.c.lane == int(Lane.SWEEP))


def take_due(conn: Connection, now: float, most: int, longest: float, lost_after: float) -> list[str]:
    """Put the records to work whose turn it is to be looked at; returns their keys.

    A record that waits for another look is passed over until that is done: two looks in one would be half of each.
    What was put to work before and still waits counts: the calls go to somebody more urgent now. A look that gets
    lost is due again `lost_after` seconds later. Of two daemons that ask at once each gets other records.
    """
    room = min(most, 2 * most - int(conn.execute(_WAITING).scalar_one()))
    if room <= 0:
        return []
    waiting = [turn for every in _intervals(conn) for turn in _first(conn, every, now, room)]
    keys = [turn.key for turn in rounds.chosen(waiting, now, room, longest)]
    if not keys:
        return []
    taken = set(conn.execute(_TAKEN, {"keys": sorted(keys), "now": now, "again": now + lost_after}).scalars())
    put_work(conn, [Due(key, Lane.SWEEP, Cause.SWEEP, now) for key in keys if key in taken], now)
    return [key for key in keys if key in taken]


def oldest(conn: Connection, now: float) -> float:
    """How long ago the record that was looked at longest ago was looked at, of those whose look is due; 0: none is."""
    first = [turn for every in _intervals(conn) for turn in _first(conn, every, now, 1)]
    return max((turn.since(now) for turn in first), default=0.0)


def _intervals(conn: Connection) -> Iterator[float]:
    """The few intervals there are, each found by a step in the index."""
    beyond = -1.0
    while (every := conn.execute(_INTERVAL, {"beyond": beyond}).scalar_one()) is not None:
        yield every
        beyond = every


def _first(conn: Connection, every: float, now: float, most: int) -> list[Turn]:
    rows = conn.execute(_FIRST, {"every": every, "now": now, "most": most})
    return [Turn(row.key, max(every, AT_LEAST), row.next_check_at) for row in rows]
