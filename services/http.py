"""One request pipeline for both clients: circuit, budget, time and size limits, grading of the wire, retry.

Must not know what a request is about, nor which system it goes to beyond its name. Only GET is ever repeated
here, at most twice and within seconds; minutes belong to the queue.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TypeVar

import aiohttp
import httpx

from services.answer import Answer, Call, http_date
from services.errors import CircuitOpen, Credentials, Outage, PeerError, Retryable, TimedOut
from services.local import PROBE_WAIT
from services.ports import Ports, Verdict, urgency
from services.transport import Wire, kind, timed_out, was_sent

T = TypeVar("T")

MAX_ANSWER_BYTES = 32 * 1024 * 1024
# One layer, of a kind that unpacks to about a thousand times its size: a piece of 16 kB can never fill the memory.
UNPACKED = ("gzip", "deflate")
PACKINGS = (*UNPACKED, "identity", "")
TRIES = 3
FIRST_RETRY_SECONDS = 0.5
_JSON = json.JSONEncoder(allow_nan=False)
REFUSED_BEFORE = "the credentials were refused; no call is made until they change or a person says to try again"


class Unauthorized(Exception):
    """Raised by a reader for a 401 which says that our login itself is refused.

    The pipeline counts the strike.
    """


class Pipeline:
    """All calls to one side with one set of credentials. `timeout` in seconds bounds a whole call."""

    def __init__(
        self,
        side: str,
        ports: Ports,
        credentials: str,
        *,
        timeout: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.side = side
        self.ports = ports
        self.credentials = credentials
        self._timeout = timeout
        self._wire = Wire(timeout, transport)

    def __repr__(self) -> str:
        return f"Pipeline({self.side})"

    async def close(self) -> None:
        """Close all connections."""
        await self._wire.close()

    async def call(self, call: Call, read: Callable[[Answer], T]) -> T:
        """Make the call and give what `read` makes of the answer; `read` raises the grade.

        Only GET is repeated.
        """
        for attempt in range(1, TRIES):
            try:
                return await self._once(call, read)
            except PeerError as error:
                if not call.safe or not _worth_a_second_try(error):
                    raise
            await self.ports.sleep(self._pause(attempt))
        return await self._once(call, read)

    def _pause(self, attempt: int) -> float:
        return FIRST_RETRY_SECONDS * 2.0 ** (attempt - 1) * (0.5 + self.ports.jitter())

    async def _once(self, call: Call, read: Callable[[Answer], T]) -> T:
        ticket = self.ports.new_id()
        started = self.ports.now()
        outcome = "cancelled"
        watched = False
        try:
            watched = await self._enter(ticket)
            started = self.ports.now()
            call.last_look()
            result = read(await self.send(call))
            if watched:
                await self.ports.circuit.succeed(self.side, ticket)
            outcome = "ok"
            return result
        except CircuitOpen:
            outcome = "circuitopen"
            raise
        except Unauthorized:
            outcome = "credentials"
            failure = await self._struck(ticket)
        except Outage as error:
            outcome = "outage"
            await self.ports.circuit.fail(self.side, ticket, error.retry_after)
            raise
        except (Retryable, Credentials) as error:
            outcome = type(error).__name__.lower()
            await self.ports.circuit.withdraw(self.side, ticket)
            raise
        except PeerError as error:
            # The side works; it only did not like this call.
            outcome = type(error).__name__.lower()
            if watched:
                await self.ports.circuit.succeed(self.side, ticket)
            raise
        except BaseException as error:
            outcome = "cancelled" if isinstance(error, asyncio.CancelledError) else "error"
            await self.ports.circuit.withdraw(self.side, ticket)
            raise
        finally:
            self.ports.observe(self.side, call.verb, call.route, outcome, max(0.0, self.ports.now() - started))
        raise failure

    async def send_within_budget(self, call: Call) -> Answer:
        """As `send`, for what says nothing about the side's health."""
        while (wait := await self.ports.budget.take(self.side, urgency.get())) > 0:
            await self._wait_for_budget(wait)
        return await self.send(call)

    async def _wait_for_budget(self, seconds: float) -> None:
        """Spread the waiters, or all of them ask again in the same instant."""
        await self.ports.sleep(seconds * (1.0 + 0.5 * self.ports.jitter()))

    async def _enter(self, ticket: str) -> bool:
        """Wait for circuit and budget; whether a success must be reported.

        Between what the budget grants and the call nothing waits, or granted calls would pile up.
        """
        while True:
            admission = await self.ports.circuit.admit(self.side, self.credentials, ticket, urgency.get())
            match admission.verdict:
                case Verdict.GO:
                    return admission.watched
                case Verdict.SPENT:
                    await self._wait_for_budget(admission.seconds)
                case Verdict.BARRED:
                    raise Credentials(self.side, REFUSED_BEFORE)
                case Verdict.OPEN:
                    reason = "not called: the system was away a moment ago"
                    raise CircuitOpen(self.side, reason, retry_after=admission.seconds)
                case Verdict.WAIT:
                    await self.ports.sleep(admission.seconds * (0.5 + self.ports.jitter()))

    async def _struck(self, ticket: str) -> PeerError:
        if await self.ports.circuit.strike(self.side, self.credentials, ticket):
            return Credentials(self.side, "the credentials were refused", status=401)
        return CircuitOpen(
            self.side, "refused once; the credentials are tried once more", status=401, retry_after=PROBE_WAIT
        )

    async def send(self, call: Call) -> Answer:
        """The bare exchange: no circuit, no budget, no repeat.

        Raises Outage or Retryable for what the wire does.
        """
        answered = False
        failure: PeerError
        headers, content = call.headers, b""
        if call.body is not None:
            headers = {**headers, "Content-Type": "application/json"}
            content = _JSON.encode(call.body).encode()
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._wire.send(call.verb, call.url, call.params, headers, content)
                answered = True
                try:
                    received = await _body(response)
                finally:
                    await response.aclose()
            if received is not None:
                date = http_date(response.headers.get("date"))
                if date is not None:
                    self.ports.dated(self.side, self.ports.now() - date)
                return Answer(self.side, call, response.status_code, response.headers, received, date)
            failure = Retryable(self.side, "the answer is too large", in_doubt=not call.safe)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError, OSError) as error:
            doubt = not call.safe and was_sent(error)
            if timed_out(error):
                text = f"no answer within {self._timeout:g} s ({kind(error)})"
                failure = TimedOut(self.side, text, in_doubt=doubt)
            elif answered:
                failure = Retryable(self.side, f"the answer broke off ({kind(error)})", in_doubt=doubt)
            else:
                failure = Outage(self.side, f"no connection ({kind(error)})", in_doubt=doubt)
        # Raised out here so that httpx's error, which holds the request with its headers, is not chained to
        # ours.
        raise failure


async def _body(response: httpx.Response) -> bytes | None:
    """The whole body, unpacked; None if it is larger than any answer may be."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in PACKINGS:
        raise httpx.DecodingError("packed in a way that was not asked for")
    received = bytearray()
    async for chunk in response.aiter_bytes() if packing in UNPACKED else response.stream:  # type: ignore[union-attr]
        received += chunk
        if len(received) > MAX_ANSWER_BYTES:
            return None
    return bytes(received)


def _worth_a_second_try(error: BaseException) -> bool:
    """Quick failures only.

    A time-out has used the caller's patience, and who says when to come back is obeyed.
    """
    if isinstance(error, Retryable):
        return error.status is None or error.status != 409
    if not isinstance(error, Outage) or isinstance(error, CircuitOpen | TimedOut):
        return False
    return error.retry_after is None
