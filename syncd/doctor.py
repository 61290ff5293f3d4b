"""Checks an installation from the outside in and says for each finding what to do. Writes nothing, anywhere.

What it asks of the two systems is what a job would read; a login it needs is shared with the daemon.
"""

from __future__ import annotations

import os
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import config
from services.advoware import AdvowareClient
from services.errors import Credentials, Outage, PeerError
from services.espocrm import ApiKey, EspoClient
from services.ports import Ports
from syncd.app import access, entities, known_names
from syncd.clock import SystemClock, chance, new_id
from syncd.doctor_peers import Peers, examine_advoware, examine_espocrm
from syncd.findings import Finding, fail, ok, warn
from syncd.ledger import terminal
from syncd.ledger.store import Ledger, LedgerUnavailable, open_ledger
from syncd.redis_client import RedisUnavailable, configured, connect
from syncd.redis_server import RedisServerError, find_server
from syncd.runtime import ledger_file, ledger_url
from syncd.shared import connect as share
from syncd.shared import redis_time

LEAST_DISK = 500 * 1024 * 1024
MOST_OFFSET = 2.0  # seconds two clocks may differ before somebody should look


@dataclass
class Examined:
    """All findings, and the exit code they make."""

    findings: list[Finding] = field(default_factory=list)

    @property
    def code(self) -> int:
        """2 for settings, 3 for what cannot be reached, 1 for anything else that must be done, else 0."""
        codes = {one.code for one in self.findings if one.grade == "fail"}
        return min(codes & {2, 3}, default=1) if codes else 0


async def examine() -> Examined:
    """Everything that can be examined; what cannot be reached is a finding, not an exception."""
    found = Examined()
    settings, mapping = _settings(found.findings)
    if settings is None or mapping is None:
        return found
    async with AsyncExitStack() as stack:
        ledger = _ledger(settings, found.findings)
        if ledger is not None:
            stack.callback(ledger.close)
        await _redis_and_peers(settings, mapping, ledger, stack, found.findings)
    return found


def _settings(findings: list[Finding]) -> tuple[config.Settings | None, config.Mapping | None]:
    try:
        settings = config.load()
        mapping = config.load_mapping(config.mapping_path(settings), known_names())
    except config.ConfigError as error:
        findings += [
            fail("settings", line, "correct it in the environment, .env or syncd.toml", 2) for line in error.lines
        ]
        return None, None
    findings.append(ok("settings", f"complete; {mapping.path or 'no syncd.toml, the defaults hold'}"))
    if not settings.syncd_api_token.get_secret_value():
        findings.append(warn("api token", "none", "set SYNCD_API_TOKEN if the HTTP API or the dashboard shall be used"))
    if settings.syncd_dry_run:
        findings.append(warn("dry run", "on", "unset SYNCD_DRY_RUN when the plans look right: nothing is written now"))
    return settings, mapping


# --- ledger -----------------------------------------------------------------------------------


def _ledger(settings: config.Settings, findings: list[Finding]) -> Ledger | None:
    from syncd.ledger.upgrade import WrongRevision, is_current

    file = ledger_file(settings)
    if file is not None:
        _disk(settings, findings)
        if not file.is_file():
            findings.append(warn("ledger", f"none in {file.parent} yet", "start `syncd serve`: it makes one"))
            return None
    try:
        current = is_current(ledger_url(settings))
        if file is not None:
            terminal.try_writing(str(file))
    except WrongRevision as error:
        findings.append(fail("ledger", str(error), "use the version of syncd that wrote it, or a later one", 2))
        return None
    except LedgerUnavailable as error:
        findings.append(fail("ledger", f"cannot be used: {error}", "see DATABASE_URL and SYNCD_STATE_DIR", 3))
        return None
    if not current:
        findings.append(fail("ledger", "has an older form", "stop all daemons and run `syncd db upgrade`"))
        return None
    findings.append(ok("ledger", "writable, of this version's form"))
    return open_ledger(ledger_url(settings))


