"""Putting in order what processes that died, and people, have left: locks, records stuck in `syncing`, double links.

Changes a record only by putting it to work. Safe beside a running daemon: what somebody holds is left to him.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.ports import Urgency, lane
from syncd.context import Context
from syncd.discovery import everything
from syncd.lanes import Lane
from syncd.ledger import locks, pairs, work
from syncd.ledger.check import Finding, find, integrity, mend, shape
from syncd.ledger.store import Ledger
from syncd.ledger.work import Cause, Due
from syncd.model import Key, PairState, Status
from syncd.queue import Queue

OUT = (PairState.EXCLUDED, PairState.TOMBSTONE)


# --- locks ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lock:
    """A right to work on a record that has run out: a `lease` in Redis or a `claim` in the ledger."""

    kind: str
    key: str
    owner: str
    ended_at: float


async def stale_locks(queue: Queue, ledger: Ledger, now: float) -> list[Lock]:
    """Locks that have run out, so that their process is dead or stuck."""
    running = (await queue.stats()).running
    leases = [Lock("lease", one.key, one.owner, one.ends_at) for one in running if one.ends_at < now]
    rows = await ledger.read(locks.run_out, now)
    return leases + [Lock("claim", row["key"], row["claimed_by"], row["claimed_until"]) for row in rows]


async def end_stale_locks(queue: Queue, ledger: Ledger, now: float) -> tuple[int, int]:
    """End them; each record is looked at again. Returns how many leases and claims were ended."""
    claims = await ledger.write(locks.end_run_out, now)
    return len(await queue.reclaim()), len(claims)


# --- records that show `syncing` ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stuck:
    """A record that shows `syncing` in EspoCRM. `due`: the work that puts it right, None where nobody may."""

    key: str
    why: str
    due: Due | None


async def stuck(context: Context) -> list[Stuck]:
    """Every record that shows `syncing` though nobody works on it, by key. Raises `PeerError`."""
    shows = {"type": "equals", "attribute": context.entity.status.status, "value": str(Status.SYNCING)}
    with lane(Urgency.BACKGROUND):
        rows = await everything(context, [shows])
    keys = [str(Key(context.entity.name, espo_id)) for espo_id in sorted(rows)]
    known = await context.ledger.read(pairs.get_many, keys)
    now = context.clock.now()
    return [one for key in keys if (one := _judged(key, known.get(key), now)) is not None]


def _judged(key: str, row: dict[str, object] | None, now: float) -> Stuck | None:
    if row is None or row["admitted_by"] is None:
        return Stuck(key, "does not take part: correct it in EspoCRM, or let it in with `syncd sync`", None)
    if row["state"] in OUT:
        return Stuck(key, f"is {row['state']}: correct it in EspoCRM, or `syncd include` it", None)
    if float(str(row["claimed_until"])) >= now:
        return None
    if row["owed"] is not None:
        return Stuck(key, "another status is owed to EspoCRM", Due(key, Lane.RETRY, Cause.PROJECT, now))
    if row["next_try_at"] is not None:
        return Stuck(key, "a retry is due", Due(key, Lane.RETRY, Cause.RETRY, now))
    return Stuck(key, "the process that worked on it died", Due(key, Lane.RETRY, Cause.EVENT, now))


async def free(context: Context, found: Sequence[Stuck]) -> int:
    """Put them to work; a job reads both sides and writes the right status. Returns how many."""
    due = [one.due for one in found if one.due is not None]
    await context.ledger.write(work.put, due, context.clock.now())
    return len(due)


# --- the ledger -------------------------------------------------------------------------------


async def defects(ledger: Ledger, entities: Collection[str], now: float) -> list[Finding]:
    """What is wrong in the ledger; of a damaged or foreign one only that."""
    found = [*await ledger.read(integrity), *await ledger.read(shape)]
    return found or await ledger.read(find, entities, now)


async def mended(ledger: Ledger, entities: Collection[str], now: float) -> list[Finding]:
    """Put right what can be; returns what was."""
    return await ledger.write(mend, entities, now)


async def linked_twice(context: Context) -> list[Finding]:
    """Records of EspoCRM that carry the same number. Raises `PeerError`."""
    link = context.entity.link
    if not link:
        return []
    with lane(Urgency.BACKGROUND):
        rows = await everything(context, [{"type": "isNotNull", "attribute": link}])
    holders: dict[int, list[str]] = {}
    for espo_id, row in sorted(rows.items()):
        holders.setdefault(int(row[link]), []).append(str(Key(context.entity.name, espo_id)))
    return [
        Finding("linked_twice", key, f"{link} {number} also at {_others(keys, key)}: remove it where it is a copy")
        for number, keys in sorted(holders.items())
        if len(keys) > 1
        for key in keys
    ]


def _others(keys: Sequence[str], but: str) -> str:
    return ", ".join(key for key in keys if key != but)
