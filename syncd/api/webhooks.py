"""The doors EspoCRM's webhooks come through."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Security
from fastapi.responses import JSONResponse, Response
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from mappers.spec import Entity
from syncd import openapi
from syncd.api.bodies import Action
from syncd.api.deps import ApiDeps
from syncd.commands import NotKnown
from syncd.http_limits import refuse
from syncd.intake import ACTIONS, Answer, Rejected

log = structlog.get_logger()


def routes(deps: ApiDeps) -> APIRouter:
    """Signed deliveries, under today's address and the older one."""
    router = APIRouter(tags=["webhooks"], responses=openapi.WEBHOOK_ANSWERS, dependencies=[Security(openapi.SIGNATURE)])

    async def receive(request: Request, entity: Entity, action: str) -> Response:
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

    @router.post("/webhooks/espocrm/{entity}/{action}", openapi_extra=openapi.DELIVERY)
    async def webhook(request: Request, entity: str, action: Action) -> Response:
        """What EspoCRM sends: a JSON array of objects with `id`, signed."""
        return await receive(request, deps.desk.entity(entity), _action(action))

    @router.post("/vmh/webhook/beteiligte/{action}", openapi_extra=openapi.DELIVERY)
    async def older_webhook(request: Request, action: Action) -> Response:
        """The same under the address older installations have registered."""
        return await receive(request, deps.desk.entity("beteiligte"), _action(action))

    return router


def _action(action: str) -> str:
    if action not in ACTIONS:
        raise NotKnown(f"no such action; there is {', '.join(ACTIONS)}")
    return action
