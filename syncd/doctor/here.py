"""What `syncd doctor` looks at on this machine: settings, disk, rights of files, the HTTP port, the service manager."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import config
from syncd.findings import Check, Finding, fail, ok, warn
from syncd.listener import CannotListen, listen
from syncd.machine import LEAST_DISK
from syncd.runtime import ledger_file

PATIENCE = 3.0  # seconds for whoever holds the port to say who it is


def settings_used(settings: config.Settings, mapping: config.Mapping) -> list[Finding]:
    """What the settings themselves ask to be looked at."""
    found = [ok(Check.SETTINGS, f"complete; {mapping.path or 'no syncd.toml, the defaults hold'}")]
    if not settings.syncd_api_token.get_secret_value():
        todo = "set SYNCD_API_TOKEN if the HTTP API or the dashboard shall be used"
        found.append(warn(Check.API_ACCESS, "none: the HTTP API answers nobody", todo))
    else:
        found.append(ok(Check.API_ACCESS, "set"))
    if settings.syncd_dry_run:
        todo = "unset SYNCD_DRY_RUN when the plans look right"
        found.append(warn(Check.DRY_RUN, "on: everything is planned, nothing is written", todo))
    else:
        found.append(ok(Check.DRY_RUN, "off"))
    return found


def settings_wrong(error: config.ConfigError) -> list[Finding]:
    """One finding for each line of what is wrong."""
    todo = "correct it in the environment, .env or syncd.toml"
    return [fail(Check.SETTINGS, line, todo, code=2) for line in error.lines]


def disk(settings: config.Settings) -> list[Finding]:
    """Room and rights where the state is kept."""
    place = settings.state_dir
    while not place.exists():
        place = place.parent
    found = [room(place)]
    if not os.access(place, os.W_OK):
        todo = "set SYNCD_STATE_DIR, or run the command as the daemon's user"
        found.append(fail(Check.STATE_DIR, f"{place} is not writable by this user", todo))
    elif settings.state_dir.is_dir():
        found.append(_private(settings))
    else:
        found.append(ok(Check.STATE_DIR, f"{settings.state_dir} is made at the first start"))
    found += _env_file(Path(".env"))
    return found


def room(place: Path) -> Finding:
    """Whether the disk has room; also for who watches it at run time. Raises OSError."""
    free = shutil.disk_usage(place).free
    seen = f"{free / 1e9:.1f} GB free in {place}"
    if free < LEAST_DISK:
        return fail(Check.DISK, seen, "make room: a full disk stops the ledger and with it everything")
    return ok(Check.DISK, seen)


def _private(settings: config.Settings) -> Finding:
    ledger = ledger_file(settings)
    places = [settings.state_dir, *([ledger] if ledger is not None and ledger.is_file() else [])]
    strangers = [place for place in places if place.stat().st_uid not in (os.getuid(), 0)]
    if strangers:
        todo = "run commands as the daemon's user, or the daemon cannot read what they leave"
        return warn(Check.STATE_DIR, f"{strangers[0]} belongs to another user", todo)
    for place in places:
        if place.stat().st_mode & 0o077:
            todo = f"run `chmod {'700' if place.is_dir() else '600'} {place}`: people's data is in it"
            return warn(Check.STATE_DIR, f"{place} may be read by others", todo)
    return ok(Check.STATE_DIR, f"{settings.state_dir}, for its owner only")


def _env_file(path: Path) -> list[Finding]:
    if not path.is_file():
        return []
    if path.stat().st_mode & 0o077:
        todo = f"run `chmod 600 {path.resolve()}`: it holds passwords"
        return [warn(Check.SECRETS, f"{path.resolve()} may be read by others", todo)]
    return [ok(Check.SECRETS, f"{path.resolve()}, for its owner only")]


async def http_port(settings: config.Settings) -> Finding:
    """Whether the port of the daemon is free, or held by a daemon."""
    host, port = settings.syncd_http_host, settings.syncd_http_port
    if port == 0:
        todo = "set SYNCD_HTTP_PORT: EspoCRM and browsers need an address that stays"
        return warn(Check.PORT, "any free one, another one after each start", todo)
    try:
        listen(host, port).close()
    except CannotListen as error:
        if await _is_ours(host, port):
            return ok(Check.PORT, f"{host}:{port} is served by syncd")
        why = str(error).partition(":")[0]
        return fail(Check.PORT, why, "stop what uses it, or set SYNCD_HTTP_HOST and SYNCD_HTTP_PORT")
    return ok(Check.PORT, f"{host}:{port} is free; no daemon listens there now")


async def _is_ours(host: str, port: int) -> bool:
    """Whether a syncd answers there. Asked by hand: the clients of `services` are for the two systems."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /version HTTP/1.0\r\nHost: localhost\r\n\r\n")
            await writer.drain()
            answer = await reader.read(-1)  # it closes: this is HTTP/1.0
            writer.close()
    except (OSError, TimeoutError):
        return False
    return b'"syncd"' in answer


def watchdog(manager: config.ServiceManager) -> list[Finding]:
    """Only where a service manager has started us: whether it notices a daemon that hangs."""
    if not manager.socket:
        return []
    if manager.watchdog_seconds is None:
        todo = "add WatchdogSec=60 to the unit, as in systemd/syncd.service"
        return [warn(Check.WATCHDOG, "a daemon that hangs is not noticed", todo)]
    return [ok(Check.WATCHDOG, f"a daemon that hangs is restarted after {manager.watchdog_seconds:g} s")]
