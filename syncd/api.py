"""The HTTP doors: webhooks, health, metrics, and the API for people and scripts.

Translates between HTTP and `intake`, `inspect`, `commands`; decides nothing. Every error is one
line of JSON that tells nothing about a record.
"""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from mappers.spec import Entity
from services.errors import PeerError
from syncd import inspect, openapi, record_facts
from syncd.commands import FEW, Asked, Desk, NotKnown, Refusal
from syncd.http_limits import HEADERS, Limit, Limited, bearer, refuse
from syncd.intake import ACTIONS, MAX_BODY, Answer, Intake, Rejected, Secrets
from syncd.ledger.store import Ledger, LedgerUnavailable
from syncd.metrics import CONTENT_TYPE, Metrics
from syncd.queue import Waiting
from syncd.redis_client import RedisUnavailable
from syncd.ui.app import create_pages
from syncd.ui.deps import Deps as Pages

log = structlog.get_logger()

WEBHOOK_LIMIT = Limit(MAX_BODY, 8.0)  # EspoCRM gives up after 10 seconds
LIMIT = Limit(64 * 1024, 30.0)
LIVE_LIMIT = Limit(64 * 1024, 86400.0)  # ends with the session
WEBHOOKS = ("/webhooks/", "/vmh/webhook/")


async def _nothing() -> None:
    """Nobody has anything to add before metrics are shown."""


async def _no_peers() -> Mapping[str, Mapping[str, Any]]:
    """Nobody knows how the systems are."""
    return {}


async def _unasked(_: str) -> Mapping[str, Any]:
    """Nobody here may ask the systems."""
    raise Refusal("this door asks neither system")


@dataclass(frozen=True)
class ApiDeps:
    """Everything the doors need. `ring` is the queue's `add_all`, `secrets` gives those of a webhook id.

    `readiness` tells why the daemon cannot work now, `paused` what is stopped, one line each;
    `before_metrics` brings the gauges up to date; `peers` tells the state of each system's circuit and for how many
    `seconds` it stays so; `budgets` are the calls a minute all daemons may make to each; `preview` plans a record and
    `sides` tells what both sides show of it, by its key: both ask the systems and raise `PeerError`;
    `now` in epoch seconds; without `api_token` nobody may use the API; without `pages` there are none.
    """

    ledger: Ledger
    ring: Callable[[Iterable[Waiting]], Awaitable[None]]
    entities: Mapping[str, Entity]
    secrets: Secrets
    readiness: Callable[[], list[str]]
    metrics: Metrics
    version: str
    api_token: str = field(repr=False)
    now: Callable[[], float]
    new_id: Callable[[], str]
    before_metrics: Callable[[], Awaitable[None]] = _nothing
    paused: Callable[[], Sequence[str]] = tuple
    peers: Callable[[], Awaitable[Mapping[str, Mapping[str, Any]]]] = _no_peers
    budgets: Mapping[str, int] = field(default_factory=dict)
    preview: Callable[[str], Awaitable[Mapping[str, Any]]] = _unasked
    sides: Callable[[str], Awaitable[Mapping[str, Any]]] = _unasked
    pages: Pages | None = None

    @property
    def desk(self) -> Desk:
        return Desk(self.ledger, self.entities, self.now, who="api")

    @property
    def intake(self) -> Intake:
        return Intake(self.ledger, self.secrets, self.ring, self.now)


NO_NUL = r"^[^\x00]*$"  # PostgreSQL can neither keep it nor look for it
Plain = Annotated[str, Field(pattern=NO_NUL)]


