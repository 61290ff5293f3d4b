"""What `syncd doctor` looks at in EspoCRM. Reads only; what an answer means is judged by pure functions beside it."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from mappers.spec import Entity
from services.errors import Credentials, Missing, Outage, PeerError
from syncd import webhooks
from syncd.doctor import fields, rights
from syncd.doctor.answers import rows, table, word
from syncd.doctor.peers import Peers, clock
from syncd.findings import Check, Finding, fail, ok, warn
from syncd.ledger import views
from syncd.ledger.store import Ledger
from syncd.setup.formula import fits
from syncd.setup.wanted import WantedEntity, wanted

SKIPS_OWN = (9, 2)  # versions from which on
REFUSES_INTERNAL = (9, 3, 2)
DROPS_REFUSED = (10,)

Part = Callable[[Peers, Mapping[str, Any]], Awaitable[list[Finding]]]


async def examine(peers: Peers) -> list[Finding]:
    """Everything of EspoCRM; raises `Outage` and `Credentials`, any other answer is a finding."""
    me = await peers.espo.whoami()
    body = table(me.body)
    found = user(body)
    if me.date is not None:
        found.append(clock(Check.ESPO_CLOCK, peers.now() - me.date))
    definitions = await _definitions(peers, found)
    missing = {name for name, one in definitions.items() if not one.get("fields")}
    peers = replace(peers, entities={name: one for name, one in peers.entities.items() if name not in missing})
    found += rights.judge(body.get("acl"), peers.entities.values())

    async def entities(peers: Peers, me: Mapping[str, Any]) -> list[Finding]:
        known = [one for name, one in peers.entities.items() if name in definitions]
        return [finding for one in known for finding in await _entity(peers, me, one, definitions[one.name])]

    parts: tuple[Part, ...] = (_instance, entities, _webhooks, _people)
    for part in parts:
        try:
            found += await part(peers, body)
        except (Outage, Credentials):
            raise
        except PeerError as error:
            found.append(warn(Check.ESPO_ANSWER, f"{error.reason}", "see EspoCRM's log: data/logs in its directory"))
    return found


def user(me: Mapping[str, Any]) -> list[Finding]:
    """Whose key it is: an API user of its own, so that our writes can be told from people's."""
    one = table(me.get("user"))
    name, kind = word(one.get("userName")), one.get("type")
    if not name:
        todo = "see whether ESPOCRM_API_BASE_URL is EspoCRM's own address and no proxy's"
        return [fail(Check.ESPO_LOGIN, "an answer without our user", todo)]
    found = [ok(Check.ESPO_LOGIN, f"as {name}")]
    if kind in ("api", None):
        found.append(ok(Check.ESPO_USER, "an API user"))
    else:
        todo = "give the daemon an API user of its own: by it syncd tells its writes from a person's"
        found.append(fail(Check.ESPO_USER, f"{name} is of type {word(kind) or 'unknown'}", todo))
    return found


# --- the instance -----------------------------------------------------------------------------


async def _instance(peers: Peers, me: Mapping[str, Any]) -> list[Finding]:
    told = table((await peers.espo.settings()).body)
    found = [version(word(told.get("version")) or word(table(me.get("settings")).get("version")))]
    if told.get("phoneNumberInternational") is False:
        todo = "switch on international phone numbers in Administration, Settings: then each number has one form"
        found.append(warn(Check.ESPO_LIST, "phone numbers may be in national form", todo, "phoneNumber"))
    return found


def version(text: str) -> Finding:
    """EspoCRM's version and what is known to be odd about it."""
    parts = _version(text)
    if parts is None:
        return warn(Check.ESPO_VERSION, "not told", "compare it by hand: syncd was tried with EspoCRM 9.3")
    if parts < SKIPS_OWN:
        todo = "update EspoCRM: before 9.2 webhooks cannot leave out our own writes, so each one comes back as work"
        return warn(Check.ESPO_VERSION, text, todo)
    if parts >= DROPS_REFUSED:
        todo = "put a proxy that answers 503 before syncd: this version drops an event for good if nobody listens"
        return warn(Check.ESPO_VERSION, f"{text}: a refused connection loses the event", todo)
    return ok(Check.ESPO_VERSION, text)


def _version(text: str) -> tuple[int, ...] | None:
    numbers = text.split("-")[0].split(".")
    if not text or not all(one.isascii() and one.isdigit() and len(one) < 6 for one in numbers):
        return None
    return tuple(int(one) for one in numbers)


