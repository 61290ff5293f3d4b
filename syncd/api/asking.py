"""What people and scripts may ask for."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from starlette.background import BackgroundTask

from syncd import openapi
from syncd.api.bodies import Allow, Id, Keys, Pause, Resolve, ResolveMany, Resume, Retry, Undo
from syncd.api.deps import ApiDeps, Make
from syncd.commands import FEW, Asked, Refusal
from syncd.http_limits import HEADERS
from syncd.intake import tell


def _told(deps: ApiDeps, asked: Asked) -> Response:
    answer = {"status": "accepted", "text": asked.text, "keys": list(asked.keys)}
    return JSONResponse(answer, 202, HEADERS, background=BackgroundTask(tell, deps.ring, asked.keys))


def _told_all(deps: ApiDeps, several: Sequence[Asked]) -> Response:
    keys = tuple(key for one in several for key in one.keys)
    return _told(deps, Asked(keys, "; ".join(one.text for one in several)))


def routes(deps: ApiDeps, make: Make) -> APIRouter:
    """Requests the ledger takes; jobs carry them out."""
    router = make(tags=["asking"], responses=openapi.GUARDED | openapi.ACCEPTED)

    @router.post("/conflicts/{id}/resolve", status_code=202)
    async def resolve(id: Id, body: Resolve) -> Response:
        """Choose a value or a counterpart, or take a kept value back."""
        return _told(deps, await deps.desk.resolve(id, body.take))

    @router.post("/resolve", status_code=202, responses=openapi.RESOLVED_ANSWERS)
    async def resolve_many(body: ResolveMany) -> Response:
        """The same choice in many conflicts; one that is refused stops none of the others."""
        done = await deps.desk.resolve_many(body.ids, body.take)
        later = BackgroundTask(tell, deps.ring, done.keys)
        return JSONResponse(done.told(), 202 if done.taken else 409, HEADERS, background=later)

    @router.post("/pause", status_code=202)
    async def pause(body: Pause | None = None) -> Response:
        """Stop writing: everything, an entity, or towards one side."""
        wish = body or Pause()
        return _told(deps, await deps.desk.pause(wish.entity, wish.side, wish.why))

    @router.post("/resume", status_code=202)
    async def resume(body: Resume | None = None) -> Response:
        """End a pause; what waited for it goes on."""
        wish = body or Resume()
        return _told(deps, await deps.desk.resume(wish.entity, wish.side))

    @router.post("/guards/{id}/allow", status_code=202)
    async def allow(id: Id, body: Allow | None = None) -> Response:
        """Let exactly what a guard stopped through."""
        return _told(deps, await deps.desk.allow(id, (body or Allow()).right))

    @router.post("/guards/{id}/discard", status_code=202)
    async def discard(id: Id) -> Response:
        """Throw away what a guard stopped: a mass change is put back where it was made."""
        return _told(deps, await deps.desk.discard(id))

    @router.post("/retry", status_code=202)
    async def retry(body: Retry) -> Response:
        """Try records again now: `keys`, or all of a `status`."""
        if bool(body.keys) == (body.status is not None):
            raise Refusal("give keys or a status")
        if body.status is not None:
            return _told(deps, await deps.desk.retry_status(body.status))
        return _told(deps, await deps.desk.retry([await deps.desk.find(key) for key in body.keys]))

    @router.post("/exclude", status_code=202)
    async def exclude(body: Keys) -> Response:
        """Take records out of the sync; nothing is changed on either side."""
        return _told_all(deps, [await deps.desk.exclude(await deps.desk.find(key)) for key in body.keys])

    @router.post("/include", status_code=202)
    async def include(body: Keys) -> Response:
        """Let excluded records take part again."""
        return _told_all(deps, [await deps.desk.include(await deps.desk.find(key)) for key in body.keys])

    @router.post("/undo", status_code=202, responses=openapi.UNDO_ANSWERS)
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
        later = BackgroundTask(tell, deps.ring, done.keys if len(done.keys) <= FEW else ())
        return JSONResponse(done.told(), 409 if done.run is None and done.refused else 202, HEADERS, background=later)

    return router


def syncing(deps: ApiDeps, make: Make) -> APIRouter:
    """A record to be synced, under the address older installations know."""
    router = make(tags=["asking"], responses=openapi.GUARDED | openapi.ACCEPTED)

    @router.post("/sync/{entity}/{id}", status_code=202)
    async def sync(entity: Id, id: Id) -> Response:
        """Let a record take part, and sync it now."""
        name = deps.desk.entity(entity).name
        key = await deps.desk.find(id if ":" in id else f"{name}/{id}")
        return _told(deps, await deps.desk.sync([key]))

    return router
