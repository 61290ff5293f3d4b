"""One record: what is known of it at once, what both sides show when they answer, what happened; and what to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mappers.spec import Entity
from services.errors import PeerError
from syncd import inspect, record_facts
from syncd.commands import Asked, Desk, NotKnown, Undone
from syncd.http_routes import join
from syncd.listed import raw_words
from syncd.model import ESPO_ID
from syncd.ui import gate, labels, live, refusals, told
from syncd.ui.frame import Site
from syncd.ui.record_rows import field_rows, lines, waits

SHOWN = ("title", "status", "state", "trust", "advoware_id", "checked_at", "error")
HAPPENED = 40  # lines of the timeline on one page
PATH = "/records/{entity}/{id}"


def routes(site: Site) -> APIRouter:
    """The page of a record with its parts, files and forms."""
    return join(APIRouter(), _looking(site), _deciding(site))


def here(key: str) -> str:
    """The address of a record's page."""
    return f"/ui/records/{key}"


def _key(site: Site, entity: str, espo_id: str) -> tuple[Entity, str]:
    """The record an address names; 404 where there can be none."""
    if entity not in site.deps.entities or not ESPO_ID.match(espo_id):
        raise HTTPException(404)
    return site.deps.entities[entity], f"{entity}/{espo_id}"


# --- looking ----------------------------------------------------------------------------------


def _looking(site: Site) -> APIRouter:
    router = APIRouter(dependencies=gate.looking(site.sessions))

    @router.get(PATH)
    async def page(request: Request, entity: str, id: str) -> Response:
        mapped, key = _key(site, entity, id)
        before = _time(request.query_params.get("before", ""))
        now = await site.deps.sides(key) if "now" in request.query_params else None
        found = await inspect.record(site.deps.ledger, key)
        told_of = await facts(site, request, mapped, key, found, before)
        return site.page(request, "record.html", **(told_of | _fields(site, request, mapped, key, found, now)))

    @router.get(f"{PATH}/live")
    async def changes(request: Request, entity: str, id: str) -> Response:
        mapped, key = _key(site, entity, id)

        async def render() -> str:
            found = await inspect.record(site.deps.ledger, key)
            return site.part(request, "record_facts.html", **await facts(site, request, mapped, key, found, None))

        return live.stream(site, request, render)

    @router.get(f"{PATH}/sides")
    async def sides(request: Request, entity: str, id: str) -> Response:
        mapped, key = _key(site, entity, id)
        now = await site.deps.sides(key)
        shown = _fields(site, request, mapped, key, await inspect.record(site.deps.ledger, key), now)
        return Response(site.part(request, "record_fields.html", **shown), media_type="text/html")

    @router.get(f"{PATH}/plan")
    async def plan(request: Request, entity: str, id: str) -> Response:
        mapped, key = _key(site, entity, id)
        show, title = site.show(request), (await inspect.titles(site.deps.ledger, [key])).get(key, "")
        planned: Mapping[str, Any] = {"actions": ()}
        silent = ""
        try:
            planned = await site.deps.preview(key, show.language)
        except PeerError as error:
            silent = error.side
        about: dict[str, Any] = {
            "key": key,
            "here_record": here(key),
            "title": title,
            "planned": planned,
            "silent": silent,
        }
        return site.page(request, "record_plan.html", **about, lines=lines(show, mapped, planned["actions"]))

    @router.get(f"{PATH}/undo/{{change}}")
    async def undo(request: Request, entity: str, id: str, change: int) -> Response:
        mapped, key = _key(site, entity, id)
        _, judged = await _judged(site.deps.desk(gate.visit_of(request).user.name), key, change)
        return site.page(request, "record_undo.html", **undoing(site, request, mapped, key, judged))

    @router.get(f"{PATH}/history.csv")
    async def history(entity: str, id: str) -> Response:
        mapped, key = _key(site, entity, id)
        text = await inspect.history_csv(site.deps.ledger, mapped, key)
        headers = _file(key, "csv")
        return Response(text.encode("utf-8", "replace"), media_type="text/csv; charset=utf-8", headers=headers)

    @router.get(f"{PATH}/export.json")
    async def export(entity: str, id: str) -> Response:
        _, key = _key(site, entity, id)
        found = await inspect.export(site.deps.ledger, key)
        if not found:
            raise HTTPException(404)
        return JSONResponse({"key": key, **found}, headers=_file(key, "json"))

    return router


