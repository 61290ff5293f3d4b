"""Builds every object once, from the settings, and wires them. Decides nothing.

`App` is one daemon or command: the same with real clocks, threads and sockets, and in tests with
virtual time and stand-ins handed in.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

import config
from mappers.adressen import ADRESSEN
from mappers.bankverbindungen import BANKVERBINDUNGEN
from mappers.beteiligte import BETEILIGTE
from mappers.spec import Direction, Entity, EntryList, Field, Policy
from services.advoware import Access, AdvowareClient
from services.errors import Denied, Missing, PeerError
from services.espocrm import ApiKey, EspoClient
from services.ports import Ports, Urgency, lane
from services.transport import Transport
from syncd import courier, discovery
from syncd.clock import Clock
from syncd.commands import Desk, Refusal
from syncd.context import Context, Observers, Settings
from syncd.endings import Ended
from syncd.guard import Limits
from syncd.ledger import facts, pairs, pruning, runs, staged, tallies, undo, work
from syncd.ledger.store import Ledger, LedgerUnavailable
from syncd.model import PlanPolicy
from syncd.queue import EVERYTHING, NEWEST_EDITS, Queue, Waiting
from syncd.scheduler import Chore
from syncd.shared import Shared
from syncd.tally import Tally
from syncd.worker import Crew, Outlook, serve, work_on

log = structlog.get_logger()

ENTITIES: tuple[Entity, ...] = (BETEILIGTE, ADRESSEN, BANKVERBINDUNGEN)

DUE_EVERY = 1.0  # seconds between two copies of due work from the ledger to the queue
BEAT_EVERY = 10.0
PRUNE_EVERY = 3600.0
CHILDREN_EVERY = 4  # polls: how seldom EspoCRM is asked for changed addresses and accounts
COURIER_EVERY = 3.0
IDENTIFY_EVERY = 60.0
SWEEP_SHARE = 0.5  # of Advoware's calls per minute that looking round may use
DUE_BATCH = 500
MORE_WAIT = 1.0  # seconds
PASSES = ("run", "sync")  # kinds of runs that end with their process
PASS_LONGEST = 86400.0  # seconds
UNDO_BEGINS = 10.0  # seconds in which a process that was asked for an undo has put it to work


@dataclass(frozen=True)
class Parts:
    """What differs between production and tests. `now`: None lets Redis judge deadlines itself."""

    ledger: Ledger
    queue: Queue
    shared: Shared
    clock: Clock
    new_id: Callable[[], str]
    jitter: Callable[[], float]
    owner: str
    observers: Observers = field(default_factory=Observers)
    espo_transport: Transport | None = None
    advoware_transport: Transport | None = None


@dataclass
class Pass:
    """A run of this process: its id, and in the end how many values it has written."""

    id: str
    changes: int = 0

    @property
    def told(self) -> str | None:
        """What to tell people: the id, if anything was written."""
        return self.id if self.changes else None


@dataclass
class App:
    """Everything one process works with."""

    settings: config.Settings
    parts: Parts
    espo: EspoClient
    advoware: AdvowareClient
    contexts: dict[str, Context]
    crew: Crew
    tally: Tally
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    polls: int = 0

    async def start(self) -> None:
        """Check whose ledger this is, and begin to use it; asks neither system. Raises `config.ConfigError`."""
        clock = self.parts.clock
        wrong = await self.parts.ledger.write(facts.start, identity(self.settings), clock.now())
        if wrong is not None:
            raise _foreign(wrong)
        staging = self.settings.syncd_dry_run
        if await self.parts.ledger.read(facts.get, "staging", False) and not staging:
            await self.parts.ledger.write(pairs.forget_looks, clock.now())
            await self.parts.ledger.write(staged.clear)
        await self.parts.ledger.write(facts.put, "staging", staging)
        await self.look()

    async def look(self) -> None:
        """Check whose ledger this is, and who we are in EspoCRM as far as it knows; changes nothing."""
        wrong = await self.parts.ledger.read(facts.differing, identity(self.settings))
        if wrong is not None:
            raise _foreign(wrong)
        self._know_user(await self.parts.ledger.read(facts.get, "our_espo_user"))

    async def open(self) -> None:
        """`start`, and learn who we are in EspoCRM if that is not known yet."""
        await self.start()
        if await self.parts.ledger.read(facts.get, "our_espo_user") is None:
            try:
                await self.identify()
            except PeerError as error:
                log.info("espocrm.user_unknown_yet", reason=error.reason)

    async def identify(self) -> None:
        """Learn our user's id in EspoCRM, by which our own writes are told from people's."""
        user = (await self.espo.whoami()).body.get("user") or {}
        if user.get("id"):
            await self.parts.ledger.write(facts.put, "our_espo_user", user["id"])
            self._know_user(user["id"])

    def entities(self) -> dict[str, Entity]:
        """Every entity by our name, as the firm has mapped it."""
        return {name: context.entity for name, context in self.contexts.items()}

    def context(self, name: str | None) -> Context:
        """What jobs of an entity work with; without a name that of the only one with no parent. Raises `Refusal`."""
        if name is None and len(self.adults) > 1:
            raise Refusal(f"say of which entity: {', '.join(self.adults)}")
        wanted = Desk(self.parts.ledger, self.entities(), self.parts.clock.now).entity(name) if name else None
        return self.contexts[wanted.name] if wanted else next(iter(self.adults.values()))

    @property
    def adults(self) -> dict[str, Context]:
        """Of the entities whose records belong to no other."""
        return {name: context for name, context in self.contexts.items() if context.entity.child is None}

    def remap(self, mapping: config.Mapping) -> None:
        """Obey another syncd.toml from the next job on; jobs under way end as they began."""
        known = next((context.policy.our_espo_user for context in self.contexts.values()), None)
        self.contexts.update(_contexts(self.settings, mapping, self.parts, self.espo, self.advoware))
        self._know_user(known)

    def _know_user(self, user_id: str | None) -> None:
        for name, context in self.contexts.items():
            self.contexts[name] = replace(context, policy=replace(context.policy, our_espo_user=user_id))

    async def close(self) -> None:
        """Close the connections to both systems."""
        await self.espo.close()
        await self.advoware.close()

    # --- the daemon -------------------------------------------------------------------------

    async def worker(self, number: int) -> None:
        """One worker, until told to stop. The first of several is kept for what people have typed just now."""
        reserved = number == 0 and self.settings.syncd_workers > 1
        shift = NEWEST_EDITS if reserved else EVERYTHING
        await work_on(self.crew, f"{self.parts.owner}:{number}", self.stopping, shift)

    def stop(self) -> None:
        """Finish the jobs under way and take no more."""
        self.stopping.set()

    def chores(self) -> list[Chore]:
        """Everything that is done regularly."""
        settings = self.settings
        poll = settings.syncd_poll_seconds
        sweep_every = min(poll, settings.syncd_sweep_min_seconds)
        return [
            Chore("due", DUE_EVERY, self.copy_due, alone=False),
            Chore("poll", poll, self.poll),
            Chore("sweep", sweep_every, lambda: self.sweep(sweep_every)),
            Chore("full_pass", poll, self.full_pass_if_due),
            Chore("courier", COURIER_EVERY, self.deliver),
            Chore("beat", BEAT_EVERY, self.beat, alone=False),
            Chore("identify", IDENTIFY_EVERY, self.identify, alone=False),
            Chore("prune", PRUNE_EVERY, self.prune),
        ]

    async def copy_due(self) -> None:
        """What the ledger has due goes to the queue; whatever Redis has lost comes back by this."""
        await self.parts.queue.reclaim()
        due = await self.parts.ledger.read(work.due, self.parts.clock.now(), DUE_BATCH)
        await self.parts.queue.add_all([Waiting(item.key, item.lane, item.due_at) for item in due])

    async def keep_copying(self, over: asyncio.Event) -> None:
        """As the chore does in a daemon: what becomes due, and what was more than is copied at once."""
        while True:
            await _either(self.parts.clock.sleep(DUE_EVERY), over.wait())
            if over.is_set():
                return
            await self.copy_due()

    async def poll(self) -> int:
        """Ask EspoCRM what changed; of children only now and then, they change seldom and have their webhooks."""
        asked = self.adults if self.polls % CHILDREN_EVERY else self.contexts
        self.polls += 1
        found = sum([await self._ask(context, self._poll) for context in asked.values()])
        await self.parts.ledger.write(facts.put, "polled_at", self.parts.clock.now())
        return found

    async def _poll(self, context: Context) -> int:
        """What is found is worked on while the list goes on."""
        found = 0
        async for some in discovery.poll(context):
            found += some
            if some:
                await self.copy_due()
        return found

    async def _ask(self, context: Context, ask: Callable[[Context], Awaitable[int]]) -> int:
        """An EspoCRM without the entities of children, or without rights on them, is no reason to miss the others."""
        try:
            return await ask(context)
        except (Missing, Denied) as error:
            if context.entity.child is None:
                raise
            log.warning("children.unreadable", entity=context.entity.name, reason=error.reason)
            return 0

    async def sweep(self, seconds: float) -> int:
        """Look round in Advoware as far as the budget of that many seconds allows."""
        per_minute = self.settings.syncd_advoware_calls_per_minute
        limit = max(1, int(per_minute * SWEEP_SHARE * seconds / 60))
        found = await discovery.sweep(next(iter(self.contexts.values())), limit)
        await self.parts.ledger.write(facts.put, "swept_at", self.parts.clock.now())
        return found

    async def full_pass_if_due(self) -> None:
        """A complete listing once a day, or soon after a record seemed to have vanished."""
        now, ledger = self.parts.clock.now(), self.parts.ledger
        done = await ledger.read(facts.get, "full_pass_at", float("-inf"))
        asked = await ledger.read(facts.get, "full_pass_asked", 0.0)
        if asked <= done and now - done < self.settings.syncd_full_pass_hours * 3600:
            return
        for context in self.contexts.values():
            await self._ask(context, discovery.full_pass)
        await ledger.write(facts.put, "full_pass_at", now)

    async def deliver(self) -> int:
        """Post the Tasks and notes owed to people."""
        with lane(Urgency.BACKGROUND):
            return sum([await courier.deliver(context) for context in self.contexts.values()])

    async def beat(self) -> None:
        """The ledger is alive, and learns what was counted; what was set going and has nothing left to do is done."""
        now, ledger = self.parts.clock.now(), self.parts.ledger
        await self._tell(now)
        await ledger.write(runs.end_idle, (undo.KIND,), now - UNDO_BEGINS, now)
        await ledger.write(runs.end_idle, PASSES, now - PASS_LONGEST, now)  # whose process died before it said so

    async def _tell(self, now: float) -> None:
        counted = self.tally.take()
        try:
            await self.parts.ledger.write(tallies.beat, now, counted)
        except LedgerUnavailable:
            self.tally.put_back(counted)
            raise

    @asynccontextmanager
    async def as_run(self, kind: str) -> AsyncIterator[Pass]:
        """What the jobs of this process do meanwhile is one run; without changes it is none."""
        ledger, now = self.parts.ledger, self.parts.clock.now
        one = Pass(self.parts.new_id()[:12])
        await ledger.write(runs.start, one.id, kind, {}, now())
        for name, context in self.contexts.items():
            self.contexts[name] = replace(context, run=one.id)
        try:
            yield one
        finally:
            await ledger.write(tallies.add, self.tally.take())
            known = await ledger.read(runs.get, one.id)
            one.changes = known["changes"] if known is not None else 0
            if one.changes:
                await ledger.write(runs.end, one.id, runs.RunState.DONE, now())
            else:
                await ledger.write(runs.forget, one.id)

    async def prune(self) -> None:
        """Forget what is settled and old."""
        await pruning.prune(self.parts.ledger, self.parts.clock.now(), self.settings.syncd_history_days)

    async def drain(self, seconds: float) -> int:
        """Work until nothing is due any more, or the time is over; returns how many jobs were done."""
        done, end = 0, self.parts.clock.monotonic() + seconds
        while self.parts.clock.monotonic() < end:
            some = await self.work_off(end, _unheard)
            done += some
            if some == 0:
                break
        return done

    async def work_off(self, end: float, heard: Callable[[Ended | None], Awaitable[None]]) -> int:
        """Do what is due with all workers, until `end` (monotonic) at most; returns how many jobs were done.

        Nobody leaves while another works: what follows from that may be due before it has ended.
        """
        clock, queue, done = self.parts.clock, self.parts.queue, 0
        working, over = self.settings.syncd_workers, asyncio.Event()

        async def one(number: int) -> None:
            nonlocal done, working
            while clock.monotonic() < end:
                taken = await queue.take(f"{self.parts.owner}:{number}", self.settings.syncd_lease_seconds)
                if taken is not None:
                    await heard(await serve(self.crew, taken))
                    done += 1
                    continue
                working -= 1
                if working == 0:
                    over.set()
                    return
                await _either(queue.wait(min(MORE_WAIT, end - clock.monotonic())), over.wait())
                if over.is_set():
                    return
                working += 1
            over.set()

        await self.copy_due()  # before any of them finds nothing to do
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.keep_copying(over))
                for number in range(self.settings.syncd_workers):
                    group.create_task(one(number))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        return done


async def _either(*several: Coroutine[Any, Any, object]) -> None:
    """Return when one of them has; the others end."""
    tasks = [asyncio.ensure_future(one) for one in several]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()


async def _unheard(_: Ended | None) -> None:
    """Nobody asks how a job ended."""


def build(settings: config.Settings, mapping: config.Mapping, parts: Parts) -> App:
    """Build an app from its parts."""
    tally = Tally(parts.clock.now)
    observers = tally.beside(parts.observers)
    parts = replace(parts, observers=observers)
    ports = Ports(
        parts.clock.now,
        parts.clock.sleep,
        parts.new_id,
        parts.jitter,
        parts.shared.budget,
        parts.shared.circuit,
        observers.call,
        observers.dated,
    )
    espo = EspoClient(
        settings.espocrm_api_base_url,
        ApiKey(settings.espocrm_api_key.get_secret_value()),
        ports,
        timeout=settings.espocrm_api_timeout_seconds,
        transport=parts.espo_transport,
    )
    advoware = AdvowareClient(
        access(settings),
        ports,
        parts.shared.tokens,
        timeout=settings.advoware_api_timeout_seconds,
        transport=parts.advoware_transport,
    )
    contexts = _contexts(settings, mapping, parts, espo, advoware)
    outlook = Outlook(parts.shared.circuit, parts.clock.monotonic)
    crew = Crew(contexts, parts.queue, outlook, parts.clock.sleep, observers.job, observers.turn)
    return App(settings, parts, espo, advoware, contexts, crew, tally)


def _contexts(
    settings: config.Settings, mapping: config.Mapping, parts: Parts, espo: EspoClient, advoware: AdvowareClient
) -> dict[str, Context]:
    contexts, known = {}, entities(settings, mapping)
    for declared in ENTITIES:
        own = mapping.entities.get(declared.name, config.EntityMapping())
        contexts[declared.name] = Context(
            entity=known[declared.name],
            ledger=parts.ledger,
            espo=espo,
            advoware=advoware,
            clock=parts.clock,
            new_id=parts.new_id,
            jitter=parts.jitter,
            owner=parts.owner,
            policy=PlanPolicy(our_advoware_user=settings.advoware_user),
            settings=job_settings(settings, own),
            observers=parts.observers,
            kin=known,
        )
    return contexts


def entities(settings: config.Settings, mapping: config.Mapping) -> dict[str, Entity]:
    """Every entity by our name, as the firm has mapped it."""
    policy = Policy(settings.syncd_default_policy)
    known = {
        declared.name: mapped(declared, mapping.entities.get(declared.name, config.EntityMapping()), policy)
        for declared in ENTITIES
    }
    return {
        name: replace(entity, children=tuple(known[child.name] for child in entity.children))
        for name, entity in known.items()
    }


def known_names() -> dict[str, config.Known]:
    """What syncd.toml may speak of, by entity."""
    return {
        entity.name: config.Known(
            tuple(field.name for field in entity.fields), tuple(entries.name for entries in entity.lists)
        )
        for entity in ENTITIES
    }


def mapped(declared: Entity, own: config.EntityMapping, policy: Policy) -> Entity:
    """The declared entity with the firm's names, directions and policies."""
    changes: dict[str, Mapping[str, Any]] = {}
    for item in declared.fields:
        wish = own.fields.get(item.name, config.FieldMapping())
        names = {"espo": wish.espo or item.espo, "advoware": wish.advoware or item.advoware}
        changes[item.name] = names | _rules(item, wish, policy)
    lists = tuple(
        replace(entries, **_rules(entries, own.fields.get(entries.name, config.FieldMapping()), policy))
        for entries in declared.lists
    )
    return replace(declared.with_fields(changes), lists=lists, espo_type=own.espo_type or declared.espo_type)


