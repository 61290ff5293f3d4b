"""Finding what may differ: asking EspoCRM what changed, looking round in Advoware, complete listings.

Only puts keys to work. Webhooks may be late, lost or doubled; everything here finds the same
records again by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import structlog

from services.errors import Missing
from services.ports import Urgency, lane
from syncd import stock
from syncd.admission import OVERLAP, admitted_by, espo_time, first_start, in_our_time, measured
from syncd.context import Context
from syncd.lanes import Lane
from syncd.ledger import facts, pairs, rounds, work
from syncd.ledger.work import Cause, Due
from syncd.model import Key, PairState, Status
from syncd.projection import espo_text

log = structlog.get_logger()

PAGE = 200
MAX_PAGES = 500
SECOND = 1.0  # EspoCRM's times tell no less: of what was edited within one, parents come before their children
LOOK_AFTER = 10  # pages of a long list, after which comes a look at what changed last
STATUS_PAGES = 5
SWEEP_LOST = 4.0  # minimum sweep times after which a look round that got lost is due again
IN_DOUBT = (Status.PENDING_SYNC, Status.DIRTY, Status.SYNCING)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The rows of a list that say whose they are, EspoCRM's clock (epoch seconds), and whether none follow."""

    rows: Sequence[Mapping[str, Any]]
    served: float | None
    last: bool

    def latest(self, known: float) -> float:
        """The greatest time stamp of them and of what is known."""
        return max([known, *(espo_time(row.get("modifiedAt")) or 0.0 for row in self.rows)])


async def poll(context: Context) -> AsyncIterator[int]:
    """Ask EspoCRM what changed since the watermark, and who waits; yields how many keys were put to work, by and by.

    What changed last is asked for first, and now and then while a long list is gone through: what somebody types after
    an outage waits for no page of what has piled up.
    """
    name = f"watermark:{context.entity.name}"
    began = await measured(context)
    watermark = await context.ledger.read(facts.get, name, began - OVERLAP)
    since = espo_text(watermark)
    newest = await _changed(context, since, order="desc")
    yield await _consider(context, newest, began)
    greatest = newest.latest(watermark) if newest.last else watermark
    if not newest.last:
        found = 0
        async for number, answer in _all_changed(context, since):
            found += await _consider(context, answer, began)
            greatest = answer.latest(greatest)
            if number % LOOK_AFTER == 0 and not answer.last:
                yield found + await _consider(context, await _changed(context, since, order="desc"), began)
                found = 0
        yield found
    reached = min(greatest, newest.served if newest.served is not None else context.clock.now()) - OVERLAP
    if reached > watermark:
        await context.ledger.write(facts.put, name, reached)
    if context.entity.child is None:  # what waits for a child is in the ledger; a call each time would be for nothing
        yield await _poll_waiting(context, began)


async def _all_changed(context: Context, since: str) -> AsyncIterator[tuple[int, _Answer]]:
    """Numbered pages from `since` on, by (modifiedAt, id): what changes meanwhile comes once more, at the end."""
    after: tuple[str, str] | None = None
    for number in range(1, MAX_PAGES + 1):
        answer = await _changed(context, since, after)
        yield number, answer
        rows = answer.rows
        timed = [(row["modifiedAt"], row["id"]) for row in rows if espo_time(row.get("modifiedAt")) is not None]
        if answer.last or not timed or timed[-1] == after:
            return
        after = timed[-1]


async def _changed(
    context: Context, since: str, after: tuple[str, str] | None = None, order: Literal["asc", "desc"] = "asc"
) -> _Answer:
    return await _listed(context, [_since(since, after)], order)


