"""The REST API of Advoware: how it is called and what its answers mean. Knows no field of an entity.

What the vendor documents or others measured on the live system is built in; everything that is only assumed
is one constant or one small function below, under "Assumed", so that one edit corrects it. What is assumed of the
values of a Kommunikation stands likewise in `mappers/kommunikation.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx

from services.advoware_discovery import Location
from services.advoware_token import OUTAGE_TEXTS, SIDE, Access, TokenSource
from services.answer import Answer, Call, Reply, common_failure, no_objection
from services.errors import Credentials, Denied, Missing, Outage, PeerError, Refused, Retryable
from services.http import Pipeline
from services.ports import Ports, Token, TokenStore

__all__ = ["Access", "AdvowareClient"]

# --- Assumed, not confirmed by the vendor
# -----------------------------------------------------------------------
BETEILIGTE = "api/v1/advonet/Beteiligte"
SEARCH_PARAMETERS = {
    "name": "name",
    "vorname": "vorname",
}  # ours -> theirs; wrong ones would be ignored silently
PROBE_PATH = "api/v1/advonet/Mitarbeiter"
TIMES_KNOWN = 10_000  # time stamps that have been read; the same ones come again and again
TIME_ZONE = "Europe/Berlin"  # of geaendertAm and every other time without a zone


def local_time(text: Any) -> float | None:
    """[A] `geaendertAm` and the like: Berlin local time without a zone, as epoch seconds UTC.

    None where it is missing, malformed, or in the hour that October has twice.
    """
    return _local_time(text) if isinstance(text, str) else None


@lru_cache(maxsize=TIMES_KNOWN)
def _local_time(text: str) -> float | None:
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None
    zone = ZoneInfo(TIME_ZONE)
    early, late = (local.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    return early if early == late else None


def one_object(body: Any) -> dict[str, Any] | None:
    """An object comes as itself or as a list with this one object; None for anything else."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    return body if isinstance(body, dict) else None


def gone_for_certain(answer: Answer) -> bool:
    """Whether a 404 is about the record: it is, unless a web server answers with a page of its own."""
    return "html" not in answer.headers.get("content-type", "").lower()


def refused_field(body: Any, sent: Any) -> str | None:
    """The field a 400 complains about, in the usual form of ASP.NET: {"errors": {"Name": [...]}}.

    Only one that was sent: any other word may be a value.
    """
    errors = body.get("errors") if isinstance(body, dict) else None
    name = next(iter(errors), None) if isinstance(errors, dict) else None
    known = {one.lower(): one for one in sent} if isinstance(sent, dict) else {}
    return known.get(name.lower()) if isinstance(name, str) else None


# ------------------------------------------------------------------------------------------------------------
# ----

T = TypeVar("T")


@dataclass(frozen=True)
class Looked:
    """An answer in the form in which it came; `date` as in `Reply`."""

    body: Any = field(repr=False)
    date: float | None = None


class TokenRefused(Exception):
    """A 401 on a call: the token has to be renewed once."""