def _disk(settings: config.Settings, findings: list[Finding]) -> None:
    place = settings.state_dir
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    seen = f"{free / 1e9:.1f} GB free in {place}"
    if free < LEAST_DISK:
        findings.append(fail("disk", seen, "make room: a full disk stops the ledger and with it everything"))
    elif not os.access(place, os.W_OK):
        findings.append(fail("disk", f"{place} is not writable", "set SYNCD_STATE_DIR, or run as the daemon's user"))
    else:
        findings.append(ok("disk", seen))
    if settings.state_dir.is_dir() and settings.state_dir.stat().st_mode & 0o077:
        findings.append(warn("state directory", "others may read it", f"chmod 700 {settings.state_dir}: people's data"))


# --- Redis ------------------------------------------------------------------------------------


async def _redis_and_peers(
    settings: config.Settings,
    mapping: config.Mapping,
    ledger: Ledger | None,
    stack: AsyncExitStack,
    findings: list[Finding],
) -> None:
    clock = SystemClock()
    url = settings.redis_url.get_secret_value()
    redis = connect(url or f"unix://{settings.state_dir / 'redis.sock'}")
    stack.push_async_callback(redis.aclose)
    try:
        offset = clock.now() - await redis_time(redis)
    except RedisUnavailable:
        _no_redis(bool(url), findings)
    else:
        findings.append(_clock("clock and Redis", offset))
        findings += _redis(await configured(redis, ("appendonly", "maxmemory-policy", "save")))
    shared = share(redis, clock.now, {})
    ports = Ports(clock.now, clock.sleep, new_id, chance, shared.budget, shared.circuit)
    key = ApiKey(settings.espocrm_api_key.get_secret_value())
    espo = EspoClient(settings.espocrm_api_base_url, key, ports, timeout=settings.espocrm_api_timeout_seconds)
    advoware = AdvowareClient(access(settings), ports, shared.tokens, timeout=settings.advoware_api_timeout_seconds)
    stack.push_async_callback(espo.close)
    stack.push_async_callback(advoware.close)
    known = entities(settings, mapping)
    peers = Peers(settings, known, espo, advoware, ledger, clock.now, _clock)
    for side, examination in (("espocrm", examine_espocrm), ("advoware", examine_advoware)):
        try:
            await examination(peers, findings)
        except PeerError as error:
            findings.append(_away(side, error))


def _no_redis(theirs: bool, findings: list[Finding]) -> None:
    if theirs:
        findings.append(fail("redis", "does not answer", "start it, or correct REDIS_URL", 3))
        return
    try:
        findings.append(ok("redis", f"own server, started with the daemon ({find_server()})"))
    except RedisServerError as error:
        findings.append(fail("redis", str(error), "install redis-server or valkey-server, or set REDIS_URL", 3))


def _redis(told: dict[str, str]) -> list[Finding]:
    if not told:
        return [ok("redis", "answers; its settings may not be read")]
    if told.get("maxmemory-policy", "noeviction") != "noeviction":
        advice = "set maxmemory-policy noeviction: it drops waiting work (the ledger brings it back, later)"
        return [warn("redis", f"evicts keys ({told['maxmemory-policy']})", advice)]
    if told.get("appendonly") != "yes" and not told.get("save"):
        return [warn("redis", "keeps nothing on disk", "set appendonly yes: a restart costs logins and waiting times")]
    return [ok("redis", "answers, keeps its data, evicts nothing")]


def _clock(name: str, offset: float) -> Finding:
    if abs(offset) > MOST_OFFSET:
        ahead = "ahead" if offset > 0 else "behind"
        return warn(name, f"this machine is {abs(offset):.1f} s {ahead}", "switch on NTP on both machines")
    return ok(name, f"{offset:+.1f} s")


def _away(side: str, error: PeerError) -> Finding:
    match error:
        case Credentials():
            todo = f"correct the login in the {side.upper()}_… settings, then restart the daemon"
            return fail(side, f"refuses our login ({error.reason})", todo, 1)
        case Outage():
            return fail(
                side, f"does not answer ({error.reason})", f"see whether {side} runs and its address is right", 3
            )
        case _:
            return fail(side, error.reason, f"see {side}'s own log", 3)
