"""The REST API of EspoCRM: what its answers mean. Knows no entity of ours and no field.

Observed on EspoCRM 9.3; every oddity relied upon is named where it is used. All texts of errors are built
here from parts known to be harmless: the server's own reason may quote a record.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlsplit

import httpx

from services.answer import Answer, Call, Reply, no_objection
from services.errors import CircuitOpen, Credentials, Missing, Retryable
from services.espocrm_answers import SIDE, Page, grade, read_any, read_object, read_page
from services.http import Pipeline
from services.ports import Ports

# The largest page EspoCRM gives (`recordListMaxSizeLimit`).
MAX_PAGE = 200
# Pause before the one repeat after a 401.
REPEAT_401_SECONDS = 0.5

T = TypeVar("T")
Where = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class ApiKey:
    """The key of an API user: the daemon's way in. `tries`: how often a refused call is sent."""

    key: str = field(repr=False)
    tries: int = 2

    def headers(self) -> dict[str, str]:
        """What each request carries."""
        return {"X-Api-Key": self.key}


@dataclass(frozen=True)
class Login:
    """Name and password of a person: only for setting EspoCRM up. A mistyped one is not sent twice."""

    user: str
    password: str = field(repr=False)
    tries: int = 1

    def headers(self) -> dict[str, str]:
        """What each request carries."""
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}", "Espo-Authorization": pair}