async def _poll_waiting(context: Context, began: float) -> int:
    """Records whose status asks for work, whatever their time stamp says; returns how many keys were put to work."""
    entity, found = context.entity, 0
    takes_part: dict[str, Any] = {
        "type": "or",
        "value": [
            {"type": "after", "attribute": "createdAt", "value": espo_text(began - OVERLAP)},
            {"type": "isNotNull", "attribute": entity.status.last_sync},
        ],
    }
    waiting = {"type": "in", "attribute": entity.status.status, "value": [str(status) for status in IN_DOUBT]}
    for number in range(STATUS_PAGES):
        answer = await _listed(context, [waiting, takes_part], offset=number * PAGE)
        found += await _consider(context, answer, began)
        if answer.last:
            break
    return found


async def _listed(
    context: Context, where: Sequence[Mapping[str, Any]], order: Literal["asc", "desc"] = "asc", offset: int = 0
) -> _Answer:
    page = await context.espo.list(
        context.entity.espo_type,
        where=[*where, *context.settings.espo_filter],
        select=_columns(context),
        order_by="modifiedAt",
        order=order,
        max_size=PAGE,
        offset=offset,
    )
    return _Answer(stock.named(page.rows), page.date, page.last or not page.rows)


async def _consider(context: Context, answer: _Answer, began: float) -> int:
    return await consider(context, answer.rows, began, served=answer.served)


def _since(text: str, after: tuple[str, str] | None) -> dict[str, Any]:
    """Keyset condition over (modifiedAt, id)."""
    if after is None:
        return {"type": "greaterThanOrEquals", "attribute": "modifiedAt", "value": text}
    at, record_id = after
    same = [
        {"type": "equals", "attribute": "modifiedAt", "value": at},
        {"type": "greaterThan", "attribute": "id", "value": record_id},
    ]
    later = {"type": "greaterThan", "attribute": "modifiedAt", "value": at}
    return {"type": "or", "value": [later, {"type": "and", "value": same}]}


def _columns(context: Context) -> list[str]:
    names, child = context.entity.status, context.entity.child
    wanted = ["id", "modifiedAt", "createdAt", context.entity.link, names.status, names.last_sync]
    return [name for name in [*wanted, child.espo if child is not None else ""] if name]


async def consider(
    context: Context,
    rows: Sequence[Mapping[str, Any]],
    began: float,
    into: Lane = Lane.LIVE,
    served: float | None = None,
) -> int:
    """Put those listed records to work of which the ledger does not know that it has seen them so.

    Edits are due since they were made, if it is known what EspoCRM's clock says now (`served`).
    """
    keys = {str(Key(context.entity.name, row["id"])): row for row in rows}
    if not keys:
        return 0
    known = await context.ledger.read(pairs.get_many, keys)
    waiting = await context.ledger.read(work.waiting_events, list(keys))
    parents = await _parents(context, rows)
    child = context.entity.child
    now, due = context.clock.now(), list[Due]()
    new: dict[str, str | None] = {}  # key -> its parent's
    for key, row in keys.items():
        pair = known.get(key)
        if pair is None or pair["admitted_by"] is None:
            if _admitted_by(context, row, began, parents) is None:
                continue
            new[key] = None if child is None else Key.of_parent(child, row)
        elif not _is_news(context, pair, row, now) or (key in waiting and pair["claimed_by"] is None):
            continue
        due.append(Due(key, into, Cause.EVENT, _since_when(context, pair, row, served, now)))
    if new:
        await context.ledger.write(pairs.admit, new, "created", new)
    if due:
        await context.ledger.write(work.put, due, now)
    return len(due)


