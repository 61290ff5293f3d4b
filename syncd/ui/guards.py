"""What guards have stopped, why, and which records; to let exactly these through, or to discard. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from syncd import inspect
from syncd.commands import NotKnown, Refusal
from syncd.http_routes import join
from syncd.ui import gate, labels, refusals
from syncd.ui.frame import Site
from syncd.ui.gate import Form, form_of, visit_of
from syncd.ui.given import Id, Word
from syncd.ui.show import Show

HOME = "/ui/guards"
PAGE = 100
RESTORED = "went_back"


def routes(site: Site) -> APIRouter:
    """The list, one guard with its records, and the answers."""
    return join(APIRouter(), _looking(site), _deciding(site))


def _looking(site: Site) -> APIRouter:
    router = APIRouter(dependencies=gate.looking(site.sessions))

    @router.get("/guards")
    async def listing(request: Request) -> Response:
        show = site.show(request)
        found = [_told(site, show, one) for one in await inspect.guards(site.deps.ledger)]
        return site.page(request, "guards.html", guards=found)

    @router.get("/guards/{guard_id}")
    async def single(request: Request, guard_id: Id, after: Word = "") -> Response:
        return await page(site, request, guard_id, after)

    return router


async def page(
    site: Site, request: Request, guard_id: str, after: str = "", code: int = 200, refused: str = ""
) -> Response:
    """One guard; `refused` says why the answer just given was not taken."""
    found = await inspect.guard(site.deps.ledger, site.deps.entities, guard_id, after, PAGE + 1)
    if found is None:
        raise NotKnown("there is no such stopped guard")
    show = site.show(request)
    rows, field = found["records"], found["kind"].rpartition(":")[2]

    def value(row: Mapping[str, Any], name: str) -> str:
        return labels.value(show, labels.entity_of(site.deps.entities, row["key"]), field, row[name])

    facts = {
        "guard": _told(site, show, found),
        "rows": [row | {name: value(row, name) for name in ("before", "after")} for row in rows[:PAGE]],
        "values": any(row["before"] is not None or row["after"] is not None for row in rows),
        "next": rows[PAGE - 1]["key"] if len(rows) > PAGE else None,
        "first": not after,
        "refused": refusals.told(refused, show.language) if refused else "",
    }
    return site.page(request, "guard.html", code, **facts)


def _told(site: Site, show: Show, found: Mapping[str, Any]) -> dict[str, Any]:
    """A guard in words: what was stopped, and what each answer does."""
    what, _, about = found["kind"].partition(":")
    source, _, field = about.rpartition(":") if what == "change" else ("", "", about)
    place = source or about
    side = show.t(f"side.{place}") if place in ("espocrm", "advoware") else show.t("guards.ledger")
    other = show.t("side.advoware" if place == "espocrm" else "side.espocrm")
    values = {"side": side, "other": other, "field": labels.group(show, site.deps.entities, field)}
    return {
        "id": found["id"],
        "opened_at": found["opened_at"],
        "title": show.t(f"guards.title_{what}", **values),
        "stopped": show.t(f"guards.stopped_{what}", **values),
        "allowing": show.t(f"guards.allowing_{what}", **values),
        "discarding": show.t(f"guards.discarding_{what}", **values) if found["discarding"] else None,
        "restored": what == RESTORED,
        "checked": found["detail"].get("checked"),
        "n": len(found["keys"]),
    }


def _deciding(site: Site) -> APIRouter:
    router = APIRouter(dependencies=gate.deciding(site.sessions, site.deps.public_url))

    @router.post("/guards/{guard_id}")
    async def answer(request: Request, guard_id: Id) -> Response:
        form = await form_of(request)
        desk, seen = site.deps.desk(visit_of(request).user.name), _seen(form)
        try:
            if form.get("answer") == "discard":
                asked = await desk.discard(guard_id, seen)
            else:
                asked = await desk.allow(guard_id, form.get("right") or None, seen)
        except NotKnown:
            raise
        except Refusal as refused:
            return await page(site, request, guard_id, code=409, refused=str(refused))
        await site.deps.tell(asked.keys)
        said = "guards.discarded" if form.get("answer") == "discard" else "guards.allowed"
        return site.see(HOME, said, seen)

    return router


def _seen(form: Form) -> int:
    """How many records were shown with the answer."""
    told = form.get("n", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else 0
