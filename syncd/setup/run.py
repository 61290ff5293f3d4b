"""Puts setting up together: look, compare, ask, do, look again. Speaks only through what it is handed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import config
from mappers.spec import Entity
from services.errors import Credentials
from services.espocrm import ApiKey, EspoClient, Login
from services.local import LocalBudget, LocalCircuit
from services.ports import Ports
from services.transport import Transport
from syncd import webhooks
from syncd.clock import SystemClock, chance, new_id
from syncd.commands import Refusal
from syncd.ledger import facts
from syncd.ledger.store import LedgerUnavailable
from syncd.ledger.upgrade import WrongRevision
from syncd.projection import espo_text
from syncd.runtime import NoLedger, existing_ledger, opened_ledger
from syncd.setup import access_steps, entity_steps, have
from syncd.setup.carry_out import Hands
from syncd.setup.steps import Left, NewKey, Plan, Send, Step, Wishes, fail
from syncd.setup.wanted import WantedEntity, wanted
from syncd.setup.words import languages
from syncd.webhooks import Mending

PATIENCE = 120.0  # seconds; EspoCRM rebuilds its database and caches after a change
CRON_SILENCE = 1800.0  # seconds without any scheduled job before that is worth a word
DEFAULT_USER = "syncd"
ADMINS = ("admin", "super-admin")


@dataclass(frozen=True)
class Options:
    """What the administrator asked for; `user` and `url` None for what the settings say."""

    login: Login
    user: str | None
    url: str | None
    new_key: bool


@dataclass(frozen=True)
class Looked:
    """What was found: the plan, and lines about what is set in EspoCRM by hand."""

    version: str
    plan: Plan
    by_hand: Sequence[str]
    user: str


@dataclass(frozen=True)
class Talk:
    """How it speaks: shows what was found and says whether to go on, tells each step done, keeps a fresh key."""

    agreed: Callable[[Looked], bool]
    done: Callable[[Step], None]
    keep_key: Callable[[str], None]


async def run(
    settings: config.Settings,
    entities: Mapping[str, Entity],
    options: Options,
    talk: Talk,
    transport: Transport | None = None,
) -> Sequence[Left]:
    """Set EspoCRM up as far as the administrator agrees; what then still waits for a person.

    Raises `Refusal`, `PeerError`, `Stopped`.
    """
    async with AsyncExitStack() as stack:
        connect = _connector(settings, stack, transport)
        admin = connect(options.login)
        await _check_admin(admin)
        key = settings.espocrm_api_key.get_secret_value()
        user = connect(ApiKey(key)) if key else None
        hands = Hands(admin, lambda key: connect(ApiKey(key)), lambda: opened_ledger(settings), talk.keep_key, stack)
        eyes = _Eyes(settings, entities, options, hands, user)
        looked = await eyes.look()
        if not talk.agreed(looked) or not looked.plan.steps:
            return looked.plan.left
        refused = await _work(eyes, looked, talk)
        after = await eyes.look()
        return (*refused, *after.plan.left, *_not_taken(after.plan.steps, refused))


def _connector(
    settings: config.Settings, stack: AsyncExitStack, transport: Transport | None
) -> Callable[[ApiKey | Login], EspoClient]:
    clock = SystemClock()
    budget = LocalBudget(clock.now, {})  # one process, and before there is a Redis
    ports = Ports(clock.now, clock.sleep, new_id, chance, budget, LocalCircuit(clock.now, budget.take))

    def connect(auth: ApiKey | Login) -> EspoClient:
        client = EspoClient(settings.espocrm_api_base_url, auth, ports, timeout=PATIENCE, transport=transport)
        stack.push_async_callback(client.close)
        return client

    return connect


async def _check_admin(admin: EspoClient) -> None:
    try:
        user = (await admin.whoami()).body.get("user") or {}
    except Credentials:
        raise Refusal(
            "EspoCRM refuses this user and password: correct them (not tried again: eleven failures lock the address)"
        ) from None
    if user.get("type") not in ADMINS:
        raise Refusal(f"{user.get('userName')} is no administrator of EspoCRM: log in as one")


# --- looking ----------------------------------------------------------------------------------


@dataclass
class _Eyes:
    settings: config.Settings
    entities: Mapping[str, Entity]
    options: Options
    hands: Hands
    keyed: EspoClient | None

    async def look(self) -> Looked:
        """What EspoCRM has, and what that means."""
        goal = wanted(self.entities.values())
        user = self.hands.user or self.keyed
        owner = await have.key_owner(user) if user is not None else None
        named = self.options.user or owner or DEFAULT_USER
        kept, unusable = await _secrets(self.settings)
        url = (self.options.url or self.settings.public_url).rstrip("/")
        wishes = Wishes(named, url, self.options.new_key, unusable)
        found = await self._found(goal, named, owner)
        if found.user is not None:
            if user is not None and found.user.key_works:
                self.hands.user = user
            known = [*kept, *self.settings.espocrm_webhook_secrets]
            hooks = await webhooks.listed_of(self.hands.admin, found.user.id, known)
            found = replace(found, webhooks=hooks)
        steps, findings = _compare(goal, found, wishes, webhooks.wanted(self.entities.values()))
        lines, more = access_steps.by_hand(found, wishes, espo_text(SystemClock().now() - CRON_SILENCE))
        return Looked(found.version, Plan(tuple(steps), (*findings, *more)), lines, named)

    async def _found(self, goal: Sequence[WantedEntity], named: str, owner: str | None) -> have.Have:
        admin = self.hands.admin
        version, language = await have.instance(admin)
        spoken = languages(language)
        there = {one.espo_type: await have.entity(admin, one, spoken) for one in goal}
        who = await have.user_named(admin, named, owner)
        job, last_run = await have.jobs(admin)
        return have.Have(
            version=version,
            language=language,
            languages=spoken,
            entities={name: one for name, one in there.items() if one is not None},
            names={one: await have.labels(admin, have.NAMES, one) for one in spoken},
            role=await have.role_named(admin, access_steps.ROLE),
            user=who,
            user_roles=tuple([await have.role(admin, one) for one in who.roles]) if who is not None else (),
            job=job,
            last_run=last_run,
        )


async def _secrets(settings: config.Settings) -> tuple[Mapping[str, str], str]:
    """Webhook secrets the ledger keeps, and "" or why it can keep none."""
    try:
        async with existing_ledger(settings) as ledger:
            identity = await ledger.read(facts.get, "identity")
            if identity is not None and identity.get("espocrm") != settings.espocrm_api_base_url:
                return {}, "the ledger belongs to another EspoCRM"
            return await ledger.read(facts.webhook_secrets), ""
    except NoLedger:
        place = settings.state_dir
        while not place.exists():
            place = place.parent
        return {}, "" if os.access(place, os.W_OK) else f"{settings.state_dir} cannot be written"
    except (LedgerUnavailable, WrongRevision, config.ConfigError, OSError) as error:
        return {}, " ".join(str(error).split()) or "the ledger cannot be used"


def _compare(
    goal: Sequence[WantedEntity], found: have.Have, wishes: Wishes, hooks: Sequence[webhooks.Wanted]
) -> tuple[list[Step], list[Left]]:
    steps, findings = [], []
    stuck = {one.espo_type for one in goal if entity_steps.obstacle(one, found) is not None}
    for one in goal:
        if one.parent_type in stuck:
            findings.append(fail(f"entity {one.espo_type}", f"needs {one.parent_type} first", "put that right"))
            continue
        done, wrong = entity_steps.steps(one, found, wishes.user)
        steps += done
        findings += wrong
    done, wrong = access_steps.steps(goal, found, wishes, hooks)
    return [*steps, *done], [*findings, *wrong]


# --- doing ------------------------------------------------------------------------------------


async def _work(eyes: _Eyes, looked: Looked, talk: Talk) -> list[Left]:
    """Carry the plan out; what EspoCRM refuses of the webhooks is a finding, all else stops."""
    waiting = [*looked.plan.steps]
    refused: list[Left] = []
    while waiting:
        step = waiting.pop(0)
        try:
            await eyes.hands.do(step)
        except Refusal as error:
            refused.append(fail("webhooks", "not registered", f"{error}; then run `syncd webhooks register`"))
        except (LedgerUnavailable, WrongRevision, config.ConfigError) as error:
            todo = "run `syncd webhooks register` as the daemon's user and with its settings"
            refused.append(fail("webhooks", f"their secrets cannot be kept: {error}", todo))
        if refused:
            waiting = [one for one in waiting if not isinstance(one.action, Mending)]
            continue
        talk.done(step)
        if isinstance(step.action, NewKey):
            eyes.options = replace(eyes.options, new_key=False)
        if isinstance(step.action, NewKey) or (isinstance(step.action, Send) and step.action.opens):
            waiting = [*(await eyes.look()).plan.steps]
    return refused


def _not_taken(left: Sequence[Step], refused: Sequence[Left]) -> list[Left]:
    """What EspoCRM answered well to and did not do."""
    return [
        fail(f"{step.where} {step.what}", "EspoCRM did not take it", "run this again, or set it by hand")
        for step in left
        if not (refused and isinstance(step.action, Mending))
    ]
