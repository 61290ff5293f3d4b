"""HTTP over the stand-in Advoware: configurator, token, Beteiligte, children (advoware.md §1-3). Async only."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd.sandbox import defaults
from syncd.sandbox.advoware_model import Missing, Rejected
from syncd.sandbox.advoware_termine import Termine
from syncd.sandbox.advoware_token import TokenDesk, TokenRefused
from syncd.sandbox.advoware_world import AdvowareWorld
from syncd.sandbox.asgi import flags, note_user

Answer = Callable[[Request, str], Awaitable[Response]]


class AdvowareApi:
    """The endpoints; `base_url` answers the configurator's question."""

    def __init__(self, world: AdvowareWorld, desk: TokenDesk, base_url: Callable[[], str]) -> None:
        self.world = world
        self.desk = desk
        self.base_url = base_url
        self.termine_book = Termine(world)

    def guarded(self, endpoint: Answer) -> Callable[[Request], Awaitable[Response]]:
        """Check the token; turn refusals into answers."""

        async def answer(request: Request) -> Response:
            try:
                user = self.desk.user(request.headers.get("authorization", ""))
                note_user(request.scope, user)
                return await endpoint(request, user)
            except TokenRefused as refused:
                return _text(refused.text, refused.status)
            except Missing:
                return _text("", 404)
            except Rejected as rejected:
                return _text(str(rejected), 400)

        return answer

    async def configurator(self, request: Request) -> Response:
        """Any Kanzlei but the one known is unknown: no URLs."""
        if request.query_params.get("Kanzlei") != defaults.ADVOWARE_KANZLEI:
            return _text("Kanzlei unbekannt.", 404)
        base = self.base_url()
        return _json({"relayUrl": base, "connectorUrl": None, "securityGateway": base})

    async def token(self, request: Request) -> Response:
        try:
            body = json.loads(await request.body() or b"null")
            return _json(self.desk.issue(body if isinstance(body, dict) else {}))
        except TokenRefused as refused:
            return _text(refused.text, refused.status)
        except ValueError:
            return _text("Ungültige Anfrage.", 400)

    async def beteiligte(self, request: Request, user: str) -> Response:
        if request.method == "POST":
            body = await _body(request)
            return self._written(self.world.shown(self.world.create(user, body)), 201)
        if self.world.switches.search == "off":
            raise Missing
        query = request.query_params
        found = self.world.search(query.get("name"), query.get("vorname"))
        if flags(request.scope).short_page:
            found = found[: len(found) // 2]
        return _json([self.world.shown(one) for one in found])

    async def beteiligter(self, request: Request, user: str) -> Response:
        betnr = request.path_params["betnr"]
        if request.method == "PUT":
            body = await _body(request)
            one = self.world.replace(user, betnr, body, flags(request.scope).refuse)
            return self._written(self.world.shown(one))
        one = self.world.at(betnr)
        if flags(request.scope).stale:
            one = self.world.previous.get(betnr, one)
        shown = self.world.shown(one)
        return _json([shown] if self.world.switches.reads_as_list else shown)

    async def kommunikationen(self, request: Request, user: str) -> Response:
        child = self.world.add_kommunikation(user, request.path_params["betnr"], await _body(request))
        return self._written(self.world.shown_kommunikation(child), 201)

    async def kommunikation(self, request: Request, user: str) -> Response:
        if request.method == "DELETE":
            return _text("", 403)
        betnr, child_id = request.path_params["betnr"], request.path_params["id"]
        body = await _body(request)
        child = self.world.put_kommunikation(user, betnr, child_id, body, flags(request.scope).refuse)
        return self._written(self.world.shown_kommunikation(child))

    async def adressen(self, request: Request, user: str) -> Response:
        betnr = request.path_params["betnr"]
        if request.method == "GET":
            return _json(self.world.at(betnr).children["adressen"])
        return self._written(self.world.add_adresse(user, betnr, await _body(request)), 201)

    async def adresse(self, request: Request, user: str) -> Response:
        if request.method == "DELETE":
            return _text("", 403)
        betnr, index = request.path_params["betnr"], request.path_params["index"]
        body = await _body(request)
        return self._written(self.world.put_adresse(user, betnr, index, body, flags(request.scope).refuse))

    async def bankverbindungen(self, request: Request, user: str) -> Response:
        betnr = request.path_params["betnr"]
        if request.method == "GET":
            return _json(self.world.at(betnr).children["bankkverbindungen"])
        return self._written(self.world.add_bank(user, betnr, await _body(request)), 201)

    async def bankverbindung(self, request: Request, user: str) -> Response:
        return _text("", 405)

    async def mitarbeiter(self, request: Request, user: str) -> Response:
        return _json([{"kuerzel": one, "name": f"Mitarbeiter {one}", "aktiv": True} for one in self.world.people])

    async def termine(self, request: Request, user: str) -> Response:
        query = request.query_params
        match request.method:
            case "GET":
                return _json(self.termine_book.listed(query))
            case "POST":
                return self._written(self.termine_book.create(user, await _body(request)), 201)
            case "PUT":
                return self._written(self.termine_book.replace(user, query, await _body(request)))
            case _:
                self.termine_book.delete(query)
                return _text("", 200)

    def _written(self, shown: dict[str, Any], status: int = 200) -> Response:
        match self.world.switches.writes_answer:
            case "empty":
                return _text("", status)
            case "list":
                return _json([shown], status)
            case _:
                return _json(shown, status)


def build(world: AdvowareWorld, desk: TokenDesk, base_url: Callable[[], str], control: list[Route]) -> Starlette:
    """The ASGI application: configurator, security gateway and API on one address."""
    api = AdvowareApi(world, desk, base_url)
    base = "/api/v1/advonet"
    one = f"{base}/Beteiligte/{{betnr:int}}"
    app = Starlette(
        routes=[
            *control,
            Route("/AdvonetConfigurator/api/Url", api.configurator),
            Route("/api/v1/Token", api.token, methods=["POST"]),
            Route(f"{base}/Beteiligte", api.guarded(api.beteiligte), methods=["GET", "POST"]),
            Route(one, api.guarded(api.beteiligter), methods=["GET", "PUT"]),
            Route(f"{one}/Kommunikationen", api.guarded(api.kommunikationen), methods=["POST"]),
            Route(f"{one}/Kommunikationen/{{id:int}}", api.guarded(api.kommunikation), methods=["PUT", "DELETE"]),
            Route(f"{one}/Adressen", api.guarded(api.adressen), methods=["GET", "POST"]),
            Route(f"{one}/Adressen/{{index:int}}", api.guarded(api.adresse), methods=["PUT", "DELETE"]),
            Route(f"{one}/Bankverbindungen", api.guarded(api.bankverbindungen), methods=["GET", "POST"]),
            Route(
                f"{one}/Bankverbindungen/{{id:int}}",
                api.guarded(api.bankverbindung),
                methods=["PUT", "DELETE"],
            ),
            Route(f"{base}/Mitarbeiter", api.guarded(api.mitarbeiter)),
            Route(f"{base}/Termine", api.guarded(api.termine), methods=["GET", "POST", "PUT", "DELETE"]),
        ]
    )
    app.router.redirect_slashes = False
    return app


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"null")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Rejected("Ungültige Anfrage.")
    return flags(request.scope).rewritten(body)


def _json(value: Any, status: int = 200) -> Response:
    content = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, status, media_type="application/json")


def _text(text: str, status: int) -> Response:
    return Response(text, status, media_type="text/plain" if text else None)