def _rules(declared: Field | EntryList, wish: config.FieldMapping, policy: Policy) -> dict[str, Any]:
    """Which way a field or list travels, and who wins."""
    return {
        "direction": Direction(wish.direction) if wish.direction else declared.direction,
        "policy": Policy(wish.policy) if wish.policy else _policy(declared, policy),
    }


def _policy(declared: Field | EntryList, firm: Policy) -> Policy:
    """A declared policy other than the usual one has its reason; else the firm's holds."""
    return firm if declared.policy is Policy.ESPOCRM else declared.policy


def job_settings(settings: config.Settings, own: config.EntityMapping) -> Settings:
    """What jobs obey."""
    return Settings(
        lease=settings.syncd_lease_seconds,
        http_timeout=settings.advoware_api_timeout_seconds,
        retry_waits=tuple(minutes * 60 for minutes in settings.syncd_retry_minutes),
        auto_reset=settings.syncd_auto_reset_hours * 3600,
        sweep_min=settings.syncd_sweep_min_seconds,
        sweep_max=settings.syncd_sweep_max_seconds,
        language=settings.syncd_language,
        dry_run=settings.syncd_dry_run,
        search=settings.advoware_search,
        create_unchecked=own.create == "unchecked",
        partial_put=settings.advoware_partial_put,
        espo_filter=own.filter,
        task_user=settings.syncd_task_user or None,
        public_url=settings.syncd_public_url,
        limits=Limits(
            delete_min=settings.syncd_delete_guard_min,
            delete_percent=settings.syncd_delete_guard_percent,
            delete_run=settings.syncd_delete_guard_run,
            create_per_hour=settings.syncd_create_guard,
            change_min=settings.syncd_change_guard_min,
            change_percent=settings.syncd_change_guard_percent,
        ),
    )


