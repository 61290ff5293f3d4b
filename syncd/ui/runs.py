"""What was set going, how far it is, what it has done; taking changes back, once they were shown. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from syncd import inspect
from syncd.commands import FEW, Change, Desk, Judged
from syncd.ui import gate, labels, live, refusals
from syncd.ui.frame import Site
from syncd.ui.gate import Form, form_of, visit_of
from syncd.ui.given import Id, Word
from syncd.ui.show import Show
from syncd.ui.words import WORDS

HOME = "/ui/runs"
PAGE = 100
SHOWN = 200  # changes on a page


def routes(site: Site) -> APIRouter:
    """The list, one run, and the way back."""
    router = APIRouter()
    router.include_router(_looking(site))
    router.include_router(_deciding(site))
    return router


def _looking(site: Site) -> APIRouter:
    router = APIRouter(dependencies=gate.looking(site.sessions))

    @router.get("/runs")
    async def listing(request: Request) -> Response:
        return site.page(request, "runs.html", **await _all(site, request))

    @router.get("/runs/live")
    async def listing_changes(request: Request) -> Response:
        async def render() -> str:
            return site.part(request, "runs_facts.html", **await _all(site, request))

        return live.stream(site, request, render)

    @router.get("/runs/{named}")
    async def single(request: Request, named: Id) -> Response:
        return site.page(request, "run.html", **await _one(site, request, named))

    @router.get("/runs/{named}/live")
    async def single_changes(request: Request, named: Id) -> Response:
        async def render() -> str:
            return site.part(request, "run_facts.html", **await _one(site, request, named))

        return live.stream(site, request, render)

    @router.get("/undo")
    async def preview(request: Request, change: Word = "", run: Word = "") -> Response:
        return await _preview(site, request, change, run)

    return router


async def _all(site: Site, request: Request) -> dict[str, Any]:
    show = site.show(request)
    return {"runs": [_told(show, one) for one in await inspect.runs(site.deps.ledger, PAGE)]}


def _told(show: Show, row: Mapping[str, Any]) -> dict[str, Any]:
    """A run in words: `done` of `total` records, where it says how many it is about."""
    detail, name = row["detail"], f"runs.kind_{row['kind']}"
    known = int(detail.get("fed", 0)) + int(detail.get("known", 0))
    total = max(int(detail.get("total", 0)), known, int(detail.get("taken", 0)))
    reached = known or int(detail.get("taken", 0))
    return {
        **row,
        "name": show.t(name) if name in WORDS else row["kind"],
        "total": total,
        "done": max(0, reached - row["waiting"]),
        "who": labels.person(show, detail["who"]) if detail.get("who") else "",
        "of": str(detail.get("of", "")),
        "refused": int(detail.get("refused", 0)),
    }


async def _one(site: Site, request: Request, named: str) -> dict[str, Any]:
    show = site.show(request)
    found = await inspect.run(site.deps.ledger, named, SHOWN + 1)
    rows = [row for row in found["history"] if row["field"] is not None]
    titles = await inspect.titles(site.deps.ledger, [row["key"] for row in rows])
    return {
        "named": named,
        "run": _told(show, found["run"]) if found["run"] is not None else None,
        "changes": [_change(site, show, row, titles) for row in rows[:SHOWN]],
        "more": len(found["history"]) > SHOWN,
    }


def _change(site: Site, show: Show, row: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    entity = labels.entity_of(site.deps.entities, row["key"])
    return {
        "id": row["id"],
        "key": row["key"],
        "at": row["at"],
        "title": titles.get(row["key"], row["key"].partition("/")[2]),
        "label": labels.field(show, entity, row["field"]),
        "side": show.t(f"side.{row['side']}"),
        "before": labels.value(show, entity, row["field"], row["before"]),
        "after": labels.value(show, entity, row["field"], row["after"]),
    }


# --- taking back ------------------------------------------------------------------------------


async def _wanted(desk: Desk, change: str, run: str) -> list[Change]:
    """The changes a person names; raises HTTPException, `NotKnown` or `Refusal`."""
    if run and not change:
        return await desk.changes(run)
    if change.isascii() and change.isdigit() and len(change) < 10 and not run:
        return await desk.change(int(change))
    raise HTTPException(400)


async def _preview(site: Site, request: Request, change: str, run: str, code: int = 200) -> Response:
    """What would be put back, and what could not and why."""
    show = site.show(request)
    desk = site.deps.desk(visit_of(request).user.name)
    wanted = await _wanted(desk, change, run)
    judged = await desk.judge(wanted)
    titles = await inspect.titles(
        site.deps.ledger, [one.key for one in (*judged.taken[:SHOWN], *(no.change for no in judged.refused[:SHOWN]))]
    )

    def words(one: Change) -> dict[str, Any]:
        return _backwards(site, show, one, titles)

    facts = {
        "change": change,
        "run": run,
        "n": len(judged.taken),
        "records": len({one.key for one in judged.taken}),
        "taken": [words(one) for one in judged.taken[:SHOWN]],
        "refused": _refused(show, judged.refused[:SHOWN], words),
        "n_refused": len(judged.refused),
        "stale": code == 409,
    }
    return site.page(request, "undo.html", code, **facts)


def _refused(show: Show, judged: Sequence[Judged], words: Any) -> list[dict[str, Any]]:
    return [words(one.change) | {"why": refusals.told(one.refused or "", show.language)} for one in judged]


def _backwards(site: Site, show: Show, one: Change, titles: Mapping[str, str]) -> dict[str, Any]:
    """A change as it would be taken back: `now` becomes `then` again."""
    entity = labels.entity_of(site.deps.entities, one.key)
    return {
        "key": one.key,
        "title": titles.get(one.key, one.key.partition("/")[2]),
        "label": labels.field(show, entity, one.field),
        "now": labels.value(show, entity, one.field, one.after[1]),
        "then": labels.value(show, entity, one.field, one.before[1]),
    }


def _deciding(site: Site) -> APIRouter:
    router = APIRouter(dependencies=gate.deciding(site.sessions, site.deps.public_url))

    @router.post("/undo")
    async def undo(request: Request) -> Response:
        form = await form_of(request)
        change, run = form.get("change", ""), form.get("run", "")
        desk = site.deps.desk(visit_of(request).user.name)
        wanted = await _wanted(desk, change, run)
        if len((await desk.judge(wanted)).taken) != _seen(form):
            return await _preview(site, request, change, run, 409)
        done = await desk.undo(wanted, {"of": run or change})
        if done.run is None:
            return await _preview(site, request, change, run, 409)
        await site.deps.tell(done.keys if len(done.keys) <= FEW else ())
        return site.see(f"{HOME}/{done.run}", "undoing.done", len(done.taken))

    return router


def _seen(form: Form) -> int:
    """How many changes were shown."""
    told = form.get("n", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else -1
