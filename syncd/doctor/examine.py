"""Puts the parts of an examination together; what cannot be reached is a finding, not an exception."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

import config
from services.advoware import AdvowareClient
from services.errors import Credentials, Outage, PeerError
from services.espocrm import ApiKey, EspoClient
from services.ports import Ports
from syncd.app import access, budgets, entities, known_names, redis_prefix
from syncd.clock import SystemClock, chance, new_id
from syncd.commands import Refusal
from syncd.doctor import advoware, espocrm, here, stores
from syncd.doctor.peers import Examined, Peers, clock
from syncd.doctor.probe import Outcome, Probe
from syncd.doctor.probe_note import Note
from syncd.findings import Check, Finding, fail
from syncd.ledger.store import Ledger, LedgerUnavailable
from syncd.redis_client import RedisUnavailable, configured, connect
from syncd.runtime import make_state_dir
from syncd.shared import connect as share
from syncd.shared import redis_time


async def examine() -> Examined:
    """Everything that can be examined. Writes nothing, anywhere."""
    found = Examined()
    try:
        settings = config.load()
        mapping = config.load_mapping(config.mapping_path(settings), known_names())
    except config.ConfigError as error:
        found.findings += here.settings_wrong(error)
        return found
    found.findings += here.settings_used(settings, mapping)
    found.findings += here.disk(settings)
    found.findings.append(await here.http_port(settings))
    found.findings += here.watchdog(config.service_manager())
    async with AsyncExitStack() as stack:
        ledger = await _ledger(settings, stack, found.findings)
        peers = await opened(settings, mapping, ledger, stack, found.findings)
        systems = await both(peers)
    found.findings += systems.findings
    found.assumptions += systems.assumptions
    return found


async def both(peers: Peers) -> Examined:
    """What can be seen of both systems."""
    found = Examined()
    try:
        found.findings += await espocrm.examine(peers)
    except PeerError as error:
        found.findings.append(_away(Check.ESPO_LOGIN, "EspoCRM", "ESPOCRM", error))
    try:
        seen = await advoware.examine(peers)
        found.findings += seen.findings
        found.assumptions += seen.assumptions
    except PeerError as error:
        found.findings.append(_away(Check.ADVO_LOGIN, "Advoware", "ADVOWARE", error))
    return found


async def probe_record(betnr: int, agreed: Callable[[], bool], tell: Callable[[Outcome], None]) -> Outcome | None:
    """Try out on one test record what only writing shows; None where nobody agreed. `tell` hears of any end.

    Raises `ConfigError`, `Refusal`, `PeerError`.
    """
    settings = config.load()
    mapping = config.load_mapping(config.mapping_path(settings), known_names())
    async with AsyncExitStack() as stack:
        unsaid: list[Finding] = []
        ledger = await _ledger(settings, stack, unsaid)
        unusable = next((one for one in unsaid if one.grade == "fail"), None)
        if unusable is not None:
            raise Refusal(f"the ledger {unusable.seen}: {unusable.todo}")
        peers = await opened(settings, mapping, ledger, stack, unsaid)
        entity = next(one for one in peers.entities.values() if one.link == "betnr")
        make_state_dir(settings)
        probe = Probe(peers, entity, betnr, Note(settings.state_dir, betnr))
        await probe.check()
        if not agreed():
            return None
        try:
            return await probe.run()
        finally:
            tell(probe.outcome)


async def _ledger(settings: config.Settings, stack: AsyncExitStack, findings: list[Finding]) -> Ledger | None:
    opened_one, found = stores.ledger(settings)
    findings += found
    if opened_one is None:
        return None
    stack.callback(opened_one.close)
    try:
        findings += await stores.ledger_content(settings, opened_one, SystemClock().now())
    except LedgerUnavailable as error:
        findings.append(fail(Check.LEDGER, f"cannot be read: {error}", error.todo, code=3))
        return None
    return opened_one


async def opened(
    settings: config.Settings,
    mapping: config.Mapping,
    ledger: Ledger | None,
    stack: AsyncExitStack,
    findings: list[Finding],
) -> Peers:
    """Clients of both systems, sharing logins and limits with the daemon where Redis answers."""
    machine = SystemClock()
    url = settings.redis_url.get_secret_value()
    redis = connect(url or f"unix://{settings.state_dir / 'redis.sock'}")
    stack.push_async_callback(redis.aclose)
    try:
        ahead = machine.now() - await redis_time(redis)
        findings += stores.redis_as_configured(await configured(redis))
        findings.append(clock(Check.REDIS_CLOCK, ahead))
    except RedisUnavailable as error:
        findings.append(stores.no_redis(bool(url), error))
    shared = share(redis, machine, budgets(settings), prefix=redis_prefix(settings))
    ports = Ports(machine.now, machine.sleep, new_id, chance, shared.budget, shared.circuit)
    key = ApiKey(settings.espocrm_api_key.get_secret_value())
    espo = EspoClient(settings.espocrm_api_base_url, key, ports, timeout=settings.espocrm_api_timeout_seconds)
    advo = AdvowareClient(access(settings), ports, shared.tokens, timeout=settings.advoware_api_timeout_seconds)
    stack.push_async_callback(espo.close)
    stack.push_async_callback(advo.close)
    return Peers(settings, mapping, entities(settings, mapping), espo, advo, ledger, machine.now)


def _away(check: Check, name: str, prefix: str, error: PeerError) -> Finding:
    match error:
        case Credentials():
            todo = f"correct the login in the {prefix}_… settings, then restart the daemon"
            return fail(check, f"{name} refuses our login ({error.reason})", todo)
        case Outage():
            todo = f"see whether {name} runs and its address is right"
            return fail(check, f"{name} does not answer ({error.reason})", todo, code=3)
        case _:
            todo = f"see whether the {prefix}_… address is {name}'s own and no proxy's, and {name}'s log"
            return fail(check, error.reason, todo, code=3)
