"""The stock of records in EspoCRM, page by page in order of id: complete, and to be taken up again anywhere.

Only reads; knows nothing of what is done with a record.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from services.errors import Missing
from syncd.context import Context
from syncd.model import ESPO_ID

log = structlog.get_logger()

PAGE = 200

Rows = Sequence[Mapping[str, Any]]
Where = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Page:
    """Some records in order of id; `last` where none follow."""

    rows: Rows
    last: bool


def named(rows: Rows) -> list[Mapping[str, Any]]:
    """The rows that say whose they are: one that does not must not keep the others waiting."""
    told = [row for row in rows if isinstance(row.get("id"), str) and ESPO_ID.match(row["id"])]
    if len(told) < len(rows):
        log.warning("listing.nameless", count=len(rows) - len(told))
    return told


async def page(context: Context, columns: Sequence[str], where: Where = (), after: str = "") -> Page:
    """The records that follow the id `after`."""
    found = await context.espo.list(
        context.entity.espo_type,
        where=[*([{"type": "greaterThan", "attribute": "id", "value": after}] if after else []), *where],
        select=columns,
        order_by="id",
        max_size=PAGE,
    )
    if not found.rows and not found.last:
        raise Missing("espocrm", "the listing ended before its end", certain=False)
    return Page(found.rows, found.last)


async def pages(context: Context, columns: Sequence[str], where: Where = ()) -> AsyncIterator[Rows]:
    """Every record's columns; raises `PeerError` rather than to end before the end."""
    after = ""
    while True:
        found = await page(context, columns, where, after)
        rows = named(found.rows)
        if rows:
            yield rows
        if not found.last:
            if not rows or rows[-1]["id"] == after:
                raise Missing("espocrm", "the listing does not go on", certain=False)
            after = rows[-1]["id"]
        if found.last:
            return


async def size(context: Context, where: Where = ()) -> int:
    """How many records there are."""
    found = await context.espo.list(context.entity.espo_type, where=where, select=["id"], max_size=1, count="exact")
    return found.total