class AdvowareClient:
    """One firm's Advoware. Paths are relative to the base ("api/v1/advonet/…").

    `timeout` in seconds bounds a call.
    """

    def __init__(
        self,
        access: Access,
        ports: Ports,
        tokens: TokenStore,
        *,
        timeout: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.credentials = access.fingerprint()
        self._ports = ports
        self._pipeline = Pipeline(SIDE, ports, self.credentials, timeout=timeout, transport=transport)
        self._location = Location(access, self._pipeline)
        self._tokens = TokenSource(access, self._pipeline, tokens, self._location.security, timeout=timeout)

    def __repr__(self) -> str:
        return "AdvowareClient()"

    async def close(self) -> None:
        """Close all connections."""
        await self._pipeline.close()

    async def read(self, path: str) -> Reply:
        """One object."""
        return await self._call("GET", path, None, None, _read_object)

    async def look(self, path: str, params: Mapping[str, str] | None = None) -> Looked:
        """Whatever is answered, as it came: for judging its form."""
        return await self._call("GET", path, params, None, lambda answer: Looked(answer.json(), answer.date))

    async def read_list(self, path: str, params: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """A list; an empty body is an empty list.

        Parameter names are case-sensitive, wrong ones silently ignored.
        """
        return await self._call("GET", path, params, None, _read_list)

    async def create(
        self,
        path: str,
        body: Mapping[str, Any],
        params: Mapping[str, str] | None = None,
        *,
        last_look: Callable[[], None] = no_objection,
    ) -> Reply:
        """POST, never repeated. The answered body may be {}."""
        return await self._call("POST", path, params, dict(body), _read_written, last_look)

    async def replace(
        self,
        path: str,
        body: Mapping[str, Any],
        params: Mapping[str, str] | None = None,
        *,
        last_look: Callable[[], None] = no_objection,
    ) -> Reply:
        """PUT of a whole object. Its success proves nothing: fields may be ignored silently.

        The body may be {}.
        """
        return await self._call("PUT", path, params, dict(body), _read_written, last_look)

    async def delete(self, path: str, params: Mapping[str, str] | None = None) -> None:
        """DELETE, where the API has one (Termine)."""
        await self._call("DELETE", path, params, None, _read_nothing)

    async def search(self, name: str, vorname: str) -> list[dict[str, Any]]:
        """Beteiligte of exactly this name.

        Every row is compared here, as the server may ignore the parameters.
        """
        wanted = {"name": name.strip(), "vorname": vorname.strip()}
        params = {SEARCH_PARAMETERS[key]: value for key, value in wanted.items() if value}
        rows = await self.read_list(BETEILIGTE, params)
        return [row for row in rows if all(_same(row.get(key), value) for key, value in wanted.items())]

    async def probe(self) -> None:
        """Whether the server is there and takes our login."""
        await self.read_list(PROBE_PATH)

    async def _call(
        self,
        verb: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Any,
        read: Callable[[Answer], T],
        last_look: Callable[[], None] = no_objection,
    ) -> T:
        def graded(answer: Answer) -> T:
            failure = grade(answer, self._ports.now())
            if failure is not None:
                raise failure
            return read(answer)

        async def attempt(token: Token) -> T:
            base = await self._location.base()
            headers = {"Authorization": f"Bearer {token.access}"}
            call = Call(verb, base + path.lstrip("/"), _route(path), params or {}, headers, body, last_look)
            return await self._pipeline.call(call, graded)

        token = await self._tokens.get()
        try:
            return await attempt(token)
        except TokenRefused:
            await self._tokens.refuse(token)
        # A 401 was surely not applied: any verb may be repeated, once, with a fresh token.
        token = await self._tokens.get()
        try:
            return await attempt(token)
        except TokenRefused:
            await self._tokens.refuse(token)
            await self._ports.circuit.bar(SIDE, self.credentials)
        raise Credentials(SIDE, "a fresh token was refused too", status=401)


def grade(answer: Answer, now: float) -> PeerError | None:
    """What an answer means; None for success. Raises TokenRefused for a 401."""
    status = answer.status
    if 200 <= status < 300:
        return None
    if any(part in answer.content[:4000].decode("utf-8", "replace") for part in OUTAGE_TEXTS):
        return Outage(SIDE, "the firm's Advoware server is offline or the product not released", status=status)
    match status:
        case 401:
            raise TokenRefused
        case 403 | 405:
            return Denied(SIDE, "not allowed", status=status)
        case 404 | 410:
            return Missing(SIDE, "no such record", status=status, certain=gone_for_certain(answer))
        case 409:
            return Retryable(SIDE, "a conflict on the server", status=status)
    common = common_failure(answer, now)
    if common is not None:
        return common
    name = refused_field(_quietly(answer), answer.call.body)
    text = "a value was refused" if name is None else f"field {name} was refused"
    return Refused(SIDE, text, status=status, field=name)


def _quietly(answer: Answer) -> Any:
    try:
        return answer.json()
    except Retryable:
        return None


def _read_object(answer: Answer) -> Reply:
    body = answer.json()
    if body == []:
        raise Missing(SIDE, "an empty list was answered", status=answer.status, certain=False)
    found = one_object(body)
    if found is None:
        raise answer.garbage("one object was expected")
    return Reply(found, answer.date)


def _read_list(answer: Answer) -> list[dict[str, Any]]:
    body = answer.json()
    rows = [] if body is None else [body] if isinstance(body, dict) else body
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise answer.garbage("a list was expected")
    return rows


def _read_written(answer: Answer) -> Reply:
    """Success bodies may be empty, or something that is not an object: the object is read back anyway."""
    return Reply(one_object(answer.json()) or {}, answer.date)


def _read_nothing(answer: Answer) -> None:
    """The status says it all."""


def _route(path: str) -> str:
    return re.sub(r"(?<=/)-?\d+(?=/|$)", "{id}", path.strip("/"))


def _same(theirs: Any, ours: str) -> bool:
    return isinstance(theirs or "", str) and _folded(theirs or "") == _folded(ours)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip()).casefold()
