"""The application: its parts, and what is in front of all of them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Security
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from syncd import openapi
from syncd.api import asking, errors, looking, machines, upkeep, webhooks
from syncd.api.deps import ApiDeps
from syncd.delivery import MAX_BODY
from syncd.http_limits import Limit, Limited, bearer
from syncd.http_routes import join
from syncd.ui.app import create_pages

WEBHOOK_LIMIT = Limit(MAX_BODY, 8.0)  # EspoCRM gives up after 10 seconds
LIMIT = Limit(64 * 1024, 30.0)
LIVE_LIMIT = Limit(64 * 1024, 86400.0)  # ends with the session
WEBHOOKS = ("/webhooks/", "/vmh/webhook/")


class Shown(JSONResponse):
    """JSON in which half a surrogate pair, as a system may have sent it, shows as a question mark."""

    def render(self, content: Any) -> bytes:
        """The body."""
        told = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return told.encode("utf-8", "replace")


class Api(FastAPI):
    """The application. What stands in `front` of it does not pay for all that FastAPI does around a route."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.front: ASGIApp = super().__call__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        await self.front(scope, receive, send)


def create_api(deps: ApiDeps) -> FastAPI:
    """The application uvicorn serves."""
    api = Api(
        title="syncd",
        version=deps.version,
        description="Keeps EspoCRM and Advoware the same.",
        docs_url=None,  # FastAPI's page loads its scripts from elsewhere
        redoc_url=None,
        default_response_class=Shown,
    )
    api.openapi = lambda: openapi.describe(api)  # type: ignore[method-assign]
    deliveries = webhooks.Deliveries(deps)
    api.front = Limited(webhooks.Express(api.front, deps, deliveries), _limit_of)
    errors.handle(api, deps)
    opened = partial(APIRouter, default_response_class=Shown)
    guarded = partial(opened, dependencies=[Security(openapi.BEARER), Depends(_who(deps))])
    current = partial(guarded, prefix="/api/v1")
    join(
        api.router,
        webhooks.routes(deps, opened, deliveries),
        machines.routes(deps, opened, api),
        looking.routes(deps, current),
        asking.routes(deps, current),
        upkeep.routes(deps, current),
        asking.syncing(deps, guarded),
    )
    if deps.pages is not None:
        api.mount("/ui", create_pages(deps.pages))
        api.add_route("/", lambda _: RedirectResponse("/ui/", 303))
    return api


def _limit_of(path: str) -> Limit:
    if path.startswith(WEBHOOKS):
        return WEBHOOK_LIMIT
    return LIVE_LIMIT if path.startswith("/ui/") and path.endswith("/live") else LIMIT


def _who(deps: ApiDeps) -> Callable[[Request], Awaitable[None]]:
    async def check(request: Request) -> None:
        if not deps.api_token:
            raise HTTPException(403, "the API is switched off: set SYNCD_API_TOKEN")
        if not bearer(request.headers.get("authorization"), deps.api_token):
            raise HTTPException(401, "the bearer token is missing or wrong", {"WWW-Authenticate": "Bearer"})

    return check