class EspoClient:
    """One EspoCRM. `base_url` ends in /api/v1; `timeout` in seconds bounds a call."""

    def __init__(
        self,
        base_url: str,
        auth: ApiKey | Login,
        ports: Ports,
        *,
        timeout: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._auth = auth.headers()
        self._tries = auth.tries
        self.credentials = _fingerprint(self.base_url, self._auth)
        self._ports = ports
        self._pipeline = Pipeline(SIDE, ports, self.credentials, timeout=timeout, transport=transport)

    def __repr__(self) -> str:
        return f"EspoClient({urlsplit(self.base_url).hostname})"

    async def close(self) -> None:
        """Close all connections."""
        await self._pipeline.close()

    async def read(self, entity: str, id: str) -> Reply:
        """The whole record.

        A deleted one, which an admin's key still sees, is Missing like one that never was.
        """
        reply = await self._object("GET", f"{_part(entity)}/{_part(id)}", f"{entity}/{{id}}")
        if reply.body.get("deleted") is True:
            raise Missing(SIDE, "the record is deleted", status=200, certain=True)
        if reply.body.get("id") != id:
            raise Retryable(SIDE, "another record than asked for was answered", status=200)
        return reply

    async def list(
        self,
        entity: str,
        *,
        where: Where = (),
        select: Sequence[str] = (),
        order_by: str = "createdAt",
        order: Literal["asc", "desc"] = "asc",
        max_size: int = MAX_PAGE,
        offset: int = 0,
        count: Literal["none", "exact"] = "none",
    ) -> Page:
        """One page; ties in `order_by` are in order of id.

        A page that lacks rows is an error, never a short list.
        """
        search = _search(where, select, order_by, order, max_size, offset)
        return await self._page(_part(entity), entity, search, max_size, offset, count)

    async def related(
        self,
        entity: str,
        id: str,
        link: str,
        *,
        where: Where = (),
        select: Sequence[str] = (),
        order_by: str = "createdAt",
        order: Literal["asc", "desc"] = "asc",
        max_size: int = MAX_PAGE,
        offset: int = 0,
        count: Literal["none", "exact"] = "none",
    ) -> Page:
        """One page of the records linked to a record."""
        path = f"{_part(entity)}/{_part(id)}/{_part(link)}"
        search = _search(where, select, order_by, order, max_size, offset)
        return await self._page(path, f"{entity}/{{id}}/{link}", search, max_size, offset, count)

    async def update(
        self,
        entity: str,
        id: str,
        changes: Mapping[str, Any],
        *,
        version: int | None = None,
        last_look: Callable[[], None] = no_objection,
    ) -> Reply:
        """PATCH: only what is sent changes, lists are replaced whole.

        With `version` a stale write is Modified.
        """
        if not changes:
            raise ValueError("a write without changes bumps modifiedAt on stream entities: do not send it")
        headers = {} if version is None else {"X-Version-Number": str(version)}
        path = f"{_part(entity)}/{_part(id)}"
        route = f"{entity}/{{id}}"
        call = self._make("PATCH", path, route, body=dict(changes), headers=headers, last_look=last_look)
        return await self._call(call, read_object)

    async def create(
        self, entity: str, body: Mapping[str, Any], *, duplicates: Literal["skip", "check"] = "skip"
    ) -> Reply:
        """POST. EspoCRM's own duplicate check is racy and by name: left out unless asked for."""
        headers = {"X-Skip-Duplicate-Check": "true"} if duplicates == "skip" else {}
        reply = await self._object("POST", _part(entity), entity, body=dict(body), headers=headers)
        if not isinstance(reply.body.get("id"), str):
            raise Retryable(SIDE, "a create was answered without an id", status=200, in_doubt=True)
        return reply

    async def delete(self, entity: str, id: str) -> None:
        """Soft delete."""
        await self._call(self._make("DELETE", f"{_part(entity)}/{_part(id)}", f"{entity}/{{id}}"), read_any)

    async def whoami(self) -> Reply:
        """Our own user and the table of our rights."""
        return await self._object("GET", "App/user", "App/user")

    async def metadata(self, key: str) -> Any:
        """Part of the metadata, for example "entityDefs.Contact"; None where there is none."""
        return await self._call(self._make("GET", "Metadata", "Metadata", params={"key": key}), read_any)

    async def settings(self) -> Reply:
        """The settings of the instance."""
        return await self._object("GET", "Settings", "Settings")

    async def probe(self) -> None:
        """Whether the server is there and takes our login."""
        await self._call(self._make("GET", "", ""), read_any)

    async def request(self, verb: str, path: str, *, body: Any = None, params: Mapping[str, str] | None = None) -> Any:
        """Any other call, mostly of setting up: the parsed answer.

        `path` is relative to the base and already quoted.
        """
        route = re.sub(r"(?<=/)[0-9a-f]{17}(?=/|$)", "{id}", path)
        return await self._call(self._make(verb, path, route, params=params, body=body), read_any)

    async def _object(
        self,
        verb: str,
        path: str,
        route: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        return await self._call(self._make(verb, path, route, body=body, headers=headers), read_object)

    async def _page(
        self, path: str, route: str, search: str, max_size: int, offset: int, count: Literal["none", "exact"]
    ) -> Page:
        headers = {"X-No-Total": "true"} if count == "none" else {}
        call = self._make("GET", path, route, params={"searchParams": search}, headers=headers)
        return await self._call(call, lambda answer: read_page(answer, max_size, offset))

    def _make(
        self,
        verb: str,
        path: str,
        route: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        last_look: Callable[[], None] = no_objection,
    ) -> Call:
        all_headers = {**self._auth, **headers} if headers else self._auth
        return Call(verb, f"{self.base_url}/{path}", route, params or {}, all_headers, body, last_look)

    async def _call(self, call: Call, read: Callable[[Answer], T]) -> T:
        def graded(answer: Answer) -> T:
            failure = grade(answer, self._ports.now())
            if failure is not None:
                raise failure
            return read(answer)

        try:
            return await self._pipeline.call(call, graded)
        except CircuitOpen as first:
            if first.status != 401:
                raise
            if self._tries == 1:
                raise Credentials(SIDE, "the login was refused", status=401) from None
        # One 401 may be a hiccup; a 401 was surely not applied, so any verb may be repeated. Eleven lock the
        # address.
        await self._ports.sleep(REPEAT_401_SECONDS * (0.5 + self._ports.jitter()))
        return await self._pipeline.call(call, graded)


def _fingerprint(base_url: str, auth: Mapping[str, str]) -> str:
    key = "\n".join(auth.values()).encode()
    return hmac.new(key, f"syncd {SIDE} {base_url}".encode(), hashlib.sha256).hexdigest()[:24]


def _part(text: str) -> str:
    """One part of a path. An empty one would turn the read of a record into a list."""
    if not text or text in (".", ".."):
        raise ValueError("an empty part of a path")
    return quote(text, safe="")


def _search(where: Where, select: Sequence[str], order_by: str, order: str, max_size: int, offset: int) -> str:
    """`searchParams`: the key is `where` (`whereGroup` is silently ignored), `select` must be a list."""
    search: dict[str, Any] = {"maxSize": max_size, "offset": offset, "orderBy": order_by, "order": order}
    if where:
        search["where"] = [dict(item) for item in where]
    if select:
        search["select"] = [*select]
    return json.dumps(search, separators=(",", ":"), ensure_ascii=False)
