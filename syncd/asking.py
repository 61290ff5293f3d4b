"""What both systems say of one record now, for the pages and the API. Reads only, as a job would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.context import Context
from syncd.ledger import pairs
from syncd.rehearsal import both_sides, document, rehearse
from syncd.sides import Sides, look


async def preview(contexts: Mapping[str, Context], key: str, language: str | None = None) -> dict[str, Any]:
    """What would be done with a record now, told in a language or in the configured one. Raises `PeerError`."""
    context = contexts[key.partition("/")[0]]
    return document(context.entity, await rehearse(context, key), language or context.settings.language)


async def each_side(contexts: Mapping[str, Context], key: str) -> Sides:
    """What both sides show of a record now, each by itself: a side that does not answer is told as such."""
    return await look(contexts[key.partition("/")[0]], key)


async def sides(contexts: Mapping[str, Context], key: str) -> dict[str, Any]:
    """What both sides show of a record now: `now` by side and field, and the `entries` of lists. Raises `PeerError`."""
    context = contexts[key.partition("/")[0]]
    row = await context.ledger.read(pairs.get, key)
    shown = await both_sides(context, key, None if row is None else row["advoware_id"])
    return {"key": key, "now": shown.fields, "entries": shown.entries}