async def _definitions(peers: Peers, found: list[Finding]) -> Mapping[str, Mapping[str, Any]]:
    """By our name what EspoCRM says of each entity, {} where there is none; none at all where it cannot be asked."""
    definitions: dict[str, Mapping[str, Any]] = {}
    try:
        for name, entity in peers.entities.items():
            definitions[name] = table(await peers.espo.metadata(f"entityDefs.{entity.espo_type}"))
    except (Outage, Credentials):
        raise
    except PeerError as error:
        found.append(warn(Check.ESPO_ANSWER, f"{error.reason}", "see EspoCRM's log: data/logs in its directory"))
        return {}
    for name, entity in peers.entities.items():
        if not definitions[name].get("fields"):
            rest = "; until then all else goes on without it" if entity.child is not None else ""
            todo = f"{fields.SETUP}, or name yours by espo_type in syncd.toml{rest}"
            found.append(fail(Check.ESPO_ENTITY, "does not exist", todo, entity.espo_type))
    return definitions


async def _entity(peers: Peers, me: Mapping[str, Any], entity: Entity, definition: Mapping[str, Any]) -> list[Finding]:
    found = [ok(Check.ESPO_ENTITY, "there", entity.espo_type)]
    scope = table(await peers.espo.metadata(f"scopes.{entity.espo_type}"))
    found += scoped(entity, scope, definition)
    found += fields.judge(entity, definition)
    parent = peers.entities.get(entity.child.parent) if entity.child is not None else None
    if parent is not None:
        found += fields.belongs(entity, parent.espo_type, definition)
    script = table(await peers.espo.metadata(f"formula.{entity.espo_type}")).get("beforeSaveCustomScript")
    name = word(table(me.get("user")).get("userName"))
    made = {one.name: one for one in wanted(peers.entities.values())}
    if entity.name in made:
        found.append(formula(made[entity.name], script if isinstance(script, str) else "", name))
    found += await _filter(peers, entity)
    return found


def scoped(entity: Entity, scope: Mapping[str, Any], definition: Mapping[str, Any]) -> list[Finding]:
    """Stream and optimistic concurrency control of an entity."""
    name = entity.espo_type
    if entity.child is not None:
        stream = ok(Check.ESPO_STREAM, "not needed: notes are on the record it belongs to", name)
    elif scope.get("stream") is True:
        stream = ok(Check.ESPO_STREAM, "on", name)
    else:
        todo = "switch on Stream in the entity manager, or no note on a record can tell people what happened"
        stream = warn(Check.ESPO_STREAM, "off", todo, name)
    if definition.get("optimisticConcurrencyControl") is True:
        versions = ok(Check.ESPO_VERSIONS, "on", name)
    else:
        todo = "switch it on in the entity manager: EspoCRM then refuses to let us write over a save we have not seen"
        versions = warn(Check.ESPO_VERSIONS, "off", todo, name)
    return [stream, versions]


def formula(entity: WantedEntity, script: str, user_name: str) -> Finding:
    """The status formula: as setting up would make it, or a firm's own that does the same."""
    name = entity.espo_type
    if fits(script, entity.watched, entity.status, user_name):
        return ok(Check.ESPO_FORMULA, "sets the status when people edit", name)
    if entity.status not in script:
        todo = f"{fields.SETUP}: without the formula people do not see that a record waits; changes are found anyway"
        return warn(Check.ESPO_FORMULA, "none sets the status when people edit", todo, name)
    if f"'{user_name}'" not in script:
        todo = f"{fields.SETUP}, which names {user_name}: our own writes set the status now, and come back as work"
        return fail(Check.ESPO_FORMULA, "does not leave out our own writes", todo, name)
    overlooked = [one for one in entity.watched if f"isAttributeChanged('{one}')" not in script]
    seen = f"does not look at {', '.join(overlooked)}" if overlooked else "is not as it must be"
    return warn(Check.ESPO_FORMULA, seen, f"{fields.SETUP}, which mends it; changes are found without it too", name)


async def _filter(peers: Peers, entity: Entity) -> list[Finding]:
    """The filter of syncd.toml is one EspoCRM understands."""
    own = peers.mapping.entities.get(entity.name)
    if own is None or not own.filter:
        return []
    try:
        page = await peers.espo.list(entity.espo_type, where=own.filter, select=["id"], max_size=1, count="exact")
    except (Outage, Credentials):
        raise
    except PeerError as error:
        todo = "correct the filter in syncd.toml: nothing takes part as it is"
        return [fail(Check.ESPO_FILTER, error.reason, todo, entity.name)]
    if page.total == 0:
        todo = "see whether the filter in syncd.toml is meant: it lets no record take part"
        return [warn(Check.ESPO_FILTER, "lets nothing through", todo, entity.name)]
    return [ok(Check.ESPO_FILTER, f"lets {page.total} records through", entity.name)]


