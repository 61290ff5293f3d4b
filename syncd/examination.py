"""What `syncd doctor` looks at in both systems, looked at regularly by the daemon; what is wrong is remembered.

Hourly while all is well, sooner while something is wrong, so that what was put right is soon known. Reads only. A
system that is away keeps what was known of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import structlog

import config
from services.errors import PeerError
from services.ports import Urgency, lane
from syncd import webhooks
from syncd.app import App
from syncd.doctor import advoware, espocrm
from syncd.doctor.examine import both
from syncd.doctor.peers import Peers
from syncd.findings import Check, Finding
from syncd.ledger import facts

log = structlog.get_logger()

EXAMINE_EVERY = 60.0
WELL_FOR = 3600.0
WRONG_FOR = 600.0  # each look makes some 30 calls, and EspoCRM keeps a row of each
STOPPED_FOR = 60.0
# Without these no record is synced; all else that fails is an alarm, and work goes on.
STOPS_WORK = frozenset({Check.ESPO_RIGHTS, Check.ESPO_ENTITY, Check.ESPO_FIELD, Check.ESPO_OPTIONS, Check.ESPO_FILTER})


async def examine_if_due(app: App, mapping: config.Mapping) -> None:
    """Examine both systems, unless that was done a short while ago."""
    clock, ledger = app.parts.clock, app.parts.ledger
    known = await ledger.read(facts.get, "examined", {})
    if clock.now() - known.get("at", 0.0) < _good_for(known):
        return
    peers = _peers(app, mapping)
    found = dict(known)
    with lane(Urgency.BACKGROUND):
        for side in (_espocrm, _advoware, _webhooks):
            try:
                found |= await side(app, peers, found.get("setup", {}))
            except PeerError as error:
                log.info("examination.postponed", side=error.side, reason=error.reason)
    await ledger.write(facts.put, "examined", found | {"at": clock.now()})


async def examined_now(app: App, mapping: config.Mapping) -> dict[str, Any]:
    """What `syncd doctor` tells of both systems, looked at now: its findings, and what is assumed of Advoware."""
    with lane(Urgency.BACKGROUND):
        found = await both(_peers(app, mapping))
    return {name: [asdict(one) for one in getattr(found, name)] for name in ("findings", "assumptions")}


def _peers(app: App, mapping: config.Mapping) -> Peers:
    return Peers(app.settings, mapping, app.entities(), app.espo, app.advoware, app.parts.ledger, app.parts.clock.now)


def _good_for(known: Mapping[str, Any]) -> float:
    """Seconds until what is known is looked at again."""
    if known.get("stops"):
        return STOPPED_FOR
    return WRONG_FOR if any(known.get("setup", {}).values()) or known.get("webhooks") else WELL_FOR


async def _espocrm(app: App, peers: Peers, setup: dict[str, list[str]]) -> dict[str, object]:
    findings = await espocrm.examine(peers)
    stops = [_name(one) for one in findings if one.grade == "fail" and one.check in STOPS_WORK]
    return {"setup": {**setup, "espocrm": _failing(findings)}, "stops": stops}


async def _advoware(app: App, peers: Peers, setup: dict[str, list[str]]) -> dict[str, object]:
    return {"setup": {**setup, "advoware": _failing((await advoware.examine(peers)).findings)}}


async def _webhooks(app: App, peers: Peers, setup: dict[str, list[str]]) -> dict[str, object]:
    return {"webhooks": await wrong_webhooks(app)}


def _failing(findings: list[Finding]) -> list[str]:
    return list(dict.fromkeys(_name(one) for one in findings if one.grade == "fail"))


def _name(finding: Finding) -> str:
    """What was looked at. Of whom only where it is a name from the mapping: elsewhere it may be a person's."""
    name = finding.check.value.partition(".")[2].replace("_", " ")
    return f"{name} {finding.about}" if finding.check in STOPS_WORK and finding.about else name


async def wrong_webhooks(app: App) -> list[str]:
    """What is wrong with our webhooks, by event; nothing where none was ever registered. Raises `PeerError`."""
    configured = app.settings.espocrm_webhook_secrets
    if not configured and not await app.parts.ledger.read(facts.webhook_secrets):
        return []
    known = await webhooks.listed(app.espo, app.parts.ledger, configured)
    verdicts = webhooks.judge(webhooks.wanted(app.entities().values()), known, app.settings.syncd_public_url)
    return [f"{one.event} {one.wrong}" for one in verdicts if one.wrong]
