"""HTTP over the stand-in EspoCRM: routes, credentials, errors in the real server's words (espocrm.md §1).

Thin: every decision is the world's. Only async endpoints, so that it runs on a virtual-time loop.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd.sandbox import defaults
from syncd.sandbox import espocrm_render as render
from syncd.sandbox import espocrm_rights as rights
from syncd.sandbox.asgi import flags, note_user
from syncd.sandbox.espocrm_admin import Provisioning
from syncd.sandbox.espocrm_errors import EspoError, invalid, missing, not_found
from syncd.sandbox.espocrm_params import parse
from syncd.sandbox.espocrm_query import list_rows, related
from syncd.sandbox.espocrm_schema import EntityDef
from syncd.sandbox.espocrm_users import Who
from syncd.sandbox.espocrm_webhooks import WebhookQueue
from syncd.sandbox.espocrm_world import EspoWorld

Endpoint = Callable[[Request], Awaitable[Response]]
HTML = "text/html; charset=UTF-8"


class EspoApi:
    """The endpoints; one instance per world."""

    def __init__(self, world: EspoWorld, webhooks: WebhookQueue) -> None:
        self.world = world
        self.webhooks = webhooks
        self.provisioning = Provisioning(world)

    # a request's outside

    def guarded(self, endpoint: Callable[[Request, Who], Awaitable[Response]]) -> Endpoint:
        """Check who asks, turn refusals into EspoCRM's answers."""

        async def answer(request: Request) -> Response:
            try:
                who = self._enter(request)
                note_user(request.scope, who.name)
                return await endpoint(request, who)
            except EspoError as error:
                return self._refusal(request, error)

        return answer

    def _enter(self, request: Request) -> Who:
        address = request.client.host if request.client else ""
        who = self.world.door.enter(request.headers, address)
        row = self.world.tables["User"].rows.get(who.id)
        if row is not None and row.values.get("isActive") is False:
            raise EspoError(401, None)
        return who

    def _refusal(self, request: Request, error: EspoError) -> Response:
        if error.reason is None:
            headers = {}
            if error.status == 401 and "authorization" not in request.headers and "x-api-key" not in request.headers:
                headers["WWW-Authenticate"] = 'Basic realm=""'
            return Response(b"", error.status, headers, media_type=HTML)
        body = error.body
        if error.reason == "duplicate":
            body = [render.full(self.world, request.path_params["entity"], row) for row in body]
        content = b"" if body is None else _dump(body)
        return Response(
            content,
            error.status,
            {"X-Status-Reason": error.reason, "X-App-Timestamp": defaults.APP_TIMESTAMP},
            media_type="application/json",
        )

    # endpoints

    async def health(self, request: Request, who: Who) -> Response:
        return _json("EspoCRM REST API")

    async def whoami(self, request: Request, who: Who) -> Response:
        user = self.world.tables["User"].rows[who.id]
        return _json({"user": render.full(self.world, "User", user), "acl": {"table": self._rights(who)}})

    async def settings(self, request: Request) -> Response:
        return _json(
            {
                "timeZone": "Europe/Berlin",
                "language": "de_DE",
                "version": "9.3.10",
                "recordsPerPage": 20,
                "dateFormat": "DD.MM.YYYY",
            }
        )

    async def metadata(self, request: Request, who: Who) -> Response:
        return _json(self.provisioning.metadata(request.query_params.get("key", "")))

    async def provision(self, request: Request, who: Who) -> Response:
        if not who.is_admin:
            raise EspoError(403, "")
        body = await _body(request)
        path = request.path_params["rest"].split("/")
        area = request.url.path.removeprefix("/api/v1/").split("/")[0]
        return _json(self.provisioning.answer(request.method, area, path, body, request.query_params))

    async def layout(self, request: Request, who: Who) -> Response:
        if request.method == "PUT" and not who.is_admin:
            raise EspoError(403, "")
        self.world.door.allow(who, request.path_params["entity"], "read")
        sent = await _body(request) if request.method == "PUT" else None
        key = (request.path_params["entity"], request.path_params["name"])
        return _json(self.provisioning.layout(key, sent))

    async def collection(self, request: Request, who: Who) -> Response:
        entity = request.path_params["entity"]
        if entity == "Webhook":
            return await self._webhooks(request, who)
        self.world.entity(entity)
        if request.method == "GET":
            count = request.headers.get("x-no-total", "").lower() != "true"
            params = parse(request.query_params.multi_items())
            shown = list_rows(self.world, who, entity, params, count)
            if flags(request.scope).short_page:
                shown["list"] = shown["list"][: len(shown["list"]) // 2]
            return _json(shown)
        body = self._faulty(request, entity, _object(await _body(request)))
        if entity in ("User", "Role", "Team") and not who.is_admin:
            raise EspoError(403, "No create access.")
        skip = request.headers.get("x-skip-duplicate-check", "").lower() == "true"
        row = self.world.create(who, entity, body, skip_duplicates=skip)
        shown = render.after_create(self.world, entity, row, body)
        if entity == "User" and body.get("type") == "api":
            shown["apiKey"] = self.provisioning.new_key(row.id)
        elif entity == "User" and body.get("password"):
            self.provisioning.set_password(row.id, body["password"])
        return _json(shown)

    async def record(self, request: Request, who: Who) -> Response:
        entity, record_id = request.path_params["entity"], request.path_params["id"]
        if entity == "Webhook":
            return await self._webhook(request, who, record_id)
        if request.method == "GET":
            row = self.world.get(who, entity, record_id)
            if flags(request.scope).stale:
                row = self.world.previous.get((entity, record_id), row)
            return _json(render.full(self.world, entity, row))
        if request.method == "DELETE":
            self.world.delete(who, entity, record_id)
            return _json(True)
        body = self._faulty(request, entity, _object(await _body(request)))
        if entity in ("User", "Role", "Team") and not who.is_admin:
            raise EspoError(403, "No edit access.")
        living = self.world.tables[self.world.entity(entity).name].living(record_id)
        if living is None:
            raise not_found(record_id)
        before = render.full(self.world, entity, living)
        version = request.headers.get("x-version-number")
        row = self.world.update(who, entity, record_id, body, version)
        return _json(render.after_update(self.world, entity, row, body, before))

    async def action(self, request: Request, who: Who) -> Response:
        entity = request.path_params["entity"]
        self.world.entity(entity)
        if request.path_params["action"] != "restoreDeleted":
            raise EspoError(404, f"Action '{request.path_params['action']}' does not exist.")
        self.world.restore(who, entity, _object(await _body(request)).get("id", ""))
        return _json(True)

    async def link(self, request: Request, who: Who) -> Response:
        entity, record_id, name = (request.path_params[part] for part in ("entity", "id", "link"))
        parent = self.world.get(who, entity, record_id)
        if parent.deleted:
            raise missing(record_id)
        if request.method == "GET":
            params = parse(request.query_params.multi_items())
            child, column = ("Note", "parentId") if name == "stream" else self.world.child_link(entity, name)
            return _json(related(self.world, who, parent, child, column, params))
        child_id = _object(await _body(request)).get("id", "")
        self.world.relate(entity, record_id, name, child_id, record_id if request.method == "POST" else None)
        return _json(True)

    async def _webhooks(self, request: Request, who: Who) -> Response:
        if request.method == "GET":
            found = self.webhooks.listed(who, parse(request.query_params.multi_items()))
            return _json({"total": len(found), "list": found})
        return _json(self.webhooks.register(who, _object(await _body(request))), 201)

    async def _webhook(self, request: Request, who: Who, webhook_id: str) -> Response:
        if request.method == "GET":
            return _json(self.webhooks.get(who, webhook_id))
        if request.method == "DELETE":
            self.webhooks.remove(who, webhook_id)
            return _json(True)
        return _json(self.webhooks.edit(who, webhook_id, _object(await _body(request))))

    # inside

    def _faulty(self, request: Request, entity: str, body: dict[str, Any]) -> dict[str, Any]:
        """Fault injection: the target refuses a field or stores another text than was sent."""
        wanted = flags(request.scope)
        for name in wanted.refuse:
            if name in body:
                raise invalid(entity, name, "valid")
        return wanted.rewritten(body)

    def _rights(self, who: Who) -> dict[str, Any]:
        granted = rights.granted(self.world.tables, who)
        if granted is not None:
            return rights.table(granted, [*self.world.schema])

        def of(definition: EntityDef) -> dict[str, str]:
            denied = self.world.door.denied if who.kind == "api" else set()
            return {
                action: "no" if (definition.name, action) in denied else "yes" if action == "create" else "all"
                for action in ("create", "read", "edit", "delete", "stream")
            }

        return {name: of(definition) for name, definition in self.world.schema.items()} | {"Webhook": True}


def build(world: EspoWorld, webhooks: WebhookQueue, control: list[Route]) -> Starlette:
    """The ASGI application of one world, with the control routes in front."""
    api = EspoApi(world, webhooks)
    base = "/api/v1"
    admin = ["GET", "POST", "PUT", "DELETE"]
    routes = [
        *control,
        Route(f"{base}/", api.guarded(api.health)),
        Route(f"{base}/App/user", api.guarded(api.whoami)),
        Route(f"{base}/Settings", api.settings),
        Route(f"{base}/Metadata", api.guarded(api.metadata)),
        Route(f"{base}/Admin/fieldManager/{{rest:path}}", api.guarded(api.provision), methods=admin),
        Route(f"{base}/EntityManager/action/{{rest}}", api.guarded(api.provision), methods=["POST"]),
        Route(f"{base}/LabelManager/action/{{rest}}", api.guarded(api.provision), methods=["POST"]),
        Route(f"{base}/UserSecurity/apiKey/{{rest}}", api.guarded(api.provision), methods=["POST"]),
        Route(f"{base}/{{entity}}/layout/{{name}}", api.guarded(api.layout), methods=["GET", "PUT"]),
        Route(f"{base}/{{entity}}/action/{{action}}", api.guarded(api.action), methods=["POST"]),
        Route(f"{base}/{{entity}}", api.guarded(api.collection), methods=["GET", "POST"]),
        Route(f"{base}/{{entity}}/{{id}}", api.guarded(api.record), methods=["GET", "PUT", "PATCH", "DELETE"]),
        Route(f"{base}/{{entity}}/{{id}}/{{link}}", api.guarded(api.link), methods=["GET", "POST", "DELETE"]),
    ]
    broken = {404: _html_error, 405: _html_error}
    app = Starlette(routes=routes, exception_handlers=broken)
    app.router.redirect_slashes = False
    return app


async def _html_error(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    return Response(b"<!doctype html><title>Error</title>", status, media_type=HTML)


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _json(value: Any, status: int = 200) -> Response:
    return Response(_dump(value), status, {"X-App-Timestamp": defaults.APP_TIMESTAMP}, media_type="application/json")


async def _body(request: Request) -> Any:
    """The JSON body; without a JSON content type it is ignored, malformed it is a 500 (§1)."""
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        return {}
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError:
        raise EspoError(500, "") from None


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, Mapping):
        raise EspoError(400, "Bad data.")
    return dict(body)
