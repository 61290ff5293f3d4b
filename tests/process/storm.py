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
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import Engine, func, select

from syncd.ledger.schema import conflicts, history, intents, messages, pairs, work
from syncd.ledger.store import connect, sqlite_url
from syncd.sandbox import defaults, server
from syncd.sandbox.calllog import Call
from syncd.sandbox.demo_check import End
from syncd.sandbox.demo_diary import Diary
from syncd.sandbox.demo_numbers_story import NumberActs
from syncd.sandbox.demo_view import is_write
from syncd.sandbox.faults import Kind, Rule
from syncd.sandbox.sandbox import ADVOWARE, ESPO, Sandbox
from syncd.sandbox.witness import Witness
from tests.process.fleet import Fleet, Mischief, fleet, torment
from tests.process.peers import Peers
from tests.process.test_daemon import free_port

LEASE = 4.0
TIMEOUT = 1.9  # under half the lease, as the defaults are: what was allowed has arrived before the claim ends
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
KNOWN_SECONDS, SETTLE_SECONDS, QUIET_SECONDS = 180.0, 300.0, 180.0
CALM_SECONDS = 5.0  # without a write, before it may be over: longer than a late check
UNDER_WAY = ("pending_sync", "dirty", "syncing", "failed", "permanently_failed")
QUIET_LOOKS, QUIET_POLLS = 3, 8  # how often everything is looked at afterwards, without a write
DELETED_AT_MOST = 3  # on each side: more would be a mass deletion
FIELDS = ("zusatz", "titel", "briefanrede", "name", "vorname", "geburtsdatum")
CLEARABLE = ("zusatz", "titel", "briefanrede")
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
    """What happens. `edits` over `seconds`; `faults` and `flushes` per second; `versions`: EspoCRM checks them."""

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
    engine: Engine
    webhooks: int
    phases: dict[str, float]
    """seconds each part took"""


