"""The doors EspoCRM's webhooks come through."""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog
from fastapi import APIRouter, Request, Security
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from mappers.spec import Entity
from syncd import openapi
from syncd.api.bodies import Action
from syncd.api.deps import ApiDeps, Make
from syncd.api.errors import bug
from syncd.commands import NotKnown
from syncd.delivery import ACTIONS, Answer, Rejected
from syncd.http_limits import refuse

log = structlog.get_logger()

_ANSWER = b'{"status":"received","action":"%b","new_ids_count":%d,"total_ids_in_batch":%d}'
ADDRESS, OLDER_ADDRESS, OLDER = "/webhooks/espocrm", "/vmh/webhook/beteiligte", "beteiligte"


class Deliveries:
    """Takes deliveries in. Those answered in the same turn of the loop are told in one line for each webhook."""

    def __init__(self, deps: ApiDeps) -> None:
        self._intake = deps.intake
        self._metrics = deps.metrics
        self._untold: Counter[tuple[str, str, str]] = Counter()  # deliveries by entity, action, webhook
        self._events: Counter[tuple[str, str, str]] = Counter()

    async def take(self, request: Request, entity: Entity, action: str) -> Response:
        """Take in one delivery. Raises HTTPException for a body that grows too large."""
        try:
            signed, secrets = await self._intake.known(request.headers)
            body = await request.body()
            keys = await self._intake.take(entity, action, body, signed, secrets)
        except Rejected as rejected:
            self._metrics.webhook(rejected.answer)
            log.warning("webhook.refused", entity=entity.name, action=action, outcome=rejected.answer)
            return refuse(rejected.status, rejected.text)
        except HTTPException:  # the body grew over the limit while it was read
            self._metrics.webhook(Answer.TOO_LARGE)
            raise
        if not self._untold:
            asyncio.get_running_loop().call_soon(self._tell)
        told = entity.name, action, signed.webhook_id
        self._untold[told] += 1
        self._events[told] += len(keys)
        return Response(_ANSWER % (action.encode(), len(set(keys)), len(keys)), media_type="application/json")

    def _tell(self) -> None:
        for told, deliveries in self._untold.items():
            entity, action, webhook = told
            count = self._events[told]
            self._metrics.webhook(Answer.RECEIVED, count, deliveries)
            log.info(
                "webhook.received", entity=entity, action=action, webhook=webhook, count=count, deliveries=deliveries
            )
        self._untold.clear()
        self._events.clear()


class Express:
    """ASGI: takes deliveries in at once. All that stands before a route costs four times what taking one in does.

    What names no entity or action of ours goes on to the routes, which say so.
    """

    def __init__(self, app: ASGIApp, deps: ApiDeps, deliveries: Deliveries) -> None:
        self._app = app
        self._own = ServerErrorMiddleware(self._answer, bug(deps))
        self._deliveries = deliveries
        self._known = {
            **{f"{ADDRESS}/{one.name}/{action}": (one, action) for one in deps.entities.values() for action in ACTIONS},
            **{f"{OLDER_ADDRESS}/{action}": (deps.entities[OLDER], action) for action in ACTIONS},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in self._known:
            await self._own(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._deliveries.take(Request(scope, receive), *self._known[scope["path"]])
        except HTTPException as error:
            response = refuse(error.status_code, str(error.detail), **dict(error.headers or {}))
        await response(scope, receive, send)


def routes(deps: ApiDeps, make: Make, deliveries: Deliveries) -> APIRouter:
    """Signed deliveries, under today's address and the older one, for those who read what there is."""
    router = make(tags=["webhooks"], responses=openapi.WEBHOOK_ANSWERS, dependencies=[Security(openapi.SIGNATURE)])

    @router.post(ADDRESS + "/{entity}/{action}", openapi_extra=openapi.DELIVERY)
    async def webhook(request: Request, entity: str, action: Action) -> Response:
        """What EspoCRM sends: a JSON array of objects with `id`, signed."""
        return await deliveries.take(request, deps.desk.entity(entity), _action(action))

    @router.post(OLDER_ADDRESS + "/{action}", openapi_extra=openapi.DELIVERY)
    async def older_webhook(request: Request, action: Action) -> Response:
        """The same under the address older installations have registered."""
        return await deliveries.take(request, deps.desk.entity(OLDER), _action(action))

    return router


def _action(action: str) -> str:
    if action not in ACTIONS:
        raise NotKnown(f"no such action; there is {', '.join(ACTIONS)}")
    return action