async def _parents(context: Context, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Which of the records that these belong to take part."""
    child = context.entity.child
    if child is None:
        return set()
    keys = {Key.of_parent(child, row) for row in rows}
    found = await context.ledger.read(pairs.get_many, [key for key in keys if key])
    return {key for key, row in found.items() if row["admitted_by"] is not None}


def _admitted_by(context: Context, row: Mapping[str, Any], began: float, parents: set[str]) -> str | None:
    """Why a record takes part by itself; a child does with its parent."""
    child = context.entity.child
    if child is None:
        return admitted_by(context.entity, row, began)
    return "parent" if Key.of_parent(child, row) in parents else None


def _since_when(
    context: Context, pair: Mapping[str, Any] | None, row: Mapping[str, Any], served: float | None, now: float
) -> float:
    """Since when an edit waits, by our clock; now, where that is unknown or the news is none of an edit."""
    if served is None or (pair is not None and not _is_edited(pair, row)):
        return now
    made = in_our_time(row.get("modifiedAt"), served, now)
    return now if made is None else min(now, made if context.entity.child is None else made + SECOND)


def _is_edited(pair: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return row.get("modifiedAt") not in (pair["settled_token"], pair["seen_token"])


def _is_news(context: Context, pair: Mapping[str, Any], row: Mapping[str, Any], now: float) -> bool:
    if pair["state"] == PairState.EXCLUDED:
        return False
    if pair["state"] == PairState.TOMBSTONE:
        return True
    child = context.entity.child
    if child is not None and Key.of_parent(child, row) != (pair["parent"] or ""):
        return True  # linking leaves the time stamp as it is
    if _is_edited(pair, row):
        return True
    # The stamp is known. A second edit within it is found by the late look, which is due already.
    stuck = row.get(context.entity.status.status) == Status.SYNCING and pair["claimed_until"] < now
    return stuck and pair["owed"] is None and pair["next_try_at"] is None


async def sweep(context: Context, most: int) -> int:
    """Put the pairs of all entities to work whose turn it is to be looked at in Advoware."""
    now, settings = context.clock.now(), context.settings
    # What a dry run has not linked is looked at nevertheless: its plan may be another one by now.
    lost_after = settings.sweep_min * SWEEP_LOST
    return len(await context.ledger.write(rounds.take_due, now, most, settings.sweep_max, lost_after))


async def full_pass(context: Context) -> int:
    """Compare the complete listing of EspoCRM with the ledger: deleted, restored, re-linked, overlooked records."""
    with lane(Urgency.BACKGROUND):
        listed = await everything(context)
    known = await context.ledger.read(pairs.of_entity, context.entity.name)
    living = [espo_id for espo_id, (state, _) in known.items() if state != PairState.TOMBSTONE]
    if not listed and living:
        log.warning("full_pass.empty", known=len(living))
        return 0
    # Linking and unlinking a child tells nobody: each is considered.
    overlooked = list(listed.values()) if context.entity.child is not None else _overlooked(listed, known)
    found, began = 0, await first_start(context)
    for start in range(0, len(overlooked), PAGE):
        found += await consider(context, overlooked[start : start + PAGE], began, Lane.BACKFILL)
    gone = [espo_id for espo_id in living if espo_id not in listed]
    for espo_id in gone:
        if await _is_deleted(context, espo_id):
            key = str(Key(context.entity.name, espo_id))
            await context.ledger.write(pairs.change, key, {"deletion_confirmed": True})
            now = context.clock.now()
            await context.ledger.write(work.put, [Due(key, Lane.RETRY, Cause.EVENT, now)], now)
            found += 1
    return found


async def everything(context: Context, where: Sequence[Mapping[str, Any]] = ()) -> dict[str, Mapping[str, Any]]:
    """Every record's id, link and status by id, page by page; only a listing that reached its end is returned."""
    return {row["id"]: row async for rows in stock.pages(context, _columns(context), where) for row in rows}


def _overlooked(
    listed: Mapping[str, Mapping[str, Any]], known: Mapping[str, tuple[str, str | None]]
) -> list[Mapping[str, Any]]:
    """Records that were restored, whose creation no poll or webhook told, or that an earlier installation left."""
    restored = [row for espo_id, row in listed.items() if known.get(espo_id, ("", ""))[0] == PairState.TOMBSTONE]
    return restored + [row for espo_id, row in listed.items() if espo_id not in known]


async def _is_deleted(context: Context, espo_id: str) -> bool:
    try:
        await context.espo.read(context.entity.espo_type, espo_id)
    except Missing as error:
        return error.certain
    return False
