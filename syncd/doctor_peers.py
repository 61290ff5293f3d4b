"""What `syncd doctor` looks at in EspoCRM and Advoware: rights, fields, webhooks, clocks, what is only assumed.

Reads only. An answer that is none comes through as `PeerError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import config
from mappers.spec import Entity, Side, Unmappable
from services.advoware import AdvowareClient, local_time
from services.errors import Credentials, Denied, Missing, Outage, PeerError
from services.espocrm import EspoClient
from syncd import webhooks
from syncd.doctor_lists import SETUP, answered, needed, unseen
from syncd.findings import Finding, fail, ok, warn
from syncd.ledger import pairs
from syncd.ledger.store import Ledger
from syncd.model import Status

# EspoCRM's field types that can hold what we put there.
_TEXTS = ("varchar", "text", "enum", "personName", "url")
_STATUS_TYPES = {
    "status": ("enum",),
    "last_sync": ("datetime", "datetimeOptional"),
    "row_id": ("varchar", "text"),
    "error": ("text", "wysiwyg"),
    "retries": ("int",),
    "next_retry": ("datetime", "datetimeOptional"),
    "auto_reset": ("datetime", "datetimeOptional"),
}


@dataclass(frozen=True)
class Peers:
    """Both systems as a job would see them. `clocked(name, seconds ahead)` judges a clock."""

    settings: config.Settings
    entities: Mapping[str, Entity]
    espo: EspoClient
    advoware: AdvowareClient
    ledger: Ledger | None
    now: Callable[[], float]
    clocked: Callable[[str, float], Finding]


# --- EspoCRM ----------------------------------------------------------------------------------


async def examine_espocrm(peers: Peers, findings: list[Finding]) -> None:
    """Login, clock, rights, fields, status logic, webhooks."""
    me = await peers.espo.whoami()
    user, table = me.body.get("user") or {}, (me.body.get("acl") or {}).get("table") or {}
    findings.append(ok("espocrm login", f"as {user.get('userName')}"))
    if user.get("type") not in ("api", None):
        todo = "give the daemon an API user of its own, or its writes cannot be told from a person's"
        findings.append(warn("espocrm user", f"is of type {user['type']}", todo))
    if me.date is not None:
        findings.append(peers.clocked("clock and EspoCRM", peers.now() - me.date))
    for entity in peers.entities.values():
        findings.append(_rights(table, entity))
        definition = await peers.espo.metadata(f"entityDefs.{entity.espo_type}")
        if not definition:
            findings.append(fail(f"entity {entity.espo_type}", "does not exist", SETUP))
            continue
        findings += _fields(entity, definition.get("fields") or {})
        findings += needed(entity, definition.get("fields") or {})
        findings.append(await _formula(peers.espo, entity))
    findings.append(_may("Task", table, ("create", "edit"), "no Tasks will tell people what waits for them"))
    await _webhooks(peers, table, findings)


def _rights(table: Mapping[str, Any], entity: Entity) -> Finding:
    rights = table.get(entity.espo_type)
    name = f"rights on {entity.espo_type}"
    if not isinstance(rights, Mapping):
        return fail(name, "none", "give the API user's role read and edit: all")
    lacking = [right for right in ("read", "edit") if rights.get(right) != "all"]
    if lacking:
        return fail(name, f"{' and '.join(lacking)} not on all records", "give the API user's role read and edit: all")
    if rights.get("stream") not in ("all", "own"):
        return warn(name, "no stream", "give stream: all, or no note can tell people what happened")
    return ok(name, "read and edit all")


def _may(scope: str, table: Mapping[str, Any], wanted: tuple[str, ...], else_what: str) -> Finding:
    rights = table.get(scope)
    lacking = [right for right in wanted if not isinstance(rights, Mapping) or rights.get(right) in (None, "no")]
    if lacking:
        return warn(
            f"rights on {scope}", f"no {' and '.join(lacking)}", f"give them to the role: otherwise {else_what}"
        )
    return ok(f"rights on {scope}", " and ".join(wanted))


def _fields(entity: Entity, defined: Mapping[str, Any]) -> list[Finding]:
    """Every mapped field is there and can hold its value; the status fields with their types and options."""
    wrong: list[Finding] = []

    def look(attribute: str, types: tuple[str, ...]) -> Mapping[str, Any]:
        found = defined.get(attribute)
        if not isinstance(found, Mapping):
            wrong.append(fail(f"field {attribute}", "does not exist", f"{SETUP}, or name yours in syncd.toml"))
            return {}
        if found.get("type") not in types:
            wrong.append(fail(f"field {attribute}", f"is of type {found.get('type')}", f"it must be {types[0]}"))
        return found

    for field in entity.fields:
        look(field.espo, ("date",) if field.codec.name == "day" else _TEXTS)
    look(entity.link, ("int",))
    for name, types in _STATUS_TYPES.items():
        found = look(getattr(entity.status, name), types)
        lacking = [status for status in Status if status not in (found.get("options") or ())]
        if name == "status" and found and lacking:
            wrong.append(
                fail(
                    f"options of {entity.status.status}",
                    f"lack {', '.join(lacking)}",
                    "add them to the field's options",
                )
            )
    count = len(entity.fields) + len(_STATUS_TYPES) + 1
    return wrong or [ok(f"fields of {entity.espo_type}", f"all {count} as needed, with the eight states")]


async def _formula(espo: EspoClient, entity: Entity) -> Finding:
    script = str(await espo.metadata(f"formula.{entity.espo_type}"))
    name = f"status logic of {entity.espo_type}"
    overlooked = unseen(entity, script)
    if entity.status.status in script and overlooked:
        todo = "add isAttributeChanged for them (see README); changes are found without it too"
        return warn(name, f"the formula does not look at {', '.join(overlooked)}", todo)
    if entity.status.status in script:
        return ok(name, "a formula sets the status when people edit")
    todo = "add a before-save formula that sets it to dirty (see the docs); changes are found without it too"
    return warn(name, f"no formula sets {entity.status.status}", todo)


async def _webhooks(peers: Peers, table: Mapping[str, Any], findings: list[Finding]) -> None:
    advice = "run `syncd webhooks register --url …`; until then changes are found by polling only"
    if not table.get("Webhook"):
        findings.append(warn("webhooks", "no right to them", "give the API user's role Webhook"))
        return
    if peers.ledger is None:
        findings.append(warn("webhooks", "not looked at without a ledger", advice))
        return
    configured = peers.settings.espocrm_webhook_secrets
    known = await webhooks.listed(peers.espo, peers.ledger, configured)
    verdicts = webhooks.judge(webhooks.wanted(peers.entities.values()), known)
    wrong = [one for one in verdicts if one.wrong]
    findings += [warn(f"webhook {one.event}", one.wrong, advice) for one in wrong]
    if not wrong:
        findings.append(ok("webhooks", f"all {len(verdicts)} there and active"))


# --- Advoware ---------------------------------------------------------------------------------


async def examine_advoware(peers: Peers, findings: list[Finding]) -> None:
    """Login, clock, search, and what is assumed of its answers as far as reading shows it."""
    try:
        await peers.advoware.probe()
    except (Outage, Credentials):
        raise
    except PeerError as error:  # it lets us in; only this list is not for us
        findings.append(warn("advoware probe", error.reason, "nothing, if all else here is well"))
    findings.append(ok("advoware login", f"as {peers.settings.advoware_user}"))
    for entity in peers.entities.values():
        number = await _somebody(peers, entity)
        if number is None:
            todo = "link one record by its number: then the search can be proven and Beteiligte be created"
            findings.append(warn(f"search for {entity.name}", "nobody known to try it with", todo))
            continue
        try:
            reply = await peers.advoware.read(entity.path(number))
        except (Missing, Denied) as error:
            todo = "see whether this Beteiligter exists, and what our Advoware user may read"
            findings.append(warn(f"advoware {entity.name}", f"{number} cannot be read ({error.reason})", todo))
            continue
        if reply.date is not None:
            findings.append(peers.clocked("clock and Advoware", peers.now() - reply.date))
        findings += _assumptions(entity, reply.body)
        findings.append(await _search(peers, entity, number, reply.body))


async def _somebody(peers: Peers, entity: Entity) -> int | None:
    """A number of somebody who is known to be there."""
    pair = None if peers.ledger is None else await peers.ledger.read(pairs.any_linked, entity.name)
    if pair is not None:
        return int(pair["advoware_id"])
    linked = {"type": "isNotNull", "attribute": entity.link}
    try:
        page = await peers.espo.list(entity.espo_type, where=[linked], select=["id", entity.link], max_size=1)
    except PeerError:
        return None
    return int(page.rows[0][entity.link]) if page.rows else None


def _assumptions(entity: Entity, body: Mapping[str, Any]) -> list[Finding]:
    """What the engine relies on in an answer."""
    tell = "report it: the engine relies on it (services/advoware.py names all that is assumed)"
    wrong: list[Finding] = []
    if not body.get("rowId"):
        wrong.append(fail("assumption rowId", "a record has none", tell))
    if local_time(body.get("geaendertAm")) is None:
        wrong.append(warn("assumption geaendertAm", "is missing or of another form", tell))
    absent = [field.name for field in entity.fields if field.advoware not in body]
    if absent:
        wrong.append(warn("assumption fields", f"an answer lacks {', '.join(absent)}", "name yours in syncd.toml"))
    for field in entity.fields:
        try:
            field.parse(Side.ADVOWARE, body)
        except Unmappable:
            wrong.append(
                warn(f"assumption {field.name}", "a value of another form", "correct it in Advoware, or tell us")
            )
    wrong += answered(entity, body)
    return wrong or [ok("advoware answers", "have the form that is relied on")]


async def _search(peers: Peers, entity: Entity, number: int, body: Mapping[str, Any]) -> Finding:
    name = f"search for {entity.name}"
    if peers.settings.advoware_search != "list":
        return ok(name, f"by ADVOWARE_SEARCH={peers.settings.advoware_search}")
    try:
        wanted = [field.parse(Side.ADVOWARE, body) or "" for field in entity.fields[:2]]
    except Unmappable:
        return warn(name, "cannot be tried: a name of another form", "correct that name in Advoware")
    rows = await peers.advoware.search(*wanted)
    if any(str(row.get(entity.advoware_id)) == str(number) for row in rows):
        return ok(name, "finds somebody who is known to be there")
    todo = "nothing is created by itself now: ask the vendor for its parameters, or set ADVOWARE_SEARCH=probe"
    return fail(name, "does not find somebody who is known to be there", todo)
