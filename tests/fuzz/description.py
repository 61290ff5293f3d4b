"""The doors over a ledger that knows a little of everything, for those who ask by our own OpenAPI description."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Side
from syncd.api import ApiDeps, create_api
from syncd.delivery import hex_proof
from syncd.intake import secrets_of
from syncd.ledger import journal, pairs, people
from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.store import Inline, Ledger
from syncd.metrics import Metrics
from syncd.queue import Waiting
from tests.ready import ready_ledger

NOW = 1_800_000_000.0
TOKEN = "geheim-api-token"
WEBHOOK, SECRET = "6b0016d5a83d8d17e", "geheim0123456789abcdef0123456789"
KEY = "beteiligte/65f0a1b2c3d4e5f67"
SIGN_ME = "sign this for me"


def open_ledger(directory: Path) -> Ledger:
    """A real file with a pair, its history and a conflict."""
    ledger = Ledger(Inline(connect(sqlite_url(ready_ledger(directory)))))
    asyncio.run(_fill(ledger))
    return ledger


async def _fill(ledger: Ledger) -> None:
    author = journal.Author("0123456789abcdef0123456789abcdef")
    await ledger.write(pairs.admit, [KEY], "linked")
    await ledger.write(pairs.change, KEY, {"advoware_id": 7, "state": "linked", "status": "clean"})
    await ledger.write(journal.record, KEY, author, "sync", NOW, Side.ADVOWARE, {"name": ("Alt", "Neu")})
    await ledger.write(journal.put_bases, KEY, {"name": ("Neu", "Neu", "rule")})
    values = {"espo": "Neu", "advoware": "Anders", "base": None, "opened_at": NOW}
    await ledger.write(people.raise_conflict, "c1", KEY, "name", "manual", values)


def open_doors(ledger: Ledger, api_token: str = TOKEN) -> ASGIApp:
    """The application over it."""

    async def ring(_: Iterable[Waiting]) -> None:
        """Nobody listens."""

    deps = ApiDeps(
        ledger=ledger,
        ring=ring,
        entities={BETEILIGTE.name: BETEILIGTE},
        secrets=secrets_of({WEBHOOK: SECRET}, ledger),
        readiness=list,
        metrics=Metrics(),
        version="9.9.9",
        api_token=api_token,
        now=lambda: NOW,
        new_id=lambda: "f" * 32,
    )
    return create_api(deps)


def signature(body: bytes, secret: str = SECRET, webhook: str = WEBHOOK) -> str:
    """The header EspoCRM would send."""
    return base64.b64encode(webhook.encode() + b":" + hex_proof(secret.encode(), body)).decode()


class Signing:
    """ASGI: gives a request that asks for it the signature of its body, whatever the body is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        if headers.get(b"signature") != SIGN_ME.encode():
            await self.app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        signed = [(name, value) for name, value in scope["headers"] if name != b"signature"]
        scope["headers"] = [*signed, (b"signature", signature(body).encode())]

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)
