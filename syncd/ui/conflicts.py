"""What waits for a person: both values side by side, and the answer, for one or for many. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from syncd import inspect
from syncd.commands import NotKnown, Refusal
from syncd.ui import gate, labels, refusals
from syncd.ui.frame import Site, local
from syncd.ui.gate import Form, form_of, visit_of
from syncd.ui.given import Id, Word
from syncd.ui.show import Show
from syncd.ui.words import WORDS

HOME = "/ui/conflicts"
PAGE = 100
LONGEST = 10_000
TABS: Mapping[str, tuple[str, ...]] = {"waiting": inspect.WAITING, "kept": ("kept",), "settled": ("settled",)}
SIDES = (("espocrm", "espo"), ("advoware", "advoware"))
GUARDED = "went_back"  # answered where the guard is


def routes(site: Site) -> APIRouter:
    """The list, one of them, and the answers."""
    router = APIRouter()
    router.include_router(_looking(site))
    router.include_router(_deciding(site))
    return router


def _looking(site: Site) -> APIRouter:
    router = APIRouter(dependencies=gate.looking(site.sessions))

    @router.get("/conflicts")
    async def listing(
        request: Request, state: Word = "waiting", about: Word = "", after: Word = "", ticked: Word = ""
    ) -> Response:
        if state not in TABS:
            raise HTTPException(404)
        found = await inspect.questions(
            site.deps.ledger, site.deps.entities, TABS[state], about or None, after or None, PAGE
        )
        show = site.show(request)
        rows = [shown(site, show, row) for row in found["conflicts"]]
        here = {"state": state, "about": about}
        facts = {
            "rows": rows,
            "tickable": sum(row["many"] for row in rows),
            "ticked": ticked == "all",
            "groups": [(name, labels.group(show, site.deps.entities, name), n) for name, n in found["groups"].items()],
            "total": sum(found["groups"].values()),
            "tabs": list(TABS),
            **here,
            "back": address(**here, after=after),
            "all": address(**here, after=after, ticked="all"),
            "next": address(**here, after=found["next"]) if found["next"] else None,
            "list_at": address,
        }
        return site.page(request, "conflicts.html", **facts)

    @router.get("/conflicts/{conflict_id}")
    async def single(request: Request, conflict_id: Id) -> Response:
        return await page(site, request, conflict_id)

    return router


def address(**given: str) -> str:
    """The list, filtered so."""
    query = {name: value for name, value in given.items() if value and (name, value) != ("state", "waiting")}
    return f"{HOME}?{urlencode(query)}" if query else HOME


async def page(site: Site, request: Request, conflict_id: str, code: int = 200, refused: str = "") -> Response:
    """One conflict; `refused` says why the answer just given was not taken."""
    found = await inspect.question(site.deps.ledger, site.deps.entities, conflict_id)
    if found is None:
        raise NotKnown("there is no such conflict")
    show = site.show(request)
    told = refusals.told(refused, show.language) if refused else ""
    row = shown(site, show, found)
    others = await inspect.conflicts(site.deps.ledger, inspect.WAITING, found["key"], 20)
    more = [
        {"id": one["id"], "label": labels.field(show, labels.entity_of(site.deps.entities, one["key"]), one["field"])}
        for one in others
        if one["id"] != conflict_id
    ]
    return site.page(request, "conflict.html", code, row=row, refused=told, more=more)


def shown(site: Site, show: Show, row: Mapping[str, Any]) -> dict[str, Any]:
    """A conflict as the pages show it: names and values in words, and what may be answered."""
    entity = labels.entity_of(site.deps.entities, row["key"])

    def words(value: Any) -> str:
        return labels.value(show, entity, row["field"], value)

    sides = {
        side: {"value": words(row[name]), "by": row[f"{name}_by"], "at": row[f"{name}_at"]} for side, name in SIDES
    }
    espo_by = sides["espocrm"]["by"]
    users = f"{site.deps.espo_url}/#User/view/{espo_by}" if site.deps.espo_url and espo_by else ""
    child = entity is not None and entity.child is not None
    why = "conflicts.why_rows" if child and row["kind"] == "candidates" else f"conflicts.why_{row['kind']}"
    return {
        **row,
        "why": show.t(why if why in WORDS else "conflicts.why_other"),
        "child": child,
        "label": labels.field(show, entity, row["field"]),
        "title": row["title"] or row["key"].partition("/")[2],
        "sides": sides,
        "before": words(row["base"]),
        "users": users,
        "entry": ":" in row["field"],
        "day": labels.is_day(entity, row["field"]),
        "many": row["state"] in inspect.WAITING and {"espocrm", "advoware"} <= {*row["may"]},
        "decided": _decided(show, row, words) if row["decision"] else None,
        "guarded": row["kind"] == GUARDED,
    }


def _decided(show: Show, row: Mapping[str, Any], words: Any) -> dict[str, Any]:
    chosen = row["decision"]
    if "choice" in chosen:
        number = chosen.get("advoware_id")
        what = show.t("conflicts.linked", number=str(number)) if number else show.t("conflicts.created")
    else:
        what = words(chosen["value"])
    return {"what": what, "who": labels.person(show, chosen.get("who"))}


# --- answers ----------------------------------------------------------------------------------


def _deciding(site: Site) -> APIRouter:
    router = APIRouter(dependencies=gate.deciding(site.sessions, site.deps.public_url))

    @router.post("/conflicts/many")
    async def many(request: Request) -> Response:
        form = await form_of(request)
        take, ticked = form.get("take", ""), _ticked(form)
        if take not in ("espocrm", "advoware"):
            raise HTTPException(400)
        if not ticked:
            return site.see(_back(form), "conflicts.none_ticked")
        if form.get("sure") != "yes":
            rows = await _rows(site, request, list(ticked))
            return site.page(request, "conflicts_sure.html", rows=rows, take=take, ticked=ticked, to=_back(form))
        done = await site.deps.desk(visit_of(request).user.name).resolve_many(list(ticked), take, ticked)
        await site.deps.tell(done.keys)
        if not done.refused:
            return site.see(_back(form), "conflicts.many_decided", len(done.taken))
        show = site.show(request)
        refused = [
            (row, refusals.told(done.refused[row["id"]], show.language))
            for row in await _rows(site, request, list(done.refused))
        ]
        facts = {"taken": len(done.taken), "refused": refused, "to": _back(form)}
        return site.page(request, "conflicts_refused.html", 200 if done.taken else 409, **facts)

    @router.post("/conflicts/{conflict_id}")
    async def resolve(request: Request, conflict_id: Id) -> Response:
        form = await form_of(request)
        seen = form.get("seen") or _ticked_one(form, conflict_id)
        desk = site.deps.desk(visit_of(request).user.name)
        try:
            asked = await desk.resolve(conflict_id, _take(form), seen)
        except NotKnown:
            raise
        except Refusal as refused:
            return await page(site, request, conflict_id, 409, str(refused))
        await site.deps.tell(asked.keys)
        return site.see(_back(form), "conflicts.one_decided")

    return router


async def _rows(site: Site, request: Request, ids: Sequence[str]) -> list[dict[str, Any]]:
    show = site.show(request)
    found = [await inspect.question(site.deps.ledger, site.deps.entities, one) for one in ids]
    return [shown(site, show, row) for row in found if row is not None]


def _ticked(form: Form) -> dict[str, str]:
    """What was ticked, by id, with what was seen of it."""
    return {name: seen for name, _, seen in (told.partition(".") for told in form.getlist("id")) if seen}


def _ticked_one(form: Form, conflict_id: str) -> str:
    """What was seen of one in the list, where each row has a button of its own."""
    return dict(told.partition(".")[::2] for told in form.getlist("row")).get(conflict_id, "")


def _back(form: Form) -> str:
    """The list as it was filtered."""
    to = local(form.get("to", HOME))
    return to if to.startswith(HOME) else HOME


def _take(form: Form) -> str:
    """The answer as `Desk.resolve` takes it."""
    take, value = form.get("take", ""), form.get("value", "")
    if len(value) > LONGEST:
        raise HTTPException(413)
    match take:
        case "espocrm" | "advoware" | "create":
            return take
        case "link":
            number = form.get("number", "").strip() or form.get("other", "").strip()
            return f"link {number}"
        case "value" if value.strip():
            return f"value:{value}"
        case "clear":
            return "value:"
        case _:
            raise HTTPException(400)
