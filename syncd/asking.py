"""What both systems say of one record now, for the pages and the API. Reads only, as a job would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.context import Context
from syncd.ledger import pairs
from syncd.rehearsal import both_sides, document, rehearse


async def preview(contexts: Mapping[str, Context], key: str) -> dict[str, Any]:
    """What would be done with a record now. Raises `PeerError`."""
    context = contexts[key.partition("/")[0]]
    return document(context.entity, await rehearse(context, key), context.settings.language)


async def sides(contexts: Mapping[str, Context], key: str) -> dict[str, Any]:
    """What both sides show of a record now: `now` by side and field, and the `entries` of lists. Raises `PeerError`."""
    context = contexts[key.partition("/")[0]]
    row = await context.ledger.read(pairs.get, key)
    shown = await both_sides(context, key, None if row is None else row["advoware_id"])
    return {"key": key, "now": shown.fields, "entries": shown.entries}