async def facts(
    site: Site, request: Request, entity: Entity, key: str, found: dict[str, Any] | None, before: float | None
) -> dict[str, Any]:
    """What the ledger knows of a record (`found`), and what happened; `before`: an older part of that."""
    ledger, show = site.deps.ledger, site.show(request)
    happened = await inspect.timeline(ledger, entity, key, before, HAPPENED)
    kin = await inspect.family(ledger, key)
    oldest = happened[-1]["at"] if happened else None
    more = oldest is not None and await inspect.timeline(ledger, entity, key, oldest, 1)
    pair = dict.fromkeys(SHOWN) | ((found or {}).get("pair") or {})
    return {
        "key": key,
        "entity": entity,
        "here_record": here(key),
        "known": found is not None,
        "kind": labels.kind(show, entity),
        "many_kinds": len(site.deps.entities) > 1,
        "parent": kin["parent"],
        "children": [
            {"kind": labels.kind(show, child, many=True), "records": rows}
            for child in entity.children
            if (rows := [one for one in kin["children"] if one["entity"] == child.name])
        ],
        "pair": pair,
        "excluded": pair["state"] == "excluded",
        "in_espocrm": f"{site.deps.espo_url}/#{entity.espo_type}/view/{key.partition('/')[2]}"
        if site.deps.espo_url
        else "",
        "waits": [] if found is None else waits(show, entity, found),
        "retry": bool(found and (found["quarantine"] or pair["status"] in ("failed", "permanently_failed"))),
        "version": _version(found),
        "happened": [told.happened(show, entity, one) for one in happened],
        "older": oldest if more else None,
        "before": before,
    }


def _fields(
    site: Site, request: Request, entity: Entity, key: str, found: dict[str, Any] | None, now: Any | None
) -> dict[str, Any]:
    """The fields and entries of a record; `now` is what both sides have answered, None before they were asked."""
    shown = record_facts.told(entity, key, found) if found is not None else {"fields": [], "entries": []}
    show = site.show(request)
    entries = shown["entries"] if now is None or now.entries is None else now.entries
    return {
        "here_record": here(key),
        "now": now,
        "fields": field_rows(show, entity, shown["fields"], now),
        "entries": entries,
        "entries_now": now is not None and now.entries is not None,
        "read_at": site.deps.now(),
    }


def _version(found: dict[str, Any] | None) -> str:
    """Changes when what both sides show may have changed: then they are asked once more."""
    if found is None:
        return "none"
    pair = found["pair"] or {}
    seen = [pair.get("status"), pair.get("advoware_id"), pair.get("state"), found["base"], found["quarantine"]]
    return hashlib.sha256(json.dumps(seen, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _time(text: str) -> float | None:
    try:
        at = float(text)
    except ValueError:
        return None
    return at if 0 < at < 1e11 else None


def _file(key: str, kind: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{key.replace("/", "-")}.{kind}"'}


# --- deciding ---------------------------------------------------------------------------------


def _deciding(site: Site) -> APIRouter:
    router = APIRouter(dependencies=gate.deciding(site.sessions, site.deps.public_url))

    def button(name: str, ask: Callable[[Desk, str], Awaitable[Asked]]) -> None:
        """A button of the page: what it asks for, and that it was asked for."""

        @router.post(f"{PATH}/{name}")
        async def pressed(request: Request, entity: str, id: str) -> Response:
            _, key = _key(site, entity, id)
            asked = await ask(site.deps.desk(gate.visit_of(request).user.name), key)
            await site.deps.tell(asked.keys)
            return site.see(here(key), said=f"record.did_{name}")

    button("sync", lambda desk, key: desk.sync([key]))
    button("retry", lambda desk, key: desk.retry([key]))
    button("exclude", lambda desk, key: desk.exclude(key))
    button("include", lambda desk, key: desk.include(key))

    @router.post(f"{PATH}/undo/{{change}}")
    async def undo(request: Request, entity: str, id: str, change: int) -> Response:
        mapped, key = _key(site, entity, id)
        desk = site.deps.desk(gate.visit_of(request).user.name)
        changes, judged = await _judged(desk, key, change)
        if judged.taken:
            judged = await desk.undo(changes, {"of": str(change)})
            await site.deps.tell(judged.keys)
        if judged.refused:
            return site.page(request, "record_undo.html", 409, **undoing(site, request, mapped, key, judged))
        return site.see(here(key), said="record.did_undo")

    return router


async def _judged(desk: Desk, key: str, change: int) -> tuple[list[Any], Undone]:
    """A change of this record, and whether it could be taken back."""
    changes = await desk.change(change)
    if any(one.key != key for one in changes):
        raise NotKnown("it is a change of another record")
    return changes, await desk.judge(changes)


def undoing(site: Site, request: Request, entity: Entity, key: str, judged: Undone) -> dict[str, Any]:
    """What the page tells of a change before it is taken back."""
    show, one = site.show(request), judged.judged[0]
    before, after = (raw_words(entity, one.change.field, raw) for _, raw in (one.change.before, one.change.after))
    return {
        "key": key,
        "here_record": here(key),
        "change": one.change.id,
        "field": told.label(show, entity, one.change.field),
        "side": str(one.change.after[0]),
        "now": told.value(show, after),
        "back": told.value(show, before),
        "refused": refusals.told(one.refused, show.language) if one.refused else None,
    }