class Body(BaseModel):
    """What a request may carry; a name we do not know is an error, not a wish overlooked."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Resolve(Body):
    take: Annotated[Plain, Field(max_length=10_000, description="espocrm, advoware, a value, create, or link N")]


class ResolveMany(Resolve):
    ids: Annotated[list[Annotated[Plain, Field(max_length=12)]], Field(min_length=1, max_length=500)]


class Pause(Body):
    entity: Annotated[Plain | None, Field(max_length=40)] = None
    side: Annotated[Plain | None, Field(max_length=10)] = None
    why: Annotated[Plain, Field(max_length=200)] = "by a person"


class Resume(Body):
    entity: Annotated[Plain | None, Field(max_length=40)] = None
    side: Annotated[Plain | None, Field(max_length=10)] = None


class Allow(Body):
    right: Annotated[Plain | None, Field(max_length=10, description="after a restored backup: the side to believe")] = (
        None
    )


class Retry(Body):
    keys: Annotated[list[Annotated[Plain, Field(max_length=80)]], Field(max_length=500)] = []
    status: Annotated[Plain | None, Field(max_length=24)] = None


class Keys(Body):
    keys: Annotated[list[Annotated[Plain, Field(max_length=80)]], Field(min_length=1, max_length=100)]


class Undo(Body):
    change: Annotated[int | None, Field(ge=1, lt=2**31)] = None
    run: Annotated[Plain | None, Field(max_length=32)] = None
    dry_run: Annotated[bool, Field(description="only tell what would be taken back, and what could not")] = False
    yes: Annotated[bool, Field(description=f"needed for more than {FEW} changes")] = False


Action = Annotated[str, Path(json_schema_extra={"enum": list(ACTIONS)})]
Id = Annotated[str, Path(pattern=NO_NUL)]
Count = Annotated[int, Query(ge=1, le=inspect.MAX_PAGE)]
Text = Annotated[Plain | None, Query(max_length=80)]
Before = Annotated[int | None, Query(ge=1, lt=2**31)]


class Shown(JSONResponse):
    """JSON in which half a surrogate pair, as a system may have sent it, shows as a question mark."""

    def render(self, content: Any) -> bytes:
        """The body."""
        told = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return told.encode("utf-8", "replace")


def create_api(deps: ApiDeps) -> FastAPI:
    """The application uvicorn serves."""
    api = FastAPI(
        title="syncd",
        version=deps.version,
        description="Keeps EspoCRM and Advoware the same.",
        docs_url=None,  # FastAPI's page loads its scripts from elsewhere
        redoc_url=None,
        default_response_class=Shown,
    )
    api.openapi = lambda: openapi.describe(api)  # type: ignore[method-assign]
    api.add_middleware(Limited, limit_of=_limit_of)
    _errors(api, deps)
    api.include_router(_webhooks(deps))
    api.include_router(_machines(deps, api))
    guarded = [Security(openapi.BEARER), Depends(_who(deps))]
    errors = openapi.failing(401, 403, 404, 409)
    api.include_router(_looking(deps), prefix="/api/v1", dependencies=guarded, responses=errors)
    api.include_router(_asking(deps), prefix="/api/v1", dependencies=guarded, responses=errors)
    api.include_router(_syncing(deps), dependencies=guarded, responses=errors)
    if deps.pages is not None:
        api.mount("/ui", create_pages(deps.pages))
        api.add_route("/", lambda _: RedirectResponse("/ui/", 303))
    return api


def _limit_of(path: str) -> Limit:
    if path.startswith(WEBHOOKS):
        return WEBHOOK_LIMIT
    return LIVE_LIMIT if path.startswith("/ui/") and path.endswith("/live") else LIMIT


# --- webhooks ---------------------------------------------------------------------------------


def _webhooks(deps: ApiDeps) -> APIRouter:
    routes = APIRouter(tags=["webhooks"], responses=openapi.WEBHOOK_ANSWERS, dependencies=[Security(openapi.SIGNATURE)])

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

    @routes.post("/webhooks/espocrm/{entity}/{action}", openapi_extra=openapi.DELIVERY)
    async def webhook(request: Request, entity: str, action: Action) -> Response:
        """What EspoCRM sends: a JSON array of objects with `id`, signed."""
        return await receive(request, deps.desk.entity(entity), _action(action))

    @routes.post("/vmh/webhook/beteiligte/{action}", openapi_extra=openapi.DELIVERY)
    async def older_webhook(request: Request, action: Action) -> Response:
        """The same under the address older installations have registered."""
        return await receive(request, deps.desk.entity("beteiligte"), _action(action))

    return routes


def _action(action: str) -> str:
    if action not in ACTIONS:
        raise NotKnown(f"no such action; there is {', '.join(ACTIONS)}")
    return action


# --- machines ---------------------------------------------------------------------------------


def _machines(deps: ApiDeps, api: FastAPI) -> APIRouter:
    routes = APIRouter(tags=["machines"], responses=openapi.failing())

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok"}

    @routes.get("/readyz", responses=openapi.READY_ANSWERS)
    async def readyz() -> Response:
        """Whether the daemon can work; 503 with the reasons where it cannot. A pause is told, and is no reason."""
        reasons = deps.readiness()
        answer = {"status": "not ready" if reasons else "ready", "reasons": reasons, "paused": list(deps.paused())}
        return JSONResponse(answer, 503 if reasons else 200, HEADERS)

    @routes.get("/metrics", response_class=Response, responses=openapi.METRICS_ANSWERS)
    async def metrics() -> Response:
        """Counters and gauges for Prometheus."""
        await deps.before_metrics()
        return Response(deps.metrics.render(), media_type=CONTENT_TYPE)

    @routes.get("/version")
    async def version() -> dict[str, str]:
        """Which program this is."""
        return {"name": "syncd", "version": deps.version}

    @routes.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return HTMLResponse(_page(api.openapi()), headers=HEADERS | {"Content-Security-Policy": policy})

    return routes


def _page(schema: Mapping[str, Any]) -> str:
    """The OpenAPI description as a page that loads nothing from anywhere."""
    rows = [
        f"<tr><td>{verb.upper()}</td><td><code>{html.escape(path)}</code></td>"
        f"<td>{html.escape(told.get('description', ''))}</td></tr>"
        for path, verbs in schema["paths"].items()
        for verb, told in verbs.items()
    ]
    style = "body{font:16px sans-serif;margin:2em}td{padding:.3em 1em .3em 0;vertical-align:top}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>syncd API</title><style>{style}</style>'
        f"</head><body><h1>syncd {html.escape(schema['info']['version'])}</h1>"
        '<p>The whole description: <a href="/openapi.json">openapi.json</a>. Everything under <code>/api/v1</code> and '
        "<code>/sync</code> needs <code>Authorization: Bearer</code> with SYNCD_API_TOKEN.</p>"
        f"<table>{''.join(rows)}</table></body></html>"
    )


# --- people -----------------------------------------------------------------------------------


def _who(deps: ApiDeps) -> Callable[[Request], Awaitable[None]]:
    async def check(request: Request) -> None:
        if not deps.api_token:
            raise HTTPException(403, "the API is switched off: set SYNCD_API_TOKEN")
        if not bearer(request.headers.get("authorization"), deps.api_token):
            raise HTTPException(401, "the bearer token is missing or wrong", {"WWW-Authenticate": "Bearer"})

    return check


def _looking(deps: ApiDeps) -> APIRouter:
    routes = APIRouter(tags=["looking"])

    @routes.get("/status")
    async def status() -> dict[str, Any]:
        """How everything stands: counts per status, what waits, what is stopped, both systems, delays, calls."""
        found = await inspect.status(deps.ledger, deps.now())
        return found | {"budgets": dict(deps.budgets), "peers": dict(await deps.peers())}

    @routes.get("/activity")
    async def activity(hours: Annotated[float, Query(gt=0, le=inspect.MAX_HOURS)] = 24.0) -> dict[str, Any]:
        """What was done over the last hours, part by part: jobs, failures, calls, delays of people's edits."""
        return await inspect.activity(deps.ledger, deps.now(), hours)

    @routes.get("/records")
    async def records(
        entity: Text = None,
        status: Text = None,
        after: Annotated[Plain, Query(max_length=300)] = "",
        limit: Count = 200,
        search: Annotated[Plain, Query(max_length=200)] = "",
        sort: inspect.Sort = "id",
    ) -> dict[str, Any]:
        """Records that take part: `search` a name, number or id; `status` one or, with commas, several.

        `sort` = id, name, number or changed; `after` is the `next` of the page before.
        """
        name = None if entity is None else deps.desk.entity(entity).name
        statuses = tuple(one for one in (status or "").split(",") if one)
        return await inspect.find(deps.ledger, deps.entities, search, statuses, sort, after, limit, name)

    @routes.get("/records/{id:path}/plan", responses=openapi.failing(503))
    async def plan(id: Id) -> dict[str, Any]:
        """What would be done with a record now: reads both sides, writes nothing."""
        return dict(await deps.preview(await deps.desk.find(id)))

    @routes.get("/records/{id:path}/sides", responses=openapi.failing(503))
    async def sides(id: Id) -> dict[str, Any]:
        """What both sides show of a record now, field by field, and its phones, faxes and e-mails: reads both."""
        return dict(await deps.sides(await deps.desk.find(id)))

    @routes.get("/records/{id:path}/timeline")
    async def timeline(
        id: Id, before: Annotated[float | None, Query(ge=0)] = None, limit: Count = 200
    ) -> dict[str, Any]:
        """What happened to a record, the latest first; `before` is the time `at` of the last one of the page before."""
        key = await deps.desk.find(id)
        entity = deps.entities[key.partition("/")[0]]
        return {"key": key, "timeline": await inspect.timeline(deps.ledger, entity, key, before, limit)}

    @routes.get("/records/{id:path}/history.csv", response_class=Response, responses=openapi.CSV_ANSWERS)
    async def history_csv(id: Id) -> Response:
        """The whole history of a record as a file for a spreadsheet."""
        key = await deps.desk.find(id)
        text = await inspect.history_csv(deps.ledger, deps.entities[key.partition("/")[0]], key)
        name = key.replace("/", "-")
        given = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return Response(text.encode("utf-8", "replace"), media_type="text/csv; charset=utf-8", headers=HEADERS | given)

    @routes.get("/records/{id:path}/export")
    async def export(id: Id) -> dict[str, Any]:
        """All that is stored about a record: for a person who asks what is known of him."""
        key = await deps.desk.find(id)
        found = await inspect.export(deps.ledger, key)
        if not found:
            raise NotKnown("nothing is stored about this record")
        return {"key": key, **found}

    @routes.get("/records/{id:path}")
    async def record(id: Id, limit: Count = 200) -> dict[str, Any]:
        """One record: an EspoCRM id, `betnr:1234`, or `entity/id`."""
        key = await deps.desk.find(id)
        found = await inspect.record(deps.ledger, key, limit)
        if found is None:
            raise NotKnown("nothing is known of this record")
        return {**found, **record_facts.told(deps.entities[key.partition("/")[0]], key, found)}

    @routes.get("/conflicts")
    async def conflicts(state: Text = None, record: Text = None, limit: Count = 200) -> dict[str, Any]:
        """What waits for a person; `state` = open, decided, kept, settled or all."""
        states = inspect.CONFLICT_STATES if state == "all" else (state,) if state else inspect.WAITING
        key = None if record is None else await deps.desk.find(record)
        return {"conflicts": await inspect.conflicts(deps.ledger, states, key, limit)}

    @routes.get("/conflicts/{id}")
    async def conflict(id: Id) -> dict[str, Any]:
        """One conflict or kept value."""
        found = await inspect.conflict(deps.ledger, id)
        if found is None:
            raise NotKnown("there is no such conflict")
        return found

    @routes.get("/guards")
    async def guards() -> dict[str, Any]:
        """What guards have stopped, with the records they hold."""
        return {"guards": await inspect.guards(deps.ledger)}

    @routes.get("/guards/{id}")
    async def guard(id: Id, after: Annotated[Plain, Query(max_length=80)] = "", limit: Count = 200) -> dict[str, Any]:
        """One guard with its records: name, number, what would have replaced what; `after` is the last key before."""
        found = await inspect.guard(deps.ledger, deps.entities, id, after, limit)
        if found is None:
            raise NotKnown("there is no such stopped guard")
        return found

    @routes.get("/alarms")
    async def alarms() -> dict[str, Any]:
        """What is raised now, and what was over lately."""
        return {"alarms": await inspect.alarms(deps.ledger)}

    @routes.get("/runs")
    async def runs(limit: Count = 50) -> dict[str, Any]:
        """What was set going for many records, the latest first."""
        return {"runs": await inspect.runs(deps.ledger, limit)}

    @routes.get("/runs/{id}")
    async def run(id: Id, limit: Count = 200) -> dict[str, Any]:
        """A run, or a job by the start of its id, with every value it has written."""
        return await inspect.run(deps.ledger, id, limit)

    @routes.get("/history")
    async def history(record: Text = None, before: Before = None, limit: Count = 200) -> dict[str, Any]:
        """What was done, newest first; `before` is the last id of the page before."""
        key = None if record is None else await deps.desk.find(record)
        return {"history": await inspect.history(deps.ledger, key, before, limit)}

    @routes.get("/requests")
    async def requests(record: Text = None, before: Before = None, limit: Count = 200) -> dict[str, Any]:
        """What people asked for, the latest first: who, when, what; `before` is the last id of the page before."""
        key = None if record is None else await deps.desk.find(record)
        return {"requests": await inspect.requests(deps.ledger, key, before, limit)}

    @routes.get("/events")
    async def events(record: Text = None, before: Before = None, limit: Count = 200) -> dict[str, Any]:
        """Webhook events received, newest first, without their values."""
        key = None if record is None else await deps.desk.find(record)
        return {"events": await inspect.events(deps.ledger, key, before, limit)}

    return routes


