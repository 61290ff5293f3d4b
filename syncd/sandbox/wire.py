"""What lies between a client and a stand-in server: faults, the call log, the clock in the `Date` header.

An ASGI application around another. A request that gets no answer ends in NoAnswer: the in-process transport turns
it into httpx's exception, the real server holds or aborts the connection.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from typing import Any

from syncd.sandbox.asgi import (
    CLIENT_TIMEOUT,
    FLAGS,
    USER,
    App,
    Message,
    NoAnswer,
    Receive,
    Scope,
    Send,
    flags_of,
)
from syncd.sandbox.calllog import Call, CallLog
from syncd.sandbox.faults import COMPANIONS, Faults, Kind, Rule
from syncd.sandbox.witness import Witness

IDENTIFIER = re.compile(r"^(\d+|[0-9a-f]{17})$")
HTML_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def route_of(path: str) -> str:
    """The path with ids as `{id}`."""
    return "/".join("{id}" if IDENTIFIER.match(part) else part for part in path.split("/"))


class Wire:
    """The application of one system behind faults and log. `act` plays a person's edit from a rule."""

    def __init__(
        self,
        system: str,
        app: App,
        now: Callable[[], float],
        faults: Faults,
        log: CallLog,
        act: Callable[[Mapping[str, Any]], object],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        witness: Callable[[], Witness | None] = lambda: None,
    ) -> None:
        self.system = system
        self.app = app
        self.now = now
        self.faults = faults
        self.log = log
        self.act = act
        self.sleep = sleep
        self.witness = witness
        self.late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http" or scope["path"].startswith("/_control"):
            await self.app(scope, receive, send)
            return
        body = b"" if scope["method"] == "GET" else await _read(receive)
        exchange = Exchange(self, scope, body, send)
        rules = self.faults.meet(self.system, scope["method"], exchange.route, scope["path"])
        try:
            await exchange.play(rules)
        finally:
            exchange.write_log(rules)

    def met(self, port: int, ours: int) -> None:
        """A client has connected from its port to ours."""
        witness = self.witness()
        if witness is not None:
            witness.names.met(port, ours)

    async def settle(self) -> None:
        """Wait until everything that applies late has been applied."""
        while self.late:
            await asyncio.gather(*self.late)


