"""A storm over real processes: people type, the network fails, daemons are killed and frozen, Redis forgets.

People act on the stand-in systems in this process and every value is typed once only (`demo_diary` writes it down), so
that the end can be judged. Knows no expectation; `verdict` has them.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from syncd.ledger.engines import connect, sqlite_url
from syncd.sandbox import defaults, server
from syncd.sandbox.demo import RECORDS_EACH
from syncd.sandbox.demo_check import End
from syncd.sandbox.demo_diary import Diary
from syncd.sandbox.faults import Kind, Rule
from syncd.sandbox.sandbox import ADVOWARE, ESPO, Sandbox
from syncd.sandbox.witness import Witness
from tests.ports import free_port
from tests.process.aftermath import Aftermath, LedgerView
from tests.process.fleet import Fleet, Mischief, fleet, torment
from tests.process.office import Office
from tests.process.peers import Peers

LEASE = 6.0
TIMEOUT = 2.9  # under half the lease, as the defaults are: what was allowed has arrived before the claim ends
CALLS_PER_MINUTE = 6000
TOKEN_SECONDS = 60.0
SETTINGS = {
    "SYNCD_POLL_SECONDS": "0.5",
    "SYNCD_SWEEP_MIN_SECONDS": "1",
    "SYNCD_SWEEP_MAX_SECONDS": "4",
    "SYNCD_FULL_PASS_HOURS": "0.003",
    "SYNCD_LEASE_SECONDS": f"{LEASE:g}",
    "SYNCD_ADVOWARE_CALLS_PER_MINUTE": str(CALLS_PER_MINUTE),
    "SYNCD_ESPOCRM_CALLS_PER_MINUTE": str(CALLS_PER_MINUTE),
    "SYNCD_CREATE_GUARD": "100000",
    "SYNCD_RETRY_MINUTES": "0.02,0.03,0.05,0.1,0.2",
    "SYNCD_AUTO_RESET_HOURS": "0.002",
    "ADVOWARE_API_TIMEOUT_SECONDS": f"{TIMEOUT:g}",
    "ESPOCRM_API_TIMEOUT_SECONDS": f"{TIMEOUT:g}",
    "SYNCD_API_TOKEN": "a-token-for-tests",
    "SYNCD_TASK_USER": defaults.CLERKS[0],
}
KNOWN_SECONDS, SETTLE_SECONDS, QUIET_SECONDS = 300.0, 400.0, 300.0  # deadlines for a loaded machine
FAULTS: tuple[tuple[Kind, dict[str, Any]], ...] = (
    (Kind.TIMEOUT, {}),
    (Kind.TIMEOUT_APPLIED, {}),
    (Kind.APPLIED_LATE, {"seconds": 2.5}),
    (Kind.HANG_UP, {}),
    (Kind.HANG_UP_APPLIED, {}),
    (Kind.LATENCY, {"seconds": 0.4}),
    (Kind.LATENCY, {"seconds": 1.2}),
    (Kind.STATUS, {"status": 500}),
    (Kind.STATUS, {"status": 502}),
    (Kind.STATUS, {"status": 503, "retry_after": "1"}),
    (Kind.STATUS, {"status": 429, "retry_after": "1"}),
    (Kind.STATUS_APPLIED, {"status": 502}),
    (Kind.STATUS_APPLIED, {"status": 504}),
    (Kind.HTML, {}),
    (Kind.EMPTY, {}),
    (Kind.TRUNCATED, {}),
)
RECORDS = {ESPO: "*/CBeteiligte*", ADVOWARE: "*/Beteiligte*"}
"""what faults meet: never the login, which one may not try too often"""


@dataclass(frozen=True)
class Plan:
    """What happens. `edits` over `seconds`; `faults` and `flushes` per second; `versions`: EspoCRM checks them.

    `looks`: so often everything is looked at in the end without a write before it counts as quiet.
    """

    daemons: int
    edits: int
    seconds: float
    records: int
    mischief: Mischief
    seed: int = 1
    faults: float = 0.7
    flushes: float = 0.0
    versions: bool = True
    fields: float = 0.55
    created: float = 0.04
    looks: int = 2


@dataclass
class Outcome:
    """All that is known at the end; `flushed` are the moments in which Redis forgot everything."""

    end: End
    witness: Witness
    fleet: Fleet
    flushed: list[float]
    began: float
    faults: int
    left: dict[str, int]
    """what the ledger still has to do: open intents, messages owed, work that is overdue"""
    codes: dict[str, int]
    webhooks: int
    phases: dict[str, float]
    """seconds each part took"""


class Storm:
    """The stand-ins, the daemons and the people of one test."""

    def __init__(self, plan: Plan, directory: Path, redis_url: str, database_url: str | None) -> None:
        self.plan, self.directory, self.redis_url, self.database_url = plan, directory, redis_url, database_url
        self.sandbox = Sandbox(now=time.time, seed=plan.seed)
        self.sandbox.log.calls = deque()
        self.sandbox.tokens.lifetime_seconds = TOKEN_SECONDS
        self.sandbox.webhooks.settings.interval_seconds = 0.3
        self.sandbox.webhooks.settings.retry_seconds = 1.0
        self.sandbox.webhooks.settings.loss = 0.3
        self.sandbox.webhooks.settings.twice = 0.1
        self.sandbox.webhooks.settings.shuffle = True
        self.sandbox.espo.schema["CBeteiligte"].optimistic = plan.versions
        self.peers = Peers()
        self.witness = self.sandbox.watch(self.peers)
        self.diary = Diary(self.sandbox, lambda _: None)
        self.chance = random.Random(plan.seed)
        self.flushed: list[float] = []
        self.faults = 0
        self.phases: dict[str, float] = {}
        self._since = time.monotonic()

    def _ended(self, phase: str) -> None:
        now = time.monotonic()
        self.phases[phase], self._since = round(now - self._since, 1), now

    async def run(self) -> Outcome:
        """From the first start to the last stop."""
        linked = [record for record, _ in self.sandbox.seed.synced(self.plan.records)]
        before = self.sandbox.dump()
        async with self._served():
            fleet = self._fleet()
            try:
                return await self._weathered(fleet, linked, before)
            finally:
                fleet.close()

    async def _weathered(self, fleet: Fleet, linked: list[str], before: dict[str, Any]) -> Outcome:
        began = self.sandbox.now()
        names = list(fleet.members)
        await fleet.started(names[0])  # the first makes the ledger
        url = self.database_url or sqlite_url(self.directory / "state" / "ledger.db")
        ledger = LedgerView(connect(url), slack=LEASE)
        await asyncio.gather(*(fleet.started(name) for name in names[1:]))
        await self._until(
            fleet, "all records are known", lambda: ledger.known() == RECORDS_EACH * len(linked), KNOWN_SECONDS
        )
        self._ended("start")
        await self._rage(fleet, linked)
        after = Aftermath(self.sandbox, ledger, self.sandbox.now())
        await self._until(fleet, "everything is done", lambda: not after.waits(), SETTLE_SECONDS, gently=True)
        self._ended("settle")
        since = self.sandbox.now()
        await self._until(
            fleet, "everything was looked at again", lambda: after.looked_again(since, self.plan.looks), QUIET_SECONDS
        )
        self._ended("quiet")
        quiet, left = after.writes(since), ledger.left()
        conflicts, history = ledger.remembered()
        codes = await fleet.end()
        diary = self.diary
        end = End(
            before=before,
            after=self.sandbox.dump(),
            typed=diary.typed,
            born=diary.born,
            deleted=frozenset(diary.deleted),
            vanished=frozenset(diary.vanished),
            conflicts=conflicts,
            history=history,
            calls=list(self.sandbox.log.calls),
            quiet=quiet,
            wrote=self.witness.wrote,
        )
        delivered = self.sandbox.webhooks.delivered
        return Outcome(
            end, self.witness, fleet, self.flushed, began, self.faults, left, codes, delivered, self.phases
        )  # fmt: skip

    # --- the storm ------------------------------------------------------------------------------

    async def _rage(self, fleet: Fleet, linked: list[str]) -> None:
        stop = asyncio.Event()
        office = Office(self.sandbox, self.diary, linked, random.Random(f"{self.plan.seed}/people"))
        weather = asyncio.create_task(self._weather(stop))
        chance = random.Random(f"{self.plan.seed}/mischief")
        blows = asyncio.create_task(torment(fleet, self.plan.mischief, chance, self.sandbox.now(), stop))
        for _ in range(self.plan.edits):
            if blows.done() or weather.done():
                break  # with an error, which the gathering below raises
            office.anything(self.plan.created, self.plan.fields)
            await asyncio.sleep(self.chance.uniform(0, 2 * self.plan.seconds / self.plan.edits))
        self._ended("storm")
        stop.set()
        await asyncio.gather(weather, blows)
        self._ended("all up again")
        self.sandbox.faults.clear()

    async def _weather(self, stop: asyncio.Event) -> None:
        """Faults of the network, and a Redis that forgets."""
        chance, step = random.Random(f"{self.plan.seed}/weather"), 0.1
        while not stop.is_set():
            await asyncio.sleep(step)
            if chance.random() < self.plan.faults * step:
                kind, how = chance.choice(FAULTS)
                system = chance.choice((ESPO, ADVOWARE))
                times = chance.randint(1, 4)
                self.sandbox.faults.add(Rule(kind, system, route=RECORDS[system], times=times, **how))
                self.faults += times
            if chance.random() < self.plan.flushes * step:
                await asyncio.to_thread(self._flush)

    def _flush(self) -> None:
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()
        self.flushed.append(self.sandbox.now())

    # --- the end --------------------------------------------------------------------------------

    async def _until(
        self, fleet: Fleet, what: str, true: Callable[[], bool], seconds: float, gently: bool = False
    ) -> None:
        """Wait for a condition while all daemons run; with `gently` what never comes true is left to the judge."""
        end = time.monotonic() + seconds
        while not true():
            for name in fleet.members:
                fleet.check(name)
            await asyncio.sleep(0.2)
            if time.monotonic() > end:
                assert gently, f"{what}: not within {seconds:g} s"
                return

    # --- setting up -----------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _served(self) -> AsyncIterator[None]:
        stop, ready = asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(server.serve(self.sandbox, 0, 0, stop, lambda _: ready.set()))
        try:
            await ready.wait()
            yield
        finally:
            stop.set()
            await serving

    def _fleet(self) -> Fleet:
        names = ("one", "two", "three")[: self.plan.daemons]
        ports = {name: free_port() for name in names}
        hooks = [
            self.sandbox.webhooks.register(
                self.sandbox.espo.api_user,
                {
                    "event": f"CBeteiligte.{event}",
                    "url": f"http://127.0.0.1:{ports[names[number % len(names)]]}/webhooks/espocrm/beteiligte/{event}",
                    "skipOwn": True,
                },
            )
            for number, event in enumerate(("create", "update", "delete"))
        ]
        urls = self.sandbox.urls
        common = SETTINGS | {
            "REDIS_URL": self.redis_url,
            "ESPOCRM_API_BASE_URL": f"{urls.espocrm}/api/v1",
            "ESPOCRM_API_KEY": defaults.API_KEY,
            "ESPOCRM_WEBHOOK_SECRETS": ",".join(f"{one['id']}:{one['secretKey']}" for one in hooks),
            "ADVOWARE_API_BASE_URL": urls.advoware,
            "ADVOWARE_SECURITY_URL": urls.advoware,
            "ADVOWARE_APP_ID": defaults.ADVOWARE_APP_ID,
            "ADVOWARE_API_KEY": defaults.ADVOWARE_API_KEY,
            "ADVOWARE_KANZLEI": defaults.ADVOWARE_KANZLEI,
            "ADVOWARE_DATABASE": defaults.ADVOWARE_DATABASE,
            "ADVOWARE_USER": defaults.ADVOWARE_USER,
            "ADVOWARE_PASSWORD": defaults.ADVOWARE_PASSWORD,
        }
        if self.database_url is None:
            common |= {"SYNCD_STATE_DIR": str(self.directory / "state")}
        else:
            common |= {"DATABASE_URL": self.database_url}
        return fleet(
            self.directory, {name: common | {"SYNCD_HTTP_PORT": str(ports[name])} for name in names}, self.peers
        )
