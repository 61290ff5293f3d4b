"""The doors EspoCRM's webhooks come through."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Security
from fastapi.responses import JSONResponse, Response
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from mappers.spec import Entity
from syncd import openapi
from syncd.api.bodies import Action
from syncd.api.deps import ApiDeps
from syncd.commands import NotKnown
from syncd.http_limits import refuse
from syncd.intake import ACTIONS, Answer, Rejected

log = structlog.get_logger()

ADDRESS, OLDER_ADDRESS, OLDER = "/webhooks/espocrm", "/vmh/webhook/beteiligte", "beteiligte"


class Express:
    """ASGI: takes deliveries in at once. All that stands before a route costs four times what taking one in does.

    What names no entity or action of ours goes on to the routes, which say so.
    """

    def __init__(self, app: ASGIApp, deps: ApiDeps) -> None:
        self._app = app
        self._deps = deps
        self._known = {
            **{f"{ADDRESS}/{one.name}/{action}": (one, action) for one in deps.entities.values() for action in ACTIONS},
            **{f"{OLDER_ADDRESS}/{action}": (deps.entities[OLDER], action) for action in ACTIONS},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        known = self._known.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if known is None:
            await self._app(scope, receive, send)
            return
        try:
            response = await deliver(self._deps, Request(scope, receive), *known)
        except HTTPException as error:
            response = refuse(error.status_code, str(error.detail), **dict(error.headers or {}))
        await response(scope, receive, send)


async def deliver(deps: ApiDeps, request: Request, entity: Entity, action: str) -> Response:
    """Take in one delivery. Raises HTTPException for a body that grows too large."""
    try:
        signed, secrets = await deps.intake.known(request.headers)
        body = await request.body()
        keys = await deps.intake.take(entity, action, body, signed, secrets)
    except Rejected as rejected:
        deps.metrics.webhook(rejected.answer)
        log.warning("webhook.refused", entity=entity.name, action=action, outcome=rejected.answer)
        return refuse(rejected.status, rejected.text)
    except HTTPException:  # the body grew over the limit while it was read
        deps.metrics.webhook(Answer.TOO_LARGE)
        raise
    deps.metrics.webhook(Answer.RECEIVED, len(keys))
    log.info("webhook.received", entity=entity.name, action=action, webhook=signed.webhook_id, count=len(keys))
    answer = {
        "status": "received",
        "action": action,
        "new_ids_count": len(set(keys)),
        "total_ids_in_batch": len(keys),
    }
    return JSONResponse(answer, background=BackgroundTask(deps.intake.tell, keys))


def routes(deps: ApiDeps) -> APIRouter:
    """Signed deliveries, under today's address and the older one, for those who read what there is."""
    router = APIRouter(tags=["webhooks"], responses=openapi.WEBHOOK_ANSWERS, dependencies=[Security(openapi.SIGNATURE)])

    @router.post(ADDRESS + "/{entity}/{action}", openapi_extra=openapi.DELIVERY)
    async def webhook(request: Request, entity: str, action: Action) -> Response:
        """What EspoCRM sends: a JSON array of objects with `id`, signed."""
        return await deliver(deps, request, deps.desk.entity(entity), _action(action))

    @router.post(OLDER_ADDRESS + "/{action}", openapi_extra=openapi.DELIVERY)
    async def older_webhook(request: Request, action: Action) -> Response:
        """The same under the address older installations have registered."""
        return await deliver(deps, request, deps.desk.entity(OLDER), _action(action))

    return router


def _action(action: str) -> str:
    if action not in ACTIONS:
        raise NotKnown(f"no such action; there is {', '.join(ACTIONS)}")
    return action
