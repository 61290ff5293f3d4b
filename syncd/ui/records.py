"""Records among very many: looked for by name, number or id, by status, in an order, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from syncd import inspect
from syncd.inspect import SORTS, Sort
from syncd.model import ESPO_ID, Status
from syncd.ui import gate, labels
from syncd.ui.frame import Site
from syncd.ui.overview import ORDER

HERE = "/ui/records"
PAGE = 50
LONGEST = 200  # characters anybody looks for
PERSON, NEW = "person", "new"  # of the filter: what needs somebody; what was not looked at yet
NEEDS_PERSON = (Status.CONFLICT, Status.PERMANENTLY_FAILED)
STATUSES: Mapping[str, tuple[str, ...]] = {
    PERSON: tuple(map(str, NEEDS_PERSON)),
    **{str(one): (str(one),) for one in ORDER},
    NEW: (NEW,),
}
LATEST: Sort = "changed"


def routes(site: Site) -> APIRouter:
    """The list; htmx asks for the same address and is given what was found alone."""
    router = APIRouter(dependencies=gate.looking(site.sessions))

    @router.get("/records")
    async def page(request: Request) -> Response:
        found = await facts(site, request.query_params) | {"kinds": kinds(site, request)}
        if "hx-request" in request.headers:
            return Response(site.part(request, "records_found.html", **found), media_type="text/html")
        return site.page(request, "records.html", **found)

    return router


def kinds(site: Site, request: Request) -> dict[str, dict[str, str]]:
    """What people call one record, and several, of each entity."""
    show = site.show(request)
    return {
        name: {"one": labels.kind(show, entity), "many": labels.kind(show, entity, many=True)}
        for name, entity in site.deps.entities.items()
    }


async def facts(site: Site, asked: QueryParams) -> dict[str, Any]:
    """What the page shows. What was asked for and does not exist is left out, as if it had not been asked for."""
    text = asked.get("q", "")[:LONGEST].replace("\0", " ").strip()
    status, entity = asked.get("status", ""), asked.get("entity", "")
    sort = next((one for one in SORTS if one == asked.get("sort")), LATEST)
    wish = {
        "q": text,
        "status": status if status in STATUSES else "",
        "entity": entity if entity in site.deps.entities else "",
        "sort": sort,
    }
    after = asked.get("after", "").replace("\0", "")
    page = await inspect.find(
        site.deps.ledger,
        site.deps.entities,
        text,
        STATUSES.get(wish["status"], ()),
        sort,
        after,
        PAGE,
        wish["entity"] or None,
    )
    said = {name: value for name, value in wish.items() if value and (name, value) != ("sort", LATEST)}
    espo_id = text.rpartition("/")[2]
    return {
        "wish": wish,
        "records": page["records"],
        "later": f"{HERE}?{urlencode(said | {'after': page['next']})}" if page["next"] else "",
        "first": f"{HERE}?{urlencode(said)}" if after else "",
        "filtered": bool(text or wish["status"] or wish["entity"]),
        "unknown": [f"{name}/{espo_id}" for name in site.deps.entities] if ESPO_ID.match(espo_id) else [],
        "statuses": list(STATUSES),
        "sorts": SORTS,
        "entities": site.deps.entities,
    }