class Office:
    """The people of both systems."""

    def __init__(self, sandbox: Sandbox, diary: Diary, linked: list[str], chance: random.Random) -> None:
        self.sandbox, self.diary, self.chance = sandbox, diary, chance
        self.numbers = NumberActs(diary, (), chance)
        self.crowd = linked[: len(linked) * 9 // 10]  # the others are touched by nobody
        self.count = 0

    def anything(self, plan: Plan) -> None:
        """Somebody does something."""
        dice, record = self.chance.random(), self.chance.choice(self.crowd)
        side = self.chance.choice((ESPO, ADVOWARE))
        if dice < 0.01:
            self._delete(side, record)
        elif dice < 0.01 + plan.created:
            self.create()
        elif dice < 0.01 + plan.created + plan.fields:
            self._edit(side, record)
        else:
            self.numbers.anything(side, record)

    def create(self) -> None:
        """A clerk enters a new person, of whom Advoware knows nothing."""
        number = self._number()
        born = f"{1940 + number % 60}-{1 + number % 12:02d}-{1 + number % 28:02d}"
        values: dict[str, Any] = {"firstName": "Nele", "lastName": f"Neumann-{number}", "geburtsdatum": born}
        values |= {"salutationName": "Ms.", "rechtsform": "Frau"}
        self.crowd.append(self.diary.create({**values, **self.numbers.fresh()}, self.chance.choice(defaults.CLERKS)))

    def _delete(self, side: str, record: str) -> None:
        gone = self.diary.deleted if side == ESPO else self.diary.vanished
        if len(gone) >= DELETED_AT_MOST or self.diary.betnr(record) is None:
            return
        self.crowd.remove(record)
        (self.diary.delete if side == ESPO else self.diary.vanish)(record, "anna" if side == ESPO else "AB")

    def _edit(self, side: str, record: str) -> None:
        name = self.chance.choice(FIELDS if self.diary.espo(record)["firstName"] else FIELDS[:4])
        people = defaults.CLERKS if side == ESPO else defaults.ADVOWARE_PEOPLE
        cleared = name in CLEARABLE and self.chance.random() < 0.1
        self.diary.edit(side, record, {name: None if cleared else self._value(side, name)}, self.chance.choice(people))

    def _value(self, side: str, name: str) -> str:
        """What nobody else types, as that system writes it."""
        number = self._number()
        if name == "geburtsdatum":
            day = f"{1900 + number // 336 % 100}-{1 + number // 28 % 12:02d}-{1 + number % 28:02d}"
            return day if side == ESPO else f"{day}T00:00:00"
        return f"{name.capitalize()} Nr. {number}"

    def _number(self) -> int:
        self.count += 1
        return self.count


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
        self.waits: list[str] = []
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
        self.engine = connect(self.database_url or sqlite_url(self.directory / "state" / "ledger.db"))
        await asyncio.gather(*(fleet.started(name) for name in names[1:]))
        await self._until("all records are known", lambda: self._known() == len(linked), KNOWN_SECONDS)
        self._ended("start")
        await self._rage(fleet, linked)
        await self._until("everything is done", self._settled(fleet, self.sandbox.now()), SETTLE_SECONDS, gently=True)
        self._ended("settle")
        quiet = await self._quiet(fleet)
        self._ended("quiet")
        left = self._left()
        conflicts, history = self._remembered()
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
            end, self.witness, fleet, self.flushed, began, self.faults, left, codes, self.engine, delivered, self.phases
        )  # fmt: skip

    # --- the storm ------------------------------------------------------------------------------

    async def _rage(self, fleet: Fleet, linked: list[str]) -> None:
        stop = asyncio.Event()
        office = Office(self.sandbox, self.diary, linked, random.Random(f"{self.plan.seed}/people"))
        weather = asyncio.create_task(self._weather(stop))
        chance = random.Random(f"{self.plan.seed}/mischief")
        blows = asyncio.create_task(torment(fleet, self.plan.mischief, chance, self.sandbox.now(), stop))
        for _ in range(self.plan.edits):
            office.anything(self.plan)
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

    async def _until(self, what: str, true: Callable[[], bool], seconds: float, gently: bool = False) -> None:
        """Wait for a condition; with `gently` what never comes true is left to the judge."""
        end = time.monotonic() + seconds
        while not true():
            await asyncio.sleep(0.2)
            if time.monotonic() > end:
                assert gently, f"{what}: not within {seconds:g} s"
                return

    def _known(self) -> int:
        with self.engine.connect() as conn:
            found = conn.execute(select(func.count()).where(pairs.c.state == "linked", pairs.c.status == "clean"))
            return int(found.scalar_one())

    def _left(self) -> dict[str, int]:
        """What the ledger still owes."""
        now = time.time()
        asked = {
            "open intents": select(func.count()).where(
                (intents.c.state == "open") | ((intents.c.state == "in_doubt") & (intents.c.verb == "create"))
            ),
            "messages owed": select(func.count()).where(messages.c.state.in_(("owed", "closing"))),
            "work": select(func.count()).where(work.c.cause.not_in(("sweep", "late")), work.c.held.is_(None)),
            "overdue looks": select(func.count()).where(work.c.due_at < now - LEASE),
        }
        with self.engine.connect() as conn:
            return {name: int(conn.execute(query).scalar_one()) for name, query in asked.items()}

    def _remembered(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The ledger's conflicts and kept values, and its history: by SQL, whatever the engine would tell."""
        with self.engine.connect() as conn:
            found = [[dict(row) for row in conn.execute(select(table)).mappings()] for table in (conflicts, history)]
        return found[0], found[1]

    def _settled(self, fleet: Fleet, ended: float) -> Callable[[], bool]:
        def settled() -> bool:
            for name in fleet.members:
                fleet.check(name)
            held = self.sandbox.espo.tables["CBeteiligte"].equal["syncStatus"]
            left = self._left()
            waits = [status for status in UNDER_WAY if held.get(status)] + [name for name in left if left[name]]
            last = next((call.at for call in reversed(self.sandbox.log.calls) if is_write(call)), 0.0)
            if self.sandbox.now() - max(ended, last) <= CALM_SECONDS:
                waits.append("a write just now")
            if self._looks(ended) < 1:
                waits.append("not everybody was looked at")
            self.waits = waits
            return not waits

        return settled

    async def _quiet(self, fleet: Fleet) -> list[Call]:
        """Writes while everything is looked at again and again, by the count of calls."""
        since = self.sandbox.now()

        def looked() -> bool:
            for name in fleet.members:
                fleet.check(name)
            polls = sum(call.at > since and call.path.endswith("/CBeteiligte") for call in self._recent(since))
            return polls >= QUIET_POLLS and self._looks(since) >= QUIET_LOOKS

        await self._until("everything was looked at", looked, QUIET_SECONDS)
        return [call for call in self._recent(since) if is_write(call)]

    def _recent(self, since: float) -> Iterator[Call]:
        for call in reversed(self.sandbox.log.calls):
            if call.at <= since:
                return
            yield call

    def _looks(self, since: float) -> int:
        """How often every Beteiligter of a living pair has been read since then, the least of all."""
        rows = self.sandbox.espo.tables["CBeteiligte"].rows.values()
        numbers = {str(row.values["betnr"]) for row in rows if not row.deleted}
        looks = dict.fromkeys(numbers & {str(one) for one in self.sandbox.advoware.beteiligte}, 0)
        for call in self._recent(since):
            number = call.path.rpartition("/")[2]
            if call.method == "GET" and call.system == ADVOWARE and number in looks:
                looks[number] += 1
        return min(looks.values())

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
