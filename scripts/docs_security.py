"""Prints what docs/SECURITY.md and docs/HTTP.md say of doors, files and tables: from the application itself.

What a route needs is found out by asking it without anything, as a stranger would.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any, cast

import httpx
from fastapi import FastAPI
from structlog.testing import capture_logs

from syncd.api import ApiDeps, create_api
from syncd.app import ENTITIES
from syncd.ledger import privacy, pruning
from syncd.ledger.schema import metadata
from syncd.metrics import Metrics
from syncd.private import STATE_FILES

DAY = 86400.0
# What a stranger is answered: nobody has a token here, so whoever needs one is told that there is none.
NEEDS = {200: "–", 401: "signature", 403: "token"}


@cache
def needed() -> dict[tuple[str, str], str]:
    """What each route asks of its caller, by verb and path."""
    with capture_logs():  # each of them is told as a stranger who was turned away
        return asyncio.run(_asked())


async def _asked() -> dict[tuple[str, str], str]:
    found = {}
    transport = httpx.ASGITransport(bare_api())
    async with httpx.AsyncClient(transport=transport, base_url="http://syncd") as stranger:
        for verb, path, _ in api_routes():
            real = path.format(entity=ENTITIES[0].name, action="update", id="0")
            found[verb, path] = NEEDS[(await stranger.request(verb, real)).status_code]
    return found


def open_routes() -> str:
    """The routes anybody may ask who reaches the port."""
    rows = [f"- `{verb} {path}`: {what}" for verb, path, what in api_routes() if needed()[verb, path] == "–"]
    return "\n".join(rows)


def state_files() -> str:
    """Every file of the state directory."""
    rows = [f"| `{one.name}` | {one.mode:04o} | {one.holds} | {one.until} |" for one in STATE_FILES]
    return "\n".join(["| in the state directory | mode | holds | until |", "|---|---|---|---|", *rows])


def kept() -> str:
    """Every table of the ledger: whether `export` and `erase` take it, and when rows go by themselves."""
    lives = {rule.table.name: _life(rule) for rule in pruning.rules(100 * DAY, 50.0)}
    rows = [
        f"| `{name}` | {table.comment} | {'yes' if name in privacy.tables() else '–'} | {lives.get(name, '–')} |"
        for name, table in sorted(metadata.tables.items())
    ]
    head = ["| table | holds | in `export` and `erase` | rows go by themselves |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _life(rule: pruning.Rule) -> str:
    bounds = {value for value in rule.where.compile().params.values() if isinstance(value, float)}
    (bound,) = bounds
    life = 100 - bound / DAY
    return "settled: after `SYNCD_HISTORY_DAYS`" if life == 50 else f"after {life:g} days"


def api_routes() -> list[tuple[str, str, str]]:
    """Verb, path and first line of what it does, as the application describes itself."""
    return [
        (verb.upper(), path, told.get("description", "").split("\n")[0])
        for path, verbs in bare_api().openapi()["paths"].items()
        for verb, told in verbs.items()
    ]


def bare_api() -> FastAPI:
    """The application with nothing behind it: only its routes are looked at."""
    nothing = cast(Any, None)
    return create_api(
        ApiDeps(
            ledger=nothing,
            ring=nothing,
            entities={entity.name: entity for entity in ENTITIES},
            secrets=nothing,
            readiness=list,
            metrics=Metrics(),
            version="0",
            api_token=nothing,
            now=nothing,
            new_id=nothing,
        )
    )