# --- webhooks ---------------------------------------------------------------------------------


async def _webhooks(peers: Peers, me: Mapping[str, Any]) -> list[Finding]:
    if not table(table(me.get("acl")).get("table")).get("Webhook") or peers.ledger is None:
        return []
    configured = peers.settings.espocrm_webhook_secrets
    known = await webhooks.listed(peers.espo, peers.ledger, configured)
    verdicts = webhooks.judge(webhooks.wanted(peers.entities.values()), known, peers.settings.syncd_public_url)
    return [*webhook(verdicts), *await _reaches_us(peers, peers.ledger, verdicts)]


def webhook(verdicts: list[webhooks.Verdict]) -> list[Finding]:
    """Each one that is not as it must be; also for who watches them at run time."""
    todo = "run `syncd webhooks register`: until then changes are found by polling only"
    bad = [warn(Check.ESPO_WEBHOOK, one.wrong, todo, one.event) for one in verdicts if one.wrong]
    return bad or [ok(Check.ESPO_WEBHOOK, f"all {len(verdicts)} there, active, and checkable")]


async def _reaches_us(peers: Peers, ledger: Ledger, verdicts: list[webhooks.Verdict]) -> list[Finding]:
    """Whether anything has come, and if not what probably stands in the way."""
    there = [one.webhook for one in verdicts if one.webhook is not None and one.webhook.active]
    if not there:
        return []
    last = await ledger.read(views.events_page, None, None, 1)
    if last:
        return [ok(Check.ESPO_REACHES_US, f"the last delivery came {_ago(peers.now() - last[0]['at'])} ago")]
    address = there[0].url
    if internal(address):
        todo = f"see that EspoCRM's data/config.php has {webhooks.allowed_line(address)} or it calls no such address"
        return [warn(Check.ESPO_REACHES_US, "nothing has come within two days, and the address is internal", todo)]
    todo = "edit a record and wait three minutes; then see EspoCRM's Webhook Event Queue and its scheduled jobs"
    return [warn(Check.ESPO_REACHES_US, "nothing has come within two days", todo)]


def internal(url: str) -> bool:
    """Whether EspoCRM takes an address for internal, which it calls only if allowed by name."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan"))


def _ago(seconds: float) -> str:
    return f"{max(0.0, seconds) / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


# --- people -----------------------------------------------------------------------------------


async def _people(peers: Peers, me: Mapping[str, Any]) -> list[Finding]:
    return [*await _task_user(peers), *await _team(peers)]


async def _task_user(peers: Peers) -> list[Finding]:
    named = peers.settings.syncd_task_user
    if not named:
        seen = "none: a stream note takes the place of Tasks nobody is assigned to"
        return [ok(Check.ESPO_TASK_USER, seen)]
    page = await peers.espo.list("User", where=[_is("userName", named)], select=["id", "isActive"], max_size=1)
    body = table(page.rows[0]) if page.rows else await _read(peers, "User", named)
    if not body:
        todo = "set SYNCD_TASK_USER to the user name or id of somebody EspoCRM knows"
        return [fail(Check.ESPO_TASK_USER, "EspoCRM has no such user", todo, word(named))]
    if body.get("isActive") is False:
        todo = "set SYNCD_TASK_USER to somebody who is active: EspoCRM refuses Tasks for this one"
        return [fail(Check.ESPO_TASK_USER, "is not active", todo, word(named))]
    return [ok(Check.ESPO_TASK_USER, "there and active", word(named))]


async def _team(peers: Peers) -> list[Finding]:
    named = peers.settings.syncd_import_team
    if not named:
        return []
    page = await peers.espo.list("Team", where=[_is("name", named)], select=["id"], max_size=2)
    if len(rows(page.rows)) > 1:
        todo = "set SYNCD_IMPORT_TEAM to the id of the one that is meant"
        return [warn(Check.ESPO_TEAM, "more than one team has this name", todo, word(named))]
    if page.rows or await _read(peers, "Team", named):
        return [ok(Check.ESPO_TEAM, "there", word(named))]
    todo = "set SYNCD_IMPORT_TEAM to the name or id of a team EspoCRM has"
    return [fail(Check.ESPO_TEAM, "EspoCRM has no such team", todo, word(named))]


async def _read(peers: Peers, entity: str, espo_id: str) -> Mapping[str, Any]:
    """A record by its id; {} where there is none."""
    try:
        return table((await peers.espo.read(entity, espo_id)).body)
    except Missing:
        return {}


def _is(attribute: str, value: str) -> dict[str, str]:
    return {"type": "equals", "attribute": attribute, "value": value}
