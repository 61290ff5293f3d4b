"""What the client tests share: a clock that moves only by sleeping, counted ids, ports over the in-process twins."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import count

import httpx
import respx

from services.espocrm import ApiKey, EspoClient
from services.local import LocalBudget, LocalCircuit
from services.ports import Ports

START = 1_800_000_000.0
ESPO = "https://crm.example/api/v1"
KEY = "key-that-must-stay-secret"


class Hours:
    """Time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.time = START
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


class Stage:
    """Ports and what went through them."""

    def __init__(self, limits: Mapping[str, int] | None = None) -> None:
        self.hours = Hours()
        self.router = respx.Router(assert_all_called=False)
        self.transport = httpx.MockTransport(self.router.handler)
        budget = LocalBudget(self.hours.now, limits or {})
        self.circuit = LocalCircuit(self.hours.now, budget.take)
        self.seen: list[tuple[str, str, str, str]] = []
        numbers = count(1)
        self.ports = Ports(
            now=self.hours.now,
            sleep=self.hours.sleep,
            new_id=lambda: f"{next(numbers):032x}",
            jitter=lambda: 0.5,
            budget=budget,
            circuit=self.circuit,
            observe=lambda side, verb, route, outcome, _: self.seen.append((side, verb, route, outcome)),
        )

    def espo(self, key: str = KEY) -> EspoClient:
        return EspoClient(ESPO, ApiKey(key), self.ports, transport=self.transport)


def chain(error: BaseException) -> str:
    """Everything that hangs on an error and could reach a log."""
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None:
        parts += [str(current), repr(current), repr(vars(current))]
        current = current.__cause__ or current.__context__
    return "\n".join(parts)
