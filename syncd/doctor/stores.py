"""What `syncd doctor` looks at in Redis and in the ledger, and what of the daily work is stopped or waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import config
from syncd.alarms import BY_NAME
from syncd.app import identity
from syncd.findings import Check, Finding, fail, ok, warn
from syncd.ledger import alarms, facts, terminal, views
from syncd.ledger.store import Ledger, LedgerUnavailable, open_ledger
from syncd.model import Status
from syncd.redis_client import Configured, RedisUnavailable
from syncd.redis_server import RedisServerError, find_server
from syncd.runtime import ledger_file, ledger_url

LARGE_LEDGER = 2 * 1024**3
MEMORY_SHARE = 0.9
ALIVE = 120.0  # seconds since the last sign of life of any daemon


# --- Redis ------------------------------------------------------------------------------------


def no_redis(theirs: bool, error: RedisUnavailable) -> Finding:
    """It cannot be used: the server of others is in trouble, our own is started with the daemon."""
    if theirs:
        seen, _, todo = str(error).partition(": ")
        return fail(Check.REDIS, seen, todo, code=3)
    try:
        return ok(Check.REDIS, f"own server, started with the daemon ({find_server()})")
    except RedisServerError as error:
        todo = "install redis-server or valkey-server, or set REDIS_URL"
        return fail(Check.REDIS, str(error), todo, code=3)


def redis_as_configured(told: Configured) -> list[Finding]:
    """How the server keeps our keys."""
    found = [ok(Check.REDIS, "answers")]
    if told.maxmemory and told.used is not None:
        share = told.used / told.maxmemory
        seen = f"{share:.0%} of {told.maxmemory / 1e6:.0f} MB used"
        full = "raise maxmemory: a full Redis refuses work (the ledger keeps it meanwhile)"
        found.append(warn(Check.REDIS_MEMORY, seen, full) if share > MEMORY_SHARE else ok(Check.REDIS_MEMORY, seen))
    elif told.used is not None:
        found.append(ok(Check.REDIS_MEMORY, f"{told.used / 1e6:.0f} MB used, without a limit of its own"))
    if not told.settings:
        found.append(ok(Check.REDIS_EVICTION, "its settings may not be read"))
        return found
    policy = told.settings.get("maxmemory-policy", "noeviction")
    if policy == "noeviction":
        found.append(ok(Check.REDIS_EVICTION, "evicts nothing"))
    else:
        todo = "set maxmemory-policy noeviction: it drops waiting work (the ledger brings it back, later)"
        found.append(warn(Check.REDIS_EVICTION, f"evicts keys ({policy})", todo))
    if told.settings.get("appendonly") == "yes" or told.settings.get("save"):
        found.append(ok(Check.REDIS_PERSISTENCE, "keeps its data on disk"))
    else:
        todo = "set appendonly yes: a restart costs logins and waiting times"
        found.append(warn(Check.REDIS_PERSISTENCE, "keeps nothing on disk", todo))
    return found


# --- ledger -----------------------------------------------------------------------------------


def ledger(settings: config.Settings) -> tuple[Ledger | None, list[Finding]]:
    """The ledger, opened where it can be used."""
    from syncd.ledger.upgrade import WrongRevision, is_current

    file = ledger_file(settings)
    if file is not None and not file.is_file():
        return None, [warn(Check.LEDGER, f"none in {file.parent} yet", "start `syncd serve`: it makes one")]
    try:
        current = is_current(ledger_url(settings))
        if file is not None:
            terminal.try_writing(file)
    except WrongRevision as error:
        todo = "use the version of syncd that wrote it, or a later one"
        return None, [fail(Check.LEDGER, str(error), todo, code=2)]
    except LedgerUnavailable as error:
        return None, [fail(Check.LEDGER, f"cannot be used: {error}", error.todo, code=3)]
    if not current:
        return None, [fail(Check.LEDGER, "has an older form", "stop all daemons and run `syncd db upgrade`")]
    found = [ok(Check.LEDGER, "writable, of this version's form")]
    if file is not None:
        size = sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*"))
        seen = f"{size / 1e6:.1f} MB"
        todo = "see SYNCD_HISTORY_DAYS: a shorter history keeps it small"
        found.append(warn(Check.LEDGER_SIZE, seen, todo) if size > LARGE_LEDGER else ok(Check.LEDGER_SIZE, seen))
    return open_ledger(ledger_url(settings)), found


async def ledger_content(settings: config.Settings, opened: Ledger, now: float) -> list[Finding]:
    """Whose ledger it is, and what of the daily work is stopped or waits for a person. Raises `LedgerUnavailable`."""
    wrong = await opened.read(facts.differing, identity(settings))
    if wrong is not None:
        return [
            fail(Check.LEDGER_OWNER, wrong, "use another SYNCD_STATE_DIR or DATABASE_URL, or the old settings", code=2)
        ]
    found = [ok(Check.LEDGER_OWNER, "to this EspoCRM, Kanzlei and database")]
    found += work(await opened.read(views.status, now), now)
    return found + standing(await opened.read(alarms.raised))


def work(status: Mapping[str, Any], now: float) -> list[Finding]:
    """What `syncd status` shows, judged. `now` in epoch seconds."""
    found = [_daemon(status, now), _records(status["pairs"])]
    for scope, why in status["pauses"].items():
        todo = (
            "look at it with `syncd guard`" if why.startswith("guard ") else f"run {_resume(scope)} when it shall go on"
        )
        found.append(warn(Check.PAUSES, why, todo, scope))
    if not status["pauses"]:
        found.append(ok(Check.PAUSES, "nothing is paused"))
    for guard in status["guards"]:
        todo = f"look at it with `syncd guard show`, and let it through with `syncd guard allow {guard['id']}`"
        found.append(fail(Check.GUARDS, f"{guard['kind']} is stopped", todo, guard["id"]))
    if not status["guards"]:
        found.append(ok(Check.GUARDS, "nothing is stopped"))
    return found


def standing(raised: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Alarms that are raised now."""
    found = []
    for one in raised:
        kind = BY_NAME.get(str(one["cause"]).partition(":")[0])
        todo = "update syncd: this alarm is of a later version" if kind is None else kind.todo
        found.append(warn(Check.ALARMS, str(one["text"]), todo, str(one["cause"])))
    return found or [ok(Check.ALARMS, "none is raised")]


def _resume(scope: str) -> str:
    kind, _, name = scope.partition(":")
    return f"`syncd resume --{kind} {name}`" if name else "`syncd resume`"


def _daemon(status: Mapping[str, Any], now: float) -> Finding:
    alive = status["alive_at"]
    if alive is None:
        return warn(Check.DAEMON, "none has run with this ledger yet", "start it with `syncd serve`, or the service")
    age = now - alive
    if age > ALIVE:
        todo = "start it with `syncd serve`, or look at what the service manager says"
        return warn(Check.DAEMON, f"no sign of life for {age / 60:.0f} minutes", todo)
    return ok(Check.DAEMON, f"alive {max(0.0, age):.0f} s ago")


def _records(counts: Mapping[str, int]) -> Finding:
    told = f"{sum(counts.values())} take part"
    waiting = {
        name: count for name, count in sorted(counts.items()) if name in (Status.CONFLICT, Status.PERMANENTLY_FAILED)
    }
    if waiting:
        seen = f"{told}; " + ", ".join(f"{count} {name}" for name, count in waiting.items())
        return warn(Check.RECORDS, seen, "look at them with `syncd conflicts` and `syncd status`")
    return ok(Check.RECORDS, told)