def access(settings: config.Settings) -> Access:
    """Where and how to log in to Advoware."""
    return Access(
        kanzlei=settings.advoware_kanzlei,
        database=settings.advoware_database,
        user=settings.advoware_user,
        password=settings.advoware_password.get_secret_value(),
        app_id=settings.advoware_app_id,
        api_key=settings.advoware_api_key.get_secret_value(),
        product=settings.advoware_product_id,
        role=settings.advoware_role,
        base_url=settings.advoware_api_base_url,
        security_url=settings.advoware_security_url,
        configurator_url=settings.advoware_configurator_url,
        token_minutes=settings.advoware_token_lifetime_minutes,
        hosts=settings.advoware_hosts,
    )


def _foreign(wrong: str) -> config.ConfigError:
    return config.ConfigError([f"{wrong}: use another SYNCD_STATE_DIR or DATABASE_URL"])


def budgets(settings: config.Settings) -> dict[str, int]:
    """Calls a minute to each system, all processes together."""
    return {
        "espocrm": settings.syncd_espocrm_calls_per_minute,
        "advoware": settings.syncd_advoware_calls_per_minute,
    }


def redis_prefix(settings: config.Settings) -> str:
    """Names of an installation's keys in Redis begin so: several firms on one server do not meet."""
    whose = "\0".join(identity(settings).values())
    return f"syncd:{hashlib.sha256(whose.encode()).hexdigest()[:12]}"


def identity(settings: config.Settings) -> dict[str, str]:
    """Which two systems a ledger belongs to."""
    return {
        "espocrm": settings.espocrm_api_base_url,
        "kanzlei": settings.advoware_kanzlei,
        "database": settings.advoware_database,
    }
