"""What becomes of errors: one line each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from services.errors import PeerError
from syncd.api.deps import ApiDeps
from syncd.commands import NotKnown, Refusal
from syncd.http_limits import refuse
from syncd.ledger.store import LedgerUnavailable
from syncd.redis_client import RedisUnavailable

log = structlog.get_logger()


def handle(api: FastAPI, deps: ApiDeps) -> None:
    """Every error as one line; what was sent is never repeated."""

    @api.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        return refuse(error.status_code, str(error.detail), **dict(error.headers or {}))

    @api.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        wrong = [
            f"{'.'.join(str(part) for part in item['loc'][1:] if isinstance(part, str | int))}: {item['msg']}"
            for item in error.errors()[:5]
            if item["type"] not in ("json_invalid", "extra_forbidden")
        ]
        return refuse(400, "; ".join(wrong) or "the body is not JSON of the expected form")

    @api.exception_handler(Refusal)
    async def refusal(_: Request, error: Refusal) -> Response:
        return refuse(404 if isinstance(error, NotKnown) else 409, str(error))

    @api.exception_handler(PeerError)
    async def peer(_: Request, error: PeerError) -> Response:
        return refuse(503, f"{error.side}: {error.reason}")

    @api.exception_handler(LedgerUnavailable)
    async def ledger(_: Request, error: LedgerUnavailable) -> Response:
        return refuse(503, "the ledger is not available")

    @api.exception_handler(RedisUnavailable)
    async def redis(_: Request, error: RedisUnavailable) -> Response:
        return refuse(503, "Redis is not available")

    api.exception_handler(Exception)(bug(deps))


def bug(deps: ApiDeps) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What becomes of an error nobody thought of."""

    async def told(_: Request, error: Exception) -> Response:
        reference = deps.new_id()[:12]
        log.error("api.bug", reference=reference, exc_info=error)
        return refuse(500, f"internal error {reference}, see the log")

    return told