def _told(deps: ApiDeps, asked: Asked) -> Response:
    answer = {"status": "accepted", "text": asked.text, "keys": list(asked.keys)}
    return JSONResponse(answer, 202, HEADERS, background=BackgroundTask(deps.intake.tell, asked.keys))


def _told_all(deps: ApiDeps, several: Sequence[Asked]) -> Response:
    keys = tuple(key for one in several for key in one.keys)
    return _told(deps, Asked(keys, "; ".join(one.text for one in several)))


def _asking(deps: ApiDeps) -> APIRouter:
    routes = APIRouter(tags=["asking"], responses=openapi.ACCEPTED)

    @routes.post("/conflicts/{id}/resolve", status_code=202)
    async def resolve(id: Id, body: Resolve) -> Response:
        """Choose a value or a counterpart, or take a kept value back."""
        return _told(deps, await deps.desk.resolve(id, body.take))

    @routes.post("/resolve", status_code=202, responses=openapi.RESOLVED_ANSWERS)
    async def resolve_many(body: ResolveMany) -> Response:
        """The same choice in many conflicts; one that is refused stops none of the others."""
        done = await deps.desk.resolve_many(body.ids, body.take)
        later = BackgroundTask(deps.intake.tell, done.keys)
        return JSONResponse(done.told(), 202 if done.taken else 409, HEADERS, background=later)

    @routes.post("/pause", status_code=202)
    async def pause(body: Pause | None = None) -> Response:
        """Stop writing: everything, an entity, or towards one side."""
        wish = body or Pause()
        return _told(deps, await deps.desk.pause(wish.entity, wish.side, wish.why))

    @routes.post("/resume", status_code=202)
    async def resume(body: Resume | None = None) -> Response:
        """End a pause; what waited for it goes on."""
        wish = body or Resume()
        return _told(deps, await deps.desk.resume(wish.entity, wish.side))

    @routes.post("/guards/{id}/allow", status_code=202)
    async def allow(id: Id, body: Allow | None = None) -> Response:
        """Let exactly what a guard stopped through."""
        return _told(deps, await deps.desk.allow(id, (body or Allow()).right))

    @routes.post("/guards/{id}/discard", status_code=202)
    async def discard(id: Id) -> Response:
        """Throw away what a guard stopped: a mass change is put back where it was made."""
        return _told(deps, await deps.desk.discard(id))

    @routes.post("/retry", status_code=202)
    async def retry(body: Retry) -> Response:
        """Try records again now: `keys`, or all of a `status`."""
        if bool(body.keys) == (body.status is not None):
            raise Refusal("give keys or a status")
        if body.status is not None:
            return _told(deps, await deps.desk.retry_status(body.status))
        return _told(deps, await deps.desk.retry([await deps.desk.find(key) for key in body.keys]))

    @routes.post("/exclude", status_code=202)
    async def exclude(body: Keys) -> Response:
        """Take records out of the sync; nothing is changed on either side."""
        return _told_all(deps, [await deps.desk.exclude(await deps.desk.find(key)) for key in body.keys])

    @routes.post("/include", status_code=202)
    async def include(body: Keys) -> Response:
        """Let excluded records take part again."""
        return _told_all(deps, [await deps.desk.include(await deps.desk.find(key)) for key in body.keys])

    @routes.post("/undo", status_code=202, responses=openapi.UNDO_ANSWERS)
    async def undo(body: Undo) -> Response:
        """Take a change back, or all that a run did: both sides get the values from before."""
        if (body.change is None) == (body.run is None):
            raise Refusal("give a change or a run")
        desk = deps.desk
        wanted = await (desk.changes(body.run) if body.run is not None else desk.change(body.change or 0))
        if body.dry_run:
            return JSONResponse((await desk.judge(wanted)).told(), 200, HEADERS)
        if len(wanted) > FEW and not body.yes:
            raise Refusal(f"these are {len(wanted)} changes: look at them with dry_run, then give yes")
        done = await desk.undo(wanted, {"of": body.run or str(body.change)})
        later = BackgroundTask(deps.intake.tell, done.keys if len(done.keys) <= FEW else ())
        return JSONResponse(done.told(), 409 if done.run is None and done.refused else 202, HEADERS, background=later)

    return routes


def _syncing(deps: ApiDeps) -> APIRouter:
    routes = APIRouter(tags=["asking"], responses=openapi.ACCEPTED)

    @routes.post("/sync/{entity}/{id}", status_code=202)
    async def sync(entity: Id, id: Id) -> Response:
        """Let a record take part, and sync it now."""
        name = deps.desk.entity(entity).name
        key = await deps.desk.find(id if ":" in id else f"{name}/{id}")
        return _told(deps, await deps.desk.sync([key]))

    return routes


# --- errors -----------------------------------------------------------------------------------


def _errors(api: FastAPI, deps: ApiDeps) -> None:
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

    @api.exception_handler(Exception)
    async def bug(_: Request, error: Exception) -> Response:
        reference = deps.new_id()[:12]
        log.error("api.bug", reference=reference, exc_info=error)
        return refuse(500, f"internal error {reference}, see the log")