class Exchange:
    """One request and what becomes of it."""

    def __init__(self, wire: Wire, scope: Scope, body: bytes, send: Send) -> None:
        self.wire = wire
        self.scope = scope
        self.body = body
        self.send = send
        self.route = route_of(scope["path"])
        self.began = wire.now()
        self.status: int | None = None
        self.user: list[str | None] = [None]
        scope[USER] = self.user

    async def play(self, rules: list[Rule]) -> None:
        """Handle the request under these rules; NoAnswer if the client shall get none."""
        if not rules:
            await self._handle(self._answer)
            return
        self.scope[FLAGS] = flags_of(rules)
        edits_before = [one for one in rules if one.kind is Kind.EDIT_BEFORE]
        edits_after = [one for one in rules if one.kind is Kind.EDIT_AFTER]
        decisive = next((one for one in reversed(rules) if one.kind not in COMPANIONS), None)
        latency = sum(one.seconds for one in rules if one.kind is Kind.LATENCY)

        async def handle(answer: Send) -> None:
            self._edit(edits_before)
            held: list[Message] = []

            async def keep(message: Message) -> None:
                held.append(message)

            await self._handle(keep if edits_after else answer)
            self._edit(edits_after)
            for message in held:
                await answer(message)

        await self._delay(latency, handle)
        await self._decide(decisive, handle)

    async def _delay(self, seconds: float, handle: Callable[[Send], Awaitable[None]]) -> None:
        if not seconds:
            return
        limit = self.scope.get(CLIENT_TIMEOUT)
        if limit is not None and seconds >= limit:
            self._later(seconds, handle)
            raise NoAnswer(Kind.TIMEOUT)
        await self.wire.sleep(seconds)

    async def _decide(self, rule: Rule | None, handle: Callable[[Send], Awaitable[None]]) -> None:
        if rule is None:
            await handle(self._answer)
            return
        kind = rule.kind
        if kind in (Kind.OFFLINE, Kind.HANG_UP, Kind.TIMEOUT):
            raise NoAnswer(kind)
        if kind in (Kind.HANG_UP_APPLIED, Kind.TIMEOUT_APPLIED):
            await handle(_nowhere)
            raise NoAnswer(kind)
        if kind is Kind.APPLIED_LATE:
            self._later(rule.seconds, handle)
            raise NoAnswer(kind)
        if kind is Kind.STATUS:
            await self._refuse(rule)
            return
        await handle(_nowhere if kind is not Kind.TRUNCATED else self._halved())
        if kind is Kind.STATUS_APPLIED:
            await self._refuse(rule)
        elif kind is Kind.HTML:
            await self._say(200, HTML_PAGE, "text/html")
        elif kind is Kind.EMPTY:
            await self._say(200, b"", "application/json")

    async def _handle(self, answer: Send) -> None:
        body = self.body

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        witness, reads = self.wire.witness(), self.scope["method"] == "GET"
        before = None if witness is None or reads else witness.before(self.wire.system, self.scope)
        if witness is None or before is None:
            await self.wire.app(self.scope, receive, answer)
            return
        held: list[Message] = []  # nobody acts between the write and the look at it

        async def keep(message: Message) -> None:
            held.append(message)

        await self.wire.app(self.scope, receive, keep)
        witness.after(self.wire.system, self.scope, self.began, before)
        for message in held:
            await answer(message)

    async def _answer(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            date = formatdate(self.wire.now(), usegmt=True).encode()
            message = {**message, "headers": [*message.get("headers", ()), (b"date", date)]}
        await self.send(message)
        if message["type"] == "http.response.body" and self.status == 200:
            witness = self.wire.witness()
            if witness is not None:
                witness.told(self.wire.system, self.scope, message.get("body", b""))

    def _halved(self) -> Send:
        start: list[Message] = []

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
                return
            half = message.get("body", b"")[: len(message.get("body", b"")) // 2]
            kept = [(name, value) for name, value in start[0]["headers"] if name != b"content-length"]
            await self._answer({**start[0], "headers": [*kept, (b"content-length", str(len(half)).encode())]})
            await self._answer({**message, "body": half})

        return answer

    async def _refuse(self, rule: Rule) -> None:
        extra = []
        if rule.retry_after is not None:
            extra.append((b"retry-after", rule.retry_after.encode()))
        if rule.reason is not None:
            extra.append((b"x-status-reason", rule.reason.encode()))
        await self._say(rule.status, rule.text.encode(), "text/html" if not rule.text else "text/plain", extra)

    async def _say(self, status: int, body: bytes, kind: str, extra: list[tuple[bytes, bytes]] | None = None) -> None:
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            *(extra or ()),
        ]
        await self._answer({"type": "http.response.start", "status": status, "headers": headers})
        await self._answer({"type": "http.response.body", "body": body})

    def _later(self, seconds: float, handle: Callable[[Send], Awaitable[None]]) -> None:
        async def apply() -> None:
            await self.wire.sleep(seconds)
            await handle(_nowhere)

        task = asyncio.get_running_loop().create_task(apply())
        self.wire.late.add(task)
        task.add_done_callback(self.wire.late.discard)

    def _edit(self, rules: list[Rule]) -> None:
        for rule in rules:
            if callable(rule.act):
                rule.act()
            elif rule.act is not None:
                self.wire.act(rule.act)

    def write_log(self, rules: list[Rule]) -> None:
        """Note the call, answered or not."""
        witness = self.wire.witness()
        self.wire.log.add(
            Call(
                at=self.wire.now(),
                system=self.wire.system,
                method=self.scope["method"],
                route=self.route,
                path=self.scope["path"],
                status=self.status,
                user=self.user[0],
                names=_names(self.body),
                faults=tuple(one.kind.value for one in rules),
                began=self.began,
                client=None if witness is None else witness.names.of(self.scope),
            )
        )


def _names(body: bytes) -> tuple[str, ...]:
    try:
        sent = json.loads(body) if body else None
    except ValueError:
        return ()
    return tuple(sorted(sent)) if isinstance(sent, dict) else ()


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _nowhere(message: Message) -> None:
    return None
