"""Who takes part by itself: what was made after this ledger was first used, or goes on from an earlier installation.

"After" is judged by EspoCRM's own clock, which may be hours away from ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from mappers.spec import Entity
from syncd.context import Context
from syncd.ledger import facts

TIMES_KNOWN = 10_000  # time stamps that have been read; the same ones come again and again
OVERLAP = 60.0  # seconds that are looked at again, for rows committed late
ESPO_TIME = "%Y-%m-%d %H:%M:%S"
THERE = "first_start_espocrm"


def espo_time(text: object) -> float | None:
    """EspoCRM's UTC time stamp as epoch seconds, None where it is none."""
    return _espo_time(text) if isinstance(text, str) else None


@lru_cache(maxsize=TIMES_KNOWN)
def _espo_time(text: str) -> float | None:
    try:
        return datetime.strptime(text, ESPO_TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def in_our_time(text: object, served: float | None, now: float) -> float | None:
    """EspoCRM's time stamp by our clock; `served` is what its own said `now`, None where it did not say."""
    at = espo_time(text)
    return at if at is None or served is None else at + now - served


async def first_start(context: Context, served: float | None = None, default: float = 0.0) -> float:
    """What EspoCRM's clock said when this ledger was first used; `default` if it never was.

    Until `measured` has stored that it is reckoned from `served`, what its clock says now, as far as that is known.
    """
    there = await context.ledger.read(facts.get, THERE)
    if there is not None:
        return float(there)
    ours = await context.ledger.read(facts.get, "first_start")
    if ours is None:
        return default
    return float(ours) + (served - context.clock.now() if served is not None else 0.0)


async def measured(context: Context) -> float:
    """As `first_start`, after asking EspoCRM for its time, once in the life of a ledger."""
    if await context.ledger.read(facts.get, THERE) is None:
        page = await context.espo.list(context.entity.espo_type, select=["id"], max_size=1)
        there = await first_start(context, page.date)
        if page.date is not None and there:
            await context.ledger.write(facts.put, THERE, there)
        return there
    return await first_start(context)


def admitted_by(entity: Entity, body: Mapping[str, Any], first_start: float) -> str | None:
    """Why a record takes part by itself: it is new, or goes on from an earlier installation; else None."""
    created = espo_time(body.get("createdAt"))
    if created is not None and created > first_start - OVERLAP:
        return "created"
    if body.get(entity.link) and body.get(entity.status.last_sync):
        return "linked"
    return None
