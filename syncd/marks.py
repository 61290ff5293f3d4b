"""What a job leaves behind to tell later whether anything is new, and when to look next. Pure but for the clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappers.spec import Side
from syncd.context import Context
from syncd.lanes import Lane
from syncd.ledger.work import Cause, Due
from syncd.load import digest
from syncd.model import Present, Version
from syncd.rounds import interval
from syncd.titles import named

INDEXED = frozenset({"status", "title", "sought"})  # columns of a pair that seldom change
UNSETTLED_SPAN = 2.0  # seconds within which another edit would carry the same time stamp


def espo_marks(context: Context, espo: Present, judged: Present | None = None) -> dict[str, Any]:
    """What tells later whether EspoCRM shows anything new: newer than `judged`, where that is not `espo` itself."""
    marks: dict[str, Any] = {
        "espo_digest": digest(context.entity, Side.ESPO, judged or espo),
        "status": _kept(espo.body.get(context.entity.status.status)),
        "seen_token": espo.version.token,
        **named(context.entity, espo.body),
    }
    if _is_old(espo):
        marks["settled_token"] = espo.version.token
    return marks


def news(row: Mapping[str, Any], pair: Mapping[str, Any]) -> dict[str, Any]:
    """What of these columns is new, of those that indexes hold: writing the same again would cost them as much."""
    return {name: value for name, value in pair.items() if name not in INDEXED or row[name] != value}


def is_as_left(context: Context, row: Mapping[str, Any], espo: Present) -> bool:
    """Whether EspoCRM shows just what the last job left there, its status apart."""
    return bool(digest(context.entity, Side.ESPO, espo) == row["espo_digest"])


def late_look(context: Context, key: str, espo: Present, *, wrote: bool) -> Due | None:
    """A second look at EspoCRM where another edit could hide behind the same time stamp."""
    if not wrote and _is_old(espo):
        return None
    return Due(key, Lane.LATE, Cause.LATE, context.clock.now() + context.settings.late_after)


def _kept(status: object) -> str | None:
    """What a person or a formula has left as the status, as far as the ledger has room for it."""
    return status[:24] if isinstance(status, str) and status.isprintable() else None


def _is_old(espo: Present) -> bool:
    if espo.served_at is None or espo.version.changed_at is None:
        return False
    return espo.served_at - espo.version.changed_at >= UNSETTLED_SPAN


def interval_now(context: Context, row: Mapping[str, Any], *sides: Version, changed: bool = False) -> float:
    """Seconds between looks: the fewer, the later anybody changed the record, as far as we know.

    `sides`: as they were just seen; what they tell of a change to come is a wrong clock, and not believed.
    """
    now, settings = context.clock.now(), context.settings
    told = [version.changed_at for version in sides if version.changed_at is not None]
    last = now if changed else max(one for one in (0.0, row["changed_at"], *told) if one <= now)
    return interval(now - last, settings.sweep_min, settings.sweep_max)


def next_look(context: Context, row: Mapping[str, Any], *sides: Version, changed: bool) -> dict[str, Any]:
    """When to look round in Advoware next."""
    if context.entity.child is not None:  # whoever looks at its parent sees it
        return {}
    every = interval_now(context, row, *sides, changed=changed)
    return {"check_every": every, "next_check_at": context.clock.now() + every * (0.9 + 0.1 * context.jitter())}
